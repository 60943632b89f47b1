/** What people type for an app or an instance, matched against what there is. */
import { type AppId, appIdOf, appToken, isAppId } from "@muster/contracts/ids";

/** `hello` and `/hello` are the same app; null when the text can be no app's id. */
export function appIdFrom(text: string): AppId | null {
  const id = `/${text.replace(/^\/+/, "").replace(/\/+$/, "")}`;
  return isAppId(id) ? id : null;
}

export type Match =
  | { readonly type: "one"; readonly id: string }
  | { readonly type: "many"; readonly ids: readonly string[] }
  | { readonly type: "none"; readonly nearest: string | null };

/** The exact id; else the one app whose path begins like this; else the one whose last part is this name. */
export function matchApp(text: string, apps: readonly AppId[]): Match {
  const wanted = `/${text.replace(/^\/+/, "").replace(/\/+$/, "")}`;
  if (apps.includes(wanted)) return { type: "one", id: wanted };
  const beginning = apps.filter((id) => id.startsWith(wanted));
  const ending = apps.filter((id) => id.endsWith(wanted));
  return matchOf(beginning.length > 0 ? beginning : ending, wanted, apps);
}

/** The exact id; else the one instance whose id begins like this, a living one before those that ended. */
export function matchInstance(
  text: string,
  instances: readonly { readonly id: string; readonly hasEnded: boolean }[],
): Match {
  const all = instances.map(({ id }) => id);
  if (all.includes(text)) return { type: "one", id: text };
  // `hello.1` names slot 1 before it names slots 10 to 19.
  const inSlot = instances.filter(({ id }) => id.startsWith(`${text}.`));
  const matching = inSlot.length > 0 ? inSlot : instances.filter(({ id }) => id.startsWith(text));
  const living = matching.filter(({ hasEnded }) => !hasEnded);
  return matchOf(
    (living.length > 0 ? living : matching).map(({ id }) => id),
    text,
    all,
  );
}

/** The app an instance id, or the beginning of one, speaks of: `prod_web.1` -> `/prod/web`; null without a dot. */
export function appOfInstanceText(text: string): AppId | null {
  const match = /^([A-Za-z0-9_=-]+)\.\d*(?:\.\d*)?$/.exec(text);
  const id = match === null ? null : appIdOf(match[1] as string);
  return id !== null && isAppId(id) && appToken(id) === match?.[1] ? id : null;
}

function matchOf(ids: readonly string[], wanted: string, all: readonly string[]): Match {
  const [first] = ids;
  if (first === undefined) return { type: "none", nearest: nearestTo(wanted, all) };
  return ids.length === 1 ? { type: "one", id: first } : { type: "many", ids: ids.toSorted() };
}

/** The candidate with the fewest letters to change, when it is near enough to be meant. */
export function nearestTo(text: string, candidates: readonly string[]): string | null {
  let best: { candidate: string; distance: number } | null = null;
  for (const candidate of candidates) {
    const distance = editDistance(text, candidate);
    if (distance <= Math.max(1, Math.floor(text.length / 3)) && distance < (best?.distance ?? Number.POSITIVE_INFINITY))
      best = { candidate, distance };
  }
  return best?.candidate ?? null;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[j] as number) + 1, (current[j - 1] as number) + 1));
    }
    previous = current;
  }
  return previous[b.length] as number;
}
