import assert from "node:assert/strict";
import { test } from "node:test";
import { MusterError } from "../../errors.ts";
import { AppSpecSchema } from "../app.ts";
import type { Check } from "../check.ts";
import { readApp } from "../read.ts";
import { renderApp } from "../render.ts";
import { mergeAppUpdate } from "../update.ts";

type Fields = Record<string, unknown>;
const APP = { id: "/web", cmd: "serve", portDefinitions: [{ name: "http-api" }, { name: "admin" }] };
const TIMES = { intervalSeconds: 60, timeoutSeconds: 20, delaySeconds: 15 };
const HTTP = { type: "http", portIndex: 0, port: null, path: "/", scheme: "HTTP" };
const show = (value: unknown): string => JSON.stringify(value);

for (const [given, probe, times = {}, warnings = []] of [
  [{ http: {} }, HTTP],
  [
    { http: { path: "/ping?x=1", portIndex: 1, scheme: "HTTPS" } },
    { ...HTTP, path: "/ping?x=1", portIndex: 1, scheme: "HTTPS" },
  ],
  [
    { http: { path: "ping", port: 8080, scheme: "http" } },
    { ...HTTP, path: "/ping", portIndex: null, port: 8080 },
    {},
    ["/http/path"],
  ],
  [{ tcp: {} }, { type: "tcp", portIndex: 0, port: null }],
  [{ tcp: { port: 22 } }, { type: "tcp", portIndex: null, port: 22 }],
  [{ exec: { command: { shell: "test -f up" } } }, { type: "exec", command: "test -f up" }],
  [{ exec: { command: { argv: ["test", "-f", "a b"] } } }, { type: "exec", command: ["test", "-f", "a b"] }],
  [{ exec: { command: { value: "true" } } }, { type: "exec", command: "true" }],
  [{ exec: { command: "true" } }, { type: "exec", command: "true" }],
  [
    { tcp: {}, intervalSeconds: 1, timeoutSeconds: 0.5, delaySeconds: 0 },
    { type: "tcp", portIndex: 0, port: null },
    { intervalSeconds: 1, timeoutSeconds: 0.5, delaySeconds: 0 },
  ],
  [{ http: null, tcp: {}, interval: 3 }, { type: "tcp", portIndex: 0, port: null }, {}, ["/interval"]],
] as [Fields, Check["probe"], Partial<Check>?, string[]?][])
  test(`a check ${show(given)} is read as ${show(probe)}, shown as it is and read back`, () => {
    const { spec, warnings: told } = readApp({ ...APP, check: given });
    assert.deepEqual(spec.check, { probe, ...TIMES, ...times });
    assert.deepEqual(
      told.map(({ path }) => path),
      warnings.map((path) => `/check${path}`),
    );
    assert.deepEqual(readApp(renderApp(spec, { version: 0 })).spec.check, spec.check);
  });

for (const [check, code, path, part] of [
  ["soon", "spec.type", "/check", "an object"],
  [{ intervalSeconds: 5 }, "spec.invalid", "/check", 'expected one of "http", "tcp" and "exec"'],
  [{ http: {}, tcp: {} }, "spec.invalid", "/check", "http and tcp exclude each other"],
  [{ http: 80 }, "spec.type", "/check/http", "an object"],
  [{ http: { portIndex: 2 } }, "spec.invalid", "/check/http/portIndex", "there is no port 2"],
  [{ tcp: { portIndex: 0, port: 80 } }, "spec.invalid", "/check/tcp/portIndex", "exclude each other"],
  [{ http: { scheme: "FTP" } }, "spec.invalid", "/check/http/scheme", '"HTTP", "HTTPS"'],
  [{ exec: {} }, "spec.invalid", "/check/exec/command", "expected a command"],
  [{ exec: { command: " " } }, "spec.invalid", "/check/exec/command", "expected a command"],
  [{ exec: { command: { argv: [] } } }, "spec.invalid", "/check/exec/command/argv", "a program"],
  [{ exec: { command: { shell: "a", argv: ["a"] } } }, "spec.invalid", "/check/exec/command", "exclude each other"],
  [{ tcp: {}, intervalSeconds: 0.5 }, "spec.invalid", "/check/intervalSeconds", "got 0.5"],
  [{ tcp: {}, timeoutSeconds: 0 }, "spec.invalid", "/check/timeoutSeconds", "got 0"],
  [{ tcp: {}, delaySeconds: -1 }, "spec.invalid", "/check/delaySeconds", "got -1"],
] as [unknown, string, string, string][])
  test(`a check ${show(check)} is refused as ${code} at ${path}`, () => {
    assert.throws(
      () => readApp({ ...APP, check }),
      (error) => {
        assert.ok(error instanceof MusterError);
        assert.equal(error.code, code);
        const [problem] = error.problems;
        assert.equal(problem?.path, path);
        assert.ok(problem?.message.includes(part), problem?.message);
        return true;
      },
    );
  });

test("a spec without a check shows none, keeps the one it has in an update, and `{}` takes it away", () => {
  const plain = readApp({ ...APP, check: {} }).spec;
  assert.equal(plain.check, null);
  assert.equal("check" in renderApp(plain, { version: 0 }), false);
  const { spec } = readApp({ ...APP, check: { tcp: {} } });
  assert.deepEqual(mergeAppUpdate(spec, { mem: 64 }).spec.check, spec.check);
  assert.equal(mergeAppUpdate(spec, { check: {} }).spec.check, null);
});

test("a spec that was stored before there were checks has none", () => {
  const { check: _, ...old } = readApp(APP).spec;
  assert.equal(AppSpecSchema.parse(old).check, null);
});
