/** "Did you mean": the known name that a mistyped one is closest to. */

const NAME_CHARS_MAX = 40;
/** Words people bring from other systems; no edit distance would find them. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  command: "cmd",
  arguments: "args",
  environment: "env",
  replicas: "instances",
  count: "instances",
  name: "id",
  ram: "mem",
  gpu: "gpus",
  dependson: "dependencies",
};

/** The one of `known` that `name` was likely meant to be, or null. */
export function suggest(name: string, known: readonly string[]): string | null {
  const lower = name.toLowerCase();
  if (lower.length > NAME_CHARS_MAX) return null;
  const word = Object.hasOwn(OTHER_WORDS, lower) ? OTHER_WORDS[lower] : undefined;
  if (word !== undefined && known.includes(word)) return word;
  // A third of the letters may be wrong, at most two: "cpu" is "cpus", but "tag" is not "args".
  const allowed = Math.min(2, Math.floor(lower.length / 3));
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(lower, candidate.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= allowed ? best.candidate : null;
}

/** Levenshtein's distance: how many letters to put in, take out or change. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
