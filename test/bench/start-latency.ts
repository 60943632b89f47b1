/** From submitting one process instance on an idle cluster to hearing that it runs, less what a bare spawn of it costs. */
import { spawn } from "node:child_process";
import { appToken } from "@muster/contracts";
import { connectNats, monotonicMs, type Nats } from "@muster/runtime";
import { until } from "@muster/testkit";
import { isAlive, standaloneFolder } from "../support/standalone.ts";
import { type Bench, figure, percentile } from "./result.ts";

const COMMAND = "exec sleep 600";
const SAMPLES = 50;
const WARM_UP = 5;

export const startLatency: Bench = async ({ samples }, say) => {
  const count = samples ?? SAMPLES;
  const folder = await standaloneFolder();
  try {
    const cluster = await folder.start(["--example=none"]);
    await cluster.untilReady();
    const nats = await connectNats({ url: cluster.nats }, { name: "bench start-latency" });
    const version = nats.connection.info?.version ?? "unknown";
    const [bare, muster]: [number[], number[]] = [[], []];
    let correct = true;
    for (let i = 0; i < count + WARM_UP; i += 1) {
      // In turn, so that a slow moment of the machine falls on both.
      const alone = await bareSpawn();
      const { ms, isRight } = await submitToRunning(nats, cluster.http, i);
      correct &&= isRight;
      if (i < WARM_UP) continue;
      bare.push(alone);
      muster.push(ms);
      if ((i + 1) % 10 === 0)
        say(
          `${i + 1 - WARM_UP}/${count}: median ${percentile(muster, 0.5).toFixed(1)} ms, bare ${percentile(bare, 0.5).toFixed(1)} ms`,
        );
    }
    const over = (share: number) => figure(percentile(muster, share) - percentile(bare, 0.5), "ms");
    await nats.connection.close();
    return {
      parameters: { samples: count, command: COMMAND },
      figures: {
        process_over_bare_p50_ms: over(0.5),
        process_over_bare_p99_ms: over(0.99),
        process_p50_ms: figure(percentile(muster, 0.5), "ms"),
        bare_p50_ms: figure(percentile(bare, 0.5), "ms"),
      },
      correct,
      nats: { version, sync_interval: "always", replicas: 1 },
    };
  } finally {
    await folder.clean();
  }
};

/** The same command, started as an agent starts it but by nobody: until the kernel has taken it. */
function bareSpawn(): Promise<number> {
  const startedAt = monotonicMs();
  return new Promise((resolve, reject) => {
    const child = spawn("/bin/sh", ["-c", COMMAND], { stdio: "ignore", detached: true });
    child.once("error", reject);
    child.once("spawn", () => {
      const ms = monotonicMs() - startedAt;
      child.kill("SIGKILL");
      resolve(ms);
    });
  });
}

async function submitToRunning(nats: Nats, http: string, i: number): Promise<{ ms: number; isRight: boolean }> {
  const id = `/bench-${i}`;
  let pid = 0;
  let heardAt = 0;
  const subscription = nats.connection.subscribe(`muster.events.task.${appToken(id)}.*.*.running`, {
    callback: (_error, message) => {
      heardAt = monotonicMs();
      pid = message.json<{ data: { pid: number } }>().data.pid;
    },
  });
  await nats.connection.flush();
  const startedAt = monotonicMs();
  const answer = await fetch(`${http}/v2/apps`, {
    method: "POST",
    body: JSON.stringify({ id, cmd: COMMAND, cpus: 0.1, mem: 16 }),
  });
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
