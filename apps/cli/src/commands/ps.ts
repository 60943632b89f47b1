/** `muster ps [APP]`. */
import type { InstanceView } from "@muster/contracts";
import { addressOf, stateCell, whyNot } from "@muster/terminal/instances";
import type { Screen } from "@muster/terminal/screen";
import { age } from "@muster/terminal/units";
import { EXIT } from "../exit.ts";
import { findApp } from "../find.ts";
import { printList, type WideColumn } from "../output.ts";
import type { Run } from "../program.ts";
import { withSession } from "../session.ts";

export const run: Run = (context, [text], { all }) =>
  withSession(context, async ({ client }) => {
    const app = text === undefined ? undefined : await findApp(client, text);
    const instances = await client.instances({ ...(app === undefined ? {} : { app }), ended: all === true });
    instances.sort((a, b) => (a.app < b.app ? -1 : a.app > b.app ? 1 : a.slot - b.slot || a.attempt - b.attempt));
    printList(context, instances, {
      columns: columns(context.out, Date.now()),
      name: ({ id }) => id,
      empty:
        app === undefined ? "no instances" : `no instances of ${app}${all === true ? "" : ": --all shows ended ones"}`,
    });
    return EXIT.reached;
  });

const columns = (screen: Screen, nowMs: number): WideColumn<InstanceView>[] => [
  { title: "INSTANCE", cell: ({ id }) => id, shrinksTo: 16 },
  { title: "STATE", cell: (one) => stateCell(one, screen.glyphs) },
  { title: "AGENT", cell: ({ agent }) => agent ?? "", shrinksTo: 8 },
  { title: "ADDRESS", cell: addressOf, shrinksTo: 12, optional: true },
  { title: "AGE", cell: ({ sinceMs }) => age(sinceMs, nowMs), align: "right" },
  { title: "REASON", cell: (one) => ({ text: whyNot(one), tone: "quiet" }), shrinksTo: 16, optional: true },
  { title: "VERSION", cell: ({ version }) => new Date(version).toISOString(), wide: true },
  { title: "PID", cell: ({ pid }) => (pid === null ? "" : String(pid)), align: "right", wide: true, optional: true },
  { title: "CONTAINER", cell: ({ container }) => container?.slice(0, 12) ?? "", wide: true, optional: true },
  { title: "EXIT", cell: ({ exitCode }) => (exitCode === null ? "" : String(exitCode)), wide: true, optional: true },
];
