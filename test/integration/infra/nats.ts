/** A nats-server on a configuration file of ours, with its store and ports moved to where a test may have them. */
import { spawn } from "node:child_process";
import { natsServerBinary } from "@muster/testkit";

export type NatsInfo = {
  readonly max_payload: number;
  readonly jetstream: { readonly config: { readonly sync_always?: boolean } };
};

export type NatsOnFile = {
  /** What it says about itself; null while it does not answer. */
  info(): Promise<NatsInfo | null>;
  stop(): Promise<void>;
};

export function startNatsWith(
  config: string,
  { store, ports }: { store: string; ports: { client: number; monitoring: number } },
): NatsOnFile {
  const moved = ["-a", "127.0.0.1", "-p", `${ports.client}`, "-m", `${ports.monitoring}`, "-sd", store];
  const child = spawn(natsServerBinary(), ["--config", config, ...moved], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  return {
    async info() {
      if (child.exitCode !== null) throw new Error(`nats-server refuses ${config}: ${said.slice(-500)}`);
      const answer = await fetch(`http://127.0.0.1:${ports.monitoring}/varz`).catch(() => null);
      return answer === null ? null : ((await answer.json()) as NatsInfo);
    },
    async stop() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
