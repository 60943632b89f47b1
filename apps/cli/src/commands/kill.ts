/** `muster kill INSTANCE`: ends one; another takes its place, unless the app is to have one fewer. */
import { carryOut, type WaitOptions } from "../change.ts";
import { isForPrograms } from "../context.ts";
import { EXIT, UsageError } from "../exit.ts";
import { findTarget } from "../find.ts";
import { printDocument } from "../output.ts";
import type { Run } from "../program.ts";
import { withSession } from "../session.ts";

export const run: Run = (context, [text = ""], options) =>
  withSession(context, async (session) => {
    const { client } = session;
    const target = await findTarget(client, text);
    if (target.type === "app")
      throw new UsageError(
        `${target.app} is an app: name one of its instances, or end all of them with "muster stop ${target.app.slice(1)}"`,
      );
    const { id, app } = target.instance;
    if (options.scale === true)
      return await carryOut(context, session, "kill", options as WaitOptions, (change) =>
        client.killTask(app, id, { ...change, scale: true }),
      );
    await client.killTask(app, id);
    const { out, err, output } = context;
    if (isForPrograms(context)) printDocument(context, { app, instance: id });
    else if (output === "name") out.print(id);
    else
      err.print(
        `${err.paint("good", err.glyphs.ok)} ${id} is being stopped, and another will take its place: see "muster ps ${app.slice(1)}"`,
      );
    return EXIT.reached;
  });
