/** The value in the middle, the mean of both where their number is even; null of none. */
export function medianOf(values: readonly number[]): number | null {
  const ordered = values.toSorted((a, b) => a - b);
  const lower = ordered[(ordered.length - 1) >> 1];
  const upper = ordered[ordered.length >> 1];
  return lower === undefined || upper === undefined ? null : (lower + upper) / 2;
}
