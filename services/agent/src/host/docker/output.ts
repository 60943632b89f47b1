/** A container's output: the engine mixes both streams into frames of eight bytes of header and a body. */
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type Docker from "dockerode";
import type { OutputOptions, OutputStream } from "../runtime.ts";
import type { Sandbox } from "../sandbox.ts";

const HEADER_BYTES = 8;
const STREAMS: readonly (OutputStream | null)[] = [null, "stdout", "stderr"];

type Frame = { readonly stream: OutputStream; readonly body: Buffer };

/** Splits the mixed stream; nothing is held but the frame in hand. */
export async function* framesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    let at = 0;
    while (held.length - at >= HEADER_BYTES) {
      const size = held.readUInt32BE(at + 4);
      if (held.length - at < HEADER_BYTES + size) break;
      const stream = STREAMS[held[at] as number];
      if (stream) yield { stream, body: held.subarray(at + HEADER_BYTES, at + HEADER_BYTES + size) };
      at += HEADER_BYTES + size;
    }
    held = held.subarray(at);
  }
}

/** Asked by hand: the client's own call keeps the whole answer in memory unless it follows. */
const openLogs = (container: Docker.Container, stream: OutputStream, options: OutputOptions): Promise<Readable> =>
  new Promise((resolve, reject) => {
    container.modem.dial(
      {
        path: `/containers/${container.id}/logs?`,
        method: "GET",
        isStream: true,
        statusCodes: { 200: true, 404: "no such container", 500: "server error" },
        abortSignal: options.signal,
        options: { [stream]: true, follow: options.follow, ...(options.tail === null ? {} : { tail: options.tail }) },
      },
      (error: unknown, data: unknown) => (error ? reject(error) : resolve(data as Readable)),
    );
  });

export async function* containerOutput(
  container: Docker.Container,
  stream: OutputStream,
  options: OutputOptions,
): AsyncGenerator<Buffer> {
  const source = await openLogs(container, stream, options);
  const stop = () => source.destroy();
  options.signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const frame of framesOf(source)) yield frame.body;
  } finally {
    options.signal.removeEventListener("abort", stop);
    source.destroy();
  }
}

/** Writes what an ended container said into its sandbox, where the output of processes is too. */
export async function saveOutput(container: Docker.Container, sandbox: Sandbox, signal: AbortSignal): Promise<void> {
  for (const stream of ["stdout", "stderr"] as const) {
    const chunks = containerOutput(container, stream, { tail: null, follow: false, signal });
    await pipeline(Readable.from(chunks), createWriteStream(sandbox[stream], { flags: "w", mode: 0o644 }), { signal });
  }
}
