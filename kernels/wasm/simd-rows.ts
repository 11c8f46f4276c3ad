import { ERF_P, ERF_TERMS } from "../parts/activation.ts";
import {
  add,
  type Code,
  constant,
  get,
  increase,
  multiply,
  SCALAR,
  SIMD,
  set,
  subtract,
  sumOfLanes,
  type WasmFunction,
  whileAtMost,
} from "./assembler.ts";
import {
  absEach,
  divideEach,
  exponential,
  largerEach,
  largestLane,
  selectNegative,
  shuffle,
  splat,
  spread,
  subtractEach,
} from "./vector.ts";

/** Addresses and lengths in bytes; every `length` is a multiple of 16. */
export type RowExports = {
  /** to = exp(from − largest) / sum, where sum is that of exp(from − largest); largest and sum go to `statistics` [2]. */
  softmax(to: number, from: number, length: number, statistics: number): void;
  /**
   * In place: scores = exp(scores − logSum), the weights; dweights = weights · (dweights − mean). `scalars` [2] holds
   * logSum and mean.
   */
  softmaxGradient(scores: number, dweights: number, length: number, scalars: number): void;
  /** to = u · gate and, for the gradient, to = dy · gelu′(u), with gate = 1 / (1 + exp(−2v)) for GELU's v. */
  gelu(to: number, u: number, length: number): void;
  geluGradient(to: number, dy: number, u: number, length: number): void;
  /** The same with the normal distribution's own integral. */
  geluExact(to: number, u: number, length: number): void;
  geluExactGradient(to: number, dy: number, u: number, length: number): void;
  /** to = silu(gate) · up, and its gradients. */
  swiglu(to: number, gate: number, up: number, length: number): void;
  swigluGradient(
    dgate: number,
    dup: number,
    dy: number,
    gate: number,
    up: number,
    length: number,
  ): void;
  /**
   * `to`, rows of `toStride`, = `from`ᵀ, rows of `fromStride`, for 16 rows of `from` or for 4, and as many columns as
   * `length` has.
   */
  transpose16(to: number, from: number, length: number, fromStride: number, toStride: number): void;
  transpose4(to: number, from: number, length: number, fromStride: number, toStride: number): void;
};

/** The functions of `RowExports`. */
export function rowFunctions(): WasmFunction[] {
  return [
    softmaxFunction(),
    softmaxGradientFunction(),
    geluFunction(),
    geluGradientFunction(),
    geluExactFunction(),
    geluExactGradientFunction(),
    swigluFunction(),
    swigluGradientFunction(),
    transposeFunction("transpose16", 16),
    transposeFunction("transpose4", 4),
  ];
}

const VECTOR = constant(16);

/** `body` for every vector of `length` bytes; `at` counts them. */
function eachVector(at: number, length: number, body: Code): Code {
  return [
    set(at, constant(0)),
    whileAtMost(at, subtract(get(length), VECTOR), [body, increase(at, VECTOR)]),
  ];
}

const loadAt = (address: number, at: number): Code => SIMD.load(add(get(address), get(at)), 0);
const storeAt = (address: number, at: number, value: Code): Code =>
  SIMD.store(add(get(address), get(at)), 0, value);

function softmaxFunction(): WasmFunction {
  const [to, from, length, statistics, at, scalar] = [0, 1, 2, 3, 4, 5];
  const [most, sum, value, n, rest] = [6, 7, 8, 9, 10];
  const body: Code = [
    set(most, SIMD.load(get(from), 0)),
    eachVector(at, length, set(most, largerEach(get(most), loadAt(from, at)))),
    set(scalar, largestLane(most)),
    SCALAR.store(get(statistics), 0, get(scalar)),
    set(most, spread(get(scalar))),
    set(sum, SIMD.zero),
    eachVector(at, length, [
      set(value, subtractEach(loadAt(from, at), get(most))),
      exponential(value, n, rest),
      storeAt(to, at, get(value)),
      set(sum, SIMD.add(get(sum), get(value))),
    ]),
    set(scalar, sumOfLanes(sum)),
    SCALAR.store(get(statistics), 4, get(scalar)),
    set(sum, spread(get(scalar))),
    eachVector(at, length, storeAt(to, at, divideEach(loadAt(to, at), get(sum)))),
  ];
  return { name: "softmax", parameters: 4, locals: { i32: 1, f32: 1, v128: 5 }, body };
}

