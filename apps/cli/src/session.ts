/** A connection for as long as one command lasts. Loads NATS, so commands import it and `--help` does not. */
import { hostname, userInfo } from "node:os";
import { type Client, createClient } from "@muster/client";
import { MusterError } from "@muster/contracts";
import { connectNats, type Nats, type NatsAddress, natsAddress } from "@muster/runtime";
import type { Context } from "./context.ts";

export type Session = {
  readonly nats: Nats;
  readonly client: Client;
};

/** Opens a session, does the work, and closes it whatever happens. */
export async function withSession<T>(context: Context, work: (session: Session) => Promise<T>): Promise<T> {
  const nats = await openNats(context);
  try {
    return await work({ nats, client: createClient(nats, { from: whoAsks() }) });
  } finally {
    await nats.connection.close();
  }
}

/** @throws MusterError with the sentence that says what to do. */
export async function openNats(context: Pick<Context, "server" | "natsContext">): Promise<Nats> {
  const address = natsAddress({ url: context.server, context: context.natsContext });
  try {
    return await connectNats(address, { name: "muster CLI" });
  } catch (cause) {
    if (isAuthError(cause)) throw refused(address, cause);
    throw cause instanceof MusterError && cause.cause !== undefined && cause.code === "nats.unreachable"
      ? silent(address, cause)
      : cause;
  }
}

const isAuthError = (cause: unknown): boolean =>
  cause instanceof Error &&
  /authoriz|authenticat|expired/i.test(
    `${cause.name} ${cause.cause instanceof Error ? `${cause.cause.name} ${cause.cause.message}` : ""}`,
  );

const refused = ({ url }: NatsAddress, cause: unknown): MusterError =>
  new MusterError(
    "nats.unreachable",
    `the nats-server at ${url} refuses these credentials: give others with --context, NATS_CREDS or NATS_USER and NATS_PASSWORD`,
    { cause },
  );

const silent = ({ url }: NatsAddress, cause: unknown): MusterError =>
  new MusterError(
    "nats.unreachable",
    `no nats-server answers at ${url}: start a cluster with "npm start" or "muster up", or name another server with --server or NATS_URL`,
    { cause },
  );

/** `muster CLI of alice@laptop`, kept in a deployment's history. */
export function whoAsks(): string {
  let user = process.env.USER ?? "somebody";
  try {
    user = userInfo().username;
  } catch {
    // A container's user may have no name.
  }
  return `muster CLI of ${user}@${hostname()}`;
}
