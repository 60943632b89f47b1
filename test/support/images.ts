/** Container images made here from a static busybox, since tests reach no image registry. */
import { execFile, execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Why containers cannot be tested here, or null when they can. */
export function whyNoDocker(): string | null {
  if (!existsSync("/bin/busybox"))
    return "there is no static busybox to make images from: apt-get install busybox-static";
  try {
    execFileSync("docker", ["info"], { stdio: "ignore", timeout: 10_000 });
    return null;
  } catch {
    return "no Docker engine answers: start dockerd";
  }
}

/** Imports an image whose whole content is busybox and some files. */
export async function makeImage(
  name: string,
  { cmd, files = {} }: { cmd: readonly string[]; files?: Readonly<Record<string, string>> },
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "muster-image-"));
  try {
    for (const path of ["bin", "etc", "tmp", "proc", "dev", "sys"]) mkdirSync(join(folder, path));
    copyFileSync("/bin/busybox", join(folder, "bin/busybox"));
    chmodSync(join(folder, "bin/busybox"), 0o755);
    for (const tool of ["sh", "sleep", "date", "httpd", "echo", "cat", "kill", "env", "nc"])
      symlinkSync("busybox", join(folder, "bin", tool));
    writeFileSync(join(folder, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\n");
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(folder, path, ".."), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const tar = join(folder, "image.tar");
    await run("tar", ["-C", folder, "--exclude=./image.tar", "-cf", tar, "."]);
    await run("docker", ["import", "--change", `CMD ${JSON.stringify(cmd)}`, tar, name]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const removeImage = async (name: string): Promise<void> =>
  void (await run("docker", ["rmi", "-f", name]).catch(() => undefined));

/** Tells of containers that carry a label, running or not, and came after now: an engine keeps those of runs that were cut off. */
export async function containersFromNow(): Promise<(label: string) => Promise<string[]>> {
  const earlier = new Set(await containersWith("muster.instance"));
  return async (label) => (await containersWith(label)).filter((id) => !earlier.has(id));
}

async function containersWith(label: string): Promise<string[]> {
  const { stdout } = await run("docker", ["ps", "-aq", "--no-trunc", "--filter", `label=${label}`]);
  return stdout.split("\n").filter((line) => line !== "");
}
