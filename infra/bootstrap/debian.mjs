// Fetches nats-server from a newer Debian suite without touching the machine's own package state.
//
// Debian 12 packages an older server than we need, but the binary of a later suite runs on it: it is a static Go program.
// The mirror is the one that this machine already uses, so that a machine behind a private mirror works like any other.

import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, tail } from "./command.mjs";
import { Refusal } from "./progress.mjs";

/** The first Debian suite whose nats-server is 2.14 or newer. */
const SUITE = "forky";
const DEFAULT_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
const APT_WITHIN_MS = 5 * 60_000;

/** Downloads the server into `cache` and returns its path. Throws a Refusal that completes "No nats-server: ...". */
export async function fetchFromDebian(cache, { versionOf, isNewEnough }) {
  if (process.platform !== "linux" || !existsSync("/etc/debian_version")) {
    throw new Refusal("this is not Debian, where it could be fetched");
  }
  const mirror = findMirror(readSources("/etc/apt"), releaseName());
  if (mirror === null) throw new Refusal("apt's sources name no Debian mirror to fetch it from");

  const work = mkdtempSync(join(tmpdir(), "muster-fetch-"));
  try {
    const binary = await downloadWithApt(work, mirror);
    const version = await versionOf(binary);
    if (!isNewEnough(version))
      throw new Refusal(`Debian ${SUITE} offers ${version?.join(".") ?? "one that does not run"}`);
    return moveIntoCache(binary, join(cache, `nats-server-${version.join(".")}`));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function downloadWithApt(work, { uri, keyring }) {
  for (const folder of ["etc/preferences.d", "lists/partial", "cache/archives/partial", "package"]) {
    mkdirSync(join(work, folder), { recursive: true });
  }
  const sources = join(work, "etc", "sources.list");
  writeFileSync(sources, `deb [signed-by=${keyring}] ${uri} ${SUITE} main\n`);
  const options = [
    `Dir::Etc::sourcelist=${sources}`,
    "Dir::Etc::sourceparts=-",
    `Dir::Etc::preferences=${join(work, "etc", "preferences")}`,
    `Dir::Etc::preferencesparts=${join(work, "etc", "preferences.d")}`,
    `Dir::State::lists=${join(work, "lists")}`,
    `Dir::Cache=${join(work, "cache")}`,
    "APT::Sandbox::User=root", // The private folders are readable by us only; without this apt warns about it.
    "APT::Update::Error-Mode=any", // An unreachable mirror is otherwise only a warning.
    "Acquire::Languages=none",
    "Acquire::Retries=2",
    "Acquire::http::Timeout=30",
    "Acquire::https::Timeout=30",
  ].flatMap((option) => ["-o", option]);

  await must("apt-get", [...options, "-qq", "update"], work);
  await must("apt-get", [...options, "-qq", "download", "nats-server"], work);
  const deb = readdirSync(work).find((name) => name.endsWith(".deb"));
  if (deb === undefined) throw new Refusal(`apt-get downloaded no package from Debian ${SUITE}`);
  await must("dpkg", ["-x", deb, "package"], work);
  return join(work, "package", "usr", "sbin", "nats-server");
}

/** True where we may install a system package: as root on a Debian or one of its kin. */
export function canInstall() {
  return process.platform === "linux" && existsSync("/etc/debian_version") && process.getuid() === 0;
}

/** Installs a package of the machine's own release. Throws a Refusal with what apt said. */
export async function installPackage(name) {
  await must("apt-get", ["-qq", "update"]);
  await must("apt-get", ["-qq", "install", "--yes", "--no-install-recommends", name]);
}

async function must(file, args, cwd) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" };
  const { ok, output } = await run(file, args, { cwd, env, withinMs: APT_WITHIN_MS });
  if (!ok) throw new Refusal(`${file} failed and said:\n${tail(output)}`);
}

/** The folder appears under its final name in one step, complete: two starts at once may both arrive, and either will do. */
function moveIntoCache(binary, target) {
  const aside = `${target}.${process.pid}`;
  mkdirSync(aside, { recursive: true });
  copyFileSync(binary, join(aside, "nats-server"));
  chmodSync(join(aside, "nats-server"), 0o755);
  try {
    renameSync(aside, target);
  } catch (error) {
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    rmSync(aside, { recursive: true, force: true });
  }
  return join(target, "nats-server");
}

function releaseName() {
  const match = /^VERSION_CODENAME=(\S+)/m.exec(readFileSync("/etc/os-release", "utf8"));
  return match?.[1] ?? "";
}

/** Every entry of apt's sources below `etcApt`, as `{ uri, suites, keyring }`; keyring is null where none is named. */
export function readSources(etcApt) {
  const parts = join(etcApt, "sources.list.d");
  const names = existsSync(parts) ? readdirSync(parts).sort() : [];
  const read = (path) => (existsSync(path) ? readFileSync(path, "utf8") : "");
  return [
    ...names.filter((name) => name.endsWith(".sources")).flatMap((name) => parseDeb822(read(join(parts, name)))),
    ...parseOneLine(read(join(etcApt, "sources.list"))),
    ...names.filter((name) => name.endsWith(".list")).flatMap((name) => parseOneLine(read(join(parts, name)))),
  ];
}

/** The archive that serves the machine's own release, or null. Security and third-party archives have other suites. */
export function findMirror(entries, release) {
  const serves = (suite) => entries.find(({ suites }) => suites.includes(suite));
  const entry = serves(release) ?? serves("stable") ?? entries.find(({ uri }) => /\/debian\/?$/.test(uri));
  return entry === undefined ? null : { uri: entry.uri, keyring: entry.keyring ?? DEFAULT_KEYRING };
}

/** Reads the deb822 form: stanzas of `Field: value`, comments between, continued lines indented. */
export function parseDeb822(text) {
  const bare = text.replace(/^#.*\n?/gm, "");
  return bare.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = new Map();
    for (const [, name, value] of stanza.matchAll(/^([\w-]+):((?:.*(?:\n[ \t].*)*))/gm))
      fields.set(name.toLowerCase(), value.trim());
    const words = (name) => (fields.get(name) ?? "").split(/\s+/).filter((word) => word !== "");
    if (!words("types").includes("deb") || fields.get("enabled")?.toLowerCase() === "no") return [];
    return words("uris").map((uri) => ({
      uri,
      suites: words("suites"),
      keyring: keyringPath(fields.get("signed-by")),
    }));
  });
}

/** Reads the classic form: `deb [options] uri suite components`. */
export function parseOneLine(text) {
  return [...text.matchAll(/^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)/gm)].map(([, options, uri, suite]) => ({
    uri,
    suites: [suite],
    keyring: keyringPath(/signed-by=(\S+)/.exec(options ?? "")?.[1]),
  }));
}

/** A key may also stand in the stanza itself; then the distribution's own keyring has to do. */
function keyringPath(value) {
  return value?.startsWith("/") ? value.split(/[\s,]/)[0] : null;
}
