export type BenchOptions = {
  readonly seed: number;
  /** A coarser answer within a minute. */
  readonly quick: boolean;
  /** The only one to measure, where a bench has several; null for all. */
  readonly backend: string | null;
};
