import type { SourceShard } from "../core/models/model-source.ts";
import {
  cutText,
  encodeTextExamples,
  joinTextExamples,
  sampleText,
  type TextExamples,
} from "../core/training/text-examples.ts";
import type { ExampleSets } from "./example-sets.ts";
import { InputProblem } from "./problem.ts";
import type { TextDocument } from "./readers/text-folder.ts";
import { contentOf, splitKey, splitRecords } from "./split.ts";
import { createSpool, type Spool } from "./spool.ts";

const UNIT_WINDOWS = 4; // a version is judged by units of so many windows: a forward pass sees a dozen a second
const MOST_UNITS = { gate: 96, score: 48, report: 48 };
const LEAST_UNITS = { gate: 12, score: 6, report: 6 };
const HELD_OUT_SHARE = 0.2; // of the bytes, where they are few
const SHARD_BYTES = 32 << 10; // packed: two of them a piece are some 500 windows
const BETWEEN = new TextEncoder().encode("\n\n");

/** Write all documents to a spool, split them, and cut them into units and shards. Throws an InputProblem where there is too little. */
export async function splitTexts(
  documents: AsyncGenerator<TextDocument>,
  {
    spoolPath,
    seed,
    context,
  }: { readonly spoolPath: string; readonly seed: string; readonly context: number },
  onDocument: (done: number) => void,
): Promise<ExampleSets> {
  const spool = createSpool(spoolPath);
  const titles: string[] = [];
  try {
    let bytes = 0;
    for await (const { title, text } of documents) {
      const encoded = new TextEncoder().encode(text);
      if (encoded.length === 0) continue;
      bytes += encoded.length;
      titles.push(title);
      spool.append(encoded, splitKey(seed, contentOf(text)));
      onDocument(spool.count);
    }
    return cutSets(spool, titles, { bytes, context });
  } catch (error) {
    spool.remove();
    throw error;
  }
}

function cutSets(
  spool: Spool,
  titles: readonly string[],
  { bytes, context }: { readonly bytes: number; readonly context: number },
): ExampleSets {
  const unitBytes = UNIT_WINDOWS * context + 1;
  const most = Math.floor((HELD_OUT_SHARE * bytes) / unitBytes);
  const wanted = sumOf(MOST_UNITS);
  const scale = Math.min(1, most / wanted);
  if (most < sumOf(LEAST_UNITS)) {
    const least = Math.ceil((sumOf(LEAST_UNITS) * unitBytes) / HELD_OUT_SHARE / 1000);
    throw new InputProblem(
      `${Math.ceil(bytes / 1000)} kB of text, and a model of text needs at least ${least} kB.`,
    );
  }
  const { order, removed } = orderOf(spool);
  let at = 0;
  const units = (count: number) => {
    const found: TextExamples[] = [];
    let left = count;
    while (left > 0 && at < order.length) {
      const text = pack(spool, order, unitBytes, () => at++);
      if (text.length < unitBytes) break;
      const many = Math.min(left, Math.max(1, Math.floor(text.length / unitBytes / 2))); // half of a long one: apart from each other
      found.push(sampleText(text, many, { windows: UNIT_WINDOWS, window: context }));
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
  const shards = packShards(spool, rest, context);
  const trainingExamples = shards.reduce((sum, { examples }) => sum + examples, 0);
  return {
    trainingExamples,
    removed,
    shardCount: shards.length,
    examplesPerShard: Math.ceil(trainingExamples / shards.length),
    heldOut,
    encode: (examples) => encodeTextExamples(examples as TextExamples), // those of `units`
    *shards(): Generator<SourceShard> {
      for (const { places } of shards) {
        let next = 0;
        const text = pack(spool, places, Number.POSITIVE_INFINITY, () => next++);
        const examples = cutText(text, context);
        const title = titles[places[0]!]!;
        const others = places.length > 1 ? ` and ${places.length - 1} more` : "";
        yield {
          title: `${title.slice(0, 100)}${others}`,
          examples: examples.count,
          bytes: encodeTextExamples(examples),
        };
      }
    },
    remove: spool.remove,
  };
}

/** All documents in the seeded order, each once: a text that is there twice would be learnt by heart. */
function orderOf(spool: Spool): { order: Uint32Array; removed: number } {
  const { heldOut, removed } = splitRecords(spool.keys, spool.count);
  return { order: heldOut, removed };
}

/** The next documents, joined by an empty line, until they have `most` bytes or there are no more. */
function pack(
  spool: Spool,
  order: Uint32Array,
  most: number,
  take: () => number,
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  while (length < most) {
    const place = order[take()];
    if (place === undefined) break;
    if (parts.length > 0) parts.push(BETWEEN);
    const text = spool.read(place);
    parts.push(text);
    length += text.length + BETWEEN.length;
  }
  return Uint8Array.from(Buffer.concat(parts));
}

type PackedShard = { readonly places: Uint32Array; readonly examples: number };

/** Documents that make a shard of about SHARD_BYTES, or one larger document alone; a last one below a window is left out. */
function packShards(spool: Spool, order: Uint32Array, context: number): PackedShard[] {
  const shards: PackedShard[] = [];
  let from = 0;
  let length = 0;
  for (const [i, place] of order.entries()) {
    length += spool.sizeOf(place) + (i > from ? BETWEEN.length : 0);
    const isLast = i === order.length - 1;
    if (length <= context || (length < SHARD_BYTES && !isLast)) continue;
    const examples = Math.ceil((length - 1) / context);
    shards.push({ places: order.subarray(from, i + 1), examples });
    from = i + 1;
    length = 0;
  }
  if (shards.length === 0) {
    throw new InputProblem(
      `The text left to train on is no longer than a window of ${context} bytes.`,
    );
  }
  return shards;
}

function sumOf(units: typeof MOST_UNITS): number {
  return units.gate + units.score + units.report;
}
