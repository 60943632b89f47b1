/** Health's decisions: facts, silence and absence made into verdicts. */
import {
  agentShard,
  agentToken,
  type Decision,
  type EndedDocument,
  type Fact,
  type HealthView,
  type InstanceHead,
  instanceId,
  keys,
  parseInstanceId,
  type StateView,
  type TerminalState,
  type VerdictDocument,
  type Wake,
  type Write,
} from "@muster/contracts";
import { isTerminal, judgeFact, judgeSilence } from "./judge.ts";

/** A fact as the stream brought it. */
export type NumberedFact = {
  readonly fact: Fact;
  readonly sequence: number;
  readonly atMs: number;
  readonly trace: string | null;
};

export const nothingBut = (writes: Write[], wakes: Wake[] = []): Decision => ({
  writes,
  asserts: [],
  events: [],
  wakes,
  trace: null,
});
/** Sweeps write so much at once; what is left comes next. */
export const SWEPT_MAX = 800;

/** The key of an instance's record, without its kind. */
export const recordKey = ({ agent, instance }: { readonly agent: string; readonly instance: string }): string =>
  `${agentShard(agent)}.${agentToken(agent)}.${instance}`;

/** Facts in stream order. A fact for an instance without a record makes no verdict. One write per instance, however many facts. */
export function decideFacts(state: StateView, health: HealthView, facts: readonly NumberedFact[]): Decision {
  const verdicts = new Map<string, VerdictDocument>();
  const ended = new Map<string, { document: EndedDocument; app: string; trace: string | null }>();
  const cursors = new Map<number, number>();
  for (const { fact, sequence, atMs, trace } of facts) {
    cursors.set(agentShard(fact.agent), sequence);
    if (!state.kind("instance").has(recordKey(fact))) continue;
    const present = verdicts.get(fact.instance) ?? health.kind("verdict").get(fact.instance)?.value ?? null;
    const next = judgeFact(present, fact, sequence, atMs, trace);
    if (next === null) continue;
    verdicts.set(fact.instance, next);
    if (isTerminal(fact.state)) {
      const { instance, agent, version, exitCode, signal } = fact;
      ended.set(instance, {
        app: fact.app,
        trace,
        document: {
          instance,
          agent,
          version,
          fact: sequence,
          ...endOf(fact, fact.state, next.givenUp),
          exitCode,
          signal,
          atMs,
          trace,
        },
      });
    }
  }
  const key = (instance: string, kind: "verdict" | "ended") => `${kind}.${instance}`;
  const wakes = new Map<string, Wake>();
  for (const [instance, { app, trace }] of ended)
    wakes.set(app, { wakeClass: "urgent", app, key: key(instance, "ended"), trace });
  return nothingBut(
    [
      ...[...verdicts].map(([instance, value]) => ({
        key: key(instance, "verdict"),
        value,
        expect: health.revision(key(instance, "verdict")),
      })),
      ...[...ended].map(([instance, { document }]) => ({ key: key(instance, "ended"), value: document, expect: null })),
      ...[...cursors].map(([shard, fact]) => ({ key: keys.cursor(shard), value: { fact }, expect: null })),
    ],
    [...wakes.values()],
  );
}

/** What was given up on and then killed for it has failed. */
function endOf({ reason, message }: Fact, state: TerminalState, givenUp: string | null) {
  if (givenUp === null || state !== "killed") return { state, reason, message };
  return { state: "failed" as const, reason: "not-running", message: givenUp };
}

/** Verdicts of an agent's instances while it is silent, and again when it is heard. */
export function decideSilence(
  health: HealthView,
  records: readonly InstanceHead[],
  isSilent: boolean,
  now: number,
): Decision {
  return nothingBut(
    records.flatMap((record) => {
      const key = `verdict.${record.instance}`;
      const present = health.kind("verdict").get(record.instance)?.value ?? (isSilent ? unheard(record, now) : null);
      const next = present === null ? null : judgeSilence(present, isSilent, now);
      return next === null ? [] : [{ key, value: next, expect: health.revision(key) }];
    }),
  );
}

/** Verdicts end with the record. `instances`: those whose record may be gone. */
export function decidePurge(state: StateView, health: HealthView, instances: Iterable<string>): Decision {
  const writes: Write[] = [];
  for (const instance of instances) {
    if (writes.length >= SWEPT_MAX) break;
    const agent = (health.kind("verdict").get(instance) ?? health.kind("ended").get(instance))?.value.agent;
    if (agent === undefined || state.kind("instance").has(recordKey({ agent, instance }))) continue;
    for (const kind of ["verdict", "ended"] as const)
      if (health.kind(kind).has(instance))
        writes.push({ key: `${kind}.${instance}`, value: null, expect: health.revision(`${kind}.${instance}`) });
  }
  return nothingBut(writes);
}

/** The verdict of an instance that no agent has spoken of. */
export function unheard(record: InstanceHead, now: number): VerdictDocument {
  const ref = parseInstanceId(record.instance);
  return {
    instance: ref === null ? record.instance : instanceId(ref),
    agent: record.agent,
    version: record.version,
    level: "staging",
    stated: null,
    healthy: null,
    ready: null,
    response: null,
    health: null,
    checkResult: null,
    givenUp: null,
    fact: 0,
    startedAtMs: null,
    sinceMs: now,
    exitCode: null,
    signal: null,
    reason: "",
    message: "",
    pid: null,
    container: null,
    trace: record.trace,
  };
}
