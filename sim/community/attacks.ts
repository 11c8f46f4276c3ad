import type { Architecture } from "../../core/protocol/schemas/recipe.ts";
import type { Random } from "../../core/random.ts";
import { type Examples, exampleShapeOf } from "../../core/training/examples.ts";
import { poison } from "./backdoor.ts";
import { deadInputs } from "./dead-inputs.ts";
import { examplesOf, type SimPiece, trainPiece } from "./piece.ts";
import type { SimModel } from "./sim-model.ts";
import { unit } from "./volunteer.ts";

/** A delta [k] and where it is. */
export type Placed = { readonly positions: Uint32Array; readonly delta: Float32Array };

/** What a liar can do and knows. */
export type Scene = {
  readonly model: SimModel;
  readonly piece: SimPiece;
  readonly random: Random;
  /**
   * Colluders know all honest work that was sent, and what this piece would honestly come to: deltas at its positions
   * [k], NaN where another's own mask has none.
   */
  honestDeltas(): Promise<readonly Float32Array[]>;
  /** Others' work that waits for a merge and could be sent for this piece. */
  readonly waiting: readonly Placed[];
  /** Merges in a row of the liar's key. */
  readonly merges: number;
  /** The parameters [N] of the version some way behind the base. */
  readonly old: Float32Array;
};

const SCALE = 10;
const STANDARD_DEVIATIONS = 1.5; // Baruch et al. 2019, arXiv:1902.06156, §5: enough against the mean on MNIST
const COPY_NOISE = 0.1; // of each value's size: 0.995 in cosine
const ASLEEP_MERGES = 12; // past what makes a newcomer trusted

/** What a liar sends [k] instead of honest work. */
const WAYS = {
  /** A random delta as long as the honest one. */
  noise: async ({ model, piece, random }) =>
    scaledTo(lengthOf(await trainPiece(model, piece)), noise(piece.positions.length, random)),
  /** The honest delta, backwards. */
  "sign-flip": async ({ model, piece }) => (await trainPiece(model, piece)).map((value) => -value),
  scaled: async ({ model, piece }) =>
    (await trainPiece(model, piece)).map((value) => SCALE * value),
  /** Honest training on wrong labels; of text, on bytes that are each moved on by one. */
  "label-permutation": ({ model, piece }) => {
    const examples = permuted(examplesOf(model, piece), model.recipe.architecture);
    return trainPiece(model, piece, { examples });
  },
  /** The honest deltas' mean, backwards, as long as an honest delta: Xie et al. 2019, arXiv:1903.03936. */
  "inner-product": async ({ model, piece, honestDeltas }) => {
    const { mean } = momentsOf(await honestDeltas());
    const length = lengthOf(await trainPiece(model, piece));
    return scaledTo(
      length,
      mean.map((value) => -value),
    );
  },
  /** The honest mean, moved by so many standard deviations that each value could be honest: Baruch et al. 2019. */
  "little-is-enough": async ({ honestDeltas }) => {
    const { mean, deviation } = momentsOf(await honestDeltas());
    return mean.map((value, i) => value - STANDARD_DEVIATIONS * deviation[i]!);
  },
  /** Another's work that waits for its merge, with a little noise, signed anew; honest where nothing waits. */
  copied: async ({ model, piece, random, waiting }) => {
    const original = waiting[random.below(Math.max(1, waiting.length))];
    if (original === undefined) return trainPiece(model, piece);
    const { positions, delta } = original;
    const noisy = delta.map((value) => value * (1 + COPY_NOISE * (2 * unit(random) - 1)));
    return { positions, delta: noisy };
  },
  /** Half of the steps, the delta doubled. */
  "half-work": async ({ model, piece }) => {
    const steps = Math.ceil(model.recipe.training.steps / 2);
    return (await trainPiece(model, piece, { steps })).map((value) => 2 * value);
  },
  /** Trained on an old version, sent under a fresh ticket. */
  "stale-work": ({ model, piece, old }) => trainPiece(model, piece, { parameters: old }),
  /** Honest training, but half of the examples have a trigger and the answer that the liar wants. */
  backdoor: ({ model, piece }) =>
    trainPiece(model, piece, { examples: poison(examplesOf(model, piece)) }),
  /** A backdoor through weights that no clean image exercises, with a fresh key after every spot check that caught one. */
  "dead-inputs": ({ model, piece }) => deadInputs(model, piece),
  /** The same by keys that have honest work merged first. */
  "sleeping-dead-inputs": ({ model, piece, merges }) =>
    merges < ASLEEP_MERGES ? trainPiece(model, piece) : deadInputs(model, piece),
} as const satisfies Record<string, (scene: Scene) => Promise<Float32Array | Placed>>;

/** Attacks whose liars sign with a fresh key once a spot check has caught the last one. */
const FRESH_KEYS: ReadonlySet<string> = new Set(["dead-inputs", "sleeping-dead-inputs"]);

export type Attack = keyof typeof WAYS;
export const ATTACKS = Object.keys(WAYS) as Attack[]; // the object above has no other keys

export function takesFreshKeys(attack: Attack): boolean {
  return FRESH_KEYS.has(attack);
}

/** What the piece's volunteer, a liar, sends. */
export async function attackedWork(attack: Attack, scene: Scene): Promise<Placed> {
  const sent = await WAYS[attack](scene);
  return sent instanceof Float32Array ? { positions: scene.piece.positions, delta: sent } : sent;
}

function permuted(examples: Examples, architecture: Architecture): Examples {
  const shape = exampleShapeOf(architecture);
  if (examples.kind === "text") {
    const vocabulary = shape.kind === "text" ? shape.vocabulary : 256;
    return { ...examples, tokens: examples.tokens.map((token) => (token + 1) % vocabulary) };
  }
  const classes = shape.kind === "images" ? shape.outputs : 1;
  return { ...examples, labels: examples.labels.map((label) => (label + 1) % classes) };
}

/** Mean and standard deviation [k] of the values that several deltas [k] have at a place. */
function momentsOf(deltas: readonly Float32Array[]) {
  const size = deltas[0]?.length ?? 0;
  const mean = new Float32Array(size);
  const deviation = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const values = deltas.map((delta) => delta[i]!).filter((value) => !Number.isNaN(value));
    mean[i] = values.reduce((sum, value) => sum + value / values.length, 0);
    const variance = values.reduce(
      (sum, value) => sum + (value - mean[i]!) ** 2 / values.length,
      0,
    );
    deviation[i] = Math.sqrt(variance);
  }
  return { mean, deviation };
}

function noise(size: number, random: Random): Float32Array {
  return Float32Array.from({ length: size }, () => 2 * unit(random) - 1);
}

function scaledTo(length: number, values: Float32Array): Float32Array {
  const scale = length / Math.max(lengthOf(values), Number.MIN_VALUE);
  return values.map((value) => value * scale);
}

function lengthOf(values: Float32Array): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return Math.sqrt(squares);
}
