/** Long lists as bodies that are built while they are sent: a slice at a time, and other requests are answered in between. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Context } from "hono";
import { log } from "../gateway.ts";
import type { Env } from "./route.ts";

/** How long a slice may keep everybody else waiting. */
const SLICE_MS = 8;
const SLICE_CHARS = 256 * 1024;

/** A JSON object with one list: `listReply(c, "apps", items)` is `{"apps":[...]}`. What `items` throws at its start is thrown. */
export const listReply = (c: Context<Env>, name: string, items: Iterable<unknown>): Response =>
  pieces(c, "application/json", jsonOf(name, items));

/** A JSON document in pieces, each built when the one before has been sent. */
export const jsonReply = (c: Context<Env>, texts: Iterable<string>): Response => pieces(c, "application/json", texts);

/** Lines of plain text. */
export const textReply = (c: Context<Env>, lines: Iterable<string>): Response =>
  pieces(c, "text/plain; charset=UTF-8", lines);

function* jsonOf(name: string, items: Iterable<unknown>): Generator<string> {
  let comma = "";
  yield `{${JSON.stringify(name)}:[`;
  for (const item of items) {
    yield comma + JSON.stringify(item);
    comma = ",";
  }
  yield "]}";
}

function pieces(c: Context<Env>, type: string, texts: Iterable<string>): Response {
  const iterator = texts[Symbol.iterator]();
  const headers = { "content-type": type };
  const first = slice(iterator);
  if (first.isLast) return c.body(first.text, 200, headers);
  const encoder = new TextEncoder();
  let next: Slice | null = first;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        if (next === null) await nextTurn();
        const { text, isLast } = next ?? slice(iterator);
        next = null;
        controller.enqueue(encoder.encode(text));
        if (isLast) controller.close();
      } catch (cause) {
        // The status has been sent; a body that ends early is no JSON, so nobody takes it for the whole.
        log.error({ error: (cause as Error).message }, "a list could not be finished");
        controller.error(cause);
      }
    },
  });
  return c.body(body, 200, headers);
}

type Slice = { readonly text: string; readonly isLast: boolean };

function slice(iterator: Iterator<string>): Slice {
  const until = performance.now() + SLICE_MS;
  let text = "";
  while (performance.now() < until && text.length < SLICE_CHARS) {
    const { done, value } = iterator.next();
    if (done === true) return { text, isLast: true };
    text += value;
  }
  return { text, isLast: false };
}
