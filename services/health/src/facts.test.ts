/** Facts on a real nats-server: judged in order, many at once, and none lost while this process may not judge. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  agentShard,
  cloudEventHeaders,
  type HealthKind,
  keys,
  NO_DECISION,
  type StateKind,
  subjects,
  type Write,
} from "@muster/contracts";
import { type Cluster, commitBatch, openCluster, perform } from "@muster/runtime";
import { type NatsServer, startNatsServer, until } from "@muster/testkit";
import { simulatedFact, simulatedReport } from "@muster/testkit/simulated";
import { followFacts } from "./facts.ts";

const report = simulatedReport("n1");
const COUNT = 1_500;
let server: NatsServer;
let cluster: Cluster;
/** What this process may do for shards, in the test's hand. */
const may = { holds: true, isOurs: true };

before(async () => {
  server = await startNatsServer();
  cluster = await openCluster({
    address: { url: server.url },
    services: ["health"],
    stateKinds: ["instance"] as StateKind[],
    healthKinds: ["verdict", "ended", "cursor"] as HealthKind[],
    replicas: 1,
    otlp: null,
    waitMs: 10_000,
  });
});
after(async () => {
  await cluster.close();
  await server.stop();
});

let tries = 0;
const follow = () =>
  followFacts(cluster, {
    shards: { holds: () => may.holds, isOurs: () => may.isOurs },
    commit(decide) {
      tries += 1;
      return perform(cluster.nats, cluster.healthCommitter, "/muster/health", decide);
    },
    onOrphanEnd: () => undefined,
  });
const ref = (app: string, slot: number) => ({ app: `/${app}`, slot, attempt: slot + 1 });
const idOf = (app: string, slot: number) => `${app}.${slot}.${slot + 1}`;

/** Records of an app's slots, written in batches; answers the sequence of the last one. */
async function records(app: string, count: number): Promise<number> {
  let last = 0;
  for (let from = 0; from < count; from += 500) {
    const writes: Write[] = Array.from({ length: Math.min(500, count - from) }, (_, i) => ({
      key: keys.instance("n1", ref(app, from + i)),
      expect: 0,
      value: {
        ...ref(app, from + i),
        instance: idOf(app, from + i),
        version: 1,
        agent: "n1",
        goal: "run",
        placedAtMs: 1,
        trace: null,
      },
    }));
    const done = await cluster.stateCommitter.commit(() => ({ ...NO_DECISION, writes }), "/test");
    assert.equal(done?.outcome.type, "committed");
    last = cluster.state.revision(writes.at(-1)?.key ?? "");
  }
  return last;
}

async function state(app: string, count: number, state: "running" | "finished", sequence: number): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    const messages = Array.from({ length: Math.min(500, count - from) }, (_, i) => {
      const slot = from + i;
      const record = { ref: ref(app, slot), instance: idOf(app, slot), version: 1, ports: [], trace: null, sequence };
      const event = simulatedFact(report, record, slot + 1, state);
      const subject = subjects.fact("n1", record.ref, state);
      return { subject, body: JSON.stringify(event), headers: cloudEventHeaders(event) };
    });
    assert.equal((await commitBatch(cluster.nats.connection, messages)).type, "committed");
  }
}

const judged = (app: string, level: string) =>
  [...cluster.health.kind("verdict")].filter(([key, { value }]) => key.startsWith(`${app}.`) && value.level === level)
    .length;

test("many facts are judged, those of one instance in their order, and the cursor follows", async () => {
  const facts = follow();
  facts.gain();
  const sequence = await records("many", COUNT);
  await state("many", COUNT, "running", sequence);
  await state("many", COUNT, "finished", sequence);
  await until(() => judged("many", "finished") === COUNT, { withinMs: 20_000, what: "verdicts" });
  assert.equal(cluster.health.kind("ended").size, COUNT);
  assert.equal(cluster.health.kind("cursor").get(String(agentShard("n1")))?.value.fact, 2 * COUNT);
  await facts.stop();
});

test("a fact that comes while nothing may be judged is judged afterwards", async () => {
  const facts = follow();
  facts.gain();
  const sequence = await records("held", 20);
  may.holds = false;
  await state("held", 20, "running", sequence);
  const before = tries;
  await until(() => tries >= before + 2, { what: "two tries in vain" });
  assert.equal(judged("held", "running"), 0);
  may.holds = true;
  await until(() => judged("held", "running") === 20, { what: "verdicts" });
  await facts.stop();
});

test("facts of shards that others hold are left to them, and judged once the shards are ours", async () => {
  may.isOurs = false;
  const facts = follow();
  facts.gain();
  const sequence = await records("theirs", 10);
  await state("theirs", 10, "running", sequence);
  may.isOurs = true;
  facts.gain();
  await until(() => judged("theirs", "running") === 10, { what: "verdicts" });
  await facts.stop();
});

test("a fact about a record the stream never had makes no verdict and holds up nobody", async () => {
  const facts = follow();
  facts.gain();
  await state("ghost", 1, "running", 1_000_000_000);
  const sequence = await records("real", 3);
  await state("real", 3, "running", sequence);
  await until(() => judged("real", "running") === 3, { withinMs: 15_000, what: "the verdicts behind it" });
  assert.equal(judged("ghost", "running"), 0);
  await facts.stop();
});
