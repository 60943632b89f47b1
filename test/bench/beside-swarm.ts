/**
 * The same containers through Docker Swarm, on the same engine and in the same run: one at a time, and many at once. Both are
 * asked over their own API, for the host's network and no restarts; both count until they say themselves that it runs.
 */

import { connectNats, monotonicMs, pause } from "@muster/runtime";
import type Docker from "dockerode";
import { makeImage, removeImage, whyNoDocker } from "../support/images.ts";
import { standaloneFolder } from "../support/standalone.ts";
import { containersOfBurst } from "./burst.ts";
import { type Bench, figure, percentile } from "./result.ts";
import { START_IMAGE, START_LINE, submitToRunning } from "./start-latency.ts";

const SAMPLES = 20;
const WARM_UP = 2;
const CONTAINERS = 100;
/** What the containers of `burst` do. */
const BURST_LINE = "exec sleep 600";
const RUNNING_WITHIN_MS = 120_000;

export const besideSwarm: Bench = async ({ samples, containers }, say) => {
  const [count, many] = [samples ?? SAMPLES, containers ?? CONTAINERS];
  const parameters = { samples: count, containers: many };
  const noDocker = whyNoDocker();
  if (noDocker !== null) {
    say(`NOT MEASURED: ${noDocker}`);
    return { parameters, figures: {}, correct: true, nats: { version: "none", sync_interval: "always", replicas: 1 } };
  }
  await makeImage(START_IMAGE, { cmd: ["sh"] });
  const swarm = await openSwarm();
  const folder = await standaloneFolder();
  try {
    const cluster = await folder.start(["--example=none", "--resources=cpus:64;mem:64000"]);
    await cluster.untilReady();
    const nats = await connectNats({ url: cluster.nats }, { name: "bench beside-swarm" });
    const version = nats.connection.info?.version ?? "unknown";
    const [ours, theirs]: [number[], number[]] = [[], []];
    let isRight = true;
    for (let i = 0; i < count + WARM_UP; i += 1) {
      const submitted = await submitToRunning(nats, cluster.http, "container", i);
      isRight &&= submitted.isRight;
      const service = await swarm.run(1, START_LINE.container);
      if (i < WARM_UP) continue;
      ours.push(submitted.ms);
      theirs.push(service);
      if ((i + 1) % 5 === 0) say(startLine(i + 1 - WARM_UP, ours, theirs));
    }
    const before = await swarm.run(many, BURST_LINE);
    const burst = await containersOfBurst(nats, cluster, many, say);
    const after = await swarm.run(many, BURST_LINE);
    const swarmRate = many / ((before + after) / 2_000);
    say(`${many} at once: ${burst.rate.toFixed(1)}/s, swarm ${swarmRate.toFixed(1)}/s`);
    await nats.connection.close();
    return {
      parameters,
      figures: {
        start_p50_ms: figure(percentile(ours, 0.5), "ms"),
        start_p99_ms: figure(percentile(ours, 0.99), "ms"),
        swarm_start_p50_ms: figure(percentile(theirs, 0.5), "ms"),
        swarm_start_p99_ms: figure(percentile(theirs, 0.99), "ms"),
        rate: figure(burst.rate, "launches/s"),
        swarm_rate: figure(swarmRate, "launches/s"),
      },
      correct: isRight && burst.isRight,
      nats: { version, sync_interval: "always", replicas: 1 },
    };
  } finally {
    await folder.clean();
    await swarm.close();
    await removeImage(START_IMAGE);
  }
};

const startLine = (done: number, ours: readonly number[], theirs: readonly number[]): string =>
  `${done}: median ${percentile(ours, 0.5).toFixed(1)} ms, swarm ${percentile(theirs, 0.5).toFixed(1)} ms`;

type Swarm = {
  /** Milliseconds until so many replicas run; they are gone again afterwards. */
  run(replicas: number, line: string): Promise<number>;
  close(): Promise<void>;
};

/** @throws when the engine is part of a swarm: it is somebody's. */
async function openSwarm(): Promise<Swarm> {
  const { default: Client } = await import("dockerode");
  const docker: Docker = new Client();
  const { Swarm: standing } = (await docker.info()) as { Swarm?: { LocalNodeState?: string } };
  if (standing?.LocalNodeState !== "inactive")
    throw new Error("this Docker engine is part of a swarm, which is left alone: run this where it is not");
  await docker.swarmInit({ ListenAddr: "127.0.0.1:2377", AdvertiseAddr: "127.0.0.1" });
  let drawn = 0;

  const states = async (service: string): Promise<readonly string[]> => {
    const tasks = (await docker.listTasks({ filters: { service: [service] } })) as { Status: { State: string } }[];
    return tasks.map((task) => task.Status.State);
  };
  const gone = async (label: string, within: number): Promise<void> => {
    for (;;) {
      const left = await docker.listContainers({ all: true, filters: { label: [label] } });
      if (left.length === 0) return;
      if (monotonicMs() > within) throw new Error(`${left.length} containers of the swarm's service stay`);
      await pause(50);
    }
  };

  return {
    async run(replicas, line) {
      drawn += 1;
      const name = `muster-bench-${drawn}`;
      const startedAt = monotonicMs();
      const service = await docker.createService({
        Name: name,
        TaskTemplate: {
          ContainerSpec: { Image: START_IMAGE, Command: ["/bin/sh", "-c"], Args: [line], StopGracePeriod: 1_000_000 },
          Networks: [{ Target: "host" }],
          RestartPolicy: { Condition: "none" },
        },
        Mode: { Replicated: { Replicas: replicas } },
        EndpointSpec: { Mode: "dnsrr" },
      });
      const id = service.id as string;
      for (;;) {
        const now = await states(id);
        if (now.filter((state) => state === "running").length === replicas) break;
        const over = now.find((state) => ["failed", "rejected", "shutdown", "orphaned"].includes(state));
        if (over !== undefined || monotonicMs() - startedAt > RUNNING_WITHIN_MS)
          throw new Error(`the swarm's service does not run: ${over ?? "not in time"}`);
        await pause(replicas > 1 ? 20 : 2);
      }
      const ms = monotonicMs() - startedAt;
      await docker.getService(id).remove();
      await gone(`com.docker.swarm.service.name=${name}`, monotonicMs() + RUNNING_WITHIN_MS);
      return ms;
    },
    async close() {
      await docker.swarmLeave({ force: true });
    },
  };
}
