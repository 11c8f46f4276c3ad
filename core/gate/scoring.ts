import { deltaOf, type Member } from "../merge/member.ts";
import { isNewcomer } from "../merge/multiplier.ts";
import { OK, refuse, type Verdict } from "../protocol/reject-codes.ts";
import type { Recipe } from "../protocol/schemas/recipe.ts";
import { valuesAt } from "../tensors/values-at.ts";
import { meanOf } from "../training/metrics.ts";
import type { Judge } from "./judge.ts";
import type { Agreement } from "./reference.ts";

const SLICES = 3; // of the score set; each version is scored on the next, so that none can be trained against
const MOST_LENGTH = 2; // of the relay's own pieces'; 0.90 to 1.11 of it is what honest work of digits has
const SURE = 2; // standard errors: late in training z is 5 and an honest share strays by a fifth
const SIGNAL = 4; // times the least z: where the relay's own pieces have less, an honest one may have any
const WEAK_SHARE = 1 / 4; // of what the relay's own pieces have; with SURE below it 0.6% of honest work of digits over 127 versions
const BORDERLINE = 2; // below this many times the least z, the loss is looked at too

/**
 * The screen (protocol G16): work whose delta does not agree with the relay's own has nothing to do with
 * training, and neither has work that changes what no data exercises. Where little is left to learn the relay's own
 * pieces hardly agree with each other: then only what goes clearly against them is refused, and all else is left to score and
 * gate. `agreement` is null where the recipe has no references.
 */
export function screen(
  agreement: Agreement | null,
  { leastZ, leastShare }: Recipe["score"],
): Verdict {
  if (agreement === null) return OK;
  const { z, expectedZ, share, length, blind, mostBlind } = agreement;
  if (!(length <= MOST_LENGTH)) {
    return refuse("norm-too-large", "it is far longer than training on this data makes it");
  }
  if (!(blind <= mostBlind)) {
    return refuse("unrelated", "it changes what training on this data leaves as it is");
  }
  const hasSignal = expectedZ === null || expectedZ >= SIGNAL * leastZ;
  const isRelated = hasSignal
    ? z >= leastZ && (share === null || upperEnd(share, z) >= leastShare)
    : z >= Math.min(leastZ, WEAK_SHARE * expectedZ - SURE);
  return isRelated ? OK : refuse("unrelated", "it does not go where training on this data goes");
}

/** What the share may be for all that chance does: a cosine is off by cosine / z, so this is 2 of that above it. */
function upperEnd(share: number, z: number): number {
  return z > 0 ? share * (1 + SURE / z) : share;
}

/**
 * Whether a contribution that passed the screen is scored exactly: newcomers, borderline cases, what cannot be
 * screened, and a sample of the rest, drawn by `lot` in [0, 1).
 */
export function needsScore(
  member: Member,
  agreement: Agreement | null,
  { leastZ, sampleShare }: Recipe["score"],
  lot: number,
): boolean {
  if (agreement === null || isNewcomer(member) || lot < sampleShare) return true;
  return agreement.z < BORDERLINE * leastZ;
}

/**
 * The rise of the mean held-out loss, in nats, when the head [N] takes `stepShare` / (1 + lag) of the member's delta. At
 * the full step honest work would be refused late in training: only beside others' is it an improvement. Late work counts
 * as much less as it will in the merge: others have meanwhile mended what it was to mend, so that it goes too far.
 */
export async function scoreMember(
  judge: Judge,
  head: { readonly number: number; readonly parameters: Float32Array; readonly recipe: Recipe },
  member: Member,
): Promise<number> {
  const { recipe, parameters } = head;
  const range = sliceOf(recipe.data.heldOut.score, head.number);
  const delta = deltaOf(member);
  const { positions } = member;
  const share = recipe.score.stepShare / (1 + member.lag);
  const values = valuesAt(parameters, positions);
  for (let i = 0; i < values.length; i++) values[i] = values[i]! + share * delta[i]!;
  const before = await judge.evaluate("score", { head: null }, range);
  const after = await judge.evaluate("score", { head: { positions, values } }, range);
  return meanOf(after.losses) - meanOf(before.losses);
}

/** Whether a member whose loss rises by `riseNats` may be merged; NaN may not. */
export function validateScore(riseNats: number, { toleranceNats }: Recipe["score"]): Verdict {
  if (riseNats <= toleranceNats) return OK;
  // no figures: with them, work could be fitted to the held-out set
  return refuse("harmful", "with it the model does worse on held-out examples");
}

/** The part of a score set of `examples` on which contributions to version `number` are scored. */
function sliceOf(examples: number, number: number): [number, number] {
  const slices = Math.min(SLICES, examples);
  const slice = number % slices;
  return [Math.floor((slice * examples) / slices), Math.floor(((slice + 1) * examples) / slices)];
}
