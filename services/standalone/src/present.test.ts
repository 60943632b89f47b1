import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "@muster/client";
import { DEPLOYMENT_BEGINNING, type DeploymentDocument, MusterError, type Why } from "@muster/contracts";
import type { Nats } from "@muster/runtime";
import { screenOf } from "@muster/terminal";
import { portsOf } from "./example.ts";
import { showPresent } from "./present.ts";

const NO_EVENTS = { connection: { subscribe: () => ({ unsubscribe: () => undefined }) } } as unknown as Nats;
const unknown = (app: string) => new MusterError("app.unknown", `App '${app}' does not exist`);

const why = (app: string, more: Partial<Why> = {}): Why => ({
  app,
  status: "running",
  wanted: 1,
  running: 1,
  healthy: 1,
  waiting: null,
  hold: null,
  delay: null,
  lastFailure: null,
  deployment: null,
  summary: `${app.slice(1)} runs`,
  ...more,
});

const deployment = (id: string, more: Partial<DeploymentDocument> = {}): DeploymentDocument => {
  const to = { version: 2, instances: 2 };
  return {
    id,
    app: "/web",
    ...DEPLOYMENT_BEGINNING,
    action: "upgrade",
    fromVersion: 1,
    ...to,
    steps: [{ actions: [{ app: "/web", action: "upgrade", from: { version: 1, instances: 2 }, to, isStaged: true }] }],
    startedAtMs: 1,
    by: { who: "test", from: "test" },
    trace: null,
    ...more,
  };
};

/** What is shown, when only these calls are answered. */
async function shown(answers: Partial<Client>, apps: Parameters<typeof showPresent>[3], withinMs = 60_000) {
  let text = "";
  const screen = screenOf({ write: (more) => (text += more) }, { env: {} });
  const options = { signal: new AbortController().signal, withinMs };
  const kept = await showPresent(answers as Client, NO_EVENTS, screen, apps, options);
  return { text, apps: kept.map(({ app }) => app) };
}

test("an app that is deleted while the present ones are shown is passed over, and so is one that cannot be asked for", async () => {
  const { text, apps } = await shown(
    {
      why: async (about) => {
        const app = "app" in about ? about.app : "";
        if (app === "/tt") throw unknown(app);
        if (app === "/odd") throw new TypeError("not what an answer looks like");
        return why(app);
      },
    },
    [{ id: "/tt" }, { id: "/odd" }, { id: "/web" }],
  );
  assert.deepEqual([text, apps], ["web runs\n", ["/web"]]);
});

test("a deployment that cannot be followed costs its app nothing", async () => {
  const answers: Partial<Client> = {
    deployment: async () => Promise.reject(new MusterError("app.locked", "of all things")),
    why: async () => why("/web"),
  };
  const { text, apps } = await shown(answers, [{ id: "/web", deployments: [{ id: "d1" }] }]);
  assert.deepEqual([text, apps], ["web runs\n", ["/web"]]);
});

test("a deployment that only a person takes further is shown as it stands, once for all its apps", async () => {
  const waits = { rollout: { strategy: "canary", canary: 1, waitsForPromotion: true } };
  const standing: readonly [Partial<DeploymentDocument>, object][] = [
    [{ isPaused: true }, {}],
    [{ reachedAtMs: 5 }, waits],
  ];
  for (const [more, spec] of standing) {
    const document = deployment("d1", more);
    const answers: Partial<Client> = {
      deployment: async () => document,
      instances: async () => [],
      appVersion: async () => ({ id: "/web", cmd: "sleep 9", ...spec }),
      why: async () => why("/web", { status: "deploying", deployment: document, summary: "web is being deployed" }),
    };
    const deployments = [{ id: "d1" }];
    const { text } = await shown(answers, [
      { id: "/web", deployments },
      { id: "/db", deployments },
    ]);
    assert.equal(text.split("deployment d1 goes on: npx muster deployments web\n").length, 2, text);
    assert.ok(text.endsWith("web is being deployed\nweb is being deployed\n"), text);
  }
});

test("whatever keeps moving, or waits for a place, is shown for so long and no longer", async () => {
  const answers: Partial<Client> = {
    deployment: async () => deployment("d1"),
    instances: async () => [],
    appVersion: async () => ({ id: "/web", cmd: "sleep 9" }),
    why: async (about) => why("app" in about ? about.app : "", { status: "waiting", summary: "it waits" }),
  };
  const apps = [{ id: "/web", deployments: [{ id: "d1" }] }, { id: "/big" }, { id: "/huge" }];
  const { text } = await shown(answers, apps, 300);
  assert.match(text, /^deployment d1 goes on: npx muster deployments web\nit waits\nit waits\nit waits\n$/m);
});

test("the first app's ports are none when it is gone by then", async () => {
  const client = { instances: async () => Promise.reject(unknown("/web")) } as Partial<Client> as Client;
  assert.deepEqual(await portsOf(client, [{ app: "/web", traceId: null, isRunning: true }]), []);
  assert.deepEqual(await portsOf(client, []), []);
});
