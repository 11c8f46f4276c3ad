import { assert } from "../../core/errors.ts";
import { countNegativeFlips } from "../../core/gate/negative-flips.ts";
import { randomPositions } from "../../core/patch/random-mask.ts";
import type { Mask } from "../../core/protocol/schemas/mask.ts";
import type { SignedVersion } from "../../core/protocol/schemas/version.ts";
import { createRandom, type Random } from "../../core/random.ts";
import type { Attack } from "./attacks.ts";
import { type Defence, type Head, openPublisher, publishCohort } from "./publisher.ts";
import type { SimModel } from "./sim-model.ts";
import {
  contribute,
  createVolunteer,
  keysOf,
  type SentPatch,
  ticketIdOf,
  type Volunteer,
} from "./volunteer.ts";

export type CommunityOptions = {
  readonly volunteers: number;
  /** Rounds; each lets every volunteer contribute once and publishes at most one version. */
  readonly versions: number;
  /** Share of the volunteers that lie. */
  readonly liars: number;
  readonly attack: Attack;
  /** Share of the work that is done on an earlier version, up to the recipe's staleness limit. */
  readonly stale: number;
  readonly without: ReadonlySet<Defence>;
  readonly seed: string;
};

/** One round of the community, as it is told and reported. */
export type RoundReport = {
  readonly round: number;
  readonly version: number;
  readonly accuracy: number;
  readonly lossNats: number;
  readonly merged: number;
  readonly liarsMerged: number;
  readonly refused: number;
  readonly honestRefused: number;
  readonly gateEvaluations: number;
  readonly gateExamples: number;
  /** Mean size of a contribution. */
  readonly uploadBytes: number;
  readonly seconds: number;
};

export type CommunityResult = {
  readonly rounds: readonly RoundReport[];
  readonly baseAccuracy: number;
  /** Share of what version 0 had right that the head has wrong, on the report set. */
  readonly negativeFlips: number;
  readonly head: Head;
  /** The signed history, version 0 first. */
  readonly history: readonly SignedVersion[];
  /** What the history merged, by contribution id. */
  readonly merged: ReadonlyMap<string, SentPatch>;
};

/** A community in one process: real training, real bytes, real merges and gates, no network. */
export async function runCommunity(
  model: SimModel,
  options: CommunityOptions,
  tell: (report: RoundReport) => void,
): Promise<CommunityResult> {
  const { seed } = options;
  const random = createRandom(seed);
  const volunteers = await createVolunteers(options);
  const publisher = await openPublisher(model, await keysOf(`${seed} relay`), options.without);
  const base = publisher.head;
  const heads = [base]; // the last ones, on which stale work is done
  const masks = createMaskCache(model.layout.size);
  const shardOf = createShardOrder(model.shards.length, random);
  const rounds: RoundReport[] = [];
  const merged = new Map<string, SentPatch>();
  let tickets = 0;
  for (let round = 1; round <= options.versions; round++) {
    const started = performance.now();
    const cohort: SentPatch[] = [];
    for (const volunteer of volunteers) {
      const isStale = random.below(1000) < 1000 * options.stale && heads.length > 1;
      const head = isStale ? heads[random.below(heads.length - 1)]! : publisher.head;
      const { mask, number } = head.record;
      const work = {
        ticket: await ticketIdOf(seed, tickets++),
        base: { number, id: head.id, parameters: head.parameters },
        mask,
        positions: masks(mask),
        shards: Array.from({ length: model.recipe.data.shardsPerTicket }, shardOf),
        seed: random.uint32(),
      };
      cohort.push(await contribute(model, volunteer, work));
    }
    const outcome = await publishCohort(publisher, cohort);
    for (const sent of outcome.merged) merged.set(sent.id, sent);
    const { head } = publisher;
    if (outcome.published) heads.push(head);
    if (heads.length > model.recipe.merge.stalenessLimit + 1) heads.shift();
    const { accuracy, lossNats } = head.record.evaluation.report;
    const report = {
      round,
      version: head.record.number,
      accuracy,
      lossNats,
      merged: outcome.merged.length,
      liarsMerged: outcome.merged.filter(isLie).length,
      refused: outcome.refused.length,
      honestRefused: outcome.refused.filter((sent) => !isLie(sent)).length,
      gateEvaluations: outcome.evaluations,
      gateExamples: outcome.gateExamples,
      uploadBytes: cohort.reduce((sum, { bytes }) => sum + bytes.length, 0) / cohort.length,
      seconds: (performance.now() - started) / 1000,
    };
    rounds.push(report);
    tell(report);
  }
  const { head, history } = publisher;
  const flips = countNegativeFlips(base.losses.report.correct, head.losses.report.correct);
  const baseAccuracy = base.record.evaluation.report.accuracy;
  return { rounds, baseAccuracy, negativeFlips: flips.share, head, history, merged };
}

function isLie({ volunteer }: SentPatch): boolean {
  return volunteer.attack !== null;
}

async function createVolunteers(options: CommunityOptions): Promise<Volunteer[]> {
  const liars = Math.round(options.liars * options.volunteers);
  const volunteers: Volunteer[] = [];
  for (let i = 0; i < options.volunteers; i++) {
    const attack = i < liars ? options.attack : null;
    volunteers.push(await createVolunteer(`${options.seed} volunteer ${i}`, attack));
  }
  return volunteers;
}

/** Positions of random masks: one array for each mask, so that merges see which patches share one. */
function createMaskCache(size: number): (mask: Mask) => Uint32Array {
  const cache = new Map<string, Uint32Array>();
  return (mask) => {
    assert(mask.kind === "random", "the simulation draws random masks");
    const known = cache.get(mask.seed) ?? randomPositions(mask.seed, mask.count, size);
    cache.set(mask.seed, known);
    return known;
  };
}

/** Hands out shards so that all have been used equally often, give or take one. */
function createShardOrder(shards: number, random: Random): () => number {
  let rest: number[] = [];
  return () => {
    if (rest.length === 0) rest = Array.from({ length: shards }, (_, shard) => shard);
    const [shard] = rest.splice(random.below(rest.length), 1);
    assert(shard !== undefined, "a model without shards");
    return shard;
  };
}
