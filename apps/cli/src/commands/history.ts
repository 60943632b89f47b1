/** `muster history APP`: the versions that are kept, newest first, with the deployments that led to them and how they came out. */
import { type Client, targetsOf } from "@muster/client";
import type { AppId, DeploymentDocument } from "@muster/contracts";
import type { Screen } from "@muster/terminal/screen";
import { age } from "@muster/terminal/units";
import { EXIT } from "../exit.ts";
import { findApp } from "../find.ts";
import { printList, type WideColumn } from "../output.ts";
import type { Run } from "../program.ts";
import { withSession } from "../session.ts";
import { deploymentCell, firstLine, tookText, whoText } from "./deployments.ts";

export const run: Run = (context, [text = ""]) =>
  withSession(context, async ({ client }) => {
    const app = await findApp(client, text);
    printList(context, await historyOf(client, app), {
      columns: columns(context.out, Date.now()),
      name: ({ version }) => version,
      empty: `no version of ${app} is kept`,
    });
    return EXIT.reached;
  });

/** A version, and one deployment that led to it; none where none is remembered. */
type Row = { readonly version: string; readonly isCurrent: boolean; readonly deployment: DeploymentDocument | null };

async function historyOf(client: Client, app: AppId): Promise<Row[]> {
  const [{ version: current }, versions, deployments] = await Promise.all([
    client.app(app),
    client.versions(app),
    client.deploymentHistory({ app }),
  ]);
  return versions.flatMap((version): Row[] => {
    const atMs = Date.parse(version);
    const led = deployments.filter((one) =>
      targetsOf(one, () => undefined).some((target) => target.app === app && target.version === atMs),
    );
    const isCurrent = current != null && Date.parse(current) === atMs;
    if (led.length === 0) return [{ version, isCurrent, deployment: null }];
    return led.map((deployment, i) => ({ version, isCurrent: isCurrent && i === 0, deployment }));
  });
}

const columns = (screen: Screen, nowMs: number): WideColumn<Row>[] => [
  { title: "", cell: ({ isCurrent }) => (isCurrent ? screen.glyphs.arrow : "") },
  { title: "VERSION", cell: ({ version }) => version },
  { title: "ACTION", cell: ({ deployment }) => deployment?.action ?? "" },
  { title: "STATE", cell: ({ deployment }) => (deployment === null ? "" : deploymentCell(deployment, screen)) },
  { title: "STARTED", cell: ({ deployment }) => age(deployment?.startedAtMs ?? null, nowMs), align: "right" },
  { title: "TOOK", cell: ({ deployment }) => (deployment === null ? "" : tookText(deployment, nowMs)), align: "right" },
  { title: "DEPLOYMENT", cell: ({ deployment }) => deployment?.id ?? "", shrinksTo: 8 },
  { title: "WHO", cell: ({ deployment }) => (deployment === null ? "" : whoText(deployment.by)), shrinksTo: 10 },
  {
    title: "MESSAGE",
    cell: ({ deployment }) => ({ text: firstLine(deployment?.message ?? null), tone: "quiet" }),
    shrinksTo: 16,
    optional: true,
  },
];
