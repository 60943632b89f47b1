// What the tidy tests look at: every file that is, or would be, tracked.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "..", "..");

/** Paths relative to the root. Files that were not added yet count too: they are about to be. */
export function trackedFiles(): string[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
  const listed = execFileSync("git", args, { cwd: ROOT, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  const paths = listed.split("\0").filter((path) => path !== "" && existsSync(join(ROOT, path)));
  return [...new Set(paths)].sort();
}

export function readText(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

export function readJson<T>(path: string): T {
  return JSON.parse(readText(path)) as T;
}

/** True for what we write as code, and so hold to the rules for code. */
export function isCode(path: string): boolean {
  return /\.(?:ts|mts|js|mjs|cjs)$/.test(path);
}

export function isTest(path: string): boolean {
  return /\.test\.(?:ts|mjs)$/.test(path);
}

/** Tests, and the helpers that only tests use: a package keeps those in a folder called `testing`. */
export function isForTests(path: string): boolean {
  return isTest(path) || path.includes("/testing/");
}

/** What npm records of a package in package-lock.json, as far as the tests ask. */
export interface LockEntry {
  readonly version?: string;
  readonly license?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** The installed packages by their path below the root, without our own. */
export function lockedPackages(): Map<string, LockEntry> {
  const { packages } = readJson<{ packages: Record<string, LockEntry> }>("package-lock.json");
  return new Map(Object.entries(packages).filter(([path, { link }]) => path.includes("node_modules/") && !link));
}

export interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Every package.json of ours, by its path. */
export function manifests(): Map<string, Manifest> {
  const paths = trackedFiles().filter((path) => path === "package.json" || path.endsWith("/package.json"));
  return new Map(paths.map((path) => [path, readJson<Manifest>(path)]));
}

export function dependenciesOf(manifest: Manifest): Record<string, string> {
  return { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
}
