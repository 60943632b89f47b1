/**
 * The REST API against a running cluster, as one table: each endpoint with each status that clients build on, each query parameter and
 * each refusal that it names. What the router knows and the table does not is a failure.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Service } from "@muster/runtime";
import { SimulatedFleet, until } from "@muster/testkit";
import { type Answer, ask, type Json } from "../support/ask.ts";
import { startPlane, type TestPlane } from "../support/control-plane.ts";
import { startTestGateway } from "../support/gateway.ts";
import { APPS } from "./endpoints/apps.ts";
import { CLUSTER } from "./endpoints/cluster.ts";
import { GROUPS } from "./endpoints/groups.ts";
import { OWN } from "./endpoints/own.ts";
import { app, type Endpoint, HELD, type Row, SETTLED, type World } from "./endpoints/row.ts";

const TABLE: readonly Endpoint[] = [...APPS, ...GROUPS, ...CLUSTER, ...OWN];

/** What the table leaves to other tests, by endpoint and status or code. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  "DELETE /v2/leader 200", // with two deployers: rest.test.ts
  "GET /v2/groups/versions/{version} 200", // the root has versions once it was changed as a group: groups.test.ts
  "GET /v2/groups/versions 404", // the root is always there
  "DELETE /v2/groups/{id} change.too-large", // wants more than a thousand apps: groups-changes.test.ts
  "DELETE /v2/groups change.too-large",
  "POST /v2/eventSubscriptions subscription.too-many", // a hundred of them: libs/core/src/marathon/subscriptions.test.ts
  "GET /readyz 503", // below
]);

type Operation = {
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly responses: Readonly<Record<string, unknown>>;
  readonly "x-errors"?: readonly string[];
};
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

let plane: TestPlane;
let still: TestPlane;
let fleet: SimulatedFleet;
const gateways = new Map<World, Service & { http: string }>();
const httpOf = (world: World): string => (gateways.get(world) as { http: string }).http;
const json = async (path: string, world: World = "usual"): Promise<Json> =>
  (await ask(httpOf(world), "GET", path)).json;
const operations = new Map<string, Operation>();
/** Codes and statuses that rows met, by endpoint. */
const met = new Set<string>();

before(async () => {
  plane = await startPlane();
  still = await startPlane([]);
  const options = { agents: 3, name: "sim", racks: 3, zones: 1, facts: "running" } as const;
  fleet = new SimulatedFleet(plane.operator.cluster.nats, options);
  await fleet.start();
  gateways.set("usual", await startTestGateway(plane.server.url));
  const smallest = { maxRunningDeployments: 1, maxInstancesPerApp: 2, maxBodyBytes: 1_000, eventStreams: 0 };
  gateways.set("tight", await startTestGateway(plane.server.url, smallest));
  gateways.set("full", await startTestGateway(plane.server.url, { maxApps: 1 }));
  gateways.set("still", await startTestGateway(still.server.url));
  await standInUsual();
  await standInStill();
  const { paths } = (await json("/openapi.json")) as { paths: Record<string, Record<string, Operation>> };
  for (const [path, methods] of Object.entries(paths))
    for (const [method, operation] of Object.entries(methods))
      operations.set(`${method.toUpperCase()} ${path}`, operation);
});
after(async () => {
  for (const gateway of gateways.values()) await gateway.stop();
  await fleet.stop();
  await still.stop();
  await plane.stop();
});

async function send(world: World, method: string, path: string, body: unknown): Promise<void> {
  const { status, text } = await ask(httpOf(world), method, path, body);
  assert.ok(status < 300, `${method} ${path}: ${text}`);
}

async function standInUsual(): Promise<void> {
  for (const each of SETTLED) await send("usual", "POST", "/v2/apps", each);
  for (const id of HELD) await send("usual", "POST", "/v2/apps", app(id));
  const isUp = async (id: string): Promise<boolean> => {
    const { tasksRunning, instances } = (await json(`/v2/apps${id}`)).app as Json;
    return tasksRunning === instances;
  };
  const ids = [...SETTLED.map(({ id }) => id), ...HELD];
  await until(async () => (await Promise.all(ids.map(isUp))).every(Boolean), {
    withinMs: 30_000,
    what: "running apps",
  });
  // What waits for readiness is not over yet, and simulated agents ask nobody.
  await send(
    "usual",
    "DELETE",
    `/v2/deployments/${await standsFor("deployment", "/shop/web", "usual")}?force=true`,
    undefined,
  );
  for (const id of HELD) await send("usual", "PUT", `/v2/apps${id}?force=true`, { cpus: 9_999 });
  await until(async () => ((await json("/v2/queue")).queue as Json[]).length === HELD.length, {
    withinMs: 30_000,
    what: "apps that wait",
  });
}

