import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pickExamples } from "../core/gate/suite-file.ts";
import type { ModelSource } from "../core/models/model-source.ts";
import type { Recipe } from "../core/protocol/schemas/recipe.ts";
import {
  decodeExamples,
  type Examples,
  encodeExamples,
  exampleShapeOf,
  joinExamples,
  sliceExamples,
} from "../core/training/examples.ts";
import type { ModelFolderDraft } from "./model-folder.ts";
import { InputProblem } from "./problem.ts";
import { splitKey, splitRecords } from "./split.ts";

/** What a fork learns from, once it is in its folder. */
export type ForkData = {
  readonly data: Recipe["data"];
  readonly trainingExamples: number;
  readonly heldOutExamples: number;
  readonly shardCount: number;
  /** Copies of held-out examples that were left out. */
  readonly removed: number;
};

/** A shard that everybody may read. */
export type PublicShard = { readonly title: string; read(): Promise<Uint8Array<ArrayBuffer>> };

const MOST_HELD_OUT = 0.5; // of the examples: what is left must be worth training on

/**
 * Put the upstream's `shards` into a fork's folder, and hold out as many of their examples as its recipe has held out: those that
 * it holds out itself are nobody else's. Equal examples lie on one side. Throws an InputProblem where the shards are too few.
 */
export async function splitShards(
  draft: ModelFolderDraft,
  { title, architecture, data }: Recipe,
  { shards, seed }: { readonly shards: readonly PublicShard[]; readonly seed: string },
): Promise<ForkData> {
  const spool = join(draft.path, "upstream-shards");
  await mkdir(spool);
  const spooled = (place: number) => join(spool, String(place));
  const decode = (place: number, bytes: Uint8Array) =>
    decodeExamples(`shard ${place} of ${title}`, bytes, architecture);
  const keys: number[] = [];
  for (const [place, shard] of shards.entries()) {
    const bytes = await shard.read();
    await writeFile(spooled(place), bytes);
    const examples = decode(place, bytes);
    for (let row = 0; row < examples.count; row++) {
      keys.push(splitKey(seed, contentOfRow(sliceExamples(examples, row, row + 1))));
    }
  }
  const { replayShardsPerTicket: _, ...kept } = data; // nobody says which shards those are
  const sets = Object.entries(data.heldOut).flatMap(([set, count]) =>
    count === undefined ? [] : [{ set, count }],
  );
  const needed = sets.reduce((sum, { count }) => sum + count, 0);
  const { heldOut, training, removed } = splitRecords(Float64Array.from(keys), needed);
  if (needed > MOST_HELD_OUT * keys.length || heldOut.length < needed) {
    throw new InputProblem(
      `The shards of ${title} have ${keys.length} examples, and ${needed} are to be held out, half of them at most: give data of your own with --data.`,
    );
  }
  const isTraining = new Uint8Array(keys.length);
  for (const place of training) isTraining[place] = 1;
  const placeOf = new Map(Array.from(heldOut, (row, place) => [row, place]));
  const held = new Array<Examples>(needed);
  let before = 0;
  let shardCount = 0;
  for (const [place, shard] of shards.entries()) {
    const examples = decode(place, await readFile(spooled(place)));
    const left: number[] = [];
    for (let row = 0; row < examples.count; row++) {
      const at = placeOf.get(before + row);
      if (at !== undefined) held[at] = joinExamples([sliceExamples(examples, row, row + 1)]); // a copy
      if (isTraining[before + row] === 1) left.push(row);
    }
    before += examples.count;
    if (left.length === 0) continue;
    const bytes = encodeExamples(pickExamples(examples, Uint32Array.from(left)));
    await draft.putShard({ title: shard.title, examples: left.length, bytes });
    shardCount++;
  }
  await rm(spool, { recursive: true });
  let from = 0;
  for (const { set, count } of sets) {
    await draft.putHeldOut(set, encodeExamples(joinExamples(held.slice(from, from + count))));
    from += count;
  }
  return {
    data: kept,
    trainingExamples: training.length,
    heldOutExamples: needed,
    shardCount,
    removed,
  };
}

/** What copies have in common: the inputs, whatever the class. */
function contentOfRow(row: Examples): Uint8Array {
  if (row.kind === "images") return row.pixels;
  const { buffer, byteOffset, byteLength } = row.tokens;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/**
 * Put the shards and held-out sets of the model folder `own` into a fork's. Throws an InputProblem where they are no examples that
 * the upstream, with `recipe`, learns from.
 */
export async function takeOwnData(
  draft: ModelFolderDraft,
  recipe: Recipe,
  own: ModelSource,
): Promise<ForkData> {
  const { data } = own.recipe;
  const namesOf = ({ architecture, data: { inputs, classes, tokenizer } }: Recipe) =>
    JSON.stringify([exampleShapeOf(architecture), inputs, classes, tokenizer?.files]);
  if (namesOf(own.recipe) !== namesOf(recipe)) {
    throw new InputProblem(
      `${own.recipe.title} has other inputs, classes or tokens than ${recipe.title}: a fork learns what its upstream does.`,
    );
  }
  const { protected: _, ...heldOut } = await own.heldOut();
  for (const [set, bytes] of Object.entries(heldOut)) await draft.putHeldOut(set, bytes);
  let trainingExamples = 0;
  for await (const shard of own.shards()) {
    await draft.putShard(shard);
    trainingExamples += shard.examples;
  }
  const { score, gate, report } = data.heldOut;
  return {
    data: {
      ...data,
      ...(recipe.data.tokenizer && { tokenizer: recipe.data.tokenizer }),
      heldOut: { score, gate, report },
      shardsPerTicket: Math.min(recipe.data.shardsPerTicket, own.shardCount),
    },
    trainingExamples,
    heldOutExamples: score + gate + report,
    shardCount: own.shardCount,
    removed: 0,
  };
}
