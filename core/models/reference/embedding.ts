// R rows (batch × time), V vocabulary, C channels

/** The rows of `table` [V, C] that `tokens` [R] name → [R, C]. */
export function lookup(
  table: Float64Array,
  tokens: ArrayLike<number>,
  channels: number,
): Float64Array {
  const rows = new Float64Array(tokens.length * channels); // [R, C]
  for (let r = 0; r < tokens.length; r++) {
    const row = table.subarray(tokens[r]! * channels, (tokens[r]! + 1) * channels);
    rows.set(row, r * channels);
  }
  return rows;
}

/** The gradient of a table [V, C] from dy [R, C]: each row added where its token points. */
export function scatterAdd(
  dy: Float64Array,
  tokens: ArrayLike<number>,
  { vocabulary: V, channels: C }: { vocabulary: number; channels: number },
): Float64Array {
  const dtable = new Float64Array(V * C); // [V, C]
  for (let r = 0; r < tokens.length; r++) {
    for (let c = 0; c < C; c++) dtable[tokens[r]! * C + c]! += dy[r * C + c]!;
  }
  return dtable;
}
