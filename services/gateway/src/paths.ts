/** Addresses as clients write them: ids with slashes, doubled and trailing slashes, ids with `%2F` for a slash. */
import { type AppId, isAppId } from "@muster/contracts";

const SUB_RESOURCES: ReadonlySet<string> = new Set(["restart", "tasks", "versions"]);
/** Sub-resources with members: `/v2/apps/a/versions/2026-11-20T13:19:00.000Z`. */
const COLLECTIONS: ReadonlySet<string> = new Set(["tasks", "versions"]);

/** The path of a URL as routes are declared: an app's id is one segment, its slashes escaped. Never throws. */
export function routingPath(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const path = start < 0 ? "/" : (url.slice(start).split(/[?#]/, 1)[0] as string);
  const segments = path.split("/").filter((segment) => segment !== "");
  const [area, resource, ...rest] = segments;
  return `/${area === "v2" && resource === "apps" ? ["v2", "apps", ...appSegments(rest)].join("/") : segments.join("/")}`;
}

function appSegments(segments: readonly string[]): string[] {
  if (segments.length === 0) return [];
  const tail = tailLength(segments);
  const id = segments.slice(0, segments.length - tail);
  return [id.join("%2F"), ...segments.slice(segments.length - tail)];
}

/** How many segments at the end are no part of the id. */
function tailLength(segments: readonly string[]): number {
  if (segments.length > 1 && SUB_RESOURCES.has(segments.at(-1) as string)) return 1;
  if (segments.length > 2 && COLLECTIONS.has(segments.at(-2) as string)) return 2;
  return 0;
}

/** An absolute id from an address or a query: `a/b`, `//a//b/`. It need not be a valid one. */
export const absoluteId = (text: string): AppId =>
  `/${text
    .split("/")
    .filter((part) => part !== "")
    .join("/")}`;

/** The address of an app. */
export const appAddress = (app: AppId): string => `/v2/apps${app}`;

/** The id, or null where no app can have it: such a text must not be looked up, it could be taken for another's. */
export function validId(text: string): AppId | null {
  const id = absoluteId(text);
  return isAppId(id) ? id : null;
}
