// The deployer and the agents' facts on the stage: what is wished for next, and what an instance says of itself.

import { FACT_STATES, keys, type PlacedRow, type WantedRow } from "@muster/contracts";
import { decideOverdue, decideRollout, judgeFact } from "@muster/core";
import type { TestCluster } from "@muster/core/testing/test-cluster";

/** One look of the deployer at the app, committed. */
export function roll(cluster: TestCluster, id: string): string[] {
  const { state, health, now } = cluster;
  const before = cluster.wanted(id).rows;
  const rollout = decideRollout(state.snapshot(), health.snapshot(), id, null, { now, dice: () => 0.5 });
  if (rollout === null) throw new Error(`there is no app ${id}`);
  if (!state.commit(rollout.decision)) throw new Error(`stale: ${state.stale(rollout.decision)}`);
  const after = cluster.wanted(id).rows;
  const name = ({ slot }: WantedRow): string => `${id}.${slot}`;
  const find = (rows: readonly WantedRow[], row: WantedRow) => rows.find(({ attempt }) => attempt === row.attempt);
  const added = after.filter((row) => find(before, row) === undefined);
  const stopped = after.filter((row) => row.goal === "stop" && find(before, row)?.goal === "run");
  const over = before.filter((row) => find(after, row) === undefined);
  const told = [
    ...added.map((row) => `${name(row)} is wished for, version ${row.version}`),
    ...stopped.map((row) => `${name(row)} is to stop`),
    ...over.map((row) => `${name(row)} is over`),
  ];
  return told.length === 0 ? [`${id} stays as it is`] : told;
}

/** One sweep of health over an instance of which nothing new was heard for so long, by an agent that is there or not. */
export function quiet(cluster: TestCluster, app: string, row: PlacedRow, quietMs: number, isThere: boolean): string[] {
  const { state, health, now } = cluster;
  const record = [...state.snapshot().kind("instance").values()].find(
    ({ value }) => value.app === app && value.attempt === row.attempt,
  )?.value;
  if (record === undefined) throw new Error(`there is no record of ${app}.${row.slot}`);
  const timeouts = { confirmMs: 300_000, launchMs: 300_000 };
  const decision = decideOverdue(health.snapshot(), [{ record, quietMs }], () => isThere, timeouts, now);
  if (!health.commit(decision)) throw new Error("stale");
  const verdict = health.snapshot().kind("verdict").get(record.instance)?.value;
  return [`${app}.${row.slot} is ${verdict?.level ?? "placed"}${verdict?.givenUp ? `: ${verdict.givenUp}` : ""}`];
}

/** Facts of one instance, judged one after the other. */
export function say(cluster: TestCluster, app: string, row: PlacedRow, states: readonly string[]): void {
  const { health, now } = cluster;
  const key = keys.verdict({ app, slot: row.slot, attempt: row.attempt });
  const instance = key.slice("verdict.".length);
  for (const word of states) {
    const state = FACT_STATES.find((each) => each === word);
    if (state === undefined) throw new Error(`expected one of ${FACT_STATES.join(", ")}, got ${word}`);
    const present = health.snapshot().kind("verdict").get(instance)?.value ?? null;
    const fact = {
      instance,
      app,
      slot: row.slot,
      attempt: row.attempt,
      version: row.version,
      agent: row.agent,
      hostname: row.agent,
      incarnation: 1,
      number: 1,
      state,
      recordSequence: 1,
      ports: row.ports,
      pid: 1,
      container: null,
      exitCode: null,
      signal: null,
      reason: word,
      message: "",
      adopted: false,
      response: null,
      health: null,
      checkResult: null,
    };
    const verdict = judgeFact(present, fact, health.sequence + 1, now, null);
    if (verdict !== null) health.write(key, verdict);
  }
}
