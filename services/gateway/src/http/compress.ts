/** gzip for clients that take it: packed by zlib's own threads, so that no other request waits for a large answer. */
import type { MiddlewareHandler } from "hono";
import type { Env } from "./route.ts";

/** Smaller bodies gain nothing: they fit one packet anyway. */
const WORTH_BYTES = 1_024;

export const compress: MiddlewareHandler<Env> = async (c, next) => {
  await next();
  const { body, status, headers } = c.res;
  if (body === null || c.req.method === "HEAD" || headers.has("content-encoding")) return;
  // Whoever follows a stream of events wants each as it comes.
  if (!/^(?:application\/json|text\/(?!event-stream))/.test(headers.get("content-type") ?? "")) return;
  headers.append("Vary", "Accept-Encoding");
  if (!takesGzip(c.req.header("accept-encoding"))) return;
  const { start, rest } = await beginning(body);
  if (rest === null) {
    c.res = new Response(start, { status, headers });
    return;
  }
  const whole = ReadableStream.from(chained(start, rest)) as ReadableStream<Uint8Array<ArrayBuffer>>;
  const packed = new Headers(headers);
  packed.set("Content-Encoding", "gzip");
  packed.delete("Content-Length");
  c.res = new Response(whole.pipeThrough(new CompressionStream("gzip")), { status, headers: packed });
};

/** RFC 9110: `gzip`, `x-gzip` or `*`, unless its weight is zero. */
export function takesGzip(header: string | undefined): boolean {
  const offers = new Map(
    (header ?? "").split(",").map((part) => {
      const [coding = "", ...parameters] = part
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/);
      const weight = parameters.find((parameter) => parameter.startsWith("q="));
      return [coding, weight === undefined ? 1 : Number(weight.slice(2))] as const;
    }),
  );
  return (offers.get("gzip") ?? offers.get("x-gzip") ?? offers.get("*") ?? 0) > 0;
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** Reads until it is clear that packing is worth it. `rest` null: that was all. */
async function beginning(
  body: ReadableStream<Uint8Array>,
): Promise<{ start: Uint8Array<ArrayBuffer>; rest: Reader | null }> {
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (length < WORTH_BYTES) {
    const { done, value } = await reader.read();
    if (done) return { start: Buffer.concat(chunks), rest: null };
    chunks.push(value);
    length += value.byteLength;
  }
  return { start: Buffer.concat(chunks), rest: reader };
}

async function* chained(start: Uint8Array, rest: Reader): AsyncGenerator<Uint8Array> {
  try {
    yield start;
    for (;;) {
      const { done, value } = await rest.read();
      if (done) return;
      yield value;
    }
  } finally {
    await rest.cancel().catch(() => undefined);
  }
}
