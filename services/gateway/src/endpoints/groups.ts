/** `/v2/groups`: what is asked and answered about groups. Changes stand in `groups-changes.ts`. */
import { z } from "@hono/zod-openapi";
import { type AppId, ROOT_GROUP, renderApp } from "@muster/contracts";
import {
  appInfo,
  appsBelow,
  type Embed,
  type GroupNode,
  groupAt,
  groupTree,
  groupVersions,
  hasGroup,
  isoTime,
  unknownGroup,
} from "@muster/core";
import type { Context } from "hono";
import type { Gateway } from "../gateway.ts";
import { absoluteId, validId } from "../http/paths.ts";
import { type Api, addQuestion, type Env } from "../http/route.ts";
import { AppSchema, GroupSchema, list } from "../http/schemas.ts";
import { jsonReply } from "../http/stream.ts";
import { embedOf } from "./apps.ts";

const embed = list(
  "group.apps, group.groups, group.pods, which are there when nothing is named; group.apps.tasks and so on",
);

export function addGroups(api: Api, gateway: Gateway): void {
  for (const base of ["/v2/groups", "/v2/groups/{id}"] as const) {
    addTree(api, gateway, base);
    addGroupVersions(api, gateway, base);
  }
}

/** The root is always there. */
export const unknownAt = (base: string): "group.unknown"[] => (base.includes("{id}") ? ["group.unknown"] : []);

/** The group an address names. Throws `group.unknown` where no group can have the id. */
export function groupOfPath(c: Context<Env>): AppId {
  const text = absoluteId(c.req.param("id") ?? "");
  if (text === ROOT_GROUP) return text;
  const group = validId(text);
  if (group === null) throw unknownGroup(text);
  return group;
}

function addTree(api: Api, gateway: Gateway, base: string): void {
  const { state, health } = gateway;
  addQuestion(api, {
    path: base,
    about: "A group with all that stands in it",
    query: z.object({ embed }),
    replies: { 200: { about: "The group", schema: GroupSchema } },
    refusals: unknownAt(base),
    answer({ c, query }) {
      const tree = groupTree(state, groupOfPath(c));
      const embed = embedOf(gateway, query.embed);
      return jsonReply(
        c,
        jsonOf(tree, shown(query.embed), (app) => appInfo(state, health, app, embed)),
      );
    },
  });
  addQuestion(api, {
    path: `${base}/apps`,
    about: "All apps of a group, however deep",
    query: z.object({ embed }),
    replies: { 200: { about: "The apps, by id", schema: z.array(AppSchema) } },
    refusals: unknownAt(base),
    answer({ c, query }) {
      const group = groupOfPath(c);
      if (!hasGroup(state, group)) throw unknownGroup(group);
      return jsonReply(c, appsOf(gateway, group, embedOf(gateway, query.embed)));
    },
  });
}

function* appsOf({ state, health }: Gateway, group: AppId, embed: Embed): Generator<string> {
  yield "[";
  yield* jsonList(appsBelow(state, group), ({ id }) => jsonText(appInfo(state, health, id, embed)));
  yield "]";
}

type Shown = { readonly apps: boolean; readonly groups: boolean; readonly pods: boolean };

/** Words about apps ask for the apps as well. */
function shown(embed: readonly string[]): Shown {
  const isAsked = (name: string): boolean =>
    embed.length === 0 || embed.some((each) => each === `group.${name}` || each.startsWith(`group.${name}.`));
  return { apps: isAsked("apps"), groups: isAsked("groups"), pods: isAsked("pods") };
}

/** A group in Marathon's form, piece by piece: a tree may hold thousands of apps. */
function* jsonOf(node: GroupNode, shows: Shown, infoOf: (app: AppId) => object | null): Generator<string> {
  const { id, dependencies, version, enforceRole } = node;
  yield JSON.stringify({ id, dependencies, version: isoTime(version) }).slice(0, -1);
  if (enforceRole !== null) yield `,"enforceRole":${enforceRole}`;
  if (shows.pods) yield ',"pods":[]';
  if (shows.apps) {
    yield ',"apps":[';
    yield* jsonList(node.apps, (app) => jsonText(infoOf(app)));
    yield "]";
  }
  if (shows.groups) {
    yield ',"groups":[';
    let comma = "";
    for (const child of node.groups) {
      yield comma;
      yield* jsonOf(child, shows, infoOf);
      comma = ",";
    }
    yield "]";
  }
  yield "}";
}

/** What is gone by the time it is asked for is left out. */
const jsonText = (info: object | null): string | null => (info === null ? null : JSON.stringify(info));

function* jsonList<T>(items: readonly T[], textOf: (item: T) => string | null): Generator<string> {
  let comma = "";
  for (const item of items) {
    const text = textOf(item);
    if (text === null) continue;
    yield comma + text;
    comma = ",";
  }
}

function addGroupVersions(api: Api, { state }: Gateway, base: string): void {
  addQuestion(api, {
    path: `${base}/versions`,
    about: "Versions of a group that can be gone back to, newest first: one for each change of the group as a group",
    replies: { 200: { about: "ISO dates", schema: z.array(z.string()) } },
    refusals: unknownAt(base),
    answer({ c }) {
      const group = groupOfPath(c);
      if (!hasGroup(state, group)) throw unknownGroup(group);
      return c.json(groupVersions(state, group).map(({ version }) => isoTime(version)));
    },
  });
  addQuestion(api, {
    path: `${base}/versions/{version}`,
    about: "A group as it was in one version",
    query: z.object({ embed }),
    replies: { 200: { about: "The group", schema: GroupSchema } },
    refusals: ["group.unknown"],
    answer({ c, query }) {
      const text = c.req.param("version") ?? "";
      const { tree, specs, versions } = groupAt(state, groupOfPath(c), Date.parse(text), text);
      const infoOf = (app: AppId) => {
        const spec = specs.get(app);
        return spec === undefined ? null : renderApp(spec, { version: versions.get(app) ?? tree.version });
      };
      return jsonReply(c, jsonOf(tree, shown(query.embed), infoOf));
    },
  });
}
