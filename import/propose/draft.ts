import { leastMargin } from "../../core/gate/gate-size.ts";
import type { Architecture, Recipe, TokenizerRecord } from "../../core/protocol/schemas/recipe.ts";
import { exampleShapeOf } from "../../core/training/examples.ts";
import type { ExampleSets } from "../example-sets.ts";
import type { Reasons } from "../recipe-file.ts";

/** How large a start from nothing is. */
export const SIZES = ["tiny", "small", "medium", "large"] as const;
export type ModelSize = (typeof SIZES)[number];

const HIDDEN: Readonly<Record<ModelSize, readonly number[]>> = {
  tiny: [32],
  small: [128],
  medium: [256],
  large: [512, 256],
};
const TEXT: Readonly<
  Record<ModelSize, { layers: number; channels: number; heads: number; context: number }>
> = {
  tiny: { layers: 2, channels: 64, heads: 2, context: 128 },
  small: { layers: 4, channels: 128, heads: 4, context: 128 }, // presidents' size
  medium: { layers: 6, channels: 256, heads: 8, context: 256 },
  large: { layers: 8, channels: 512, heads: 8, context: 256 },
};

/** A classifier of a named size. */
export function classifierOf(size: ModelSize, inputs: number, outputs: number): Architecture {
  return { kind: "mlp", inputs, hidden: [...HIDDEN[size]], outputs };
}

/** A byte-level model of text of a named size. */
export function textModelOf(size: ModelSize): Extract<Architecture, { kind: "gpt" }> {
  return { kind: "gpt", vocabulary: 256, ...TEXT[size] };
}

const PATCH_ENTRIES = 60_000; // about 100 kB with their positions: a phone sends it in a second
const LEAST_DENSITY = 0.005; // below, a piece changes too little to be told from noise
const MOST_DENSITY = 0.2; // above, an own mask reaches positions that no data exercises, and the screen refuses such work (protocol G16)
const STEPS = 50; // shorter pieces are more bytes and judging for little; longer ones come too late
const PIECE_EXAMPLES = 4000; // what 50 steps of 96 see about once

const ALPHA = 0.07;

/** What an owner says of a model to users and contributors; nothing of it has to be said. */
export type OwnersWords = Pick<Recipe, "intendedUse" | "limits" | "welcome">;

function ownersWords({ intendedUse, limits, welcome }: OwnersWords): OwnersWords {
  return {
    ...(intendedUse !== undefined && { intendedUse }),
    ...(limits !== undefined && { limits }),
    ...(welcome !== undefined && { welcome }),
  };
}

/** A recipe from what is known before anything was measured; `measure` replaces what depends on the data. */
export function draftRecipe(
  about: Pick<Recipe, "id" | "title" | "summary" | "licence" | "architecture"> &
    OwnersWords & {
      readonly base: string | null;
      readonly source: string;
      readonly dataLicence: string;
      readonly words: Pick<Recipe["data"], "inputs" | "classes">;
      readonly tokenizer?: TokenizerRecord;
    },
  parameters: number,
  { shardCount, examplesPerShard, trainingExamples, heldOut }: ExampleSets,
): Recipe {
  const { id, title, summary, licence, base, architecture, source, dataLicence, words, tokenizer } =
    about;
  const isText = exampleShapeOf(architecture).kind === "text";
  const density = Math.min(MOST_DENSITY, Math.max(LEAST_DENSITY, PATCH_ENTRIES / parameters));
  const batch = isText ? 8 : powerOfTwo(Math.min(96, trainingExamples / 4));
  const wanted = isText ? STEPS * batch : PIECE_EXAMPLES;
  const shardsPerTicket = Math.max(
    1,
    Math.min(Math.ceil(wanted / examplesPerShard), Math.ceil(shardCount / 2), 16),
  );
  const count = heldOut.gate.count;
  const clipNats = isText ? 0.2 : 4;
  return {
    format: "commonweight.recipe/1",
    id,
    title,
    summary,
    licence,
    ...ownersWords(about),
    ...(base !== null && { base }),
    architecture,
    data: {
      source,
      licence: dataLicence,
      heldOut: { score: heldOut.score.count, gate: count, report: heldOut.report.count },
      shardsPerTicket,
      ...words,
      ...(tokenizer && { tokenizer }),
    },
    training: { steps: STEPS, batch, learningRate: isText ? 0.003 : 0.01 },
    mask: {
      kind: "own",
      density,
      epochVersions: 2,
      fisher: {
        examples: isText ? 64 : 256,
        damping: 0,
        outputShare: 0.1,
        vectorShare: 0.05,
        tensorCap: Math.max(0.5, density),
      },
    },
    merge: {
      rule: "mean",
      outerStep: 1,
      cohortSize: 4,
      cohortSeconds: 30,
      stalenessLimit: 4,
      clipFactor: 2,
      newcomerWeight: 0.75,
    },
    score: {
      stepShare: 0.2,
      toleranceNats: 0.02,
      references: isText ? 2 : 4,
      leastZ: 3,
      leastShare: 0.4,
      sampleShare: 0.1,
      spotCheckShare: isText ? 0.05 : 0.2,
    },
    gate: {
      marginNats: Math.max(0.02, leastMargin(count, { clipNats, alpha: ALPHA })),
      alpha: ALPHA,
      beta: 0.1,
      maxExamples: count,
      clipNats,
    },
  };
}

/** Why the fields have their values that no measuring changes. */
export function draftReasons({ mask, training, architecture }: Recipe): Reasons {
  const isText = exampleShapeOf(architecture).kind === "text";
  const entries = isText ? "stretches of text" : "examples";
  return {
    id: "its name in addresses; it cannot change once a relay has the model",
    title: "what visitors read",
    architecture: "what base.safetensors has the parameters of",
    "data.heldOut": `${entries} that no volunteer sees: they judge every version`,
    "data.shardsPerTicket": `parts of the training data for one piece of work, about ${training.steps * training.batch} ${entries}`,
    "training.steps":
      "shorter pieces are more bytes and judging for little gain; longer ones come too late",
    "training.batch": "as many as keep a large rate stable, and a quarter of the data at most",
    "mask.density": `a patch of ${Math.round(PATCH_ENTRIES / 1000)},000 entries at most: about 100 kB, which a phone sends in a second`,
    "mask.kind": `each volunteer changes what its own data says matters (${mask.kind})`,
    "merge.cohortSize":
      "pieces that make a version: small, so that a young community sees its work soon",
    "merge.newcomerWeight": "of full weight; somebody unknown cannot move the model far",
    "score.references":
      "pieces that the relay trains itself on each version, with which all work is compared",
    "score.spotCheckShare":
      "of the work that the relay trains again; raise it where strangers come",
    "gate.alpha": "chance of publishing a version that is worse by the margin",
  };
}

function powerOfTwo(most: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(8, most)));
}
