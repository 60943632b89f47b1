/** POST, PUT, PATCH, DELETE and restart of apps: read what was sent, decide on it, commit, answer as Marathon does. */
import { z } from "@hono/zod-openapi";
import {
  type AppId,
  type AppSpec,
  appToken,
  MusterError,
  mergeAppUpdate,
  type ParsedDocument,
  type ReadApp,
  readApp,
  renderApp,
} from "@muster/contracts";
import {
  appInfo,
  decideCreate,
  decideDelete,
  decideRestart,
  decideUpdate,
  refuseScaling,
  targetApp,
  unknownApp,
} from "@muster/core";
import type { Span } from "@muster/runtime";
import { commitChange, type Gateway, validate } from "../gateway.ts";
import { readDocument } from "../http/body.ts";
import { absoluteId, appAddress, validId } from "../http/paths.ts";
import { type Api, addMutation, type Call } from "../http/route.ts";
import { AppInputSchema, AppSchema, AppUpdateSchema, ChangeSchema, flag } from "../http/schemas.ts";
import { appOfPath, askedOf, changeReply, sayOutcome } from "./asked.ts";

const force = flag(false, "overtake a running deployment of the app, or go on with one that is being deleted");
const change = { about: "The change began, or nothing had to change", schema: ChangeSchema };

export function addAppChanges(api: Api, gateway: Gateway): void {
  addCreate(api, gateway);
  addUpdates(api, gateway);
  addMutation(api, gateway, {
    method: "delete",
    path: "/v2/apps/{id}",
    about: "Stop every instance of an app, then forget it",
    query: z.object({ force: flag(true, "overtake a running deployment of the app") }),
    replies: { 200: change },
    refusals: ["app.unknown", "app.locked"],
    async carryOut({ c, query, span }) {
      const asked = askedOf(gateway, c, span, { app: appOfPath(c), force: query.force });
      const answer = await commitChange(gateway, span, asked.app, (at) => decideDelete(gateway.state, asked, at));
      return changeReply(c, asked, { ...answer, isNew: false });
    },
  });
  addMutation(api, gateway, {
    method: "post",
    path: "/v2/apps/{id}/restart",
    about: "Replace every instance of an app by a new one of the same spec",
    query: z.object({ force }),
    replies: { 200: change },
    refusals: ["app.unknown", "app.locked", "app.deleting"],
    async carryOut({ c, query, span }) {
      const asked = askedOf(gateway, c, span, { app: appOfPath(c), force: query.force });
      const answer = await commitChange(gateway, span, asked.app, (at) => decideRestart(gateway.state, asked, at));
      return changeReply(c, asked, { ...answer, isNew: false });
    },
  });
}

function addCreate(api: Api, gateway: Gateway): void {
  addMutation(api, gateway, {
    method: "post",
    path: "/v2/apps",
    about: "Create an app",
    query: z.object({ force }),
    body: AppInputSchema,
    replies: { 201: { about: "The app, its deployment begun", schema: AppSchema } },
    refusals: ["json.malformed", "spec.type", "spec.invalid", "spec.unsupported", "app.exists", "app.deleting"],
    async carryOut({ c, query, span }) {
      const { reading, warnings } = await validate(gateway, span, async () => {
        const document = await readDocument(c.req.raw, gateway.limits.bodyBytes);
        const reading = readApp(document.value, { locate: document.locate });
        return { reading, warnings: document.warnings() };
      });
      const app = reading.spec.id;
      const asked = askedOf(gateway, c, span, { app, force: query.force });
      const answer = await commitChange(gateway, span, app, (at) => decideCreate(gateway.state, asked, reading, at));
      sayOutcome(c, answer, [...warnings, ...answer.warnings]);
      c.header("Location", appAddress(app));
      const info = appInfo(gateway.state, gateway.health, app, { tasks: true, lastTaskFailure: false });
      return c.json(
        info === null ? renderApp(reading.spec, { version: answer.version }) : { ...info, ...nothingYet },
        201,
      );
    },
  });
}

/** As Marathon answers: what was just created has no tasks. */
const nothingYet = { tasksStaged: 0, tasksRunning: 0, tasksHealthy: 0, tasksUnhealthy: 0, tasks: [] };

function addUpdates(api: Api, gateway: Gateway): void {
  addMutation(api, gateway, {
    method: "put",
    path: "/v2/apps/{id}",
    about: "Change an app, or create it; {version} alone goes back to that version",
    query: z.object({ force, partialUpdate: flag(true, "fields that are not sent stay as they are") }),
    body: AppUpdateSchema,
    replies: { 200: change, 201: { about: "The app was created", schema: ChangeSchema } },
    refusals: ["spec.type", "spec.invalid", "spec.unsupported", "app.locked", "app.deleting"],
    carryOut: (call) => update(gateway, call, { mustExist: false, isPartial: call.query.partialUpdate }),
  });
  addMutation(api, gateway, {
    method: "patch",
    path: "/v2/apps/{id}",
    about: "Change an app that exists",
    query: z.object({ force }),
    body: AppUpdateSchema,
    replies: { 200: change },
    refusals: ["spec.type", "spec.invalid", "spec.unsupported", "app.unknown", "app.locked", "app.deleting"],
    carryOut: (call) => update(gateway, call, { mustExist: true, isPartial: true }),
  });
}

