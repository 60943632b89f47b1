/**
 * Who starts processes. Node forks the whole agent for each, and the kernel copies its tables of pages: a millisecond for
 * every fifty megabytes, while nothing else goes on here. One start is made here all the same. Many are handed to a small
 * process of our own that does nothing else, while it has tasks; we go on without it when it dies.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { HELPED_STARTS_MIN, HELPER_IDLE_MS } from "../limits.ts";
import { type Exit, type Spawned, type SpawnRequest, spawnTask, UNKNOWN_EXIT } from "./spawn.ts";

export type Starter = {
  /** @throws LostStart when nobody knows whether it was started; else it was not */
  start(request: SpawnRequest, mayStart: Promise<unknown> | undefined, signal: AbortSignal): Promise<Spawned>;
  /** The tasks go on without us. */
  close(): void;
};

export class LostStart extends Error {}

/** To the helper. */
export type HelperRequest = { readonly id: number; readonly request: SpawnRequest };
/** From the helper. */
export type HelperAnswer =
  | { readonly type: "ready" }
  | { readonly type: "started"; readonly id: number; readonly pid: number; readonly startTime: string }
  | { readonly type: "failed"; readonly id: number; readonly message: string }
  | { readonly type: "ended"; readonly id: number; readonly exit: Exit };

export function starter(): Starter {
  const children = new Set<ChildProcess>();
  let helper: Helper | null = null;
  let starting = 0;
  let closed = false;

  const here = async (...args: Parameters<typeof spawnTask>): Promise<Spawned> => {
    const { child, ...spawned } = await spawnTask(...args);
    children.add(child);
    void spawned.exited.then(() => children.delete(child));
    return spawned;
  };

  return {
    async start(request, mayStart, signal) {
      starting += 1;
      try {
        if (starting < HELPED_STARTS_MIN || closed) return await here(request, mayStart, signal);
        if (helper === null || helper.isOver) helper = openHelper();
        if (!helper.isReady) return await here(request, mayStart, signal);
        await mayStart;
        signal.throwIfAborted();
        return await helper.start(request);
      } finally {
        starting -= 1;
      }
    },
    close() {
      closed = true;
      helper?.close();
      // They must not keep this process from ending.
      for (const child of children) child.unref();
    },
  };
}

type Helper = {
  readonly isReady: boolean;
  readonly isOver: boolean;
  start(request: SpawnRequest): Promise<Spawned>;
  close(): void;
};

type Waiting = {
  readonly started: PromiseWithResolvers<Spawned>;
  readonly exited: PromiseWithResolvers<Exit>;
};

function openHelper(): Helper {
  const waiting = new Map<number, Waiting>();
  let drawn = 0;
  let isReady = false;
  let isOver = false;
  const child = fork(fileURLToPath(new URL("./helper.ts", import.meta.url)), [], {
    execArgv: ["--max-semi-space-size=1"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    // A group of its own: what the terminal tells us is none of its business.
    detached: true,
  });
  child.unref();
  child.channel?.unref();

  child.on("message", (answer: HelperAnswer) => {
    if (answer.type === "ready") {
      isReady = true;
      return;
    }
    const one = waiting.get(answer.id);
    switch (answer.type) {
      case "started":
        return one?.started.resolve({ pid: answer.pid, startTime: answer.startTime, exited: one.exited.promise });
      case "failed":
        one?.started.reject(new Error(answer.message));
        break;
      case "ended":
        one?.exited.resolve(answer.exit);
        break;
    }
    waiting.delete(answer.id);
    if (waiting.size === 0) idle.refresh();
  });
  const idle = setTimeout(() => {
    if (waiting.size === 0) close();
  }, HELPER_IDLE_MS).unref();
  const over = () => {
    if (isOver) return;
    isOver = true;
    clearTimeout(idle);
    for (const { started, exited } of waiting.values()) {
      started.reject(new LostStart("the process that was to start it has ended"));
      exited.resolve(UNKNOWN_EXIT);
    }
    waiting.clear();
  };
  child.once("error", over).once("disconnect", over).once("exit", over);
  const close = () => {
    waiting.clear();
    over();
    if (child.connected) child.disconnect();
  };

  return {
    get isReady() {
      return isReady && !isOver;
    },
    get isOver() {
      return isOver;
    },
    start(request) {
      drawn += 1;
      const one: Waiting = { started: Promise.withResolvers(), exited: Promise.withResolvers() };
      waiting.set(drawn, one);
      child.send({ id: drawn, request } satisfies HelperRequest, (error) => {
        if (error !== null) over();
      });
      return one.started.promise;
    },
    close,
  };
}
