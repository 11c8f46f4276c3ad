import type { HostBodies } from "../host-bodies.ts";

// R rows, I inputs, O outputs, C channels or classes, F channels of a feed-forward part

/** A body's call as units that do not depend on each other: one after another they write what the whole call does, bit for bit. */
type Cut<Name extends keyof HostBodies> = {
  readonly units: number;
  /** Multiply-adds of one. */
  readonly unitCost: number;
  /** The call for units `from` … `to` − 1. */
  part(from: number, to: number): Parameters<HostBodies[Name]>;
};
type Cuts = {
  readonly [Name in keyof HostBodies]?: (...call: Parameters<HostBodies[Name]>) => Cut<Name>;
};

const LANES = 4; // rows that a product takes at once, and values of a vector
const VALUES = 4096; // of what is made value by value
const EXP_COST = 24; // multiply-adds of an exponential and what is around it

/** Rows of a matrix in units of four, so that what is left over stays at the end. */
function rowsOf(R: number) {
  return {
    units: Math.ceil(R / LANES),
    count: (from: number, to: number) => Math.min(to * LANES, R) - from * LANES,
    /** The part of x [R, width]. */
    of: <Matrix extends Float32Array | null>(
      x: Matrix,
      width: number,
      from: number,
      to: number,
    ): Matrix =>
      (x === null
        ? null
        : x.subarray(from * LANES * width, Math.min(to * LANES, R) * width)) as Matrix, // null where x is
  };
}

/** Values side by side in units of whole vectors. */
function valuesOf(length: number) {
  return {
    units: Math.ceil(length / VALUES),
    unitCost: VALUES * EXP_COST,
    of: (x: Float32Array, from: number, to: number) =>
      x.subarray(from * VALUES, Math.min(to * VALUES, length)),
  };
}

/** The bodies that threads share. */
export const CUTS: Cuts = {
  linear(y, x, weight, bias, residual, { R, I, O, ...kind }) {
    const rows = rowsOf(R);
    return {
      units: rows.units,
      unitCost: LANES * I * O,
      part: (...at) => [
        rows.of(y, O, ...at),
        rows.of(x, I, ...at),
        weight,
        bias,
        rows.of(residual, O, ...at),
        { R: rows.count(...at), I, O, ...kind },
      ],
    };
  },

  linearInputGradient(dx, dy, weight, x, past, { R, I, O, ...kind }) {
    const rows = rowsOf(R);
    return {
      units: rows.units,
      unitCost: LANES * I * O,
      part: (...at) => [
        rows.of(dx, I, ...at),
        rows.of(dy, O, ...at),
        weight,
        rows.of(x, I, ...at),
        rows.of(past, I, ...at),
        { R: rows.count(...at), I, O, ...kind },
      ],
    };
  },

  norm(y, x, weight, bias, kind) {
    const C = weight.length;
    const rows = rowsOf(x.length / C);
    return {
      units: rows.units,
      unitCost: LANES * C * LANES,
      part: (...at) => [rows.of(y, C, ...at), rows.of(x, C, ...at), weight, bias, kind],
    };
  },

  normInputGradient(dx, dy, x, weight, residual, kind) {
    const C = weight.length;
    const rows = rowsOf(x.length / C);
    return {
      units: rows.units,
      unitCost: LANES * C * 2 * LANES,
      part: (...at) => [
        rows.of(dx, C, ...at),
        rows.of(dy, C, ...at),
        rows.of(x, C, ...at),
        weight,
        rows.of(residual, C, ...at),
        kind,
      ],
    };
  },

  /** A sequence is a unit. */
  attention(mixed, logSums, qkv, { R, T, H, K, D, causal }) {
    const W = (H + 2 * K) * D;
    const of = (x: Float32Array, width: number, from: number, to: number) =>
      x.subarray(from * T * width, to * T * width);
    return {
      units: R / T,
      unitCost: 2 * H * T * T * D,
      part: (from, to) => [
        of(mixed, H * D, from, to),
        of(logSums, H, from, to),
        of(qkv, W, from, to),
        { R: (to - from) * T, T, H, K, D, causal },
      ],
    };
  },

  attentionGradient(dqkv, dy, qkv, mixed, logSums, { R, T, H, K, D, causal }) {
    const W = (H + 2 * K) * D;
    const of = (x: Float32Array, width: number, from: number, to: number) =>
      x.subarray(from * T * width, to * T * width);
    return {
      units: R / T,
      unitCost: 5 * H * T * T * D,
      part: (from, to) => [
        of(dqkv, W, from, to),
        of(dy, H * D, from, to),
        of(qkv, W, from, to),
        of(mixed, H * D, from, to),
        of(logSums, H, from, to),
        { R: (to - from) * T, T, H, K, D, causal },
      ],
    };
  },

  crossEntropy(losses, dlogits, logits, targets, weights) {
    const R = targets.length;
    const C = logits.length / R;
    return {
      units: R,
      unitCost: C * EXP_COST,
      part: (from, to) => [
        losses.subarray(from, to),
        dlogits.subarray(from * C, to * C),
        logits.subarray(from * C, to * C),
        targets.subarray(from, to),
        weights.subarray(from, to),
      ],
    };
  },

  scoreLogits(losses, right, logits, targets) {
    const R = targets.length;
    const C = logits.length / R;
    return {
      units: R,
      unitCost: C * EXP_COST,
      part: (from, to) => [
        losses.subarray(from, to),
        right.subarray(from, to),
        logits.subarray(from * C, to * C),
        targets.subarray(from, to),
      ],
    };
  },

  gelu(y, x, kind) {
    const { of, ...cut } = valuesOf(x.length);
    return { ...cut, part: (...at) => [of(y, ...at), of(x, ...at), kind] };
  },

  geluInputGradient(dx, dy, x, kind) {
    const { of, ...cut } = valuesOf(x.length);
    return { ...cut, part: (...at) => [of(dx, ...at), of(dy, ...at), of(x, ...at), kind] };
  },

  swiglu(y, gate, up) {
    const { of, ...cut } = valuesOf(y.length);
    return { ...cut, part: (...at) => [of(y, ...at), of(gate, ...at), of(up, ...at)] };
  },

  swigluGradient(dgate, dup, dy, gate, up) {
    const { of, ...cut } = valuesOf(dy.length);
    return {
      ...cut,
      part: (...at) => [
        of(dgate, ...at),
        of(dup, ...at),
        of(dy, ...at),
        of(gate, ...at),
        of(up, ...at),
      ],
    };
  },
};
