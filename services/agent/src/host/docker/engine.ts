/** The connection to a Docker engine: loaded when one is there, asked again as engines come and go. */
import { existsSync } from "node:fs";
import type Docker from "dockerode";
import { ENGINE_PING_MS, ENGINE_TIMEOUT_MS } from "../../limits.ts";
import type { Usable } from "../runtime.ts";

export type Engine = {
  usable(): Promise<Usable>;
  /** For calls with an answer: they end after a while, then what they did is unknown. */
  calls(): Promise<Docker>;
  /** For streams that stay open. */
  streams(): Promise<Docker>;
};

/** What went wrong with a call: whether the engine answered at all, and with which status. */
export type EngineError = { readonly status: number | null; readonly message: string };
export function engineError(cause: unknown): EngineError {
  const { statusCode, message, json } = cause as { statusCode?: number; message?: string; json?: { message?: string } };
  return { status: statusCode ?? null, message: json?.message ?? message ?? String(cause) };
}

/** Loading the client costs tens of megabytes, so nothing is loaded where there is no socket. */
export function dockerEngine(socketPath: string): Engine {
  let loaded: Promise<{ calls: Docker; streams: Docker; pings: Docker }> | null = null;
  const load = () => {
    loaded ??= import("dockerode").then(({ default: Client }) => ({
      calls: new Client({ socketPath, timeout: ENGINE_TIMEOUT_MS }),
      streams: new Client({ socketPath }),
      pings: new Client({ socketPath, timeout: ENGINE_PING_MS }),
    }));
    return loaded;
  };
  return {
    async usable() {
      if (!existsSync(socketPath)) return { usable: false, reason: `there is no socket at ${socketPath}` };
      try {
        await (await load()).pings.ping();
        return { usable: true, reason: `an engine answers at ${socketPath}` };
      } catch (cause) {
        return { usable: false, reason: `the engine at ${socketPath} does not answer: ${engineError(cause).message}` };
      }
    },
    calls: async () => (await load()).calls,
    streams: async () => (await load()).streams,
  };
}

/** The socket of `DOCKER_HOST` when it names one, else the usual place. */
export const defaultSocket = (env: Readonly<Record<string, string | undefined>> = process.env): string => {
  const host = env.DOCKER_HOST ?? "";
  return host.startsWith("unix://") ? host.slice("unix://".length) : "/var/run/docker.sock";
};
