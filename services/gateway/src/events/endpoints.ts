/** `GET /v2/events` with Marathon's events, `GET /v1/events` with our own: event streams (SSE) that can be resumed. */
import { z } from "@hono/zod-openapi";
import { MusterError, type Problem, subjects } from "@muster/contracts";
import { clientAddress, MARATHON_EVENT_TYPES } from "@muster/core";
import type { Context } from "hono";
import type { Gateway } from "../gateway.ts";
import { type Api, addQuestion, type Env } from "../http/route.ts";
import { list, text } from "../http/schemas.ts";
import { type Form, type Frame, type Position, readPosition } from "./frames.ts";
import { filterFault, subjectFilter } from "./subject-filter.ts";

const MEDIA_TYPE = "text/event-stream";

const resumable = z.object({
  lastEventId: text(
    "for those who cannot set the header Last-Event-ID: the id after which to go on; 0 for all that is kept",
  ),
});

const replies = {
  200: {
    about: "An event stream. Each frame has the id after which to resume, the type as its event, JSON as its data",
    schema: z.string(),
    mediaType: MEDIA_TYPE,
  },
};

export function addEvents(api: Api, gateway: Gateway): void {
  addQuestion(api, {
    path: "/v2/events",
    about: "Marathon's events as they happen, or from the one after Last-Event-ID on",
    query: resumable.extend({
      event_type: list(`only these types, of ${MARATHON_EVENT_TYPES.join(", ")}; all when absent`),
      "plan-format": z
        .enum(["light", "full"])
        .default("light")
        .openapi({ description: "full: plans of deployments hold the apps before and after" }),
    }),
    replies,
    refusals: ["stream.refused", "stream.too-many", "spec.invalid"],
    answer({ c, query }) {
      // Clients that let everything through send the key without a value.
      const types = new Set(query.event_type.filter((type) => type !== ""));
      const isWanted = ({ type }: Frame) => types.size === 0 || types.has(type);
      return stream(gateway, c, {
        form: query["plan-format"],
        isWanted,
        lastEventId: query.lastEventId,
        remarks: [...types].filter((type) => !KNOWN.has(type)).map(neverCome),
      });
    },
  });
  addQuestion(api, {
    path: "/v1/events",
    about: "Muster's own events, CloudEvents in JSON, as they happen or from the one after Last-Event-ID on",
    query: resumable.extend({ subject: list(`only these subjects, as over NATS: ${subjects.events} when absent`) }),
    replies,
    refusals: ["stream.refused", "stream.too-many", "spec.invalid"],
    answer({ c, query }) {
      for (const filter of query.subject) refuseFilter(filter);
      const isMeant = subjectFilter(query.subject);
      const isWanted = ({ subject }: Frame) => isMeant(subject);
      return stream(gateway, c, { form: "cloud", isWanted, lastEventId: query.lastEventId, remarks: [] });
    },
  });
}

const KNOWN: ReadonlySet<string> = new Set(MARATHON_EVENT_TYPES);

/** Marathon's own types among them: tools ask for all that they know. */
const neverCome = (type: string): string =>
  `nothing here is told as ${JSON.stringify(type.slice(0, 100))}: /openapi.json has the types`;

function refuseFilter(filter: string): void {
  const fault = filterFault(filter);
  if (fault !== null) throw invalid("?subject", `${fault}, such as ${subjects.events}; got ${JSON.stringify(filter)}`);
}

type Asked = {
  readonly form: Form;
  readonly isWanted: (frame: Frame) => boolean;
  readonly lastEventId: string | undefined;
  readonly remarks: readonly string[];
};

async function stream({ streams }: Gateway, c: Context<Env>, asked: Asked): Promise<Response> {
  const { requester, hangUp } = c.env;
  if (requester.who !== "http") {
    const message = `Event streams are for HTTP: over NATS subscribe to ${subjects.events}, or read the stream behind it`;
    throw new MusterError("stream.refused", message);
  }
  if (c.req.method !== "GET" || !isAsked(c.req.header("accept"))) {
    throw new MusterError("stream.refused", `Events are streamed to who asks for them with "Accept: ${MEDIA_TYPE}"`);
  }
  const body = await streams.open({
    form: asked.form,
    isWanted: asked.isWanted,
    after: lastEvent(c, asked),
    remoteAddress: clientAddress(requester),
    remarks: asked.remarks,
    hangUp: hangUp ?? (() => undefined),
  });
  return new Response(body, {
    headers: {
      "content-type": MEDIA_TYPE,
      // A proxy in between must hand on each frame at once; and what is cut off here is nobody else's connection.
      "x-accel-buffering": "no",
      connection: "close",
    },
  });
}

/** As Marathon has it: who takes anything, such as curl by itself, has not asked for a stream that never ends. */
const isAsked = (accept: string | undefined): boolean =>
  (accept ?? "").split(",").some((range) => {
    const [type, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    return (
      (type === MEDIA_TYPE || type === "text/*") && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
    );
  });

function lastEvent(c: Context<Env>, { lastEventId }: Asked): Position | null {
  const [header, query] = [c.req.header("last-event-id"), lastEventId];
  // A client that connects again sends the header: the address it has kept is older.
  const given = header === undefined || header === "" ? query : header;
  if (given === undefined || given === "") return null;
  const position = readPosition(given);
  if (position !== null) return position;
  const where = given === header ? "Last-Event-ID" : "?lastEventId";
  throw invalid(
    where,
    `expected the id of an event, such as 1742 or 1742.1; got ${JSON.stringify(given.slice(0, 50))}`,
  );
}

function invalid(path: string, message: string): MusterError {
  const problems: Problem[] = [{ path, message }];
  return new MusterError("spec.invalid", `${path}: ${message}`, { problems });
}
