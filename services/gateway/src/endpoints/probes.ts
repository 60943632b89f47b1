/** Is it there, does it live, may it be asked: for load balancers and supervisors. They answer whatever the cluster does. */
import type { Gateway } from "../gateway.ts";
import { RETRY_AFTER_SECONDS } from "../gateway.ts";
import { type Api, addQuestion } from "../http/route.ts";

export function addProbes(api: Api, { state, health }: Gateway): void {
  addQuestion(api, {
    path: "/ping",
    about: "pong",
    replies: {
      200: { about: 'The text pong, or the JSON text "pong" where only that is accepted' },
      204: { about: "Neither is accepted" },
    },
    answer({ c }) {
      const accept = c.req.header("accept") ?? "*/*";
      if (/\*\/\*|\btext\/(?:plain|\*)/.test(accept)) return c.text("pong");
      return /\bapplication\/(?:json|\*)/.test(accept) ? c.json("pong") : c.body(null, 204);
    },
  });
  addQuestion(api, {
    path: "/livez",
    about: "The process lives",
    replies: { 200: { about: "It does" } },
    answer: ({ c }) => c.text("ok"),
  });
  addQuestion(api, {
    path: "/readyz",
    about: "The process has read the cluster's state and is connected",
    replies: { 200: { about: "It is ready" }, 503: { about: "Not yet, or its nats-server is away" } },
    answer({ c }) {
      const ready = state.complete && health.complete;
      if (!ready) c.header("Retry-After", String(RETRY_AFTER_SECONDS));
      return c.json({ ready, state: state.complete, health: health.complete }, ready ? 200 : 503);
    },
  });
}
