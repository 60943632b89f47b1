import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { findMirror, parseDeb822, parseOneLine } from "./debian.mjs";
import { findCached, findNatsServer, isNewEnough, linkServer, parseVersion } from "./nats-server.mjs";

const folder = mkdtempSync(join(tmpdir(), "muster-nats-"));
after(() => rmSync(folder, { recursive: true }));

/** A program that answers --version as nats-server does. */
function fakeServer(path, version) {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho "nats-server: v${version}"\n`, { mode: 0o755 });
  return path;
}

test("2.14.0 is the oldest server that is good enough", () => {
  const rows = [
    ["nats-server: v2.15.1", true],
    ["nats-server: v2.14.0-RC.1", true],
    ["nats-server: v2.13.9", false],
    ["nats-server: v3.0.0", true],
    ["nats-server: v1.99.99", false],
    ["something else", false],
  ];
  for (const [text, expected] of rows) assert.equal(isNewEnough(parseVersion(text)), expected, text);
});

test("the operator's own server is taken or refused, never replaced", async () => {
  const good = fakeServer(join(folder, "own", "good"), "2.14.2");
  const old = fakeServer(join(folder, "own", "old"), "2.10.0");
  assert.equal(await findNatsServer({ MUSTER_NATS_SERVER: good }), good);
  await assert.rejects(findNatsServer({ MUSTER_NATS_SERVER: old }), /which is 2\.10\.0\. Muster needs 2\.14/);
  await assert.rejects(findNatsServer({ MUSTER_NATS_SERVER: join(folder, "none") }), /does not answer/);
});

test("a new enough server on the PATH comes before the cache, the cache before an old one on the PATH", async () => {
  const cached = fakeServer(join(folder, "cache", "muster", "nats-server-2.15.0", "nats-server"), "2.15.0");
  const onPath = fakeServer(join(folder, "bin", "nats-server"), "2.14.1");
  const env = { XDG_CACHE_HOME: join(folder, "cache"), PATH: `${join(folder, "bin")}:/usr/bin:/bin` };
  assert.equal(await findNatsServer(env), onPath);
  fakeServer(onPath, "2.9.0");
  assert.equal(await findNatsServer(env), cached);
});

test("the link to the server follows it", () => {
  const bin = join(folder, "linked");
  mkdirSync(bin);
  const [one, two] = ["one", "two"].map((name) => fakeServer(join(folder, name), "2.15.0"));
  for (const server of [one, one, two]) {
    linkServer(bin, server);
    assert.equal(readlinkSync(join(bin, "nats-server")), server);
  }
});

test("the newest complete server of the cache is used", () => {
  const cache = join(folder, "versions");
  for (const name of ["2.9.20", "2.14.3", "2.15.1", "2.15.1.4711"]) {
    fakeServer(join(cache, `nats-server-${name}`, "nats-server"), name);
  }
  mkdirSync(join(cache, "nats-server-2.99.0"));
  assert.equal(findCached(cache), join(cache, "nats-server-2.15.1", "nats-server"));
  assert.equal(findCached(join(folder, "no-such-folder")), null);
});

const DEB822 = `# The main archive
Types: deb
# commented: out
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /keys/debian.gpg

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm

Types: deb deb-src
URIs: http://mirror.example/debian-security
 http://second.example/debian-security
Suites: bookworm-security
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
`;

test("apt's sources are read in their newer form", () => {
  assert.deepEqual(parseDeb822(DEB822), [
    { uri: "http://mirror.example/debian", suites: ["bookworm", "bookworm-updates"], keyring: "/keys/debian.gpg" },
    { uri: "http://mirror.example/debian-security", suites: ["bookworm-security"], keyring: null },
    { uri: "http://second.example/debian-security", suites: ["bookworm-security"], keyring: null },
  ]);
});

const ONE_LINE = `# deb http://old.example/debian bookworm main
deb [arch=amd64 signed-by=/keys/other.gpg] https://other.example/apt stable main
deb http://mirror.example/debian bookworm main contrib
deb-src http://mirror.example/debian bookworm main
`;

test("apt's sources are read in their classic form", () => {
  assert.deepEqual(parseOneLine(ONE_LINE), [
    { uri: "https://other.example/apt", suites: ["stable"], keyring: "/keys/other.gpg" },
    { uri: "http://mirror.example/debian", suites: ["bookworm"], keyring: null },
  ]);
});

test("the mirror is the one that serves the machine's own release, wherever it stands in the list", () => {
  const debian = { uri: "http://mirror.example/debian", keyring: "/usr/share/keyrings/debian-archive-keyring.gpg" };
  assert.deepEqual(findMirror(parseOneLine(ONE_LINE), "bookworm"), debian);
  assert.deepEqual(findMirror(parseDeb822(DEB822), "bookworm"), { ...debian, keyring: "/keys/debian.gpg" });
  assert.equal(findMirror([], "bookworm"), null);
});
