import assert from "node:assert/strict";
import { test } from "node:test";
import { MusterError } from "../../errors.ts";
import { AppSpecSchema, type ReadinessCheck } from "../app.ts";
import { readApp } from "../read.ts";
import { renderApp } from "../render.ts";
import { mergeAppUpdate } from "../update.ts";

type Fields = Record<string, unknown>;
const APP = { id: "/web", cmd: "serve", portDefinitions: [{ name: "http-api" }, { name: "admin" }, {}] };
const DEFAULT: ReadinessCheck = {
  name: "readinessCheck",
  protocol: "HTTP",
  path: "/",
  portName: "http-api",
  intervalSeconds: 30,
  timeoutSeconds: 10,
  httpStatusCodesForReady: [200],
  preserveLastResponse: false,
};
const show = (value: unknown): string => JSON.stringify(value);
const BRIDGE = {
  id: "/web",
  networks: [{ mode: "container/bridge" }],
  container: { docker: { image: "nginx" }, portMappings: [{ containerPort: 80, name: "http-api" }] },
};

for (const [given, expected, warnings = []] of [
  [{}, {}],
  [
    { name: "warm", portName: "admin" },
    { name: "warm", portName: "admin" },
  ],
  [
    { protocol: "HTTPS", path: "/ready?deep=1" },
    { protocol: "HTTPS", path: "/ready?deep=1" },
  ],
  [{ protocol: "https", path: "ready" }, { protocol: "HTTPS", path: "/ready" }, ["/protocol", "/path"]],
  [
    { intervalSeconds: 0.5, timeoutSeconds: 0.2 },
    { intervalSeconds: 0.5, timeoutSeconds: 0.2 },
  ],
  [{ intervalSeconds: "20" }, { intervalSeconds: 20 }, ["/intervalSeconds"]],
  [{ httpStatusCodesForReady: [200, 302] }, { httpStatusCodesForReady: [200, 302] }],
  [{ preserveLastResponse: true, name: null }, { preserveLastResponse: true }],
  [{ interval: 3 }, {}, ["/interval"]],
] as [Fields, Partial<ReadinessCheck>, string[]?][])
  test(`a readiness check ${show(given)} is read as ${show(expected)} over the defaults`, () => {
    const { spec, warnings: told } = readApp({ ...APP, readinessChecks: [given] });
    assert.deepEqual(spec.readinessChecks, [{ ...DEFAULT, ...expected }]);
    assert.deepEqual(
      told.map(({ path }) => path),
      warnings.map((path) => `/readinessChecks(0)${path}`),
    );
  });

for (const [readinessChecks, code, path, part] of [
  ["soon", "spec.type", "/readinessChecks", "a list"],
  [[3], "spec.type", "/readinessChecks(0)", "an object"],
  [[{}, {}], "spec.invalid", "/readinessChecks", "expected one readiness check at most, got 2"],
  [[{ name: " " }], "spec.invalid", "/readinessChecks(0)/name", "a name"],
  [[{ protocol: "TCP" }], "spec.invalid", "/readinessChecks(0)/protocol", '"HTTP", "HTTPS"'],
  [[{ path: 1 }], "spec.type", "/readinessChecks(0)/path", "text"],
  [
    [{ portName: "web" }],
    "spec.invalid",
    "/readinessChecks(0)/portName",
    'named "web": name one of "http-api", "admin"',
  ],
  [[{ intervalSeconds: 0, timeoutSeconds: 1 }], "spec.invalid", "/readinessChecks(0)/intervalSeconds", "got 0"],
  [
    [{ timeoutSeconds: 30 }],
    "spec.invalid",
    "/readinessChecks(0)/timeoutSeconds",
    "30 is not less than intervalSeconds",
  ],
  [[{ intervalSeconds: 5 }], "spec.invalid", "/readinessChecks(0)/timeoutSeconds", "10, its default, is not less"],
  [[{ httpStatusCodesForReady: [] }], "spec.invalid", "/readinessChecks(0)/httpStatusCodesForReady", "at least one"],
  [[{ httpStatusCodesForReady: [99] }], "spec.invalid", "/readinessChecks(0)/httpStatusCodesForReady(0)", "got 99"],
  [[{ httpStatusCodesForReady: 200 }], "spec.type", "/readinessChecks(0)/httpStatusCodesForReady", "a list"],
  [[{ preserveLastResponse: 1 }], "spec.type", "/readinessChecks(0)/preserveLastResponse", "true or false"],
] as [unknown, string, string, string][])
  test(`readiness checks ${show(readinessChecks)} are refused as ${code} at ${path}`, () => {
    assert.throws(
      () => readApp({ ...APP, readinessChecks }),
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

test("an app without named ports is told to name one", () => {
  assert.throws(() => readApp({ ...APP, portDefinitions: [{}], readinessChecks: [{}] }), {
    message: '/readinessChecks(0)/portName: no port of the app is named "http-api": give a port of the app this name',
  });
});

test("on a bridge a readiness check names a port mapping", () => {
  assert.deepEqual(readApp({ ...BRIDGE, readinessChecks: [{}] }).spec.readinessChecks, [DEFAULT]);
});

test("a spec without readiness checks shows none, one that has them shows them whole, and an update may take them away", () => {
  const plain = readApp({ ...APP, readinessChecks: [] }).spec;
  assert.equal("readinessChecks" in renderApp(plain, { version: 0 }), false);
  const { spec } = readApp({ ...APP, readinessChecks: [{}] });
  assert.deepEqual(renderApp(spec, { version: 0 }).readinessChecks, [DEFAULT]);
  assert.deepEqual(mergeAppUpdate(spec, { mem: 64 }).spec.readinessChecks, [DEFAULT]);
  assert.deepEqual(mergeAppUpdate(spec, { readinessChecks: [] }).spec.readinessChecks, []);
  assert.throws(() => mergeAppUpdate(spec, { portDefinitions: [{ name: "web" }] }), /portName: no port of the app/);
});

test("a spec that was stored before there were readiness checks has none", () => {
  const { readinessChecks: _, ...old } = readApp(APP).spec;
  assert.deepEqual(AppSpecSchema.parse(old).readinessChecks, []);
});
