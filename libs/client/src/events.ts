/** The public feed: from a sequence, a time or now on, of the whole cluster or one app, each event once and in order. */
import { type AppId, type CloudEvent, CloudEventSchema, STREAM, subjects } from "@muster/contracts";
import { type Nats, StreamTail, type TailFrom } from "@muster/runtime";

export type FeedEvent = { readonly sequence: number; readonly atMs: number; readonly event: CloudEvent };

export type EventsFrom =
  | { readonly type: "sequence"; readonly sequence: number }
  | { readonly type: "time"; readonly atMs: number }
  | { readonly type: "new" };

export type ReadEventsOptions = {
  readonly from: EventsFrom;
  readonly app?: AppId | null;
  /** Goes on after everything stored was told; otherwise ends there. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
};

export async function* readEvents(
  nats: Nats,
  { from, app = null, follow = false, signal }: ReadEventsOptions,
): AsyncGenerator<FeedEvent, void, undefined> {
  const start = await tailFrom(nats, from);
  if (start === null && !follow) return;
  const waiting: FeedEvent[] = [];
  let isOver = false;
  let wake = () => {};
  const end = () => {
    isOver = true;
    wake();
  };
  const tail = new StreamTail(nats, {
    stream: STREAM.events,
    filters: app === null ? [subjects.events] : filtersOf(app),
    from: start ?? { type: "new" },
    onMessage: (message) => {
      const event = eventOf(message.string());
      if (event !== null && (app === null || isAbout(app, event)))
        waiting.push({ sequence: message.seq, atMs: message.time.getTime(), event });
      wake();
    },
    onCaughtUp: () => {
      if (!follow) end();
    },
  });
  signal?.addEventListener("abort", end);
  try {
    await tail.start();
    while (signal?.aborted !== true) {
      for (const event of waiting.splice(0)) yield event;
      if (isOver) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (isOver || waiting.length > 0) resolve();
      });
    }
  } finally {
    signal?.removeEventListener("abort", end);
    await tail.stop();
  }
}

/** Deployments stand under their own ids in the feed: which app one is of, only its data tells. */
const filtersOf = (app: AppId): string[] => [...subjects.eventsOfApp(app), subjects.event("deployment", "*", "*")];
const isAbout = (app: AppId, { data }: CloudEvent): boolean =>
  typeof data === "object" && data !== null && "app" in data && data.app === app;

/** Where in the stream to begin; null when nothing is stored that late. */
async function tailFrom(nats: Nats, from: EventsFrom): Promise<TailFrom | null> {
  if (from.type === "new") return { type: "new" };
  if (from.type === "sequence") return { type: "sequence", sequence: Math.max(1, from.sequence) };
  const first = await nats.jsm.direct.getMessage(STREAM.events, { start_time: new Date(from.atMs) });
  return first === null ? null : { type: "sequence", sequence: first.seq };
}

function eventOf(text: string): CloudEvent | null {
  try {
    const parsed = CloudEventSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
