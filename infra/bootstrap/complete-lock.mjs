// Completes package-lock.json after a dependency was added or updated: `node infra/bootstrap/complete-lock.mjs`.
//
// npm leaves an optional package out of the lockfile when the registry at hand cannot serve it, as private mirrors often
// cannot for other platforms. `npm ci` then takes the lockfile for outdated and refuses it, everywhere. So the absent ones
// are written in by name. They carry no integrity hash; npm fills it in on the first install from a registry that has them.

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const OSES = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const CPUS = ["arm", "arm64", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "wasm32", "x64"];

/** The optional packages that an entry of the lockfile asks for and that it does not contain. */
export function absentOptionals(packages) {
  return Object.entries(packages).flatMap(([path, entry]) =>
    Object.entries(entry.optionalDependencies ?? {})
      .filter(([name]) => !isReachable(packages, path, name))
      .map(([name, range]) => ({ name, version: range.replace(/^[\^~]/, ""), askedBy: entry })),
  );
}

/** Looks where Node would look: in the package's own node_modules and in those of the folders above. */
function isReachable(packages, path, name) {
  const parents = path.split("/node_modules/").map((_, i, parts) => parts.slice(0, i + 1).join("/node_modules/"));
  return packages[`node_modules/${name}`] !== undefined || parents.some((at) => packages[`${at}/node_modules/${name}`]);
}

/** What the lockfile says of a package that is made for one platform, which its name spells out. */
function toEntry({ name, version, askedBy }) {
  const words = name.split(/[/-]/);
  const os = OSES.filter((word) => words.includes(word));
  const cpu = CPUS.filter((word) => words.includes(word));
  const isMusl = words.some((word) => word.startsWith("musl"));
  return {
    version,
    ...(cpu.length > 0 ? { cpu } : {}),
    ...(askedBy.dev ? { dev: true } : {}),
    ...(os.includes("linux") ? { libc: [isMusl ? "musl" : "glibc"] } : {}),
    license: askedBy.license,
    optional: true,
    ...(os.length > 0 ? { os } : {}),
  };
}

function complete(file) {
  const lock = JSON.parse(readFileSync(file, "utf8"));
  const absent = absentOptionals(lock.packages);
  for (const optional of absent) lock.packages[`node_modules/${optional.name}`] = toEntry(optional);
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  if (absent.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  process.stderr.write(`package-lock.json: ${absent.length} optional packages added\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  complete(process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), "..", "..", "package-lock.json"));
}
