/** From a file to the app it describes: read it, send it, and say of a refusal where in the file it lies. */
import { appIdFrom, type Change, type ChangeOptions, type Client } from "@muster/client";
import { MusterError } from "@muster/contracts";
import type { Context } from "./context.ts";
import { printError } from "./errors.ts";
import type { ExitCode } from "./exit.ts";
import { type Session, withSession } from "./session.ts";
import { readSource, type SpecFile, specOf } from "./spec-file.ts";

/** @param file a path, or `-` for stdin */
export async function withSpec(
  context: Context,
  file: string,
  work: (session: Session, spec: SpecFile) => Promise<ExitCode>,
): Promise<ExitCode> {
  const source = await readSource(file);
  let spec: SpecFile | null = null;
  try {
    const read = await specOf(source);
    spec = read;
    return await withSession(context, (session) => work(session, read));
  } catch (cause) {
    return printError(spec?.locate(cause) ?? cause, context.err, source);
  }
}

/** Creates the app, or makes the one that exists exactly this. */
export async function publish(client: Client, { body, id }: SpecFile, options: ChangeOptions): Promise<Change> {
  try {
    return await client.createApp(body, options);
  } catch (cause) {
    const app = id === null ? null : appIdFrom(id);
    if (!(cause instanceof MusterError && cause.code === "app.exists") || app === null) throw cause;
    return await client.replaceApp(app, body, options);
  }
}
