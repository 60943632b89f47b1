/** Sandboxes outlive their tasks, for people who want to read what happened; but not for ever. */
import { readdirSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { controlFolder, instancesFolder } from "../host/sandbox.ts";

export type Keep = { readonly keptMs: number; readonly keptMax: number };

/** Removes the sandboxes of ended tasks that are older than `keptMs` or beyond the newest `keptMax`. */
export async function sweepSandboxes(
  workDir: string,
  isLive: (instance: string) => boolean,
  { keptMs, keptMax }: Keep,
  nowMs: number,
): Promise<number> {
  const ended: { instance: string; atMs: number }[] = [];
  for (const instance of readdirSync(instancesFolder(workDir))) {
    if (isLive(instance)) continue;
    const atMs = endedAt(workDir, instance);
    if (atMs !== null) ended.push({ instance, atMs });
  }
  ended.sort((a, b) => b.atMs - a.atMs);
  const old = ended.filter(({ atMs }, index) => index >= keptMax || atMs + keptMs < nowMs);
  // What a container's root has left there may be more than we can remove; the others go all the same.
  const failures: unknown[] = [];
  for (const { instance } of old)
    for (const folder of [instancesFolder(workDir), controlFolder(workDir)])
      await rm(join(folder, instance), { recursive: true, force: true }).catch((cause) => failures.push(cause));
  if (failures.length > 0) throw failures[0];
  return old.length;
}

/** The newest of what its task and its end have written. */
function endedAt(workDir: string, instance: string): number | null {
  const times = [
    join(controlFolder(workDir), instance),
    join(instancesFolder(workDir), instance, "stdout"),
    join(instancesFolder(workDir), instance, "stderr"),
    join(instancesFolder(workDir), instance),
  ].flatMap((path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? []);
  return times.length === 0 ? null : Math.max(...times);
}
