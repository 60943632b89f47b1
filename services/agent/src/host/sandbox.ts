/** An instance's working directory with its output, and the file outside of it that tells its exit status. */
import { chownSync, closeSync, constants, fchownSync, fstatSync, mkdirSync, openSync, readSync } from "node:fs";
import { join } from "node:path";

export type Sandbox = {
  readonly instance: string;
  /** The task's working directory and home. */
  readonly directory: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Where the shim leaves the exit status, through a file that is opened for it: the task cannot reach it. */
  readonly exit: string;
};

export const instancesFolder = (workDir: string): string => join(workDir, "instances");
export const controlFolder = (workDir: string): string => join(workDir, "control");

export function sandboxOf(workDir: string, instance: string): Sandbox {
  const directory = join(instancesFolder(workDir), instance);
  return {
    instance,
    directory,
    stdout: join(directory, "stdout"),
    stderr: join(directory, "stderr"),
    exit: join(controlFolder(workDir), instance),
  };
}

export type Owner = { readonly uid: number; readonly gid: number };

export type SandboxFiles = { readonly stdout: number; readonly stderr: number; readonly exit: number };

/** Makes the directory and opens its files; the caller closes them after the start. */
export function openSandbox(sandbox: Sandbox, owner: Owner | null): SandboxFiles {
  mkdirSync(sandbox.directory, { recursive: true, mode: 0o755 });
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
  const stdout = openSync(sandbox.stdout, flags, 0o644);
  const stderr = openSync(sandbox.stderr, flags, 0o644);
  const exit = openSync(sandbox.exit, flags, 0o600);
  if (owner !== null) {
    for (const fd of [stdout, stderr]) fchownSync(fd, owner.uid, owner.gid);
    chownSync(sandbox.directory, owner.uid, owner.gid);
  }
  return { stdout, stderr, exit };
}

export function closeFiles(files: SandboxFiles): void {
  for (const fd of [files.stdout, files.stderr, files.exit]) closeSync(fd);
}

/**
 * Opens a file of a sandbox for reading, or returns null. The task owns the folder: a link it left there could name any
 * file that we may read, and a pipe would hold us for ever.
 */
export function openPlainFile(path: string): number | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  return null;
}

/** The exit status the shim wrote. A line without its end is still being written, and counts as none. */
export function readExit(sandbox: Sandbox): number | null {
  const fd = openPlainFile(sandbox.exit);
  if (fd === null) return null;
  try {
    const bytes = Buffer.alloc(16);
    const match = /^(\d{1,3})\n/.exec(bytes.toString("latin1", 0, readSync(fd, bytes, 0, 16, 0)));
    return match === null ? null : Number(match[1]);
  } finally {
    closeSync(fd);
  }
}
