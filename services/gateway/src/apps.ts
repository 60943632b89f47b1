/** `/v2/apps` and `/v2/apps/{id}`: what is asked and answered about apps. Changes stand in `app-changes.ts`. */
import { z } from "@hono/zod-openapi";
import { appIdOf, appToken, renderApp } from "@muster/contracts";
import { appInfo, appTasks, currentApp, isoTime, knownApp, unknownApp, versionsOf } from "@muster/core";
import { appOfPath } from "./asked.ts";
import type { Gateway } from "./gateway.ts";
import { type LabelSelector, parseLabelSelector } from "./label-selector.ts";
import { type Api, addQuestion } from "./route.ts";
import { AppSchema, list, TaskSchema, text } from "./schemas.ts";

const embed = list("apps.tasks, apps.lastTaskFailure, apps.readiness; counts and deployments are always there");

/** The last word of `apps.tasks`, `app.tasks` or `tasks`; `failures` is an old word for the last failure. */
const embeds = (given: readonly string[], ...names: string[]): boolean =>
  given.some((each) => names.includes(each.split(".").at(-1) as string));

export function addApps(api: Api, { state, health }: Gateway): void {
  addQuestion(api, {
    path: "/v2/apps",
    about: "All apps, or those that match every filter",
    query: z.object({
      id: text("a part of the id, in any case"),
      cmd: text("a part of the command, in any case"),
      label: text("a label selector: env==prod,tier in (web, api)"),
      embed,
    }),
    replies: { 200: { about: "The apps, by id", schema: z.object({ apps: z.array(AppSchema) }) } },
    answer({ c, query }) {
      const filter = { id: query.id?.toLowerCase(), cmd: query.cmd?.toLowerCase(), label: selectorOf(query.label) };
      const wanted = {
        tasks: embeds(query.embed, "tasks"),
        lastTaskFailure: embeds(query.embed, "lastTaskFailure", "failures"),
        readiness: embeds(query.embed, "readiness"),
      };
      const apps = [...state.kind("app").keys()].sort().flatMap((token) => {
        const id = appIdOf(token);
        if (filter.id !== undefined && !id.toLowerCase().includes(filter.id)) return [];
        const spec = currentApp(state, id)?.spec ?? null;
        if (filter.cmd !== undefined && !(spec?.cmd ?? "").toLowerCase().includes(filter.cmd)) return [];
        if (filter.label !== null && !filter.label(spec?.labels ?? {})) return [];
        const info = appInfo(state, health, id, wanted);
        return info === null ? [] : [info];
      });
      return c.json({ apps });
    },
  });
  addQuestion(api, {
    path: "/v2/apps/{id}",
    about: "One app with its tasks, deployments and last failure",
    query: z.object({ embed }),
    replies: { 200: { about: "The app", schema: z.object({ app: AppSchema }) } },
    refusals: ["app.unknown"],
    answer({ c, query }) {
      const id = appOfPath(c);
      const readiness = embeds(query.embed, "readiness");
      const app = appInfo(state, health, id, { tasks: true, lastTaskFailure: true, readiness });
      if (app === null) throw unknownApp(id);
      return c.json({ app });
    },
  });
  addQuestion(api, {
    path: "/v2/apps/{id}/tasks",
    about: "The tasks of one app",
    replies: { 200: { about: "Its tasks", schema: z.object({ tasks: z.array(TaskSchema) }) } },
    refusals: ["app.unknown"],
    answer({ c }) {
      const id = appOfPath(c);
      knownApp(state, id);
      return c.json({ tasks: appTasks(state, health, id) });
    },
  });
}

const selectorOf = (text: string | undefined): LabelSelector | null =>
  text === undefined ? null : parseLabelSelector(text);

export function addVersions(api: Api, { state }: Gateway): void {
  addQuestion(api, {
    path: "/v2/apps/{id}/versions",
    about: "The versions of an app that are kept, newest first",
    replies: { 200: { about: "ISO dates", schema: z.object({ versions: z.array(z.string()) }) } },
    refusals: ["app.unknown"],
    answer({ c }) {
      const id = appOfPath(c);
      knownApp(state, id);
      return c.json({ versions: versionsOf(state, id).map(isoTime) });
    },
  });
  addQuestion(api, {
    path: "/v2/apps/{id}/versions/{version}",
    about: "An app as it was in one version",
    replies: { 200: { about: "The app", schema: AppSchema } },
    refusals: ["app.unknown"],
    answer({ c }) {
      const id = appOfPath(c);
      const text = c.req.param("version") ?? "";
      const found = state.kind("version").get(`${appToken(id)}.${Date.parse(text)}`)?.value;
      if (found?.app !== id) throw unknownApp(id, text);
      return c.json(renderApp(found.spec, { version: found.version }));
    },
  });
}
