/** Marathon's endpoints about the whole cluster: tasks, the queue, info and the leader. */
import { z } from "@hono/zod-openapi";
import { appIdOf, type Lease, MusterError, SERVICE_PORT_RANGE } from "@muster/contracts";
import { type MarathonJson, queueInfo } from "@muster/core";
import type { Gateway } from "../gateway.ts";
import { type Api, addMutation, addQuestion } from "../http/route.ts";
import { list, TaskSchema, text } from "../http/schemas.ts";
import { VERSION } from "../version.ts";
import { tasksReply } from "./apps.ts";

export function addCluster(api: Api, gateway: Gateway): void {
  const { state, health } = gateway;
  addQuestion(api, {
    path: "/v2/tasks",
    about: "The tasks of all apps; as lines of plain text where that is what the client accepts",
    query: z.object({ status: list("running, staging; all when absent"), "status[]": list("the same") }),
    replies: { 200: { about: "The tasks", schema: z.object({ tasks: z.array(TaskSchema) }) } },
    answer({ c, query }) {
      const states = [...query.status, ...query["status[]"]].map((status) => `TASK_${status.toUpperCase()}`);
      const ids = [...state.kind("app").keys()].sort().map(appIdOf);
      return tasksReply(c, gateway, ids, (task) => states.length === 0 || states.includes(String(task.state)));
    },
  });
  addQuestion(api, {
    path: "/v2/queue",
    about: "Apps whose instances wait, and who refused them",
    query: z.object({ embed: list("lastUnusedOffers: the agent that came closest") }),
    replies: { 200: { about: "The queue", schema: z.object({ queue: z.array(z.looseObject({ count: z.int() })) }) } },
    async answer({ c, query }) {
      await gateway.readSoon();
      const lastUnusedOffers = query.embed.some((each) => each.split(".").at(-1) === "lastUnusedOffers");
      return c.json({ queue: queueInfo(state, health, gateway.circumstances().now, { lastUnusedOffers }) });
    },
  });
  addQuestion(api, {
    path: "/v2/info",
    about: "What this is, in Marathon's form",
    replies: { 200: { about: "The info", schema: z.looseObject({ name: z.string(), version: z.string() }) } },
    answer: ({ c }) => c.json(info(gateway, c.req.header("host"))),
  });
  addQuestion(api, {
    path: "/v2/leader",
    about: "Who decides about most apps; processes share them, so the others decide about the rest",
    replies: { 200: { about: "Its address, or its name where it has none", schema: z.object({ leader: z.string() }) } },
    refusals: ["leader.unknown"],
    answer({ c }) {
      const leader = leaderOf(gateway);
      if (leader === null) throw new MusterError("leader.unknown", "There is no leader");
      return c.json({ leader: leader.http ?? leader.process });
    },
  });
  addMutation(api, gateway, {
    method: "delete",
    path: "/v2/leader",
    about: "Whoever decides about most apps gives them to others, until another one is told the same or it starts anew",
    query: z.object({ backup: text("not supported"), restore: text("not supported") }),
    replies: { 200: { about: "Others take over", schema: z.object({ message: z.string() }) } },
    refusals: ["leader.unknown", "leader.alone", "request.invalid"],
    async carryOut({ c, query, span }) {
      if (query.backup !== undefined || query.restore !== undefined)
        throw new MusterError(
          "request.invalid",
          "What this cluster knows is kept by nats-server: back up its store instead (backup and restore are not taken here)",
        );
      const leader = leaderOf(gateway);
      if (leader === null) throw new MusterError("leader.unknown", "There is no leader");
      span.set({ "muster.leader": leader.process });
      if (deployers(gateway).length < 2)
        throw new MusterError(
          "leader.alone",
          `${leader.process} is the only deployer, nobody could take over: start another one first`,
        );
      const isDone = await gateway.abdicate(leader.process, "deployer").catch(() => false);
      if (!isDone)
        throw new MusterError("leader.unknown", `${leader.process} did not answer, it may have ended: ask again`);
      return c.json({ message: "Leadership abdicated" });
    },
  });
}

const deployers = (gateway: Gateway): Lease[] =>
  gateway.leases().filter((lease) => lease.services.includes("deployer"));

/** Of the deployers that live the one whose name stands in most terms. null: nobody decides. */
function leaderOf(gateway: Gateway): Lease | null {
  const shards = new Map<string, number>();
  for (const [rest, { value }] of gateway.state.kind("term"))
    if (rest.startsWith("deployer.")) shards.set(value.holder, (shards.get(value.holder) ?? 0) + 1);
  const held = ({ process }: Lease): number => shards.get(process) ?? 0;
  const [leader] = deployers(gateway)
    .filter((lease) => held(lease) > 0)
    .sort((a, b) => held(b) - held(a) || a.process.localeCompare(b.process));
  return leader ?? null;
}

function info(gateway: Gateway, asked: string | undefined): MarathonJson {
  const leader = leaderOf(gateway);
  const { limits } = gateway;
  const [hostname, port] = hostAndPort(gateway.address(asked));
  return {
    name: "muster",
    version: VERSION,
    buildref: "unknown",
    elected: leader !== null,
    ...(leader === null ? {} : { leader: leader.http ?? leader.process }),
    frameworkId: "muster",
    marathon_config: {
      framework_name: "muster",
      ha: true,
      ...(hostname === null ? {} : { hostname }),
      local_port_min: SERVICE_PORT_RANGE.first,
      local_port_max: SERVICE_PORT_RANGE.last,
      features: ["task_killing"],
      mesos_role: "*",
      ...(limits.apps === null ? {} : { max_apps: limits.apps }),
    },
    zookeeper_config: {},
    http_config: port === null ? {} : { http_port: port },
  };
}

function hostAndPort(address: string | null): readonly [string | null, number | null] {
  if (address === null) return [null, null];
  const { hostname, port } = new URL(`http://${address}`);
  return [hostname, Number(port || 80)];
}
