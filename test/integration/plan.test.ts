// A plan over HTTP, over NATS and by the command line, on a real cluster: it comes true, and asking for it changes nothing.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createClient } from "@muster/client";
import { type Plan, PlanSchema } from "@muster/contracts";
import type { Service } from "@muster/runtime";
import { SimulatedAgent, until } from "@muster/testkit";
import { startPlane, type TestPlane } from "../support/control-plane.ts";
import { startTestGateway } from "../support/gateway.ts";

const CLI = fileURLToPath(new URL("../../apps/cli/src/main.ts", import.meta.url));
let plane: TestPlane;
let gateway: Service & { http: string };
let folder: string;
const agents: SimulatedAgent[] = [];

before(async () => {
  plane = await startPlane();
  gateway = await startTestGateway(plane.server.url);
  folder = await mkdtemp(join(tmpdir(), "muster-plan-"));
  for (const name of ["n1", "n2", "n3"]) {
    const agent = new SimulatedAgent(plane.operator.cluster.nats, { agent: name });
    await agent.start();
    agents.push(agent);
  }
  const { state } = plane.operator.cluster;
  await until(() => [...state.kind("ledger").values()].filter(({ value }) => value.gate.open).length === 3, {
    what: "three open gates",
  });
});
after(async () => {
  for (const agent of agents) await agent.stop();
  await gateway?.stop();
  await plane?.stop();
  await rm(folder, { recursive: true, force: true });
});

const KEEP_UP = { minimumHealthCapacity: 1, maximumOverCapacity: 0 };
const web = (more: object) => ({
  id: "/web",
  cmd: "sleep 1000",
  cpus: 0.5,
  mem: 16,
  upgradeStrategy: KEEP_UP,
  ...more,
});

const post = (path: string, spec: object, method = "POST") =>
  fetch(`${gateway.http}${path}`, { method, body: JSON.stringify(spec) });
async function planOf(spec: object): Promise<Plan> {
  const response = await post("/v1/plan", spec);
  assert.equal(response.status, 200);
  return PlanSchema.parse(await response.json());
}
const total = (spots: Plan["places"]) => spots.reduce((sum, { count }) => sum + count, 0);

/** The last sequence of every stream that decisions end up in. */
async function sequences(): Promise<Record<string, number>> {
  const last: Record<string, number> = {};
  const { jsm } = plane.operator.cluster.nats;
  for (const stream of ["KV_muster_state", "KV_muster_health", "MUSTER_QUEUE", "MUSTER_EVENTS", "MUSTER_SUBMIT"])
    last[stream] = (await jsm.streams.info(stream)).state.last_seq;
  return last;
}

test("a plan of a new app, of more of it, and of another version each come true", async () => {
  const { operator } = plane;
  const start = await planOf(web({ instances: 3 }));
  assert.deepEqual([start.outcome, start.action, total(start.places)], ["fits", "start", 3]);
  assert.deepEqual(
    start.places.map(({ count }) => count),
    [1, 1, 1],
    "one on each agent",
  );
  assert.equal((await post("/v2/apps", web({ instances: 3 }))).status, 201);
  await operator.untilRunning("/web", 3);

  const more = await planOf(web({ instances: 5 }));
  assert.deepEqual([more.action, total(more.places), more.keeps, more.replaces], ["scale", 2, 3, false]);
  assert.equal((await post("/v2/apps/web?partialUpdate=false", web({ instances: 5 }), "PUT")).status, 200);
  await operator.untilRunning("/web", 5);

  const before = operator.running("/web").sort();
  const upgrade = await planOf(web({ instances: 5, cmd: "sleep 2000" }));
  assert.deepEqual([upgrade.action, total(upgrade.first.places), total(upgrade.stops)], ["upgrade", 1, 5]);
  assert.deepEqual(upgrade.stops.flatMap(({ instances }) => instances).sort(), before);
  assert.deepEqual(upgrade.meanwhile, { least: 5, most: 6 });
});

test("a plan of a label says that every instance stays, and so it comes", async () => {
  const { operator } = plane;
  const labelled = web({ instances: 5, labels: { TEAM: "a" } });
  const before = operator.running("/web").sort();
  const plan = await planOf(labelled);
  assert.deepEqual(
    [plan.outcome, plan.action, plan.replaces, plan.keeps, plan.places, plan.stops, plan.unplaced],
    ["fits", "update", false, 5, [], [], 0],
  );
  assert.equal((await post("/v2/apps/web?partialUpdate=false", labelled, "PUT")).status, 200);
  await until(async () => (await planOf(labelled)).summary.endsWith("stands as asked, with 5 instances"), {
    what: "the end of the deployment",
  });
  assert.deepEqual(operator.running("/web").sort(), before);
  const more = await planOf({ ...labelled, instances: 6 });
  assert.deepEqual([more.outcome, more.action, total(more.places), more.unplaced], ["fits", "scale", 1, 0]);
  assert.equal((await post("/v2/apps/web?partialUpdate=false", web({ instances: 5 }), "PUT")).status, 200);
});

test("a plan changes nothing: no sequence of any stream moves, whatever is asked", async () => {
  const client = createClient(plane.operator.cluster.nats, { from: "test" });
  let [last, equal] = ["", 0];
  await until(
    async () => {
      const now = JSON.stringify(await sequences());
      equal = now === last ? equal + 1 : 0;
      last = now;
      return equal === 10;
    },
    { what: "a cluster at rest" },
  );
  const before = await sequences();
  const outcomes = [];
  for (const spec of [
    web({ instances: 5 }),
    web({ instances: 7 }),
    web({ instances: 5, cmd: "sleep 2000" }),
    web({ instances: 5, cpus: 100 }),
    { id: "/train", cmd: "x", cpus: 2, instances: 40, placement: { gang: true } },
  ]) {
    outcomes.push((await planOf(spec)).outcome);
    assert.equal((await client.planApp(JSON.stringify(spec))).outcome, outcomes.at(-1), "the same over NATS");
  }
  assert.equal((await post("/v1/plan", web({ instances: -1 }))).status, 422);
  assert.deepEqual(outcomes, ["unchanged", "fits", "fits", "unplaced", "unplaced"]);
  assert.deepEqual(await sequences(), before);
  assert.equal(plane.operator.cluster.state.kind("app").has("train"), false);
});

test("muster plan has an exit code for each answer", async () => {
  const plan = async (spec: object, ...flags: string[]) => {
    const file = join(folder, "web.json");
    await writeFile(file, JSON.stringify(spec));
    return await new Promise<{ code: unknown; out: string; err: string }>((resolve) => {
      const args = [CLI, "plan", file, "-s", plane.server.url, ...flags];
      execFile(process.execPath, args, (error, out, err) => resolve({ code: error?.code ?? 0, out, err }));
    });
  };
  const same = await plan(web({ instances: 5 }));
  assert.deepEqual([same.code, same.err], [0, ""]);
  assert.match(same.out, /^✓ no change {2}\/web\n {2}nothing would change: web stands as asked, with 5 instances\n$/);
  const fits = await plan(web({ instances: 6 }), "--json");
  assert.deepEqual([fits.code, PlanSchema.parse(JSON.parse(fits.out)).outcome], [10, "fits"]);
  const unplaced = await plan(web({ instances: 5, cpus: 100 }));
  assert.equal(unplaced.code, 3);
  assert.match(unplaced.out, /5 of 5 would have no place, so 5 of the old ones\s+go on: of 3 agents 3 refused by cpus/);
  const wrong = await plan({ id: "/web", cpus: "much" });
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /\/cpus/);
});
