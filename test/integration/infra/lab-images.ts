/**
 * Images made of this machine, where no registry answers: the base that infra/docker/Dockerfile starts from, in place of
 * node:24-slim, and one for nats-server. Every image carries `label`, so that all of them can be found and removed.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { natsServerBinary } from "@muster/testkit";
import { trackedFiles } from "../../tidy/tree.ts";
import { ROOT } from "./compose.ts";
import { docker } from "./docker.ts";

const run = promisify(execFile);
const BUSYBOX = ["/bin/busybox", "/usr/bin/busybox"];
const NPM = "usr/local/lib/node_modules/npm";
const CACHE = "var/cache/npm";

/** Builds infra/docker/Dockerfile as it stands, with this machine's Node and npm as its base. */
export async function buildMuster(image: string, label: string): Promise<void> {
  const t0 = performance.now(); const lap = (w: string) => console.log(w, Math.round(performance.now() - t0));
  await withFolder(async (folder) => {
    const [context, base] = [join(folder, "context"), join(folder, "base")];
    await copyContext(context);
lap("context");    await makeBase(base, context);lap("base");
    await docker(["import", "--change", `LABEL ${label}`, "-", `${image}-base`], { tar: base });
lap("imported");    const dockerfile = join(context, "infra/docker/Dockerfile");
    await docker(["build", "-f", dockerfile, "--build-arg", `BASE=${image}-base`, "-t", image, context]);
  });
}

/** The binary that tests use, beside a shell and wget, as in the official Alpine image. */
export async function importNats(image: string, label: string): Promise<void> {
  await withFolder(async (root) => {
    await addBusybox(root);
    await addProgram(root, natsServerBinary(), "usr/local/bin/nats-server");
    await docker(["import", "--change", `LABEL ${label}`, "-", image], { tar: root });
  });
}

/** What a clone holds and the Dockerfile's own ignore file lets through; older builders read that under one name only. */
async function copyContext(context: string): Promise<void> {
  const parts = /^(?:libs|services|apps|infra\/docker)\/|^(?:package(?:-lock)?\.json|\.npmrc|LICENSE)$/;
  for (const path of trackedFiles().filter((file) => parts.test(file)))
    await cp(join(ROOT, path), join(context, path), { recursive: true });
  await cp(join(context, "infra/docker/Dockerfile.dockerignore"), join(context, ".dockerignore"));
}

/** Node, npm, a shell, and npm's cache, filled here: a container in the making may reach no registry. */
async function makeBase(root: string, context: string): Promise<void> {
  await addBusybox(root);
  await addProgram(root, process.execPath, "usr/local/bin/node");
  await cp(await npmPackage(root), join(root, NPM), { recursive: true });
  await symlink("../lib/node_modules/npm/bin/npm-cli.js", join(root, "usr/local/bin/npm"));
  const packages = join(root, "tmp/packages");
  const manifests = trackedFiles().filter((path) => /(?:^|\/)package(?:-lock)?\.json$|^\.npmrc$/.test(path));
  for (const path of manifests.filter((file) => existsSync(join(context, file))))
    await cp(join(context, path), join(packages, path));
  await npm(["ci", "--omit=dev", "--omit=optional", "--ignore-scripts", "--cache", join(root, CACHE)], packages);
  await rm(packages, { recursive: true });
  const registry = (await npm(["config", "get", "registry"], root)).trim();
  await mkdir(join(root, "usr/local/etc"), { recursive: true });
  await writeFile(join(root, "usr/local/etc/npmrc"), `registry=${registry}\ncache=/${CACHE}\noffline=true\n`);
}

const npm = async (args: readonly string[], cwd: string): Promise<string> =>
  (await run("npm", args, { cwd, maxBuffer: 64 * 1024 * 1024 })).stdout;

/** npm with all it needs in one folder. Debian's own spreads it over many packages; then npm fetches itself. */
async function npmPackage(root: string): Promise<string> {
  const { stdout } = await run("sh", ["-c", "command -v npm"]);
  const installed = dirname(dirname(await realpath(stdout.trim())));
  if (existsSync(join(installed, "node_modules/semver"))) return installed;
  const folder = join(root, "tmp/npm");
  await mkdir(folder, { recursive: true });
  await npm(["install", "--prefix", folder, "--no-save", "--ignore-scripts", "npm@11"], folder);
  return join(folder, "node_modules/npm");
}

/** A shell with the usual commands, and the files that programs look a user up in. */
async function addBusybox(root: string): Promise<void> {
  const busybox = BUSYBOX.find((path) => existsSync(path));
  if (busybox === undefined) throw new Error("there is no busybox to make an image of");
  for (const folder of ["bin", "etc", "root", "tmp", "usr/bin", "usr/local/bin", "var"])
    await mkdir(join(root, folder), { recursive: true });
  await cp(busybox, join(root, "bin/busybox"));
  const { stdout } = await run(busybox, ["--list"]);
  const commands = stdout.split("\n").filter((name) => name !== "" && name !== "busybox");
  for (const name of commands) await symlink("busybox", join(root, "bin", name));
  await symlink("../../bin/busybox", join(root, "usr/bin/env"));
  await writeFile(join(root, "etc/passwd"), "root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/tmp:/bin/sh\n");
  await writeFile(join(root, "etc/group"), "root:x:0:\nnode:x:1000:\n");
}

/** A program and the libraries that the loader would give it here, those for looking hosts up included. */
async function addProgram(root: string, program: string, target: string): Promise<void> {
  await cp(await realpath(program), join(root, target));
  const { stdout } = await run("ldd", [program]).catch(() => ({ stdout: "" }));
  const libraries = [...stdout.matchAll(/(\/\S+\.so\S*) \(/g)].map((match) => match[1] as string);
  const beside = libraries.flatMap((path) => (/\/libc\.so/.test(path) ? [dirname(path)] : []));
  const lookups = beside.flatMap((folder) =>
    ["libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"].map((name) => join(folder, name)),
  );
  for (const path of new Set([...libraries, ...lookups.filter((each) => existsSync(each))]))
    await cp(await realpath(path), join(root, path));
}

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "muster-image-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes every image with the label and what runs from it; images of the builder's steps have it too, and no name. */
export async function removeImages(label: string): Promise<void> {
  const idsOf = async (...list: string[]): Promise<string[]> => {
    const output = await docker([...list, "--all", "--quiet", "--filter", `label=${label}`]);
    return [...new Set(output.split("\n").filter((id) => id !== ""))];
  };
  const containers = await idsOf("ps");
  if (containers.length > 0) await docker(["rm", "--force", "--volumes", ...containers]);
  const images = await idsOf("images");
  // Removing one removes its nameless parents, which are then named again and no longer there.
  if (images.length > 0) await docker(["rmi", "--force", ...images]).catch(() => undefined);
}
