import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ErrorBodySchema, keys } from "@muster/contracts";
import { createApi } from "./api.ts";
import type { Gateway } from "./gateway.ts";
import { fakeGateway } from "./testing/fake-gateway.ts";

/** What some reply may hold. */
type Reply = {
  readonly id: string;
  readonly app: Readonly<Record<string, unknown>>;
  readonly apps: readonly { readonly id: string }[];
  readonly versions: readonly string[];
  readonly tasks: readonly unknown[];
  readonly tasksRunning: number;
  readonly deployments: readonly unknown[];
  readonly deploymentId: string;
  readonly fencedIncarnation: number;
  readonly message: string;
  readonly code: string;
  readonly details: unknown;
};

const TRACE = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01";

async function start(more: Partial<Gateway> = {}) {
  const gateway = await fakeGateway(more);
  const api = createApi(gateway);
  const ask = (method: string, path: string, body?: string | object, headers: Record<string, string> = {}) =>
    api.fetch(
      new Request(`http://127.0.0.1:8080${path}`, {
        method,
        headers: { host: "127.0.0.1:8080", ...headers },
        body: body === undefined || typeof body === "string" ? (body ?? null) : JSON.stringify(body),
      }),
      { requester: { who: "test", from: "here" } },
    );
  const json = async (response: Response) => (await response.json()) as Reply;
  return { gateway, ask, json };
}

const hello = { id: "/hello", cmd: "sleep 9", instances: 2, cpus: "0.25" };

/** The deployer's part: the deployment ends. */
function end({ state }: Gateway & { state: { put(key: string, value: unknown): void } }, id: string): void {
  for (const { value } of [...state.kind("app").values()])
    if (value.id === id) state.put(keys.app(id), { ...value, deployment: null });
}

