import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import type { Reasons } from "../recipe-file.ts";
import { bestRate, firstRates, rateBeyond, type TriedRate } from "./learning-rates.ts";
import {
  createRehearsal,
  type RehearsedWork,
  type Round,
  type Stage,
  verdictOn,
} from "./rehearsal.ts";

/** What a rehearsal found about a recipe, for `check` to tell and `new` to write down. */
export type Measured = {
  readonly recipe: Recipe;
  readonly reasons: Reasons;
  /** Of one piece on this machine's processor. */
  readonly pieceSeconds: number;
  readonly pieces: number;
};

type Options = {
  /** How long it may take, about. */
  readonly seconds: number;
  /** Whether the parameters are a trained model's, which large steps would spoil. */
  readonly isTrained: boolean;
  readonly onProgress: (what: string, done: number, total: number) => void;
};

export const REHEARSED_COHORT = 4; // pieces a rehearsed version
const RATE_ROUNDS = 6; // of each rate, if there is time: enough to see one that does not last
const LATE_ROUNDS = 16; // of the chosen rate: what holds early need not hold late
const SHARE_FOR_RATES = 0.5; // of the time …
const MOST_FOR_RATES = 0.7; // … and with those beyond the first ones
const INEFFICIENCY = 2; // of the gate's bets, which have to learn the variance, beside a test that knows it
const MARGIN_ROOM = 1.25; // cohorts of other sizes than were rehearsed
const LEAST_MARGIN = 0.003; // nats
const BOLD = 0.9; // as the gate's bets
const CLIPS = [0.05, 0.1, 0.2, 0.5, 1, 2, 4]; // nats, of which the one that needs the least margin is taken …
const UNCLIPPED = 0.9; // … if the last rehearsed version moves so many examples by less
const TOLERANCE = { least: 0.01, most: 0.2 };

/**
 * Replace what depends on the data by what a few seeded pieces show: the learning rate that ends best, then margin, clip
 * and bounds by which none of these pieces would have been refused. Each gets its reason in words.
 */
export async function measureRecipe(
  draft: Recipe,
  stage: Stage,
  { seconds, isTrained, onProgress }: Options,
): Promise<Measured> {
  const start = stage.now();
  const spent = () => (stage.now() - start) / 1000;
  const rates = [...firstRates(draft, isTrained)];
  let pieces = 0;
  let roundSeconds = 0; // of the last one
  const timed = async (round: () => Promise<Round>) => {
    const before = spent();
    const result = await round();
    roundSeconds = spent() - before;
    pieces += REHEARSED_COHORT;
    return result;
  };
  const found: TriedRate[] = [];
  for (let i = 0; i < rates.length; i++) {
    const rate = rates[i]!;
    const rehearsal = createRehearsal(withRate(draft, rate), stage);
    let lossNats = Number.POSITIVE_INFINITY;
    let rounds = 0;
    const most = found[0]?.rounds ?? RATE_ROUNDS; // all rates get as much work
    while (rounds < most) {
      ({ lossNats } = await timed(() => rehearsal.round(REHEARSED_COHORT, "no")));
      rounds++;
      onProgress("Trying learning rates", i * most + rounds, rates.length * most);
      const isTimeUp = spent() + roundSeconds > (seconds * SHARE_FOR_RATES) / rates.length;
      if (i === 0 && isTimeUp) break;
    }
    found.push({ rate, lossNats: Number.isFinite(lossNats) ? lossNats : Infinity, rounds });
    const hasTime = spent() + rounds * roundSeconds < seconds * MOST_FOR_RATES;
    const next = i === rates.length - 1 && hasTime ? rateBeyond(found) : null;
    if (next !== null) rates.push(next);
  }
  const best = bestRate(found);
  const chosen = withRate(draft, best.rate);
  const rehearsal = createRehearsal(chosen, stage);
  const rounds: Round[] = [];
  while (rounds.length < LATE_ROUNDS) {
    const isLast = spent() + 2 * roundSeconds > seconds || rounds.length === LATE_ROUNDS - 1;
    rounds.push(await timed(() => rehearsal.round(REHEARSED_COHORT, "yes")));
    onProgress("Rehearsing versions", rounds.length, LATE_ROUNDS);
    if (isLast) break;
  }
  const measured = withBounds(chosen, rounds);
  return {
    recipe: measured.recipe,
    reasons: {
      "training.learningRate": `the best of ${rates.join(", ")} after ${best.rounds} rehearsed versions of ${REHEARSED_COHORT} pieces`,
      ...measured.reasons,
    },
    pieceSeconds: rehearsal.pieceSeconds(),
    pieces,
  };
}

