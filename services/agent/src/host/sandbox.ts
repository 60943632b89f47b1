/** An instance's folders: its working directory with its output, and ours with its exit status. */
import { chownSync, closeSync, constants, fchownSync, fstatSync, mkdirSync, openSync, readSync } from "node:fs";
import { join } from "node:path";

export type Sandbox = {
  readonly instance: string;
  /** The task's working directory and home. */
  readonly directory: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Where the shim leaves the exit status, outside the task's reach unless it looks for it. */
  readonly control: string;
  readonly exit: string;
};

export const instancesFolder = (workDir: string): string => join(workDir, "instances");
export const controlFolder = (workDir: string): string => join(workDir, "control");

export function sandboxOf(workDir: string, instance: string): Sandbox {
  const directory = join(instancesFolder(workDir), instance);
  const control = join(controlFolder(workDir), instance);
  return {
    instance,
    directory,
    stdout: join(directory, "stdout"),
    stderr: join(directory, "stderr"),
    control,
    exit: join(control, "exit"),
  };
}

export type Owner = { readonly uid: number; readonly gid: number };

/** Makes both folders and opens the output files for appending; the caller closes them after the start. */
export function prepareSandbox(sandbox: Sandbox, owner: Owner | null): { stdout: number; stderr: number } {
  mkdirSync(sandbox.directory, { recursive: true, mode: 0o755 });
  mkdirSync(sandbox.control, { recursive: true, mode: 0o755 });
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
  const stdout = openSync(sandbox.stdout, flags, 0o644);
  const stderr = openSync(sandbox.stderr, flags, 0o644);
  if (owner !== null) {
    for (const fd of [stdout, stderr]) fchownSync(fd, owner.uid, owner.gid);
    for (const path of [sandbox.directory, sandbox.control]) chownSync(path, owner.uid, owner.gid);
  }
  return { stdout, stderr };
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
