import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { sha256 } from "../core/crypto/signature.ts";
import { createRandom } from "../core/random.ts";
import { cutText, encodeTextExamples } from "../core/training/text-examples.ts";
import { type ObjectsPlace, openObjects } from "../relay-server/content/open-objects.ts";
import type { NewShards } from "../relay-server/threads/comparison-thread.ts";
import { openComparison } from "../relay-server/threads/open-comparison.ts";
import { judgedRow, type Row } from "./figures.ts";
import type { BenchOptions } from "./options.ts";

const SHARD_BYTES = 1 << 20; // as an import cuts
const WINDOW = 256;
const ADDITION = "bench"; // whose files the new shards are
const MOST_WAIT_MS = 100; // of a request for the answering thread
const MOST_SECONDS = 120; // a batch of 128 MiB, of which a gigabyte has eight

/** What it takes a relay to look for a batch of new text in a model's, and how long a request waits meanwhile. */
export async function measure({ seed, quick }: BenchOptions): Promise<Row[]> {
  const [newMiB, knownMiB] = quick ? [8, 32] : [128, 1024];
  const path = await mkdtemp(join(tmpdir(), "commonweight-bench-data-"));
  const place: ObjectsPlace = { kind: "folder", path, temporary: path };
  const { comparison, close } = openComparison();
  try {
    const shards = await writeShards(place, `additions/${ADDITION}`, `${seed} new`, newMiB);
    const known = await writeShards(place, "blobs", `${seed} known`, knownMiB);
    const size = { layers: 1, channels: 64, heads: 1 };
    const architecture = { kind: "gpt", vocabulary: 256, context: WINDOW, ...size } as const;
    const task = {
      ...{ place, addition: ADDITION, architecture, shards },
      ...{ model: "bench", isBytes: true, sets: [], suites: [], kept: [] },
    };
    const waits = monitorEventLoopDelay({ resolution: 1 });
    const timed = async (against: typeof known) => {
      const before = performance.now();
      await comparison.look({ ...task, known: against });
      return (performance.now() - before) / 1000;
    };
    await timed([]); // the thread starts
    waits.enable();
    const indexSeconds = await timed([]);
    const seconds = await timed(known);
    waits.disable();
    const unit = "s";
    const against = `${newMiB} MiB of new text`;
    return [
      { what: "read and keep what is new", value: indexSeconds, unit, against },
      judgedRow(
        { what: `the same, and look through ${knownMiB} MiB`, value: seconds, unit, against },
        "<=",
        MOST_SECONDS,
      ),
      judgedRow(
        { what: "longest wait of the answering thread", value: waits.max / 1e6, unit: "ms" },
        "<=",
        MOST_WAIT_MS,
      ),
      {
        what: "most memory of the process",
        value: process.resourceUsage().maxRSS / 1024,
        unit: "MiB",
      },
    ];
  } finally {
    await close();
    await rm(path, { recursive: true });
  }
}

/** Shards of random words, no two alike, in a folder at `place`. */
async function writeShards(
  place: ObjectsPlace,
  folder: string,
  seed: string,
  sizeMiB: number,
): Promise<NewShards["shards"]> {
  const objects = openObjects(place);
  const random = createRandom(seed);
  const shards: NewShards["shards"][number][] = [];
  for (let written = 0; written < sizeMiB << 20; written += SHARD_BYTES) {
    const text = new Uint8Array(SHARD_BYTES);
    const words = new Uint32Array(text.buffer);
    for (let i = 0; i < words.length; i++) words[i] = random.uint32();
    for (let i = 0; i < text.length; i++) text[i] = LETTERS.charCodeAt(text[i]! & 31);
    const examples = cutText(text, WINDOW);
    const bytes = encodeTextExamples(examples);
    const hash = await sha256(bytes);
    await objects.put(`${folder}/${hash}`, bytes);
    const { length: sizeBytes } = bytes;
    const title = `${seed} ${shards.length}`;
    shards.push({ title, examples: examples.count, sizeBytes, sha256: hash });
  }
  return shards;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz      "; // a fifth is space, as in prose
