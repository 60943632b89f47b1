/** A set of things to look at again, worked off in rounds, one round at a time; what changes meanwhile is looked at again. */
import { backoffMs, monotonicMs, pause } from "./clock.ts";
import { createLog, type Log } from "./log.ts";

export type RoundsOptions = {
  readonly name: string;
  readonly roundMax: number;
  /** How long a key rests after it was looked at: what changes meanwhile is looked at once. Default: not at all. */
  readonly restMs?: (key: string) => number;
  /** Looks at some; throws where infrastructure fails, and all of them are looked at again. */
  readonly handle: (keys: readonly string[]) => Promise<void>;
};

export class Rounds {
  readonly #options: RoundsOptions;
  readonly #dirty = new Set<string>();
  readonly #timers = new Map<string, { atMs: number; timer: NodeJS.Timeout }>();
  /** Until when keys rest, monotonic ms. */
  readonly #resting = new Map<string, number>();
  readonly #log: Log;
  #running: Promise<void> | null = null;
  #stopped = false;

  constructor(options: RoundsOptions) {
    this.#options = options;
    this.#log = createLog(options.name);
  }

  mark(key: string): void {
    if (this.#stopped) return;
    const restMs = (this.#resting.get(key) ?? 0) - monotonicMs();
    if (restMs > 0) {
      this.markAt(key, Date.now() + restMs + 1);
      return;
    }
    this.#dirty.add(key);
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
      const [next] = this.#dirty;
      if (next !== undefined) this.mark(next);
    });
  }

  /** Marks it when the time has come; an earlier time wins. `atMs` since the epoch. */
  markAt(key: string, atMs: number): void {
    const present = this.#timers.get(key);
    if (this.#stopped || (present !== undefined && present.atMs <= atMs)) return;
    if (present !== undefined) clearTimeout(present.timer);
    const timer = setTimeout(
      () => {
        this.#timers.delete(key);
        this.mark(key);
      },
      Math.min(2 ** 31 - 1, Math.max(0, atMs - Date.now())),
    );
    this.#timers.set(key, { atMs, timer });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#dirty.clear();
    for (const { timer } of this.#timers.values()) clearTimeout(timer);
    await this.#running;
  }

  #rest(keys: readonly string[]): void {
    const { restMs } = this.#options;
    if (restMs === undefined) return;
    const now = monotonicMs();
    for (const key of keys) {
      const ms = restMs(key);
      if (ms > 0) this.#resting.set(key, now + ms);
      else this.#resting.delete(key);
    }
  }

  async #run(): Promise<void> {
    // One turn of the loop later everything that changed in one batch is marked.
    await new Promise((resolve) => setImmediate(resolve));
    for (let failures = 0; this.#dirty.size > 0 && !this.#stopped; ) {
      const keys = this.#dirty
        .values()
        .take(failures > 3 ? 1 : this.#options.roundMax)
        .toArray();
      for (const key of keys) this.#dirty.delete(key);
      try {
        await this.#options.handle(keys);
        this.#rest(keys);
        failures = 0;
      } catch (cause) {
        failures += 1;
        this.#log.warn(
          { keys: keys.slice(0, 5), error: (cause as Error).message, stack: (cause as Error).stack },
          "a round failed and is tried again",
        );
        for (const key of keys) this.#dirty.add(key);
        await pause(backoffMs(failures, { firstMs: 50, capMs: 5_000 }));
      }
    }
  }
}
