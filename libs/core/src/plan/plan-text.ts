/** A plan as one sentence: what would become of the app, whether all of it has a place, and if not, why. */
import { type Plan, unreachable } from "@muster/contracts";
import { spanText } from "../apps/time.ts";
import { obstacleText } from "../reports/obstacles.ts";

const nameOf = ({ app }: Pick<Plan, "app">): string => app.replace(/^\//, "");
const instances = (count: number): string => `${count} instance${count === 1 ? "" : "s"}`;

/** `deployment`: of a plan that changes nothing, the one that brings it about already. */
export function planSentence(plan: Omit<Plan, "summary">, deployment: string | null, now: number): string {
  const told = [
    plan.action === "none" ? standsText(plan, deployment) : `${changeText(plan)}${placesText(plan)}`,
    ...(plan.delayedUntilMs === null
      ? []
      : [`new instances are held back for ${spanText(plan.delayedUntilMs - now)} after failures`]),
    ...(plan.refusal === null ? [] : [`just now it would be refused: ${plan.refusal.message}`]),
  ];
  return told.join("; ");
}

function standsText(plan: Omit<Plan, "summary">, deployment: string | null): string {
  const { unplaced, waiting, instances: count } = plan;
  const nothing = "nothing would change";
  if (waiting !== null && unplaced > 0)
    return `${nothing}, and ${unplaced} of ${instances(count.to)} ${unplaced === 1 ? "waits" : "wait"} for a place: ${obstacleText(waiting)}`;
  return deployment === null
    ? `${nothing}: ${nameOf(plan)} stands as asked, with ${instances(count.to)}`
    : `${nothing}: deployment ${deployment} brings it about`;
}

function changeText(plan: Omit<Plan, "summary">): string {
  const { action, instances: count, meanwhile } = plan;
  const name = nameOf(plan);
  const { from, to } = count;
  const size = from === to ? "" : ` and go from ${from} to ${instances(to)}`;
  switch (action) {
    case "none":
    case "start":
      return `${name} would start with ${instances(to)}`;
    case "scale": {
      const [more, verb] = to > from ? [to - from, "added"] : [from - to, "stopped"];
      return `${name} would go from ${from} to ${instances(to)}: ${are(more)} ${verb}, none is restarted`;
    }
    case "update":
      return `${name} would be updated${size}: what changes needs no restart${staysText(plan)}`;
    case "upgrade": {
      const pace =
        meanwhile === null ? "" : `, at least ${meanwhile.least} ready and at most ${meanwhile.most} at once`;
      return `${name} would be upgraded${size}: every instance is replaced${pace}`;
    }
    default:
      return unreachable(action);
  }
}

/** Of an app that stood half way some are stopped and others added though their number stays. */
function staysText({ instances: { to }, keeps, stops }: Omit<Plan, "summary">): string {
  const added = Math.max(0, to - keeps);
  const stopped = stops.reduce((sum, { count }) => sum + count, 0);
  const moves = [...(added > 0 ? [`${are(added)} added`] : []), ...(stopped > 0 ? [`${are(stopped)} stopped`] : [])];
  if (moves.length > 0) return `, ${moves.join(" and ")}, none is restarted`;
  return keeps > 0 ? ", and every instance stays" : "";
}

const are = (count: number): string => `${count} ${count === 1 ? "is" : "are"}`;

function placesText({ unplaced, waiting, places, instances: { to }, replaces, keeps }: Omit<Plan, "summary">): string {
  if (unplaced === 0) return places.length === 0 ? "" : "; all have a place";
  const old = replaces && keeps > 0 ? `, so ${keeps} of the old ones ${keeps === 1 ? "goes" : "go"} on` : "";
  const silent = replaces ? ": old ones on agents that are silent do not make way" : "";
  const why = waiting === null ? silent : `: ${obstacleText(waiting)}`;
  return `; ${unplaced} of ${to} would have no place${old}${why}`;
}
