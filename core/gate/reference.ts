/** How a delta compares with one that the relay trained itself, on the same base and mask. */
export type Agreement = {
  /** Of the two deltas, −1…1. */
  readonly cosine: number;
  /** Of that cosine, if the delta's signs were tossed: unrelated work is N(0, 1), whatever its sizes. */
  readonly z: number;
};

/**
 * Compare `delta` [k] with `reference` [k], the relay's own (protocol G16). Honest work goes where training
 * goes, so it agrees; noise and wrong labels do not, a sign flip disagrees. The cosine with a trusted delta is
 * Cao et al. 2021 (FLTrust), arXiv:2012.13995; z = Σ aᵢbᵢ / √Σ aᵢ²bᵢ² needs no assumption on how large the values are.
 */
export function agreementWith(reference: Float32Array, delta: Float32Array): Agreement {
  let product = 0;
  let squares = 0;
  let deltaSquares = 0;
  let referenceSquares = 0;
  for (let i = 0; i < delta.length; i++) {
    const a = delta[i]!;
    const b = reference[i]!;
    product += a * b;
    squares += a * b * (a * b);
    deltaSquares += a * a;
    referenceSquares += b * b;
  }
  if (squares === 0) return { cosine: 0, z: 0 };
  return {
    cosine: product / Math.sqrt(deltaSquares * referenceSquares),
    z: product / Math.sqrt(squares),
  };
}

/** The mean of several references [k], of pieces on the same base and mask. */
export function meanDelta(deltas: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(deltas[0]?.length ?? 0);
  for (const delta of deltas) {
    for (let i = 0; i < mean.length; i++) mean[i]! += delta[i]! / deltas.length;
  }
  return mean;
}
