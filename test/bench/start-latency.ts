/**
 * From submitting one instance on an idle cluster to hearing that it runs, less what starting it costs without anybody:
 * a process beside a bare spawn, and, where a Docker engine answers, a container beside a bare create and start.
 */
import { spawn } from "node:child_process";
import { appToken } from "@muster/contracts";
import { connectNats, monotonicMs, type Nats } from "@muster/runtime";
import { until } from "@muster/testkit";
import { makeImage, removeImage, whyNoDocker } from "../support/images.ts";
import { isAlive, standaloneFolder } from "../support/standalone.ts";
import { launchContainers } from "./bare.ts";
import { type Bench, type Figure, figure, percentile, type Say } from "./result.ts";

export const START_IMAGE = "muster-bench-start:1";
/** The first process of a container is ended by no signal that it does not expect. */
export const START_LINE = { process: "exec sleep 600", container: "trap 'exit 0' TERM; sleep 600 & wait" } as const;
const SAMPLES = 50;
const WARM_UP = 5;

type Kind = keyof typeof START_LINE;

export const startLatency: Bench = async ({ samples }, say) => {
  const count = samples ?? SAMPLES;
  const noDocker = whyNoDocker();
  if (noDocker === null) await makeImage(START_IMAGE, { cmd: ["sh"] });
  else say(`NOT MEASURED: containers, because ${noDocker}`);
  const folder = await standaloneFolder();
  try {
    const cluster = await folder.start(["--example=none"]);
    await cluster.untilReady();
    const nats = await connectNats({ url: cluster.nats }, { name: "bench start-latency" });
    const version = nats.connection.info?.version ?? "unknown";
    const process = await measure("process", nats, cluster.http, count, say);
    const container = noDocker === null ? await measure("container", nats, cluster.http, count, say) : null;
    await nats.connection.close();
    return {
      parameters: { samples: count, command: START_LINE.process },
      figures: { ...process.figures, ...container?.figures },
      correct: process.isRight && (container?.isRight ?? true),
      nats: { version, sync_interval: "always", replicas: 1 },
    };
  } finally {
    await folder.clean();
    if (noDocker === null) await removeImage(START_IMAGE);
  }
};

async function measure(
  kind: Kind,
  nats: Nats,
  http: string,
  count: number,
  say: Say,
): Promise<{ figures: Record<string, Figure>; isRight: boolean }> {
  const [bare, muster]: [number[], number[]] = [[], []];
  let isRight = true;
  for (let i = 0; i < count + WARM_UP; i += 1) {
    // In turn, so that a slow moment of the machine falls on both.
    const alone = kind === "process" ? await bareSpawn() : await bareContainer();
    const submitted = await submitToRunning(nats, http, kind, i);
    isRight &&= submitted.isRight;
    if (i < WARM_UP) continue;
    bare.push(alone);
    muster.push(submitted.ms);
    if ((i + 1) % 10 === 0)
      say(
        `${kind} ${i + 1 - WARM_UP}/${count}: median ${percentile(muster, 0.5).toFixed(1)} ms, bare ${percentile(bare, 0.5).toFixed(1)} ms`,
      );
  }
  const over = (share: number) => figure(percentile(muster, share) - percentile(bare, 0.5), "ms");
  return {
    figures: {
      [`${kind}_over_bare_p50_ms`]: over(0.5),
      [`${kind}_over_bare_p99_ms`]: over(0.99),
      [`${kind}_p50_ms`]: figure(percentile(muster, 0.5), "ms"),
      [kind === "process" ? "bare_p50_ms" : "bare_container_p50_ms"]: figure(percentile(bare, 0.5), "ms"),
    },
    isRight,
  };
}

/** The same command, started as an agent starts it but by nobody: until the kernel has taken it. */
function bareSpawn(): Promise<number> {
  const startedAt = monotonicMs();
  return new Promise((resolve, reject) => {
    const child = spawn("/bin/sh", ["-c", START_LINE.process], { stdio: "ignore", detached: true });
    child.once("error", reject);
    child.once("spawn", () => {
      const ms = monotonicMs() - startedAt;
      child.kill("SIGKILL");
      resolve(ms);
    });
  });
}

/** The same container through the same API: until the engine says that it was started. */
async function bareContainer(): Promise<number> {
  const { ms, end } = await launchContainers(1, 1, START_IMAGE, START_LINE.container);
  await end();
  return ms;
}

export async function submitToRunning(
  nats: Nats,
  http: string,
  kind: Kind,
  i: number,
): Promise<{ ms: number; isRight: boolean }> {
  const id = `/bench-${kind}-${i}`;
  let pid = 0;
  let heardAt = 0;
  const subscription = nats.connection.subscribe(`muster.events.task.${appToken(id)}.*.*.running`, {
    callback: (_error, message) => {
      heardAt = monotonicMs();
      pid = message.json<{ data: { pid: number } }>().data.pid;
    },
  });
  await nats.connection.flush();
  const container =
    kind === "container" ? { type: "DOCKER", docker: { image: START_IMAGE, network: "HOST" } } : undefined;
  const app = { id, cmd: START_LINE[kind], cpus: 0.1, mem: 16, container };
  const startedAt = monotonicMs();
  const answer = await fetch(`${http}/v2/apps`, { method: "POST", body: JSON.stringify(app) });
  await until(() => heardAt > 0, { everyMs: 1, withinMs: 20_000, what: `${id} to run` });
  subscription.unsubscribe();
  const isRight = answer.status === 201 && isAlive(pid);
  await fetch(`${http}/v2/apps${id}`, { method: "DELETE" });
  await until(async () => (await fetch(`${http}/v2/apps${id}`)).status === 404, {
    withinMs: 20_000,
    what: `the end of ${id}`,
  });
  return { ms: heardAt - startedAt, isRight };
}
