/** From what people typed to the app or instance they mean. */
import { appIdFrom, appOfInstanceText, type Client, type Match, matchApp, matchInstance } from "@muster/client";
import { type AppId, type InstanceView, MusterError, parseInstanceId, TERMINAL_STATES } from "@muster/contracts";
import { plural } from "@muster/terminal/units";
import { UsageError } from "./exit.ts";

export type Target =
  | { readonly type: "app"; readonly app: AppId }
  | { readonly type: "instance"; readonly instance: InstanceView };

const LISTS = { app: "apps", instance: "ps --all", deployment: "deployments" } as const;
const CANDIDATES_SHOWN_MAX = 12;

/** @throws UsageError when the name fits several apps, MusterError app.unknown when it fits none. */
export async function findApp(client: Client, text: string): Promise<AppId> {
  const exact = await exactApp(client, text);
  if (exact !== null) return exact;
  const apps = (await client.apps()).map(({ id }) => id);
  return oneOf(matchApp(text, apps), text, "app");
}

/** An app by its name or the beginning of it, or an instance by its id or the beginning of it. */
export async function findTarget(client: Client, text: string): Promise<Target> {
  const app = parseInstanceId(text) === null ? await exactApp(client, text) : null;
  if (app !== null) return { type: "app", app };
  const owner = appOfInstanceText(text);
  if (owner !== null) {
    const instances = await knownInstances(client, owner);
    const match = matchInstance(
      text,
      instances.map((one) => ({ id: one.id, hasEnded: (TERMINAL_STATES as readonly string[]).includes(one.state) })),
    );
    if (match.type !== "none" || instances.length > 0) {
      const id = oneOf(match, text, "instance");
      return { type: "instance", instance: instances.find((one) => one.id === id) as InstanceView };
    }
  }
  return { type: "app", app: await findApp(client, text) };
}

async function knownInstances(client: Client, app: AppId): Promise<InstanceView[]> {
  return (await unlessUnknown(client.instances({ app, ended: true }))) ?? [];
}

/** The app of exactly this name, with or without its slash, or null. */
export async function exactApp(client: Client, text: string): Promise<AppId | null> {
  const id = appIdFrom(text);
  if (id === null) return null;
  return (await unlessUnknown(client.app(id)))?.id ?? null;
}

export async function unlessUnknown<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (cause) {
    if (cause instanceof MusterError && cause.status === 404) return null;
    throw cause;
  }
}

/** @throws as `findApp` does. */
export function oneOf(match: Match, text: string, kind: "app" | "instance" | "deployment"): string {
  switch (match.type) {
    case "one":
      return match.id;
    case "many": {
      const shown = match.ids.slice(0, CANDIDATES_SHOWN_MAX).map((id) => `  ${id}`);
      const rest = match.ids.length - shown.length;
      const more = rest > 0 ? [`  and ${rest} more`] : [];
      throw new UsageError([`"${text}" fits ${plural(match.ids.length, kind)}:`, ...shown, ...more].join("\n"));
    }
    case "none": {
      const hint = match.nearest === null ? `: see "muster ${LISTS[kind]}"` : `: did you mean ${match.nearest}?`;
      throw new MusterError(`${kind}.unknown`, `there is no ${kind} "${text}"${hint}`);
    }
  }
}
