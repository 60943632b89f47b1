/** `muster stop APP`: no instances; the app stays. */
import { carryOut, type WaitOptions } from "../change.ts";
import { findApp } from "../find.ts";
import type { Run } from "../program.ts";
import { withSession } from "../session.ts";

export const run: Run = (context, [app = ""], options) =>
  withSession(context, async (session) => {
    const id = await findApp(session.client, app);
    return await carryOut(context, session, "stop", options as WaitOptions, (change) =>
      // To stop is the way out of a rollout that never ends, so it overtakes one.
      session.client.scaleApp(id, 0, { ...change, force: true }),
    );
  });
