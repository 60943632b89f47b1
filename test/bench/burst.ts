/**
 * Many launches at once on one host: how near the agent comes to what the machine can launch at all. Our rate counts from
 * the submit to the news that the last one runs; the bound is a plain Node process that launches the same, just before and
 * just after.
 */
import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { appToken } from "@muster/contracts";
import { connectNats, monotonicMs, type Nats } from "@muster/runtime";
import { until } from "@muster/testkit";
import { containersFromNow, makeImage, removeImage, whyNoDocker } from "../support/images.ts";
import { isAlive, root, standaloneFolder } from "../support/standalone.ts";
import { type Bench, type Figure, figure, type Say } from "./result.ts";

const run = promisify(execFile);
const PROCESSES = 2_000;
const CONTAINERS = 100;
/** The agent's own widths, so that the bare loop has no other. */
const WIDTH = { processes: 2, containers: 8 } as const;
const IMAGE = "muster-bench-burst:1";
const LAUNCH_WITHIN_MS = 120_000;

type Kind = keyof typeof WIDTH;
type Cluster = Awaited<ReturnType<Awaited<ReturnType<typeof standaloneFolder>>["start"]>>;

export const burst: Bench = async (options, say) => {
  const counts = { processes: options.processes ?? PROCESSES, containers: options.containers ?? CONTAINERS };
  const noDocker = counts.containers > 0 ? whyNoDocker() : null;
  if (noDocker !== null) {
    say(`NOT MEASURED: containers, because ${noDocker}`);
    counts.containers = 0;
  }
  const folder = await standaloneFolder();
  try {
    const cluster = await folder.start(["--example=none", "--resources=cpus:64;mem:64000"]);
    await cluster.untilReady();
    const nats = await connectNats({ url: cluster.nats }, { name: "bench burst" });
    const version = nats.connection.info?.version ?? "unknown";
    const figures: Record<string, Figure> = {};
    let correct = true;
    for (const kind of ["processes", "containers"] as const) {
      if (counts[kind] === 0) continue;
      const { share, rate, bareRate, isRight } = await measure(nats, cluster, kind, counts[kind], say);
      const name = kind === "processes" ? "process" : "container";
      figures[`${name}_share`] = figure(share, "share");
      figures[`${name}_rate`] = figure(rate, "launches/s");
      figures[`bare_${name}_rate`] = figure(bareRate, "launches/s");
      correct &&= isRight;
    }
    await nats.connection.close();
    return { parameters: counts, figures, correct, nats: { version, sync_interval: "always", replicas: 1 } };
  } finally {
    await folder.clean();
    if (counts.containers > 0) await removeImage(IMAGE);
  }
};

async function measure(nats: Nats, cluster: Cluster, kind: Kind, count: number, say: Say) {
  if (kind === "containers") await makeImage(IMAGE, { cmd: ["sh"] });
  const before = await bare(kind, count);
  say(`bare ${kind}: ${before.toFixed(1)}/s`);
  const { rate, isRight } = await ours(nats, cluster, kind, count, say);
  say(`${kind}: ${rate.toFixed(1)}/s`);
  const after = await bare(kind, count);
  say(`bare ${kind}: ${after.toFixed(1)}/s`);
  const bareRate = (before + after) / 2;
  return { share: rate / bareRate, rate, bareRate, isRight };
}

/** Each task tells that it started, once, in a file that neither NATS nor the agent has a say in. */
const taskLine = (oracle: string, kind: Kind): string =>
  kind === "containers" ? "exec sleep 600" : `echo $MUSTER_INSTANCE >>${oracle}; exec sleep 600`;

async function bare(kind: Kind, count: number): Promise<number> {
  const oracle = join(tmpdir(), `muster-burst-bare-${process.pid}`);
  const script = join(root, "test/bench/bare.ts");
  try {
    const { stdout } = await run(process.execPath, [
      script,
      kind,
      String(count),
      String(WIDTH[kind]),
      taskLine(oracle, kind),
      IMAGE,
    ]);
    return (count / Number(stdout)) * 1_000;
  } finally {
    await rm(oracle, { force: true });
  }
}

/** For whoever launches the same containers another way. */
export async function containersOfBurst(nats: Nats, cluster: Cluster, count: number, say: Say) {
  await makeImage(IMAGE, { cmd: ["sh"] });
  return ours(nats, cluster, "containers", count, say).finally(() => removeImage(IMAGE));
}

async function ours(nats: Nats, cluster: Cluster, kind: Kind, count: number, say: Say) {
  const id = `/burst-${kind}`;
  const oracle = join(tmpdir(), `muster-burst-${process.pid}`);
  const pids = new Map<string, number>();
  let lastAt = 0;
  const containersWith = kind === "containers" ? await containersFromNow() : null;
  const subscription = nats.connection.subscribe(`muster.events.task.${appToken(id)}.*.*.running`, {
    callback: (_error, message) => {
      const { instance, pid } = message.json<{ data: { instance: string; pid: number } }>().data;
      pids.set(instance, pid);
      lastAt = monotonicMs();
    },
  });
  await nats.connection.flush();
  const container =
    kind === "containers" ? { container: { type: "DOCKER", docker: { image: IMAGE, network: "HOST" } } } : {};
  const app = {
    id,
    cmd: taskLine(oracle, kind),
    instances: count,
    cpus: 0.001,
    mem: 1,
    portDefinitions: [],
    ...container,
  };
  try {
    const startedAt = monotonicMs();
    const answer = await fetch(`${cluster.http}/v2/apps`, { method: "POST", body: JSON.stringify(app) });
    await until(() => pids.size === count, {
      everyMs: 5,
      withinMs: LAUNCH_WITHIN_MS,
      what: () => `${pids.size} of ${count} to run`,
    });
    const rate = (count / (lastAt - startedAt)) * 1_000;
    const faults = [
      ...(answer.status === 201 ? [] : [`the submit was answered ${answer.status}`]),
      ...([...pids.values()].every(isAlive) ? [] : ["not every task that was told to run lives"]),
      ...(containersWith === null ? await oracleFaults(oracle, pids) : await containerFaults(containersWith, count)),
    ];
    for (const fault of faults) say(`wrong: ${fault}`);
    await fetch(`${cluster.http}/v2/apps${id}`, { method: "DELETE" });
    await until(async () => (await fetch(`${cluster.http}/v2/apps${id}`)).status === 404, {
      withinMs: LAUNCH_WITHIN_MS,
      what: `the end of ${id}`,
    });
    if ([...pids.values()].some(isAlive)) faults.push("a task lives on after its app is gone");
    return { rate, isRight: faults.length === 0 };
  } finally {
    subscription.unsubscribe();
    await rm(oracle, { force: true });
  }
}

/** Each instance that was told to run has written its name exactly once, and nobody else has. */
async function oracleFaults(oracle: string, pids: ReadonlyMap<string, number>): Promise<string[]> {
  const read = async () => (await readFile(oracle, "utf8")).split("\n").slice(0, -1);
  await until(async () => (await read()).length >= pids.size, { withinMs: 10_000, what: "every task to write" });
  const lines = await read();
  const names = new Set(lines);
  return [
    ...(lines.length === names.size ? [] : [`${lines.length - names.size} starts more than instances`]),
    ...(names.size === pids.size && [...names].every((name) => pids.has(name))
      ? []
      : ["others started than were told"]),
  ];
}

async function containerFaults(containersWith: (label: string) => Promise<string[]>, count: number): Promise<string[]> {
  const there = (await containersWith("muster.instance")).length;
  return there === count ? [] : [`${there} containers stand where ${count} should`];
}
