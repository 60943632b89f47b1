/** Tasks as containers: named after their instance, found again by labels, removed when their end is written down. */
import { chown, mkdir } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { Log } from "@muster/runtime/log";
import type Docker from "dockerode";
import type { Handle } from "../../journal/entries.ts";
import { ENGINE_LIST_MS } from "../../limits.ts";
import { type Found, LaunchError, type Order, type Reason, type Running, type TaskRuntime } from "../runtime.ts";
import { sharedFolder } from "../sandbox.ts";
import { containerName, containerOptions, LABEL, type Mine } from "./container.ts";
import { dockerEngine, type Engine, engineError } from "./engine.ts";
import { images } from "./images.ts";
import { adoptContainer, type Tools } from "./running.ts";
import { containerWatch, hasExited } from "./watch.ts";

export type DockerOptions = Mine & {
  readonly socketPath: string;
  readonly pullTimeoutMs: number;
  readonly log: Log;
  /** Called when the engine has an image more. */
  readonly onPulled?: () => void;
};

/** `images`: names of those that need no pull; null when the engine does not say. */
export type DockerRuntime = TaskRuntime & { images(): Promise<readonly string[] | null> };

export function dockerRuntime(options: DockerOptions): DockerRuntime {
  const engine = dockerEngine(options.socketPath);
  const tools: Tools = { engine, watch: containerWatch(engine, options.owner) };
  const pulled = images(engine, options.pullTimeoutMs, options.onPulled ?? (() => {}));

  return {
    name: "docker",
    usable: () => engine.usable(),
    images: () => pulled.present(),
    async launch(order, signal, mayStart) {
      const create = containerOptions(order, options);
      await order.step("prepare", () => pulled.ensure(order, signal));
      await makeShared(order);
      await mayStart;
      signal.throwIfAborted();
      return order.step("container start", async () => {
        const container = await createOnce(engine, create, order).catch(async (cause: unknown) => {
          if (!(cause instanceof LaunchError && cause.reason === "image-not-found")) throw cause;
          pulled.forget(order);
          await pulled.ensure(order, signal);
          return createOnce(engine, create, order);
        });
        await startOnce(engine, container);
        const watching = tools.watch.listening();
        return adoptContainer(tools, order, await settled(() => container.inspect()), watching);
      });
    },
    async adopt(order, handle) {
      try {
        return await find(tools, order, handle, options.owner);
      } catch (cause) {
        options.log.warn(
          { instance: order.instance, error: engineError(cause).message },
          "the engine does not say what became of a container",
        );
        return { type: "unknown" };
      }
    },
    async list() {
      if (!(await engine.usable()).usable) return null;
      try {
        const found = await (await engine.calls()).listContainers({
          all: true,
          filters: { label: [`${LABEL.owner}=${options.owner}`] },
        });
        return found.map((each) => ({
          instance: each.Labels[LABEL.instance] ?? "",
          live: each.State !== "exited" && each.State !== "dead",
        }));
      } catch {
        return null;
      }
    },
    async discard(instance) {
      try {
        await (await engine.calls())
          .getContainer(containerName(instance, options.owner))
          .remove({ v: true, force: true });
      } catch (cause) {
        const { status, message } = engineError(cause);
        // Gone already, or being removed. Anything else is tried again when ended containers are swept.
        if (status !== 404 && status !== 409)
          options.log.warn({ instance, error: message }, "a container was not removed");
      }
    },
    close: async () => tools.watch.close(),
  };
}

/** The engine would make a missing folder itself, and own it. A user told by number is one of this machine too. */
async function makeShared({ sandbox, run }: Order): Promise<void> {
  const folder = sharedFolder(sandbox);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const [, uid, gid] = /^(\d+)(?::(\d+))?$/.exec(run.user ?? "") ?? [];
  if (uid !== undefined && process.getuid?.() === 0) await chown(folder, Number(uid), Number(gid ?? uid));
}

/** Creates the container; when the call's outcome is unknown or the name is taken, what stands under the name decides. */
async function createOnce(
  engine: Engine,
  create: Docker.ContainerCreateOptions & { name: string },
  order: Order,
): Promise<Docker.Container> {
  const docker = await engine.calls();
  try {
    // Told apart by hand: the client would repeat the whole document, with its environment, in the request's address.
    const { name, ...body } = create;
    const told = { _query: { name }, _body: body } as Docker.ContainerCreateOptions;
    return docker.getContainer((await docker.createContainer(told)).id);
  } catch (cause) {
    const { status, message } = engineError(cause);
    if (status !== null && status !== 409)
      throw new LaunchError(
        status === 404 ? "image-not-found" : "container-failed",
        `the engine cannot create its container: ${message}`,
      );
    const there = await settled(() => inspectOrNull(docker, create.name));
    if (there === null)
      throw new LaunchError("container-failed", `the engine did not create its container: ${message}`);
    if (there.Config.Labels[LABEL.instance] !== order.instance)
      throw new LaunchError("container-failed", `another container is named ${create.name}`);
    return docker.getContainer(there.Id);
  }
}

const START_TRIES = 3;

async function startOnce(engine: Engine, container: Docker.Container): Promise<void> {
  let why = "";
  for (let attempt = 0; attempt < START_TRIES; attempt += 1) {
    try {
      await container.start();
      return;
    } catch (cause) {
      const { status, message } = engineError(cause);
      if (status === 304) return;
      why = message;
      if (status !== null) break;
      // No answer. It is asked again only when the engine says that it never ran: looking waits for a start under way.
      const there = await settled(async () => inspectOrNull(await engine.calls(), container.id));
      if (there !== null && there.State.Status !== "created") return;
      if (there === null) break;
    }
  }
  await container.remove({ force: true, v: true }).catch(() => {});
  throw new LaunchError(startReason(why), `the engine cannot start its container: ${why}`);
}

function startReason(message: string): Reason {
  if (/executable file not found|no such file or directory/i.test(message)) return "command-not-found";
  if (/permission denied/i.test(message)) return "command-not-executable";
  return "container-failed";
}

/** Asks until the engine answers: guessing would start a task twice or report a living one as failed. */
async function settled<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch {
      await pause(ENGINE_LIST_MS / 2, undefined, { ref: false });
    }
  }
}

async function inspectOrNull(docker: Docker, name: string): Promise<Docker.ContainerInspectInfo | null> {
  try {
    return await docker.getContainer(name).inspect();
  } catch (cause) {
    if (engineError(cause).status === 404) return null;
    throw cause;
  }
}

async function find(tools: Tools, order: Order, handle: Handle | null, owner: string): Promise<Found> {
  if (handle !== null && handle.type !== "docker") return { type: "nothing", why: "it was not started as a container" };
  const docker = await tools.engine.calls();
  const info = await inspectOrNull(docker, handle?.container ?? containerName(order.instance, owner));
  if (info === null || info.Config.Labels[LABEL.instance] !== order.instance)
    return { type: "nothing", why: "no container of it is there" };
  if (info.State.Status === "created") return { type: "nothing", why: "its container was made and never started" };
  const running: Running = adoptContainer(tools, order, info);
  return hasExited(info.State) ? { type: "ended", ending: await running.ended } : { type: "live", running };
}
