/** The first app: submitted when the cluster has none, then shown until it is healthy. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Client, followDeployment } from "@muster/client";
import { MusterError } from "@muster/contracts";
import { type Nats, pause, type Telemetry } from "@muster/runtime";
import { type Screen, showDeployment } from "@muster/terminal";
import { root, type StandaloneConfig } from "./settings.ts";

const AGENT_WITHIN_MS = 15_000;

/** The incarnations agents had before this start: an open gate says nothing about an agent that only used to live. */
export async function incarnationsNow(client: Client): Promise<ReadonlyMap<string, number>> {
  return new Map((await client.agents()).map((agent) => [agent.id, agent.incarnation]));
}

/** Waits until each named agent has registered anew and may take instances. False when that took too long. */
export async function untilAgentsAreOpen(
  client: Client,
  names: readonly string[],
  before: ReadonlyMap<string, number>,
): Promise<boolean> {
  const deadline = performance.now() + AGENT_WITHIN_MS;
  while (performance.now() < deadline) {
    const agents = await client.agents().catch(() => []);
    const open = agents.filter((agent) => agent.gate.open && agent.incarnation > (before.get(agent.id) ?? 0));
    if (names.every((name) => open.some((agent) => agent.id === name))) return true;
    await pause(50);
  }
  return false;
}

export type Shown = { readonly app: string; readonly traceId: string | null; readonly isRunning: boolean };

export async function showExample(
  client: Client,
  nats: Nats,
  telemetry: Telemetry,
  config: StandaloneConfig,
  screen: Screen,
  signal: AbortSignal,
): Promise<Shown[]> {
  const apps = await client.apps();
  if (apps.length > 0) return await showPresent(client, nats, screen, signal, apps);
  if (config.example === "none" || config.example === "") return [];
  const file = resolve(root, config.example);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new MusterError("document.empty", `the example ${file} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
  const span = telemetry.start("cli", `run ${config.example}`, { parent: null });
  const change = await client.createApp(text, { traceparent: span.traceparent });
  span.end();
  const last =
    change.deployment === null
      ? null
      : await showDeployment(followDeployment(client, nats, change.app, change.deployment, { signal }), screen);
  return [{ app: change.app, traceId: change.traceId, isRunning: last?.deployment?.state === "succeeded" }];
}

/** A cluster that was there before: its apps come back, adopted where they still ran. */
async function showPresent(
  client: Client,
  nats: Nats,
  screen: Screen,
  signal: AbortSignal,
  apps: readonly { id: string; deployments?: readonly { id: string }[] | undefined }[],
): Promise<Shown[]> {
  const shown: Shown[] = [];
  for (const app of apps) {
    const running = app.deployments?.[0]?.id;
    if (running !== undefined)
      await showDeployment(followDeployment(client, nats, app.id, running, { signal }), screen);
    const why = await untilAnswered(client, app.id, signal);
    screen.print(why);
    shown.push({ app: app.id, traceId: null, isRunning: true });
  }
  return shown;
}

async function untilAnswered(client: Client, app: string, signal: AbortSignal): Promise<string> {
  let summary = "";
  for (
    const deadline = performance.now() + AGENT_WITHIN_MS;
    performance.now() < deadline && !signal.aborted;
    await pause(100)
  ) {
    const why = await client.why({ app });
    summary = why.summary;
    if (why.status === "running" || why.status === "stopped") break;
  }
  return summary;
}
