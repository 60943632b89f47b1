/** `muster deployments [APP]`: those that run, and how those of the last days came out. */
import { appIdFrom, type Client } from "@muster/client";
import {
  type AppId,
  affectedApps,
  type DeploymentDocument,
  MusterError,
  type Requester,
  stepsOf,
} from "@muster/contracts";
import type { Tone } from "@muster/terminal/paint";
import type { Screen } from "@muster/terminal/screen";
import type { Cell } from "@muster/terminal/table";
import { age, duration } from "@muster/terminal/units";
import { EXIT } from "../exit.ts";
import { findApp } from "../find.ts";
import { printList, type WideColumn } from "../output.ts";
import type { Run } from "../program.ts";
import { withSession } from "../session.ts";

export const run: Run = (context, [text], { running }) =>
  withSession(context, async ({ client }) => {
    const app = text === undefined ? undefined : await appWithHistory(client, text);
    const query = { ...(app === undefined ? {} : { app }), ...(running === true ? { state: "running" as const } : {}) };
    printList(context, await client.deploymentHistory(query), {
      columns: columns(context.out, Date.now()),
      name: ({ id }) => id,
      empty: `no deployment${app === undefined ? "" : ` of ${app}`} ${running === true ? "is running" : "in the last days"}`,
    });
    return EXIT.reached;
  });

/** An app that was removed is known by the deployments that are remembered of it. @throws as `findApp` does */
async function appWithHistory(client: Client, text: string): Promise<AppId> {
  try {
    return await findApp(client, text);
  } catch (cause) {
    const removed = cause instanceof MusterError && cause.code === "app.unknown" ? appIdFrom(text) : null;
    if (removed === null || (await client.deploymentHistory({ app: removed })).length === 0) throw cause;
    return removed;
  }
}

const APPS_SHOWN_MAX = 3;

const columns = (screen: Screen, nowMs: number): WideColumn<DeploymentDocument>[] => [
  { title: "DEPLOYMENT", cell: ({ id }) => id, shrinksTo: 8 },
  { title: "APPS", cell: appsText, shrinksTo: 12 },
  { title: "ACTION", cell: ({ action }) => action },
  { title: "STEP", cell: stepText },
  { title: "STATE", cell: (one) => deploymentCell(one, screen) },
  { title: "STARTED", cell: ({ startedAtMs }) => age(startedAtMs, nowMs), align: "right" },
  { title: "TOOK", cell: (one) => tookText(one, nowMs), align: "right" },
  { title: "WHO", cell: ({ by }) => whoText(by), shrinksTo: 10 },
  {
    title: "MESSAGE",
    cell: ({ message }) => ({ text: firstLine(message), tone: "quiet" }),
    shrinksTo: 16,
    optional: true,
  },
  { title: "VERSION", cell: ({ version }) => new Date(version).toISOString(), wide: true },
  { title: "ROLLED BACK BY", cell: ({ rolledBackBy }) => rolledBackBy ?? "", wide: true, optional: true },
  { title: "ROLLS BACK", cell: ({ rollsBack }) => rollsBack ?? "", wide: true, optional: true },
];

function appsText(deployment: DeploymentDocument): string {
  const apps = affectedApps(deployment);
  const more = apps.length - APPS_SHOWN_MAX;
  return `${apps.slice(0, APPS_SHOWN_MAX).join(" ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** `2/3`, and the stage of it where it has left the first. */
function stepText(deployment: DeploymentDocument): string {
  const steps = Math.max(1, stepsOf(deployment).length);
  const stage = deployment.stage > 0 ? `, stage ${deployment.stage + 1}` : "";
  return `${Math.min(deployment.step + 1, steps)}/${steps}${stage}`;
}

const LOOKS: Readonly<Record<DeploymentDocument["state"], { glyph: "ok" | "bad" | "moving" | "ended"; tone: Tone }>> = {
  running: { glyph: "moving", tone: "moving" },
  succeeded: { glyph: "ok", tone: "good" },
  failed: { glyph: "bad", tone: "bad" },
  aborted: { glyph: "ended", tone: "warn" },
  superseded: { glyph: "ended", tone: "quiet" },
};

export function deploymentCell({ state, isPaused }: DeploymentDocument, { glyphs }: Pick<Screen, "glyphs">): Cell {
  if (state === "running" && isPaused) return { text: `${glyphs.warn} paused`, tone: "warn" };
  const { glyph, tone } = LOOKS[state];
  return { text: `${glyphs[glyph]} ${state}`, tone };
}

export const tookText = ({ startedAtMs, endedAtMs }: DeploymentDocument, nowMs: number): string =>
  duration((endedAtMs ?? nowMs) - startedAtMs);

/** Clients over NATS say who they are; of others the address is known. */
export const whoText = ({ who, from }: Requester): string => (who === "nats" ? from : `${who} ${from}`.trim());

export const firstLine = (message: string | null): string =>
  (message ?? "").split("\n")[0]?.replace(/;[^;]*:$/, "") ?? "";
