import {
  type GeluKind,
  gelu,
  geluInputGradient,
  swiglu,
  swigluGradient,
} from "../../core/models/transformer-operations.ts";
import type { Random } from "../../core/random.ts";
import { matrix } from "../attributes.ts";
import type { Call, HostOperation } from "../host-call.ts";
import { blank, floats, type OperationTrial, on } from "../trial.ts";

/** What is between the matrices of a feed-forward part, value by value: outputs first, then inputs. */
export type ActivationBodies = {
  gelu(y: Float32Array, x: Float32Array, kind: GeluKind): void;
  geluInputGradient(dx: Float32Array, dy: Float32Array, x: Float32Array, kind: GeluKind): void;
  swiglu(y: Float32Array, gate: Float32Array, up: Float32Array): void;
  swigluGradient(
    dgate: Float32Array,
    dup: Float32Array,
    dy: Float32Array,
    gate: Float32Array,
    up: Float32Array,
  ): void;
};

const SLOPE = 2 * Math.sqrt(2 / Math.PI); // twice the tanh's, as the share below wants it
const CUBIC = 0.044715; // Hendrycks & Gimpel 2016, arXiv:1606.08415, §2
const DENSITY = 1 / Math.sqrt(2 * Math.PI); // of the normal distribution at 0

/** erf's complement over exp(−z²) by a polynomial of t = 1 / (1 + P·z), within 1.5e-7. Source: Abramowitz & Stegun 1964, 7.1.26. */
export const ERF_P = 0.3275911;
export const ERF_TERMS = [
  0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429,
] as const;

export const plainActivationBodies: ActivationBodies = {
  gelu(y, x, kind) {
    for (let p = 0; p < x.length; p++) y[p] = x[p]! * shareOf(x[p]!, kind);
  },

  geluInputGradient(dx, dy, x, kind) {
    for (let p = 0; p < x.length; p++) {
      const u = x[p]!;
      const share = shareOf(u, kind);
      const slope =
        kind.form === "exact"
          ? DENSITY * Math.exp((-u * u) / 2)
          : share * (1 - share) * SLOPE * (1 + 3 * CUBIC * u * u);
      dx[p] = dy[p]! * (share + u * slope);
    }
  },

  swiglu(y, gate, up) {
    for (let p = 0; p < gate.length; p++) y[p] = gate[p]! * sigmoid(gate[p]!) * up[p]!;
  },

  swigluGradient(dgate, dup, dy, gate, up) {
    for (let p = 0; p < gate.length; p++) {
      const u = gate[p]!;
      const share = sigmoid(u);
      dup[p] = dy[p]! * u * share;
      dgate[p] = dy[p]! * up[p]! * share * (1 + u * (1 - share));
    }
  },
};

function sigmoid(u: number): number {
  return 1 / (1 + Math.exp(-u));
}

/** How much of u a GELU lets through: the normal distribution below u, or (1 + tanh v) / 2 = 1 / (1 + exp(−2v)). */
function shareOf(u: number, { form }: GeluKind): number {
  if (form === "tanh") return 1 / (1 + Math.exp(-SLOPE * (u + CUBIC * u * u * u)));
  const z = Math.abs(u) * Math.SQRT1_2;
  const t = 1 / (1 + ERF_P * z);
  const beyond =
    0.5 * Math.exp(-z * z) * t * ERF_TERMS.reduceRight((sum, term) => sum * t + term, 0);
  return u < 0 ? beyond : 1 - beyond;
}

function kindOf({ attributes }: Call): GeluKind {
  return { form: attributes.form === "exact" ? "exact" : "tanh" };
}

export const ACTIVATION_OPERATIONS: Readonly<Record<string, HostOperation>> = {
  Gelu: (call) => {
    const { tensor, floats, make, bodies } = call;
    const y = make(matrix(tensor("x")));
    bodies.gelu(floats(y), floats("x"), kindOf(call));
    return y;
  },

  GeluInputGradient: (call) => {
    const { tensor, floats, make, bodies } = call;
    const dx = make(matrix(tensor("x")));
    bodies.geluInputGradient(floats(dx), floats("dy"), floats("x"), kindOf(call));
    return dx;
  },

  Swiglu: ({ tensor, floats, make, bodies }) => {
    const y = make(matrix(tensor("gate")));
    bodies.swiglu(floats(y), floats("gate"), floats("up"));
    return y;
  },

  SwigluGradient: ({ tensor, floats, make, bodies }) => {
    const shape = matrix(tensor("gate"));
    const [dgate, dup] = [make(shape), make(shape)];
    const inputs = [floats("dy"), floats("gate"), floats("up")] as const;
    bodies.swigluGradient(floats(dgate), floats(dup), ...inputs);
    return [dgate, dup];
  },
};

/** 39 rows of 21: no multiple of a group or vector; values beyond where a tanh is ±1. */
export function* activationTrials(random: Random): Generator<OperationTrial> {
  const [R, F] = [39, 21];
  const x = floats(random, R * F).map((value) => 12 * value);
  const [dy, up] = [floats(random, R * F), floats(random, R * F)];
  for (const form of ["tanh", "exact"] as const) {
    const [y, dx] = [blank(R * F), blank(R * F)];
    plainActivationBodies.gelu(y, x, { form });
    plainActivationBodies.geluInputGradient(dx, dy, x, { form });
    yield { op: `Gelu ${form}`, onDevice: () => [gelu(on(x, R, F), { form })], expected: [y] };
    yield {
      op: `GeluInputGradient ${form}`,
      onDevice: () => [geluInputGradient(on(dy, R, F), on(x, R, F), { form })],
      expected: [dx],
    };
  }
  const [y, dgate, dup] = [blank(R * F), blank(R * F), blank(R * F)];
  plainActivationBodies.swiglu(y, x, up);
  plainActivationBodies.swigluGradient(dgate, dup, dy, x, up);
  yield { op: "Swiglu", onDevice: () => [swiglu(on(x, R, F), on(up, R, F))], expected: [y] };
  yield {
    op: "SwigluGradient",
    onDevice: () => {
      const both = swigluGradient(on(dy, R, F), on(x, R, F), on(up, R, F));
      return [both.dgate, both.dup];
    },
    expected: [dgate, dup],
  };
}
