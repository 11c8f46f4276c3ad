import { FISHER_VALUES } from "../patch/fisher-weights.ts";

/**
 * The weight of each Fisher code [256] in a patch with the codes `fisher` [k]: its value times k ÷ the sum of
 * all values, in f32 (protocol G15), so that the weights' mean is 1 whatever their scale. The sum runs over
 * the codes 0…255. Without codes (null) everything weighs 1; where all are 0, nothing weighs anything.
 */
export function fisherTable(fisher: Uint8Array | null): Float32Array {
  const table = new Float32Array(FISHER_VALUES.length);
  if (fisher === null) return table.fill(1);
  const counts = new Uint32Array(FISHER_VALUES.length);
  for (let i = 0; i < fisher.length; i++) counts[fisher[i]!]!++;
  let total = 0;
  for (let code = 0; code < table.length; code++) total += counts[code]! * FISHER_VALUES[code]!;
  if (total === 0) return table;
  const factor = fisher.length / total;
  for (let code = 0; code < table.length; code++) table[code] = FISHER_VALUES[code]! * factor;
  return table;
}
