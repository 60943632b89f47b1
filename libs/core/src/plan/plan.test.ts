import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type AgentWord, appToken, keys, MusterError, type Plan } from "@muster/contracts";
import { configOf } from "../apps/config.ts";
import { Play } from "../apps/testing/play.ts";
import { decideRollout } from "../rollout/decide.ts";
import { addAgent } from "../testing/builders.ts";

/** Agents of four cpus each. */
function cluster(agents: number, racks = agents): Play {
  const play = new Play();
  for (let i = 1; i <= agents; i += 1)
    addAgent(play.state, `n${i}`, { attributes: { rack: { type: "text", value: `r${((i - 1) % racks) + 1}` } } });
  return play;
}

const total = (spots: Plan["places"]) => spots.reduce((sum, { count }) => sum + count, 0);
const agents = (spots: Plan["places"]) => spots.map(({ agent, count }) => `${count} on ${agent}`).join(", ");
const KEEP_UP = { upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 0 } };
const DOWN_FIRST = { upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 } };

describe("what would change", () => {
  test("a new app starts, spread over the agents, and nothing is written", () => {
    const play = cluster(2);
    const { sequence } = play.state;
    const plan = play.plan({ instances: 3 });
    assert.equal(plan.outcome, "fits");
    assert.equal(plan.summary, "web would start with 3 instances; all have a place");
    assert.deepEqual([plan.action, plan.version, plan.instances], ["start", null, { from: 0, to: 3 }]);
    assert.match(agents(plan.places), /^2 on n[12], 1 on n[12]$/);
    assert.deepEqual([total(plan.first.places), plan.stops, plan.keeps, plan.replaces], [3, [], 0, false]);
    assert.deepEqual([play.state.sequence, play.state.snapshot().kind("app").size], [sequence, 0]);
  });

  test("what stands as asked changes nothing, even while its deployment runs", () => {
    const play = cluster(2);
    play.store({ instances: 2 });
    const running = play.plan({ instances: 2 });
    assert.deepEqual([running.outcome, running.refusal], ["unchanged", null]);
    assert.equal(running.summary, "nothing would change: deployment d1 brings it about");
    play.settle("/web");
    assert.equal(play.plan({ instances: 2 }).summary, "nothing would change: web stands as asked, with 2 instances");
    assert.deepEqual(play.plan({ instances: 2 }).changes, []);
  });

  test("another number of instances only adds, or stops the youngest", () => {
    const play = cluster(2);
    play.run({ instances: 3, upgradeStrategy: {} });
    const more = play.plan({ instances: 5, upgradeStrategy: {} });
    assert.equal(more.summary, "web would go from 3 to 5 instances: 2 are added, none is restarted; all have a place");
    assert.deepEqual([more.action, total(more.places), more.stops, more.keeps], ["scale", 2, [], 3]);
    assert.deepEqual(more.changes, [{ path: "/instances", op: "change", old: 3, new: 5 }]);
    const fewer = play.plan({ instances: 2, upgradeStrategy: {} });
    assert.equal(fewer.summary, "web would go from 3 to 2 instances: 1 is stopped, none is restarted");
    const youngest = play.rows("/web").toSorted((a, b) => b.attempt - a.attempt)[0];
    assert.deepEqual(fewer.stops, [
      { agent: youngest?.agent, count: 1, instances: [`web.${youngest?.slot}.${youngest?.attempt}`] },
    ]);
  });

  test("what instances are not made of restarts none, and they are good for what is asked next", () => {
    const play = cluster(2);
    play.run({ instances: 3 });
    const stands = play.rows("/web").map(({ attempt }) => attempt);
    const label = play.plan({ instances: 3, labels: { TEAM: "a" } });
    assert.deepEqual([label.outcome, label.action, label.replaces, label.keeps], ["fits", "update", false, 3]);
    assert.deepEqual([label.places, label.stops, label.unplaced, label.meanwhile], [[], [], 0, null]);
    assert.equal(label.summary, "web would be updated: what changes needs no restart, and every instance stays");

    const more = play.plan({ instances: 5, labels: { TEAM: "a" } });
    assert.deepEqual([more.outcome, more.action, total(more.places), more.keeps], ["fits", "update", 2, 3]);
    assert.equal(
      more.summary,
      "web would be updated and go from 3 to 5 instances: what changes needs no restart, 2 are added, none is restarted; all have a place",
    );
    const fewer = play.plan({ instances: 2, labels: { TEAM: "a" } });
    assert.deepEqual([fewer.outcome, total(fewer.stops), fewer.keeps], ["fits", 1, 2]);
    assert.match(fewer.summary, /^web would be updated and go from 3 to 2 instances: .*, 1 is stopped, none is rest/);

    play.run({ instances: 3, labels: { TEAM: "a" } });
    assert.deepEqual(
      play.rows("/web").map(({ attempt }) => attempt),
      stands,
    );
    const next = play.plan({ instances: 5, labels: { TEAM: "a" } });
    assert.deepEqual([next.outcome, next.action, total(next.places), next.unplaced], ["fits", "scale", 2, 0]);
  });

  test("going back half way stops the newer ones and restarts none of those that stayed", () => {
    const play = cluster(2);
    play.run({ instances: 2, cpus: 0.5 });
    const canary = { rollout: { strategy: "canary", canary: 1, waitsForPromotion: true } };
    play.store({ instances: 2, cpus: 0.5, cmd: "sleep 10", ...canary });
    play.settle("/web");
    const back = play.plan({ instances: 2, cpus: 0.5, labels: { TEAM: "a" } }, true);
    assert.deepEqual([back.outcome, back.action, back.keeps, back.unplaced], ["fits", "update", 1, 0], back.summary);
    assert.match(back.summary, /what changes needs no restart, 1 is added and 1 is stopped, none is restarted; all/);
  });

  test("an upgrade is played as if all became ready, also what runs and is not ready yet", () => {
    const play = cluster(2);
    const fields = { instances: 2, portDefinitions: [{ name: "http-api" }], readinessChecks: [{}], ...KEEP_UP };
    play.run(fields);
    for (const row of play.rows("/web")) play.judge("/web", row, { ready: false });
    const plan = play.plan({ ...fields, readinessChecks: [{ path: "/ready" }] });
    assert.deepEqual([plan.outcome, plan.rehearsed.isWhole, plan.meanwhile?.least], ["fits", true, 0]);
    assert.deepEqual([total(plan.places), total(plan.stops), plan.keeps], [2, 2, 0]);
    assert.deepEqual(plan.changes, [{ path: "/readinessChecks(0)/path", op: "change", old: "/", new: "/ready" }]);
    play.run({ ...fields, mem: 65 });
    assert.equal(play.plan({ ...fields, mem: 66 }).meanwhile?.least, 2);

    // In the middle of an upgrade: its first instance runs and is not ready yet.
    const before = new Set(play.rows("/web").map(({ attempt }) => attempt));
    play.store({ ...fields, mem: 66 });
    const rollout = decideRollout(play.state.snapshot(), play.health.snapshot(), "/web", null, play.at());
    play.state.commit(rollout?.decision ?? { writes: [], asserts: [] });
    play.place("/web");
    for (const row of play.rows("/web"))
      if (!before.has(row.attempt)) play.judge("/web", row, { healthy: true, ready: false });
    const midway = play.plan({ ...fields, mem: 66, instances: 3 }, true);
    assert.deepEqual([midway.outcome, total(midway.places), total(midway.stops)], ["fits", 2, 2]);
  });

  test("an upgrade places first what its capacity allows, and stops the old ones as new ones come up", () => {
    const play = cluster(3);
    play.run({ instances: 3, ...KEEP_UP });
    const plan = play.plan({ instances: 3, cmd: "sleep 10", ...KEEP_UP });
    assert.equal(
      plan.summary,
      "web would be upgraded: every instance is replaced, at least 3 ready and at most 4 at once; all have a place",
    );
    assert.deepEqual([total(plan.first.places), plan.first.stops], [1, []]);
    assert.deepEqual([total(plan.places), total(plan.stops), plan.keeps, plan.replaces], [3, 3, 0, true]);
    assert.deepEqual(plan.changes, [{ path: "/cmd", op: "change", old: "sleep 9", new: "sleep 10" }]);
    const half = play.plan({
      instances: 3,
      cmd: "x",
      upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 1 },
    });
    assert.deepEqual([total(half.first.places), total(half.first.stops)], [3, 3]);
  });
});

