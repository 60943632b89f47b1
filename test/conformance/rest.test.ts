/** The REST API against a running cluster: endpoint by endpoint, each method with the statuses that clients build on. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { APP_INSTANCES_MAX } from "@muster/contracts";
import type { Service } from "@muster/runtime";
import { SimulatedFleet, until } from "@muster/testkit";
import { startPlane, startServices, type TestPlane } from "../support/control-plane.ts";
import { startTestGateway } from "../support/gateway.ts";

type Json = Readonly<Record<string, unknown>>;
let plane: TestPlane;
let fleet: SimulatedFleet;
let gateway: Service & { http: string };

const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  fetch(`${gateway.http}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
const json = async (path: string) => (await (await ask("GET", path)).json()) as Json;

before(async () => {
  plane = await startPlane();
  fleet = new SimulatedFleet(plane.operator.cluster.nats, {
    agents: 3,
    name: "sim",
    racks: 3,
    zones: 1,
    facts: "running",
  });
  await fleet.start();
  gateway = await startTestGateway(plane.server.url, { maxVersions: 3 });
  const app = (id: string, more: object = {}) => ({ id, cmd: "sleep 1000", cpus: 0.1, mem: 16, ...more });
  for (const each of [
    app("/shop/web", { instances: 2, labels: { tier: "web" }, ports: [0] }),
    app("/shop/db/main", { labels: { tier: "db" }, portDefinitions: [] }),
    app("/big", { cpus: 9_999, portDefinitions: [] }),
  ])
    assert.equal((await ask("POST", "/v2/apps", each)).status, 201);
  await until(
    async () =>
      (await json("/v2/apps/shop/web")).app !== undefined &&
      ((await json("/v2/apps/shop/web")).app as Json).tasksRunning === 2 &&
      ((await json("/v2/apps/shop/db/main")).app as Json).tasksRunning === 1 &&
      ((await json("/v2/queue")).queue as Json[]).length === 1,
    { withinMs: 30_000, what: "running apps, and one that waits" },
  );
});
after(async () => {
  await gateway.stop();
  await fleet.stop();
  await plane.stop();
});

type Row = readonly [method: string, path: string, status: number, says?: RegExp, body?: unknown];
const TABLE: readonly Row[] = [
  ["GET", "/v2/apps", 200, /"apps":\[\{"id":"\/big"/],
  ["HEAD", "/v2/apps", 200],
  ["GET", "/v2/apps?label=tier==db", 200, /"\/shop\/db\/main"/],
  ["GET", "/v2/apps?label=tier%20in", 422, /label/],
  ["GET", "/v2/apps?embed=apps.taskStats&id=WEB", 200, /"totalSummary":\{"stats":\{"counts":\{"staged":0,"running":2/],
  ["GET", "/v2/apps?embed=apps.failures&id=web", 200, /"tasks":\[\{"id":"shop_web/],
  ["DELETE", "/v2/apps", 405, /GET, HEAD, POST/],
  ["GET", "/v2/apps/shop/*", 200, /^\{"\*":\[.*"\/shop\/db\/main".*"\/shop\/web"/],
  ["GET", "/v2/apps/*", 200, /"\/big"/],
  ["GET", "/v2/apps/nobody/*", 404, /Group '\/nobody' does not exist/],
  ["GET", "/v2/apps//shop//web/", 200, /"id":"\/shop\/web"/],
  ["GET", "/v2/apps/%2Fshop%2Fweb", 200, /"id":"\/shop\/web"/],
  ["GET", "/v2/apps/shop/web?embed=app.taskStats", 200, /"taskStats":\{.*"lifeTime":\{"averageSeconds":/],
  ["GET", "/v2/apps/nobody", 404, /App '\/nobody' does not exist/],
  ["POST", "/v2/apps/shop/web", 405],
  ["POST", "/v2/apps", 409, /already exists/, { id: "/shop/web", cmd: "true" }],
  ["POST", "/v2/apps", 422, /instances/, { id: "/huge", cmd: "true", instances: APP_INSTANCES_MAX + 1 }],
  ["PUT", "/v2/apps/shop/web", 422, /\/version.*alone/, { version: "2026-01-01T00:00:00.000Z", cpus: 1 }],
  ["PUT", "/v2/apps/shop/web", 404, /in version/, { version: "2026-01-01T00:00:00.000Z" }],
  ["GET", "/v2/apps/shop/web/tasks", 200, /"region":"sim","zone":"zone-0"/],
  ["GET", "/v2/apps/shop/*/tasks", 200, /shop_db_main.*shop_web/],
  ["GET", "/v2/apps/nobody/tasks", 404],
  ["GET", "/v2/apps/nobody/*/tasks", 404],
  ["GET", "/v2/apps/shop/web/versions", 200, /"versions":\["20/],
  ["GET", "/v2/apps/shop/web/versions/1999-01-01T00:00:00.000Z", 404],
  ["PUT", "/v2/apps/shop/web/versions", 405],
  ["GET", "/v1/apps/shop/web/diff", 200, /"changes":\[\]/],
  ["GET", "/v1/apps/shop/web/diff?from=1999-01-01T00:00:00.000Z", 404],
  ["GET", "/v1/apps/nobody/diff", 404],
  ["GET", "/v2/tasks", 200, /"host":"sim-0000/],
  ["GET", "/v2/tasks?status=staging", 200, /^\{"tasks":\[\{"id":"big\.0\.\d+","appId":"\/big","ports":\[\]/],
  ["GET", "/v2/tasks?status[]=running", 200, /TASK_RUNNING/],
  ["GET", "/v2/deployments", 200, /"affectedApps":\["\/big"\]/],
  [
    "GET",
    "/v2/queue",
    200,
    /"count":1.*"reason":"UnfulfilledRole","declined":0,"processed":3.*"InsufficientCpus","declined":3/,
  ],
  [
    "GET",
    "/v2/queue?embed=lastUnusedOffers",
    200,
    /"lastUnusedOffers":\[\{"offer":\{.*"reason":\["InsufficientCpus"\]/,
  ],
  ["POST", "/v2/queue", 405],
  ["GET", "/v2/info", 200, /"elected":true.*"http_port":\d+/],
  ["GET", "/v2/leader", 200, /"leader":"/],
  ["DELETE", "/v2/leader", 409, /only deployer/],
  ["DELETE", "/v2/leader?restore=file:///tmp/x", 400, /nats-server/],
  ["GET", "/v2/plugins", 200, /^\{"plugins":\[\]\}$/],
  ["GET", "/v2/plugins/x/y", 404],
  ["GET", "/v2/pods", 200, /^\[\]$/],
  ["HEAD", "/v2/pods", 404],
  ["GET", "/v2/pods/::status", 200, /^\[\]$/],
  ["GET", "/v2/pods/a/b", 404, /Pod '\/a\/b'/],
  ["POST", "/v2/pods", 422, /no pods/, { id: "/p" }],
  ["GET", "/metrics", 200, /"gauges":\{/],
  ["GET", "/metrics/prometheus", 200, /muster_documents\{bucket="muster_state",kind="app"\} 3/],
  ["GET", "/logging", 200, /"gateway":"[A-Z]+"/],
  ["POST", "/logging", 200, /"view":"ERROR"/, { logger: "view", level: "error", durationSeconds: 0.001 }],
  ["POST", "/logging", 422, /no logger nobody/, { logger: "nobody", level: "INFO" }],
  ["POST", "/logging", 422, /level/, { logger: "ROOT", level: "loud" }],
  ["GET", "/v1/instances", 200, /^\{"instances":\[\{.*"id":"big\.0.*"id":"shop_web\.1/],
  ["GET", "/v1/cluster", 200, /"running":3/],
  ["GET", "/v1/agents", 200, /"id":"sim-00001"/],
  ["GET", "/ping", 200, /^pong$/],
  ["POST", "/ping", 405],
  ["GET", "/nothing", 404],
];

for (const [method, path, status, says, body] of TABLE)
  test(`${method} ${path} is ${status}`, async () => {
    const answer = await ask(method, path, body);
    const text = await answer.text();
    assert.equal(answer.status, status, text.slice(0, 500));
    if (says !== undefined) assert.match(status === 405 ? (answer.headers.get("allow") ?? "") : text, says);
    if (status >= 400 && method !== "HEAD") assert.ok(String((JSON.parse(text) as Json).message).length > 10, text);
    assert.match(answer.headers.get("cache-control") ?? "", /no-store/);
    assert.equal(answer.headers.get("x-marathon-leader"), gateway.http);
  });

test("what clients accept decides between the text and JSON", async () => {
  const typeOf = async (path: string, accept: string) => {
    const answer = await ask("GET", path, undefined, { accept });
    return [answer.status, answer.headers.get("content-type")?.split(";")[0] ?? null, await answer.text()];
  };
  assert.deepEqual(await typeOf("/ping", "text/plain"), [200, "text/plain", "pong"]);
  assert.deepEqual(await typeOf("/ping", "application/json"), [200, "application/json", '"pong"']);
  assert.deepEqual(await typeOf("/ping", "image/png"), [204, null, ""]);
  for (const path of ["/v2/tasks", "/v2/apps/shop/web/tasks"]) {
    const [, type, text] = await typeOf(path, "text/plain");
    assert.equal(type, "text/plain");
    assert.match(String(text), /^shop_web\t\d+\t(sim-\d+\S*:\d+\t?){2}$/m);
    assert.equal((await typeOf(path, "*/*"))[1], "application/json");
  }
});

test("of an app's versions as many are kept as the setting says, and two of them can be compared", async () => {
  const put = async (cpus: number) => {
    const answer = await ask("PUT", "/v2/apps/shop/db/main?force=true", { cpus });
    assert.equal(answer.status, 200, await answer.text());
  };
  for (const cpus of [0.11, 0.12, 0.13, 0.14, 0.15]) {
    await put(cpus);
    await until(
      async () => ((await json("/v2/apps/shop/db/main")).app as { deployments: [] }).deployments.length === 0,
      {
        withinMs: 20_000,
        what: `a deployment to ${cpus} cpus`,
      },
    );
  }
  const versions = (await json("/v2/apps/shop/db/main/versions")).versions as string[];
  assert.ok(versions.length >= 3 && versions.length <= 4, `${versions.length} versions`);
  const { changes } = await json(`/v1/apps/shop/db/main/diff?from=${versions[2]}&to=${versions[0]}`);
  assert.deepEqual(changes, [{ path: "/cpus", op: "change", old: 0.13, new: 0.15 }]);
  const before = (await json("/v1/apps/shop/db/main/diff")).changes as Json[];
  assert.deepEqual(
    before.map(({ old, new: now }) => [old, now]),
    [[0.14, 0.15]],
  );
});

describe("with two deployers", { concurrency: false }, () => {
  test("the leader that is told to go gives all its shards to the other one, and the next one gives them back", async () => {
    const second = await startServices(plane.server.url, ["deployer"]);
    try {
      const names = [plane.services.cluster.membership.process, second.cluster.membership.process];
      const held = (name: string) =>
        [...plane.operator.cluster.state.kind("term")].filter(
          ([rest, { value }]) => rest.startsWith("deployer.") && value.holder === name,
        ).length;
      const both = () => names.map(held).join(" and ");
      await until(() => names.every((name) => held(name) > 0), {
        withinMs: 15_000,
        what: () => `shared shards: ${both()}`,
      });
      const leader = async () => String((await json("/v2/leader")).leader);
      const first = await leader();
      assert.ok(names.includes(first));
      const other = names.find((name) => name !== first) as string;
      const gone = await ask("DELETE", "/v2/leader");
      assert.deepEqual([gone.status, await gone.json()], [200, { message: "Leadership abdicated" }]);
      await until(() => held(first) === 0, { withinMs: 15_000, what: () => `no shards with ${first}: ${both()}` });
      assert.equal(await leader(), other);
      assert.equal((await ask("POST", "/v2/apps", { id: "/meanwhile", cmd: "sleep 9" })).status, 201);
      await plane.operator.untilRunning("/meanwhile", 1);
      assert.equal((await ask("DELETE", "/v2/leader")).status, 200);
      await until(() => held(other) === 0, { withinMs: 15_000, what: () => `no shards with ${other}: ${both()}` });
      assert.equal(await leader(), first);
    } finally {
      await second.stop();
    }
  });
});
