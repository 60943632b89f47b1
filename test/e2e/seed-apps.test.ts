/** Real app files of 2014, posted as their tutorials post them, each on a cluster without apps. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createClient, readLogs } from "@muster/client";
import { connectNats } from "@muster/runtime";
import { until } from "@muster/testkit";
import { containersFromNow, makeImage, removeImage, whyNoDocker } from "../support/images.ts";
import {
  openAgents,
  type ProcessCluster,
  type ServiceProcess,
  serviceProcess,
  startProcesses,
} from "../support/processes.ts";
import { root } from "../support/standalone.ts";

const skip = whyNoDocker() ?? false;
const IMAGES = {
  "libmesos/ubuntu": { cmd: ["sh"] },
  redis: { cmd: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"] },
  nginx: { cmd: ["httpd", "-f", "-p", "80", "-h", "/www"], files: { "www/index.html": "served by nginx\n" } },
} as const;

let cluster: ProcessCluster;
let containersWith: (label: string) => Promise<string[]>;
const later: ServiceProcess[] = [];

const agentFlags = (port: number, attributes = "") => [
  `--resources=cpus:4;mem:4096;ports:[${port}-${port + 99}]`,
  ...(attributes === "" ? [] : [`--attributes=${attributes}`]),
  "--runtimes=docker,process",
  "--stop-tasks-on-exit",
];

before(async () => {
  if (skip !== false) return;
  containersWith = await containersFromNow();
  for (const [name, image] of Object.entries(IMAGES)) await makeImage(name, image);
  cluster = await startProcesses({ agents: [{ id: "d1", flags: agentFlags(36_000, "rack:rack-1") }] });
});
after(async () => {
  if (skip !== false) return;
  for (const agent of [...later, ...[...cluster.services.values()].filter(({ name }) => name.startsWith("agent"))])
    await agent.terminate();
  await cluster.stop();
  for (const name of Object.keys(IMAGES)) await removeImage(name);
});

const file = (kind: "corrected" | "as-published", name: string) =>
  readFileSync(join(root, "test/seed-apps", kind, `${name}.json`), "utf8");
const post = (body: string) =>
  fetch(`${cluster.http}/v2/apps`, { method: "POST", headers: { "content-type": "application/json" }, body });
type Why = {
  summary: string;
  status: string;
  running: number;
  waiting: { refusals: { check: string; reason: string }[] } | null;
};
const why = async (app: string) => (await (await fetch(`${cluster.http}/v1/why?app=${app}`)).json()) as Why;
type App = {
  id: string;
  instances: number;
  cpus: number;
  mem: number;
  tasksRunning?: number;
  deployments?: { id: string }[];
};
const running = async (app: string) =>
  ((await (await fetch(`${cluster.http}/v2/apps/${app}`)).json()) as { app: App }).app.tasksRunning ?? 0;

/** Posts a file, checks the answer, and waits until its instances run. */
async function submit(name: string): Promise<App> {
  const answer = await post(file("corrected", name));
  const app = (await answer.json()) as App;
  assert.equal(answer.status, 201, JSON.stringify(app));
  assert.deepEqual([app.instances, app.cpus, app.mem], [2, 0.25, 256], "texts and `memory` are taken as meant");
  const warning = answer.headers.get("warning") ?? "";
  for (const field of ["instances", "cpus", "mem"])
    assert.ok(warning.includes(field), `the Warning header tells of ${field}: ${warning}`);
  assert.equal(app.deployments?.length, 1);
  return app;
}

const untilRunning = (app: string, count: number) =>
  until(async () => (await running(app)) === count, {
    withinMs: 40_000,
    everyMs: 100,
    what: `${count} running instances of ${app}`,
  });

async function remove(app: string): Promise<void> {
  assert.equal((await fetch(`${cluster.http}/v2/apps/${app}`, { method: "DELETE" })).status, 200);
  await until(async () => (await fetch(`${cluster.http}/v2/apps/${app}`)).status === 404, {
    withinMs: 40_000,
    everyMs: 100,
    what: `the end of ${app}`,
  });
}

async function addAgent(id: string, port: number, attributes: string): Promise<void> {
  const before = await openAgents(cluster.http);
  const flags = [
    `--nats-url=${cluster.server.url}`,
    `--agent-id=${id}`,
    `--hostname=${id}`,
    `--work-dir=${join(cluster.folder, id)}`,
    ...agentFlags(port, attributes),
  ];
  const agent = serviceProcess("agent", `agent-${id}`, flags, cluster.folder);
  agent.start();
  later.push(agent);
  await until(async () => (await openAgents(cluster.http)) > before, {
    withinMs: 20_000,
    everyMs: 100,
    what: `agent ${id}`,
  });
}

