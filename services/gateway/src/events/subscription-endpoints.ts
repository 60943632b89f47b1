/** `/v2/eventSubscriptions`: callbacks that Marathon's events are posted to. */
import { z } from "@hono/zod-openapi";
import { STREAM } from "@muster/contracts";
import {
  type AskedSubscription,
  clientAddress,
  decideSubscribe,
  decideUnsubscribe,
  isoTime,
  subscriptionsOf,
} from "@muster/core";
import type { Context } from "hono";
import { commit, type Gateway } from "../gateway.ts";
import { type Api, addMutation, addQuestion, type Env } from "../http/route.ts";
import { text } from "../http/schemas.ts";
import { readCallbackUrl, subscriptionId } from "./callback-url.ts";

const PATH = "/v2/eventSubscriptions";
const query = z.object({ callbackUrl: text("http or https; on this machine, unless the gateway may post elsewhere") });
const EventSchema = z.object({
  eventType: z.string(),
  timestamp: z.string(),
  clientIp: z.string(),
  callbackUrl: z.string(),
});

export function addSubscriptions(api: Api, gateway: Gateway): void {
  const { state } = gateway;
  addQuestion(api, {
    path: PATH,
    about: "The callbacks that events are posted to, oldest first",
    replies: { 200: { about: "Their URLs", schema: z.object({ callbackUrls: z.array(z.string()) }) } },
    answer: ({ c }) => c.json({ callbackUrls: subscriptionsOf(state).map(({ callbackUrl }) => callbackUrl) }),
  });
  addMutation(api, gateway, {
    method: "post",
    path: PATH,
    about: "Marathon's events are posted to the callback from now on: as JSON, one at a time, in order, at least once",
    query,
    replies: { 200: { about: "The event of it, also where it was so already", schema: EventSchema } },
    refusals: ["spec.invalid", "subscription.too-many"],
    async carryOut({ c, query: { callbackUrl }, span }) {
      const asked = askedOf(gateway, c, callbackUrl, span.traceparent);
      const fromSequence = (await gateway.lastEventSequence()) + 1;
      await commit(gateway, span, (at) => decideSubscribe(state, { ...asked, fromSequence }, at));
      return c.json(eventOf("subscribe_event", asked, gateway.circumstances().now));
    },
  });
  addMutation(api, gateway, {
    method: "delete",
    path: PATH,
    about: "Events are posted to the callback no more",
    query,
    replies: { 200: { about: "The event of it, also where it was so already", schema: EventSchema } },
    refusals: ["spec.invalid"],
    async carryOut({ c, query: { callbackUrl }, span }) {
      const asked = askedOf(gateway, c, callbackUrl, span.traceparent);
      await commit(gateway, span, (at) => decideUnsubscribe(state, asked, at));
      return c.json(eventOf("unsubscribe_event", asked, gateway.circumstances().now));
    },
  });
}

function askedOf(
  { callbackHosts }: Gateway,
  c: Context<Env>,
  given: string | undefined,
  trace: string | null,
): AskedSubscription {
  // One that was taken once can be removed, whatever is allowed today.
  const callbackUrl = readCallbackUrl(given, c.req.method === "DELETE" ? "any" : callbackHosts);
  return { id: subscriptionId(callbackUrl), callbackUrl, by: c.env.requester, trace };
}

const eventOf = (eventType: string, { by, callbackUrl }: AskedSubscription, now: number) => ({
  eventType,
  timestamp: isoTime(now),
  clientIp: clientAddress(by),
  callbackUrl,
});

/** The sequence of the newest event; a subscription begins after it. */
export const lastEventSequenceOf =
  (nats: { readonly jsm: { readonly streams: { info(stream: string): Promise<{ state: { last_seq: number } }> } } }) =>
  async (): Promise<number> =>
    (await nats.jsm.streams.info(STREAM.events)).state.last_seq;
