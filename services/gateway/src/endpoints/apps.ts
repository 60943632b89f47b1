/** `/v2/apps` and `/v2/apps/{id}`: what is asked and answered about apps. Changes stand in `app-changes.ts`. */
import { z } from "@hono/zod-openapi";
import { type AppId, type AppSpec, appIdOf, appToken, MusterError, renderApp, type StateView } from "@muster/contracts";
import {
  appInfo,
  appTasks,
  diffSpecs,
  type Embed,
  endpointsText,
  isoTime,
  knownApp,
  type MarathonJson,
  targetApp,
  unknownApp,
  versionsOf,
} from "@muster/core";
import type { Context } from "hono";
import type { Gateway } from "../gateway.ts";
import { groupOfStar } from "../http/paths.ts";
import { type Api, addQuestion, type Env } from "../http/route.ts";
import { AppSchema, list, PlanChangeSchema, TaskSchema, text } from "../http/schemas.ts";
import { listReply, textReply } from "../http/stream.ts";
import { appOfPath } from "./asked.ts";
import { type LabelSelector, parseLabelSelector } from "./label-selector.ts";

const embed = list(
  "apps.tasks, apps.lastTaskFailure, apps.taskStats, apps.readiness; counts and deployments are always there",
);

/** The last word of `apps.tasks`, `app.tasks`, `group.apps.tasks` or `tasks`; `failures` is an old word for two of them. */
const embeds = (given: readonly string[], ...names: string[]): boolean =>
  given.some((each) => names.includes(each.split(".").at(-1) as string));

export function embedOf({ circumstances }: Gateway, given: readonly string[]): Embed {
  const embed = {
    tasks: embeds(given, "tasks", "failures"),
    lastTaskFailure: embeds(given, "lastTaskFailure", "failures"),
    readiness: embeds(given, "readiness"),
  };
  return embeds(given, "taskStats") ? { ...embed, taskStatsAtMs: circumstances().now } : embed;
}

type Filter = (id: AppId, spec: AppSpec | null) => boolean;
const everything: Filter = () => true;

/** Each app by the time it is asked for: one that is gone by then is left out. */
function* appsOf({ state, health }: Gateway, filter: Filter, embed: Embed): Generator<object> {
  for (const token of [...state.kind("app").keys()].sort()) {
    const id = appIdOf(token);
    if (filter !== everything && !filter(id, targetApp(state, id)?.spec ?? null)) continue;
    const info = appInfo(state, health, id, embed);
    if (info !== null) yield info;
  }
}

const isWithin =
  (group: string): Filter =>
  (id) =>
    group === "/" || id.startsWith(`${group}/`);

/** The group that an address with a star names, or null where it names an app. Throws `group.unknown` where nothing is in it. */
function groupOfPath({ state }: Gateway, c: Context<Env>): string | null {
  const group = groupOfStar(c.req.param("id") ?? "");
  if (group === null || group === "/") return group;
  for (const token of state.kind("app").keys()) if (appIdOf(token).startsWith(`${group}/`)) return group;
  throw new MusterError("group.unknown", `Group '${group}' does not exist`);
}

