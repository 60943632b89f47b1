/** kill -9 of any one service, and of nats-server, while fifty instances are deployed. The oracle is a file the tasks write. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { until } from "@muster/testkit";
import { Operator, openTestCluster } from "../support/control-plane.ts";
import { type ProcessCluster, startProcesses } from "../support/processes.ts";
import { isAlive } from "../support/standalone.ts";

const INSTANCES = 50;
let cluster: ProcessCluster;
let operator: Operator;
let oracle: string;

before(async () => {
  cluster = await startProcesses({
    placements: 2,
    agents: ["n1", "n2"].map((id, i) => ({
      id,
      flags: [`--resources=cpus:6;mem:4096;ports:[${33_000 + i * 1_000}-${33_999 + i * 1_000}]`],
    })),
  });
  oracle = join(cluster.folder, "oracle.txt");
  operator = new Operator(await openTestCluster(cluster.server.url));
});
after(async () => {
  for (const { pid } of living()) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
  await operator.cluster.close();
  await cluster.stop();
});

/** Each task writes its start with its process id, beats, and its end: neither NATS nor the agent has a say in it. */
const command = () =>
  `echo "start $MUSTER_INSTANCE $$" >> ${oracle}; trap 'echo "end $MUSTER_INSTANCE $$" >> ${oracle}; exit 0' TERM; while :; do echo "beat $MUSTER_INSTANCE $$" >> ${oracle}; sleep 2 & wait $!; done`;

type Line = { what: string; instance: string; pid: number };
function lines(): Line[] {
  const text = (() => {
    try {
      return readFileSync(oracle, "utf8");
    } catch {
      return "";
    }
  })();
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [what, instance, pid] = line.split(" ");
      return { what: what as string, instance: instance as string, pid: Number(pid) };
    });
}
const starts = () => lines().filter((line) => line.what === "start");
const living = () => starts().filter(({ pid }) => isAlive(pid));

async function post(id: string, instances: number): Promise<void> {
  const body = JSON.stringify({ id, cmd: command(), cpus: 0.1, mem: 16, instances, taskKillGracePeriodSeconds: 5 });
  await until(
    async () => {
      const answer = await fetch(`${cluster.http}/v2/apps`, { method: "POST", body });
      return answer.status === 201 || answer.status === 409;
    },
    { withinMs: 30_000, everyMs: 200, what: "a gateway that takes the app" },
  );
}

async function checkConverged(app: string): Promise<void> {
  await operator.untilRunning(app, INSTANCES, 90_000);
  const wanted = new Set(operator.running(app));
  await until(() => starts().filter(({ instance }) => wanted.has(instance)).length >= INSTANCES, {
    what: "a start of each in the oracle",
  });
  const counts = new Map<string, number>();
  for (const { instance } of starts()) counts.set(instance, (counts.get(instance) ?? 0) + 1);
  assert.deepEqual(
    [...counts].filter(([, count]) => count > 1),
    [],
    "no instance was started twice",
  );
  await until(() => living().length === INSTANCES, {
    withinMs: 30_000,
    what: () => `${INSTANCES} living tasks, not ${living().length}`,
  });
  assert.deepEqual(new Set(living().map(({ instance }) => instance)), wanted, "what lives is what is wanted");
  assert.deepEqual(operator.overCommitments(), []);
}

/** The moment to strike: after the first start, in the middle, near the end. A victim that is down may hold progress up. */
async function someProgress(app: string, round: number): Promise<void> {
  const token = `${app.slice(1)}.`;
  const enough = [1, 20, 40][round] as number;
  const started = () => starts().filter(({ instance }) => instance.startsWith(token)).length;
  await until(() => started() >= enough, { withinMs: 3_000, everyMs: 2, what: "some progress" }).catch(() => undefined);
}

async function remove(app: string): Promise<void> {
  await until(async () => (await fetch(`${cluster.http}/v2/apps${app}`, { method: "DELETE" })).ok, {
    withinMs: 30_000,
    everyMs: 200,
    what: "a gateway that deletes",
  });
  await until(() => operator.cluster.state.kind("app").get(app.slice(1)) === undefined, {
    withinMs: 60_000,
    what: `the end of ${app}`,
  });
  assert.equal(living().length, 0);
}

const VICTIMS = ["offer-broker", "health", "deployer", "placement-1", "gateway", "agent-n1"];

for (const victim of VICTIMS)
  test(`kill -9 of ${victim}, again and again while ${INSTANCES} instances are deployed, loses and doubles nothing`, {
    timeout: 180_000,
  }, async () => {
    const app = `/${victim}`;
    await post(app, INSTANCES);
    const service = cluster.services.get(victim);
    assert.ok(service);
    for (let round = 0; round < 3; round += 1) {
      await someProgress(app, round);
      await service.kill();
      service.start();
    }
    await checkConverged(app);
    await remove(app);
  });

test(`kill -9 of nats-server while ${INSTANCES} instances are deployed loses and doubles nothing`, {
  timeout: 240_000,
}, async () => {
  const app = "/nats";
  await post(app, INSTANCES);
  for (let round = 0; round < 3; round += 1) {
    await someProgress(app, round);
    await cluster.server.kill();
    await cluster.server.start();
  }
  await checkConverged(app);
  await remove(app);
});
