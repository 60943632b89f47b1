/**
 * What a plain Node process reaches that launches the same and does nothing else: the bound to compare with.
 * `node bare.ts processes|containers COUNT WIDTH ARGUMENT`: prints the milliseconds from the first launch to the last.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type Docker from "dockerode";

export type BareLaunches = {
  /** Milliseconds until the last one was started. */
  readonly ms: number;
  end(): Promise<void>;
};

/** The host's part of what the agent asks for; labels and names make no difference. */
export const containerOf = (
  image: string,
  line: string,
  env: readonly string[] = [],
): Docker.ContainerCreateOptions => ({
  Image: image,
  Entrypoint: ["/bin/sh", "-c"],
  Cmd: [line],
  Env: [...env],
  HostConfig: {
    NetworkMode: "host",
    CpuShares: 2,
    Memory: 32 * 1024 * 1024,
    MemorySwap: 32 * 1024 * 1024,
    RestartPolicy: { Name: "no" },
    SecurityOpt: ["no-new-privileges"],
    LogConfig: { Type: "json-file", Config: {} },
  },
});

/** Runs `launch` for each number below `count`, `width` at a time. */
async function all(count: number, width: number, launch: (i: number) => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < count) {
        next += 1;
        await launch(next - 1);
      }
    }),
  );
  return performance.now() - startedAt;
}

export async function launchProcesses(count: number, width: number, line: string): Promise<BareLaunches> {
  const pids: number[] = [];
  const ms = await all(count, width, async (i) => {
    const env = { PATH: process.env.PATH, MUSTER_INSTANCE: `bare.${i}` };
    const child = spawn("/bin/sh", ["-c", line], { stdio: "ignore", detached: true, env });
    await once(child, "spawn");
    child.unref();
    pids.push(child.pid as number);
  });
  return {
    ms,
    async end() {
      for (const pid of pids) process.kill(-pid, "SIGKILL");
    },
  };
}

export async function launchContainers(
  count: number,
  width: number,
  image: string,
  line: string,
): Promise<BareLaunches> {
  // Loaded only here: the larger a process is, the longer the kernel takes to fork it.
  const { default: Client } = await import("dockerode");
  const docker = new Client();
  const containers: Docker.Container[] = [];
  const ms = await all(count, width, async (i) => {
    const container = await docker.createContainer(containerOf(image, line, [`MUSTER_INSTANCE=bare.${i}`]));
    await container.start();
    containers.push(container);
  });
  return {
    ms,
    end: async () =>
      void (await all(containers.length, width, (i) => (containers[i] as Docker.Container).remove({ force: true }))),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [what, count, width, line = "", image = ""] = process.argv.slice(2);
  const [n, w] = [Number(count), Number(width)];
  const launched = what === "containers" ? launchContainers(n, w, image, line) : launchProcesses(n, w, line);
  const { ms, end } = await launched;
  process.stdout.write(`${ms}\n`);
  await end();
}