async function standInStill(): Promise<void> {
  await send("still", "POST", "/v2/apps", app("/leaving"));
  await send("still", "PUT", "/v2/groups/leaving-g", { apps: [app("a")] });
  for (const id of ["/leaving", "/leaving-g/a"]) await send("still", "DELETE", `/v2/apps${id}`, undefined);
}

const named = new Set<string>();
/** A task that runs and no row was given; the rows before may have ended all there were. */
const fresh = (id: string, world: World): Promise<string> =>
  until(
    async () => {
      const tasks = (await json(`/v2/apps${id}/tasks`, world)).tasks as { id: string; state: string }[];
      const found = tasks.find((task) => task.state === "TASK_RUNNING" && !named.has(task.id))?.id ?? null;
      if (found !== null) named.add(found);
      return found;
    },
    { what: `a running task of ${id}` },
  );

async function standsFor(kind: string, id: string, world: World): Promise<string> {
  const deployments = (await json(`/v1/deployments?app=${id}`, world)).deployments as Json[] | undefined;
  const ofKind: Record<string, () => Promise<unknown>> = {
    task: async () => ((await json(`/v2/apps${id}/tasks`, world)).tasks as Json[])[0]?.id,
    fresh: () => fresh(id, world),
    version: async () => ((await json(`/v2/apps${id}/versions`, world)).versions as string[])[0],
    group: async () => ((await json(`/v2/groups${id}/versions`, world)) as unknown as string[])[0],
    deployment: async () => deployments?.find(({ state }) => state === "running")?.id,
    past: async () => deployments?.find(({ state }) => state !== "running")?.id,
  };
  const found = await ofKind[kind]?.();
  assert.equal(typeof found, "string", `nothing is <${kind} ${id}>`);
  return String(found);
}

async function filledIn(text: string, world: World): Promise<string> {
  let filled = text;
  for (const [whole, kind, id] of text.matchAll(/<(\w+) ([^>]+)>/g))
    filled = filled.replace(whole, await standsFor(String(kind), String(id), world));
  return filled;
}

/** Of a stream what comes until it says what it should; of anything else the whole. */
async function askRow(
  method: string,
  [path, , says, body, { world = "usual", headers = {} } = {}]: Row,
): Promise<Answer> {
  const sent =
    body === undefined ? undefined : await filledIn(typeof body === "string" ? body : JSON.stringify(body), world);
  const address = await filledIn(path, world);
  if (headers.accept !== "text/event-stream") return ask(httpOf(world), method, address, sent, headers);
  const answer = await fetch(`${httpOf(world)}${address}`, { headers, signal: AbortSignal.timeout(10_000) });
  let text = "";
  for await (const piece of answer.body as ReadableStream<Uint8Array>) {
    text += new TextDecoder().decode(piece);
    if (answer.ok && says?.test(text)) break;
  }
  return { status: answer.status, headers: answer.headers, text, json: answer.ok ? {} : (JSON.parse(text) as Json) };
}

/** Doubled and trailing slashes change nothing, and HEAD is GET without a body. */
async function asksAlike([path, status, , , { world = "usual", headers } = {}]: Row): Promise<void> {
  const [address, query] = (await filledIn(path, world)).split("?") as [string, string?];
  const more = query === undefined ? "" : `?${query}`;
  const lenient = `${address.replaceAll("/", "//")}/${more}`;
  assert.equal((await ask(httpOf(world), "GET", lenient, undefined, headers)).status, status, lenient);
  const head = await ask(httpOf(world), "HEAD", `${address}${more}`, undefined, headers);
  // By HEAD clients ask whether there are pods at all.
  assert.deepEqual([head.status, head.text], [path === "/v2/pods" ? 404 : status, ""], `HEAD ${path}`);
}

