/** Deployments: those that run, in Marathon's form; those of the last days, in ours; and a person's word about one that runs. */
import { z } from "@hono/zod-openapi";
import { DEPLOYMENT_STATES, type DeploymentDocument, MusterError, type Requester } from "@muster/contracts";
import {
  affectedApps,
  deploymentsInfo,
  endedDeployment,
  isoTime,
  type Request,
  STEERINGS,
  type Steering,
  steerDeployment,
  unknownDeployment,
} from "@muster/core";
import type { Span } from "@muster/runtime";
import { commit, type Gateway, validate } from "../gateway.ts";
import { readAs, readDocument } from "../http/body.ts";
import { absoluteId } from "../http/paths.ts";
import { type Api, addMutation, addQuestion } from "../http/route.ts";
import { ChangeSchema, DeploymentSchema, flag, list, text } from "../http/schemas.ts";

const HISTORY_MAX = 100;
const SteeringSchema = z.object({ action: z.enum(STEERINGS).describe(STEERINGS.join(", ")) });
const SteeredSchema = z.looseObject({
  deployment: z.string().nullable().describe("the deployment that runs from now on, the rollback's where there is one"),
});

export function addDeployments(api: Api, gateway: Gateway): void {
  const { state, health } = gateway;
  addQuestion(api, {
    path: "/v2/deployments",
    about: "Running deployments, oldest first",
    replies: { 200: { about: "The deployments", schema: z.array(z.looseObject({ id: z.string() })) } },
    answer: ({ c }) => c.json(deploymentsInfo(state, health)),
  });
  addMutation(api, gateway, {
    method: "delete",
    path: "/v2/deployments/{id}",
    about: "Undo a running deployment by a new one that goes back; forced: only stop it where it is",
    query: z.object({ force: flag(false, "stop it half way, and undo nothing") }),
    replies: {
      200: { about: "The deployment that goes back has begun", schema: ChangeSchema },
      202: { about: "It was stopped where it was" },
    },
    refusals: ["deployment.unknown"],
    async carryOut({ c, query: { force }, span }) {
      const id = c.req.param("id") ?? "";
      // To Marathon's clients one that has ended is none, and 409 means a lock.
      const ended = state.kind("deployment").get(id)?.value;
      if (ended !== undefined && ended.state !== "running")
        throw new MusterError("deployment.unknown", endedDeployment(ended).message);
      const steered = await steer(gateway, span, id, force ? "abort" : "rollback", c.env.requester);
      if (force || steered.deployment === null) return c.body(null, 202);
      c.header("Marathon-Deployment-Id", steered.deployment);
      return c.json({ version: isoTime(steered.version), deploymentId: steered.deployment });
    },
  });
  addHistory(api, gateway);
}

function addHistory(api: Api, gateway: Gateway): void {
  const { state } = gateway;
  addQuestion(api, {
    path: "/v1/deployments",
    about:
      "Deployments that run or ended in the last days, newest first: who asked, from where, how long, how it came out",
    query: z.object({
      app: text("only those that change this app"),
      state: list(`only these: ${DEPLOYMENT_STATES.join(", ")}`),
    }),
    replies: { 200: { about: "The deployments", schema: z.object({ deployments: z.array(DeploymentSchema) }) } },
    answer({ c, query }) {
      const app = query.app === undefined ? null : absoluteId(query.app);
      const all = [...state.kind("deployment").values()].map(({ value }) => value);
      const asked = all.filter(
        (deployment) =>
          (app === null || affectedApps(deployment).includes(app)) &&
          (query.state.length === 0 || query.state.includes(deployment.state)),
      );
      const newest = asked.sort((a, b) => b.startedAtMs - a.startedAtMs || b.id.localeCompare(a.id));
      return c.json({ deployments: newest.slice(0, HISTORY_MAX) });
    },
  });
  addQuestion(api, {
    path: "/v1/deployments/{id}",
    about: "One deployment, running or ended in the last days",
    replies: { 200: { about: "The deployment", schema: DeploymentSchema } },
    refusals: ["deployment.unknown"],
    answer: ({ c }) => c.json(known(gateway, c.req.param("id") ?? "")),
  });
  addMutation(api, gateway, {
    method: "post",
    path: "/v1/deployments/{id}",
    about: "A word about a running deployment: pause, resume, promote its stage, abort it half way, or roll it back",
    body: SteeringSchema,
    replies: { 200: { about: "What runs from now on", schema: SteeredSchema } },
    refusals: ["deployment.unknown", "deployment.ended", "deployment.not-waiting", "spec.invalid"],
    async carryOut({ c, span }) {
      const { action } = await validate(gateway, span, async () =>
        readAs(SteeringSchema, await readDocument(c.req.raw)),
      );
      const { deployment } = await steer(gateway, span, c.req.param("id") ?? "", action, c.env.requester);
      return c.json({ deployment });
    },
  });
}

function known({ state }: Gateway, id: string): DeploymentDocument {
  const found = state.kind("deployment").get(id)?.value;
  if (found === undefined) throw unknownDeployment(id);
  return found;
}

function steer(gateway: Gateway, span: Span, id: string, steering: Steering, by: Requester) {
  span.set({ "muster.deployment": id, "muster.steering": steering });
  const request: Request = { deploymentId: gateway.drawId(), by, submitted: null, trace: span.traceparent };
  return commit(gateway, span, (at) => steerDeployment(gateway.state, id, steering, request, at));
}
