/** Runs a command in this process; what it writes is kept, as text or on the screen of a terminal. */
import { type OutputStream, screenOf } from "@muster/terminal";
import type { Context, Output } from "../context.ts";
import type { Run } from "../program.ts";

export type Outcome = { readonly code: number; readonly out: string; readonly err: string };

export type Manner = {
  readonly output?: Output;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
  /** Somebody looks on: both streams are this terminal. */
  readonly terminal?: OutputStream;
};

export const musterAt =
  (server: string) =>
  async (run: Run, args: readonly string[] = [], manner: Manner = {}): Promise<Outcome> => {
    const { output = "table", options = {}, signal = new AbortController().signal, terminal } = manner;
    const written = { out: "", err: "" };
    const screen = (to: "out" | "err") => {
      const stream: OutputStream = { write: (text: string) => (written[to] += text) };
      return screenOf(terminal ?? stream, { env: { TERM: "xterm", NO_COLOR: "1" } });
    };
    const context: Context = {
      server,
      natsContext: undefined,
      output,
      out: screen("out"),
      err: screen("err"),
      signal,
    };
    return { code: await run(context, args, { timeout: 20, ...options }), ...written };
  };
