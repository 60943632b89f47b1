import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keys, MusterError, NOTHING } from "@muster/contracts";
import { decideAgentWord } from "../apps/agent-word.ts";
import { judge, NOW, offer, place, placedRow, VERSION, type World, world } from "../apps/testing/handmade-app.ts";
import { agentsView, clusterView } from "./agents.ts";

describe("agents and the cluster", () => {
  const OPEN = { open: true, reason: "open", sinceMs: NOW, incarnation: 3 } as const;
  const JOINING = { open: false, reason: "joining", sinceMs: 0, incarnation: 3 } as const;
  function ledger({ state }: World): void {
    state.put(keys.ledger("n1"), {
      agent: "n1",
      n: 4,
      used: { cpuMillis: 100, memoryMib: 32, diskMib: 0, gpus: 0 },
      ports: [31_000],
      instances: { hello: { [VERSION]: 2 } },
      custom: { scalars: {}, sets: {} },
      gate: OPEN,
    });
  }

  test("an agent is its offer, what is committed there, its gate and its orphans", () => {
    const here = world();
    offer(here, "n2", { gate: JOINING });
    offer(here, "n1", { gate: OPEN });
    ledger(here);
    here.health.put(keys.agentVerdict("n1"), {
      agent: "n1",
      reconciledIncarnation: 3,
      orphans: [{ instance: "old.0.1", resources: NOTHING, ports: [] }],
      atMs: NOW,
    });
    const [n1, n2] = agentsView(here.state, here.health);
    assert.deepEqual(n1?.gate, { open: true, reason: "open", sinceMs: NOW });
    assert.deepEqual([n1?.instances, n1?.used.cpuMillis, n1?.orphans], [2, 100, ["old.0.1"]]);
    assert.deepEqual(n2?.gate, { open: false, reason: "joining", sinceMs: 0 });
    assert.deepEqual([n2?.instances, n2?.used], [0, NOTHING]);
  });

  test("the cluster in numbers", () => {
    const here = world();
    offer(here, "n1", { gate: OPEN });
    offer(here, "n2", { gate: JOINING });
    ledger(here);
    place(here, [placedRow(0), placedRow(1)]);
    judge(here, 0, "running", { healthy: true });
    const leases = [{ process: "b", services: ["gateway", "deployer"], startedAtMs: 5, http: null, abdicated: [] }];
    assert.deepEqual(clusterView(here.state, here.health, leases), {
      apps: 1,
      instances: { wanted: 2, placed: 2, running: 1, healthy: 1 },
      agents: { total: 2, open: 1 },
      services: [
        { service: "deployer", process: "b", startedAtMs: 5 },
        { service: "gateway", process: "b", startedAtMs: 5 },
      ],
    });
  });

  test("the operator's word is written once, and a fence is never taken back", () => {
    const here = world();
    offer(here, "n1");
    const say = (goal: "run" | "cordon" | "drain" | "remove") => {
      const { decision, answer } = decideAgentWord(
        here.state,
        { agent: "n1", goal, trace: "t" },
        { now: NOW, dice: () => 0 },
      );
      here.state.commit(decision);
      return { writes: decision.writes.length, ...answer };
    };
    assert.deepEqual(say("drain"), { writes: 1, agent: "n1", goal: "drain", fencedIncarnation: null, atMs: NOW });
    assert.equal(say("drain").writes, 0);
    assert.equal(say("remove").fencedIncarnation, 3);
    assert.equal(say("run").fencedIncarnation, 3);
    offer(here, "n1", { incarnation: 5 });
    assert.equal(say("remove").fencedIncarnation, 5);
    const unknown = () =>
      decideAgentWord(here.state, { agent: "n9", goal: "run", trace: null }, { now: NOW, dice: () => 0 });
    assert.throws(unknown, (error) => error instanceof MusterError && error.code === "agent.unknown");
  });
});
