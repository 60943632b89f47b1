/** Lets only so many pieces of work run at once, and other work in between: a start blocks the loop for a millisecond. */
import { setImmediate as yieldLoop } from "node:timers/promises";

export type Pool = {
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Work that waits its turn. */
  readonly waiting: number;
};

export function pool(width: number): Pool {
  let free = width;
  const waiting: (() => void)[] = [];
  const release = async (): Promise<void> => {
    await yieldLoop();
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return {
    get waiting() {
      return waiting.length;
    },
    async run(work) {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await work();
      } finally {
        void release();
      }
    },
  };
}
