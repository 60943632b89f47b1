/** What a benchmark answers, and how samples become figures. */
export type Figure = { readonly value: number; readonly unit: string };
export type Measured = {
  readonly parameters: Readonly<Record<string, number | string>>;
  readonly figures: Readonly<Record<string, Figure>>;
  /** The work was checked afterwards and is right. */
  readonly correct: boolean;
  readonly nats: Readonly<Record<string, string | number>>;
};
export type BenchResult = Measured & {
  readonly name: string;
  readonly machine: Readonly<Record<string, string | number>>;
};
/** What may be said on the command line; null: the benchmark's own default. */
export type BenchOptions = {
  readonly samples: number | null;
  readonly agents: number | null;
  readonly instances: number | null;
  readonly workers: number | null;
  readonly processes: number | null;
  readonly containers: number | null;
};
export type Say = (line: string) => void;
export type Bench = (options: BenchOptions, say: Say) => Promise<Measured>;

/** The value below which a share of the samples lies (nearest rank). */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export const figure = (value: number, unit: string): Figure => ({ value: Math.round(value * 100) / 100, unit });
