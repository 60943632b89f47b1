/** Groups against a running cluster, through two gateways at once: order, claims, cycles, large changes, and many writers. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { DeploymentDocument } from "@muster/contracts";
import type { Service } from "@muster/runtime";
import { SimulatedFleet, until } from "@muster/testkit";
import { ask as askGateway, type Json } from "../support/ask.ts";
import { startPlane, type TestPlane } from "../support/control-plane.ts";
import { startTestGateway } from "../support/gateway.ts";

let plane: TestPlane;
let fleet: SimulatedFleet;
let gateways: readonly (Service & { http: string })[];

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
  const values = { maxRunningDeployments: 1_000 };
  gateways = await Promise.all([
    startTestGateway(plane.server.url, values),
    startTestGateway(plane.server.url, values),
  ]);
});
after(async () => {
  for (const gateway of gateways) await gateway.stop();
  await fleet.stop();
  await plane.stop();
});

/** @param i which of the gateways. */
const ask = (i: number, method: string, path: string, body?: unknown) =>
  askGateway(String(gateways[i]?.http), method, path, body);

const app = (id: string, more: object = {}) => ({
  id,
  cmd: "sleep 1000",
  cpus: 0.01,
  mem: 1,
  portDefinitions: [],
  ...more,
});
const deployment = async (id: unknown) => (await ask(0, "GET", `/v1/deployments/${id}`)).json as DeploymentDocument;
const settled = async (id: unknown): Promise<DeploymentDocument> => {
  await until(async () => !["running", undefined].includes((await deployment(id)).state), {
    withinMs: 40_000,
    what: `the end of ${id}`,
  });
  return deployment(id);
};

test("three tiers go up, change and go down in the order of their dependencies", async () => {
  const tiers = (cmd: string) => ({
    id: "/shop",
    groups: [
      { id: "web", dependencies: ["../api"], apps: [app("front", { cmd, instances: 2 })] },
      { id: "api", apps: [app("orders", { cmd, dependencies: ["/shop/db"] })] },
      { id: "db", apps: [app("main", { cmd })] },
    ],
  });
  const order = ["/shop/db/main", "/shop/api/orders", "/shop/web/front"];
  for (const [method, cmd] of [
    ["POST", "sleep 1000"],
    ["PUT", "sleep 1001"],
  ] as const) {
    const { status, json } = await ask(0, method, "/v2/groups", tiers(cmd));
    assert.ok(status === 200 || status === 201, JSON.stringify(json));
    const { state, steps } = await settled(json.deploymentId);
    assert.equal(state, "succeeded");
    assert.deepEqual(
      steps.map(({ actions }) => actions.map((action) => action.app).join()),
      order,
    );
  }
  const { json } = await ask(1, "DELETE", "/v2/groups/shop");
  const { state, steps } = await settled(json.deploymentId);
  assert.equal(state, "succeeded");
  assert.deepEqual(
    steps.map(({ actions }) => actions.map((action) => action.app).join()),
    order.toReversed(),
  );
  assert.equal((await ask(1, "GET", "/v2/groups/shop")).status, 404);
});

test("an app and something below it never both come to be, whichever gateway is asked", async () => {
  for (let i = 0; i < 15; i += 1) {
    const answers = await Promise.all([
      ask(0, "POST", "/v2/apps", app(`/either-${i}`)),
      ask(
        1,
        i % 2 === 0 ? "POST" : "PUT",
        i % 2 === 0 ? "/v2/apps" : `/v2/apps/either-${i}/or`,
        app(`/either-${i}/or`),
      ),
    ]);
    assert.deepEqual(
      answers.map(({ status }) => status).sort(),
      [201, 409],
      JSON.stringify(answers.map((a) => a.json.message)),
    );
  }
});

test("two gateways that each add half a cycle never both succeed", async () => {
  for (let i = 0; i < 15; i += 1) {
    const answers = await Promise.all([
      ask(0, "PUT", `/v2/apps/half-a${i}`, app("x", { dependencies: [`/half-b${i}`] })),
      ask(1, "PUT", `/v2/apps/half-b${i}`, app("x", { dependencies: [`/half-a${i}`] })),
    ]);
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 422]);
    const refused = answers.find(({ status }) => status === 422);
    assert.match(String(refused?.json.message), /half-[ab]\d+ → \/half-[ab]\d+ → \/half-[ab]\d+/);
  }
});

