/** `muster rm APP`: stops and forgets it. The beginning of a name is not enough for something that cannot be undone. */
import { appIdFrom, matchApp } from "@muster/client";
import { MusterError } from "@muster/contracts";
import { carryOut, type WaitOptions } from "../change.ts";
import { UsageError } from "../exit.ts";
import { oneOf } from "../find.ts";
import type { Run } from "../program.ts";
import { withSession } from "../session.ts";

export const run: Run = (context, [app = ""], options) =>
  withSession(context, async (session) => {
    const id = appIdFrom(app);
    if (id === null) throw new UsageError(`"${app}" is no app's name`);
    try {
      return await carryOut(context, session, "rm", options as WaitOptions, (change) =>
        session.client.removeApp(id, change),
      );
    } catch (cause) {
      if (!(cause instanceof MusterError && cause.code === "app.unknown")) throw cause;
      const apps = (await session.client.apps()).map((one) => one.id);
      const meant = oneOf(matchApp(app, apps), app, "app");
      throw new UsageError(`there is no app "${app}": if you mean ${meant}, give its whole name`);
    }
  });
