/** All instances of this agent: takes records, decides which task they start or end, and remembers who has ended. */
import {
  type AgentReport,
  type InstanceDocument,
  type InstanceRef,
  instanceId,
  NOTHING,
  type RuntimeName,
} from "@muster/contracts";
import type { TaskRuntime } from "../host/runtime.ts";
import { isTerminal, type Kept } from "../journal/entries.ts";
import { CONTAINER_STARTS_MAX, PROCESS_STARTS_MAX } from "../limits.ts";
import { type About, makeFact, type Statement } from "./facts.ts";
import { type Pool, pool } from "./pool.ts";
import { Task, type TaskTools } from "./task.ts";

type InventoryItem = AgentReport["inventory"][number];
export type Runtimes = Readonly<Record<RuntimeName, TaskRuntime>>;

export type Supervisor = {
  /** Takes up what an earlier process left. Resolves when all of it is found or known to be unknown for now. */
  recover(): Promise<void>;
  /** An instance record, in whatever order and however often it comes. */
  accept(sequence: number, record: InstanceDocument): void;
  /** A record that cannot be read: the instance ends before it began, so that nobody waits for it. */
  refuse(sequence: number, ref: InstanceRef, why: string): void;
  /** A record was purged. A task that lives is not killed for it. */
  purged(instance: string, sequence: number): void;
  /** A complete answer, true at `sequence`: what it does not name may be forgotten once it has ended. */
  synced(sequence: number, named: ReadonlySet<string>): void;
  inventory(): InventoryItem[];
  readonly tasks: ReadonlyMap<string, Task>;
  /** Runs here, known or not. */
  isLive(instance: string): boolean;
  /** Looks for tasks nobody knows, and removes what ended tasks left behind. */
  sweep(): Promise<void>;
  /** Ends every task, each with its grace period but none with more than this. */
  endAll(graceMsMax: number): Promise<void>;
  /** Leaves the tasks alone and forgets them. */
  close(): void;
};