test("a hundred writers of a hundred apps in one group all succeed", async () => {
  const ids = Array.from({ length: 100 }, (_, i) => `/crowd/a${i}`);
  const answers = await Promise.all(ids.map((id, i) => ask(i % 2, "POST", "/v2/apps", app(id, { instances: 0 }))));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
  await until(async () => ((await ask(1, "GET", "/v2/groups/crowd/apps")).json as unknown as Json[]).length === 100, {
    withinMs: 5_000,
    what: "all hundred on the other gateway",
  });
});

test("what fits no batch stores its versions first; what fits even then not is refused with the numbers", async () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => app(`a${i}`, { instances: 0 }));
  const { status, json } = await ask(0, "POST", "/v2/groups", { id: "/many", apps: many(300) });
  assert.equal(status, 201, JSON.stringify(json));
  assert.equal((await settled(json.deploymentId)).state, "succeeded");
  assert.equal(((await ask(0, "GET", "/v2/groups/many/apps")).json as unknown as Json[]).length, 300);
  const refused = await ask(0, "POST", "/v2/groups", { id: "/more", apps: many(600) });
  assert.equal(refused.status, 413);
  assert.match(
    String(refused.json.message),
    /changes 600 apps at once, which takes \d+ messages in one commit; .* takes 1000/,
  );
  assert.equal((await ask(0, "GET", "/v2/groups/more")).status, 404);
});

test("apps of later steps are shown, changed and undone as what they are to be", async () => {
  const two = (cmd: string, more: readonly object[] = []) => ({
    id: "/turn",
    apps: [
      app("db", { cmd, instances: 2, rollout: { strategy: "canary" } }),
      app("web", { cmd, dependencies: ["/turn/db"] }),
      ...more,
    ],
  });
  const begun = await ask(0, "PUT", "/v2/groups", two("sleep 1000"));
  await settled(begun.json.deploymentId);
  const { json } = await ask(0, "PUT", "/v2/groups", two("sleep 1001", [app("late", { dependencies: ["/turn/db"] })]));
  const shown = async (id: string) => (await ask(1, "GET", `/v2/apps/turn/${id}`)).json.app as Json;
  await until(async () => (await shown("web"))?.cmd === "sleep 1001", { withinMs: 10_000, what: "the other gateway" });
  const [web, late] = [await shown("web"), await shown("late")];
  assert.deepEqual([web.version, web.tasksRunning, web.deployments], [json.version, 1, [{ id: json.deploymentId }]]);
  assert.deepEqual([late.instances, late.tasks], [1, []]);
  const tree = (await ask(1, "GET", "/v2/groups/turn")).json.apps as Json[];
  assert.deepEqual(
    tree.map(({ id, cmd }) => [id, cmd]),
    [
      ["/turn/db", "sleep 1001"],
      ["/turn/late", "sleep 1000"],
      ["/turn/web", "sleep 1001"],
    ],
  );
  const { tasks } = (await ask(1, "GET", "/v2/apps/turn/web/tasks")).json as { tasks: Json[] };
  assert.notEqual(tasks[0]?.version, web.version, "the task is of the version before");

  const back = await ask(1, "DELETE", `/v2/deployments/${json.deploymentId}`);
  await settled(back.json.deploymentId);
  await until(async () => (await ask(1, "GET", "/v2/apps/turn/late")).status === 404, {
    withinMs: 10_000,
    what: "what had been created to be gone",
  });
  assert.deepEqual([(await shown("web")).cmd, (await shown("db")).cmd], ["sleep 1000", "sleep 1000"]);
});

test("a forced change of an app whose turn has not come is merged into what it is to be", async () => {
  const group = (cmd: string) => ({
    id: "/merged",
    apps: [
      app("db", { cmd, instances: 2, rollout: { strategy: "canary" } }),
      app("web", { cmd, dependencies: ["/merged/db"] }),
    ],
  });
  await settled((await ask(0, "PUT", "/v2/groups", group("sleep 1000"))).json.deploymentId);
  await ask(0, "PUT", "/v2/groups", group("sleep 1001"));
  const patch = { env: { A: "b" } };
  assert.equal((await ask(0, "PATCH", "/v2/apps/merged/web", patch)).status, 409);
  const { json } = await ask(0, "PATCH", "/v2/apps/merged/web?force=true", patch);
  await settled(json.deploymentId);
  const web = (await ask(0, "GET", "/v2/apps/merged/web")).json.app as Json;
  assert.deepEqual([web.cmd, web.env, web.version], ["sleep 1001", { A: "b" }, json.version]);
});
