/** Bad input gets a clear error, crashes nothing and blocks nothing: each row is answered as said, and the next one too. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import type { Service } from "@muster/runtime";
import { ask } from "../support/ask.ts";
import { startPlane, type TestPlane } from "../support/control-plane.ts";
import { startTestGateway } from "../support/gateway.ts";

let plane: TestPlane;
let gateway: Service & { http: string };

before(async () => {
  plane = await startPlane([]);
  gateway = await startTestGateway(plane.server.url);
  assert.equal((await post(JSON.stringify({ id: "/taken", cmd: "true" }))).status, 201);
});
after(async () => {
  await gateway.stop();
  await plane.stop();
});

const post = (body: string | Uint8Array<ArrayBuffer>, path = "/v2/apps", method = "POST") =>
  ask(gateway.http, method, path, body);
type ErrorBody = {
  message: string;
  details?: { path: string; errors: string[]; line?: number; column?: number }[] | string;
};

type Row = {
  name: string;
  body: string | Uint8Array<ArrayBuffer>;
  path?: string;
  method?: string;
  status: number;
  says: RegExp;
};
const TABLE: Row[] = [
  {
    name: "malformed JSON names line, column and what was expected",
    body: '{\n  "id": "a"\n  "cmd": "x"\n}',
    status: 400,
    says: /line 3, column 3.*|[Ee]xpected.*,/,
  },
  { name: "an empty body", body: "", status: 400, says: /JSON|empty|expected/i },
  { name: "half a document", body: '{"id": "a", "cmd": ', status: 400, says: /end/i },
  { name: "a document that is a list", body: "[1, 2]", status: 422, says: /object/i },
  {
    name: "a wrong type names path, expected and got",
    body: '{"id": "a", "cmd": "x", "instances": "many"}',
    status: 422,
    says: /\/instances.*many|many.*\/instances/s,
  },
  {
    name: "several mistakes are told at once",
    body: '{"id": "a", "instances": -1, "cpus": "x", "constraints": [["hostname", "NEAR"]]}',
    status: 422,
    says: /cpus.*|instances.*constraints/s,
  },
  {
    name: "two megabytes",
    body: JSON.stringify({ id: "a", cmd: "x".repeat(2_000_000) }),
    status: 413,
    says: /1.*(MB|bytes)|larger/i,
  },
  { name: "a hundred thousand brackets", body: "[".repeat(100_000), status: 400, says: /deep/i },
  {
    name: "a hundred thousand nested objects",
    body: `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`,
    status: 400,
    says: /deep/i,
  },
  {
    name: "a __proto__ key",
    body: '{"id": "a", "cmd": "x", "env": {"__proto__": "y"}}',
    status: 400,
    says: /__proto__/,
  },
  {
    name: "a constructor key",
    body: '{"id": "a", "cmd": "x", "constructor": {"prototype": {"cpus": 9}}}',
    status: 400,
    says: /constructor/,
  },
  { name: "invalid UTF-8", body: new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), status: 400, says: /UTF-8/i },
  { name: "an id that is taken", body: '{"id": "/taken", "cmd": "true"}', status: 409, says: /already exists/ },
  { name: "an id with capitals", body: '{"id": "/Web", "cmd": "true"}', status: 422, says: /\/id|lower/ },
  {
    name: "a field nothing here can obey",
    body: '{"id": "a", "cmd": "x", "fetch": [{"uri": "http://x/y.tgz"}]}',
    status: 422,
    says: /fetch/,
  },
  {
    name: "an unknown app",
    body: '{"instances": 1}',
    path: "/v2/apps/nobody",
    method: "PATCH",
    status: 404,
    says: /nobody/,
  },
  {
    name: "a broken percent sign in the path",
    body: "{}",
    path: "/v2/apps/%E0%A4%A",
    method: "PUT",
    status: 422,
    says: /%E0%A4%A.*no app id/,
  },
  { name: "an address where nothing is", body: "{}", path: "/v3/things", status: 404, says: /v3/ },
  {
    name: "a LIKE pattern that is none",
    body: '{"id": "a", "cmd": "x", "constraints": [["hostname", "LIKE", "("]]}',
    status: 422,
    says: /constraints/,
  },
];

for (const row of TABLE)
  test(`${row.name}: ${row.status}`, async () => {
    const startedAt = performance.now();
    const answer = await post(row.body, row.path, row.method);
    const { text } = answer;
    assert.equal(answer.status, row.status, text.slice(0, 300));
    const body = JSON.parse(text) as ErrorBody;
    assert.equal(typeof body.message, "string");
    assert.match(text, row.says);
    assert.ok(performance.now() - startedAt < 3_000, "answered in time");
    assert.equal(await (await fetch(`${gateway.http}/ping`)).text(), "pong");
  });

test("unknown fields are ignored with a warning that names them and what was probably meant", async () => {
  const answer = await post('{"id": "/loose", "cmd": "true", "instnces": 3, "owner": {"team": "x"}}');
  assert.equal(answer.status, 201);
  assert.match(answer.headers.get("warning") ?? "", /instnces.*instances/);
});

test("of many writers of one app exactly one creates it, and writers of many apps all succeed", async () => {
  const same = await Promise.all(Array.from({ length: 20 }, () => post('{"id": "/raced", "cmd": "true"}')));
  assert.equal(same.filter(({ status }) => status === 201).length, 1);
  assert.ok(same.every(({ status }) => status === 201 || status === 409));
  const many = await Promise.all(
    Array.from({ length: 50 }, (_, i) => post(JSON.stringify({ id: `/many/${i}`, cmd: "true" }))),
  );
  assert.ok(many.every(({ status }) => status === 201));
});

test("a client that sends half a request and then nothing holds up nobody", async () => {
  const { port } = new URL(gateway.http);
  const slow = connect(Number(port), "127.0.0.1");
  slow.on("error", () => undefined);
  slow.write("POST /v2/apps HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
  assert.equal((await post('{"id": "/meanwhile", "cmd": "true"}')).status, 201);
  slow.destroy();
});

test("the API describes itself: every reference in both documents resolves", async () => {
  for (const path of ["/openapi.json", "/asyncapi.json"]) {
    const document = (await (await fetch(`${gateway.http}${path}`)).json()) as Record<string, unknown>;
    assert.match(String(document.openapi ?? document.asyncapi), /^3\./);
    const resolve = (reference: string) =>
      reference
        .slice(2)
        .split("/")
        .reduce<unknown>(
          (at, part) => (at as Record<string, unknown> | undefined)?.[part.replaceAll("~1", "/").replaceAll("~0", "~")],
          document,
        );
    for (const [, reference] of JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g))
      assert.notEqual(resolve(reference as string), undefined, `${path}: ${reference}`);
  }
});

test("a page whose name was pointed at this machine may neither ask nor change anything", async () => {
  const { port } = new URL(gateway.http);
  const askAs = (method: string, host: string) =>
    new Promise<number>((resolve, reject) => {
      const asking = request(
        { port: Number(port), host: "127.0.0.1", path: "/v2/apps", method, headers: { host } },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        },
      );
      asking.once("error", reject);
      asking.end(method === "POST" ? '{"id": "/rebound", "cmd": "true"}' : undefined);
    });
  assert.equal(await askAs("POST", "evil.example"), 403);
  assert.equal(await askAs("GET", `evil.example:${port}`), 403);
  for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`])
    assert.equal(await askAs("GET", host), 200, host);
});
