/** One container that was started or found. */

import { setTimeout as pause } from "node:timers/promises";
import type Docker from "dockerode";
import { ENGINE_LIST_MS, ENGINE_TIMEOUT_MS } from "../../limits.ts";
import type { Ending, Order, Running } from "../runtime.ts";
import { closeFiles, openSandbox } from "../sandbox.ts";
import { endingOf } from "../shim.ts";
import { type Engine, engineError } from "./engine.ts";
import { execInside } from "./exec.ts";
import { containerOutput, saveOutput } from "./output.ts";
import { type ContainerWatch, hasExited, type Watching } from "./watch.ts";

export type Tools = { readonly engine: Engine; readonly watch: ContainerWatch };

const GONE: Ending = {
  exitCode: null,
  signal: null,
  reason: "container-gone",
  message: "its container was removed by somebody else",
};

/** @param watching what the watch said before the engine was asked for `info`, where it was asked just now */
export function adoptContainer(
  { engine, watch }: Tools,
  order: Order,
  info: Docker.ContainerInspectInfo,
  watching: Watching | null = null,
): Running {
  const { Id: id } = info;
  let over = false;
  let killAtMs = Number.POSITIVE_INFINITY;

  const ended = (async (): Promise<Ending> => {
    const last = await watch.ended(id, hasExited(info.State) ? null : watching);
    over = true;
    if (last === null) return GONE;
    await keepOutput(engine, id, order);
    return endingOfContainer(last.State);
  })();

  const send = async (signal: string): Promise<void> => {
    try {
      await (await engine.calls()).getContainer(id).kill({ signal });
    } catch {
      // Ended already, or the engine is away: the loop below asks again until its end was seen.
    }
  };

  const killLoop = async (): Promise<void> => {
    await send("SIGTERM");
    while (!over) {
      const leftMs = killAtMs - performance.now();
      if (leftMs > 0) {
        await pause(Math.min(leftMs, 100), undefined, { ref: false });
        continue;
      }
      await send("SIGKILL");
      await pause(ENGINE_LIST_MS, undefined, { ref: false });
    }
  };

  return {
    handle: { type: "docker", container: id, pid: info.State.Pid === 0 ? null : info.State.Pid },
    ended,
    kill(graceMs) {
      const first = killAtMs === Number.POSITIVE_INFINITY;
      killAtMs = Math.min(killAtMs, performance.now() + graceMs);
      if (first) void killLoop();
    },
    exec: (command, timeoutMs) => execInside(engine, id, command, timeoutMs),
    addressOf: (port) => addressOf(order, info, port),
    output: (stream, options) => outputOf(engine, id, stream, options),
  };
}

async function* outputOf(
  engine: Engine,
  id: string,
  ...rest: Parameters<NonNullable<Running["output"]>>
): AsyncGenerator<Buffer> {
  yield* containerOutput((await engine.streams()).getContainer(id), ...rest);
}

/** What it said is wanted after the container is gone; what cannot be had in time is lost, the end is reported anyway. */
async function keepOutput(engine: Engine, id: string, order: Order): Promise<void> {
  try {
    await closeFiles(await openSandbox(order.sandbox, null));
    await saveOutput((await engine.streams()).getContainer(id), order.sandbox, AbortSignal.timeout(ENGINE_TIMEOUT_MS));
  } catch (cause) {
    if (engineError(cause).status === 404) return;
  }
}

function endingOfContainer(state: Docker.ContainerInspectInfo["State"]): Ending {
  if (state.OOMKilled)
    return {
      ...endingOf(state.ExitCode),
      reason: "out-of-memory",
      message: "ended by the kernel: it used more memory than it may",
    };
  const ending = endingOf(state.ExitCode);
  return state.Error === "" ? ending : { ...ending, message: `${ending.message}: ${state.Error}` };
}

/** Host ports are reached on loopback; a port that only the container has, at the container's own address. */
function addressOf(order: Order, info: Docker.ContainerInspectInfo, port: number): string | null {
  switch (order.run.network) {
    case "host":
      return "127.0.0.1";
    case "bridge": {
      if (order.run.portMaps.some((map) => map.hostPort === port)) return "127.0.0.1";
      const own = Object.values(info.NetworkSettings.Networks)[0]?.IPAddress ?? "";
      return own === "" ? null : own;
    }
    case "none":
      return null;
  }
}
