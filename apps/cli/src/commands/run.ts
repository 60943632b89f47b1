/** `muster run FILE`: creates the app, or makes an existing one what the file says. */
import { carryOut, type WaitOptions } from "../change.ts";
import type { Run } from "../program.ts";
import { publish, withSpec } from "../publish.ts";

export const run: Run = (context, [file = "-"], options) =>
  withSpec(context, file, (session, spec) =>
    carryOut(context, session, "run", options as WaitOptions, (change) => publish(session.client, spec, change)),
  );
