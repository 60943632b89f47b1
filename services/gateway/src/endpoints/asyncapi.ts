/** The AsyncAPI 3.0 document: what may be published, what is told, and the API over NATS. Made from the zod schemas. */
import { ApiReplySchema, ApiRequestSchema, EVENTS, envelopeOf, subjects, TaskEventSchema } from "@muster/contracts";
import { z } from "zod";
import { AppInputSchema, GroupInputSchema } from "../http/schemas.ts";
import { VERSION } from "../version.ts";

type Json = Record<string, unknown>;
type Channel = {
  readonly name: string;
  readonly address: string;
  readonly about: string;
  readonly action: "send" | "receive";
  readonly message: z.ZodType;
  readonly contentType: string;
  readonly reply?: { readonly name: string; readonly about: string; readonly message: z.ZodType };
};

const PARAMETERS: Readonly<Record<string, string>> = {
  subject:
    "the app's id, its slashes as _ and its dots as =; the agent's id, its dots as =; the deployment's, client's or subscription's id",
  sequence: "where the refused spec stands in the stream MUSTER_SUBMIT",
  app: "the app's id, its slashes as _ and its dots as =",
  slot: "the instance's slot",
  attempt: "the instance's attempt, never used twice",
  state: "what the agent states: staging, starting, running, healthy, failed ...",
};

const CLOUD_EVENT = "application/cloudevents+json";

/** `muster.app.accepted` -> `appAccepted`. */
const camel = (type: string): string =>
  type.replace(/^muster\./, "").replaceAll(/[.-]([a-z])/g, (_, letter: string) => letter.toUpperCase());

function channels(): Channel[] {
  const events = Object.entries(EVENTS).map(
    ([type, { kind, name, about, data }]): Channel => ({
      name: camel(type),
      address: subjects.event(kind, kind === "submit" ? "{sequence}" : "{subject}", name),
      about,
      action: "send",
      message: envelopeOf(type, data),
      contentType: CLOUD_EVENT,
    }),
  );
  return [
    {
      name: "submitApp",
      address: subjects.submitApp,
      about: "Publish an app to create or change it; the outcome is told as appAccepted or submitRejected.",
      action: "receive",
      message: AppInputSchema,
      contentType: "application/json",
    },
    {
      name: "submitGroup",
      address: subjects.submitGroup,
      about:
        "Publish a group as a whole, as PUT /v2/groups takes it; the outcome is told as of apps, and of its deployment.",
      action: "receive",
      message: GroupInputSchema,
      contentType: "application/json",
    },
    {
      name: "api",
      address: subjects.api,
      about: "The HTTP API as a request; a long reply comes in parts, numbered k/n in the header Muster-Part.",
      action: "receive",
      message: ApiRequestSchema,
      contentType: "application/json",
      reply: { name: "apiReply", about: "The answer", message: ApiReplySchema },
    },
    {
      name: "task",
      address: subjects.events.replace(">", "task.{app}.{slot}.{attempt}.{state}"),
      about: "What agents state of instances; in order for each instance.",
      action: "send",
      message: TaskEventSchema,
      contentType: CLOUD_EVENT,
    },
    ...events,
  ];
}

export function asyncApiDocument(): Json {
  const all = channels();
  const replies = all.flatMap(({ reply }) =>
    reply === undefined ? [] : [{ ...reply, contentType: "application/json" }],
  );
  const messages = [...all, ...replies];
  return {
    asyncapi: "3.0.0",
    info: { title: "Muster over NATS", version: VERSION, description: "Events are kept in the stream MUSTER_EVENTS." },
    defaultContentType: "application/json",
    servers: { nats: { host: "127.0.0.1:4222", protocol: "nats" } },
    channels: {
      ...Object.fromEntries(all.map((channel) => [channel.name, channelOf(channel)])),
      ...Object.fromEntries(
        replies.map(({ name, about }) => [name, { address: null, description: about, messages: refOf(name) }]),
      ),
    },
    operations: Object.fromEntries(all.map((channel) => [channel.name, operationOf(channel)])),
    components: {
      messages: Object.fromEntries(
        messages.map(({ name, about, contentType }) => [name, messageOf(name, about, contentType)]),
      ),
      schemas: Object.fromEntries(
        messages.map(({ name, message }) => [name, z.toJSONSchema(message, { target: "draft-7", io: "input" })]),
      ),
    },
  };
}

const refOf = (name: string): Json => ({ [name]: { $ref: `#/components/messages/${name}` } });

function channelOf({ name, address, about }: Channel): Json {
  const names = [...address.matchAll(/\{([a-z]+)\}/g)].map((match) => match[1] as string);
  const parameters = Object.fromEntries(
    names.map((parameter) => [parameter, { description: PARAMETERS[parameter] ?? "" }]),
  );
  return { address, description: about, messages: refOf(name), ...(names.length === 0 ? {} : { parameters }) };
}

function operationOf({ name, action, about, reply }: Channel): Json {
  const channel = { $ref: `#/channels/${name}` };
  return {
    action,
    channel,
    summary: about,
    messages: [{ $ref: `#/channels/${name}/messages/${name}` }],
    ...(reply === undefined
      ? {}
      : { reply: { channel: { $ref: `#/channels/${reply.name}` }, address: { location: "$message.header#/reply" } } }),
  };
}

const messageOf = (name: string, about: string, contentType: string): Json => ({
  name,
  contentType,
  description: about,
  headers: {
    type: "object",
    properties: { traceparent: { type: "string", description: "W3C trace context" } },
  },
  payload: { $ref: `#/components/schemas/${name}` },
});
