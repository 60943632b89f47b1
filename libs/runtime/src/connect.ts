/** Connections to nats-server: wait where a service may wait, refuse with a sentence where nothing can work. */
import { readFileSync } from "node:fs";
import { MusterError } from "@muster/contracts";
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import {
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
} from "@nats-io/transport-node";
import { backoffMs, monotonicMs, pause } from "./clock.ts";
import { createLog } from "./log.ts";

const NATS_MINIMUM = [2, 14] as const;
const log = createLog("nats");

export type NatsAddress = {
  /** One or more URLs, comma separated. */
  readonly url: string;
  readonly creds?: string | undefined;
  readonly nkey?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly inboxPrefix?: string | undefined;
};

export type Nats = {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
};

function options(address: NatsAddress, name: string): ConnectionOptions {
  const tls =
    address.ca === undefined && address.cert === undefined
      ? {}
      : {
          tls: {
            ...(address.ca && { caFile: address.ca }),
            ...(address.cert && { certFile: address.cert }),
            ...(address.key && { keyFile: address.key }),
          },
        };
  return {
    servers: address.url.split(",").map((url) => url.trim()),
    name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    pingInterval: 5_000,
    maxPingOut: 2,
    timeout: 5_000,
    ignoreAuthErrorAbort: true,
    // Else the client takes two stack traces for each request, in case it fails.
    noAsyncTraces: true,
    ...(address.inboxPrefix === undefined ? {} : { inboxPrefix: address.inboxPrefix }),
    ...(address.user === undefined ? {} : { user: address.user }),
    ...(address.password === undefined ? {} : { pass: address.password }),
    ...(address.token === undefined ? {} : { token: address.token }),
    ...(address.creds === undefined ? {} : { authenticator: credsAuthenticator(readFileSync(address.creds)) }),
    ...(address.nkey === undefined
      ? {}
      : { authenticator: nkeyAuthenticator(new TextEncoder().encode(readFileSync(address.nkey, "utf8").trim())) }),
    ...tls,
  };
}

/** What to do when nobody answers, in one sentence. */
export const unreachableSentence = (url: string): string =>
  `no nats-server answers at ${url}: start one with "npm start" (or "nats-server -js"), or name another with NATS_URL or --nats-url`;

/**
 * Connects, checks version and JetStream.
 * @param waitMs how long to wait for a first answer; Infinity for services that may start before their server.
 * @throws MusterError nats.unreachable, nats.too-old, nats.no-jetstream
 */
export async function connectNats(
  address: NatsAddress,
  { name, waitMs = 0 }: { name: string; waitMs?: number },
): Promise<Nats> {
  const connection = await dial(address, name, waitMs);
  try {
    checkVersion(connection);
    const jsm = await jetStreamOf(connection);
    return { connection, js: jetstream(connection, { timeout: 10_000 }), jsm };
  } catch (cause) {
    await connection.close();
    throw cause;
  }
}

async function dial(address: NatsAddress, name: string, waitMs: number): Promise<NatsConnection> {
  const startedAt = monotonicMs();
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await connect(options(address, name));
    } catch (cause) {
      if (monotonicMs() - startedAt >= waitMs)
        throw new MusterError("nats.unreachable", unreachableSentence(address.url), { cause });
      if (attempt % 10 === 3) log.warn({ url: address.url }, unreachableSentence(address.url));
      await pause(backoffMs(attempt, { capMs: 2_000 }));
    }
  }
}

function checkVersion(connection: NatsConnection): void {
  const version = connection.info?.version ?? "unknown";
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [needMajor, needMinor] = NATS_MINIMUM;
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  throw new MusterError(
    "nats.too-old",
    `the nats-server at ${connection.getServer()} is version ${version}; Muster needs ${needMajor}.${needMinor} or newer, because older servers accept atomic batches and per-message TTLs and silently ignore them: install a newer nats-server and restart it`,
  );
}

async function jetStreamOf(connection: NatsConnection): Promise<JetStreamManager> {
  if (connection.info?.jetstream !== true)
    throw new MusterError(
      "nats.no-jetstream",
      `JetStream is off on the nats-server at ${connection.getServer()}: start it with "-js" or a "jetstream {}" block in its configuration`,
    );
  // During an election the JetStream API is silent for some seconds; that is no reason to give up.
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await jetstreamManager(connection, { timeout: 10_000 });
    } catch (cause) {
      if (attempt >= 10)
        throw new MusterError(
          "nats.no-jetstream",
          "JetStream does not answer: is its store writable and its cluster complete?",
          { cause },
        );
      await pause(1_000);
    }
  }
}
