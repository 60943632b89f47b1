/** Versions of an app, as people name them: an ISO date, or the beginning of one that no other has. */
import type { Client } from "@muster/client";
import type { AppId } from "@muster/contracts";
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
  if (now === null) return null;
  const older = (await client.versions(app)).filter((version) => Date.parse(version) < Date.parse(now));
  return older.sort((a, b) => Date.parse(b) - Date.parse(a))[0] ?? null;
}