describe("what has no place", () => {
  test("is told with the funnel, the nearest fit and what would help", () => {
    const play = cluster(2);
    const plan = play.plan({ instances: 3, constraints: [["rack", "UNIQUE"]] });
    assert.equal(plan.outcome, "unplaced");
    assert.deepEqual([total(plan.places), plan.unplaced, plan.waiting?.count], [2, 1, 1]);
    assert.match(
      plan.summary,
      /^web would start with 3 instances; 1 of 3 would have no place: of 2 agents 2 refused by constraints \(rack UNIQUE: an instance already stands on rack r[12]\); closest n[12]: rack UNIQUE: .*; 2 agents would take it without rack UNIQUE$/,
    );
  });

  test("an upgrade that cannot begin leaves the old ones alone", () => {
    const play = cluster(2);
    play.run({ instances: 2, cpus: 3, ...KEEP_UP });
    const stuck = play.plan({ instances: 2, cpus: 3, cmd: "sleep 10", ...KEEP_UP });
    assert.deepEqual([stuck.outcome, stuck.unplaced, stuck.keeps, stuck.stops], ["unplaced", 2, 2, []]);
    assert.equal(
      stuck.summary,
      "web would be upgraded: every instance is replaced; 2 of 2 would have no place, so 2 of the old ones go on: " +
        "of 2 agents 2 refused by cpus (needs 3 cpus, 1 free); closest n1: needs 3 cpus, 1 free; " +
        "would fit if there were one more agent like n1",
    );
    const fits = play.plan({ instances: 2, cpus: 3, cmd: "sleep 10", ...DOWN_FIRST });
    assert.deepEqual(
      [fits.outcome, total(fits.places), total(fits.first.places), fits.meanwhile?.least],
      ["fits", 2, 0, 0],
    );
  });

  test("an instance on a silent agent does not make way", () => {
    const play = cluster(2);
    play.run({ instances: 2, cpus: 3, ...DOWN_FIRST });
    const ledger = play.state.snapshot().kind("ledger").get("n1")?.value;
    const offer = play.state.snapshot().kind("offer").get("n1")?.value;
    const gate = { open: false, reason: "unreachable" as const, sinceMs: 1, incarnation: 1 };
    play.state.write(keys.ledger("n1"), { ...ledger, gate });
    play.state.write(keys.offer("n1"), { ...offer, gate });
    for (const row of play.rows("/web")) if (row.agent === "n1") play.judge("/web", row, { level: "unreachable" });
    const plan = play.plan({ instances: 2, cpus: 3, cmd: "sleep 10", ...DOWN_FIRST });
    assert.deepEqual([plan.outcome, plan.unplaced, agents(plan.places)], ["unplaced", 1, "1 on n2"]);
  });

  test("a gang is placed whole or not at all", () => {
    const play = cluster(2);
    const plan = play.plan({ instances: 3, cpus: 3, placement: { gang: true } });
    assert.deepEqual([plan.outcome, plan.places, plan.unplaced], ["unplaced", [], 3]);
    assert.match(plan.summary, /3 of 3 would have no place: 2 of 3 members fit at once; of 2 agents/);
  });
});

