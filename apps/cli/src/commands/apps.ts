/** `muster apps`. */
import type { AppView } from "@muster/client";
import type { Screen } from "@muster/terminal/screen";
import type { Cell } from "@muster/terminal/table";
import { cores, mebibytes } from "@muster/terminal/units";
import { EXIT } from "../exit.ts";
import { printList, type WideColumn } from "../output.ts";
import type { Run } from "../program.ts";
import { withSession } from "../session.ts";

export const run: Run = (context) =>
  withSession(context, async ({ client }) => {
    const apps = (await client.apps()).sort((a, b) => (a.id < b.id ? -1 : 1));
    printList(context, apps, {
      columns: columns(context.out),
      name: ({ id }) => id,
      empty: 'no apps yet: start one with "muster run FILE"',
    });
    return EXIT.reached;
  });

const columns = (screen: Screen): WideColumn<AppView>[] => [
  { title: "APP", cell: ({ id }) => id, shrinksTo: 16 },
  { title: "STATE", cell: (app) => stateOf(app, screen) },
  { title: "RUNNING", cell: (app) => `${app.tasksRunning}/${app.instances}`, align: "right" },
  { title: "HEALTHY", cell: healthOf, align: "right", optional: true },
  { title: "CPUS", cell: ({ cpus }) => cores(cpus * 1000), align: "right" },
  { title: "MEMORY", cell: ({ mem }) => mebibytes(mem), align: "right" },
  { title: "RUNS", cell: commandOf, shrinksTo: 12 },
  { title: "VERSION", cell: ({ version }) => version ?? "", wide: true },
  { title: "DEPLOYMENT", cell: ({ deployments }) => deployments[0]?.id ?? "", wide: true, optional: true },
];

function stateOf(app: AppView, { glyphs }: Screen): Cell {
  if (app.deployments.length > 0) return { text: `${glyphs.moving} deploying`, tone: "moving" };
  if (app.instances === 0) return { text: `${glyphs.ended} stopped`, tone: "quiet" };
  if (app.tasksRunning < app.instances) return { text: `${glyphs.waiting} incomplete`, tone: "warn" };
  if (app.tasksUnhealthy > 0) return { text: `${glyphs.bad} unhealthy`, tone: "bad" };
  return { text: `${glyphs.ok} running`, tone: "good" };
}

/** Apps without checks have no health to count. */
const healthOf = (app: AppView): string =>
  (app.healthChecks ?? []).length > 0 || app.tasksHealthy + app.tasksUnhealthy > 0
    ? `${app.tasksHealthy}/${app.tasksRunning}`
    : "";

const commandOf = ({ cmd, args, container }: AppView): string =>
  [container?.docker?.image, cmd ?? args?.join(" ")].filter((part) => part != null && part !== "").join("  ");
