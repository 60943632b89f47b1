// How the stage tells what stands and what waits.

import type { HoldDocument, PlacedRow, WaitingDocument } from "@muster/contracts";

/** `/web.0 -> n1 ports=31000 disks=sda` */
export function tellRow(app: string, { slot, agent, ports, items, goal }: PlacedRow): string {
  const taken = Object.entries(items).map(([set, names]) => `${set}=${names.join(",")}`);
  const told = [
    ...(ports.length === 0 ? [] : [`ports=${ports.join(",")}`]),
    ...taken,
    ...(goal === "stop" ? ["stopping"] : []),
  ];
  return [`${app}.${slot} -> ${agent}`, ...told].join(" ");
}

export const tellRows = (app: string, rows: readonly PlacedRow[]): string[] =>
  rows.length === 0
    ? [`${app} stands nowhere`]
    : rows.toSorted((a, b) => a.slot - b.slot).map((row) => tellRow(app, row));

export function tellWaitingShortly({ app, count, refusals, agentsSeen }: WaitingDocument): string {
  const told = refusals.map(({ check, agents, reason }) => `${check} ${agents} (${reason})`);
  return `${app} waits for ${count}, agents ${agentsSeen}: ${told.join(", ") || "none had room for more"}`;
}

const at = (ms: number, from: number): string => `${(ms - from) / 1_000}s`;

export function tellWaiting(app: string, waiting: WaitingDocument | null, now: number, from: number): string[] {
  if (waiting === null) return [`${app} waits for nothing`];
  const { count, agentsSeen, sinceMs, refusals, nearest, wouldFitIf, cures, follows, holdFromMs } = waiting;
  return [
    `${app} waits for ${count}, agents ${agentsSeen}, for ${at(now, sinceMs)}`,
    ...refusals.map(({ check, agents, reason }) => `  ${check} refuses ${agents}: ${reason}`),
    ...(nearest === null ? [] : [`  closest is ${nearest.agent}: ${nearest.lacks}`]),
    ...wouldFitIf.map((phrase) => (/^\d/.test(phrase) ? `  ${phrase}` : `  it would fit if ${phrase}`)),
    ...(holdFromMs === null ? [] : [`  it may hold capacity from ${at(holdFromMs, from)} on`]),
    `  looked at again on ${[...cures, ...follows.map((each) => `placed:${each}`)].join(", ")}`,
  ];
}

export function tellHold(hold: HoldDocument | null, now: number, from: number): string {
  if (hold === null) return "nobody holds capacity";
  const members = Object.entries(hold.members).map(([agent, count]) => `${agent}=${count}`);
  const isOver = hold.untilMs <= now;
  return `${hold.app} ${isOver ? "held" : "holds"} ${members.join(" ")} until ${at(hold.untilMs, from)}`;
}