/** @param allowed runtimes that may start tasks; those that may not still find and end what they once started */
export function supervisor(tools: TaskTools, runtimes: Runtimes, allowed: readonly RuntimeName[]): Supervisor {
  const { journal, clock, self, log } = tools;
  const tasks = new Map<string, Task>();
  const lives = new Map<Task, Promise<void>>();
  /** Living tasks of this work directory that the journal does not know. */
  let orphans = new Set<string>();
  const pools: Readonly<Record<RuntimeName, Pool>> = {
    process: pool(PROCESS_STARTS_MAX),
    docker: pool(CONTAINER_STARTS_MAX),
  };

  const say = (about: About, sequence: number, said: Statement, trace: string | null): void => {
    const event = makeFact(self, about, said, {
      number: journal.drawNumber(),
      recordSequence: sequence,
      traceparent: trace,
      atMs: clock(),
    });
    void journal.write([{ type: "fact", event }]);
  };

  const keep = (instance: string, sequence: number, record: InstanceDocument | null): Kept => {
    void journal.write([{ type: "intent", instance, sequence, record }]);
    return journal.instances.get(instance) as Kept;
  };

  const live = (task: Task, life: Promise<void>): void => {
    const { instance } = task.record;
    tasks.set(instance, task);
    const over = life
      .catch((cause: unknown) => log.error({ instance, error: (cause as Error).stack }, "a task's life went wrong"))
      .then(() => {
        tasks.delete(instance);
        lives.delete(task);
      });
    lives.set(task, over);
  };

  /** @returns a promise that resolves when it is known what became of it, for now */
  const adopt = (record: InstanceDocument, kept: Kept): Promise<void> => {
    return new Promise((settled) => {
      const task = new Task(tools, runtimes[record.run.runtime], record, kept);
      live(task, task.adopt(settled));
    });
  };

  const begin = (sequence: number, record: InstanceDocument): void => {
    const kept = keep(record.instance, sequence, record);
    const { runtime } = record.run;
    if (!allowed.includes(runtime)) {
      const message = `this agent's settings forbid the runtime ${runtime}`;
      say(record, sequence, { state: "error", reason: "runtime-unavailable", message }, record.trace);
    } else if (orphans.delete(record.instance)) {
      log.warn({ instance: record.instance }, "a task that the journal did not know is taken up by its record");
      void adopt(record, kept);
    } else {
      const task = new Task(tools, runtimes[runtime], record, kept);
      live(task, task.launch(pools[runtime]));
    }
  };

  const stop = (record: InstanceDocument): void => {
    tasks.get(record.instance)?.kill("killed-on-request", "asked to end", record.trace, record.run.killGraceMs);
  };

  const sweep = async (): Promise<void> => {
    const unknown = new Set<string>();
    for (const runtime of Object.values(runtimes)) {
      for (const { instance, live: isLive } of (await runtime.list()) ?? []) {
        const kept = journal.instances.get(instance);
        if (kept === undefined && isLive) unknown.add(instance);
        else if (kept === undefined || (isTerminal(kept.state) && !tasks.has(instance)))
          await runtime.discard(instance);
      }
    }
    for (const instance of unknown)
      if (!orphans.has(instance)) log.warn({ instance }, "a task runs here that nobody knows: it is left alone");
    orphans = unknown;
  };

  return {
    tasks,
    isLive: (instance) => tasks.has(instance) || orphans.has(instance),
    async recover() {
      const found: Promise<void>[] = [];
      for (const kept of journal.instances.values())
        if (kept.endedAtMs === null && kept.record !== null) found.push(adopt(kept.record, kept));
      await Promise.all(found);
      await sweep();
    },
    accept(sequence, record) {
      const { instance } = record;
      const kept = journal.instances.get(instance);
      if (kept !== undefined) {
        if (sequence <= kept.sequence) return;
        kept.sequence = sequence;
        kept.purgedAtMs = null;
        if (record.goal === "stop") stop(record);
        return;
      }
      if (record.goal === "run" || orphans.has(instance)) {
        begin(sequence, record);
        if (record.goal === "stop") stop(record);
        return;
      }
      keep(instance, sequence, null);
      say(
        record,
        sequence,
        { state: "killed", reason: "never-started", message: "asked to end before this agent ever saw it" },
        record.trace,
      );
    },
    refuse(sequence, ref, why) {
      const instance = instanceId(ref);
      if (journal.instances.has(instance)) return;
      keep(instance, sequence, null);
      const about = { ...ref, instance, version: 0, ports: [] };
      say(
        about,
        sequence,
        { state: "error", reason: "malformed-record", message: `its record cannot be read: ${why}` },
        null,
      );
    },
    purged(instance, sequence) {
      const kept = journal.instances.get(instance);
      if (kept === undefined || sequence <= kept.sequence) return;
      void journal.write([{ type: "purged", instance, sequence, atMs: clock() }]);
    },
    synced(sequence, named) {
      const absent = [...journal.instances.values()].filter(
        (kept) =>
          kept.endedAtMs !== null && kept.purgedAtMs === null && kept.sequence <= sequence && !named.has(kept.instance),
      );
      if (absent.length === 0) return;
      void journal.write(absent.map((kept) => ({ type: "purged", instance: kept.instance, sequence, atMs: clock() })));
    },
    inventory() {
      const items: InventoryItem[] = [...orphans].map((instance) => ({
        instance,
        state: "running",
        resources: NOTHING,
        ports: [],
      }));
      for (const { instance, state, record } of journal.instances.values())
        if (record !== null)
          items.push({ instance, state: state ?? "staging", resources: record.resources, ports: record.ports });
      return items;
    },
    sweep,
    async endAll(graceMsMax) {
      for (const task of tasks.values())
        task.kill(
          "agent-stopping",
          "its agent was asked to end it and stop",
          null,
          Math.min(graceMsMax, task.record.run.killGraceMs),
        );
      await Promise.all(lives.values());
    },
    close() {
      for (const task of tasks.values()) task.leave();
    },
  };
}
