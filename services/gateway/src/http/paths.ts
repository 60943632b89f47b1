/** Addresses as clients write them: ids with slashes, doubled and trailing slashes, ids with `%2F` for a slash. */
import { type AppId, isAppId } from "@muster/contracts";

type Tails = {
  /** Last segments that are no part of an id: `/v2/apps/a/b/restart`. */
  readonly words: ReadonlySet<string>;
  /** Those of them that have members: `/v2/apps/a/versions/2026-11-20T13:19:00.000Z`. */
  readonly collections: ReadonlySet<string>;
  /** Segments an id has at least; the root of all groups has none. */
  readonly idMin: 0 | 1;
};
const tails = (words: readonly string[], collections: readonly string[] = [], idMin: 0 | 1 = 1): Tails => ({
  words: new Set([...words, ...collections]),
  collections: new Set(collections),
  idMin,
});

/** Resources whose members have ids with slashes. */
const RESOURCES: Readonly<Record<string, Tails>> = {
  "v2/apps": tails(["restart"], ["tasks", "versions"]),
  "v2/groups": tails(["apps"], ["versions"], 0),
  "v2/queue": tails(["delay"]),
  "v2/pods": tails([]),
  "v1/apps": tails(["diff"]),
};

/** The path of a URL as routes are declared: an id is one segment, its slashes escaped. Never throws. */
export function routingPath(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const path = start < 0 ? "/" : (url.slice(start).split(/[?#]/, 1)[0] as string);
  const [area, resource, ...rest] = path.split("/").filter((segment) => segment !== "");
  const name = `${area}/${resource}`;
  const known = Object.hasOwn(RESOURCES, name) ? RESOURCES[name] : undefined;
  const segments = known === undefined ? rest : idSegments(rest, known);
  return `/${[area, resource, ...segments].filter((segment) => segment !== undefined).join("/")}`;
}

function idSegments(segments: readonly string[], known: Tails): string[] {
  const end = segments.length - tailLength(segments, known);
  return [...(end === 0 ? [] : [segments.slice(0, end).join("%2F")]), ...segments.slice(end)];
}

/** How many segments at the end are no part of the id. */
function tailLength(segments: readonly string[], { words, collections, idMin }: Tails): number {
  if (segments.length > idMin && words.has(segments.at(-1) as string)) return 1;
  if (segments.length > idMin + 1 && collections.has(segments.at(-2) as string)) return 2;
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

/** `/prod/*` names what stands in the group `/prod`, however deep; `/*` everything. null: the text names no such thing. */
export function groupOfStar(text: string): string | null {
  const id = absoluteId(text);
  if (!id.endsWith("/*")) return null;
  return id === "/*" ? "/" : id.slice(0, -2);
}
