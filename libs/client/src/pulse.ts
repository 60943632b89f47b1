/** Turns many hints into few looks: at most one per so many milliseconds, at least one per `pollMs`. */
import { monotonicMs } from "@muster/runtime";

export class Pulse {
  readonly #pollMs: number;
  #lastMs = monotonicMs();
  #isHinted = false;
  #isStopped = false;
  #wake: (() => void) | null = null;

  constructor({ pollMs }: { pollMs: number }) {
    this.#pollMs = pollMs;
  }

  /** Something may have changed. */
  beat(): void {
    this.#isHinted = true;
    this.#wake?.();
  }

  /** Ends every wait, now and later. */
  stop(): void {
    this.#isStopped = true;
    this.#wake?.();
  }

  /** Resolves when it is time to look, `everyMs` after the last look began at the soonest. A hint given meanwhile counts. */
  async next(everyMs: number): Promise<void> {
    while (!this.#isStopped) {
      const elapsedMs = monotonicMs() - this.#lastMs;
      const restMs = (this.#isHinted ? everyMs : Math.max(everyMs, this.#pollMs)) - elapsedMs;
      if (restMs <= 0) break;
      await this.#sleep(restMs);
    }
    this.#isHinted = false;
    this.#lastMs = monotonicMs();
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake = done;
    });
  }
}
