import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { until } from "@muster/testkit";
import { type StandaloneFolder, standaloneFolder } from "../support/standalone.ts";

/**
 * Takes its time: nobody listens for 1.5 s, and for as long again it answers 503. Asked to end it serves on for a second, in
 * which a load balancer hears of it, and then finishes what it has begun.
 */
const SERVER = `
const startedMs = Date.now();
const isWarm = () => Date.now() - startedMs > 3000;
const server = require("node:http").createServer((request, response) => {
  if (!isWarm()) return response.writeHead(503, { "content-type": "text/plain" }).end("warming up");
  setTimeout(() => response.end(process.env.MARATHON_APP_VERSION), 30);
});
setTimeout(() => server.listen(process.env.PORT0, "127.0.0.1"), 1500);
process.on("SIGTERM", () => setTimeout(() => server.close(() => process.exit()), 1000));
`;
const READINESS = {
  name: "warm",
  portName: "http",
  path: "/ready",
  intervalSeconds: 0.3,
  timeoutSeconds: 0.2,
  preserveLastResponse: true,
};
const app = (id: string, more: object) => ({
  id,
  args: [process.execPath, "-e", SERVER],
  instances: 2,
  cpus: 0.1,
  mem: 64,
  portDefinitions: [{ port: 0, name: "http" }],
  taskKillGracePeriodSeconds: 5,
  ...more,
});

type Instance = { id: string; state: string; ready: boolean | null; ports: number[] };
type Result = { taskId: string; ready: boolean; lastResponse?: object };
type Deployment = { id: string; currentActions: { readinessCheckResults: Result[] }[] };

let folder: StandaloneFolder;
let url: string;
before(async () => {
  folder = await standaloneFolder();
  const cluster = await folder.start();
  await cluster.untilReady();
  url = cluster.http;
});
after(() => folder.clean());

const ask = async <R>(path: string): Promise<R> => (await (await fetch(`${url}${path}`)).json()) as R;
const deployments = () => ask<Deployment[]>("/v2/deployments");
const untilDone = () =>
  until(async () => (await deployments()).length === 0, {
    withinMs: 60_000,
    everyMs: 100,
    what: "the deployment's end",
  });

async function put(id: string, fields: object): Promise<void> {
  const reply = await fetch(`${url}/v2/apps${id}`, { method: "PUT", body: JSON.stringify(fields) });
  assert.ok(reply.ok, await reply.text());
}

const get = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, agent: false, timeout: 2_000 }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("error", reject);
      response.on("end", () =>
        response.statusCode === 200 ? resolve(body) : reject(new Error(`${response.statusCode} ${body}`)),
      );
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer")));
    sent.on("error", reject);
    sent.end();
  });

/** A load balancer that asks the API ten times a second whom it may send to, and clients that send it a request every 10 ms. */
class Load {
  readonly answers = new Map<string, number>();
  readonly lost: string[] = [];
  #ports: number[] = [];
  #turn = 0;
  readonly #open = new Set<Promise<void>>();
  readonly #timers: NodeJS.Timeout[] = [];

  async start(id: string): Promise<void> {
    const look = async () => {
      const { instances } = await ask<{ instances: Instance[] }>(`/v1/instances?app=${id}`);
      const fit = instances.filter(({ state, ready }) => state === "running" && ready !== false);
      this.#ports = fit.map(({ ports }) => ports[0] as number);
    };
    await look();
    this.#timers.push(
      setInterval(() => void look(), 100),
      setInterval(() => this.#send(), 10),
    );
  }

  get answered(): number {
    return [...this.answers.values()].reduce((sum, count) => sum + count, 0);
  }

  #send(): void {
    const port = this.#ports[this.#turn++ % this.#ports.length];
    const sent: Promise<void> = (port === undefined ? Promise.reject(new Error("nobody to ask")) : get(port))
      .then((version) => void this.answers.set(version, (this.answers.get(version) ?? 0) + 1))
      .catch((cause: Error) => void this.lost.push(`${port}: ${cause.message}`))
      .finally(() => this.#open.delete(sent));
    this.#open.add(sent);
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#open);
  }
}

/** Starts the app, and upgrades it under a load. `meanwhile` is called while the upgrade goes on. */
async function upgradeUnderLoad(id: string, more: object, meanwhile: () => Promise<void>): Promise<Load> {
  await put(id, app(id, more));
  await untilDone();
  const { instances } = await ask<{ instances: Instance[] }>(`/v1/instances?app=${id}`);
  for (const { ports } of instances)
    await until(
      () =>
        get(ports[0] as number).then(
          () => true,
          () => false,
        ),
      { withinMs: 10_000, what: "a warm instance" },
    );
  const load = new Load();
  try {
    await load.start(id);
    await put(id, { env: { LEVEL: "2" } });
    await meanwhile();
    await untilDone();
    // The new ones alone carry it for a while.
    const soFar = load.answered;
    await until(() => load.answered > soFar + 100, { withinMs: 10_000, what: "more answers" });
  } finally {
    await load.stop();
  }
  return load;
}

test("a rolling upgrade of two instances under a steady load loses no request where the app has a readiness check", {
  timeout: 150_000,
}, async () => {
  const load = await upgradeUnderLoad("/steady", { readinessChecks: [READINESS] }, async () => {
    await until(
      async () => {
        const [deployment] = await deployments();
        const results = deployment?.currentActions[0]?.readinessCheckResults ?? [];
        return results.some(
          ({ ready, lastResponse }) =>
            !ready &&
            JSON.stringify(lastResponse) ===
              JSON.stringify({ status: 503, contentType: "text/plain", body: "warming up" }),
        );
      },
      { withinMs: 20_000, everyMs: 50, what: "an instance that is told not to be ready, with its answer" },
    );
    assert.match(
      (await ask<{ summary: string }>("/v1/why?app=/steady")).summary,
      /not ready yet; steady\.\d+\.\d+ on .*: HTTP \/ready on port/,
    );
  });
  assert.deepEqual(load.lost, []);
  assert.equal(load.answers.size, 2);
  for (const count of load.answers.values()) assert.ok(count > 50, `${count} answers`);
  const { app } = await ask<{ app: { readinessCheckResults: Result[] } }>("/v2/apps/steady?embed=app.readiness");
  assert.deepEqual(
    app.readinessCheckResults.map(({ ready }) => ready),
    [true, true],
  );
});

test("the same upgrade loses requests where the app has none", { timeout: 150_000 }, async () => {
  const load = await upgradeUnderLoad("/hasty", {}, async () => {});
  assert.ok(load.lost.length > 0);
});
