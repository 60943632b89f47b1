/** PUT and PATCH of `/v2/apps`: a list of apps, changed together by one deployment. */
import { z } from "@hono/zod-openapi";
import {
  type AppId,
  type AppSpec,
  isAppId,
  MusterError,
  mergeAppUpdate,
  type ParsedDocument,
  type Path,
  type Problem,
  readApp,
} from "@muster/contracts";
import { type AppsReading, type AppTarget, currentApp, decideApps, targetApp, unknownApp } from "@muster/core";
import type { Span } from "@muster/runtime";
import { commitTree } from "../commit/groups-commit.ts";
import { type Gateway, validate } from "../gateway.ts";
import { readDocument } from "../http/body.ts";
import { absoluteId } from "../http/paths.ts";
import { type Api, addMutation, type Call } from "../http/route.ts";
import { AppUpdateSchema, ChangeSchema, flag } from "../http/schemas.ts";
import { treeAskedOf, treeReply } from "./groups-changes.ts";

const force = flag(false, "overtake running deployments of these apps, each as a whole");
const body = z.array(AppUpdateSchema);
const replies = { 200: { about: "The change of all of them began, or nothing had to change", schema: ChangeSchema } };

export function addAppLists(api: Api, gateway: Gateway): void {
  addMutation(api, gateway, {
    method: "put",
    path: "/v2/apps",
    about: "Change several apps in one deployment, and create those that are missing",
    query: z.object({ force, partialUpdate: flag(true, "fields that are not sent stay as they are") }),
    body,
    replies,
    refusals: ["spec.type", "spec.invalid", "spec.unsupported", "app.exists", "app.locked", "app.deleting"],
    carryOut: (call) => update(gateway, call, { mustExist: false, isPartial: call.query.partialUpdate }),
  });
  addMutation(api, gateway, {
    method: "patch",
    path: "/v2/apps",
    about: "Change several apps that exist in one deployment; where one does not, nothing is changed",
    query: z.object({ force }),
    body,
    replies,
    refusals: ["spec.type", "spec.invalid", "spec.unsupported", "app.unknown", "app.locked", "app.deleting"],
    carryOut: (call) => update(gateway, call, { mustExist: true, isPartial: true }),
  });
}

type Manner = { readonly mustExist: boolean; readonly isPartial: boolean };
type CurrentOf = (app: AppId) => AppSpec | null;

async function update(
  gateway: Gateway,
  { c, query, span }: Call<z.ZodObject<{ force: typeof force }>> & { readonly span: Span },
  manner: Manner,
): Promise<Response> {
  const { state } = gateway;
  const { read, warnings } = await validate(gateway, span, async () => {
    const document = await readDocument(c.req.raw, gateway.limits.bodyBytes);
    const items = itemsOf(document);
    const read = (currentOf: CurrentOf): AppsReading => readAll(items, document, currentOf, manner);
    // Once before anything is decided, so that a mistake is told as one.
    read((app) => targetApp(state, app)?.spec ?? null);
    return { read, warnings: document.warnings() };
  });
  const asked = treeAskedOf(gateway, c, span, query.force);
  // Of an app that is on its way out the last spec is what is changed: that it may not be is for the decision to say.
  const last = (app: AppId): AppSpec | null => currentApp(state, app)?.spec ?? null;
  const answer = await commitTree(gateway, span, asked, (each, at) =>
    decideApps(state, each, (currentOf) => read((app) => currentOf(app) ?? last(app)), at),
  );
  return treeReply(c, asked, answer, warnings);
}

/** A list whose fields that are not sent get their defaults. @throws `spec.type`, `spec.invalid`, `spec.unsupported` */
export const readWholeApps = (document: ParsedDocument): AppsReading =>
  readAll(itemsOf(document), document, () => null, { mustExist: false, isPartial: false });

function itemsOf({ value, locate }: ParsedDocument): readonly unknown[] {
  if (Array.isArray(value)) return value;
  const message = "expected a list of apps; one app is changed at its own address";
  throw new MusterError("spec.type", message, { problems: [{ path: "", message, ...locate([]) }] });
}

/** All apps, or all that is wrong with any of them. */
function readAll(
  items: readonly unknown[],
  document: ParsedDocument,
  currentOf: CurrentOf,
  { mustExist, isPartial }: Manner,
): AppsReading {
  const apps: AppTarget[] = [];
  const warnings: Problem[] = [];
  const refused: MusterError[] = [];
  const seen = new Set<AppId>();
  for (const [i, item] of items.entries()) {
    const path = [i];
    try {
      const id = idOf(item);
      const current = id === null ? null : currentOf(id);
      if (current === null && mustExist && id !== null) throw unknownApp(id);
      const options = { locate: document.locate, at: path };
      const reading = current === null || !isPartial ? readApp(item, options) : mergeAppUpdate(current, item, options);
      if (seen.has(reading.spec.id)) throw twice(reading.spec.id, path, document);
      seen.add(reading.spec.id);
      apps.push({ app: reading.spec.id, spec: reading.spec, path });
      warnings.push(...reading.warnings);
    } catch (cause) {
      if (!(cause instanceof MusterError)) throw cause;
      refused.push(cause);
    }
  }
  if (refused.length > 0) throw together(refused);
  return { apps, warnings };
}

/** Null where the reader will say what is wrong with it. */
function idOf(item: unknown): AppId | null {
  const id = typeof item === "object" && item !== null && "id" in item ? item.id : null;
  const app = typeof id === "string" ? absoluteId(id) : null;
  return app !== null && isAppId(app) ? app : null;
}

function twice(id: AppId, path: Path, { locate }: ParsedDocument): MusterError {
  const [at, message] = [`(${path[0]})/id`, `${id} stands in the list twice`];
  return new MusterError("spec.invalid", `${at}: ${message}`, {
    problems: [{ path: at, message, ...locate([...path, "id"]) }],
  });
}

const GRAVEST_FIRST = ["app.unknown", "spec.type", "spec.invalid", "spec.unsupported"];

function together(refused: readonly MusterError[]): MusterError {
  const rank = ({ code }: MusterError): number =>
    (GRAVEST_FIRST.indexOf(code) + GRAVEST_FIRST.length) % GRAVEST_FIRST.length;
  const [first] = refused.toSorted((a, b) => rank(a) - rank(b));
  const { code, message } = first as MusterError;
  const problems = refused.flatMap((each) => each.problems);
  const others = refused.length - 1;
  return new MusterError(code, others === 0 ? message : `${message}; and ${others} more of the list have problems`, {
    problems,
  });
}
