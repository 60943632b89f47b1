/** `muster diff APP`: what one version says otherwise than another. */
import type { VersionView } from "@muster/client";
import { isForPrograms } from "../context.ts";
import { EXIT, UsageError } from "../exit.ts";
import { findApp } from "../find.ts";
import { printDocument } from "../output.ts";
import { changeLines } from "../plan-lines.ts";
import type { Run } from "../program.ts";
import { withSession } from "../session.ts";
import { differences } from "../spec-diff.ts";
import { findVersion, versionBefore, versionNow } from "../versions.ts";

export const run: Run = (context, [text = ""], { from: fromText, to: toText }) =>
  withSession(context, async ({ client }) => {
    const app = await findApp(client, text);
    const to = typeof toText === "string" ? await findVersion(client, app, toText) : await versionNow(client, app);
    const from =
      typeof fromText === "string"
        ? await findVersion(client, app, fromText)
        : await versionBefore(client, app, to ?? undefined);
    if (from === null || to === null)
      throw new UsageError(
        `there is no earlier version of ${app} to compare with: see "muster history ${app.slice(1)}"`,
      );
    const [old, now] = await Promise.all([client.appVersion(app, from), client.appVersion(app, to)]);
    const changes = differences(specOf(old), specOf(now));
    const { out, err } = context;
    if (isForPrograms(context)) printDocument(context, { app, from, to, changes });
    else if (context.output === "name") out.print(...changes.map(({ path }) => path));
    else {
      err.print(err.paint("quiet", `${app} ${from} ${err.glyphs.arrow} ${to}`));
      if (changes.length === 0) err.print("no difference");
      out.print(...changeLines(changes, out));
    }
    return EXIT.reached;
  });

/** The spec alone: two versions always have different numbers. */
function specOf({ version: _, versionInfo: __, ...spec }: VersionView): Readonly<Record<string, unknown>> {
  return spec;
}
