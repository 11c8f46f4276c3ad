import { sha256 } from "../../core/crypto/signature.ts";
import { assert } from "../../core/errors.ts";
import {
  isEpochOver,
  maskCount,
  nextMask,
  type SharedPositions,
} from "../../core/history/mask-epoch.ts";
import { encodePositions } from "../../core/patch/positions.ts";
import { randomPositions } from "../../core/patch/random-mask.ts";
import type { Mask } from "../../core/protocol/schemas/mask.ts";
import { createRandom } from "../../core/random.ts";
import { joinExamples, sliceExamples } from "../../core/training/examples.ts";
import { estimateFisher } from "../../core/training/fisher.ts";
import { chooseMask } from "../../core/training/mask-choice.ts";
import type { Version } from "./piece.ts";
import { headOf, maskName, type SimRelay } from "./relay.ts";

/** Positions of masks: one array for each, so that merges see which patches share one. */
export function positionsOf({ model, positions }: SimRelay, mask: Mask): Uint32Array {
  const known = positions.get(maskName(mask));
  if (known !== undefined) return known;
  assert(mask.kind === "random", `a mask of kind ${mask.kind} whose positions nobody has`);
  const derived = randomPositions(mask.seed, mask.count, model.layout.size);
  positions.set(maskName(mask), derived);
  return derived;
}

/** The mask of the version after the head. */
export async function maskAfterHead(relay: SimRelay): Promise<Mask> {
  const { recipe, layout } = relay.model;
  const head = headOf(relay);
  const name = maskName(head.record.mask);
  const others = relay.versions.findLastIndex(({ record }) => maskName(record.mask) !== name);
  const first = relay.versions[others + 1]!; // of those that have had the head's mask
  const state = {
    versions: relay.versions.length - 1 - others,
    arrived: relay.arrived.get(name) ?? 0,
    outstanding: relay.outstanding.get(name) ?? 0,
  };
  const isOver = isEpochOver(state, recipe.mask);
  const isShared = isOver && recipe.mask.kind === "shared";
  const shared = isShared ? await chooseShared(relay, first) : null;
  return nextMask(head, recipe.mask, layout.size, { isOver, shared });
}

/** A mask by the Fisher information on `version`, with which the epoch that ends now began: so it would be ready. */
async function chooseShared(
  relay: SimRelay,
  { id, parameters }: Version,
): Promise<SharedPositions> {
  const { model, stopwatch, positions, maskBytes } = relay;
  const { architecture, mask } = model.recipe;
  const policy = mask.fisher;
  assert(policy !== undefined, "a recipe for shared masks without mask.fisher");
  const suite = model.heldOut.protected;
  const chosen = await stopwatch.time("mask", async () => {
    const task = { architecture, parameters };
    const fisher = await estimateFisher({ ...task, examples: drawExamples(relay, id) });
    const protectedFisher =
      suite === undefined ? null : await estimateFisher({ ...task, examples: suite });
    const count = maskCount(mask, model.layout.size);
    return chooseMask({ architecture, policy, fisher, protectedFisher, count, seed: id });
  });
  const file = encodePositions(chosen, model.layout.size);
  const name = await sha256(file);
  positions.set(name, chosen);
  maskBytes.set(name, file.length);
  return { positions: name, count: chosen.length };
}

const MOST_SHARDS = 32; // as on the relay

/** About as many examples as the recipe wants, of shards drawn at random. */
function drawExamples({ model }: SimRelay, id: string) {
  const { shards, recipe } = model;
  const random = createRandom(`examples of ${id}`);
  const drawn = Array.from(
    { length: Math.min(MOST_SHARDS, shards.length) },
    () => shards[random.below(shards.length)]!,
  );
  const length = Math.ceil((recipe.mask.fisher?.examples ?? 0) / drawn.length);
  return joinExamples(
    drawn.map((shard) => {
      const from = random.below(Math.max(0, shard.count - length) + 1);
      return sliceExamples(shard, from, Math.min(from + length, shard.count));
    }),
  );
}
