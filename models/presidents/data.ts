import { readFile } from "node:fs/promises";
import { assert } from "../../core/errors.ts";
import type { GptArchitecture } from "../../core/models/gpt.ts";
import type { ModelSource, SourceShard } from "../../core/models/model-source.ts";
import { parseValue } from "../../core/protocol/canonical-json.ts";
import { recipe as recipeSchema } from "../../core/protocol/schemas/recipe.ts";
import { createRandom } from "../../core/random.ts";
import {
  cutText,
  encodeTextExamples,
  joinTextExamples,
  sampleText,
  sliceTextExamples,
  type TextExamples,
} from "../../core/training/text-examples.ts";
import recipeJson from "./recipe.json" with { type: "json" };
import { type Document, readMobyDick, readSpeeches } from "./speeches.ts";

const UNIT_WINDOWS = 4; // 512 bytes of a speech: a forward pass of a CPU second judges a dozen
const SPEECHES = 233;
const HELD_OUT_CHAPTERS = 10; // every tenth chapter of Moby Dick
const CHAPTERS = 122; // those that are not held out and have a window
const UNITS_A_CHAPTER = 8; // fewer where a chapter is short: none overlap

const recipe = parseValue("models/presidents/recipe.json", recipeSchema, recipeJson);
const { score, gate, report, protected: protectedUnits = 0 } = recipe.data.heldOut;

/**
 * `presidents` as it is shipped: a shard for each speech and, to replay, for each chapter of Moby Dick; some other
 * speeches and chapters held out.
 */
export const presidents: ModelSource = {
  recipe,
  base: async () => new Uint8Array(await readFile(new URL("base.safetensors", import.meta.url))),
  shardCount: SPEECHES - score - gate - report + CHAPTERS,
  shards,
  heldOut: async () => {
    const { heldOut } = await splitSpeeches();
    return {
      score: encodeTextExamples(units(heldOut.slice(0, score), 1)),
      gate: encodeTextExamples(units(heldOut.slice(score, score + gate), 1)),
      report: encodeTextExamples(units(heldOut.slice(score + gate), 1)),
      protected: encodeTextExamples(await protectedSuite()),
    };
  },
};

/** What the base is trained on: Moby Dick's other chapters, whole. */
export async function mobyDickTraining(): Promise<TextExamples> {
  return joinTextExamples((await trainingChapters()).map(({ text }) => cutText(text, context)));
}

async function trainingChapters(): Promise<Document[]> {
  return (await readMobyDick())
    .filter((_, i) => !isHeldOutChapter(i))
    .filter(({ text }) => text.length > context); // three are shorter than a window
}

/** Units of the chapters that are held out, one after the other. */
export async function mobyDickHeldOut(): Promise<TextExamples> {
  return units(
    (await readMobyDick()).filter((_, i) => isHeldOutChapter(i)),
    UNITS_A_CHAPTER,
  );
}

/** The protected suite: what the base was trained for and the community should not lose, in a fixed random order. */
async function protectedSuite(): Promise<TextExamples> {
  const all = await mobyDickHeldOut();
  const random = createRandom("presidents protected");
  const left = Array.from({ length: all.count }, (_, i) => sliceTextExamples(all, i, i + 1));
  return joinTextExamples(
    Array.from({ length: protectedUnits }, () => left.splice(random.below(left.length), 1)).flat(),
  );
}

export function gptArchitecture(): GptArchitecture {
  assert(recipe.architecture.kind === "gpt", "presidents is a GPT");
  return recipe.architecture;
}
const { context } = gptArchitecture();

function isHeldOutChapter(index: number): boolean {
  return (index + 1) % HELD_OUT_CHAPTERS === 0;
}

async function* shards(): AsyncGenerator<SourceShard> {
  for (const { title, text } of (await splitSpeeches()).training) {
    const examples = cutText(text, context);
    yield { title, examples: examples.count, bytes: encodeTextExamples(examples) };
  }
  for (const { title, text } of await trainingChapters()) {
    const examples = cutText(text, context);
    const shard = { examples: examples.count, bytes: encodeTextExamples(examples) };
    yield { title: `Moby Dick ${title}`, isReplay: true, ...shard };
  }
}

/** Speeches drawn at random to be held out, in the order drawn; the others in the order of years. */
async function splitSpeeches(): Promise<{ training: Document[]; heldOut: Document[] }> {
  const training = await readSpeeches();
  const random = createRandom("presidents held out");
  const heldOut: Document[] = [];
  while (heldOut.length < score + gate + report) {
    heldOut.push(...training.splice(random.below(training.length), 1));
  }
  return { training, heldOut };
}

/** Up to `most` stretches of every document, the units that a version is judged by. */
function units(documents: readonly Document[], most: number): TextExamples {
  const bytes = UNIT_WINDOWS * context + 1;
  return joinTextExamples(
    documents.map(({ text }) => {
      const count = Math.min(most, Math.max(1, Math.floor(text.length / bytes)));
      return sampleText(text, count, { windows: UNIT_WINDOWS, window: context });
    }),
  );
}
