import { assert } from "../../core/errors.ts";
import { createRandom, type Random } from "../../core/random.ts";
import { type Examples, joinExamples, sliceExamples } from "../../core/training/examples.ts";
import type { SimModel } from "./sim-model.ts";
import type { SimVolunteer } from "./volunteer.ts";

/** Whose shards a volunteer trains on. */
export const SHARD_ARRANGEMENTS = [
  "shipped", // any of the model's
  "mixed", // any, after all examples were shuffled over them
  "own", // a stretch of its own: of text the speakers of some years, of images two classes more than others
] as const;
export type ShardArrangement = (typeof SHARD_ARRANGEMENTS)[number];

/** The examples of these shards, indices into the model's and after them its replay shards, in their order. */
export function joinShards(
  { shards, replayShards }: SimModel,
  indices: readonly number[],
): Examples {
  return joinExamples(
    indices.map((index) => shards[index] ?? replayShards[index - shards.length]!),
  );
}

/** A ticket's worth of shards, any of them. */
export function drawShards(model: SimModel, random: Random): number[] {
  const { shards, replayShards } = model;
  const { plain, replay } = ticketSizes(model);
  return [
    ...Array.from({ length: plain }, () => random.below(shards.length)),
    ...Array.from({ length: replay }, () => shards.length + random.below(replayShards.length)),
  ];
}

/** Hands out the shards of a volunteer's next ticket: it sees all that it may see equally often, give or take once. */
export function createShardDeck(
  model: SimModel,
  { volunteers, shards: arrangement }: { volunteers: number; shards: ShardArrangement },
  { index, random }: Pick<SimVolunteer, "index" | "random">,
): () => number[] {
  const { shards, replayShards } = model;
  const { plain, replay } = ticketSizes(model);
  const isOwn = arrangement === "own";
  const from = isOwn ? Math.floor((index * shards.length) / volunteers) : 0;
  const to = isOwn ? Math.floor(((index + 1) * shards.length) / volunteers) : shards.length;
  const deck = createDeck(from, Math.max(to, from + 1), random);
  const replayed = createDeck(shards.length, shards.length + replayShards.length, random);
  return () => [
    ...Array.from({ length: plain }, deck),
    ...Array.from({ length: replay }, replayed),
  ];
}

function ticketSizes({ recipe, replayShards }: SimModel): { plain: number; replay: number } {
  const { shardsPerTicket, replayShardsPerTicket = 0 } = recipe.data;
  return { plain: shardsPerTicket, replay: replayShards.length === 0 ? 0 : replayShardsPerTicket };
}

/** Draws from…to−1 in random order, again and again. */
function createDeck(from: number, to: number, random: Random): () => number {
  let rest: number[] = [];
  return () => {
    if (rest.length === 0) rest = Array.from({ length: to - from }, (_, i) => from + i);
    const [drawn] = rest.splice(random.below(rest.length), 1);
    assert(drawn !== undefined, "a model without shards");
    return drawn;
  };
}

/** The model with its examples spread over its shards as the arrangement wants. */
export function arrangeShards(model: SimModel, arrangement: ShardArrangement): SimModel {
  if (arrangement === "shipped") return model;
  const all = joinExamples(model.shards);
  if (arrangement === "mixed") return recut(model, all, shuffled(all.count));
  if (all.kind === "text") return model; // its shards are speeches, in the order of years
  return recut(model, all, halfSorted(all.labels));
}

/** Every shard with as many examples as before, taken from `all` in this order. */
function recut(model: SimModel, all: Examples, order: readonly number[]): SimModel {
  let next = 0;
  const shards = model.shards.map(({ count }) => {
    const chosen = order.slice(next, next + count);
    next += count;
    return joinExamples(chosen.map((example) => sliceExamples(all, example, example + 1)));
  });
  return { ...model, shards };
}

function shuffled(size: number): number[] {
  const random = createRandom("mixed shards");
  const order = Array.from({ length: size }, (_, i) => i);
  for (let last = size - 1; last > 0; last--) {
    const other = random.below(last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/** Every second image is of the classes in their order, those between are as they came. */
function halfSorted(labels: Uint8Array | Uint16Array): number[] {
  const order = Array.from(labels.keys());
  const sorted = order.filter((image) => image % 2 === 0).sort((a, b) => labels[a]! - labels[b]!);
  return order.map((image) => (image % 2 === 0 ? sorted[image / 2]! : image));
}
