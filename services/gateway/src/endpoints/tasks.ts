/** Ending single tasks, and the delay of an app's next attempt, as Marathon's clients ask for it. */
import { z } from "@hono/zod-openapi";
import { type AppId, type InstanceRef, instanceId, MusterError, parseInstanceId } from "@muster/contracts";
import { appTasks, decideKill, decideResetDelay, isoTime, knownApp, type MarathonJson } from "@muster/core";
import type { Span } from "@muster/runtime";
import type { Context } from "hono";
import { commit, type Gateway, validate } from "../gateway.ts";
import { readAs, readDocument } from "../http/body.ts";
import { type Api, addMutation, type Env } from "../http/route.ts";
import { ChangeSchema, flag, TaskSchema, text } from "../http/schemas.ts";
import { appOfPath } from "./asked.ts";

const manner = z.object({
  scale: flag(false, "the app gets as many instances less, by a deployment; else others take their places"),
  wipe: flag(false, "gives back what the task keeps on its agent: tasks keep nothing there yet"),
  force: flag(false, "with scale: also while a deployment of the app runs, which goes on with the smaller number"),
});
type Manner = z.infer<typeof manner>;

function refuseBoth({ scale, wipe }: Manner): void {
  if (scale && wipe) throw new MusterError("request.invalid", "You cannot use scale and wipe at the same time.");
}

const TasksSchema = z.object({ tasks: z.array(TaskSchema) });
const killedOrScaled = {
  about: "The tasks that end; with scale the deployment that scales",
  schema: z.union([TasksSchema, ChangeSchema]),
};
const IdsSchema = z.object({ ids: z.array(z.string()) });

export function addTasks(api: Api, gateway: Gateway): void {
  addMutation(api, gateway, {
    method: "delete",
    path: "/v2/apps/{id}/tasks",
    about: "End the tasks of an app, or those on one host",
    query: manner.extend({ host: text("only those on this host") }),
    replies: { 200: killedOrScaled },
    refusals: ["app.unknown", "app.locked", "request.invalid"],
    async carryOut({ c, query, span }) {
      refuseBoth(query);
      const app = appOfPath(c);
      knownApp(gateway.state, app);
      const tasks = standingTasks(gateway, app).filter(({ host }) => query.host === undefined || host === query.host);
      return await kill(gateway, c, span, tasks.map(refOf), query);
    },
  });
  addMutation(api, gateway, {
    method: "delete",
    path: "/v2/apps/{id}/tasks/{task}",
    about: "End one task of an app",
    query: manner,
    replies: { 200: { about: "The task that ends; with scale the deployment that scales", schema: z.looseObject({}) } },
    refusals: ["app.unknown", "task.unknown", "app.locked", "request.invalid"],
    async carryOut({ c, query, span }) {
      refuseBoth(query);
      const app = appOfPath(c);
      knownApp(gateway.state, app);
      const id = c.req.param("task") ?? "";
      // One that is being ended already is answered as it is.
      const task = appTasks(gateway.state, gateway.health, app).find((each) => each.id === id);
      if (task === undefined) throw new MusterError("task.unknown", `Task '${id}' does not exist`);
      return await kill(gateway, c, span, [refOf(task)], query, ([killed]) => ({ task: killed ?? task }));
    },
  });
  addMutation(api, gateway, {
    method: "post",
    path: "/v2/tasks/delete",
    about: "End tasks of any apps; those that are gone are passed over",
    query: manner,
    body: IdsSchema,
    replies: { 200: killedOrScaled },
    refusals: ["json.malformed", "spec.type", "app.locked", "request.invalid"],
    async carryOut({ c, query, span }) {
      refuseBoth(query);
      const { ids } = await validate(gateway, span, async () => readAs(IdsSchema, await readDocument(c.req.raw)));
      const refs = ids.map((id) => {
        const ref = parseInstanceId(id);
        if (ref === null)
          throw new MusterError("request.invalid", `'${id}' is no task's id: expected one such as prod_web.0.12`);
        return ref;
      });
      return await kill(gateway, c, span, refs, query);
    },
  });
  addMutation(api, gateway, {
    method: "delete",
    path: "/v2/queue/{id}/delay",
    about: "Start the next attempt of an app at once, whatever failed before",
    replies: { 204: { about: "The delay is over" } },
    refusals: ["app.not-waiting"],
    async carryOut({ c, span }) {
      await commit(gateway, span, () => decideResetDelay(gateway.state, appOfPath(c), span.traceparent));
      return c.body(null, 204);
    },
  });
}

/** Tasks as Marathon's clients see them, those left out that are being ended already. */
const standingTasks = ({ state, health }: Gateway, app: AppId): MarathonJson[] =>
  appTasks(state, health, app).filter((task) => task.state !== "TASK_KILLING");

function refOf({ id }: MarathonJson): InstanceRef {
  const ref = parseInstanceId(String(id));
  if (ref === null) throw new Error(`a task of ours is called ${id}`);
  return ref;
}

async function kill(
  gateway: Gateway,
  c: Context<Env>,
  span: Span,
  refs: readonly InstanceRef[],
  { scale, force }: Manner,
  reply: (tasks: readonly MarathonJson[]) => object = (tasks) => ({ tasks }),
): Promise<Response> {
  const apps = [...new Set(refs.map(({ app }) => app))];
  const before = apps.flatMap((app) => appTasks(gateway.state, gateway.health, app));
  span.set({ "muster.tasks": refs.length, "muster.scale": scale });
  const asked = {
    deploymentId: gateway.drawId(),
    force,
    by: c.env.requester,
    submitted: null,
    trace: span.traceparent,
  };
  let killed: readonly InstanceRef[] = [];
  const answer = await commit(gateway, span, (at) => {
    const decided = decideKill(gateway.state, asked, refs, { scale }, at);
    killed = decided.killed;
    return decided;
  });
  if (answer.deployment !== null) {
    c.header("Marathon-Deployment-Id", answer.deployment);
    return c.json({ version: isoTime(answer.version), deploymentId: answer.deployment });
  }
  const ids = new Set(killed.map(instanceId));
  return c.json(reply(before.filter(({ id }) => ids.has(String(id)))));
}
