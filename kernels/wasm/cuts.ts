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
const VALUES = 4096; // in a unit of what is made value by value: whole vectors
const EXP_COST = 24; // multiply-adds of an exponential and what is around it

/** So many rows in units of `size`, of which the last has what is left over. */
function unitsOf(rows: number, size: number) {
  const end = (to: number) => Math.min(to * size, rows);
  return {
    units: Math.ceil(rows / size),
    /** How many rows units `from` … `to` − 1 have. */
    count: (from: number, to: number) => end(to) - from * size,
    /** What those units have of x [rows, width]. */
    of: <Values extends Float32Array | Int32Array | null>(
      x: Values,
      width: number,
      from: number,
      to: number,
    ): Values => (x === null ? null : x.subarray(from * size * width, end(to) * width)) as Values, // null where x is
  };
}

/** The bodies that threads share. */
export const CUTS: Cuts = {
  linear(y, x, weight, bias, residual, { R, I, O, ...kind }) {
    const { units, count, of } = unitsOf(R, LANES);
    return {
      units,
      unitCost: LANES * I * O,
      part: (...at) => [
        of(y, O, ...at),
        of(x, I, ...at),
        weight,
        bias,
        of(residual, O, ...at),
        { R: count(...at), I, O, ...kind },
      ],
    };
  },

  linearInputGradient(dx, dy, weight, x, past, { R, I, O, ...kind }) {
    const { units, count, of } = unitsOf(R, LANES);
    return {
      units,
      unitCost: LANES * I * O,
      part: (...at) => [
        of(dx, I, ...at),
        of(dy, O, ...at),
        weight,
        of(x, I, ...at),
        of(past, I, ...at),
        { R: count(...at), I, O, ...kind },
      ],
    };
  },

  norm(y, x, weight, bias, kind) {
    const C = weight.length;
    const { units, of } = unitsOf(x.length / C, LANES);
    return {
      units,
      unitCost: LANES * C * LANES,
      part: (...at) => [of(y, C, ...at), of(x, C, ...at), weight, bias, kind],
    };
  },

  normInputGradient(dx, dy, x, weight, residual, kind) {
    const C = weight.length;
    const { units, of } = unitsOf(x.length / C, LANES);
    return {
      units,
      unitCost: LANES * C * 2 * LANES,
      part: (...at) => [
        of(dx, C, ...at),
        of(dy, C, ...at),
        of(x, C, ...at),
        weight,
        of(residual, C, ...at),
        kind,
      ],
    };
  },

  /** A sequence is a unit. */
  attention(mixed, logSums, qkv, { R, T, H, K, D, causal }) {
    const W = (H + 2 * K) * D;
    const { units, count, of } = unitsOf(R, T);
    return {
      units,
      unitCost: 2 * H * T * T * D,
      part: (...at) => [
        of(mixed, H * D, ...at),
        of(logSums, H, ...at),
        of(qkv, W, ...at),
        { R: count(...at), T, H, K, D, causal },
      ],
    };
  },

  attentionGradient(dqkv, dy, qkv, mixed, logSums, { R, T, H, K, D, causal }) {
    const W = (H + 2 * K) * D;
    const { units, count, of } = unitsOf(R, T);
    return {
      units,
      unitCost: 5 * H * T * T * D,
      part: (...at) => [
        of(dqkv, W, ...at),
        of(dy, H * D, ...at),
        of(qkv, W, ...at),
        of(mixed, H * D, ...at),
        of(logSums, H, ...at),
        { R: count(...at), T, H, K, D, causal },
      ],
    };
  },

  crossEntropy(losses, dlogits, logits, targets, weights) {
    const R = targets.length;
    const C = logits.length / R;
    const { units, of } = unitsOf(R, 1);
    return {
      units,
      unitCost: C * EXP_COST,
      part: (...at) => [
        of(losses, 1, ...at),
        of(dlogits, C, ...at),
        of(logits, C, ...at),
        of(targets, 1, ...at),
        of(weights, 1, ...at),
      ],
    };
  },

  scoreLogits(losses, right, logits, targets) {
    const R = targets.length;
    const C = logits.length / R;
    const { units, of } = unitsOf(R, 1);
    return {
      units,
      unitCost: C * EXP_COST,
      part: (...at) => [
        of(losses, 1, ...at),
        of(right, 1, ...at),
        of(logits, C, ...at),
        of(targets, 1, ...at),
      ],
    };
  },

  gelu(y, x, kind) {
    const { units, of } = unitsOf(x.length, VALUES);
    return {
      units,
      unitCost: VALUES * EXP_COST,
      part: (...at) => [of(y, 1, ...at), of(x, 1, ...at), kind],
    };
  },

  geluInputGradient(dx, dy, x, kind) {
    const { units, of } = unitsOf(x.length, VALUES);
    return {
      units,
      unitCost: VALUES * EXP_COST,
      part: (...at) => [of(dx, 1, ...at), of(dy, 1, ...at), of(x, 1, ...at), kind],
    };
  },

  swiglu(y, gate, up) {
    const { units, of } = unitsOf(y.length, VALUES);
    return {
      units,
      unitCost: VALUES * EXP_COST,
      part: (...at) => [of(y, 1, ...at), of(gate, 1, ...at), of(up, 1, ...at)],
    };
  },

  swigluGradient(dgate, dup, dy, gate, up) {
    const { units, of } = unitsOf(dy.length, VALUES);
    return {
      units,
      unitCost: VALUES * EXP_COST,
      part: (...at) => [
        of(dgate, 1, ...at),
        of(dup, 1, ...at),
        of(dy, 1, ...at),
        of(gate, 1, ...at),
        of(up, 1, ...at),
      ],
    };
  },
};
