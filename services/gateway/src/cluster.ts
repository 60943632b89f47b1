/** Marathon's endpoints about the whole cluster: tasks, the queue, info and the leader. */
import { z } from "@hono/zod-openapi";
import { appIdOf, SERVICE_PORT_RANGE } from "@muster/contracts";
import { appTasks, type MarathonJson, queueInfo } from "@muster/core";
import type { Gateway } from "./gateway.ts";
import { type Api, addQuestion } from "./route.ts";
import { list, TaskSchema } from "./schemas.ts";
import { VERSION } from "./version.ts";

export function addCluster(api: Api, gateway: Gateway): void {
  const { state, health } = gateway;
  addQuestion(api, {
    path: "/v2/tasks",
    about: "The tasks of all apps",
    query: z.object({ status: list("running, staging; all when absent"), "status[]": list("the same") }),
    replies: { 200: { about: "The tasks", schema: z.object({ tasks: z.array(TaskSchema) }) } },
    answer({ c, query }) {
      const states = [...query.status, ...query["status[]"]].map((status) => `TASK_${status.toUpperCase()}`);
      const tokens = [...state.kind("app").keys()].sort();
      const tasks = tokens.flatMap((token) => appTasks(state, health, appIdOf(token)));
      return c.json({
        tasks: states.length === 0 ? tasks : tasks.filter((task) => states.includes(String(task.state))),
      });
    },
  });
  addQuestion(api, {
    path: "/v2/queue",
    about: "Apps whose instances wait, and who refused them",
    replies: { 200: { about: "The queue", schema: z.object({ queue: z.array(z.looseObject({ count: z.int() })) }) } },
    answer: ({ c }) => c.json({ queue: queueInfo(state, health, gateway.circumstances().now) }),
  });
  addQuestion(api, {
    path: "/v2/info",
    about: "What this is, in Marathon's form",
    replies: { 200: { about: "The info", schema: z.looseObject({ name: z.string(), version: z.string() }) } },
    answer: ({ c }) => c.json(info(gateway)),
  });
  addQuestion(api, {
    path: "/v2/leader",
    about: "A process that decides about apps; there are several, each for its share",
    replies: { 200: { about: "Its name", schema: z.object({ leader: z.string() }) } },
    answer({ c }) {
      const leader = leaderOf(gateway);
      return leader === null ? c.json({ message: "There is no leader" }, 404) : c.json({ leader });
    },
  });
}

/** Clients only ask whether there is one; the first deployer by name is as good as any. */
function leaderOf(gateway: Gateway): string | null {
  const processes = gateway.leases().filter((lease) => lease.services.includes("deployer"));
  return processes.map((lease) => lease.process).sort()[0] ?? null;
}

function info(gateway: Gateway): MarathonJson {
  const leader = leaderOf(gateway);
  return {
    name: "muster",
    version: VERSION,
    buildref: "unknown",
    elected: leader !== null,
    ...(leader === null ? {} : { leader }),
    frameworkId: "muster",
    marathon_config: {
      ha: true,
      local_port_min: SERVICE_PORT_RANGE.first,
      local_port_max: SERVICE_PORT_RANGE.last,
      features: ["task_killing"],
    },
    zookeeper_config: {},
    http_config: {},
  };
}