function softmaxGradientFunction(): WasmFunction {
  const [scores, dweights, length, scalars, at] = [0, 1, 2, 3, 4];
  const [logSum, mean, value, n, rest] = [5, 6, 7, 8, 9];
  const body: Code = [
    set(logSum, SIMD.loadSplat(get(scalars), 0)),
    set(mean, SIMD.loadSplat(get(scalars), 4)),
    eachVector(at, length, [
      set(value, subtractEach(loadAt(scores, at), get(logSum))),
      exponential(value, n, rest),
      storeAt(scores, at, get(value)),
      set(rest, subtractEach(loadAt(dweights, at), get(mean))),
      storeAt(dweights, at, SIMD.multiply(get(value), get(rest))),
    ]),
  ];
  return { name: "softmaxGradient", parameters: 4, locals: { i32: 1, f32: 0, v128: 5 }, body };
}

const SLOPE = 2 * Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715; // Hendrycks & Gimpel 2016, arXiv:1606.08415, §2

/** `gate` = 1 / (1 + exp(−SLOPE · (u + CUBIC · u³))), where `square` is u². */
function gateOf(u: number, square: number, gate: number, n: number, rest: number): Code {
  const inner = SIMD.add(splat(-SLOPE), SIMD.multiply(get(square), splat(-SLOPE * CUBIC)));
  return [
    set(square, SIMD.multiply(get(u), get(u))),
    set(gate, SIMD.multiply(get(u), inner)),
    exponential(gate, n, rest),
    set(gate, divideEach(splat(1), SIMD.add(splat(1), get(gate)))),
  ];
}

function geluFunction(): WasmFunction {
  const [to, from, length, at] = [0, 1, 2, 3];
  const [u, square, gate, n, rest] = [4, 5, 6, 7, 8];
  const body = eachVector(at, length, [
    set(u, loadAt(from, at)),
    gateOf(u, square, gate, n, rest),
    storeAt(to, at, SIMD.multiply(get(u), get(gate))),
  ]);
  return { name: "gelu", parameters: 3, locals: { i32: 1, f32: 0, v128: 5 }, body };
}

function geluGradientFunction(): WasmFunction {
  const [to, dy, from, length, at] = [0, 1, 2, 3, 4];
  const [u, square, gate, n, rest] = [5, 6, 7, 8, 9];
  const slope = SIMD.add(splat(SLOPE), SIMD.multiply(get(square), splat(3 * SLOPE * CUBIC)));
  const closing = SIMD.multiply(get(gate), subtractEach(splat(1), get(gate)));
  const change = SIMD.multiply(SIMD.multiply(get(u), closing), slope);
  const body = eachVector(at, length, [
    set(u, loadAt(from, at)),
    gateOf(u, square, gate, n, rest),
    storeAt(to, at, SIMD.multiply(loadAt(dy, at), SIMD.add(get(gate), change))),
  ]);
  return { name: "geluGradient", parameters: 4, locals: { i32: 1, f32: 0, v128: 5 }, body };
}

/** `share` = the normal distribution below u, and `density` = exp(−u² / 2). */
function normalShare(
  u: number,
  { share, density, n, rest, t }: Record<"share" | "density" | "n" | "rest" | "t", number>,
): Code {
  const size = SIMD.multiply(absEach(get(u)), splat(Math.SQRT1_2));
  const beyond = ERF_TERMS.toReversed().reduce<Code>(
    (sum, term) => SIMD.add(SIMD.multiply(sum, get(t)), splat(term)),
    splat(0),
  );
  return [
    set(density, SIMD.multiply(SIMD.multiply(get(u), get(u)), splat(-0.5))),
    exponential(density, n, rest),
    set(t, divideEach(splat(1), SIMD.add(splat(1), SIMD.multiply(size, splat(ERF_P))))),
    set(
      share,
      SIMD.multiply(SIMD.multiply(get(density), splat(0.5)), SIMD.multiply(get(t), beyond)),
    ),
    set(share, selectNegative(get(u), get(share), subtractEach(splat(1), get(share)))),
  ];
}

function geluExactFunction(): WasmFunction {
  const [to, from, length, at] = [0, 1, 2, 3];
  const [u, share, density, n, rest, t] = [4, 5, 6, 7, 8, 9];
  const body = eachVector(at, length, [
    set(u, loadAt(from, at)),
    normalShare(u, { share, density, n, rest, t }),
    storeAt(to, at, SIMD.multiply(get(u), get(share))),
  ]);
  return { name: "geluExact", parameters: 3, locals: { i32: 1, f32: 0, v128: 6 }, body };
}

