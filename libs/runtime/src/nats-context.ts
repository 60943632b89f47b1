/** Reads the NATS CLI's own contexts (ADR-21), so that a NATS user configures nothing. Never writes there. */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { MusterError } from "@muster/contracts";
import { z } from "zod";
import type { NatsAddress } from "./connect.ts";

const ContextSchema = z.object({
  url: z.string().optional(),
  token: z.string().optional(),
  user: z.string().optional(),
  password: z.string().optional(),
  creds: z.string().optional(),
  nkey: z.string().optional(),
  cert: z.string().optional(),
  key: z.string().optional(),
  ca: z.string().optional(),
  inbox_prefix: z.string().optional(),
});

const DEFAULT_URL = "nats://127.0.0.1:4222";
type Environment = Readonly<Record<string, string | undefined>>;

const folder = (env: Environment): string => join(env.XDG_CONFIG_HOME ?? join(homedir(), ".config"), "nats");
const filled = (text: string | undefined): string | undefined => (text === undefined || text === "" ? undefined : text);

/**
 * Where to connect: a given URL, then `NATS_URL`, then a context (named, `NATS_CONTEXT`, or the selected one), then the server
 * that `npm start` of this clone started last, then loopback.
 * `NATS_CREDS`, `NATS_NKEY`, `NATS_USER`, `NATS_PASSWORD`, `NATS_TOKEN`, `NATS_CA`, `NATS_CERT`, `NATS_KEY` win over the context's.
 */
export function natsAddress(
  given: { url?: string | undefined; context?: string | undefined },
  env: Environment = process.env,
): NatsAddress {
  const url = filled(given.url) ?? filled(env.NATS_URL);
  const name = filled(given.context) ?? filled(env.NATS_CONTEXT);
  const context = url !== undefined && name === undefined ? {} : readContext(name, env);
  return {
    url: url ?? filled(context.url) ?? startedHere() ?? DEFAULT_URL,
    creds: filled(env.NATS_CREDS) ?? filled(context.creds),
    nkey: filled(env.NATS_NKEY) ?? filled(context.nkey),
    user: filled(env.NATS_USER) ?? filled(context.user),
    password: filled(env.NATS_PASSWORD) ?? filled(context.password),
    token: filled(env.NATS_TOKEN) ?? filled(context.token),
    ca: filled(env.NATS_CA) ?? filled(context.ca),
    cert: filled(env.NATS_CERT) ?? filled(context.cert),
    key: filled(env.NATS_KEY) ?? filled(context.key),
    inboxPrefix: filled(context.inbox_prefix),
  };
}

/** `npm start` notes where its nats-server listens, which may be another port than the usual one. */
function startedHere(): string | undefined {
  try {
    return filled(readFileSync(new URL("../../../.muster/nats.url", import.meta.url), "utf8").trim());
  } catch {
    return undefined;
  }
}

function readContext(name: string | undefined, env: Environment): z.infer<typeof ContextSchema> {
  const selected = join(folder(env), "context.txt");
  const chosen = name ?? (existsSync(selected) ? readFileSync(selected, "utf8").trim() : "");
  if (chosen === "") return {};
  const file = join(folder(env), "context", `${chosen}.json`);
  if (!existsSync(file)) {
    if (name === undefined) return {};
    throw new MusterError(
      "nats.unreachable",
      `there is no NATS context "${name}" (looked for ${file}): see "nats context ls"`,
    );
  }
  try {
    return ContextSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    throw new MusterError(
      "nats.unreachable",
      `the NATS context file ${file} cannot be read: ${(cause as Error).message}`,
      { cause },
    );
  }
}
