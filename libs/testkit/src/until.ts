/** Waits for a level, never for a nap. */
export async function until<T>(
  look: () => T | Promise<T>,
  {
    withinMs = 10_000,
    everyMs = 20,
    what = "the awaited state",
  }: { withinMs?: number; everyMs?: number; what?: string | (() => string) } = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + withinMs;
  let lastError: unknown = null;
  for (;;) {
    try {
      const seen = await look();
      if (seen) return seen as NonNullable<T>;
      lastError = null;
    } catch (cause) {
      lastError = cause;
    }
    if (performance.now() > deadline) {
      const name = typeof what === "string" ? what : what();
      throw new Error(
        `${name} did not come within ${withinMs} ms${lastError === null ? "" : `: ${(lastError as Error).message}`}`,
        { cause: lastError },
      );
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
