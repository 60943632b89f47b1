/**
 * Apps of one instance a second: offered at a rising rate until the 99th percentile from submit to placed passes a second.
 * Once through HTTP, over clients that keep their connections, and once published on the submit subject.
 */
import { Agent } from "node:http";
import { bucketStream, keySubject, keys, STATE_BUCKET, subjects } from "@muster/contracts";
import { monotonicMs, StreamTail } from "@muster/runtime";
import { until } from "@muster/testkit";
import { type BenchCluster, startBenchCluster } from "./bench-cluster.ts";
import { askHttp, expectStatus, smallApp } from "./http.ts";
import { cpuFigures, cpuSince, isCorrect, natsOf } from "./place.ts";
import { type Bench, figure, percentile, type Say } from "./result.ts";

const AGENTS = 100;
/** Apps in all, on each path. */
const APPS = 40_000;
const CLIENTS = 128;
const RATE_FIRST = 400;
const RATE_FACTOR = 1.4;
const STEP_SECONDS = 3;
const P99_MAX_MS = 1_000;
/** After so long what is missing is missing. */
const DRAIN_MS = 60_000;

type Submit = (app: string) => Promise<void>;
/** `hops`: medians up to when the app, its wish and its placement were stored. */
type Step = { readonly rate: number; readonly p50Ms: number; readonly p99Ms: number; readonly hops: readonly number[] };
/** When each document was first stored, by subject. */
type Stored = ReadonlyMap<string, number>;
const HOPS = ["app", "wanted", "placed"] as const;

export const submitRate: Bench = async (given, say) => {
  const agents = given.agents ?? AGENTS;
  const apps = given.instances ?? APPS;
  const processes = given.processes ?? 1;
  const cluster = await startBenchCluster({ agents, workers: given.workers ?? 1, processes, facts: "none" }, say);
  try {
    const before = cluster.cpu();
    const http = await rise(cluster, "http", apps, throughHttp(cluster.http), say);
    const published = await rise(
      cluster,
      "published",
      apps,
      async (app) => {
        await cluster.nats.js.publish(subjects.submitApp, JSON.stringify(smallApp(app)));
      },
      say,
    );
    const used = cpuSince(cluster, before);
    return {
      parameters: { agents, apps, processes, clients: CLIENTS, step_seconds: STEP_SECONDS },
      figures: {
        rate: figure(Math.max(http.rate, published.rate), "apps/s"),
        rate_http: figure(http.rate, "apps/s"),
        rate_published: figure(published.rate, "apps/s"),
        http_p99_ms: figure(http.p99Ms, "ms"),
        published_p99_ms: figure(published.p99Ms, "ms"),
        ...cpuFigures(used),
      },
      correct: await isCorrect(cluster, say),
      nats: natsOf(cluster),
    };
  } finally {
    await cluster.stop();
  }
};

/** Raises the rate step by step; answers the last step that kept below the bound. */
async function rise(cluster: BenchCluster, path: string, budget: number, submit: Submit, say: Say): Promise<Step> {
  const storedAt = new Map<string, number>();
  const tail = new StreamTail(cluster.nats, {
    stream: bucketStream(STATE_BUCKET),
    filters: HOPS.map((kind) => keySubject(STATE_BUCKET, `${kind}.>`)),
    from: { type: "new" },
    onMessage: ({ subject }) => {
      if (!storedAt.has(subject)) storedAt.set(subject, monotonicMs());
    },
    onCaughtUp: () => undefined,
  });
  await tail.start();
  let best: Step = { rate: 0, p50Ms: Number.NaN, p99Ms: Number.NaN, hops: [] };
  try {
    let left = budget;
    // The first step is for code to become warm.
    for (let n = 0; left > 0; n += 1) {
      const offered = RATE_FIRST * RATE_FACTOR ** Math.max(0, n - 1);
      const count = Math.min(left, Math.round(offered * STEP_SECONDS));
      left -= count;
      const names = Array.from({ length: count }, (_, i) => `/${path}-${n}-${i}`);
      const step = await offer(names, offered, submit, storedAt);
      say(
        `${path}: ${Math.round(offered)}/s offered, ${step.rate.toFixed(0)}/s placed, p50 ${step.p50Ms.toFixed(0)} ms, p99 ${step.p99Ms.toFixed(0)} ms (median to ${HOPS.map((kind, i) => `${kind} ${step.hops[i]?.toFixed(0)}`).join(", ")})`,
      );
      if (step.p99Ms > P99_MAX_MS && n > 0) return best;
      if (step.p99Ms <= P99_MAX_MS) best = step;
    }
    return best;
  } finally {
    await tail.stop();
  }
}

/** Submits at an even rate. A submit that is due counts from when it was due, whether or not somebody was free to send it. */
async function offer(names: readonly string[], rate: number, submit: Submit, storedAt: Stored): Promise<Step> {
  const startedAtMs = monotonicMs();
  const dueAtMs = (i: number) => startedAtMs + (i * 1_000) / rate;
  const running: Promise<void>[] = [];
  for (let next = 0; next < names.length; ) {
    for (; next < names.length && dueAtMs(next) <= monotonicMs(); next += 1)
      running.push(submit(names[next] as string));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await Promise.all(running);
  const missing = () => names.filter((name) => !storedAt.has(keySubject(STATE_BUCKET, keys.placed(name))));
  await until(() => missing().length === 0, {
    withinMs: DRAIN_MS,
    everyMs: 20,
    what: () => `${missing().length} apps, ${missing()[0]} among them,`,
  });
  const hops = HOPS.map((kind) =>
    names.map((name, i) => (storedAt.get(keySubject(STATE_BUCKET, keys[kind](name))) ?? Number.NaN) - dueAtMs(i)),
  );
  const waits = hops.at(-1) as number[];
  const seconds = Math.max(...waits.map((wait, i) => wait + dueAtMs(i) - startedAtMs)) / 1_000;
  return {
    rate: names.length / seconds,
    p50Ms: percentile(waits, 0.5),
    p99Ms: percentile(waits, 0.99),
    hops: hops.map((each) => percentile(each, 0.5)),
  };
}

function throughHttp(http: string): Submit {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  return async (app) => expectStatus(await askHttp(http, agent, "POST", "/v2/apps", smallApp(app)), 201);
}
