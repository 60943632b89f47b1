/** Muster's own endpoints: instances, agents, why, the cluster, and the operator's word about an agent. */
import { z } from "@hono/zod-openapi";
import {
  type AppId,
  appIdOf,
  type HealthView,
  type InstanceView,
  isAgentId,
  MusterError,
  type StateView,
} from "@muster/contracts";
import {
  agentsView,
  clusterView,
  decideAgentWord,
  findInstance,
  instancesOf,
  knownApp,
  unknownAgent,
  unknownApp,
  whyOf,
} from "@muster/core";
import { commit, type Gateway, validate } from "../gateway.ts";
import { readAs, readDocument } from "../http/body.ts";
import { validId } from "../http/paths.ts";
import { type Api, addMutation, addQuestion } from "../http/route.ts";
import {
  AgentGoalSchema,
  AgentsSchema,
  AgentWordReplySchema,
  ClusterSchema,
  flag,
  InstancesSchema,
  text,
  WhyReplySchema,
} from "../http/schemas.ts";
import { listReply } from "../http/stream.ts";

export function addOwn(api: Api, gateway: Gateway): void {
  addInstances(api, gateway);
  addAgents(api, gateway);
  const { state, health } = gateway;
  addQuestion(api, {
    path: "/v1/cluster",
    about: "The cluster in numbers, and the processes that run it",
    replies: { 200: { about: "The cluster", schema: ClusterSchema } },
    async answer({ c }) {
      await gateway.readSoon();
      return c.json(clusterView(state, health, gateway.leases()));
    },
  });
}

const subject = z.object({
  app: text("an app's id"),
  instance: text("an instance's id, or a beginning that no other has"),
});

function addInstances(api: Api, { state, health, circumstances }: Gateway): void {
  addQuestion(api, {
    path: "/v1/instances",
    about: "Instances: wished, waiting, placed or ended; all, of one app, or one of them",
    query: subject.extend({ ended: flag(false, "ended ones too, as far as they are remembered") }),
    replies: { 200: { about: "By app, slot and attempt", schema: InstancesSchema } },
    refusals: ["app.unknown", "instance.unknown", "id.ambiguous"],
    answer({ c, query: { app, instance, ended } }) {
      if (instance !== undefined) return c.json({ instances: [findInstance(state, health, instance)] });
      if (app === undefined) return listReply(c, "instances", allInstances(state, health, ended));
      const { document } = knownApp(state, appId(app));
      return c.json({ instances: instancesOf(state, health, { app: document.id, ended }) });
    },
  });
  addQuestion(api, {
    path: "/v1/why",
    about: "Why an app or an instance stands as it does",
    query: subject,
    replies: { 200: { about: "What is the case, and one sentence", schema: WhyReplySchema } },
    refusals: ["app.unknown", "instance.unknown", "id.ambiguous"],
    answer({ c, query: { app, instance } }) {
      const { now } = circumstances();
      if (instance !== undefined) return c.json(whyOf(state, health, { instance }, now));
      if (app !== undefined) return c.json(whyOf(state, health, { app: appId(app) }, now));
      throw new MusterError("spec.invalid", "Why what? Name an app (?app=/web) or an instance (?instance=web.0.12)");
    },
  });
}

/** App by app, each as it stands when its turn comes. */
function* allInstances(state: StateView, health: HealthView, ended: boolean): Generator<InstanceView> {
  for (const token of [...state.kind("app").keys()].sort())
    yield* instancesOf(state, health, { app: appIdOf(token), ended });
}

function appId(given: string): AppId {
  const id = validId(given);
  if (id === null) throw unknownApp(given);
  return id;
}

function addAgents(api: Api, gateway: Gateway): void {
  const { state, health } = gateway;
  addQuestion(api, {
    path: "/v1/agents",
    about: "Agents: what they offer, what is committed there, whether they take more",
    replies: { 200: { about: "By id", schema: AgentsSchema } },
    async answer({ c }) {
      await gateway.readSoon();
      return c.json({ agents: agentsView(state, health) });
    },
  });
  addMutation(api, gateway, {
    method: "post",
    path: "/v1/agents/{id}",
    about:
      "The operator's word: run, cordon (takes nothing new), drain (takes nothing new; what it has is not moved yet), remove (is gone for good)",
    body: AgentGoalSchema,
    replies: { 200: { about: "The word as it stands now", schema: AgentWordReplySchema } },
    refusals: ["agent.unknown", "spec.invalid"],
    async carryOut({ c, span }) {
      const agent = c.req.param("id") ?? "";
      if (!isAgentId(agent)) throw unknownAgent(agent);
      const { goal } = await validate(gateway, span, async () =>
        readAs(AgentGoalSchema, await readDocument(c.req.raw, gateway.limits.bodyBytes)),
      );
      span.set({ "muster.agent": agent, "muster.goal": goal });
      const asked = { agent, goal, trace: span.traceparent };
      return c.json(await commit(gateway, span, (at) => decideAgentWord(state, asked, at)));
    },
  });
}
