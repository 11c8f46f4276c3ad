import { valuesAt } from "../tensors/values-at.ts";
import type { ReferencePieces } from "../training/reference-training.ts";
import { blindLevel } from "./blind.ts";

/** How a delta compares with one that the relay trained itself, on the same base and mask. */
export type Agreement = {
  /** Of the two deltas, −1…1. */
  readonly cosine: number;
  /** Of that cosine, if the delta's signs were tossed: unrelated work is N(0, 1), whatever its sizes. */
  readonly z: number;
  /** The z that the relay's own pieces have among themselves: how much a z can say. Null where there is only one piece. */
  readonly expectedZ: number | null;
  /** The cosine over the one that the relay's own pieces have; null where they have none above 0, or there is only one piece. */
  readonly share: number | null;
  /** Its length over the mean length of the relay's own pieces. */
  readonly length: number;
  /** The share of its energy at positions that the public data hardly exercises, and the most that honest work has there. */
  readonly blind: number;
  readonly mostBlind: number;
};

const MOST_BLIND_OWN = 0.05; // an own mask keeps away from such positions: digits and presidents have at most 0.4% there
const MOST_BLIND_COMMON = 0.25; // another piece may wake a unit that slept in all of the relay's …
const USUAL_BLIND = 1.5; // … and has about as much there as they have

/**
 * Compare `delta` [k] with the relay's own (protocol G16). Honest work goes where training
 * goes, so it agrees; noise and wrong labels do not, a sign flip disagrees. The cosine with a trusted delta is
 * Cao et al. 2021 (FLTrust), arXiv:2012.13995; z = Σ aᵢbᵢ / √Σ aᵢ²bᵢ² needs no assumption on how large the values are.
 */
export function agreementWith(
  { delta: own, norm, cosine, expectedZ, isBlind, mostBlind }: Reference,
  delta: Float32Array,
): Agreement {
  const agreement = agreementOf(own, delta);
  // divided by a cosine of 0 or less, honest work would have a negative share, or none
  const share = cosine === null || cosine <= 0 ? null : agreement.cosine / cosine;
  return {
    ...agreement,
    expectedZ,
    share,
    length: norm === 0 ? 0 : lengthOf(delta) / norm,
    blind: energyShare(delta, isBlind),
    mostBlind,
  };
}

/** The share of a delta's squares [k] at the marked entries; 0 of zeros. */
function energyShare(delta: Float32Array, isMarked: Uint8Array): number {
  let marked = 0;
  let all = 0;
  for (let i = 0; i < delta.length; i++) {
    const square = delta[i]! * delta[i]!;
    all += square;
    if (isMarked[i] === 1) marked += square;
  }
  return all === 0 ? 0 : marked / all;
}

function lengthOf(delta: Float32Array): number {
  let squares = 0;
  for (const value of delta) squares += value * value;
  return Math.sqrt(squares);
}

function agreementOf(
  reference: Float32Array,
  delta: Float32Array,
): Pick<Agreement, "cosine" | "z"> {
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

/** The delta that the relay trained itself on one base, with which everybody's is compared. */
export type Reference = {
  /** The mean of its pieces [k]. */
  readonly delta: Float32Array;
  /** Their mean length. */
  readonly norm: number;
  /** The mean cosine of a piece with the mean of the others: what honest work can be expected to have. Null for one piece. */
  readonly cosine: number | null;
  /** The mean z of a piece with the mean of the others. Null for one piece. */
  readonly expectedZ: number | null;
  /** The mean cosine of two pieces: how alike honest work is. Null for one piece. */
  readonly likeness: number | null;
  /** 1 where the public data says next to nothing [k]. */
  readonly isBlind: Uint8Array;
  /** The largest share of its energy that honest work has there. */
  readonly mostBlind: number;
};

/**
 * The reference that several pieces on the same base and mask make, of which these are the deltas [k]; `isBlind` [k] marks what
 * the public data says next to nothing of.
 */
export function createReference(
  deltas: readonly Float32Array[],
  isBlind = new Uint8Array(deltas[0]?.length ?? 0),
): Reference {
  const delta = meanOf(deltas);
  const norm = meanLength(deltas);
  const blind = deltas.reduce((sum, own) => sum + energyShare(own, isBlind), 0) / deltas.length;
  const known = { delta, norm, isBlind, mostBlind: MOST_BLIND_COMMON + USUAL_BLIND * blind };
  if (deltas.length < 2) return { ...known, cosine: null, expectedZ: null, likeness: null };
  let cosines = 0;
  let zs = 0;
  let likenesses = 0;
  for (const piece of deltas) {
    const others = deltas.filter((other) => other !== piece);
    const agreement = agreementOf(meanOf(others), piece);
    cosines += agreement.cosine / deltas.length;
    zs += agreement.z / deltas.length;
    for (const other of others) {
      likenesses += agreementOf(other, piece).cosine / others.length / deltas.length;
    }
  }
  return { ...known, cosine: cosines, expectedZ: zs, likeness: likenesses };
}

/** The reference for work at the positions [k] that it changes. */
export type ReferenceAt = (positions: Uint32Array) => Reference;

/**
 * The reference that the relay's own `deltas` make. Where all work has one `mask` they are [k] on it, and so is the reference.
 * Where everybody's mask is their own (null) the pieces trained every parameter, deltas [N], and are looked at where the work is; they
 * were to move as far in all as work on a mask does, so it is their whole length that its length is held against.
 * `information`, as long as a delta, is what the public data says of each entry.
 */
export function createReferenceAt(
  { deltas, information }: ReferencePieces,
  mask: Uint32Array | null,
): ReferenceAt {
  const level = blindLevel(information);
  const isBlind = new Uint8Array(information.length);
  for (let i = 0; i < isBlind.length; i++) isBlind[i] = information[i]! <= level ? 1 : 0;
  if (mask !== null) {
    const reference = createReference(deltas, isBlind);
    return () => reference;
  }
  const norm = meanLength(deltas);
  return (positions) => {
    const there = deltas.map((delta) => valuesAt(delta, positions));
    const isBlindThere = new Uint8Array(positions.length);
    for (let j = 0; j < positions.length; j++) isBlindThere[j] = isBlind[positions[j]!]!;
    return { ...createReference(there, isBlindThere), norm, mostBlind: MOST_BLIND_OWN };
  };
}

function meanLength(deltas: readonly Float32Array[]): number {
  return deltas.reduce((sum, delta) => sum + lengthOf(delta), 0) / deltas.length;
}

function meanOf(deltas: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(deltas[0]?.length ?? 0);
  for (const delta of deltas) {
    for (let i = 0; i < mean.length; i++) mean[i]! += delta[i]! / deltas.length;
  }
  return mean;
}
