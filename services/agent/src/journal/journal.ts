/**
 * The agent's memory: intents before a start, checkpoints after it, facts until the stream has them, ended ids.
 * One file for all of it, so that a task's end and the fact that tells it are written as one line: no crash falls between.
 */
import { join } from "node:path";
import { type TaskEvent, unreachable } from "@muster/contracts";
import type { Log } from "@muster/runtime/log";
import { FLUSH_FACTS_MAX, STORED_WITHIN_MS, TOMBSTONE_KEPT_MS } from "../limits.ts";
import { type Entry, EntrySchema, isTerminal, type Kept, unknownInstance } from "./entries.ts";
import { openLines, readLines } from "./lines.ts";

/** How long something may wait for others of its kind, so that they share what it costs; 0 when not said. */
export type Patience = {
  /** Until it is written to disk. */
  readonly writeMs?: number;
  /** From then on, until its facts are sent. */
  readonly sendMs?: number;
};

export type Journal = {
  /** Applies entries at once and resolves when they are on disk. */
  write(entries: readonly Entry[], patience?: Patience): Promise<void>;
  readonly instances: ReadonlyMap<string, Kept>;
  /** Draws the next fact's number. */
  drawNumber(): number;
  /** Continues numbers above one that the stream was found to hold. */
  skipNumbers(through: number): void;
  /** The first facts on disk that the stream may not have yet, in order. */
  outbox(max: number): readonly TaskEvent[];
  /** Milliseconds until some of the outbox should be sent; infinite while it is empty. */
  dueInMs(): number;
  /** Drops facts up to this number from the outbox. */
  stored(number: number): void;
  /** Called when facts have become sendable. */
  onSendable: () => void;
  close(): Promise<void>;
};

export function openJournal(workDir: string, clock: () => number, log: Log): Journal {
  const path = join(workDir, "journal");
  const instances = new Map<string, Kept>();
  /** Facts in number order, written or being written; `durable` of them are on disk, and should be sent by `sendAtMs`. */
  const facts: TaskEvent[] = [];
  let durable = 0;
  const sendAtMs: number[] = [];
  let next = 1;

  const apply = (entry: Entry): void => {
    switch (entry.type) {
      case "intent": {
        const kept = instances.get(entry.instance);
        if (kept === undefined)
          instances.set(entry.instance, unknownInstance(entry.instance, entry.sequence, entry.record));
        return;
      }
      case "started": {
        const kept = instances.get(entry.instance);
        if (kept !== undefined) kept.handle = entry.handle;
        return;
      }
      case "fact":
        facts.push(entry.event);
        next = Math.max(next, entry.event.data.number + 1);
        applyFact(instances.get(entry.event.data.instance), entry.event);
        return;
      case "stored": {
        const left = facts.findIndex((event) => event.data.number > entry.number);
        for (const event of facts.splice(0, left === -1 ? facts.length : left))
          dropEnded(instances.get(event.data.instance), event);
        next = Math.max(next, entry.number + 1);
        return;
      }
      case "purged": {
        const kept = instances.get(entry.instance);
        if (kept === undefined) return;
        kept.sequence = Math.max(kept.sequence, entry.sequence);
        kept.purgedAtMs = entry.atMs;
        return;
      }
      case "kept":
        instances.set(entry.kept.instance, entry.kept);
        return;
      case "counter":
        next = Math.max(next, entry.next);
        return;
      default:
        unreachable(entry);
    }
  };

  /** Forgets ended ids whose record is long gone. */
  const tidy = (): void => {
    for (const kept of instances.values())
      if (isForgettable(kept) && (kept.purgedAtMs ?? 0) + TOMBSTONE_KEPT_MS < clock()) instances.delete(kept.instance);
  };

  const snapshot = (): string[] => {
    tidy();
    const entries: Entry[] = [{ type: "counter", next }];
    for (const kept of instances.values()) entries.push({ type: "kept", kept });
    for (const event of facts) entries.push({ type: "fact", event });
    return entries.map((entry) => JSON.stringify(entry));
  };

  const { lines: found, broken } = readLines(path);
  for (const line of found) apply(EntrySchema.parse(JSON.parse(line)));
  if (broken > 1) log.error({ path, broken }, "the journal held broken lines: what they said is lost");
  // Refused, and cut off before the fact that tells it: its record comes again and is answered then.
  for (const kept of instances.values())
    if (kept.record === null && kept.endedAtMs === null) instances.delete(kept.instance);
  durable = facts.length;
  sendAtMs.push(...facts.map(() => 0));
  const lines = openLines(path, snapshot, log);

  const journal: Journal = {
    instances,
    outbox: (max) => facts.slice(0, Math.min(durable, max)),
    dueInMs() {
      if (durable === 0) return Number.POSITIVE_INFINITY;
      if (durable >= FLUSH_FACTS_MAX) return 0;
      return Math.max(0, Math.min(...sendAtMs) - performance.now());
    },
    onSendable: () => {},
    drawNumber: () => next++,
    skipNumbers: (through) => {
      next = Math.max(next, through + 1);
    },
    async write(entries, { writeMs = 0, sendMs = 0 } = {}) {
      for (const entry of entries) apply(entry);
      const told = entries.filter((entry) => entry.type === "fact").length;
      if (told > 0 && sendMs <= 0 && durable > 0) {
        // Facts that waited for this one can go ahead while it is being written.
        sendAtMs.fill(0);
        journal.onSendable();
      }
      await lines.append(
        entries.map((entry) => JSON.stringify(entry)),
        writeMs,
      );
      if (told === 0) return;
      // Groups reach the disk in the order in which they were written, so the first so many facts are there now.
      durable += told;
      for (let i = 0; i < told; i += 1) sendAtMs.push(performance.now() + sendMs);
      journal.onSendable();
    },
    stored(number) {
      const before = facts.length;
      apply({ type: "stored", number });
      durable -= before - facts.length;
      sendAtMs.splice(0, before - facts.length);
      if (before === facts.length) return;
      // Not waited for: when this line is lost, the stream's own last fact says the same.
      void lines.append([JSON.stringify({ type: "stored", number } satisfies Entry)], STORED_WITHIN_MS);
    },
    close: () => lines.close(),
  };
  return journal;
}

/** Once the stream has the end of a task, only the id matters. */
function dropEnded(kept: Kept | undefined, event: TaskEvent): void {
  if (kept === undefined || !isTerminal(event.data.state)) return;
  kept.record = null;
  kept.handle = null;
}

const isForgettable = (kept: Kept): boolean =>
  kept.endedAtMs !== null && kept.record === null && kept.purgedAtMs !== null;

function applyFact(kept: Kept | undefined, event: TaskEvent): void {
  if (kept === undefined) return;
  const { state, reason } = event.data;
  if (state === "healthy" || state === "unhealthy") {
    kept.healthy = state === "healthy";
    kept.health = event.data.health;
    return;
  }
  if (state === "ready" || state === "unready") {
    kept.ready = state === "ready";
    return;
  }
  if (state === "checked") {
    kept.checkResult = event.data.checkResult;
    return;
  }
  kept.state = state;
  if (state === "killing") kept.killReason = reason;
  if (state === "running") kept.runningAtMs ??= Date.parse(event.time);
  if (isTerminal(state)) kept.endedAtMs ??= Date.parse(event.time);
}