test("simple-app runs its two containers, and both are heard in the logs", {
  skip,
  timeout: 120_000,
}, async () => {
  assert.equal((await submit("simple-app")).id, "/ubuntu");
  await untilRunning("ubuntu", 2);
  const nats = await connectNats({ url: cluster.server.url }, { name: "seed apps test" });
  const client = createClient(nats, { from: "test" });
  const request = {
    app: "/ubuntu",
    instance: null,
    streams: ["stdout" as const, "stderr" as const],
    tail: null,
    follow: false,
  };
  await until(
    async () => {
      const heard = new Set<string>();
      for await (const chunk of readLogs(client, nats, request)) if (/date/.test(chunk.text)) heard.add(chunk.instance);
      return heard.size === 2;
    },
    { withinMs: 30_000, everyMs: 500, what: "what date says to the published arguments, from both" },
  );
  await nats.connection.close();
  await remove("ubuntu");
});

test("redis-app runs twice", { skip, timeout: 120_000 }, async () => {
  assert.equal((await submit("redis-app")).id, "/redis");
  await untilRunning("redis", 2);
  const again = await post(file("corrected", "redis-app"));
  assert.equal(again.status, 409, "an id that is taken");
  await remove("redis");
});

test("nginx-bridge-port-app serves HTTP on the host ports it was given", { skip, timeout: 120_000 }, async () => {
  await submit("nginx-bridge-port-app");
  await untilRunning("nginx", 2);
  const { tasks } = (await (await fetch(`${cluster.http}/v2/apps/nginx/tasks`)).json()) as {
    tasks: { ports: number[] }[];
  };
  const ports = tasks.flatMap((task) => task.ports);
  assert.equal(new Set(ports).size, 2);
  for (const port of ports) {
    const text = await until(
      () =>
        fetch(`http://127.0.0.1:${port}/`)
          .then((answer) => answer.text())
          .catch(() => null),
      { what: `an answer on port ${port}` },
    );
    assert.equal(text, "served by nginx\n");
  }
  await remove("nginx");
});

test("redis-bridge-app waits for an agent on rack-2, says so, and runs when one joins", {
  skip,
  timeout: 120_000,
}, async () => {
  await submit("redis-bridge-app");
  const waiting = await until(async () => ((await why("/redis")).waiting ? await why("/redis") : null), {
    what: "a reason to wait",
  });
  assert.equal(waiting.status, "waiting");
  assert.match(waiting.summary, /rack/);
  assert.equal(waiting.waiting?.refusals[0]?.check, "constraints");
  await addAgent("d2", 36_100, "rack:rack-2");
  await untilRunning("redis", 2);
  await remove("redis");
});

test("redis-unique-app runs one instance per host and waits for a second host, and says so", {
  skip,
  timeout: 120_000,
}, async () => {
  await later[0]?.terminate();
  await fetch(`${cluster.http}/v1/agents/d2`, { method: "POST", body: JSON.stringify({ goal: "remove" }) });
  await submit("redis-unique-app");
  await untilRunning("redis", 1);
  const waiting = await until(async () => ((await why("/redis")).waiting ? await why("/redis") : null), {
    what: "a reason to wait",
  });
  assert.match(waiting.summary, /UNIQUE/);
  await addAgent("d3", 36_200, "rack:rack-3");
  await untilRunning("redis", 2);
  await remove("redis");
  for (const agent of ["d1", "d2", "d3"])
    await until(async () => (await containersWith(`muster.agent=${agent}`)).length === 0, {
      what: `the last container of ${agent}`,
    });
});

for (const name of ["simple-app", "redis-app", "redis-bridge-app", "redis-unique-app", "nginx-bridge-port-app"]) {
  const text = file("as-published", name);
  if (text === file("corrected", name)) continue;
  test(`${name} as published lacks a comma and is answered 400 with the line, the column and what was expected`, {
    skip,
  }, async () => {
    const answer = await post(text);
    const body = (await answer.json()) as { message: string };
    assert.equal(answer.status, 400);
    const line = text.split("\n").findIndex((each) => /^\s*"id"/.test(each));
    assert.match(JSON.stringify(body), new RegExp(`line ${line + 2}, column \\d+`));
    assert.match(JSON.stringify(body), /[Ee]xpected .*,/);
  });
}
