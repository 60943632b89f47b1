/** From a request to what a decision is asked, and from its answer to Marathon's reply. */
import type { AppId, Problem } from "@muster/contracts";
import { type Answer, type Asked, isoTime, unknownApp } from "@muster/core";
import type { Span } from "@muster/runtime";
import type { Context } from "hono";
import type { Gateway } from "../gateway.ts";
import { validId } from "../http/paths.ts";
import type { Env } from "../http/route.ts";
import { warningHeaders } from "../http/warnings.ts";

export function askedOf(gateway: Gateway, c: Context<Env>, span: Span, about: { app: AppId; force: boolean }): Asked {
  span.set({ "muster.app": about.app, "muster.force": about.force });
  return {
    ...about,
    deploymentId: gateway.drawId(),
    by: c.env.requester,
    submitted: null,
    trace: span.traceparent,
  };
}

/** The app an address names. Throws `app.unknown` where no app can have the id. */
export function appOfPath(c: Context<Env>): AppId {
  const text = c.req.param("id") ?? "";
  const app = validId(text);
  if (app === null) throw unknownApp(text.startsWith("/") ? text : `/${text}`);
  return app;
}

/** Names the deployment to follow, and what was understood otherwise than it was written. */
export function sayOutcome(
  c: Context<Env>,
  { deployment }: Pick<Answer, "deployment">,
  warnings: readonly Problem[],
): void {
  if (deployment !== null) c.header("Marathon-Deployment-Id", deployment);
  for (const value of warningHeaders(warnings)) c.header("Warning", value, { append: true });
}

/** Marathon's reply to a change. Where nothing had to change its clients still find an id: one that is never listed. */
export function changeReply(
  c: Context<Env>,
  asked: Asked,
  answer: Answer,
  warnings: readonly Problem[] = [],
): Response {
  sayOutcome(c, answer, warnings);
  const deploymentId = answer.deployment ?? asked.deploymentId;
  return c.json({ version: isoTime(answer.version), deploymentId }, answer.isNew ? 201 : 200);
}
