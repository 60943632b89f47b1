/** A Docker engine for tests, where one answers, and an image made of busybox, since there may be no registry. */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultSocket, dockerEngine } from "../host/docker/engine.ts";

export const IMAGE = "muster-test-busybox:1";
const BUSYBOX = ["/bin/busybox", "/usr/bin/busybox"];
const COMMANDS = [
  "sh",
  "sleep",
  "echo",
  "cat",
  "env",
  "id",
  "httpd",
  "hostname",
  "true",
  "false",
  "nc",
  "seq",
  "test",
  "touch",
  "kill",
];

/** Why tests with containers cannot run here, or false. */
export async function whyNoEngine(): Promise<string | false> {
  const { usable, reason } = await dockerEngine(defaultSocket()).usable();
  if (!usable) return reason;
  if (spawnSync("docker", ["image", "inspect", IMAGE]).status === 0) return false;
  const busybox = BUSYBOX.find((path) => existsSync(path) && spawnSync("ldd", [path]).status !== 0);
  if (busybox === undefined) return "there is no static busybox to make an image of";
  const root = mkdtempSync(join(tmpdir(), "muster-image-"));
  try {
    for (const folder of ["bin", "tmp", "www"]) mkdirSync(join(root, folder));
    copyFileSync(busybox, join(root, "bin/busybox"));
    for (const name of COMMANDS) symlinkSync("busybox", join(root, "bin", name));
    const tar = execFileSync("tar", ["-C", root, "-c", "."], { maxBuffer: 64 * 1024 * 1024 });
    execFileSync("docker", ["import", "--change", 'CMD ["/bin/sh","-c","echo the image itself"]', "-", IMAGE], {
      input: tar,
    });
    return false;
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** A way to the engine that can be cut: requests pass, and what comes back can be lost. */
export async function shakyEngine(socketPath: string) {
  const pairs = new Set<[Socket, Socket]>();
  let loses: RegExp | null = null;
  let refuses: RegExp | null = null;
  let refused = 0;
  const server = createServer((client) => {
    const engine = connect(defaultSocket());
    const pair: [Socket, Socket] = [client, engine];
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      engine.destroy();
    };
    for (const socket of pair) socket.on("error", end).on("close", end);
    client.on("data", (bytes) => {
      if (refuses?.test(bytes.toString("latin1"))) {
        refused += 1;
        return end();
      }
      engine.write(bytes);
      if (loses?.test(bytes.toString("latin1"))) {
        loses = null;
        engine.removeAllListeners("data");
        // Late enough that a short task is over by then.
        engine.once("data", () => setTimeout(end, 500));
      } else if (engine.listenerCount("data") === 0) engine.on("data", (answer) => client.write(answer));
    });
  });
  const listen = (): Promise<void> => new Promise((resolve) => server.listen(socketPath, resolve));
  await listen();
  return {
    listen,
    /** Nobody answers any more, as when the engine has ended. */
    cut(): Promise<void> {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
    /** Requests that match reach nobody, until null is said; answers how many did not. */
    refuse(request: RegExp | null): () => number {
      [refuses, refused] = [request, 0];
      return () => refused;
    },
    /** The next request that matches is obeyed, its answer lost. */
    loseAnswerTo(request: RegExp): void {
      loses = request;
    },
  };
}
