/** `muster version`: works without a server, and says what it found of one. */
import { MusterError } from "@muster/contracts";
import { pairLines } from "@muster/terminal/table";
import { isForPrograms } from "../context.ts";
import { EXIT } from "../exit.ts";
import { printDocument } from "../output.ts";
import { ownVersion } from "../own-version.ts";
import type { Run } from "../program.ts";
import { openNats } from "../session.ts";

type Server = { readonly url: string; readonly version: string };

export const run: Run = async (context) => {
  const version = ownVersion();
  let server: Server | null = null;
  let trouble: string | null = null;
  try {
    const { connection } = await openNats(context);
    server = { url: connection.getServer(), version: connection.info?.version ?? "unknown" };
    await connection.close();
  } catch (cause) {
    if (!(cause instanceof MusterError)) throw cause;
    trouble = cause.message;
  }
  if (isForPrograms(context)) printDocument(context, { muster: version, node: process.version, natsServer: server });
  else if (context.output === "name") context.out.print(version);
  else {
    const found = server === null ? "none answers" : `${server.version} at ${server.url}`;
    context.out.print(
      ...pairLines(
        [
          ["muster", version],
          ["node", process.version],
          ["nats-server", found],
        ],
        context.out,
      ),
    );
    if (trouble !== null) context.err.print(context.err.paint("quiet", trouble));
  }
  return EXIT.reached;
};
