/** Deployments and the ending of tasks over the REST API, against a running cluster: each word with what it does and each refusal. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Service } from "@muster/runtime";
import { SimulatedFleet, until } from "@muster/testkit";
import { ask as askGateway, type Json } from "../support/ask.ts";
import { startPlane, type TestPlane } from "../support/control-plane.ts";
import { startTestGateway } from "../support/gateway.ts";

let plane: TestPlane;
let fleet: SimulatedFleet;
let gateway: Service & { http: string };

const ask = (method: string, path: string, body?: unknown) => askGateway(gateway.http, method, path, body);

const spec = (id: string, more: object = {}) => ({
  id,
  cmd: "sleep 1000",
  cpus: 0.1,
  mem: 16,
  portDefinitions: [],
  ...more,
});
const state = async (id: string) => (await ask("GET", `/v1/deployments/${id}`)).json.state;
const settled = (id: string, expected = "succeeded") =>
  until(async () => (await state(id)) !== "running", { withinMs: 20_000, what: `the end of ${id}` }).then(async () =>
    assert.equal(await state(id), expected),
  );
async function put(id: string, more: object, query = ""): Promise<string> {
  const { status, json } = await ask("PUT", `/v2/apps${id}${query}`, spec(id, more));
  assert.ok(status === 200 || status === 201, JSON.stringify(json));
  return String(json.deploymentId);
}
async function standing(id: string, more: object = {}): Promise<void> {
  await settled(await put(id, more));
}
const tasks = async (id: string) => (await ask("GET", `/v2/apps${id}/tasks`)).json.tasks as Json[];
/** A canary that stands and waits. */
async function canary(id: string): Promise<string> {
  await standing(id, { instances: 3 });
  const deployment = await put(id, { instances: 3, cmd: "sleep 1001", rollout: { strategy: "canary" } });
  await until(async () => (await ask("GET", `/v1/deployments/${deployment}`)).json.reachedAtMs !== null, {
    withinMs: 20_000,
    what: "the canary",
  });
  return deployment;
}

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
  gateway = await startTestGateway(plane.server.url);
});
after(async () => {
  await gateway.stop();
  await fleet.stop();
  await plane.stop();
});

test("a running deployment is listed with its steps, what it is at, and who asked", async () => {
  const id = await canary("/listed");
  const listed = (await ask("GET", "/v2/deployments")).json as unknown as Json[];
  const one = listed.find((each) => each.id === id) as Json;
  const action = { action: "RestartApplication", app: "/listed" };
  assert.deepEqual(one.steps, [{ actions: [action] }]);
  assert.deepEqual(one.affectedApps, ["/listed"]);
  assert.deepEqual([one.currentStep, one.totalSteps], [1, 1]);
  assert.deepEqual((one.currentActions as Json[])[0], { ...action, readinessCheckResults: [] });
  const { json } = await ask("GET", "/v1/deployments?app=/listed");
  const [newest, first] = json.deployments as [Json, Json];
  assert.deepEqual([newest.id, newest.state, first.state], [id, "running", "succeeded"]);
  assert.equal((newest.by as Json).who, "http");
  assert.equal((await ask("POST", `/v1/deployments/${id}`, { action: "promote" })).status, 200);
  await settled(id);
  assert.equal((await ask("GET", "/v1/deployments?app=/listed&state=running")).json.deployments?.toString(), "");
});

test("DELETE undoes a deployment by a new one; forced it only stops it, half way", async () => {
  const id = await canary("/undone");
  const { status, json, headers } = await ask("DELETE", `/v2/deployments/${id}`);
  assert.equal(status, 200);
  assert.equal(headers.get("marathon-deployment-id"), json.deploymentId);
  await settled(id, "aborted");
  await settled(String(json.deploymentId));
  assert.equal(((await ask("GET", "/v2/apps/undone")).json.app as Json).cmd, "sleep 1000");

  const again = await canary("/halfway");
  assert.equal((await ask("DELETE", `/v2/deployments/${again}?force=true`)).status, 202);
  assert.equal(await state(again), "aborted");
  assert.deepEqual(((await ask("GET", "/v2/apps/halfway")).json.app as Json).deployments, []);
  assert.equal(new Set((await tasks("/halfway")).map(({ version }) => version)).size, 2);

  assert.equal((await ask("DELETE", "/v2/deployments/nobody")).status, 404);
  const { status: late, json: said } = await ask("DELETE", `/v2/deployments/${again}`);
  assert.equal(late, 404, "to Marathon's clients it is none any more");
  assert.match(String(said.message), /has ended: aborted/);
});

