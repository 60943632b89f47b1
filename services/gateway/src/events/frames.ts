/** Events as frames of an event stream (SSE). One event may be several of Marathon's, each with an id to resume after. */
import type { StateView } from "@muster/contracts";
import { marathonEvents, type PlanForm } from "@muster/core";
import { cloudEventOf, type FeedEvent } from "./feed-event.ts";

/** Marathon's events with their plans light or full, or our own as they stand. */
export type Form = PlanForm | "cloud";

export type Frame = {
  /** 1 for the first that its event gives. */
  readonly part: number;
  readonly type: string;
  readonly subject: string;
  readonly text: string;
};

/** Where a client stands: it has everything up to `sequence`, and of the next one the first `parts` frames. */
export type Position = { readonly sequence: number; readonly parts: number };

/** `17` after all of event 17; `17.2` after two of more frames that it gives. null: no id of ours. */
export function readPosition(id: string): Position | null {
  const match = /^(\d{1,15})(?:\.(\d{1,6}))?$/.exec(id.trim());
  if (match === null) return null;
  const [sequence, parts] = [Number(match[1]), match[2] === undefined ? null : Number(match[2])];
  if (parts === null) return { sequence, parts: 0 };
  return sequence === 0 ? null : { sequence: sequence - 1, parts };
}

/** The id of frame `part` of `count`: the sequence alone only when there is nothing more of that event. */
const frameId = (sequence: number, part: number, count: number): string =>
  part === count ? String(sequence) : `${sequence}.${part}`;

/** None for an event that the form has nothing of. */
export function framesOf(event: FeedEvent, state: StateView, form: Form): Frame[] {
  const { sequence, subject } = event;
  const told = cloudEventOf(event);
  if (told === null) return [];
  if (form === "cloud") return [frame(event, { part: 1, count: 1 }, told.type, event.text)];
  const events = marathonEvents(told, state, form);
  return events.map((one, i) =>
    frame({ sequence, subject }, { part: i + 1, count: events.length }, one.eventType, JSON.stringify(one)),
  );
}

const frame = (
  { sequence, subject }: Pick<FeedEvent, "sequence" | "subject">,
  { part, count }: { readonly part: number; readonly count: number },
  type: string,
  data: string,
): Frame => ({ part, type, subject, text: written({ id: frameId(sequence, part, count), type, data }) });

/** JSON from elsewhere may have line breaks between its values; each line is a line of data. */
const written = ({ id, type, data }: { id: string | null; type: string; data: string }): string => {
  const lines = /[\r\n]/.test(data) ? data.split(/\r\n|\r|\n/) : [data];
  return `${id === null ? "" : `id: ${id}\n`}event: ${type}\n${lines.map((line) => `data: ${line}\n`).join("")}\n`;
};

/** A frame of our own about the stream itself; without an id, so that the client resumes where it was. */
export const notice = (type: "muster_stream_gap" | "muster_stream_closed", about: object, now: number): string =>
  written({
    id: null,
    type,
    data: JSON.stringify({ ...about, eventType: type, timestamp: new Date(now).toISOString() }),
  });

/** A line that clients pass over. Without an empty line after it, which some take for an event. */
export const comment = (text: string): string => `: ${text}\n`;

/** Frames are made once for all clients that want the same form. */
export class Frames {
  readonly #state: StateView;
  readonly #made = new WeakMap<FeedEvent, Map<Form, readonly Frame[]>>();

  constructor(state: StateView) {
    this.#state = state;
  }

  of(event: FeedEvent, form: Form): readonly Frame[] {
    let forms = this.#made.get(event);
    if (forms === undefined) {
      forms = new Map();
      this.#made.set(event, forms);
    }
    let frames = forms.get(form);
    if (frames === undefined) {
      frames = framesOf(event, this.#state, form);
      forms.set(form, frames);
    }
    return frames;
  }
}
