/** `muster run FILE`: creates the app, or makes an existing one what the file says. */
import type { Change, ChangeOptions, Client } from "@muster/client";
import { appIdFrom } from "@muster/client";
import { MusterError } from "@muster/contracts";
import { carryOut, type WaitOptions } from "../change.ts";
import { printError } from "../errors.ts";
import type { Run } from "../program.ts";
import { withSession } from "../session.ts";
import { readSource, type SpecFile, specOf } from "../spec-file.ts";

export const run: Run = async (context, [file = "-"], options) => {
  const source = await readSource(file);
  let spec: SpecFile | null = null;
  try {
    const read = await specOf(source);
    spec = read;
    return await withSession(context, (session) =>
      carryOut(context, session, "run", options as WaitOptions, (change) => publish(session.client, read, change)),
    );
  } catch (cause) {
    return printError(spec?.locate(cause) ?? cause, context.err, source);
  }
};

async function publish(client: Client, { body, id }: SpecFile, options: ChangeOptions): Promise<Change> {
  try {
    return await client.createApp(body, options);
  } catch (cause) {
    const app = id === null ? null : appIdFrom(id);
    if (!(cause instanceof MusterError && cause.code === "app.exists") || app === null) throw cause;
    return await client.replaceApp(app, body, options);
  }
}
