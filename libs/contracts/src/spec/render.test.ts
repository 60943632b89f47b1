import assert from "node:assert/strict";
import { test } from "node:test";
import { readApp } from "./read.ts";
import { renderApp } from "./render.ts";

const ABOUT = { version: Date.UTC(2026, 0, 2, 3, 4, 5, 6) };
const render = (fields: Record<string, unknown>): Record<string, unknown> =>
  renderApp(readApp({ id: "web", cmd: "sleep 1", ...fields }).spec, ABOUT);

test("an app is shown in Marathon's words, and what is not set is left out", () => {
  assert.deepEqual(
    render({
      constraints: [
        ["rack", "CLUSTER", "r1"],
        ["hostname", "unique"],
      ],
    }),
    {
      id: "/web",
      cmd: "sleep 1",
      env: {},
      labels: {},
      instances: 1,
      cpus: 1,
      mem: 128,
      disk: 0,
      gpus: 0,
      constraints: [
        ["rack", "CLUSTER", "r1"],
        ["hostname", "UNIQUE"],
      ],
      networks: [{ mode: "host" }],
      portDefinitions: [{ port: 0, protocol: "tcp", name: "default", labels: {} }],
      requirePorts: false,
      healthChecks: [],
      backoffSeconds: 1,
      backoffFactor: 1.15,
      maxLaunchDelaySeconds: 300,
      upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
      killSelection: "YOUNGEST_FIRST",
      unreachableStrategy: { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
      dependencies: [],
      version: "2026-01-02T03:04:05.006Z",
    },
  );
});

test("a bridged app shows port mappings in its container and no port definitions", () => {
  const app = render({
    cmd: null,
    container: { docker: { image: "nginx", network: "BRIDGE", portMappings: [{ containerPort: 80 }] } },
  });
  assert.deepEqual(app.networks, [{ mode: "container/bridge" }]);
  assert.equal("portDefinitions" in app, false);
  assert.deepEqual(app.container, {
    type: "DOCKER",
    docker: { image: "nginx", privileged: false, parameters: [], forcePullImage: false },
    portMappings: [{ containerPort: 80, hostPort: 0, servicePort: 0, protocol: "tcp", labels: {} }],
    volumes: [],
  });
});

test("an app on the host's network shows no port mappings", () => {
  const { container } = render({ container: { type: "MESOS" } });
  assert.deepEqual(container, { type: "MESOS", volumes: [] });
});

test("health checks show what their protocol knows", () => {
  const { healthChecks } = render({ healthChecks: [{ path: "/up" }, { protocol: "COMMAND", command: "true" }] });
  const times = {
    gracePeriodSeconds: 300,
    intervalSeconds: 60,
    timeoutSeconds: 20,
    maxConsecutiveFailures: 3,
  };
  assert.deepEqual(healthChecks, [
    { protocol: "HTTP", path: "/up", portIndex: 0, ignoreHttp1xx: false, ...times, delaySeconds: 0 },
    { protocol: "COMMAND", command: { value: "true" }, ...times, delaySeconds: 15 },
  ]);
});

test("waiting for ever is shown as Marathon's word for it", () => {
  assert.equal(render({ unreachableStrategy: "disabled" }).unreachableStrategy, "disabled");
});
