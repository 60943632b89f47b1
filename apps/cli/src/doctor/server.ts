/** The nats-server: reachable, new enough, JetStream on, and its acknowledgements worth something. */
import type { Nats } from "@muster/runtime";
import { type Check, ok, warn } from "./check.ts";

const PROBE_MS = 800;
const MONITORING_PORT = 8222;

export async function checkServer({ connection }: Nats): Promise<Check> {
  const roundTripMs = await connection.rtt();
  const version = connection.info?.version ?? "unknown";
  return ok("nats-server", `${version} at ${connection.getServer()}, answers in ${roundTripMs} ms`);
}

export async function checkJetStream({ jsm }: Nats): Promise<Check> {
  const account = await jsm.getAccountInfo();
  const level = (account.api as { level?: number }).level;
  return ok(
    "jetstream",
    `on, API level ${level ?? "unknown"}, ${account.streams} streams, ${account.consumers} consumers`,
  );
}

/** An acknowledgement before the disk has it is lost with the machine's power, up to two minutes of them. */
export async function checkSync({ connection }: Nats): Promise<Check> {
  const config = await monitoredConfig(connection.getServer(), connection.info?.server_id ?? "");
  if (config === null)
    return ok("disk sync", "unknown: the server's monitoring port is not reachable from here", {
      advice: 'look for "sync_interval: always" in its jetstream block',
    });
  if (config.sync_always === true) return ok("disk sync", "every write is on disk before it is acknowledged");
  return warn(
    "disk sync",
    `every ${Math.round((config.sync_interval ?? 0) / 1e9)} s: a power loss takes what was acknowledged since`,
    {
      advice: 'put "sync_interval: always" into the jetstream block of its configuration and restart it',
    },
  );
}

type JetStreamConfig = { readonly sync_always?: boolean; readonly sync_interval?: number };

/** `/varz` of this very server; another one at that port says nothing about ours. */
async function monitoredConfig(server: string, serverId: string): Promise<JetStreamConfig | null> {
  const host = server.replace(/:\d+$/, "");
  const port = process.env.MUSTER_NATS_MONITORING_PORT ?? MONITORING_PORT;
  try {
    const answer = await fetch(`http://${host}:${port}/varz`, { signal: AbortSignal.timeout(PROBE_MS) });
    const varz = (await answer.json()) as { server_id?: string; jetstream?: { config?: JetStreamConfig } };
    return varz.server_id === serverId ? (varz.jetstream?.config ?? null) : null;
  } catch {
    return null;
  }
}
