/** A file of checked lines, appended in groups: however many writers wait, one fsync serves them all. */
import { closeSync, fdatasync, openSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { crc32 } from "node:zlib";
import type { Log } from "@muster/runtime/log";
import { JOURNAL_BYTES_MAX, JOURNAL_GROWTH_FACTOR } from "../limits.ts";
import { readIfThere, writeDurably } from "./disk.ts";

const syncData = promisify(fdatasync);
const RETRY_MS = 1_000;

const frame = (line: string): string => `${crc32(line).toString(16).padStart(8, "0")} ${line}\n`;

/** The lines of a file whose checksum holds, in order, and how many were broken: a crash leaves at most a broken end. */
export function readLines(path: string): { lines: string[]; broken: number } {
  const text = readIfThere(path) ?? "";
  const lines: string[] = [];
  let broken = 0;
  for (const framed of text.split("\n")) {
    if (framed === "") continue;
    const line = framed.slice(9);
    if (framed[8] === " " && Number.parseInt(framed.slice(0, 8), 16) === crc32(line)) lines.push(line);
    else broken += 1;
  }
  return { lines, broken };
}

export type Lines = {
  /**
   * Resolves when the lines are on disk. Never rejects: a full disk is waited for, since nothing may happen unwritten.
   * @param withinMs how long they may wait for others to share the disk's time with
   */
  append(lines: readonly string[], withinMs?: number): Promise<void>;
  close(): Promise<void>;
};

/**
 * Opens the file anew with `snapshot()` as its content. The snapshot always holds what was appended so far, written or
 * not: the file is rewritten from it when it has grown too long, and after any failed write, since a failed fsync
 * leaves nobody knowing what the disk holds.
 */
export function openLines(path: string, snapshot: () => string[], log: Log): Lines {
  let fd = -1;
  let bytes = 0;
  let needed = 0;
  let waiting: { lines: readonly string[]; done: () => void }[] = [];
  /** When the most urgent of them must begin to be written. */
  let dueAtMs = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> | null = null;

  const rewrite = (): void => {
    const text = snapshot().map(frame).join("");
    if (fd !== -1) closeSync(fd);
    fd = -1;
    writeDurably(path, text);
    fd = openSync(path, "a");
    bytes = Buffer.byteLength(text);
    needed = bytes;
  };

  const writeGroup = async (group: typeof waiting): Promise<void> => {
    const text = Buffer.from(group.flatMap((each) => each.lines.map(frame)).join(""));
    // Written into the kernel's memory at once: a thread of its own would take longer to wake than that. The disk is awaited.
    for (let at = 0; at < text.length; ) at += writeSync(fd, text, at);
    await syncData(fd);
    bytes += text.length;
  };

  const drain = async (): Promise<void> => {
    await null; // Whoever writes in this turn of the loop shares the group.
    while (waiting.length > 0 && dueAtMs <= performance.now()) {
      const group = waiting;
      waiting = [];
      dueAtMs = Number.POSITIVE_INFINITY;
      try {
        // The snapshot holds this group too, and nothing that still waits: both were taken in one step.
        if (fd === -1 || (bytes > JOURNAL_BYTES_MAX && bytes > JOURNAL_GROWTH_FACTOR * needed)) rewrite();
        else await writeGroup(group);
      } catch (cause) {
        log.error(
          { path, error: (cause as Error).message },
          "the journal cannot be written: nothing starts until it can",
        );
        if (fd !== -1) closeSync(fd);
        fd = -1;
        waiting = [...group, ...waiting];
        dueAtMs = 0;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        continue;
      }
      for (const each of group) each.done();
    }
    writing = null;
    schedule();
  };

  const schedule = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (writing !== null || waiting.length === 0) return;
    const inMs = dueAtMs - performance.now();
    if (inMs <= 0) writing = drain();
    else timer = setTimeout(schedule, inMs);
  };

  rewrite();
  let closed = false;
  return {
    append: (lines, withinMs = 0) =>
      new Promise((done) => {
        // Nobody who was late may act: the file may be another process's by now.
        if (closed) return;
        waiting.push({ lines, done });
        const atMs = performance.now() + withinMs;
        if (atMs >= dueAtMs) return;
        dueAtMs = atMs;
        schedule();
      }),
    async close() {
      closed = true;
      dueAtMs = 0;
      schedule();
      while (writing !== null) await writing;
      if (fd !== -1) closeSync(fd);
      fd = -1;
    },
  };
}
