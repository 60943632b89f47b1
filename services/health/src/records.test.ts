import assert from "node:assert/strict";
import { test } from "node:test";
import { agentShard, type Entry, type InstanceHead } from "@muster/contracts";
import type { Change, Cluster } from "@muster/runtime";
import { Records } from "./records.ts";

/** A view of plain maps that tells its listeners what a test puts into it. */
class HandmadeView {
  readonly documents = new Map<string, Map<string, Entry<unknown>>>();
  readonly listeners = new Set<(change: Change) => void>();
  readonly completions = new Set<() => void>();
  complete = true;

  kind(kind: string): Map<string, Entry<unknown>> {
    if (!this.documents.has(kind)) this.documents.set(kind, new Map());
    return this.documents.get(kind) as Map<string, Entry<unknown>>;
  }
  onChange(listener: (change: Change) => void) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  onComplete(listener: () => void) {
    this.completions.add(listener);
    return () => this.completions.delete(listener);
  }
  put(kind: string, rest: string, value: unknown | null): void {
    if (value === null) this.kind(kind).delete(rest);
    else this.kind(kind).set(rest, { value, revision: 1 });
    for (const listener of this.listeners) listener({ kind, rest, key: `${kind}.${rest}`, value, revision: 1 });
  }
}

function world() {
  const [state, health] = [new HandmadeView(), new HandmadeView()];
  const key = (agent: string, instance: string) => `${agentShard(agent)}.${agent}.${instance}`;
  const head = (agent: string, instance: string) => ({ agent, instance, goal: "run", placedAtMs: 1 }) as InstanceHead;
  return {
    state,
    health,
    record: (agent: string, instance: string) => state.put("instance", key(agent, instance), head(agent, instance)),
    release: (agent: string, instance: string) => state.put("instance", key(agent, instance), null),
    verdict: (agent: string, instance: string, level = "running") =>
      health.put("verdict", instance, { agent, instance, level }),
    open: () => new Records({ state, health } as unknown as Cluster),
  };
}
const ids = (heads: readonly InstanceHead[]) => heads.map(({ instance }) => instance).sort();

const starting = (records: Records) => ids(records.starting().map(({ record }) => record));

test("records are found by their agent, as they come and go", () => {
  const { record, release, open } = world();
  record("n1", "web.0.1");
  const records = open();
  record("n1", "web.1.2");
  record("n2", "web.2.3");
  assert.deepEqual([ids(records.of("n1")), ids(records.of("n2"))], [["web.0.1", "web.1.2"], ["web.2.3"]]);
  release("n1", "web.0.1");
  assert.deepEqual([ids(records.of("n1")), ids(records.of("n3"))], [["web.1.2"], []]);
});

test("a record is starting until a verdict says that it runs, whichever is read first", () => {
  const { record, verdict, open } = world();
  record("n1", "web.0.1");
  record("n1", "web.1.2");
  verdict("n1", "web.1.2");
  const records = open();
  assert.deepEqual(starting(records), ["web.0.1"]);
  verdict("n1", "web.0.1");
  verdict("n1", "web.2.3");
  record("n1", "web.2.3");
  assert.deepEqual(starting(records), []);
  record("n1", "web.3.4");
  assert.deepEqual(starting(records), ["web.3.4"]);
});

test("how long nothing new was heard of it counts anew with each word of its agent, and when a view was not whole", (t) => {
  let now = 1_000;
  t.mock.method(performance, "now", () => now);
  const { record, release, verdict, health, open } = world();
  const quiet = (records: Records) => records.starting().map(({ quietMs }) => quietMs);
  record("n1", "web.0.1");
  const records = open();
  now += 40;
  record("n1", "web.0.1");
  assert.deepEqual(quiet(records), [40], "the record written again is no word of its agent");
  verdict("n1", "web.0.1", "overdue");
  assert.deepEqual(quiet(records), [40], "neither is ours");
  verdict("n1", "web.0.1", "staging");
  now += 7;
  assert.deepEqual(quiet(records), [7]);
  verdict("n1", "web.0.1", "unreachable");
  assert.deepEqual(quiet(records), []);
  now += 100;
  verdict("n1", "web.0.1", "staging");
  now += 3;
  assert.deepEqual(quiet(records), [3]);
  for (const listener of health.completions) listener();
  assert.deepEqual(quiet(records), [0]);
  now += 5;
  records.startClocksAnew();
  assert.deepEqual(quiet(records), [0]);
  health.put("ended", "web.0.1", { agent: "n1" });
  verdict("n1", "web.0.1", "killed");
  assert.deepEqual(quiet(records), []);
  release("n1", "web.0.1");
  assert.deepEqual(quiet(records), []);
});

test("what is said of a released instance is to go; what came before its record is given time", () => {
  const { record, release, verdict, health, open } = world();
  const records = open();
  record("n1", "web.0.1");
  verdict("n1", "web.0.1");
  health.put("ended", "web.0.1", { agent: "n1" });
  assert.deepEqual(records.gone(), []);
  release("n1", "web.0.1");
  assert.deepEqual(records.gone(), ["web.0.1"]);
  health.put("verdict", "web.0.1", null);
  assert.deepEqual(records.gone(), ["web.0.1"]);
  health.put("ended", "web.0.1", null);
  assert.deepEqual(records.gone(), []);
  verdict("n2", "early.0.1");
  assert.deepEqual(records.gone(), []);
  record("n2", "early.0.1");
  release("n2", "early.0.1");
  assert.deepEqual(records.gone(), ["early.0.1"]);
});

test("what was noted from half a view is forgotten when both are whole", () => {
  const { state, health, record, verdict, open } = world();
  health.complete = false;
  const records = open();
  record("n1", "web.0.1");
  record("n1", "web.1.2");
  assert.deepEqual(starting(records), ["web.0.1", "web.1.2"]);
  health.kind("verdict").set("web.1.2", { value: { agent: "n1", instance: "web.1.2", level: "running" }, revision: 1 });
  health.complete = true;
  for (const listener of health.completions) listener();
  assert.deepEqual(starting(records), ["web.0.1"]);
  verdict("n1", "web.0.1");
  assert.deepEqual(starting(records), []);
  records.close();
  assert.equal(state.listeners.size + health.listeners.size + state.completions.size, 0);
});
