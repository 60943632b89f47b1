/** How long a request may take: who waited longer is told so, and what it had not decided by then is not decided any more. */
import { AsyncLocalStorage } from "node:async_hooks";
import { MusterError } from "@muster/contracts";
import type { MiddlewareHandler } from "hono";
import type { Env } from "./route.ts";

export class Deadline {
  readonly #over = new AbortController();
  readonly #withinMs: number;
  readonly #timer: NodeJS.Timeout;
  #hasGoneOut = false;

  constructor(withinMs: number) {
    this.#withinMs = withinMs;
    this.#timer = setTimeout(() => this.#over.abort(this.#refusal()), withinMs);
  }

  /** Aborts with the refusal when the time is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }
  /** A decision is on its way to be stored: from here on nobody can take it back. */
  goesOut(): void {
    this.#hasGoneOut = true;
  }
  lift(): void {
    clearTimeout(this.#timer);
  }

  #refusal(): MusterError {
    const late = `within ${this.#withinMs / 1_000} s (--http-request-timeout-ms)`;
    const message = this.#hasGoneOut
      ? `The change was sent to be stored, and nothing has said ${late} that it is: it may still take effect, so look before you send it again`
      : `This could not be answered ${late}. Nothing was changed, and nothing will be: try again in a moment`;
    return new MusterError("cluster.timeout", message);
  }
}

const current = new AsyncLocalStorage<Deadline>();

/** That of the request on whose behalf this runs; undefined where nobody waits for an answer. */
export const currentDeadline = (): Deadline | undefined => current.getStore();

/** For what must be done, whoever still waits. */
export const withoutDeadline = <T>(work: () => T): T => current.exit(work);

/** Answers 503 when nothing was answered in time. A body that has begun, an event stream's above all, goes on as long as it likes. */
export const answerWithin =
  (withinMs: number): MiddlewareHandler<Env> =>
  async (_c, next) => {
    const deadline = new Deadline(withinMs);
    const { signal } = deadline;
    try {
      await Promise.race([
        current.run(deadline, next),
        new Promise<never>((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
        ),
      ]);
    } finally {
      deadline.lift();
    }
  };
