import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keys, type OfferDocument } from "@muster/contracts";
import fc from "fast-check";
import { askOf } from "../ask.ts";
import { addApp, appOf, offerOf, openLedger, specOf } from "../testing/builders.ts";
import { MemoryBucket } from "../testing/memory-bucket.ts";
import { eligibleAgents, type GateReason, instancesAsked } from "./eligible.ts";

const text = (value: string) => ({ type: "text" as const, value });
const gate = (reason: GateReason) => ({ open: reason === "open", reason, sinceMs: 0, incarnation: 1 });

function bucketOf(agents: Record<string, Partial<OfferDocument>>): MemoryBucket {
  const bucket = new MemoryBucket();
  for (const [agent, more] of Object.entries(agents)) bucket.write(keys.offer(agent), offerOf(agent, more));
  return bucket;
}

function eligible(bucket: MemoryBucket, spec: Record<string, unknown>): string[] {
  const { placement, ...others } = spec;
  const whole = specOf("/g", { ...others, placement: { global: true, ...(placement as object) } });
  return [...eligibleAgents(bucket.snapshot(), askOf("/g", 1, whole)).agents.keys()];
}

describe("what an agent is decides", () => {
  const bucket = bucketOf({
    n1: { attributes: { rack: text("r1"), disk: text("ssd") } },
    n2: { attributes: { rack: text("r2"), disk: text("hdd") }, role: "web" },
    n3: { attributes: { rack: text("r1") }, runtimes: ["process"], region: "eu-1" },
  });

  const cases: [Record<string, unknown>, string[]][] = [
    [{}, ["n1", "n3"]],
    [{ acceptedResourceRoles: ["*", "web"] }, ["n1", "n2", "n3"]],
    [{ container: { type: "DOCKER", docker: { image: "a" } } }, ["n1"]],
    [{ constraints: [["rack", "LIKE", "r[12]"]] }, ["n1", "n3"]],
    [{ constraints: [["disk", "UNLIKE", "ssd"]] }, ["n3"]],
    [{ constraints: [["rack", "IS", "r1"]] }, ["n1", "n3"]],
    [{ constraints: [["disk", "CLUSTER", "ssd"]] }, ["n1"]],
    [{ placement: { expressions: ["disk==ssd"] } }, ["n1"]],
    [{ placement: { expressions: ["disk==~ssd"] } }, ["n1", "n3"]],
    [{ placement: { machineMetadata: ["disk=ssd", "disk=hdd"] } }, ["n1"]],
    [{ placement: { machineMetadata: ["rack=r1", "disk=ssd"] } }, ["n1"]],
    [{ placement: { expressions: ["@region==eu*"] } }, ["n3"]],
  ];
  for (const [spec, agents] of cases)
    test(`${JSON.stringify(spec)}: ${agents.join(" and ")}`, () => assert.deepEqual(eligible(bucket, spec), agents));

  test("constraints that compare instances count as passed", () => {
    // n3 has no disk: a rule that compared instances would refuse it.
    for (const constraint of [
      ["disk", "UNIQUE"],
      ["disk", "GROUP_BY", "2"],
      ["disk", "MAX_PER", "1"],
      ["disk", "CLUSTER"],
    ])
      assert.deepEqual(eligible(bucket, { constraints: [constraint] }), ["n1", "n3"], constraint.join(" "));
  });
});

test("neither a closed gate nor a full agent makes one ineligible, and each is told with its gate", () => {
  const reasons = ["open", "joining", "cordon", "drain", "suspect", "unreachable"] as const;
  const bucket = bucketOf(Object.fromEntries(reasons.map((reason) => [reason, { gate: gate(reason) }])));
  bucket.write(keys.ledger("open"), {
    ...openLedger("open"),
    used: { cpuMillis: 4_000, memoryMib: 4_096, diskMib: 4_096, gpus: 0 },
  });
  const { agents, refused } = eligibleAgents(bucket.snapshot(), askOf("/g", 1, specOf("/g", { cpus: 64 })));
  assert.deepEqual(
    [...agents],
    reasons.map((reason) => [reason, reason]),
  );
  assert.deepEqual([...refused], []);
});

test("an agent that the operator removed is refused until he takes his word back", () => {
  const bucket = bucketOf({ n1: {}, n2: {} });
  const say = (goal: string) => bucket.write(keys.agent("n2"), { agent: "n2", goal, fencedIncarnation: 1, atMs: 1 });
  say("remove");
  const ask = askOf("/g", 1, specOf("/g"));
  const { agents, refused } = eligibleAgents(bucket.snapshot(), ask);
  assert.deepEqual([[...agents.keys()], [...refused.keys()]], [["n1"], ["n2"]]);
  for (const goal of ["cordon", "run"]) {
    say(goal);
    assert.deepEqual([...eligibleAgents(bucket.snapshot(), ask).agents.keys()], ["n1", "n2"]);
  }
});

test("an app on every agent is asked for as often as there are eligible agents, all others as often as somebody asked", () => {
  const bucket = bucketOf({ n1: {}, n2: {}, n3: { role: "web" } });
  addApp(bucket, specOf("/g", { placement: { global: true } }));
  addApp(bucket, specOf("/a", { instances: 7 }));
  const asked = (app: string) =>
    instancesAsked(bucket.snapshot(), bucket.snapshot().kind("app").get(app)?.value as never);
  assert.deepEqual([asked("g"), asked("a")], [2, 7]);
  assert.equal(instancesAsked(bucket.snapshot(), appOf("/g", 1, 0, { goal: "deleted" })), 0);
});

/** One view that changes, as a service has it. */
class LivingView {
  bucket = new MemoryBucket();
  kind = (kind: string) => this.bucket.snapshot().kind(kind as "offer");
  revision = (key: string) => this.bucket.snapshot().revision(key);
}

test("a view that changes is judged as one read anew, whatever came, changed and went", () => {
  const change = fc.record({
    agent: fc.constantFrom("n1", "n2", "n3"),
    rack: fc.constantFrom("r1", "r2", null),
    role: fc.constantFrom("*", "web"),
  });
  const ask = askOf("/g", 1, specOf("/g", { constraints: [["rack", "IS", "r1"]], placement: { global: true } }));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const living = new LivingView();
      for (const { agent, rack, role } of changes) {
        const offer = rack === null ? null : offerOf(agent, { role, attributes: { rack: text(rack) } });
        living.bucket.write(keys.offer(agent), offer);
        const told = eligibleAgents(living as never, ask);
        const anew = eligibleAgents(living.bucket.snapshot(), ask);
        assert.deepEqual([[...told.agents], [...told.refused]], [[...anew.agents], [...anew.refused]]);
      }
    }),
  );
});