describe("what stands in the way", () => {
  test("a running deployment is told, and planned over as if it were overtaken", () => {
    const play = cluster(2);
    play.run({ instances: 2, ...KEEP_UP });
    play.store({ instances: 2, cmd: "sleep 10", ...KEEP_UP });
    const plan = play.plan({ instances: 2, cmd: "sleep 11", ...KEEP_UP });
    assert.deepEqual([plan.outcome, plan.refusal?.code, plan.unplaced], ["refused", "app.locked", 0]);
    assert.match(
      plan.summary,
      /all have a place; just now it would be refused: App \/web is being changed by deployment d2/,
    );
    const forced = play.plan({ instances: 2, cmd: "sleep 11", ...KEEP_UP }, true);
    assert.deepEqual([forced.outcome, forced.refusal], ["fits", null]);
  });

  test("what storing the spec would refuse is refused", () => {
    const play = cluster(1);
    play.state.write(keys.path("/web"), { kind: "group", owner: "/web" });
    assert.throws(
      () => play.plan({}),
      (error) => error instanceof MusterError && error.code === "app.exists",
    );
  });

  test("after failures new instances are held back, and it is said until when", () => {
    const play = cluster(1);
    play.run({ instances: 1 });
    const [row] = play.rows("/web");
    assert.ok(row !== undefined);
    play.end("/web", row, "failed");
    play.place("/web");
    const plan = play.plan({ instances: 2 });
    assert.equal(plan.outcome, "fits");
    assert.match(plan.summary, /; new instances are held back for 1 s after failures$/);
  });
});

