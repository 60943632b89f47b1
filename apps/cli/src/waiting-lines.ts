/** Why instances have no place: the funnel as a table, then what comes closest and what would help. */
import type { WaitingDocument } from "@muster/contracts";
import type { Screen } from "@muster/terminal/screen";
import { tableLines } from "@muster/terminal/table";

export function funnelLines(waiting: WaitingDocument, screen: Screen): string[] {
  if (waiting.agentsSeen === 0) return [screen.paint("quiet", "  no agent was seen at all")];
  const refusals = waiting.refusals.filter(({ agents, check }) => agents > 0 || check === "gang");
  return tableLines(
    [
      { title: "CHECK", cell: ({ check }) => check },
      { title: "REFUSES", cell: ({ agents }) => `${agents} of ${waiting.agentsSeen}`, align: "right" },
      { title: "REASON", cell: ({ reason }) => reason, shrinksTo: 20 },
    ],
    refusals,
    screen,
    { indent: "  " },
  );
}

/** The nearest fit, and a line for each thing that would help. */
export function helpPairs({ nearest, wouldFitIf }: WaitingDocument): (readonly [string, string])[] {
  return [
    ...(nearest === null ? [] : [["nearest fit", `${nearest.agent}: ${nearest.lacks}`] as const]),
    ...wouldFitIf.map((phrase, i) => [i === 0 ? "would fit if" : "", phrase] as const),
  ];
}
