/** `muster ps [APP]`. */
import type { Client } from "@muster/client";
import type { AppId, InstanceView } from "@muster/contracts";
import { addressOf, hasEnded, stateCell, whyNot } from "@muster/terminal/instances";
import type { Screen } from "@muster/terminal/screen";
import type { Cell } from "@muster/terminal/table";
import { age } from "@muster/terminal/units";
import { isForPrograms } from "../context.ts";
import { EXIT } from "../exit.ts";
import { findApp } from "../find.ts";
import { printDocument, printList, type WideColumn } from "../output.ts";
import type { Run } from "../program.ts";
import { heldBack, type Restarts, restartsIn } from "../restarts.ts";
import { withSession } from "../session.ts";

type Row = InstanceView & { readonly restarts: Restarts };

export const run: Run = (context, [text], { all }) =>
  withSession(context, async ({ client }) => {
    const app = text === undefined ? undefined : await findApp(client, text);
    const nowMs = Date.now();
    const known = await client.instances({ ...(app === undefined ? {} : { app }), ended: true });
    const living = known.filter((one) => !hasEnded(one));
    // Programs are told what stands; people see what does not, too.
    const isForPeople = !isForPrograms(context) && context.output !== "name";
    const shown = all === true ? known : isForPeople ? [...living, ...(await missing(client, app, known))] : living;
    const restarts = restartsIn(known, nowMs);
    const rows = shown.map((one): Row => ({ ...one, restarts: restarts(one) }));
    rows.sort((a, b) => (a.app < b.app ? -1 : a.app > b.app ? 1 : a.slot - b.slot || a.attempt - b.attempt));
    if (isForPrograms(context)) printDocument(context, rows.map(forPrograms));
    else
      printList(context, rows, {
        columns: columns(context.out, nowMs),
        name: ({ id }) => id,
        empty:
          app === undefined
            ? "no instances"
            : `no instances of ${app}${all === true ? "" : ": --all shows ended ones"}`,
      });
    return EXIT.reached;
  });

/** An app that crashes has no instance until its next attempt is due: its last ones then stand for it. */
async function missing(
  client: Client,
  app: AppId | undefined,
  known: readonly InstanceView[],
): Promise<InstanceView[]> {
  if (!known.some(hasEnded)) return [];
  const apps = app === undefined ? await client.apps() : [await client.app(app)];
  return heldBack(known, new Map(apps.map(({ id, instances }) => [id, instances])));
}

const forPrograms = ({ restarts: { count, lastFailure, isFlapping }, ...instance }: Row) => ({
  ...instance,
  restarts: count,
  isFlapping,
  lastFailure,
});

const columns = (screen: Screen, nowMs: number): WideColumn<Row>[] => [
  { title: "INSTANCE", cell: ({ id }) => id, shrinksTo: 16 },
  { title: "STATE", cell: (one) => stateCell(one, screen.glyphs) },
  { title: "AGENT", cell: ({ agent }) => agent ?? "", shrinksTo: 8 },
  { title: "ADDRESS", cell: addressOf, shrinksTo: 12, optional: true },
  { title: "AGE", cell: ({ sinceMs }) => age(sinceMs, nowMs), align: "right" },
  { title: "RESTARTS", cell: (row) => restartsCell(row, screen), align: "right" },
  { title: "LAST FAILURE", cell: (row) => failureCell(row, nowMs), shrinksTo: 16, optional: true },
  { title: "REASON", cell: (one) => ({ text: reasonOf(one), tone: "quiet" }), shrinksTo: 16, optional: true },
  { title: "VERSION", cell: ({ version }) => new Date(version).toISOString(), wide: true },
  { title: "PID", cell: ({ pid }) => (pid === null ? "" : String(pid)), align: "right", wide: true, optional: true },
  { title: "CONTAINER", cell: ({ container }) => container?.slice(0, 12) ?? "", wide: true, optional: true },
  { title: "EXIT", cell: ({ exitCode }) => (exitCode === null ? "" : String(exitCode)), wide: true, optional: true },
];

function restartsCell({ restarts: { count, isFlapping } }: Row, { glyphs }: Screen): Cell {
  return isFlapping
    ? { text: `${glyphs.warn} flapping ${count}`, tone: "bad" }
    : { text: String(count), tone: count > 0 ? "warn" : "quiet" };
}

function failureCell({ restarts: { lastFailure } }: Row, nowMs: number): Cell {
  if (lastFailure === null) return { text: "", tone: "quiet" };
  return { text: `${age(lastFailure.sinceMs, nowMs)} ago: ${whyNot(lastFailure)}`, tone: "quiet" };
}

/** Of one that failed the reason stands beside the time already. */
const reasonOf = (row: Row): string => (row.restarts.lastFailure?.id === row.id ? "" : whyNot(row));