function geluExactGradientFunction(): WasmFunction {
  const [to, dy, from, length, at] = [0, 1, 2, 3, 4];
  const [u, share, density, n, rest, t] = [5, 6, 7, 8, 9, 10];
  const change = SIMD.multiply(
    SIMD.multiply(get(u), get(density)),
    splat(1 / Math.sqrt(2 * Math.PI)),
  );
  const body = eachVector(at, length, [
    set(u, loadAt(from, at)),
    normalShare(u, { share, density, n, rest, t }),
    storeAt(to, at, SIMD.multiply(loadAt(dy, at), SIMD.add(get(share), change))),
  ]);
  return { name: "geluExactGradient", parameters: 4, locals: { i32: 1, f32: 0, v128: 6 }, body };
}

/** `share` = 1 / (1 + exp(−u)). */
function sigmoid(u: number, share: number, n: number, rest: number): Code {
  return [
    set(share, SIMD.multiply(get(u), splat(-1))),
    exponential(share, n, rest),
    set(share, divideEach(splat(1), SIMD.add(splat(1), get(share)))),
  ];
}

function swigluFunction(): WasmFunction {
  const [to, gate, up, length, at] = [0, 1, 2, 3, 4];
  const [u, share, n, rest] = [5, 6, 7, 8];
  const body = eachVector(at, length, [
    set(u, loadAt(gate, at)),
    sigmoid(u, share, n, rest),
    storeAt(to, at, SIMD.multiply(SIMD.multiply(get(u), get(share)), loadAt(up, at))),
  ]);
  return { name: "swiglu", parameters: 4, locals: { i32: 1, f32: 0, v128: 4 }, body };
}

function swigluGradientFunction(): WasmFunction {
  const [dgate, dup, dy, gate, up, length, at] = [0, 1, 2, 3, 4, 5, 6];
  const [u, share, n, rest, d] = [7, 8, 9, 10, 11];
  const closing = SIMD.multiply(get(u), subtractEach(splat(1), get(share)));
  const slope = SIMD.multiply(get(share), SIMD.add(splat(1), closing));
  const body = eachVector(at, length, [
    set(u, loadAt(gate, at)),
    set(d, loadAt(dy, at)),
    sigmoid(u, share, n, rest),
    storeAt(dup, at, SIMD.multiply(get(d), SIMD.multiply(get(u), get(share)))),
    storeAt(dgate, at, SIMD.multiply(SIMD.multiply(get(d), loadAt(up, at)), slope)),
  ]);
  return { name: "swigluGradient", parameters: 6, locals: { i32: 1, f32: 0, v128: 5 }, body };
}

/** Four columns at a time: of 16 rows, so that whole cache lines are written, else of 4. */
function transposeFunction(name: string, rows: 4 | 16): WasmFunction {
  const [to, from, length, fromStride, toStride, at, row] = [0, 1, 2, 3, 4, 5, 6];
  const [vector, half] = [7, 11]; // four of each
  const four = [0, 1, 2, 3];
  const square = (first: number): Code => [
    four.map((r) => {
      const address = add(get(from), multiply(get(fromStride), constant(first + r)));
      return set(vector + r, SIMD.load(add(address, get(at)), 0));
    }),
    // pairs of rows interleaved, then the pairs
    [0, 1].flatMap((pair) => {
      const [a, b] = [get(vector + 2 * pair), get(vector + 2 * pair + 1)];
      return [
        set(half + 2 * pair, shuffle(a, b, [0, 4, 1, 5])),
        set(half + 2 * pair + 1, shuffle(a, b, [2, 6, 3, 7])),
      ];
    }),
    four.map((c) => {
      const [a, b] = [get(half + (c >> 1)), get(half + 2 + (c >> 1))];
      const lanes = c % 2 === 0 ? [0, 1, 4, 5] : [2, 3, 6, 7];
      const address = add(get(row), multiply(get(toStride), constant(c)));
      return SIMD.store(address, 4 * first, shuffle(a, b, lanes));
    }),
  ];
  const body: Code = [
    set(row, get(to)),
    eachVector(at, length, [
      Array.from({ length: rows / 4 }, (_, index) => square(4 * index)),
      set(row, add(get(row), multiply(get(toStride), constant(4)))),
    ]),
  ];
  return { name, parameters: 5, locals: { i32: 2, f32: 0, v128: 8 }, body };
}
