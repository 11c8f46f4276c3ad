import type { Judge } from "../../core/gate/judge.ts";
import { agreementWith, createReferenceAt } from "../../core/gate/reference.ts";
import { scoreMember } from "../../core/gate/scoring.ts";
import { mergeCandidate, weighCohort } from "../../core/merge/candidate.ts";
import { deltaOf, type Member } from "../../core/merge/member.ts";
import { modelOf } from "../../core/models/registry.ts";
import { MAX_CODE, quantise, segmentStarts } from "../../core/patch/quantiser.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import { createRandom, type Random } from "../../core/random.ts";
import { applyDeltaStep } from "../../core/tensors/delta-step.ts";
import { createLayout, type Layout } from "../../core/tensors/layout.ts";
import { evaluate } from "../../core/training/evaluate.ts";
import { type Examples, joinExamples } from "../../core/training/examples.ts";
import { meanOf } from "../../core/training/metrics.ts";
import { preparePieceMask } from "../../core/training/own-mask.ts";
import { trainPieces } from "../../core/training/reference-training.ts";
import { trainDelta } from "../../core/training/train.ts";

/** What a rehearsal works with: the model as a relay will have it, some of its shards decoded. */
export type Stage = {
  readonly parameters: Float32Array;
  readonly shards: readonly Examples[];
  readonly heldOut: Readonly<Record<"score" | "gate", Examples>>;
  readonly seed: string;
  /** The caller's clock in ms. */
  readonly now: () => number;
  readonly signal: AbortSignal;
};

/** One version of the rehearsal: what its cohort did. */
export type Round = {
  /** Mean loss on the score set after it, in nats. */
  readonly lossNats: number;
  /** Losses on the gate set, new version − old, in nats [n]. */
  readonly differences: Float32Array;
  /** Rise of the loss when the head takes a share of each piece, in nats. */
  readonly rises: readonly number[];
  /** How each piece agrees with the relay's own; empty where it was not looked at. */
  readonly agreements: readonly { readonly z: number; readonly share: number | null }[];
};

export type Rehearsal = {
  /** Train a cohort of `pieces` on the head and merge it; `isReferred` also trains the relay's own pieces there. */
  round(pieces: number, isReferred: boolean): Promise<Round>;
  /** Seconds of one piece, the mean of all so far. */
  pieceSeconds(): number;
};

/** A small community in one process, with the training, merging and judging that a relay uses: what a recipe comes to. */
export function createRehearsal(recipe: Recipe, stage: Stage): Rehearsal {
  const { architecture, training } = recipe;
  const { shards, heldOut, now, signal } = stage;
  const layout = createLayout(modelOf(architecture).shapes);
  const count = Math.max(1, Math.round(recipe.mask.density * layout.size));
  const random = createRandom(`${stage.seed} rehearsal`);
  const mergedNorms: number[] = [];
  let parameters = stage.parameters;
  let before: { score: Float32Array; gate: Float32Array } | null = null;
  let seconds = 0;
  let trained = 0;

  const losses = async (examples: Examples, at: Float32Array) =>
    (await evaluate({ architecture, parameters: at, examples }, { signal })).losses;

  async function trainMember(merges: number): Promise<Member> {
    const start = now();
    const examples = drawShards(shards, recipe.data.shardsPerTicket, random);
    const seed = random.uint32();
    const task = { architecture, parameters, examples, seed };
    const given = recipe.mask.kind === "own" ? null : allPositions(layout);
    const { positions } = await preparePieceMask(task, recipe, { given, count }, { signal });
    const { delta } = await trainDelta({ ...task, positions, training }, { signal });
    seconds += (now() - start) / 1000;
    trained++;
    const segments = segmentStarts(layout, positions);
    const values = quantise(delta.map(heldByPatch), segments);
    const norm = Math.sqrt(delta.reduce((sum, value) => sum + value * value, 0));
    const name = String(trained);
    return {
      ...values,
      id: name,
      contributor: name,
      positions,
      segments,
      norm,
      fisher: null,
      merges,
      lag: 0,
      examples: training.steps * training.batch,
    };
  }

  async function riseOf(member: Member): Promise<number> {
    const judge: Judge = {
      async evaluate(_suite, subject) {
        const step = typeof subject === "string" ? null : subject.head; // all three are one version here
        const at = step === null ? parameters : applyDeltaStep(parameters, step);
        return evaluate({ architecture, parameters: at, examples: heldOut.score }, { signal });
      },
    };
    return scoreMember(judge, { number: 0, parameters, recipe }, member);
  }

  async function agreementsOf(members: readonly Member[]) {
    const pieces = Array.from({ length: recipe.score.references }, () => ({
      examples: drawShards(shards, recipe.data.shardsPerTicket, random),
      seed: random.uint32(),
    }));
    const task = { architecture, parameters, positions: null, count, training, pieces };
    const referenceAt = createReferenceAt(await trainPieces(task), null);
    return members.map((member) => {
      const reference = referenceAt(member.positions);
      return agreementWith(reference, deltaOf(member));
    });
  }

  return {
    pieceSeconds: () => (trained === 0 ? 0 : seconds / trained),
    async round(pieces, isReferred) {
      before ??= {
        score: await losses(heldOut.score, parameters),
        gate: await losses(heldOut.gate, parameters),
      };
      const members: Member[] = [];
      for (let i = 0; i < pieces; i++) members.push(await trainMember(mergedNorms.length));
      const rises: number[] = [];
      for (const member of members) rises.push(await riseOf(member));
      const agreements = isReferred ? await agreementsOf(members) : [];
      const weights = weighCohort(members, mergedNorms, recipe);
      const { step } = mergeCandidate(parameters, members, weights, recipe);
      mergedNorms.push(...members.map(({ norm }) => norm));
      parameters = applyDeltaStep(parameters, step);
      const after = {
        score: await losses(heldOut.score, parameters),
        gate: await losses(heldOut.gate, parameters),
      };
      const differences = after.gate.map((loss, i) => loss - before!.gate[i]!);
      before = after;
      return { lossNats: meanOf(after.score), differences, rises, agreements };
    },
  };
}

/** A training that diverged is judged by the nearest values that a patch can hold. */
function heldByPatch(value: number): number {
  return Number.isNaN(value) ? MAX_CODE : Math.max(-MAX_CODE, Math.min(MAX_CODE, value));
}

function drawShards(shards: readonly Examples[], count: number, random: Random): Examples {
  const left = [...shards];
  const drawn: Examples[] = [];
  while (drawn.length < count && left.length > 0) {
    drawn.push(...left.splice(random.below(left.length), 1));
  }
  return joinExamples(drawn);
}

function allPositions({ size }: Layout): Uint32Array {
  return Uint32Array.from({ length: size }, (_, position) => position);
}
