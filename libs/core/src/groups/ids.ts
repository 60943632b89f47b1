/** Paths of groups: `/prod/web` stands in `/prod`, and everything stands in the root. */
import { type AppId, ROOT_GROUP } from "@muster/contracts";

/** The group right above; of the root none. */
export const parentOf = (id: AppId): AppId | null =>
  id === ROOT_GROUP ? null : id.slice(0, Math.max(1, id.lastIndexOf("/")));

/** The groups that an app or a group stands in, outermost first, the root left out. */
export function ancestorsOf(id: AppId): readonly AppId[] {
  const parts = id.split("/").slice(1, -1);
  return parts.map((_, i) => `/${parts.slice(0, i + 1).join("/")}`);
}

export const isBelow = (id: AppId, group: AppId): boolean =>
  group === ROOT_GROUP ? id !== ROOT_GROUP : id.startsWith(`${group}/`);

export const isAtOrBelow = (id: AppId, group: AppId): boolean => id === group || isBelow(id, group);