describe("changes of apps", () => {
  test("POST answers 201 with the app, where it is, its deployment, its trace and what was understood", async () => {
    const { gateway, ask, json } = await start();
    const response = await ask("POST", "/v2/apps", hello, {
      "content-type": "application/x-www-form-urlencoded",
      traceparent: TRACE,
    });
    assert.equal(response.status, 201);
    assert.equal(response.headers.get("location"), "/v2/apps/hello");
    assert.equal(response.headers.get("marathon-deployment-id"), "id-1");
    assert.equal(response.headers.get("x-muster-trace"), "0123456789abcdef0123456789abcdef");
    assert.match(response.headers.get("warning") ?? "", /^299 muster "\/cpus: .*0\.25/);
    const app = await json(response);
    assert.deepEqual([app.id, app.deployments, app.tasksRunning, app.tasks], ["/hello", [{ id: "id-1" }], 0, []]);
    assert.deepEqual(gateway.state.kind("deployment").get("id-1")?.value.by, { who: "test", from: "here" });
  });

  test("the caller's trace goes on through the request, its reading and its commit", async () => {
    const { gateway, ask } = await start();
    await ask("POST", "/v2/apps", hello, { traceparent: TRACE });
    const [server, validate, deploy, commit] = gateway.spans;
    assert.deepEqual([server?.name, server?.kind, server?.parent], ["POST /v2/apps", "server", TRACE]);
    assert.deepEqual([validate?.name, validate?.parent], ["validate", server?.traceparent]);
    assert.deepEqual([deploy?.name, deploy?.parent], ["deploy", server?.traceparent]);
    assert.deepEqual([commit?.name, commit?.parent], ["commit", server?.traceparent]);
    assert.equal(gateway.state.kind("wanted").get("hello")?.value.trace, deploy?.traceparent);
    assert.equal(gateway.state.kind("app").get("hello")?.value.trace, server?.traceparent);
    await ask("GET", "/v2/apps");
    assert.equal(gateway.spans.length, 4, "questions have no spans");
  });

  test("an id that is taken, a lock and its override", async () => {
    const { gateway, ask, json } = await start();
    await ask("POST", "/v2/apps", hello);
    assert.equal((await ask("POST", "/v2/apps", hello)).status, 409);
    const locked = await ask("PUT", "/v2/apps/hello", { cpus: 2 });
    assert.equal(locked.status, 409);
    assert.deepEqual((await json(locked)).deployments, [{ id: "id-1" }]);
    for (const query of ["?force=true", "?force=True", "?force"]) {
      const cpus = query.length;
      assert.equal((await ask("PUT", `/v2/apps/hello${query}`, { cpus })).status, 200, query);
    }
    assert.equal((await ask("PUT", "/v2/apps/hello?force=perhaps", { cpus: 2 })).status, 422);
    end(gateway, "/hello");
    assert.equal((await ask("PUT", "/v2/apps/hello", { cpus: 3 })).status, 200);
  });

  test("PUT creates with 201, changes with 200, and names a deployment only where something changes", async () => {
    const { gateway, ask, json } = await start();
    const created = await ask("PUT", "/v2/apps//prod/web/", { cmd: "sleep 9" });
    assert.equal(created.status, 201);
    assert.deepEqual(await json(created), { version: "2027-01-15T08:00:01.000Z", deploymentId: "id-1" });
    end(gateway, "/prod/web");
    const same = await ask("PUT", "/v2/apps/prod/web", { cmd: "sleep 9" });
    assert.equal(same.status, 200);
    assert.equal(same.headers.get("marathon-deployment-id"), null);
    assert.equal(typeof (await json(same)).deploymentId, "string");
    assert.equal((await ask("PATCH", "/v2/apps/prod/web", { instances: 4 })).status, 200);
    assert.equal(gateway.state.kind("app").get("prod_web")?.value.instances, 4);
  });

  test("PUT keeps what is not sent, unless partialUpdate=false", async () => {
    const { gateway, ask, json } = await start();
    await ask("POST", "/v2/apps", { ...hello, labels: { a: "b" } });
    end(gateway, "/hello");
    await ask("PUT", "/v2/apps/hello", { mem: 64 });
    assert.deepEqual((await json(await ask("GET", "/v2/apps/hello"))).app.labels, { a: "b" });
    end(gateway, "/hello");
    await ask("PUT", "/v2/apps/hello?partialUpdate=false", { cmd: "sleep 9" });
    assert.deepEqual((await json(await ask("GET", "/v2/apps/hello"))).app.labels, {});
  });

  test("a version alone goes back to it; one that never was is unknown", async () => {
    const { gateway, ask, json } = await start();
    await ask("POST", "/v2/apps", hello);
    end(gateway, "/hello");
    await ask("PUT", "/v2/apps/hello", { cmd: "sleep 10" });
    end(gateway, "/hello");
    const { versions } = await json(await ask("GET", "/v2/apps/hello/versions"));
    assert.equal(versions.length, 2);
    const response = await ask("PUT", "/v2/apps/hello", { version: versions[1] });
    assert.equal(response.status, 200);
    const { app } = await json(await ask("GET", "/v2/apps/hello"));
    assert.equal(app.cmd, "sleep 9");
    assert.notEqual(app.version, versions[1]);
    assert.equal((await ask("PUT", "/v2/apps/hello", { version: "1999-01-01T00:00:00.000Z" })).status, 404);
    assert.equal((await ask("PUT", "/v2/apps/hello", { version: "x" })).status, 422);
  });

  test("restart makes a version, DELETE overtakes without being told to", async () => {
    const { gateway, ask } = await start();
    await ask("POST", "/v2/apps", hello);
    assert.equal((await ask("POST", "/v2/apps/hello/restart")).status, 409);
    assert.equal((await ask("POST", "/v2/apps/hello/restart?force=true")).status, 200);
    assert.equal((await ask("DELETE", "/v2/apps/hello?force=false")).status, 409);
    const deleted = await ask("DELETE", "/v2/apps/hello");
    assert.equal(deleted.status, 200);
    assert.equal(gateway.state.kind("app").get("hello")?.value.goal, "deleted");
    assert.equal((await ask("POST", "/v2/apps", hello)).status, 409);
    assert.equal((await ask("POST", "/v2/apps?force=true", hello)).status, 201);
  });
});

describe("refusals", () => {
  const cases = [
    ["POST", "/v2/apps", "{\n  not", 400],
    ["POST", "/v2/apps", "", 400],
    ["POST", "/v2/apps", "[".repeat(100_000), 400],
    ["POST", "/v2/apps", `{"a":`.repeat(100_000), 400],
    ["POST", "/v2/apps", '{"id":"/a","__proto__":{"x":1}}', 400],
    ["POST", "/v2/apps", "x".repeat(2_000_000), 413],
    ["POST", "/v2/apps", "[]", 422],
    ["POST", "/v2/apps", "null", 422],
    ["POST", "/v2/apps", '{"id":"/a","cmd":5}', 422],
    ["PUT", "/v2/apps/%zz", '{"cmd":"sleep 1"}', 422],
    ["PUT", "/v2/apps/a_b", '{"version":"2027-01-15T08:00:01.000Z"}', 404],
    ["PATCH", "/v2/apps/nope", "{}", 404],
    ["PATCH", "/v2/apps/%zz", "{}", 404],
    ["DELETE", "/v2/apps/nope", undefined, 404],
    ["POST", "/v2/apps/nope/restart", undefined, 404],
    ["GET", "/v2/apps/nope", undefined, 404],
    ["GET", "/v2/apps/%E0%A4%A", undefined, 404],
    ["GET", "/v2/apps/nope/tasks", undefined, 404],
    ["GET", "/v2/apps/nope/versions/x", undefined, 404],
    ["GET", "/v2/apps?label=a%20in", undefined, 422],
    ["GET", "/v1/deployments/nope", undefined, 404],
    ["GET", "/v1/why", undefined, 422],
    ["GET", "/v1/why?app=/nope", undefined, 404],
    ["GET", "/v1/instances?instance=nope", undefined, 404],
    ["GET", "/v1/instances?ended=perhaps", undefined, 422],
    ["POST", "/v1/agents/nope", '{"goal":"drain"}', 404],
    ["POST", "/v1/agents/nope", '{"goal":"fly"}', 422],
    ["POST", "/v1/agents/a%20b", '{"goal":"drain"}', 404],
    ["GET", "/v2/leader", undefined, 404],
    ["GET", "/v2/groups/none", undefined, 404],
    ["GET", "/nothing", undefined, 404],
    ["DELETE", "/v2/apps", undefined, 405],
  ] as const;
  for (const [method, path, body, status] of cases) {
    test(`${method} ${path} ${(body ?? "").slice(0, 40)} is ${status}, with a sentence`, async () => {
      const { ask } = await start();
      const response = await ask(method, path, body);
      assert.equal(response.status, status);
      const { message } = ErrorBodySchema.parse(await response.json());
      assert.ok(message.length > 5, message);
    });
  }

  test("a mistake names its line and what was expected there", async () => {
    const { ask, json } = await start();
    const body = await json(await ask("POST", "/v2/apps", '{\n  "id": "/a"\n  "cmd": "x"\n}'));
    assert.equal(body.code, "json.malformed");
    assert.deepEqual(body.details, [
      { path: "", errors: ["Expected ',' or '}' after property value"], line: 3, column: 3 },
    ]);
  });

  test("nothing is answered from half a view", async () => {
    const { gateway, ask, json } = await start();
    Object.assign(gateway, { state: { ...gateway.state, complete: false, kind: () => new Map() } });
    const { ask: askHalf } = await start({ state: gateway.state });
    for (const [method, path] of [
      ["GET", "/v2/apps"],
      ["POST", "/v2/apps"],
      ["GET", "/v1/cluster"],
    ] as const) {
      const response = await askHalf(method, path, method === "POST" ? hello : undefined);
      assert.equal(response.status, 503);
      assert.equal(response.headers.get("retry-after"), "1");
      assert.equal((await json(response)).code, "cluster.not-ready");
    }
    assert.equal((await askHalf("GET", "/readyz")).status, 503);
    assert.equal((await askHalf("GET", "/livez")).status, 200);
    assert.equal((await ask("GET", "/ping")).status, 200);
  });

  test("a page of another site changes nothing; a program and our own page may", async () => {
    const { ask } = await start();
    assert.equal((await ask("POST", "/v2/apps", hello, { origin: "http://evil.example" })).status, 403);
    assert.equal((await ask("POST", "/v2/apps", hello, { origin: "null" })).status, 403);
    assert.equal((await ask("GET", "/v2/apps", undefined, { origin: "http://evil.example" })).status, 200);
    assert.equal((await ask("POST", "/v2/apps", hello, { origin: "http://127.0.0.1:8080" })).status, 201);
  });

  test("a batch that the server refuses is a 500 with a sentence, and the span has failed", async () => {
    const { gateway, ask, json } = await start({
      commit: async (decide) => {
        decide();
        throw new Error("the server refused a batch of 5: no space left (10077)");
      },
    });
    const response = await ask("POST", "/v2/apps", hello);
    assert.equal(response.status, 500);
    assert.match((await json(response)).message, /no space left/);
    assert.ok(gateway.spans[0]?.error instanceof Error);
  });
});

describe("questions", () => {
  test("apps are filtered by id, command and labels", async () => {
    const { ask, json } = await start();
    for (const [id, cmd, env] of [
      ["/a/web", "run web", "prod"],
      ["/a/db", "run db", "prod"],
      ["/b/web", "run x", "dev"],
    ]) {
      assert.equal((await ask("POST", "/v2/apps", { id, cmd, labels: { env } })).status, 201);
    }
    const ids = async (query: string) => (await json(await ask("GET", `/v2/apps${query}`))).apps.map((app) => app.id);
    assert.deepEqual(await ids(""), ["/a/db", "/a/web", "/b/web"]);
    assert.deepEqual(await ids("?id=WEB"), ["/a/web", "/b/web"]);
    assert.deepEqual(await ids("?cmd=run%20D"), ["/a/db"]);
    assert.deepEqual(await ids("?label=env==prod&id=web"), ["/a/web"]);
    assert.deepEqual(await ids("/?embed=apps.tasks&embed=nonsense&__proto__=x"), ["/a/db", "/a/web", "/b/web"]);
  });

  test("every question has an answer on an empty cluster", async () => {
    const { ask } = await start();
    const paths = [
      "/v2/apps",
      "/v2/tasks",
      "/v2/tasks?status[]=running",
      "/v2/deployments",
      "/v2/queue",
      "/v2/info",
      "/v1/instances",
      "/v1/agents",
      "/v1/cluster",
      "/ping",
      "/livez",
      "/readyz",
      "/openapi.json",
      "/asyncapi.json",
    ];
    for (const path of paths) {
      const response = await ask("GET", path);
      assert.equal(response.status, 200, path);
      assert.match(response.headers.get("cache-control") ?? "", /no-store/, path);
    }
  });

  test("the leader is the living deployer that decides about most apps", async () => {
    const lease = (process: string, http: string | null, services = ["deployer"]) => ({
      process,
      services,
      startedAtMs: 1,
      http,
      abdicated: [],
    });
    const told: string[] = [];
    const { gateway, ask, json } = await start({
      leases: () => [lease("b", null), lease("a", "h:8080"), lease("g", "g:1", ["gateway"])],
      abdicate: async (process, service) => told.push(`${process} ${service}`) > 0,
    });
    assert.equal((await ask("GET", "/v2/leader")).status, 404, "nobody decides yet");
    for (const [shard, holder] of ["a", "b", "b", "gone", "gone", "gone"].entries())
      gateway.state.put(keys.term("deployer", shard), { holder, epoch: 1 });
    assert.deepEqual(await json(await ask("GET", "/v2/leader")), { leader: "b" });
    for (const shard of [3, 4]) gateway.state.put(keys.term("deployer", shard), { holder: "a", epoch: 2 });
    assert.deepEqual(await json(await ask("GET", "/v2/leader")), { leader: "h:8080" });
    assert.equal((await ask("DELETE", "/v2/leader?backup=file:///tmp/x")).status, 400);
    assert.deepEqual(await json(await ask("DELETE", "/v2/leader")), { message: "Leadership abdicated" });
    assert.deepEqual(told, ["a deployer"]);
  });

  test("a deployer that is alone keeps what it has", async () => {
    const leases = () => [{ process: "a", services: ["deployer"], startedAtMs: 1, http: null, abdicated: [] }];
    const { gateway, ask, json } = await start({ leases });
    gateway.state.put(keys.term("deployer", 0), { holder: "a", epoch: 1 });
    const refused = await ask("DELETE", "/v2/leader");
    assert.equal(refused.status, 409);
    assert.match((await json(refused)).message, /only deployer/);
  });

  test("the operator's word about an agent", async () => {
    const { gateway, ask, json } = await start();
    gateway.state.put(keys.offer("n1.rack"), { agent: "n1.rack", incarnation: 4 });
    const response = await ask("POST", "/v1/agents/n1.rack", { goal: "remove" });
    assert.equal(response.status, 200);
    assert.equal((await json(response)).fencedIncarnation, 4);
    assert.equal(gateway.state.kind("agent").get("n1=rack")?.value.goal, "remove");
  });

  test("a thousand apps are listed in well under a second", async () => {
    const { ask, json } = await start();
    for (let i = 0; i < 1_000; i += 1) await ask("POST", "/v2/apps", { id: `/many/a${i}`, cmd: "sleep 9" });
    const startedAt = performance.now();
    const { apps } = await json(await ask("GET", "/v2/apps?embed=apps.tasks"));
    assert.equal(apps.length, 1_000);
    assert.ok(performance.now() - startedAt < 1_000);
  });
});
