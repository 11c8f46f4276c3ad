import type { SourceShard } from "../core/models/model-source.ts";
import { decodeIntegers, encodeIntegers, type Integers } from "../core/tensors/little-endian.ts";
import {
  cutText,
  encodeTextExamples,
  joinTextExamples,
  sampleText,
  type TextExamples,
  type TextShape,
} from "../core/training/text-examples.ts";
import type { ExampleSets, ShardedData } from "./example-sets.ts";
import { InputProblem } from "./problem.ts";
import type { TextDocument } from "./readers/text-folder.ts";
import { contentOf, splitKey, splitRecords } from "./split.ts";
import { createSpool, type Spool } from "./spool.ts";

const UNIT_WINDOWS = 4; // a version is judged by units of so many windows: a forward pass sees a dozen a second
const MOST_UNITS = { gate: 96, score: 48, report: 48 };
const LEAST_UNITS = { gate: 12, score: 6, report: 6 };
const HELD_OUT_SHARE = 0.2; // of the bytes, where they are few
const SHARD_TOKENS = 32 << 10; // packed: two of them a piece are some 500 windows

/** How an owner's texts become examples. */
export type TextPlan = {
  /** Tokens of an example. */
  readonly window: number;
  readonly dtype: "U8" | "U16" | "U32";
  encode(text: string): Uint32Array;
  /** Tokens between two documents. */
  readonly between: Uint32Array;
  /** What tokens are called: "bytes" in a model of bytes. */
  readonly unit: "bytes" | "tokens";
};

/** How the texts of a model become examples, whose tokens are below `vocabulary` and whose documents end with `end`, if there is one. */
export function textPlanOf(
  { vocabulary, window }: TextShape,
  encode: TextPlan["encode"],
  end: number | undefined,
): TextPlan {
  return {
    window,
    dtype: vocabulary <= 256 ? "U8" : vocabulary <= 65_536 ? "U16" : "U32",
    encode,
    between: end === undefined ? encode("\n\n") : Uint32Array.of(end),
    unit: vocabulary <= 256 ? "bytes" : "tokens",
  };
}

/** Write all documents to a spool, split them, and cut them into units and shards. Throws an InputProblem where there is too little. */
export async function splitTexts(
  documents: AsyncGenerator<TextDocument>,
  plan: TextPlan,
  { spoolPath, seed }: { readonly spoolPath: string; readonly seed: string },
  onDocument: (done: number) => void,
): Promise<ExampleSets> {
  const read = await spoolTexts(documents, plan, { spoolPath, seed }, onDocument);
  try {
    return cutSets(read);
  } catch (error) {
    read.spool.remove();
    throw error;
  }
}

/** Write all documents to a spool and cut them into shards, without holding any out. Throws an InputProblem where there is too little. */
export async function shardTexts(
  documents: AsyncGenerator<TextDocument>,
  plan: TextPlan,
  { spoolPath, seed }: { readonly spoolPath: string; readonly seed: string },
  onDocument: (done: number) => void,
): Promise<ShardedData> {
  const read = await spoolTexts(documents, plan, { spoolPath, seed }, onDocument);
  try {
    const { order, removed } = orderOf(read.spool);
    const packed = packShards(read, order);
    return {
      examples: packed.reduce((sum, { examples }) => sum + examples, 0),
      repeated: removed,
      shardCount: packed.length,
      shards: () => cutShards(read, packed),
      remove: read.spool.remove,
    };
  } catch (error) {
    read.spool.remove();
    throw error;
  }
}

async function spoolTexts(
  documents: AsyncGenerator<TextDocument>,
  plan: TextPlan,
  { spoolPath, seed }: { readonly spoolPath: string; readonly seed: string },
  onDocument: (done: number) => void,
): Promise<Read> {
  const spool = createSpool(spoolPath);
  const titles: string[] = [];
  try {
    let total = 0;
    for await (const { title, text } of documents) {
      const tokens = plan.encode(text);
      if (tokens.length === 0) continue;
      total += tokens.length;
      titles.push(title);
      spool.append(encodeIntegers(narrow(tokens, plan.dtype)), splitKey(seed, contentOf(text)));
      onDocument(spool.count);
    }
    return { spool, plan, titles, total };
  } catch (error) {
    spool.remove();
    throw error;
  }
}

type Read = {
  readonly spool: Spool;
  readonly plan: TextPlan;
  /** Of each document. */
  readonly titles: readonly string[];
  /** Tokens of all. */
  readonly total: number;
};

