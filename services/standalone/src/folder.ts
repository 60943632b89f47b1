/** The cluster's folder: one cluster process owns it at a time, and knows which children an earlier one left behind. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MusterError } from "@muster/contracts";
import { pause } from "@muster/runtime";
import { z } from "zod";

const ChildSchema = z.object({ name: z.string(), pid: z.int(), startTime: z.string() });
type Child = z.infer<typeof ChildSchema>;
const OwnerSchema = z.object({ pid: z.int(), startTime: z.string() });

const END_WITHIN_MS = 8_000;

/** Field 22 of /proc/<pid>/stat: with the pid it names one process for ever. Null when there is none. */
export function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie has ended; only its parent has not looked yet.
    return fields[0] === "Z" ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

const lives = ({ pid, startTime }: { pid: number; startTime: string }): boolean => startTimeOf(pid) === startTime;

export class ClusterFolder {
  readonly path: string;
  readonly #children = new Map<string, Child>();

  private constructor(path: string) {
    this.path = path;
  }

  /** Takes the folder. Throws a sentence when another living process holds it or it cannot be written. */
  static take(path: string): ClusterFolder {
    const folder = new ClusterFolder(path);
    try {
      mkdirSync(path, { recursive: true, mode: 0o755 });
      const owner = readJson(folder.file("owner.json"), OwnerSchema);
      if (owner !== null && lives(owner))
        throw new MusterError(
          "internal",
          `a cluster already runs from ${path} (process ${owner.pid}): stop it first, or name another folder with --state-dir`,
        );
      writeJson(folder.file("owner.json"), { pid: process.pid, startTime: startTimeOf(process.pid) ?? "" });
    } catch (cause) {
      if (cause instanceof MusterError) throw cause;
      throw new MusterError(
        "internal",
        `the folder ${path} cannot be written (${(cause as Error).message}): name another with --state-dir`,
        { cause },
      );
    }
    for (const child of readJson(folder.file("children.json"), z.array(ChildSchema)) ?? [])
      folder.#children.set(child.name, child);
    return folder;
  }

  file(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** Ends what an earlier run left: its nats-server and agents. Tasks belong to nobody here and live on. */
  async endLeftovers(): Promise<string[]> {
    const left = [...this.#children.values()].filter(lives);
    // An agent is built to be killed and leaves its tasks alone then; asked politely it might end them.
    for (const child of left) process.kill(child.pid, child.name === "nats-server" ? "SIGTERM" : "SIGKILL");
    const deadline = performance.now() + END_WITHIN_MS;
    while (left.some(lives) && performance.now() < deadline) await pause(50);
    for (const child of left) if (lives(child)) process.kill(child.pid, "SIGKILL");
    this.#children.clear();
    this.#write();
    return left.map((child) => child.name);
  }

  /** Writes a one-line note others may read, such as where the nats-server is. */
  note(name: string, text: string): void {
    writeFileSync(this.file(name), `${text}\n`);
  }

  remember(name: string, pid: number): void {
    this.#children.set(name, { name, pid, startTime: startTimeOf(pid) ?? "" });
    this.#write();
  }

  forget(name: string): void {
    this.#children.delete(name);
    this.#write();
  }

  release(): void {
    rmSync(this.file("owner.json"), { force: true });
  }

  #write(): void {
    writeJson(this.file("children.json"), [...this.#children.values()]);
  }
}

function readJson<T extends z.ZodType>(file: string, schema: T): z.infer<T> | null {
  if (!existsSync(file)) return null;
  try {
    return schema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return null;
  }
}

function writeJson(file: string, value: unknown): void {
  writeFileSync(`${file}.new`, JSON.stringify(value));
  renameSync(`${file}.new`, file);
}
