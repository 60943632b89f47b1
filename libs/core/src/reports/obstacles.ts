/** What stands between an instance and a place, in words: who refuses, what comes closest, what would help, who holds capacity. */
import type { HoldDocument, WaitingDocument } from "@muster/contracts";
import { spanText } from "../apps/time.ts";

const nameOf = (app: string): string => app.replace(/^\//, "");
const some = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`;

/** `of 3 agents 2 refused by constraints (...), 1 by cpus (...); closest n3: needs 0.5 cpus, 0.2 free; would fit if ...` */
export function obstacleText(waiting: WaitingDocument): string {
  const { nearest, wouldFitIf } = waiting;
  const closest = nearest === null ? [] : [`closest ${nearest.agent}: ${nearest.lacks}`];
  return [...gangText(waiting), funnelText(waiting), ...closest, ...wouldFitText(wouldFitIf)].join("; ");
}

/** A gang's own refusal says how many of its members fit; every other check refuses agents. */
const gangText = ({ refusals }: WaitingDocument): string[] =>
  refusals.filter(({ check }) => check === "gang").map(({ reason }) => reason);

function funnelText({ agentsSeen, refusals }: WaitingDocument): string {
  if (agentsSeen === 0) return "there are no agents yet";
  const told = refusals
    .filter(({ agents }) => agents > 0)
    .map(({ agents, check, reason }, i) =>
      check === "gang"
        ? `${agents} with room for a member`
        : `${agents} ${i === 0 ? "refused by" : "by"} ${check}${reason === "" ? "" : ` (${reason})`}`,
    );
  return `of ${some(agentsSeen, "agent")} ${told.length === 0 ? "none had room for more" : told.join(", ")}`;
}

/** Placement says conditions, `there were one more agent like n3`, and whole sentences, `2 agents would take it without ...`. */
function wouldFitText(phrases: readonly string[]): string[] {
  const isSentence = (phrase: string): boolean => /^\d/.test(phrase);
  const conditions = phrases.filter((phrase) => !isSentence(phrase));
  return [
    ...(conditions.length === 0 ? [] : [`would fit if ${conditions.join(", or if ")}`]),
    ...phrases.filter(isSentence),
  ];
}

/** What is held, by the app itself or by another gang, and when this gang may begin to. */
export function holdText(
  { app, holdFromMs }: Pick<WaitingDocument, "app" | "holdFromMs">,
  hold: HoldDocument | null,
  now: number,
): string | null {
  if (hold !== null && hold.app === app) {
    const members = Object.values(hold.members).reduce((sum, count) => sum + count, 0);
    const agents = Object.keys(hold.members);
    const where = agents.length <= 3 ? agents.join(", ") : some(agents.length, "agent");
    return `it holds capacity for ${some(members, "member")} on ${where} for another ${spanText(hold.untilMs - now)}`;
  }
  if (hold !== null) return `${nameOf(hold.app)} holds capacity for another ${spanText(hold.untilMs - now)}`;
  return holdFromMs !== null && holdFromMs > now
    ? `it may hold what is free for it in ${spanText(holdFromMs - now)}`
    : null;
}
