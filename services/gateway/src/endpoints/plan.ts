/** `POST /v1/plan`: what a spec would change and where its instances would stand; of a list of apps the steps. Asking changes nothing. */
import { z } from "@hono/zod-openapi";
import { readApp } from "@muster/contracts";
import { decideApps } from "@muster/core";
import { withSpan } from "@muster/runtime";
import { type Gateway, SERVICE, validate } from "../gateway.ts";
import { readDocument } from "../http/body.ts";
import { type Api, addMutation } from "../http/route.ts";
import { AppInputSchema, DryRunSchema, flag, PlanReplySchema } from "../http/schemas.ts";
import { readWholeApps } from "./groups-apps.ts";
import { stepsReply, treeAskedOf } from "./groups-changes.ts";

export function addPlan(api: Api, gateway: Gateway): void {
  addMutation(api, gateway, {
    method: "post",
    path: "/v1/plan",
    about:
      "What an app by this spec would change, and where its instances would stand; of a list of apps the steps; changes nothing",
    query: z.object({ force: flag(false, "as if the change overtook a running deployment of the apps") }),
    body: z.union([AppInputSchema, z.array(AppInputSchema)]),
    replies: {
      200: {
        about: "The difference, the agents, what stops, what has no place and why; or the steps",
        schema: z.union([PlanReplySchema, DryRunSchema]),
      },
    },
    refusals: [
      "json.malformed",
      "spec.type",
      "spec.invalid",
      "spec.unsupported",
      "app.exists",
      "app.locked",
      "app.deleting",
    ],
    async carryOut({ c, query: { force }, span: parent }) {
      const reading = await validate(gateway, parent, async () => {
        const document = await readDocument(c.req.raw, gateway.limits.bodyBytes);
        if (Array.isArray(document.value)) return readWholeApps(document);
        const { spec, warnings } = readApp(document.value, { locate: document.locate });
        return { spec, warnings: [...document.warnings(), ...warnings] };
      });
      if ("apps" in reading) {
        const asked = treeAskedOf(gateway, c, parent, force);
        return stepsReply(c, decideApps(gateway.state, asked, () => reading, gateway.circumstances()).answer);
      }
      parent.set({ "muster.app": reading.spec.id, "muster.force": force });
      const plan = await withSpan(gateway.telemetry, SERVICE, "plan", { parent: parent.traceparent }, async (span) => {
        const made = await gateway.plan(reading, force);
        const { outcome, unplaced, rehearsed } = made;
        span.set({ "muster.outcome": outcome, "muster.unplaced": unplaced, "muster.steps": rehearsed.steps });
        return made;
      });
      return c.json(plan);
    },
  });
}
