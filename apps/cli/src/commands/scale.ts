/** `muster scale APP N`. */
import { readScale } from "../arguments.ts";
import { carryOut, type WaitOptions } from "../change.ts";
import { findApp } from "../find.ts";
import type { Run } from "../program.ts";
import { withSession } from "../session.ts";

export const run: Run = async (context, args, options) => {
  const { app, instances } = readScale(args);
  return await withSession(context, async (session) => {
    const id = await findApp(session.client, app);
    return await carryOut(context, session, "scale", options as WaitOptions, (change) =>
      session.client.scaleApp(id, instances, change),
    );
  });
};