function cutSets(read: Read): ExampleSets {
  const { spool, plan, total } = read;
  const { window, unit } = plan;
  const unitTokens = UNIT_WINDOWS * window + 1;
  const most = Math.floor((HELD_OUT_SHARE * total) / unitTokens);
  const wanted = sumOf(MOST_UNITS);
  const scale = Math.min(1, most / wanted);
  if (most < sumOf(LEAST_UNITS)) {
    const least = Math.ceil((sumOf(LEAST_UNITS) * unitTokens) / HELD_OUT_SHARE / 1000);
    throw new InputProblem(
      `${amount(Math.ceil(total / 1000), unit)} of text, and a model of text needs at least ${amount(least, unit)}.`,
    );
  }
  const { order, removed } = orderOf(spool);
  let at = 0;
  const units = (count: number) => {
    const found: TextExamples[] = [];
    let left = count;
    while (left > 0 && at < order.length) {
      const text = pack(read, order, unitTokens, () => at++);
      if (text.length < unitTokens) break;
      const many = Math.min(left, Math.max(1, Math.floor(text.length / unitTokens / 2))); // half of a long one: apart from each other
      found.push(sampleText(text, many, { windows: UNIT_WINDOWS, window }));
      left -= many;
    }
    return joinTextExamples(found);
  };
  const heldOut = {
    gate: units(Math.round(scale * MOST_UNITS.gate)),
    score: units(Math.round(scale * MOST_UNITS.score)),
    report: units(Math.round(scale * MOST_UNITS.report)),
  };
  const rest = order.subarray(at);
  if (rest.length === 0) {
    throw new InputProblem(
      "All documents would be held out: more of them, or longer ones, are needed to train on.",
    );
  }
  const shards = packShards(read, rest);
  const trainingExamples = shards.reduce((sum, { examples }) => sum + examples, 0);
  return {
    trainingExamples,
    removed,
    shardCount: shards.length,
    examplesPerShard: Math.ceil(trainingExamples / shards.length),
    heldOut,
    encode: (examples) => encodeTextExamples(examples as TextExamples), // those of `units`
    shards: () => cutShards(read, shards),
    remove: spool.remove,
  };
}

function* cutShards(read: Read, shards: readonly PackedShard[]): Generator<SourceShard> {
  const { plan, titles } = read;
  for (const { places } of shards) {
    let next = 0;
    const text = pack(read, places, Number.POSITIVE_INFINITY, () => next++);
    const examples = cutText(text, plan.window);
    const title = titles[places[0]!]!;
    const others = places.length > 1 ? ` and ${places.length - 1} more` : "";
    yield {
      title: `${title.slice(0, 100)}${others}`,
      examples: examples.count,
      bytes: encodeTextExamples(examples),
    };
  }
}

/** All documents in the seeded order, each once: a text that is there twice would be learnt by heart. */
function orderOf(spool: Spool): { order: Uint32Array; removed: number } {
  const { heldOut, removed } = splitRecords(spool.keys, spool.count);
  return { order: heldOut, removed };
}

/** The next documents, joined by what stands between two, until they have `most` tokens or there are no more. */
function pack(
  { spool, plan }: Read,
  order: Uint32Array,
  most: number,
  take: () => number,
): Integers {
  const { dtype, between } = plan;
  const parts: Integers[] = [];
  let length = 0;
  while (length < most) {
    const place = order[take()];
    if (place === undefined) break;
    if (parts.length > 0) parts.push(narrow(between, dtype));
    const text = decodeIntegers(dtype, spool.read(place));
    parts.push(text);
    length += text.length + between.length;
  }
  return decodeIntegers(dtype, Uint8Array.from(Buffer.concat(parts.map(encodeIntegers))));
}

type PackedShard = { readonly places: Uint32Array; readonly examples: number };

/** Documents that make a shard of about SHARD_TOKENS, or one larger document alone; a last one below a window is left out. */
function packShards({ spool, plan }: Read, order: Uint32Array): PackedShard[] {
  const { window, between, dtype, unit } = plan;
  const shards: PackedShard[] = [];
  let from = 0;
  let length = 0;
  for (const [i, place] of order.entries()) {
    length += spool.sizeOf(place) / WIDTH[dtype] + (i > from ? between.length : 0);
    const isLast = i === order.length - 1;
    if (length <= window || (length < SHARD_TOKENS && !isLast)) continue;
    const examples = Math.ceil((length - 1) / window);
    shards.push({ places: order.subarray(from, i + 1), examples });
    from = i + 1;
    length = 0;
  }
  if (shards.length === 0) {
    throw new InputProblem(
      `The text left to train on is no longer than a window of ${window} ${unit}.`,
    );
  }
  return shards;
}

const WIDTH = { U8: 1, U16: 2, U32: 4 } as const;

function narrow(tokens: Uint32Array, dtype: TextPlan["dtype"]): Integers {
  if (dtype === "U8") return Uint8Array.from(tokens);
  return dtype === "U16" ? Uint16Array.from(tokens) : tokens;
}

function amount(thousands: number, unit: TextPlan["unit"]): string {
  return unit === "bytes" ? `${thousands} kB` : `${thousands},000 tokens`;
}

function sumOf(units: typeof MOST_UNITS): number {
  return units.gate + units.score + units.report;
}
