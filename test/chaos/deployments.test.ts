/** Deployers are killed at every step of a deployment: no step is lost, none is taken twice, and the app ends as it was asked to. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { DeploymentDocument, TaskEvent } from "@muster/contracts";
import { connectNats, type Nats } from "@muster/runtime";
import { until } from "@muster/testkit";
import { type ProcessCluster, serviceProcess, startProcesses } from "../support/processes.ts";

let cluster: ProcessCluster;
let nats: Nats;
const steps: { id: string; step: number; stage: number; outcome: string }[] = [];
const started: string[] = [];

before(async () => {
  cluster = await startProcesses({
    agents: [{ id: "n1", flags: ["--resources=cpus:8;mem:4096;ports:[36000-36099]", "--stop-tasks-on-exit"] }],
  });
  nats = await connectNats({ url: cluster.server.url }, { name: "deployments test" });
  nats.connection.subscribe("muster.events.deployment.*.step", {
    callback: (_error, message) => void steps.push(message.json<{ data: (typeof steps)[number] }>().data),
  });
  nats.connection.subscribe("muster.events.task.*.*.*.running", {
    callback: (_error, message) => void started.push(message.json<TaskEvent>().data.instance),
  });
  await nats.connection.flush();
});
after(async () => {
  await nats.connection.close();
  await cluster.services.get("agent-n1")?.terminate();
  await cluster.stop();
});

const ask = async (method: string, path: string, body?: object): Promise<{ status: number; json: never }> => {
  const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const answer = await fetch(`${cluster.http}${path}`, init);
  return { status: answer.status, json: (await answer.json().catch(() => null)) as never };
};
const deployment = async (id: string): Promise<DeploymentDocument> => (await ask("GET", `/v1/deployments/${id}`)).json;

/** Kills the deployer whenever the deployment has moved, and while it stands still; another one takes its place. */
async function killAtEveryStep(isOver: () => boolean): Promise<number> {
  const first = cluster.services.get("deployer");
  assert.ok(first !== undefined);
  const second = serviceProcess("deployer", "deployer-2", [`--nats-url=${cluster.server.url}`], cluster.folder);
  let deaths = 0;
  for (let turn = 0; turn < 60 && !isOver(); turn += 1) {
    const [victim, heir] = turn % 2 === 0 ? [first, second] : [second, first];
    heir.start();
    const seen = steps.length;
    await until(() => steps.length > seen || isOver(), { everyMs: 5, withinMs: 3_000, what: "a step" }).catch(() => {});
    await victim.kill();
    deaths += 1;
  }
  await Promise.all([first.kill(), second.kill()]);
  first.start();
  return deaths;
}

test("batches, a canary, a rollback and a group reach their ends while deployers die at every step", {
  timeout: 150_000,
}, async (t) => {
  const app = (cmd: string, rollout: object) => ({
    id: "/stages",
    cmd: `${cmd}; exec sleep 600`,
    instances: 4,
    cpus: 0.1,
    mem: 16,
    portDefinitions: [],
    rollout,
  });
  let isOver = false;
  const killing = killAtEveryStep(() => isOver);
  const put = async (body: object): Promise<string> => {
    const { status, json } = await ask("PUT", "/v2/apps/stages", body);
    assert.ok(status === 200 || status === 201, `${status}: ${JSON.stringify(json)}`);
    return (json as { deploymentId: string }).deploymentId;
  };
  const ended = (id: string) =>
    until(async () => ((await deployment(id)).state === "running" ? null : await deployment(id)), {
      withinMs: 60_000,
      everyMs: 50,
      what: () => `the end of ${id}`,
    });
  try {
    assert.equal((await ended(await put(app("true", {})))).state, "succeeded");

    const batches = await put(app("false || true", { strategy: "batches", batches: [1], watchSeconds: 0.2 }));
    assert.equal((await ended(batches)).state, "succeeded");
    const entered = steps.filter(({ id, outcome }) => id === batches && outcome === "started");
    assert.deepEqual(
      entered.map(({ stage }) => stage),
      [2, 3, 4],
      "each stage was entered once, in order",
    );

    const canary = await put(app("true && true", { strategy: "canary" }));
    await until(async () => (await deployment(canary)).reachedAtMs !== null, { withinMs: 30_000, what: "the canary" });
    const { status, json } = await ask("DELETE", `/v2/deployments/${canary}`);
    assert.equal(status, 200, JSON.stringify(json));
    const back = (json as { deploymentId: string }).deploymentId;
    assert.equal((await ended(back)).state, "succeeded");
    assert.equal((await deployment(canary)).state, "aborted");

    const tier = (id: string, dependencies: string[] = []) => ({ ...app("true", {}), id, instances: 1, dependencies });
    const tiers = { id: "/tiers", apps: [tier("web", ["/tiers/api"]), tier("api", ["/tiers/db"]), tier("db")] };
    for (const [method, body] of [["POST", tiers], ["DELETE"]] as const) {
      const { json: change } = await ask(method, method === "POST" ? "/v2/groups" : "/v2/groups/tiers", body);
      const { deploymentId } = change as { deploymentId: string };
      assert.equal((await ended(deploymentId)).state, "succeeded", `${method} of the group`);
      const done = steps.filter(({ id, outcome }) => id === deploymentId && outcome === "succeeded");
      assert.deepEqual(
        done.map(({ step }) => step),
        [1, 2, 3],
        "each step was done once, in order",
      );
    }
  } finally {
    isOver = true;
  }
  t.diagnostic(`deployers died ${await killing} times`);
  const { json } = await ask("GET", "/v1/instances?app=/stages");
  const instances = (json as { instances: { id: string; state: string }[] }).instances;
  assert.equal(instances.length, 4);
  assert.ok(instances.every(({ state }) => state === "running"));
  assert.equal(new Set(started).size, started.length, "no instance was started twice");
});