test("more instances than a round decides are planned in several", () => {
  const play = cluster(150);
  const plan = play.plan({ instances: 900, cpus: 0.5 });
  assert.deepEqual([plan.outcome, total(plan.places), plan.unplaced], ["fits", 900, 0]);
  const large = play.plan({ instances: 900 });
  assert.deepEqual([large.outcome, total(large.places), large.unplaced], ["unplaced", 600, 300]);
});

test("a long upgrade is played for a hundred steps, and then as if all old instances had made way", () => {
  const play = cluster(100);
  play.run({ instances: 300 });
  const plan = play.plan({ instances: 300, cmd: "sleep 10", ...KEEP_UP });
  assert.deepEqual([plan.outcome, total(plan.places), total(plan.stops)], ["fits", 300, 300]);
  assert.deepEqual([plan.rehearsed.isWhole, plan.meanwhile], [false, { least: 300, most: 301 }]);
});

test("an app on every agent gets one on each that may take it", () => {
  const play = cluster(3);
  const word: AgentWord = { agent: "n3", goal: "remove", fencedIncarnation: 1, atMs: 1 };
  play.state.write(keys.agent("n3"), word);
  const plan = play.plan({ placement: { global: true } });
  assert.deepEqual([plan.outcome, plan.instances.to, total(plan.places)], ["fits", 2, 2]);
  play.run({ placement: { global: true } });
  assert.equal(
    play.plan({ placement: { global: true } }).summary,
    "nothing would change: web stands as asked, with 2 instances",
  );
});

test("what a plan says comes true when the spec is stored", () => {
  const steps = [
    { instances: 4 },
    { instances: 6 },
    { instances: 5, cmd: "a", ...KEEP_UP },
    { instances: 5, cmd: "a", labels: { TEAM: "a" }, ...KEEP_UP },
    { instances: 6, cmd: "a", labels: { TEAM: "a" }, ...KEEP_UP },
    { instances: 4, cmd: "a", ...KEEP_UP },
    { instances: 5, cmd: "b", cpus: 2, ...DOWN_FIRST },
    { instances: 9, cmd: "b", cpus: 2, ...DOWN_FIRST },
    { instances: 4, cmd: "c", cpus: 3, upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0.5 } },
    { instances: 3, cmd: "d", constraints: [["rack", "UNIQUE"]], ...KEEP_UP },
    { instances: 0, cmd: "d" },
  ];
  const play = cluster(3);
  for (const step of steps) {
    const plan = play.plan(step, true);
    const before = new Set(play.rows("/web").map((row) => row.attempt));
    play.store(step, true);
    play.settle("/web");
    const rows = play.rows("/web");
    const config = (version: number) => configOf(play.state.snapshot(), "/web", version);
    const now = config(play.state.snapshot().kind("app").get("web")?.value.version ?? 0);
    const current = rows.filter((row) => config(row.version) === now);
    const fresh = current.filter((row) => !before.has(row.attempt));
    assert.equal(total(plan.places), fresh.length, JSON.stringify(step));
    assert.equal(plan.unplaced, Math.max(0, step.instances - current.length));
    assert.equal(plan.keeps, rows.filter((row) => before.has(row.attempt)).length, JSON.stringify(step));
    const waiting = play.state.snapshot().kind("waiting").get(appToken("/web"))?.value ?? null;
    assert.deepEqual(plan.waiting?.refusals, waiting?.refusals);
  }
});
