/** A mean and how far off it may be. */
export type Interval = {
  readonly mean: number;
  /** Half of the 95% interval; 0 where there is but one value. */
  readonly half: number;
  readonly count: number;
};

// Student's t at 97.5%, for 1 to 9 degrees of freedom; at 20 it is 2.09
const T = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];
const T_OF_MANY = 2.262; // of nine: rather too wide than too narrow

/** The mean of `values` with its 95% interval, as if they were normal. */
export function intervalOf(values: readonly number[]): Interval {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count < 2) return { mean, half: 0, count };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const error = Math.sqrt(squares / (count - 1) / count);
  return { mean, half: (T[count - 2] ?? T_OF_MANY) * error, count };
}

/** How far off the mean may be, or that nothing tells. */
export function describeInterval({ half, count }: Interval, digits: number): string {
  return count < 2 ? "one seed" : `95% interval ± ${half.toFixed(digits)}, ${count} seeds`;
}

/** "95.87 ± 0.21", or the mean alone where one value says nothing about the spread. */
export function formatInterval({ mean, half, count }: Interval, digits: number): string {
  const text = mean.toFixed(digits);
  return count < 2 ? text : `${text} ± ${half.toFixed(digits)}`;
}
