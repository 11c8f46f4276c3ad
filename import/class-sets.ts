import { encodeImageExamples, type ImageExamples } from "../core/training/image-examples.ts";
import type { ClassExample, ClassPlan } from "./class-plan.ts";
import type { ExampleSets, ShardedData } from "./example-sets.ts";
import { InputProblem } from "./problem.ts";
import { splitKey, splitRecords } from "./split.ts";
import { createSpool, type Spool } from "./spool.ts";

const LEAST_EXAMPLES = 60; // below, no gate can tell anything
const HELD_OUT_SHARE = 0.15;
const MOST_HELD_OUT = 9000; // digits has 10,000, which its gate never needs
const SMALL_HELD_OUT = 600; // up to so many, a small set gives more than its share …
const SMALL_SHARE = 0.4; // … but not more than this
const SETS = { gate: 0.4, score: 0.3 }; // of what is held out; the rest is for reports
const SHARD_BYTES = 1 << 20; // a phone loads four for a piece
const SHARDS = 64; // for variety: each piece draws some of them
const LEAST_SHARD = 16; // examples

/** Write all examples to a spool, split them, and cut them into sets. Throws an InputProblem where they are too few. */
export async function splitClasses(
  plan: ClassPlan,
  { spoolPath, seed }: { readonly spoolPath: string; readonly seed: string },
  onExample: (done: number) => void,
): Promise<ExampleSets> {
  const spool = await spoolClasses(plan.examples(), { spoolPath, seed }, onExample);
  try {
    return cutSets(spool, plan);
  } catch (error) {
    spool.remove();
    throw error;
  }
}

/** Write all examples to a spool and cut them into shards, each once and none held out. Throws an InputProblem where there is none. */
export async function shardClasses(
  examples: AsyncIterable<ClassExample>,
  { spoolPath, seed }: { readonly spoolPath: string; readonly seed: string },
  onExample: (done: number) => void,
): Promise<ShardedData> {
  const spool = await spoolClasses(examples, { spoolPath, seed }, onExample);
  if (spool.count === 0) {
    spool.remove();
    throw new InputProblem("The files hold no examples.");
  }
  const { heldOut: places, removed: repeated } = splitRecords(spool.keys, spool.count); // each once, in the seeded order
  const { shardCount, shards } = dealShards(spool, places);
  return { examples: places.length, repeated, shardCount, shards, remove: spool.remove };
}

async function spoolClasses(
  examples: AsyncIterable<ClassExample>,
  { spoolPath, seed }: { readonly spoolPath: string; readonly seed: string },
  onExample: (done: number) => void,
): Promise<Spool> {
  const spool = createSpool(spoolPath);
  try {
    for await (const { bytes, label } of examples) {
      const record = new Uint8Array(1 + bytes.length);
      record[0] = label;
      record.set(bytes, 1);
      spool.append(record, splitKey(seed, bytes));
      onExample(spool.count);
    }
    return spool;
  } catch (error) {
    spool.remove();
    throw error;
  }
}

function cutSets(spool: Spool, { classes }: ClassPlan): ExampleSets {
  const { count } = spool;
  const small = Math.min(SMALL_SHARE * count, SMALL_HELD_OUT);
  const wanted = Math.min(MOST_HELD_OUT, Math.round(Math.max(HELD_OUT_SHARE * count, small)));
  const { heldOut, training, removed } = splitRecords(spool.keys, wanted);
  if (heldOut.length + training.length < LEAST_EXAMPLES) {
    const different = removed > 0 ? " different" : "";
    throw new InputProblem(
      `${heldOut.length + training.length}${different} examples, and a model needs at least ${LEAST_EXAMPLES}.`,
    );
  }
  const missing = absentClass(spool, training, classes);
  if (missing !== null) {
    throw new InputProblem(
      `The class "${missing}" has no example left to train on: it needs more of them.`,
    );
  }
  const gate = Math.round(SETS.gate * heldOut.length);
  const score = Math.round(SETS.score * heldOut.length);
  const set = (places: Uint32Array) => gather(spool, places);
  return {
    trainingExamples: training.length,
    removed,
    ...dealShards(spool, training),
    heldOut: {
      gate: set(heldOut.subarray(0, gate)),
      score: set(heldOut.subarray(gate, gate + score)),
      report: set(heldOut.subarray(gate + score)),
    },
    encode: (examples) => encodeImageExamples(examples as ImageExamples), // those of `set`
    remove: spool.remove,
  };
}

/** The records at `places` as shards of about one size. */
function dealShards(
  spool: Spool,
  places: Uint32Array,
): Pick<ExampleSets, "shardCount" | "examplesPerShard" | "shards"> {
  const width = spool.read(0).length - 1;
  const each = Math.max(
    1,
    Math.min(
      Math.max(LEAST_SHARD, Math.ceil(places.length / SHARDS)),
      Math.floor(SHARD_BYTES / width),
    ),
  );
  const shardCount = Math.ceil(places.length / each);
  return {
    shardCount,
    examplesPerShard: each,
    *shards() {
      for (let shard = 0; shard < shardCount; shard++) {
        // dealt out in turn, so that no shard is a remainder
        const own = places.filter((_, i) => i % shardCount === shard);
        const bytes = encodeImageExamples(gather(spool, own));
        yield { title: `Part ${shard + 1} of ${shardCount}`, examples: own.length, bytes };
      }
    },
  };
}

function gather(spool: Spool, places: Uint32Array): ImageExamples {
  const labels = new Uint8Array(places.length);
  let pixels = new Uint8Array();
  for (const [row, place] of places.entries()) {
    const record = spool.read(place);
    const width = record.length - 1;
    if (row === 0) pixels = new Uint8Array(places.length * width);
    labels[row] = record[0]!;
    pixels.set(record.subarray(1), row * width);
  }
  return { kind: "images", count: places.length, pixels, labels };
}

function absentClass(
  spool: Spool,
  training: Uint32Array,
  classes: readonly string[],
): string | null {
  const seen = new Set<number>();
  for (const place of training) {
    if (seen.size === classes.length) break;
    seen.add(spool.read(place)[0]!);
  }
  return classes.find((_, place) => !seen.has(place)) ?? null;
}
