/** Which of the records written for this agent were seen: each carries the next number, so that a missing one shows. */

export type Numbers = {
  /** All up to this one were seen, or answered for. */
  readonly seen: number;
  /** Seen beyond a gap. */
  readonly ahead: ReadonlySet<number>;
};

export const NO_NUMBERS: Numbers = { seen: 0, ahead: new Set() };

function advance(seen: number, ahead: ReadonlySet<number>): Numbers {
  const rest = new Set([...ahead].filter((n) => n > seen));
  let last = seen;
  while (rest.delete(last + 1)) last += 1;
  return { seen: last, ahead: rest };
}

export const hasGap = (numbers: Numbers): boolean => numbers.ahead.size > 0;

/** A record came with this number. */
export function heard(numbers: Numbers, n: number): Numbers {
  if (n <= numbers.seen || numbers.ahead.has(n)) return numbers;
  if (n === numbers.seen + 1 && numbers.ahead.size === 0) return { seen: n, ahead: numbers.ahead };
  return advance(numbers.seen, new Set([...numbers.ahead, n]));
}

/** A complete answer counted this many records. */
export const answered = (numbers: Numbers, n: number): Numbers => advance(Math.max(numbers.seen, n), numbers.ahead);
