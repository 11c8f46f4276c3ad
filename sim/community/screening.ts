import type { Judge } from "../../core/gate/judge.ts";
import { validateLikeness } from "../../core/gate/likeness.ts";
import {
  agreementWith,
  createReferenceAt,
  type Reference,
  type ReferenceAt,
} from "../../core/gate/reference.ts";
import { needsScore, scoreMember, screen, validateScore } from "../../core/gate/scoring.ts";
import {
  isOwnMask,
  maskShareOf,
  needsSpotCheck,
  validateSpotCheck,
} from "../../core/gate/spot-check.ts";
import { compareQuantised } from "../../core/patch/similarity.ts";
import { OK, type Verdict } from "../../core/protocol/reject-codes.ts";
import { createRandom } from "../../core/random.ts";
import { preparePieceMask } from "../../core/training/own-mask.ts";
import { trainPieces } from "../../core/training/reference-training.ts";
import { likenessTo } from "./intake.ts";
import { createSimJudge } from "./judge.ts";
import { examplesOf, quantiseHeld, type SimPiece, trainPiece } from "./piece.ts";
import { bestOf, headOf, type SimRelay, type SimWaiting } from "./relay.ts";
import { drawShards, joinShards } from "./shards.ts";
import type { SimModel } from "./sim-model.ts";
import { unit } from "./volunteer.ts";

/** Step 7 of the walk: screen, score and spot check one contribution. */
export async function screenWaiting(relay: SimRelay, waiting: SimWaiting): Promise<Verdict> {
  const { model, without, stopwatch, seed } = relay;
  const { score } = model.recipe;
  const random = createRandom(`${seed} lots ${waiting.sent.piece.ticket}`);
  const [scoreLot, checkLot] = [unit(random), unit(random)];
  const reference = await referenceFor(relay, waiting.sent.piece);
  const agreement =
    reference === null || without.has("screen")
      ? null
      : await stopwatch.time("screen", async () => agreementWith(reference, waiting.delta));
  const screened = screen(agreement, score);
  if (!screened.ok) return screened;
  // without a reference nobody knows how alike honest work is on a common mask
  if (!without.has("duplicates") && (reference !== null || model.recipe.mask.kind === "own")) {
    const own = validateLikeness(likenessTo(relay, waiting), reference);
    if (!own.ok) return own;
  }
  if (!without.has("score") && needsScore(waiting, agreement, score, scoreLot)) {
    const scored = validateScore(await scoreOf(relay, waiting), score);
    if (!scored.ok) return scored;
  }
  const hasFailed = relay.suspects.has(waiting.contributor);
  if (without.has("spot-checks") || !needsSpotCheck({ hasFailed }, score, checkLot)) return OK;
  return stopwatch.time("spot check", () => spotCheck(relay, waiting));
}

/** The rise of the held-out loss at the recipe's share of the step, in nats. */
export function scoreOf(
  relay: SimRelay,
  waiting: SimWaiting,
  judge = scoreJudge(relay),
): Promise<number> {
  const { recipe } = relay.model;
  const { parameters, record } = headOf(relay);
  return scoreMember(judge, { number: record.number, parameters, recipe }, waiting);
}

function scoreJudge(relay: SimRelay): Judge {
  return judgeOf(relay, { score: "score" });
}

export function judgeOf(relay: SimRelay, chores: Parameters<typeof createSimJudge>[4]): Judge {
  const { model, stopwatch, kept, versions } = relay;
  const { parameters } = headOf(relay);
  // nothing is tagged in a simulation, so version 0 is the last release
  const release = versions[0]!.parameters;
  const best = bestOf(relay).parameters;
  return createSimJudge(model, { parameters, release, best }, kept, stopwatch, chores);
}

/** The relay's own work on the piece's base, trained when the first work on it arrives, where the piece has its positions. */
export async function referenceFor(relay: SimRelay, piece: SimPiece): Promise<Reference | null> {
  const { references, model, stopwatch } = relay;
  if (model.recipe.score.references === 0) return null;
  const { number } = piece.base.record;
  const known =
    references.get(number) ?? stopwatch.time("reference", () => trainReference(relay, piece));
  references.set(number, known);
  return (await known)(piece.positions);
}

async function trainReference(
  { model, seed }: SimRelay,
  { base, mask, positions }: SimPiece,
): Promise<ReferenceAt> {
  const { architecture, training, score } = model.recipe;
  const random = createRandom(`${seed} reference ${base.record.number}`);
  const pieces = Array.from({ length: score.references }, () => ({
    examples: joinShards(model, drawShards(model, random)),
    seed: random.uint32(),
  }));
  const { parameters } = base;
  const common = mask.kind === "own" ? null : positions;
  const trained = await trainPieces({
    architecture,
    parameters,
    positions: common,
    count: mask.count,
    training,
    pieces,
  });
  return createReferenceAt(trained, common);
}

/** The same ticket looked at a second time, by the relay: its own mask chosen, the piece trained. */
async function spotCheck({ model }: SimRelay, waiting: SimWaiting): Promise<Verdict> {
  const { piece } = waiting.sent;
  const { segments, positions } = waiting;
  const isOwn = piece.mask.kind === "own";
  const maskShare = isOwn ? maskShareOf(positions, await ownMaskOf(model, piece)) : null;
  if (maskShare !== null && !isOwnMask(maskShare)) {
    return validateSpotCheck({ maskShare, similarity: null });
  }
  const again = quantiseHeld(await trainPiece(model, piece), segments);
  return validateSpotCheck({ maskShare, similarity: compareQuantised(waiting, again, segments) });
}

/** The own mask that the piece's ticket leads to. */
async function ownMaskOf(model: SimModel, piece: SimPiece): Promise<Uint32Array> {
  const { recipe } = model;
  const { base, seed, mask } = piece;
  const task = {
    architecture: recipe.architecture,
    parameters: base.parameters,
    examples: examplesOf(model, piece),
    seed,
  };
  const own = await preparePieceMask(task, recipe, { given: null, count: mask.count });
  return own.positions;
}