for (const [endpoint, rows] of TABLE) {
  const [method, template] = endpoint.split(" ") as [string, string];
  for (const row of rows) {
    const [path, status, says, , { world = "usual", tells, headers = {} } = {}] = row;
    test(`${method} ${path} is ${status}${world === "usual" ? "" : `, ${world}`}`, async () => {
      const answer = await askRow(method, row);
      const { text } = answer;
      assert.equal(answer.status, status, text.slice(0, 500));
      if (says !== undefined) assert.match(text, says);
      if (tells !== undefined)
        assert.match([...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n"), tells);
      if (status >= 400) assert.ok(String(answer.json.message).length > 10, text);
      assert.match(answer.headers.get("cache-control") ?? "", /no-store/);
      assert.equal(answer.headers.get("x-marathon-leader"), httpOf(world));
      assert.equal(answer.headers.get("x-frame-options"), "DENY");
      // What is not set is left out: strict clients stumble over null.
      if (template.startsWith("/v2/")) assert.doesNotMatch(text, /[[:,]null[\],}]/);
      if (method === "GET" && headers.accept !== "text/event-stream") await asksAlike(row);
      met.add(`${endpoint} ${status}`).add(`${endpoint} ${String(answer.json.code)}`);
    });
  }
}

describe("what holds for every endpoint", () => {
  test("the table has a row for each status, query parameter and refusal that an endpoint names", () => {
    assert.deepEqual([...operations.keys()].sort(), TABLE.map(([endpoint]) => endpoint).sort());
    const missing = [...operations].flatMap(([endpoint, { parameters = [], responses, "x-errors": codes = [] }]) => {
      const rows = TABLE.find(([name]) => name === endpoint)?.[1] ?? [];
      const asked = new Set(rows.flatMap(([path]) => [...new URL(path, "http://x").searchParams.keys()]));
      const names = parameters.filter((parameter) => parameter.in === "query").map(({ name }) => name);
      const statuses = Object.keys(responses).filter((status) => status !== "default");
      return [
        ...names.filter((name) => !asked.has(name)).map((name) => `${endpoint} ?${name}`),
        ...[...statuses, ...codes].map((each) => `${endpoint} ${each}`).filter((each) => !met.has(each)),
      ];
    });
    assert.deepEqual(
      missing.filter((each) => !ELSEWHERE.has(each)),
      [],
    );
  });

  test("every row is one of its endpoint", () => {
    for (const [endpoint, rows] of TABLE) {
      const template = (endpoint.split(" ")[1] as string).replace("/v2/queue/{id}", "/v2/queue/+{id}");
      const address = new RegExp(`^${template.replace("/delay", "/delay/?").replaceAll(/\{\w+\}/g, ".+")}(\\?.*)?$`);
      for (const [path] of rows) assert.match(path, address);
    }
  });

  test("a method that nobody takes is 405, and told which are taken", async () => {
    const isAt = (endpoint: string, path: string): boolean =>
      new RegExp(`^\\S+ ${endpoint.split(" ")[1]?.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(
        `${endpoint.split(" ")[0]} ${path}`,
      );
    for (const template of new Set([...operations.keys()].map((endpoint) => endpoint.split(" ")[1] as string))) {
      const path = template.replaceAll(/\{\w+\}/g, "x");
      // A word such as /v2/groups/versions is a group's id for those who send something there.
      const methods = [...operations.keys()]
        .filter((endpoint) => isAt(endpoint, path))
        .map((endpoint) => endpoint.split(" ")[0]);
      const taken = [...new Set(methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])))];
      for (const method of METHODS.filter((each) => !taken.includes(each))) {
        const { status, headers, json: body } = await ask(httpOf("usual"), method, path);
        assert.equal(status, 405, `${method} ${path}`);
        assert.deepEqual(headers.get("allow")?.split(", ").sort(), taken.toSorted(), `${method} ${path}`);
        assert.ok(String(body.message).startsWith(`${path} does not take ${method}`), String(body.message));
      }
    }
  });

  test("where nothing is, 404 says so with the address as it was asked for", async () => {
    for (const path of [
      "/nothing",
      "/v2",
      "/v2/queue/a/b",
      "/v2/plugins/x/y",
      "/v2/artifacts/a",
      "/v2/schemas/app",
      "/v1/x",
    ]) {
      const { status, json: body } = await ask(httpOf("usual"), "GET", path);
      assert.equal(status, 404, path);
      assert.ok(String(body.message).includes(`GET ${path} `), String(body.message));
      assert.equal(body.code, "route.unknown");
    }
  });

  test("without its nats-server a gateway answers 503 and when to come again; probes and documents are answered", async () => {
    await still.server.kill();
    const http = httpOf("still");
    await until(async () => (await ask(http, "GET", "/readyz")).status === 503, { withinMs: 20_000, what: "the loss" });
    for (const endpoint of operations.keys()) {
      const [method, template] = endpoint.split(" ") as [string, string];
      const path = template.replaceAll(/\{\w+\}/g, "x");
      if (["/readyz", "/logging"].includes(path)) continue;
      const { status, headers, json: body } = await ask(http, method, path, method === "GET" ? undefined : "{}");
      const needsCluster = /^\/v\d\//.test(path);
      assert.equal(status, needsCluster ? 503 : 200, endpoint);
      if (!needsCluster) continue;
      assert.deepEqual([headers.get("retry-after"), body.code], ["1", "cluster.not-ready"], endpoint);
    }
    await still.server.start();
    await until(async () => (await ask(http, "GET", "/readyz")).status === 200, {
      withinMs: 20_000,
      what: "its return",
    });
  });
});
