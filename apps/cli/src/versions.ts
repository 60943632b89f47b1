/** Versions of an app, as people name them: an ISO date, or the beginning of one that no other has. */
import type { Client } from "@muster/client";
import { type AppId, stepsOf } from "@muster/contracts";
import { UsageError } from "./exit.ts";

/** @throws UsageError */
export async function findVersion(client: Client, app: AppId, text: string): Promise<string> {
  const versions = await client.versions(app);
  if (versions.includes(text)) return text;
  const fitting = text === "" ? [] : versions.filter((version) => version.startsWith(text));
  const [first] = fitting;
  if (first !== undefined && fitting.length === 1) return first;
  if (first !== undefined)
    throw new UsageError(
      [`"${text}" fits several versions of ${app}:`, ...fitting.map((one) => `  ${one}`)].join("\n"),
    );
  throw new UsageError(`${app} has no version ${text}: "muster history ${app.slice(1)}" shows those that are kept`);
}

/** The version that the app stands at, as its list has it. */
export const versionNow = async (client: Client, app: AppId): Promise<string | null> =>
  (await client.app(app)).version ?? null;

/** The newest version that is older than the one the app stands at. After a rollback newer ones are kept as well. */
export async function versionBefore(client: Client, app: AppId, than?: string): Promise<string | null> {
  const now = than ?? (await versionNow(client, app));
  return now === null ? null : ((await versionsBefore(client, app, now))[0] ?? null);
}

/**
 * The newest of the older versions that is good to go back to: not one whose deployments all failed or were ended half way.
 * @throws UsageError where there is none
 */
export async function versionToGoBackTo(client: Client, app: AppId): Promise<string> {
  const now = await versionNow(client, app);
  const older = now === null ? [] : await versionsBefore(client, app, now);
  const see = `see "muster history ${app.slice(1)}"`;
  if (older.length === 0) throw new UsageError(`there is no version of ${app} before the one it stands at: ${see}`);
  const outcomes = await outcomesOf(client, app);
  const good = older.find((version) => outcomes.get(Date.parse(version)) !== "failed");
  if (good !== undefined) return good;
  throw new UsageError(
    `no version of ${app} before the one it stands at has ever come up: ${see}, and name one with --to`,
  );
}

async function versionsBefore(client: Client, app: AppId, now: string): Promise<string[]> {
  const older = (await client.versions(app)).filter((version) => Date.parse(version) < Date.parse(now));
  return older.sort((a, b) => Date.parse(b) - Date.parse(a));
}

/** What is known of versions: that one came up once outweighs all else. */
async function outcomesOf(client: Client, app: AppId): Promise<ReadonlyMap<number, "succeeded" | "failed">> {
  const outcomes = new Map<number, "succeeded" | "failed">();
  for (const deployment of await client.deploymentHistory({ app })) {
    if (deployment.state === "running") continue;
    const actions = stepsOf(deployment).flatMap((step) => step.actions);
    for (const { to } of actions.filter((action) => action.app === app)) {
      if (to === null || outcomes.get(to.version) === "succeeded") continue;
      outcomes.set(to.version, deployment.state === "succeeded" ? "succeeded" : "failed");
    }
  }
  return outcomes;
}
