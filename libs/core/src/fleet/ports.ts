/** Host ports of one agent: what it offers, what is taken, what is free. */
import type { PortRange } from "@muster/contracts";

export const portCount = (ranges: readonly PortRange[]): number =>
  ranges.reduce((sum, range) => sum + range.last - range.first + 1, 0);

export const offersPort = (ranges: readonly PortRange[], port: number): boolean =>
  ranges.some((range) => port >= range.first && port <= range.last);

/** Free ports in the ranges; ports outside of them may be taken too and do not count. */
export function freePortCount(ranges: readonly PortRange[], taken: Iterable<number>): number {
  let free = portCount(ranges);
  for (const port of taken) if (offersPort(ranges, port)) free -= 1;
  return free;
}

/** Free ports, each once, from a random start on, so that a port just given back is not the next one taken. */
export function* freePorts(
  ranges: readonly PortRange[],
  taken: ReadonlySet<number>,
  dice: () => number,
): Generator<number, undefined> {
  const first = ranges[Math.floor(dice() * ranges.length)];
  if (first === undefined) return undefined;
  const start = first.first + Math.floor(dice() * (first.last - first.first + 1));
  for (let port = start; port <= first.last; port += 1) if (!taken.has(port)) yield port;
  for (const range of ranges) {
    const last = range === first ? start - 1 : range.last;
    for (let port = range.first; port <= last; port += 1) if (!taken.has(port)) yield port;
  }
  return undefined;
}
