/** An instance's working directory with its output, and the file outside of it that tells its exit status. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { chown, type FileHandle, mkdir, open } from "node:fs/promises";
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

/**
 * What a container sees of its sandbox: a folder inside, so that it cannot put a pipe or a device in the place of a file that we
 * open. Made before the container is.
 */
export const sharedFolder = (sandbox: Sandbox): string => join(sandbox.directory, "shared");

export type Owner = { readonly uid: number; readonly gid: number };

export type SandboxFiles = { readonly stdout: FileHandle; readonly stderr: FileHandle; readonly exit: FileHandle };

const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;

/**
 * Makes the directory and opens its files; the caller closes them after the start. Making a file may wait for the disk's
 * journal, so the loop goes on meanwhile.
 */
export async function openSandbox(sandbox: Sandbox, owner: Owner | null): Promise<SandboxFiles> {
  await mkdir(sandbox.directory, { recursive: true, mode: 0o755 });
  const opened = await Promise.allSettled([
    open(sandbox.stdout, FLAGS, 0o644),
    open(sandbox.stderr, FLAGS, 0o644),
    open(sandbox.exit, FLAGS, 0o600),
  ]);
  const [stdout, stderr, exit] = opened.map((each) => (each.status === "fulfilled" ? each.value : null));
  try {
    for (const each of opened) if (each.status === "rejected") throw each.reason;
    const files = { stdout, stderr, exit } as SandboxFiles;
    if (owner !== null) {
      for (const file of [files.stdout, files.stderr]) await file.chown(owner.uid, owner.gid);
      await chown(sandbox.directory, owner.uid, owner.gid);
    }
    return files;
  } catch (cause) {
    for (const file of [stdout, stderr, exit]) await file?.close();
    throw cause;
  }
}

export async function closeFiles(files: SandboxFiles): Promise<void> {
  await Promise.allSettled([files.stdout.close(), files.stderr.close(), files.exit.close()]);
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