test("pause, resume and promote say what runs, and refuse what means nothing", async () => {
  const id = await canary("/words");
  const word = (action: string) => ask("POST", `/v1/deployments/${id}`, { action });
  assert.deepEqual((await word("pause")).json, { deployment: id });
  assert.equal((await word("pause")).status, 200, "what is asked for already changes nothing");
  assert.equal((await ask("GET", `/v1/deployments/${id}`)).json.isPaused, true);
  assert.equal((await word("promote")).status, 200);
  // A whole deployment of another app begins and ends meanwhile: the deployer looks, and leaves this one alone.
  await standing("/meanwhile", { instances: 2 });
  const { state: now, stage } = (await ask("GET", `/v1/deployments/${id}`)).json;
  assert.deepEqual([now, stage], ["running", 0], "paused, it goes nowhere");
  assert.equal((await word("resume")).status, 200);
  await settled(id);
  assert.equal((await word("pause")).status, 409);
  assert.equal((await ask("POST", `/v1/deployments/${id}`, { action: "fly" })).status, 422);
  const rolling = await put("/big", { cpus: 9_999 });
  const { status, json } = await ask("POST", `/v1/deployments/${rolling}`, { action: "promote" });
  assert.equal(status, 409);
  assert.match(String(json.message), /waits for no promotion/);
});

test("a locked app names the deployment in its way; force overtakes it", async () => {
  const id = await canary("/locked");
  const { status, json } = await ask("PUT", "/v2/apps/locked", { cmd: "sleep 9" });
  assert.equal(status, 409);
  assert.deepEqual(json.deployments, [{ id }]);
  await settled(await put("/locked", { cmd: "sleep 9", rollout: { strategy: "rolling" } }, "?force=true"));
  assert.equal(await state(id), "superseded");
});

test("tasks that are ended are replaced, or not where the app is scaled with them", async () => {
  await standing("/kill", { instances: 3 });
  const [first, second, third] = (await tasks("/kill")) as [Json, Json, Json];
  const one = await ask("DELETE", `/v2/apps/kill/tasks/${first.id}`);
  assert.equal(one.status, 200);
  assert.equal((one.json.task as Json).id, first.id);
  const replaced = async () => {
    const now = (await tasks("/kill")).filter((task) => task.state === "TASK_RUNNING").map(({ id }) => id);
    return now.length === 3 && !now.includes(first.id);
  };
  await until(replaced, { withinMs: 20_000, what: "another task" });
  assert.equal((await ask("DELETE", `/v2/apps/kill/tasks/${first.id}`)).status, 404);
  const scaled = await ask("DELETE", `/v2/apps/kill/tasks/${second.id}?scale=true`);
  await settled(String(scaled.json.deploymentId));
  const left = (await tasks("/kill")).map(({ id }) => id);
  assert.equal(left.length, 2);
  assert.ok(!left.includes(second.id) && left.includes(third.id), "the one that was named went");
  assert.equal((await ask("DELETE", "/v2/apps/kill/tasks?scale=true&wipe=true")).status, 400);
  assert.equal((await ask("DELETE", "/v2/apps/nobody/tasks")).status, 404);
  const onHost = String((await tasks("/kill"))[0]?.host);
  const killed = (await ask("DELETE", `/v2/apps/kill/tasks?host=${onHost}`)).json.tasks as Json[];
  assert.ok(killed.length > 0 && killed.every(({ host }) => host === onHost));
});

test("tasks of several apps end in one request, scaled in one deployment", async () => {
  await standing("/several/a", { instances: 2 });
  await standing("/several/b", { instances: 2 });
  const ids = [...(await tasks("/several/a")), ...(await tasks("/several/b"))].flatMap(({ id }, i) =>
    i % 2 === 0 ? [id] : [],
  );
  assert.equal((await ask("POST", "/v2/tasks/delete", { ids: ["nonsense"] })).status, 400);
  const { json } = await ask("POST", "/v2/tasks/delete?scale=true", { ids: [...ids, "several_a.99.99"] });
  const { json: deployment } = await ask("GET", `/v1/deployments/${json.deploymentId}`);
  assert.equal((deployment.steps as { actions: Json[] }[])[0]?.actions.length, 2);
  await settled(String(json.deploymentId));
  for (const app of ["/several/a", "/several/b"]) assert.equal((await tasks(app)).length, 1);
});

test("a delay is ended on request, and there is none to end where nothing waits", async () => {
  await standing("/calm");
  const { status, json } = await ask("DELETE", "/v2/queue/calm/delay");
  assert.equal(status, 404);
  assert.match(String(json.message), /not found in tasks queue/);
  await put("/waits", { cpus: 9_999 });
  await until(
    async () => ((await ask("GET", "/v2/queue")).json.queue as Json[]).some(({ app }) => (app as Json).id === "/waits"),
    {
      withinMs: 10_000,
      what: "/waits in the queue",
    },
  );
  assert.equal((await ask("DELETE", "/v2/queue/waits/delay")).status, 204);
});
