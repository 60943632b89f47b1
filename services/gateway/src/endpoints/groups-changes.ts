/** POST, PUT, PATCH and DELETE of groups: one deployment for all of it. */
import { z } from "@hono/zod-openapi";
import { type AppId, MusterError, type ReadGroup, readGroup } from "@muster/contracts";
import {
  decideEnforceRole,
  decideGroup,
  decideGroupCreate,
  decideGroupDelete,
  isAtOrBelow,
  isoTime,
  marathonAction,
  type TreeAnswer,
  type TreeAsked,
} from "@muster/core";
import type { Span } from "@muster/runtime";
import type { Context } from "hono";
import { commitTree } from "../commit/groups-commit.ts";
import { commit, type Gateway, validate } from "../gateway.ts";
import { readAs, readDocument } from "../http/body.ts";
import { type Api, addMutation, type Env } from "../http/route.ts";
import { ChangeSchema, DryRunSchema, flag, GroupInputSchema } from "../http/schemas.ts";
import { sayOutcome } from "./asked.ts";
import { groupOfPath, unknownAt } from "./groups.ts";

const force = flag(false, "overtake running deployments of the apps that change, each as a whole");
const change = { about: "The change began, or nothing had to change", schema: ChangeSchema };
const RoleSchema = z.object({ enforceRole: z.boolean() });

export function addGroupChanges(api: Api, gateway: Gateway): void {
  for (const path of ["/v2/groups", "/v2/groups/{id}"] as const) {
    addCreate(api, gateway, path);
    addUpdate(api, gateway, path);
    addDelete(api, gateway, path);
  }
  addMutation(api, gateway, {
    method: "patch",
    path: "/v2/groups/{id}",
    about: "Say whether the apps of a group right below the root must run in its role. Kept, and without effect yet",
    body: RoleSchema,
    replies: { 200: { about: "It is kept" } },
    refusals: ["group.unknown", "spec.type", "spec.invalid"],
    async carryOut({ c, span }) {
      const group = groupOfPath(c);
      const { enforceRole } = await validate(gateway, span, async () =>
        readAs(RoleSchema, await readDocument(c.req.raw, gateway.limits.bodyBytes)),
      );
      await commit(gateway, span, (at) => ({
        decision: decideEnforceRole(gateway.state, group, enforceRole, span.traceparent, at),
        answer: null,
      }));
      return c.body(null, 200);
    },
  });
}

export function treeAskedOf(gateway: Gateway, c: Context<Env>, span: Span, isForced: boolean): TreeAsked {
  span.set({ "muster.force": isForced });
  const { requester: by } = c.env;
  return { deploymentId: gateway.drawId(), by, submitted: null, trace: span.traceparent, force: isForced };
}

/** Marathon's reply to a change; as of one app, where nothing had to change the id is one that is never listed. */
export function treeReply(
  c: Context<Env>,
  asked: TreeAsked,
  answer: TreeAnswer,
  warnings: ReadGroup["warnings"],
  status: 200 | 201 = 200,
): Response {
  sayOutcome(c, answer, [...warnings, ...answer.warnings]);
  const deploymentId = answer.deployment ?? asked.deploymentId;
  return c.json({ version: isoTime(answer.version), deploymentId }, status);
}

type Sent = { readonly reading: ReadGroup; readonly warnings: ReadGroup["warnings"] };

/** What was sent, of the group of the address or one below it. */
async function read(gateway: Gateway, c: Context<Env>, span: Span): Promise<Sent> {
  const group = groupOfPath(c);
  return validate(gateway, span, async () => {
    const { value, locate, warnings } = await readDocument(c.req.raw, gateway.limits.bodyBytes);
    const reading = readGroup(value, { groupPath: group, locate });
    if (!isAtOrBelow(reading.wish.id, group)) throw elsewhere(reading.wish.id, group);
    return { reading, warnings: warnings() };
  });
}

function elsewhere(id: AppId, group: AppId): MusterError {
  const message = `the address says ${group}, and ${id} does not stand there`;
  return new MusterError("spec.invalid", `/id: ${message}`, { problems: [{ path: "/id", message }] });
}

function addCreate(api: Api, gateway: Gateway, path: string): void {
  addMutation(api, gateway, {
    method: "post",
    path,
    about: "Create a group with all that is to stand in it, in the order of its dependencies",
    query: z.object({ force }),
    body: GroupInputSchema,
    replies: { 201: { about: "Its deployment has begun", schema: ChangeSchema } },
    refusals: ["spec.type", "spec.invalid", "spec.unsupported", "group.exists", "app.exists", "change.too-large"],
    async carryOut({ c, query, span }) {
      const { reading, warnings } = await read(gateway, c, span);
      const asked = treeAskedOf(gateway, c, span, query.force);
      const answer = await commitTree(gateway, span, asked, (each, at) =>
        decideGroupCreate(gateway.state, each, reading, at),
      );
      c.header("Location", `/v2/groups${reading.wish.id}`);
      return treeReply(c, asked, answer, warnings, 201);
    },
  });
}

function addUpdate(api: Api, gateway: Gateway, path: string): void {
  addMutation(api, gateway, {
    method: "put",
    path,
    about:
      "Change a group, or create it; {version} alone goes back to that version, {scaleBy} alone scales every app in it",
    query: z.object({ force, dryRun: flag(false, "only say the steps it would take") }),
    body: GroupInputSchema,
    replies: {
      200: { about: "The change began, or nothing had to change", schema: z.union([ChangeSchema, DryRunSchema]) },
    },
    refusals: [
      "spec.type",
      "spec.invalid",
      "spec.unsupported",
      "group.unknown",
      "app.exists",
      "app.locked",
      "app.deleting",
    ],
    async carryOut({ c, query, span }) {
      const { reading, warnings } = await read(gateway, c, span);
      const asked = treeAskedOf(gateway, c, span, query.force);
      if (query.dryRun) {
        const { answer } = decideGroup(gateway.state, { ...asked, force: true }, reading, gateway.circumstances());
        return stepsReply(c, answer);
      }
      const answer = await commitTree(gateway, span, asked, (each, at) =>
        decideGroup(gateway.state, each, reading, at),
      );
      return treeReply(c, asked, answer, warnings);
    },
  });
}

export const stepsReply = (c: Context<Env>, { steps }: TreeAnswer): Response =>
  c.json({ steps: steps.map(({ actions }) => ({ actions: actions.map(shownAction) })) });

const shownAction = ({ action, app }: TreeAnswer["steps"][number]["actions"][number]) => ({
  action: marathonAction(action),
  app,
});

function addDelete(api: Api, gateway: Gateway, path: string): void {
  addMutation(api, gateway, {
    method: "delete",
    path,
    about: "Stop and forget all that stands in a group, what depends on something first; then the group is gone",
    query: z.object({ force }),
    replies: { 200: change },
    refusals: [...unknownAt(path), "app.locked", "change.too-large"],
    async carryOut({ c, query, span }) {
      const group = groupOfPath(c);
      const asked = treeAskedOf(gateway, c, span, query.force);
      const answer = await commitTree(gateway, span, asked, (each, at) =>
        decideGroupDelete(gateway.state, each, group, at),
      );
      return treeReply(c, asked, answer, []);
    },
  });
}
