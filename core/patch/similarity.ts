import { assert } from "../errors.ts";
import { decodeHalf } from "../tensors/half.ts";
import { blockStarts, type Quantised } from "./quantiser.ts";

/** How alike two deltas are. */
export type Similarity = {
  /** Cosine of the angle between them, −1…1; 0 where one of them is all zeros. */
  readonly cosine: number;
  /** Length of the first ÷ that of the second; 1 where both are all zeros, infinite where only the second is. */
  readonly normRatio: number;
};

/** A patch's values with their positions. */
export type PlacedValues = Quantised & {
  /** Flat positions [k], strictly ascending. */
  readonly positions: Uint32Array;
  /** Where each tensor's part starts in [k], ascending. */
  readonly segments: Uint32Array;
};

/**
 * Compare two patches on one mask whose tensors' parts start at `segments`, block by block from codes
 * and scales: a block's products are a whole number times both scales. f64, nothing is dequantised.
 */
export function compareQuantised(a: Quantised, b: Quantised, segments: Uint32Array): Similarity {
  assert(a.codes.length === b.codes.length, "similarity: patches of two masks");
  const starts = blockStarts(segments, a.codes.length);
  let dot = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let block = 0; block < starts.length; block++) {
    const end = starts[block + 1] ?? a.codes.length;
    let products = 0;
    let ownA = 0;
    let ownB = 0;
    for (let i = starts[block]!; i < end; i++) {
      const codeA = a.codes[i]!;
      const codeB = b.codes[i]!;
      products += codeA * codeB;
      ownA += codeA * codeA;
      ownB += codeB * codeB;
    }
    const scaleA = decodeHalf(a.scales[block]!);
    const scaleB = decodeHalf(b.scales[block]!);
    dot += scaleA * scaleB * products;
    squaresA += scaleA * scaleA * ownA;
    squaresB += scaleB * scaleB * ownB;
  }
  return similarityOf(dot, squaresA, squaresB);
}

/** Compare two patches on masks of their own, over the union of both: where one has no position, it has 0. */
export function comparePlaced(a: PlacedValues, b: PlacedValues): Similarity {
  return similarityOf(dotPlaced(a, b), squaresOf(a), squaresOf(b));
}

/** Compare two deltas [k] as they are, in f64. */
export function compareValues(a: Float32Array, b: Float32Array): Similarity {
  assert(a.length === b.length, "similarity: deltas of two lengths");
  let dot = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    squaresA += a[i]! * a[i]!;
    squaresB += b[i]! * b[i]!;
  }
  return similarityOf(dot, squaresA, squaresB);
}

function similarityOf(dot: number, squaresA: number, squaresB: number): Similarity {
  if (squaresA === 0 || squaresB === 0) {
    const normRatio = squaresA === squaresB ? 1 : Math.sqrt(squaresA / squaresB);
    return { cosine: 0, normRatio };
  }
  const cosine = dot / Math.sqrt(squaresA) / Math.sqrt(squaresB);
  return {
    cosine: Math.max(-1, Math.min(1, cosine)), // rounding may end a bit outside
    normRatio: Math.sqrt(squaresA / squaresB),
  };
}

/** Σ value², by blocks. */
function squaresOf({ codes, scales, segments }: PlacedValues): number {
  const starts = blockStarts(segments, codes.length);
  let squares = 0;
  for (let block = 0; block < starts.length; block++) {
    const end = starts[block + 1] ?? codes.length;
    let own = 0;
    for (let i = starts[block]!; i < end; i++) own += codes[i]! * codes[i]!;
    const scale = decodeHalf(scales[block]!);
    squares += scale * scale * own;
  }
  return squares;
}

/** Σ value of a · value of b at the positions that both have. */
function dotPlaced(a: PlacedValues, b: PlacedValues): number {
  const startsA = blockStarts(a.segments, a.codes.length);
  const startsB = blockStarts(b.segments, b.codes.length);
  let dot = 0;
  let i = 0;
  let j = 0;
  let blockA = 0;
  let blockB = 0;
  while (i < a.positions.length && j < b.positions.length) {
    const apart = a.positions[i]! - b.positions[j]!;
    if (apart < 0) i++;
    else if (apart > 0) j++;
    else {
      while (startsA[blockA + 1]! <= i) blockA++;
      while (startsB[blockB + 1]! <= j) blockB++;
      const scales = decodeHalf(a.scales[blockA]!) * decodeHalf(b.scales[blockB]!);
      dot += scales * (a.codes[i]! * b.codes[j]!);
      i++;
      j++;
    }
  }
  return dot;
}
