/**
 * The API at the size of a busy cluster: apps created by clients side by side, one app asked for among a thousand, and the list of
 * all apps with all their tasks, beside which other requests are answered. Apps are created twice, for services that have just
 * started run slower: the first ones are removed again.
 */
import { Agent } from "node:http";
import { monotonicMs } from "@muster/runtime";
import { until } from "@muster/testkit";
import { type BenchCluster, startBenchCluster } from "./bench-cluster.ts";
import { type Answer, askHttp, expectStatus, smallApp } from "./http.ts";
import { cpuFigures, cpuSince, isCorrect, natsOf } from "./place.ts";
import { type Bench, figure, percentile, type Say } from "./result.ts";

const AGENTS = 100;
const APPS = 1_000;
const TASKS_PER_APP = 10;
const CLIENTS = 16;
const GETS = 3_000;
const LISTS = 9;
const SETTLE_MS = 120_000;
/** How often the gateway is asked for a word while a list is made: the longest wait between two answers is its stall. */
const BEAT_EVERY_MS = 2;

type App = {
  readonly id: string;
  readonly instances: number;
  readonly tasksRunning: number;
  readonly tasks?: readonly object[];
};

export const rest: Bench = async (given, say) => {
  const agents = given.agents ?? AGENTS;
  const apps = given.instances ?? APPS;
  const gets = given.samples ?? GETS;
  const processes = given.processes ?? 4;
  const cluster = await startBenchCluster({ agents, workers: 1, processes, facts: "running" }, say);
  const asking = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const ask = (method: string, path: string, body?: object) => askHttp(cluster.http, asking, method, path, body);
  const idsIn = (group: string) => Array.from({ length: apps }, (_, i) => `/${group}/a${i}`);
  const create = async (ids: readonly string[]): Promise<number> => {
    const before = cluster.cpu();
    const seconds = await timed(() =>
      sideBySide(ids, async (id) => expectStatus(await ask("POST", "/v2/apps", smallApp(id)), 201)),
    );
    const spent = cpuSince(cluster, before);
    say([...spent].map(([name, seconds]) => `${name} ${seconds.toFixed(2)} s`).join(", "));
    say(`${apps} apps created by ${CLIENTS} clients in ${seconds.toFixed(2)} s`);
    await untilRunning(cluster, ask, apps, 1);
    return seconds;
  };
  const ids = idsIn("rest");
  try {
    const first = idsIn("first");
    const firstSeconds = await create(first);
    await sideBySide(first, async (id) => expectStatus(await ask("DELETE", `/v2/apps${id}`), 200));
    await untilRunning(cluster, ask, 0, 0);
    const before = cluster.cpu();
    const createSeconds = await create(ids);
    await sideBySide(ids, async (id) => {
      expectStatus(await ask("PUT", `/v2/apps${id}?force=true`, { instances: TASKS_PER_APP }), 200);
    });
    await untilRunning(cluster, ask, apps, TASKS_PER_APP);
    say(`${apps * TASKS_PER_APP} tasks run`);
    const waits: number[] = [];
    for (let i = 0; i < gets; i += 1) {
      const id = ids[(i * 7919) % apps] as string;
      const startedAtMs = monotonicMs();
      expectStatus(await ask("GET", `/v2/apps${id}`), 200);
      waits.push(monotonicMs() - startedAtMs);
    }
    const lists: number[] = [];
    const stalls: number[] = [];
    let bytes = 0;
    for (let i = 0; i < LISTS; i += 1) {
      const beat = beating(cluster.http);
      const startedAtMs = monotonicMs();
      const answer = await ask("GET", "/v2/apps?embed=apps.tasks");
      lists.push(monotonicMs() - startedAtMs);
      stalls.push(await beat.stop());
      bytes = answer.text.length;
    }
    const used = cpuSince(cluster, before);
    say(
      `lists: ${lists.map((ms) => ms.toFixed(0)).join(", ")} ms; stalls: ${stalls.map((ms) => ms.toFixed(0)).join(", ")} ms`,
    );
    const isListed = await allListed(ask, ids, say);
    return {
      parameters: { agents, apps, tasks: apps * TASKS_PER_APP, clients: CLIENTS, gets, processes, list_bytes: bytes },
      figures: {
        create_seconds: figure(createSeconds, "s"),
        first_create_seconds: figure(firstSeconds, "s"),
        get_p50_ms: figure(percentile(waits, 0.5), "ms"),
        get_p99_ms: figure(percentile(waits, 0.99), "ms"),
        list_ms: figure(percentile(lists, 0.5), "ms"),
        list_max_ms: figure(Math.max(...lists), "ms"),
        list_stall_ms: figure(Math.max(...stalls), "ms"),
        ...cpuFigures(used),
      },
      correct: isListed && (await isCorrect(cluster, say)),
      nats: natsOf(cluster),
    };
  } finally {
    asking.destroy();
    await cluster.stop();
  }
};

type Ask = (method: string, path: string, body?: object) => Promise<Answer>;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = monotonicMs();
  await work();
  return (monotonicMs() - startedAtMs) / 1_000;
}

async function sideBySide<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      for (const item of left) await work(item);
    }),
  );
}

async function untilRunning(cluster: BenchCluster, ask: Ask, apps: number, each: number): Promise<void> {
  let seen = 0;
  await until(
    async () => {
      const { instances } = JSON.parse((await ask("GET", "/v1/cluster")).text) as { instances: { running: number } };
      const running = JSON.parse((await ask("GET", "/v2/deployments")).text) as object[];
      seen = instances.running;
      return seen === apps * each && running.length === 0;
    },
    { withinMs: SETTLE_MS, everyMs: 500, what: () => `${apps * each} running tasks on ${cluster.url} (${seen})` },
  );
}

/** Every app is in the list, with as many running tasks as it should have. */
async function allListed(ask: Ask, ids: readonly string[], say: Say): Promise<boolean> {
  const { apps } = JSON.parse((await ask("GET", "/v2/apps?embed=apps.tasks")).text) as { apps: App[] };
  const wrong = apps.filter((app) => app.tasksRunning !== TASKS_PER_APP || app.tasks?.length !== TASKS_PER_APP);
  const isAll = apps.map(({ id }) => id).join() === ids.toSorted().join();
  if (wrong.length > 0)
    say(`${wrong.length} apps are listed with other tasks than they have, ${wrong[0]?.id} among them`);
  if (!isAll) say(`${apps.length} apps are listed, ${ids.length} were created`);
  return isAll && wrong.length === 0;
}

/** Asks for a word again and again, on a connection of its own; answers the longest it had to wait for one. */
function beating(http: string): { stop(): Promise<number> } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let isOver = false;
  let longestMs = 0;
  const run = (async () => {
    while (!isOver) {
      const startedAtMs = monotonicMs();
      await askHttp(http, agent, "GET", "/livez");
      longestMs = Math.max(longestMs, monotonicMs() - startedAtMs);
      await new Promise((resolve) => setTimeout(resolve, BEAT_EVERY_MS));
    }
  })();
  return {
    async stop() {
      isOver = true;
      await run;
      agent.destroy();
      return longestMs;
    },
  };
}
