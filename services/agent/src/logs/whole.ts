/** Cuts output into messages of whole lines. A line longer than a message is cut between two characters. */
import { LOG_CHUNK_BYTES_MAX } from "../limits.ts";

const NEWLINE = 10;
const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** Where to cut so that no more than `max` bytes come first: after the last line's end, else before a character. */
export function cutAt(bytes: Buffer, max: number): number {
  const newline = bytes.lastIndexOf(NEWLINE, max - 1);
  if (newline !== -1) return newline + 1;
  let at = max;
  while (at > max - 4 && isContinuation(bytes[at])) at -= 1;
  return at;
}

export async function* wholeLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    while (held.length > LOG_CHUNK_BYTES_MAX) {
      const at = cutAt(held, LOG_CHUNK_BYTES_MAX);
      yield held.toString("utf8", 0, at);
      held = held.subarray(at);
    }
    const end = held.lastIndexOf(NEWLINE) + 1;
    if (end === 0) continue;
    yield held.toString("utf8", 0, end);
    held = held.subarray(end);
  }
  if (held.length > 0) yield held.toString("utf8");
}
