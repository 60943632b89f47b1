/** A nats-server on a configuration of ours, with its store and addresses moved to where a test may have them. */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, natsServerBinary, until } from "@muster/testkit";

type Varz = {
  readonly max_payload: number;
  readonly jetstream: { readonly config: { readonly sync_always?: boolean } };
};

export type NatsOnConfig = {
  /** Where its monitoring answers. */
  readonly monitoring: string;
  /** What it says about itself. */
  readonly varz: Varz;
  stop(): Promise<void>;
};

/** The texts to replace must stand in `config`, so that this never starts something else than what the file says. */
export async function startNatsOn(
  config: string,
  { store, listen, http }: { store: string; listen: string; http: string },
): Promise<NatsOnConfig> {
  const folder = await mkdtemp(join(tmpdir(), "muster-nats-conf-"));
  const addresses = { client: `127.0.0.1:${await freePort()}`, monitoring: `127.0.0.1:${await freePort()}` };
  const replacements = [
    [store, folder],
    [listen, addresses.client],
    [http, addresses.monitoring],
  ] as const;
  const moved = replacements.reduce((text, [from, to]) => {
    if (text.split(`"${from}"`).length !== 2) throw new Error(`"${from}" does not stand once in:\n${config}`);
    return text.replace(`"${from}"`, `"${to}"`);
  }, config);
  const file = join(folder, "nats.conf");
  await writeFile(file, moved);
  const child = spawn(natsServerBinary(), ["--config", file], { stdio: ["ignore", "ignore", "pipe"] });
  const said: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const monitoring = `http://${addresses.monitoring}`;
  try {
    const varz = await until(async () => (await (await fetch(`${monitoring}/varz`)).json()) as Varz, {
      withinMs: 15_000,
      what: () => `nats-server, which said: ${said.join("").slice(-1_000)}`,
    });
    return { monitoring, varz, stop };
  } catch (cause) {
    await stop();
    throw cause;
  }
}
