/** Hears of containers that end: by the engine's events when they come, by comparing the list when they do not. */

import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { ENGINE_LIST_MS } from "../../limits.ts";
import { LABEL } from "./container.ts";
import { type Engine, engineError } from "./engine.ts";

/** The stream of events that was open at a moment; none is null. */
export type Watching = { readonly stream: Readable };

export type ContainerWatch = {
  /**
   * Resolves with the last state of a container that has ended, or null when it was removed by somebody else.
   * @param livedSince it was seen to live after this was asked: it is not looked at while the same stream tells of ends
   */
  ended(id: string, livedSince?: Watching | null): Promise<Docker.ContainerInspectInfo | null>;
  /** What is listened to now. */
  listening(): Watching | null;
  close(): void;
};

/** A container that exists and is neither running nor about to. */
export const hasExited = (state: Docker.ContainerInspectInfo["State"]): boolean =>
  !state.Running && !state.Restarting && state.Status !== "created";

export function containerWatch(engine: Engine, owner: string): ContainerWatch {
  const waiting = new Map<string, ((info: Docker.ContainerInspectInfo | null) => void)[]>();
  const filters = { label: [`${LABEL.owner}=${owner}`] };
  let timer: NodeJS.Timeout | null = null;
  let events: Readable | null = null;
  let listening: Promise<void> | null = null;
  let closed = false;
  /** Ends that were heard since the last comparison, and before it: somebody may be about to wait for one of them. */
  let heard: [Set<string>, Set<string>] = [new Set(), new Set()];

  const settle = async (id: string): Promise<void> => {
    let info: Docker.ContainerInspectInfo | null = null;
    try {
      info = await (await engine.calls()).getContainer(id).inspect();
      if (!hasExited(info.State)) return;
    } catch (cause) {
      if (engineError(cause).status !== 404) return;
    }
    for (const done of waiting.get(id) ?? []) done(info);
    waiting.delete(id);
  };

  /** One stream of events at a time; it may end with the engine and is opened again by the next comparison. */
  const listen = (): Promise<void> => {
    if (events !== null || listening !== null) return listening ?? Promise.resolve();
    listening = open().finally(() => {
      listening = null;
    });
    return listening;
  };

  const open = async (): Promise<void> => {
    const docker = await engine.streams();
    const wanted = {
      ...filters,
      type: ["container"],
      event: ["die", "destroy"],
    } satisfies Docker.GetEventsOptions["filters"];
    const stream = (await docker.getEvents({ filters: wanted })) as unknown as Readable;
    if (closed) stream.destroy();
    events = stream;
    const over = () => {
      if (events === stream) events = null;
    };
    stream.once("close", over).once("error", over);
    let text = "";
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        const id = eventContainer(line);
        if (id === null) continue;
        heard[0].add(id);
        if (waiting.has(id)) void settle(id);
      }
    });
  };

  const compare = async (): Promise<void> => {
    heard = [new Set(), heard[0]];
    await listen();
    const all = await (await engine.calls()).listContainers({ all: true, filters });
    const alive = new Set(
      all.filter((each) => ["running", "paused", "restarting"].includes(each.State)).map((each) => each.Id),
    );
    for (const id of waiting.keys()) if (!alive.has(id)) void settle(id);
  };

  /** An engine that does not answer says nothing about containers: they are asked for again. */
  const tick = async (): Promise<void> => {
    timer = null;
    await compare().catch(() => {});
    if (waiting.size > 0 && !closed) timer ??= setTimeout(tick, ENGINE_LIST_MS).unref();
  };

  return {
    listening: () => (events === null ? null : { stream: events }),
    ended: (id, livedSince = null) =>
      new Promise((resolve) => {
        waiting.set(id, [...(waiting.get(id) ?? []), resolve]);
        if (events === null && timer === null) timer = setTimeout(tick, 0).unref();
        else {
          timer ??= setTimeout(tick, ENGINE_LIST_MS).unref();
          // It may have ended before anybody listened for it.
          const wasHeard = heard.some((ids) => ids.has(id));
          if (livedSince === null || livedSince.stream !== events || wasHeard) void settle(id);
        }
      }),
    close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      events?.destroy();
    },
  };
}

function eventContainer(line: string): string | null {
  try {
    const { id, Actor } = JSON.parse(line) as { id?: string; Actor?: { ID?: string } };
    return Actor?.ID ?? id ?? null;
  } catch {
    return null;
  }
}
