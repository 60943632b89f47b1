/**
 * `muster rm APP|GROUP`: stops and forgets it, or all that stands in it. The beginning of a name is not enough for something that cannot
 * be undone.
 */
import { appIdFrom, matchApp } from "@muster/client";
import { type AppId, MusterError } from "@muster/contracts";
import { carryOut, type WaitOptions } from "../change.ts";
import type { Context } from "../context.ts";
import { type ExitCode, UsageError } from "../exit.ts";
import { oneOf } from "../find.ts";
import type { Run } from "../program.ts";
import { type Session, withSession } from "../session.ts";

export const run: Run = (context, [name = ""], options) =>
  withSession(context, async (session) => {
    const id = appIdFrom(name);
    if (id === null) throw new UsageError(`"${name}" is no app's name`);
    const waiting = options as WaitOptions;
    return (
      (await unless("app.unknown", () =>
        carryOut(context, session, "rm", waiting, (change) => session.client.removeApp(id, change)),
      )) ??
      (await unless("group.unknown", () => removeGroup(context, session, id, waiting))) ??
      (await refuse(session, name))
    );
  });

const removeGroup = (context: Context, session: Session, id: AppId, waiting: WaitOptions): Promise<ExitCode> =>
  carryOut(context, session, "rm", { ...waiting, isOfMany: true }, (change) => session.client.removeGroup(id, change));

async function unless(code: MusterError["code"], act: () => Promise<ExitCode>): Promise<ExitCode | null> {
  try {
    return await act();
  } catch (cause) {
    if (cause instanceof MusterError && cause.code === code) return null;
    throw cause;
  }
}

async function refuse({ client }: Session, name: string): Promise<never> {
  const apps = (await client.apps()).map(({ id }) => id);
  const meant = oneOf(matchApp(name, apps), name, "app");
  throw new UsageError(`there is no app "${name}": if you mean ${meant}, give its whole name`);
}
