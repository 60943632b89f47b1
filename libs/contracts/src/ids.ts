/** Names of things, and the one token each becomes in subjects and keys. Tokens hold only `A-Za-z0-9-_=`. */

/** An app's path, absolute: `/prod/web.api`. */
export type AppId = string;
/** An agent's name: a hostname or what its operator chose. */
export type AgentId = string;
/** A version of an app: milliseconds since the epoch, strictly increasing per app; shown to people as an ISO date. */
export type Version = number;

/** `/prod/web.api` -> `prod_web=api`; reversible, since path segments hold neither `_` nor `=`. */
export function appToken(id: AppId): string {
  // Rounds ask for one app's token thousands of times in a row.
  if (id !== lastApp.id) lastApp = { id, token: id.replace(/^\//, "").replaceAll("/", "_").replaceAll(".", "=") };
  return lastApp.token;
}
let lastApp = { id: "", token: "" };
export const appIdOf = (token: string): AppId => `/${token.replaceAll("_", "/").replaceAll("=", ".")}`;

/** As an app's; the root's is `_`, which no path has. */
export const groupToken = (id: AppId): string => (id === ROOT_GROUP ? "_" : appToken(id));
export const groupIdOf = (token: string): AppId => (token === "_" ? ROOT_GROUP : appIdOf(token));
export const ROOT_GROUP: AppId = "/";

/** `n1.rack2` -> `n1=rack2`; reversible, since agent ids hold no `=`. */
export const agentToken = (id: AgentId): string => (id.includes(".") ? id.replaceAll(".", "=") : id);
export const agentIdOf = (token: string): AgentId => token.replaceAll("=", ".");

/** Agents and apps are spread over this many shards by hash; a shard has one holder at a time. */
export const SHARD_COUNT = 64;

/** FNV-1a, 32 bits: stable across processes and releases, since shards stand in subjects. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

export const shardOf = (token: string): number => hash32(token) % SHARD_COUNT;
export const agentShard = (agent: AgentId): number => shardOf(agentToken(agent));
export const appShard = (app: AppId): number => shardOf(appToken(app));

/** One run of one slot of an app. An attempt is never used twice in the life of a cluster. */
export type InstanceRef = { readonly app: AppId; readonly slot: number; readonly attempt: number };

/** `prod_web.0.1742`: what people see, what subjects carry, what a task finds in `MUSTER_INSTANCE`. */
export const instanceId = (ref: InstanceRef): string => `${appToken(ref.app)}.${ref.slot}.${ref.attempt}`;

/** Reads an instance id, or answers null when the text is none. */
export function parseInstanceId(text: string): InstanceRef | null {
  const match = /^([A-Za-z0-9_=-]+)\.(\d+)\.(\d+)$/.exec(text);
  if (match === null) return null;
  return { app: appIdOf(match[1] as string), slot: Number(match[2]), attempt: Number(match[3]) };
}

const SEGMENT = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?";
const APP_ID = new RegExp(`^(?:/${SEGMENT}(?:\\.${SEGMENT})*)+$`);
/** True for an absolute app path whose segments are dot-joined lower-case labels (Marathon's rule). */
export const isAppId = (text: string): boolean => text.length <= 200 && APP_ID.test(text);

/** True for a name an agent may carry: letters, digits, `-`, `_` and inner dots. */
export const isAgentId = (text: string): boolean =>
  text.length <= 120 && /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/.test(text);
