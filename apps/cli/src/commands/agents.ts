/** `muster agents`. */
import type { AgentView } from "@muster/contracts";
import { attributeText } from "@muster/contracts";
import type { Screen } from "@muster/terminal/screen";
import type { Cell } from "@muster/terminal/table";
import { age, cores, mebibytes } from "@muster/terminal/units";
import { EXIT } from "../exit.ts";
import { printList, type WideColumn } from "../output.ts";
import type { Run } from "../program.ts";
import { withSession } from "../session.ts";

export const run: Run = (context) =>
  withSession(context, async ({ client }) => {
    const agents = (await client.agents()).sort((a, b) => (a.id < b.id ? -1 : 1));
    printList(context, agents, {
      columns: columns(context.out, Date.now()),
      name: ({ id }) => id,
      empty: 'no agents yet: "muster up" starts some on this machine',
    });
    return EXIT.reached;
  });

const columns = (screen: Screen, nowMs: number): WideColumn<AgentView>[] => [
  { title: "AGENT", cell: ({ id }) => id, shrinksTo: 12 },
  { title: "STATE", cell: (agent) => gateCell(agent, screen) },
  { title: "SINCE", cell: ({ gate }) => age(gate.sinceMs, nowMs), align: "right" },
  { title: "INSTANCES", cell: ({ instances }) => String(instances), align: "right" },
  {
    title: "CPUS",
    cell: ({ used, capacity }) => `${cores(used.cpuMillis)}/${cores(capacity.cpuMillis)}`,
    align: "right",
  },
  {
    title: "MEMORY",
    cell: ({ used, capacity }) => `${mebibytes(used.memoryMib)} / ${mebibytes(capacity.memoryMib)}`,
    align: "right",
  },
  {
    title: "GPUS",
    cell: ({ used, capacity }) => (capacity.gpus === 0 ? "" : `${used.gpus}/${capacity.gpus}`),
    align: "right",
    optional: true,
  },
  { title: "RUNTIMES", cell: ({ runtimes }) => runtimes.join(",") },
  {
    title: "ORPHANS",
    cell: ({ orphans }) => (orphans.length === 0 ? "" : { text: String(orphans.length), tone: "warn" }),
    align: "right",
    optional: true,
  },
  { title: "ADDRESS", cell: ({ address }) => address, wide: true },
  {
    title: "DISK",
    cell: ({ used, capacity }) => `${mebibytes(used.diskMib)} / ${mebibytes(capacity.diskMib)}`,
    align: "right",
    wide: true,
  },
  { title: "PORTS", cell: ({ ports }) => ports.map(({ first, last }) => `${first}-${last}`).join(","), wide: true },
  { title: "ATTRIBUTES", cell: attributesOf, wide: true, optional: true },
];

/** Open for new instances, or why not. */
export function gateCell({ gate }: Pick<AgentView, "gate">, { glyphs }: Pick<Screen, "glyphs">): Cell {
  if (gate.open) return { text: `${glyphs.ok} open`, tone: "good" };
  const isLost = gate.reason === "unreachable" || gate.reason === "suspect";
  return isLost
    ? { text: `${glyphs.bad} ${gate.reason}`, tone: "bad" }
    : { text: `${glyphs.warn} ${gate.reason}`, tone: "warn" };
}

const attributesOf = ({ attributes }: AgentView): string =>
  Object.entries(attributes)
    .map(([name, attribute]) => `${name}=${attributeText(attribute)}`)
    .join(" ");
