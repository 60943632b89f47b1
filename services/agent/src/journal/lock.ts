/** One process per work directory: a second agent would start every task a second time. */
import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readStat } from "../host/proc.ts";
import { AgentStop } from "../stop.ts";
import { readIfThere } from "./disk.ts";

const HolderSchema = z.object({ pid: z.int(), startTime: z.string(), boot: z.string() });
type Holder = z.infer<typeof HolderSchema>;

function parseHolder(text: string): Holder | null {
  try {
    return HolderSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

const isAlive = (holder: Holder, boot: string): boolean =>
  holder.boot === boot && readStat(holder.pid)?.startTime === holder.startTime;

/**
 * Takes the lock and returns how to give it back. A pid alone would be mistaken after it was used again, so the holder
 * is named by pid, start time and boot. A lock left by a dead process is moved aside; what was moved is compared with
 * what was judged dead, since another starter may have been quicker.
 * @throws AgentStop when a living process holds it
 */
export function lockDirectory(workDir: string, boot: string): () => void {
  const path = join(workDir, "lock");
  const own = `${path}.${process.pid}.${Date.now()}`;
  const mine = JSON.stringify({
    pid: process.pid,
    startTime: readStat(process.pid)?.startTime ?? "",
    boot,
  } satisfies Holder);
  writeFileSync(own, mine, { mode: 0o644 });
  try {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      try {
        linkSync(own, path);
        return () => {
          if (readIfThere(path) === mine) unlinkSync(path);
        };
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
      }
      const found = readIfThere(path);
      if (found === null) continue;
      const holder = parseHolder(found);
      if (holder !== null && isAlive(holder, boot)) throw inUse(workDir, holder.pid);
      const aside = `${own}.stale`;
      renameSync(path, aside);
      if (readFileSync(aside, "utf8") !== found) linkSync(aside, path);
      unlinkSync(aside);
    }
    throw inUse(workDir, null);
  } finally {
    unlinkSync(own);
  }
}

const inUse = (workDir: string, pid: number | null): AgentStop =>
  new AgentStop(
    "locked",
    `the work directory ${workDir} is in use by ${pid === null ? "another process" : `process ${pid}`}: give each agent a directory of its own with --work-dir`,
  );
