/** Names of users as numbers, asked of the system so that directories other than /etc/passwd count too. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { LaunchError } from "./runtime.ts";
import type { Owner } from "./sandbox.ts";

const run = promisify(execFile);
const KEPT_MS = 60_000;
const known = new Map<string, { owner: Owner; atMs: number }>();

/**
 * The uid and gid a task is to run with, or null for the agent's own.
 * @throws LaunchError unknown-user, user-refused
 */
export async function ownerOf(user: string | null): Promise<Owner | null> {
  if (user === null) return null;
  const owner = await lookUp(user);
  if (owner.uid === process.getuid?.() && owner.gid === process.getgid?.()) return null;
  if (process.getuid?.() !== 0)
    throw new LaunchError(
      "user-refused",
      `it asks for the user "${user}", and an agent that is not root can start tasks as itself only`,
    );
  return owner;
}

async function lookUp(user: string): Promise<Owner> {
  const kept = known.get(user);
  if (kept !== undefined && performance.now() - kept.atMs < KEPT_MS) return kept.owner;
  const owner = { uid: await ask("-u", user), gid: await ask("-g", user) };
  known.set(user, { owner, atMs: performance.now() });
  return owner;
}

async function ask(flag: "-u" | "-g", user: string): Promise<number> {
  if (user.startsWith("-")) throw new LaunchError("unknown-user", `"${user}" is no user's name`);
  try {
    const { stdout } = await run("id", [flag, user], { timeout: 5_000 });
    return Number.parseInt(stdout, 10);
  } catch {
    throw new LaunchError("unknown-user", `this agent's machine has no user "${user}"`);
  }
}
