/** Starts one task as a plain process: its sandbox, then the shim in a session of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { readStat } from "./proc.ts";
import { closeFiles, type Owner, openSandbox, type Sandbox, type SandboxFiles } from "./sandbox.ts";
import { shimArguments } from "./shim.ts";

export type SpawnRequest = {
  readonly sandbox: Sandbox;
  readonly owner: Owner | null;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
};

/** What a parent hears; both null where we are not the parent, so that the shim's file must tell. */
export type Exit = { readonly code: number | null; readonly signal: string | null };
export const UNKNOWN_EXIT: Exit = { code: null, signal: null };

export type Spawned = { readonly pid: number; readonly startTime: string; readonly exited: Promise<Exit> };

/**
 * Makes the sandbox at once and starts when `mayStart` has resolved, which must not reject.
 * @throws what the kernel said, as a sentence; what `signal` was aborted with
 */
export async function spawnTask(
  request: SpawnRequest,
  mayStart?: Promise<unknown>,
  signal?: AbortSignal,
): Promise<Spawned & { readonly child: ChildProcess }> {
  const files = await openSandbox(request.sandbox, request.owner).catch((cause: Error) => {
    throw new Error(`its sandbox cannot be made: ${cause.message}`);
  });
  try {
    await mayStart;
    signal?.throwIfAborted();
    const child = await start(request, files);
    const exited = new Promise<Exit>((resolve) => child.once("exit", (code, by) => resolve({ code, signal: by })));
    const pid = child.pid as number;
    return { child, pid, startTime: readStat(pid)?.startTime ?? "", exited };
  } finally {
    void closeFiles(files);
  }
}

/** Its output files are inherited, so that no pipe ends with us. */
async function start({ sandbox, owner, argv, env }: SpawnRequest, files: SandboxFiles): Promise<ChildProcess> {
  const failed = (cause: Error) => new Error(`no process can be started: ${cause.message}`);
  try {
    const child = spawn("/bin/sh", shimArguments(argv), {
      cwd: sandbox.directory,
      detached: true,
      env,
      stdio: ["ignore", files.stdout.fd, "ignore", files.stderr.fd, files.exit.fd],
      ...(owner ?? {}),
    });
    if (child.pid !== undefined) return child;
    throw await new Promise<Error>((resolve) => child.once("error", resolve));
  } catch (cause) {
    throw failed(cause as Error);
  }
}