type Manner = { readonly mustExist: boolean; readonly isPartial: boolean };
type Read = (current: AppSpec | null) => ReadApp;

async function update(
  gateway: Gateway,
  { c, query, span }: Call<z.ZodObject<{ force: typeof force }>> & { readonly span: Span },
  { mustExist, isPartial }: Manner,
): Promise<Response> {
  const { state } = gateway;
  const text = absoluteId(c.req.param("id") ?? "");
  const app = validId(text);
  if (app === null && mustExist) throw unknownApp(text);
  const id = app ?? text;
  const { read, isAtOnce, warnings } = await validate(gateway, span, async () => {
    const document = await readDocument(c.req.raw, gateway.limits.bodyBytes);
    const read = once(readerOf(gateway, id, document, isPartial));
    // Once before anything is decided, so that a mistake is told as one, and the commit seldom reads again.
    const current = targetApp(state, id);
    if (current === null && mustExist) throw unknownApp(id);
    read(current?.spec ?? null);
    return { read, isAtOnce: versionAlone(document.value) !== null, warnings: document.warnings() };
  });
  const asked = askedOf(gateway, c, span, { app: id, force: query.force });
  const rules = { read, mustExist, isAtOnce };
  const answer = await commitChange(gateway, span, id, (at) => decideUpdate(state, asked, rules, at));
  return changeReply(c, asked, answer, [...warnings, ...answer.warnings]);
}

function readerOf({ state }: Gateway, app: AppId, { value, locate }: ParsedDocument, isPartial: boolean): Read {
  const version = versionAlone(value);
  if (version !== null)
    return () => goBack(state.kind("version").get(`${appToken(app)}.${Date.parse(version)}`)?.value.spec, app, version);
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (isObject) refuseVersionBesideOthers(value);
  // The address names the app, whatever the body says.
  const whole = isObject ? { ...value, id: app } : value;
  return (current) => {
    if (current === null || !isPartial) return readApp(whole, { locate });
    // Beside other fields the number is understood as part of a whole app, and what it cannot mean is warned of.
    if (isObject && isNumberAlone(value)) refuseScaling(current, Number(value.instances));
    return mergeAppUpdate(current, value, { locate });
  };
}

/**
 * A version goes back to it, and only alone. People also fetch an app, edit it and send it back: that is told by what only replies
 * carry, and its version is the one it was fetched at.
 */
function refuseVersionBesideOthers(value: object): void {
  if (!("version" in value) || value.version == null || "versionInfo" in value || "tasksRunning" in value) return;
  const others = Object.keys(value).filter((name) => name !== "id" && name !== "version");
  const message = `a version goes back to it and must stand alone: leave out ${others.slice(0, 5).join(", ")}, or the version`;
  throw new MusterError("spec.invalid", `/version: ${message}`, { problems: [{ path: "/version", message }] });
}

/** `{"instances": 5}`, with or without the id: nothing but another number of instances. */
function isNumberAlone(value: object): value is { instances: unknown } {
  const { id: _, ...others } = value as Record<string, unknown>;
  return Object.keys(others).length === 1 && "instances" in others;
}

/** `{"version": "2026-11-20T13:19:00.000Z"}`, with or without the id: go back to that version. */
function versionAlone(value: unknown): string | null {
  if (typeof value !== "object" || value === null) return null;
  const { id: _, version, ...others } = value as Record<string, unknown>;
  if (typeof version !== "string" || Object.keys(others).length > 0) return null;
  if (Number.isNaN(Date.parse(version))) throw noVersion(version);
  return version;
}

function noVersion(version: string): MusterError {
  const message = `expected a version, such as "2026-11-20T13:19:00.000Z", got ${JSON.stringify(version.slice(0, 60))}`;
  return new MusterError("spec.invalid", `/version: ${message}`, { problems: [{ path: "/version", message }] });
}

function goBack(spec: AppSpec | undefined, app: AppId, version: string): ReadApp {
  if (spec?.id !== app) throw unknownApp(app, version);
  return { spec, warnings: [] };
}

/** Decisions are repeated until one lands; the document need only be read again when the app has changed. */
function once(read: Read): Read {
  let last: { current: AppSpec | null; reading: ReadApp } | null = null;
  return (current) => {
    if (last === null || JSON.stringify(last.current) !== JSON.stringify(current))
      last = { current, reading: read(current) };
    return last.reading;
  };
}
