/** One thing examined: how it stands, what was found, and what to do when it is not well. */
export type Level = "ok" | "warn" | "fail";

export type Check = {
  readonly name: string;
  readonly level: Level;
  readonly found: string;
  /** What to do; null when all is well. */
  readonly advice: string | null;
  /** Lines that say more: streams with their counts, dead messages with their errors. */
  readonly details: readonly string[];
};

type More = { advice?: string; details?: readonly string[] };

const check = (name: string, level: Level, found: string, { advice, details = [] }: More): Check => ({
  name,
  level,
  found,
  advice: advice ?? null,
  details,
});
export const ok = (name: string, found: string, more: More = {}): Check => check(name, "ok", found, more);
export const warn = (name: string, found: string, more: More): Check => check(name, "warn", found, more);
export const fail = (name: string, found: string, more: More): Check => check(name, "fail", found, more);

/** Runs a check; one that breaks is a finding too. */
export async function examine(name: string, work: () => Promise<Check | readonly Check[]>): Promise<readonly Check[]> {
  try {
    const result = await work();
    return "name" in result ? [result] : result;
  } catch (cause) {
    return [fail(name, cause instanceof Error ? cause.message : String(cause), { advice: "the check itself failed" })];
  }
}