function withRate(recipe: Recipe, learningRate: number): Recipe {
  return { ...recipe, training: { ...recipe.training, learningRate } };
}

/** Margin, clip, tolerance and the screen's bounds from what honest cohorts did. */
function withBounds(
  recipe: Recipe,
  rounds: readonly Round[],
): Pick<Measured, "recipe" | "reasons"> {
  const n = recipe.data.heldOut.gate;
  const { clipNats, marginNats } = gateBounds(rounds, n, recipe.gate.alpha);
  const works = rounds.flatMap((round) => round.works);
  const { score, reasons } = scoreBounds(recipe, works);
  return {
    recipe: { ...recipe, score, gate: { ...recipe.gate, clipNats, marginNats } },
    reasons: {
      ...reasons,
      "gate.marginNats": `what ${n} held-out examples can show of honest versions; more examples would allow less`,
      "gate.clipNats":
        "the one that needs the least margin, and nine of ten examples moved by less in the last rehearsed version",
    },
  };
}

/**
 * The bounds by which none of `works` would have been refused. Where little data is soon learnt, honest work has nothing in
 * common any more, and no bound of the screen takes it: there the recipe has no references, and all work is scored.
 */
function scoreBounds(
  { score: rules, mask }: Recipe,
  works: readonly RehearsedWork[],
): { score: Recipe["score"]; reasons: Reasons } {
  const rises = works.map(({ rise }) => rise);
  const agreements = works.flatMap(({ agreement }) => agreement ?? []);
  const shares = agreements.flatMap(({ share }) => share ?? []);
  const toleranceNats = twoDigits(within(2 * Math.max(...rises), TOLERANCE));
  const leastShare = twoDigits(within(0.6 * Math.min(1, ...shares), { least: 0.1, most: 0.4 }));
  const leastZ = twoDigits(
    within(0.5 * Math.min(6, ...agreements.map(({ z }) => z)), { least: 2, most: 3 }),
  );
  const score = { ...rules, toleranceNats, leastShare, leastZ };
  const reasons = {
    "score.toleranceNats": `twice the worst that any of ${works.length} rehearsed pieces did, at least ${TOLERANCE.least}`,
  };
  const refused = works.filter((work) => !verdictOn(work, { score, mask }).ok).length;
  if (refused > 0) {
    const why = `the relay's own pieces would have had ${refused} of ${works.length} rehearsed ones refused, so all work is scored instead`;
    return { score: { ...score, references: 0 }, reasons: { ...reasons, "score.references": why } };
  }
  return {
    score,
    reasons: {
      ...reasons,
      "score.leastZ": "half of the least that a rehearsed piece had, between 2 and 3",
      "score.leastShare":
        "three fifths of the least that a rehearsed piece had, between 0.1 and 0.4",
    },
  };
}

/** The least margin that all rehearsed versions would have passed with on `n` examples, and the clip that it needs. */
function gateBounds(rounds: readonly Round[], n: number, alpha: number) {
  const passAt = Math.log(2 / alpha); // a whole cohort's first test has half of alpha
  const last = rounds.at(-1)?.differences ?? new Float32Array();
  const least = quantile(Array.from(last, Math.abs), UNCLIPPED);
  const bounds = CLIPS.filter((clip) => clip >= least || clip === CLIPS.at(-1)).map((clipNats) => {
    const noise = rounds.map(({ differences }) => {
      const { mean, deviation } = momentsOf(differences, clipNats);
      return mean + deviation * Math.sqrt((2 * INEFFICIENCY * passAt) / n);
    });
    const byBets = (INEFFICIENCY * passAt * clipNats) / (BOLD * n); // what a version that changes nothing needs
    const needed = MARGIN_ROOM * Math.max(...noise, byBets, LEAST_MARGIN);
    return { clipNats, marginNats: twoDigits(Math.min(needed, clipNats / 2)), needed };
  });
  return bounds.reduce((a, b) => (b.needed < a.needed ? b : a));
}

function momentsOf(values: Float32Array, clip: number): { mean: number; deviation: number } {
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    const clipped = Math.max(-clip, Math.min(clip, value));
    sum += clipped;
    squares += clipped * clipped;
  }
  const mean = sum / values.length;
  return { mean, deviation: Math.sqrt(Math.max(0, squares / values.length - mean * mean)) };
}

function quantile(values: number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

function within(
  value: number,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  return Math.min(most, Math.max(least, value));
}

/** Rounded up, as a person would write it. */
function twoDigits(value: number): number {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Number((Math.ceil(value / unit - 1e-9) * unit).toPrecision(2));
}
