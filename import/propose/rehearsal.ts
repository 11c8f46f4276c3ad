import type { Judge } from "../../core/gate/judge.ts";
import { type Likeness, likenessOf, validateLikeness } from "../../core/gate/likeness.ts";
import {
  type Agreement,
  agreementWith,
  createReferenceAt,
  type Reference,
  type ReferenceAt,
} from "../../core/gate/reference.ts";
import { scoreMember, screen, validateScore } from "../../core/gate/scoring.ts";
import { mergeCandidate, mergeHere, weighCohort } from "../../core/merge/candidate.ts";
import { deltaOf, type Member } from "../../core/merge/member.ts";
import { modelOf } from "../../core/models/registry.ts";
import { MAX_CODE, quantise, segmentStarts } from "../../core/patch/quantiser.ts";
import { comparePlaced } from "../../core/patch/similarity.ts";
import { OK, type Verdict } from "../../core/protocol/reject-codes.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import { createRandom, type Random } from "../../core/random.ts";
import { applyDeltaStep } from "../../core/tensors/delta-step.ts";
import { createLayout, type Layout } from "../../core/tensors/layout.ts";
import { evaluate } from "../../core/training/evaluate.ts";
import { type Examples, joinExamples, sliceExamples } from "../../core/training/examples.ts";
import { meanOf } from "../../core/training/metrics.ts";
import { preparePieceMask } from "../../core/training/own-mask.ts";
import { trainPieces } from "../../core/training/reference-training.ts";
import { trainDelta } from "../../core/training/train.ts";

const COMPARED = 64; // as a relay looks back for copies

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
  /** What a relay would have looked at in each piece; empty where nothing did. */
  readonly works: readonly RehearsedWork[];
};

/** What a relay looks at in one honest piece. */
export type RehearsedWork = {
  /** With the relay's own pieces; null where the recipe asks for none. */
  readonly agreement: Agreement | null;
  readonly likeness: Likeness;
  readonly reference: Reference | null;
  /** Rise of the loss when the head takes a share of it, in nats. */
  readonly rise: number;
};

/** Whether a relay with this recipe takes a piece: its screen, its look for copies, its score. */
export function verdictOn(
  { agreement, likeness, reference, rise }: RehearsedWork,
  { score, mask }: Pick<Recipe, "score" | "mask">,
): Verdict {
  const screened = screen(agreement, score);
  if (!screened.ok) return screened;
  // without a reference nobody knows how alike honest work is on a common mask
  const isCompared = reference !== null || mask.kind === "own";
  const alike = isCompared ? validateLikeness(likeness, reference) : OK;
  return alike.ok ? validateScore(rise, score) : alike;
}

export type Rehearsal = {
  /**
   * Train a cohort of `pieces` on the head and merge it. With `looks` the relay's own pieces are trained there too; with "and
   * refuses" only what the recipe's rules take is merged.
   */
  round(pieces: number, looks: "no" | "yes" | "and refuses"): Promise<Round>;
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
  const given = recipe.mask.kind === "own" ? null : allPositions(layout);
  const mergedNorms: number[] = [];
  let parameters = stage.parameters;
  let before: { score: Float32Array; gate: Float32Array } | null = null;
  let seconds = 0;
  let trained = 0;
  let versions = 0;
  const earlier: Member[] = [];

  const losses = async (examples: Examples, at: Float32Array) =>
    (await evaluate({ architecture, parameters: at, examples }, { signal })).losses;

  async function trainMember(merges: number): Promise<Member> {
    const start = now();
    const examples = drawShards(shards, recipe.data.shardsPerTicket, random);
    const seed = random.uint32();
    const task = { architecture, parameters, examples, seed };
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
      async evaluate(_suite, subject, [from, to]) {
        const step = typeof subject === "string" ? null : subject.head; // all three are one version here
        const at = step === null ? parameters : applyDeltaStep(parameters, step);
        const examples = sliceExamples(heldOut.score, from, to);
        return evaluate({ architecture, parameters: at, examples }, { signal });
      },
    };
    return scoreMember(judge, { number: versions, parameters, recipe }, member);
  }

  async function referenceHere(): Promise<ReferenceAt | null> {
    const pieces = Array.from({ length: recipe.score.references }, () => ({
      examples: drawShards(shards, recipe.data.shardsPerTicket, random),
      seed: random.uint32(),
    }));
    if (pieces.length === 0) return null;
    const task = { architecture, parameters, positions: given, count, training, pieces };
    return createReferenceAt(await trainPieces(task), given);
  }

  async function worksOf(members: readonly Member[]): Promise<RehearsedWork[]> {
    const referenceAt = await referenceHere();
    const works: RehearsedWork[] = [];
    for (const member of members) {
      const reference = referenceAt?.(member.positions) ?? null;
      const agreement = reference && agreementWith(reference, deltaOf(member));
      const others = earlier.map((other) => {
        return { contributor: other.contributor, cosine: comparePlaced(member, other).cosine };
      });
      earlier.push(member);
      if (earlier.length > COMPARED) earlier.shift();
      const likeness = likenessOf(member.contributor, others);
      works.push({ agreement, likeness, reference, rise: await riseOf(member) });
    }
    return works;
  }

  return {
    pieceSeconds: () => (trained === 0 ? 0 : seconds / trained),
    async round(pieces, looks) {
      before ??= {
        score: await losses(heldOut.score, parameters),
        gate: await losses(heldOut.gate, parameters),
      };
      const members: Member[] = [];
      for (let i = 0; i < pieces; i++) members.push(await trainMember(mergedNorms.length));
      const works = looks === "no" ? [] : await worksOf(members);
      const isTaken = (i: number) => looks !== "and refuses" || verdictOn(works[i]!, recipe).ok;
      const taken = members.filter((_, i) => isTaken(i));
      if (taken.length > 0) {
        const weights = weighCohort(taken, mergedNorms, recipe);
        const { step } = await mergeCandidate(mergeHere(parameters, recipe.merge), taken, weights);
        mergedNorms.push(...taken.map(({ norm }) => norm));
        parameters = applyDeltaStep(parameters, step);
        versions++;
      }
      const after = {
        score: await losses(heldOut.score, parameters),
        gate: await losses(heldOut.gate, parameters),
      };
      const differences = after.gate.map((loss, i) => loss - before!.gate[i]!);
      before = after;
      return { lossNats: meanOf(after.score), differences, works };
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
