/**
 * `values` at `positions` [k]. By a loop: Float32Array.from collects what a function gives in a plain array first, which
 * ends at 105 million.
 */
export function valuesAt(values: Float32Array, positions: Uint32Array): Float32Array<ArrayBuffer> {
  const chosen = new Float32Array(positions.length);
  for (let j = 0; j < positions.length; j++) chosen[j] = values[positions[j]!]!;
  return chosen;
}

/** The positions 0 … size − 1. */
export function everyPosition(size: number): Uint32Array<ArrayBuffer> {
  const positions = new Uint32Array(size);
  for (let position = 0; position < size; position++) positions[position] = position;
  return positions;
}
