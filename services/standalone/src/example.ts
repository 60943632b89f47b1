/** The first app: submitted when the cluster has none, then shown until it is healthy. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Change, type Client, followDeployment } from "@muster/client";
import { MusterError } from "@muster/contracts";
import { type Nats, pause, type Telemetry } from "@muster/runtime";
import { type Screen, showDeployment } from "@muster/terminal";
import { harmless, type Shown, showPresent } from "./present.ts";
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

export async function showExample(
  client: Client,
  nats: Nats,
  telemetry: Telemetry,
  config: StandaloneConfig,
  screen: Screen,
  signal: AbortSignal,
): Promise<Shown[]> {
  const apps = await client.apps();
  if (apps.length > 0) return await showPresent(client, nats, screen, apps, { signal });
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
  const change = await createUnlessThere(client, text, span.traceparent);
  span.end();
  if (change === null) return await showPresent(client, nats, screen, await client.apps(), { signal });
  const { app, deployment, traceId } = change;
  const last =
    deployment === null
      ? null
      : await harmless(() => showDeployment(followDeployment(client, nats, app, deployment, { signal }), screen));
  return [{ app, traceId, isRunning: last?.deployment?.state === "succeeded" }];
}

/** Null: somebody was faster, for the API is open by now. */
async function createUnlessThere(client: Client, text: string, traceparent: string): Promise<Change | null> {
  try {
    return await client.createApp(text, { traceparent });
  } catch (cause) {
    if (cause instanceof MusterError && ["app.exists", "app.locked", "app.deleting"].includes(cause.code)) return null;
    throw cause;
  }
}

/** Where the first app answers: one port of each instance. */
export async function portsOf(client: Client, [first]: readonly Shown[]): Promise<number[]> {
  if (first === undefined) return [];
  const instances = await harmless(() => client.instances({ app: first.app }));
  return (instances ?? []).flatMap(({ ports }) => ports.slice(0, 1));
}