export function addApps(api: Api, gateway: Gateway): void {
  const { state, health } = gateway;
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
      const [part, cmd, label] = [query.id?.toLowerCase(), query.cmd?.toLowerCase(), selectorOf(query.label)];
      const isAsked: Filter = (id, spec) =>
        (part === undefined || id.toLowerCase().includes(part)) &&
        (cmd === undefined || (spec?.cmd ?? "").toLowerCase().includes(cmd)) &&
        (label === null || label(spec?.labels ?? {}));
      const isAll = part === undefined && cmd === undefined && label === null;
      return listReply(c, "apps", appsOf(gateway, isAll ? everything : isAsked, embedOf(gateway, query.embed)));
    },
  });
  addQuestion(api, {
    path: "/v2/apps/{id}",
    about: "One app with its tasks, deployments and last failure; {group}/* lists the apps of a group, however deep",
    query: z.object({ embed }),
    replies: { 200: { about: "The app", schema: z.object({ app: AppSchema }) } },
    refusals: ["app.unknown", "group.unknown"],
    answer({ c, query }) {
      const group = groupOfPath(gateway, c);
      if (group !== null) return listReply(c, "*", appsOf(gateway, isWithin(group), embedOf(gateway, query.embed)));
      const id = appOfPath(c);
      const app = appInfo(state, health, id, { ...embedOf(gateway, query.embed), tasks: true, lastTaskFailure: true });
      if (app === null) throw unknownApp(id);
      return c.json({ app });
    },
  });
  addQuestion(api, {
    path: "/v2/apps/{id}/tasks",
    about:
      "The tasks of one app, or of a group as {group}/*; as lines of plain text where that is what the client accepts",
    replies: { 200: { about: "Its tasks", schema: z.object({ tasks: z.array(TaskSchema) }) } },
    refusals: ["app.unknown", "group.unknown"],
    answer({ c }) {
      const group = groupOfPath(gateway, c);
      if (group !== null) return tasksReply(c, gateway, idsWithin(state, isWithin(group)));
      const id = appOfPath(c);
      knownApp(state, id);
      return tasksReply(c, gateway, [id]);
    },
  });
}

const idsWithin = (state: StateView, filter: Filter): AppId[] =>
  [...state.kind("app").keys()]
    .sort()
    .map(appIdOf)
    .filter((id) => filter(id, null));

/** @param isAsked which tasks; in the plain form always the running ones. */
export function tasksReply(
  c: Context<Env>,
  { state, health }: Gateway,
  ids: Iterable<AppId>,
  isAsked: (task: MarathonJson) => boolean = () => true,
): Response {
  if (prefersText(c.req.header("accept")))
    return textReply(
      c,
      mapped(ids, (id) => endpointsText(state, health, id)),
    );
  return listReply(
    c,
    "tasks",
    flattened(ids, (id) => appTasks(state, health, id).filter(isAsked)),
  );
}

/** Bridges to load balancers ask for plain text; whoever takes anything, or JSON too, gets JSON. */
const prefersText = (accept: string | undefined): boolean =>
  accept !== undefined && /\btext\/plain\b/.test(accept) && !/\bapplication\/json\b|\*\/\*/.test(accept);

function* mapped<T, U>(items: Iterable<T>, make: (item: T) => U): Generator<U> {
  for (const item of items) yield make(item);
}
function* flattened<T, U>(items: Iterable<T>, make: (item: T) => readonly U[]): Generator<U> {
  for (const item of items) yield* make(item);
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
      const version = Date.parse(text);
      return c.json(renderApp(specAt(state, id, version, text), { version }));
    },
  });
}

export function addDiff(api: Api, { state }: Gateway): void {
  addQuestion(api, {
    path: "/v1/apps/{id}/diff",
    about: "What differs between two versions of an app, field by field",
    query: z.object({
      from: text("a version, as /v2/apps/{id}/versions lists them; default: the one before `to`"),
      to: text("a version; default: the one the app stands at"),
    }),
    replies: {
      200: {
        about: "The differences, by path",
        schema: z.object({ app: z.string(), from: z.string(), to: z.string(), changes: z.array(PlanChangeSchema) }),
      },
    },
    refusals: ["app.unknown"],
    answer({ c, query }) {
      const id = appOfPath(c);
      const { document } = knownApp(state, id);
      const to = query.to === undefined ? document.version : Date.parse(query.to);
      const before = versionsOf(state, id).find((version) => version < to);
      const from = query.from === undefined ? (before ?? to) : Date.parse(query.from);
      const [old, now] = [specAt(state, id, from, query.from), specAt(state, id, to, query.to)];
      return c.json({ app: id, from: isoTime(from), to: isoTime(to), changes: diffSpecs(old, now) });
    },
  });
}

function specAt(state: StateView, id: AppId, version: number, text = String(version)): AppSpec {
  const found = state.kind("version").get(`${appToken(id)}.${version}`)?.value;
  if (found?.app !== id) throw unknownApp(id, text);
  return found.spec;
}
