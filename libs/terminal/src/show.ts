/** Shows a deployment while it goes: redrawn in place on a terminal, line by line elsewhere. */

import type { DeploymentProgress } from "@muster/contracts";
import { changeLines } from "./changes.ts";
import { deploymentLines } from "./deployment.ts";
import { LiveRegion } from "./live.ts";
import type { Screen } from "./screen.ts";

export type ShowOptions<P extends DeploymentProgress> = {
  /** Lines under the instances of a live picture, asked for at every redraw; gone from the last one. */
  readonly notes?: (progress: P) => readonly string[];
  /** Called with every state; answering true ends the show early. */
  readonly onState?: (progress: P) => boolean | undefined;
  /** Lines that stand above all of it, printed once with the first state. */
  readonly opening?: (progress: P) => readonly string[];
  readonly now?: () => number;
};

const REDRAW_MS = 100;

/** Consumes `states` and answers the last of them, or null when there was none. What was shown last stays on the screen. */
export async function showDeployment<P extends DeploymentProgress>(
  states: AsyncIterable<P>,
  screen: Screen,
  { notes = () => [], onState = () => undefined, opening = () => [], now = Date.now }: ShowOptions<P> = {},
): Promise<P | null> {
  const region = new LiveRegion(screen);
  let last: P | null = null;
  let tick = 0;
  const draw = (isOver: boolean) => {
    if (last === null) return;
    region.draw(
      deploymentLines(last, screen, { nowMs: now(), tick: isOver ? null : tick, notes: isOver ? [] : notes(last) }),
    );
    tick += 1;
  };
  const timer = screen.isLive ? setInterval(() => draw(false), REDRAW_MS) : undefined;
  try {
    for await (const state of states) {
      if (last === null) region.print(...opening(state));
      if (screen.isLive) {
        last = state;
        draw(false);
      } else {
        screen.print(...changeLines(last, state, screen));
        last = state;
      }
      if (onState(state) === true) break;
    }
    return last;
  } finally {
    clearInterval(timer);
    draw(true);
    region.end();
  }
}
