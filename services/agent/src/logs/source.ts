/** Where an instance's output is read from: its files, or the engine while its container lives. */
import { closeSync, fstatSync, read } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import type { OutputOptions, OutputStream } from "../host/runtime.ts";
import { openPlainFile, sandboxOf } from "../host/sandbox.ts";
import { LOG_CHUNK_BYTES_MAX, LOG_POLL_MS } from "../limits.ts";
import type { Task } from "../tasks/task.ts";
import { startOfLastLines } from "./lines.ts";

const readAsync = promisify(read);

/** Reads a growing file; with `follow` until told to stop or until `isOver` and everything was read. */
export async function* fileOutput(path: string, options: OutputOptions, isOver: () => boolean): AsyncGenerator<Buffer> {
  const fd = openPlainFile(path);
  if (fd === null) return;
  try {
    let at = options.tail === null ? 0 : startOfLastLines(fd, options.tail);
    const end = fstatSync(fd).size;
    while (!options.signal.aborted) {
      const over = isOver();
      const { size } = fstatSync(fd);
      const wanted = Math.min(LOG_CHUNK_BYTES_MAX, (options.follow ? size : end) - at);
      if (wanted > 0) {
        const { bytesRead, buffer } = await readAsync(fd, Buffer.alloc(wanted), 0, wanted, at);
        at += bytesRead;
        if (bytesRead > 0) yield buffer.subarray(0, bytesRead);
        if (bytesRead > 0) continue;
      }
      if (!options.follow || over) return;
      // A task may have emptied its own output; what comes then is new.
      if (size < at) at = 0;
      await pause(LOG_POLL_MS, undefined, { ref: false });
    }
  } finally {
    closeSync(fd);
  }
}

export function outputOf(
  { workDir, instance, task, isLive }: { workDir: string; instance: string; task: Task | null; isLive: () => boolean },
  stream: OutputStream,
  options: OutputOptions,
): AsyncIterable<Buffer> {
  const running = task?.running ?? null;
  if (running?.output) return running.output(stream, options);
  return fileOutput(sandboxOf(workDir, instance)[stream], options, () => !isLive());
}
