/** `muster logs APP|INSTANCE`: output of all instances, each line with its instance. */

import { styleText } from "node:util";
import { type LogChunk, readLogs } from "@muster/client";
import { hash32 } from "@muster/contracts";
import { type Context, isForPrograms } from "../context.ts";
import { EXIT } from "../exit.ts";
import { findTarget } from "../find.ts";
import { printNext } from "../output.ts";
import type { Run } from "../program.ts";
import { withSession } from "../session.ts";

/** Told apart by colour too, without red and yellow, which would look like trouble. */
const COLOURS = [
  "cyan",
  "green",
  "magenta",
  "blue",
  "cyanBright",
  "greenBright",
  "magentaBright",
  "blueBright",
] as const;
type Stream = LogChunk["stream"];

export const run: Run = (context, [text = ""], options) =>
  withSession(context, async ({ client, nats }) => {
    const target = await findTarget(client, text);
    const request = {
      app: target.type === "app" ? target.app : null,
      instance: target.type === "instance" ? target.instance.id : null,
      streams: streamsOf(options),
      tail: typeof options.tail === "number" ? options.tail : null,
      follow: options.follow === true,
    };
    const print = isForPrograms(context) ? programPrinter(context) : linePrinter(context, target.type === "app");
    let isSilent = true;
    for await (const chunk of readLogs(client, nats, request, { signal: context.signal })) {
      isSilent = false;
      print(chunk);
    }
    if (isSilent && !context.signal.aborted)
      context.err.print(`no output of ${request.app ?? request.instance} is kept`);
    return EXIT.reached;
  });

/** Both streams, unless exactly one was asked for. */
export function streamsOf(options: Readonly<Record<string, unknown>>): Stream[] {
  const wanted = (["stdout", "stderr"] as const).filter((stream) => options[stream] === true);
  return wanted.length === 0 ? ["stdout", "stderr"] : wanted;
}

const linesOf = (text: string): string[] => text.replace(/\n$/, "").split("\n");

function linePrinter({ out }: Context, isPrefixed: boolean): (chunk: LogChunk) => void {
  const isColoured = out.paint("good", "x") !== "x";
  let width = 0;
  return ({ instance, text }) => {
    width = Math.max(width, instance.length);
    const colour = COLOURS[hash32(instance) % COLOURS.length] as (typeof COLOURS)[number];
    const name = `${instance.padEnd(width)} ${out.glyphs.bar}`;
    const prefix = isColoured ? styleText(colour, name, { validateStream: false }) : name;
    out.print(...linesOf(text).map((line) => (isPrefixed ? `${prefix} ${line}` : line)));
  };
}

const programPrinter =
  (context: Context) =>
  ({ agent, instance, stream, text }: LogChunk): void => {
    for (const line of linesOf(text)) printNext(context, { instance, agent, stream, line });
  };
