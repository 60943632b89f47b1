/** The end of a file by lines, read backwards: output may be larger than memory. */
import { closeSync, fstatSync, readSync } from "node:fs";
import { openPlainFile } from "../host/sandbox.ts";

const BLOCK_BYTES = 64 * 1024;
const NEWLINE = 10;

/** Where the last `count` lines of an open file begin. A last line without its end counts as one. */
export function startOfLastLines(fd: number, count: number): number {
  const { size } = fstatSync(fd);
  if (count === 0 || size === 0) return size;
  const block = Buffer.alloc(BLOCK_BYTES);
  let missing = count;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const read = readSync(fd, block, 0, end - start, start);
    for (let at = read - 1; at >= 0; at -= 1) {
      // The newline that ends the file begins no line.
      if (block[at] !== NEWLINE || start + at === size - 1) continue;
      missing -= 1;
      if (missing === 0) return start + at + 1;
    }
    end = start;
  }
  return 0;
}

/** The last lines of a sandbox's file as text, at most so many bytes; empty when there is none. */
export function lastLines(path: string, count: number, bytesMax: number): string {
  const fd = openPlainFile(path);
  if (fd === null) return "";
  try {
    const { size } = fstatSync(fd);
    const from = Math.max(startOfLastLines(fd, count), size - bytesMax);
    const bytes = Buffer.alloc(size - from);
    const read = readSync(fd, bytes, 0, bytes.length, from);
    return bytes.toString("utf8", 0, read).trimEnd();
  } finally {
    closeSync(fd);
  }
}
