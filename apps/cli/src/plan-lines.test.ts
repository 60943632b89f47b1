import assert from "node:assert/strict";
import { test } from "node:test";
import type { Plan, WaitingDocument } from "@muster/contracts";
import { screenOf } from "@muster/terminal";
import { planLines } from "./plan-lines.ts";

const NOW = 1_800_000_000_000;
const PLAN: Plan = {
  app: "/web",
  outcome: "fits",
  summary: "web would be upgraded: every instance is replaced; all have a place",
  action: "upgrade",
  refusal: null,
  version: NOW - 1,
  instances: { from: 3, to: 3 },
  changes: [
    { path: "/cpus", op: "change", old: 0.5, new: 1 },
    { path: "/env/LEVEL", op: "add", old: null, new: "debug" },
    { path: "/env/GREETING", op: "change", old: "hello", new: "hello you" },
    { path: "/constraints(1)", op: "remove", old: ["rack", "UNIQUE"], new: null },
  ],
  replaces: true,
  keeps: 0,
  first: { places: [{ agent: "n3", count: 1 }], stops: [] },
  places: [
    { agent: "n1", count: 2 },
    { agent: "n3", count: 1 },
  ],
  stops: [{ agent: "n1", count: 3, instances: ["web.0.7", "web.1.8", "web.2.9"] }],
  meanwhile: { least: 3, most: 4 },
  rehearsed: { steps: 8, isWhole: true },
  unplaced: 0,
  waiting: null,
  delayedUntilMs: null,
  warnings: [],
};
const WAITING: WaitingDocument = {
  app: "/web",
  count: 2,
  sinceMs: NOW,
  decidedAtMs: NOW,
  agentsSeen: 14,
  refusals: [
    { check: "gate", agents: 2, reason: "draining" },
    { check: "constraints", agents: 9, reason: "rack GROUP_BY 3: rack b has its share of 1" },
    { check: "cpus", agents: 3, reason: "needs 1 cpus, 0.8 free" },
  ],
  nearest: { agent: "n7", lacks: "needs 1 cpus, 0.8 free" },
  wouldFitIf: ["there were one more agent like n7", "9 agents would take it without rack GROUP_BY 3"],
  follows: [],
  holdFromMs: null,
  cures: ["agent.offer"],
  wantedRevision: 1,
  trace: null,
};

/** What a terminal of so many columns shows, or a pipe. */
function shown(plan: Partial<Plan>, stream: { isTTY?: boolean; columns?: number } = {}, env = {}): string[] {
  return planLines({ ...PLAN, ...plan }, screenOf({ write: () => undefined, ...stream }, { env }), NOW);
}

test("an upgrade: the sentence, the difference, the agents, what happens at once", () => {
  assert.deepEqual(shown({}), [
    "✓ upgrade  /web",
    "  web would be upgraded: every instance is replaced; all have a place",
    "",
    "  ~ /cpus            0.5 → 1",
    "  + /env/LEVEL       debug",
    '  ~ /env/GREETING    hello → "hello you"',
    '  - /constraints(1)  ["rack","UNIQUE"]',
    "",
    "  starts   3: 2 on n1, 1 on n3",
    "  stops    3 on n1",
    "  at once  starts 1 on n3",
  ]);
});

test("no change: one sentence and nothing else", () => {
  const nothing = { first: { places: [], stops: [] }, places: [], stops: [], changes: [], meanwhile: null };
  const summary = "nothing would change: web stands as asked, with 3 instances";
  assert.deepEqual(shown({ ...nothing, outcome: "unchanged", action: "none", summary, keeps: 3 }), [
    "✓ no change  /web",
    "  nothing would change: web stands as asked, with 3 instances",
  ]);
});

test("what has no place: the funnel, the nearest fit, and what would help", () => {
  const lines = shown({
    outcome: "unplaced",
    action: "scale",
    summary: "web would go from 3 to 8 instances",
    changes: [{ path: "/instances", op: "change", old: 3, new: 8 }],
    places: [{ agent: "n1", count: 3 }],
    first: { places: [{ agent: "n1", count: 3 }], stops: [] },
    stops: [],
    keeps: 3,
    unplaced: 2,
    waiting: WAITING,
  });
  assert.deepEqual(lines, [
    "! scale  /web",
    "  web would go from 3 to 8 instances",
    "",
    "  ~ /instances  3 → 8",
    "",
    "  starts  3 on n1",
    "  stays   3 instances",
    "",
    "  CHECK        REFUSES  REASON",
    "  gate         2 of 14  draining",
    "  constraints  9 of 14  rack GROUP_BY 3: rack b has its share of 1",
    "  cpus         3 of 14  needs 1 cpus, 0.8 free",
    "",
    "  nearest fit   n7: needs 1 cpus, 0.8 free",
    "  would fit if  there were one more agent like n7",
    "                9 agents would take it without rack GROUP_BY 3",
  ]);
});

test("many agents are counted, a delay and a shortened rehearsal are said", () => {
  const places = Array.from({ length: 14 }, (_, i) => ({ agent: `n${i + 1}`, count: 2 }));
  const lines = shown({
    places,
    stops: [],
    changes: [],
    first: { places: [], stops: [] },
    delayedUntilMs: NOW + 4_000,
    rehearsed: { steps: 100, isWhole: false },
  });
  const twelve = places.slice(0, 12).map(({ agent }) => `2 on ${agent}`);
  assert.deepEqual(lines.slice(3), [
    `  starts      28: ${twelve.join(", ")}, 4 on 2 more agents`,
    "  at once     nothing starts",
    "  delayed     for 4.0s, after failures",
    "  worked out  step by step for 100 steps, then as if all old instances had made way",
  ]);
});

test("a terminal gets colours and lines that fit, and control characters of a spec stay out", () => {
  const changes = [{ path: "/cmd", op: "add", old: null, new: `\u001b[31m${"x".repeat(200)}` }] as const;
  const lines = shown({ changes: [...changes] }, { isTTY: true, columns: 40 });
  const difference = lines.find((line) => line.includes("/cmd")) ?? "";
  assert.ok(difference.startsWith("  \u001b[32m+ /cmd  xxx"), difference);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is counted
  for (const line of lines) assert.ok(line.replaceAll(/\u001b\[\d+m/g, "").length <= 40, line);
  const plain = shown({ changes: [...changes] }, { isTTY: true, columns: 40 }, { NO_COLOR: "1", TERM: "dumb" });
  assert.ok(plain.every((line) => !line.includes("\u001b")));
  assert.equal(plain[0], "+ upgrade  /web");
});
