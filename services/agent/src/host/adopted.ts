/** Waits for processes whose parent is somebody else: they are looked at twice a second. */
import { ADOPTED_POLL_MS } from "../limits.ts";
import type { Leader } from "./group.ts";
import { hasEnded, readStat } from "./proc.ts";

export const isAlive = (leader: Leader): boolean => {
  const stat = readStat(leader.pid);
  return !hasEnded(stat) && stat?.startTime === leader.startTime;
};

export type AdoptedWatch = {
  /** Resolves when the process is gone. */
  gone(leader: Leader): Promise<void>;
  close(): void;
};

export function adoptedWatch(): AdoptedWatch {
  const waiting = new Map<Leader, () => void>();
  let timer: NodeJS.Timeout | null = null;
  const poll = (): void => {
    for (const [leader, done] of waiting) {
      if (isAlive(leader)) continue;
      waiting.delete(leader);
      done();
    }
    if (waiting.size === 0 && timer !== null) {
      clearInterval(timer);
      timer = null;
    }
  };
  return {
    gone: (leader) =>
      new Promise((done) => {
        waiting.set(leader, done);
        timer ??= setInterval(poll, ADOPTED_POLL_MS);
      }),
    close() {
      if (timer !== null) clearInterval(timer);
      timer = null;
      waiting.clear();
    },
  };
}
