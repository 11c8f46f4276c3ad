import * as z from "zod/mini";
import { MAX_JURORS, MAX_TOKENIZER_BYTES, MIN_JURORS, MIN_PACKET_EXAMPLES } from "../limits.ts";
import { inputLength, inputs } from "./inputs.ts";
import { count, hash, longText, modelId, positive, shortText } from "./primitives.ts";
import { transformer, transformerProblem } from "./transformer.ts";

const share = z.number().check(z.minimum(0), z.maximum(1));
const probability = z.number().check(z.gt(0), z.lt(1));
const above0 = z.number().check(z.gt(0));

/** Most that one example counts in the gate where a recipe names nothing: past it (p < 0.02) the answer is lost anyway. */
export const DEFAULT_CLIP_NATS = 4;

const MAX_CLASSES = 256; // a label is a byte of a shard

const mlp = z.strictObject({
  kind: z.literal("mlp"),
  inputs: positive,
  hidden: z.array(positive).check(z.minLength(1)),
  outputs: positive,
});
/** GPT-2's architecture with tied embeddings. */
const gpt = z.strictObject({
  kind: z.literal("gpt"),
  vocabulary: positive,
  /** Longest sequence, in tokens. */
  context: positive,
  layers: positive,
  channels: positive,
  heads: positive,
});
export const architecture = z.discriminatedUnion("kind", [mlp, gpt, transformer]);
export type Architecture = z.infer<typeof architecture>;

export const TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json"] as const;

/** How text becomes tokens: files as transformers' tokenizers have them, each a public blob (protocol T11). */
const tokenizer = z.strictObject({
  files: z
    .array(
      z.strictObject({
        name: z.enum(TOKENIZER_FILES),
        sha256: hash,
        sizeBytes: positive.check(z.maximum(MAX_TOKENIZER_BYTES)),
      }),
    )
    .check(z.minLength(1), z.maxLength(TOKENIZER_FILES.length)),
  /** The token that begins a text, and the one that ends it. */
  begin: z.optional(count),
  end: z.optional(count),
});
export type TokenizerRecord = z.infer<typeof tokenizer>;

export const training = z.strictObject({
  /** Optimiser steps of one ticket. */
  steps: positive,
  /** Examples a step. */
  batch: positive,
  learningRate: above0,
});
export type Training = z.infer<typeof training>;

/** How a cohort's patches become one delta (protocol G); each replays from a version's record. */
export const mergeRule = z.enum([
  "mean",
  "fisher",
  "disjoint-mean",
  "ties",
  "trimmed-mean",
  "median",
]);
export type MergeRule = z.infer<typeof mergeRule>;

/** How masks are chosen by Fisher information. */
export const maskFisher = z.strictObject({
  /** Examples that a shared mask's Fisher information is estimated on. */
  examples: positive,
  /** Weight of the protected suite's Fisher information, which keeps its parameters out. */
  damping: z.number().check(z.minimum(0)),
  /** Least share of the mask in the output layer, and in biases and norms. */
  outputShare: share,
  vectorShare: share,
  /** Most of one tensor's entries that may be in the mask, as a share of them. */
  tensorCap: share.check(z.gt(0)),
});

/** Everything that defines a community model besides its history. */
const fields = z.strictObject({
  format: z.literal("commonweight.recipe/1"),
  id: modelId,
  title: shortText,
  summary: longText,
  /** What it is meant for, and what it cannot do or should not be used for, in its owner's words. */
  intendedUse: z.optional(longText),
  limits: z.optional(longText),
  /** Which data, suites and patches its owner wants. */
  welcome: z.optional(longText),
  licence: shortText,
  /** The trained model that version 0 began as: its name on the Hugging Face hub, such as openai-community/gpt2, or a file's. */
  base: z.optional(shortText),
  architecture,
  data: z.strictObject({
    source: longText,
    licence: shortText,
    /** Held-out examples by use; the sets are apart and never served. */
    heldOut: z.strictObject({
      score: positive,
      gate: positive,
      report: positive,
      /** The protected suite: what the base could do and no version may lose. */
      protected: z.optional(positive),
    }),
    shardsPerTicket: positive,
    /** Shards of the base's own domain that a ticket has beside them, so that it is not forgotten. */
    replayShardsPerTicket: z.optional(positive),
    /** Of a classifier: what it is given, so that a page can ask for it … */
    inputs: z.optional(inputs),
    /** … and the names of its classes, in the order of the outputs. */
    classes: z.optional(z.array(shortText).check(z.minLength(2), z.maxLength(MAX_CLASSES))),
    /** Of a model of text whose tokens are more than bytes. */
    tokenizer: z.optional(tokenizer),
  }),
  training,
  mask: z.strictObject({
    kind: z.enum(["random", "shared", "own"]),
    /** Share of the parameters in the mask. */
    density: share.check(z.gt(0)),
    /** The fewest versions in a row that share one mask. */
    epochVersions: positive,
    /** How `shared` and `own` masks are chosen; `random` ones need none. */
    fisher: z.optional(maskFisher),
  }),
  merge: z.strictObject({
    rule: mergeRule,
    /** The factor on the merged delta. */
    outerStep: above0,
    /** A cohort closes at this many contributions … */
    cohortSize: positive,
    /** … or this long after its first one was queued. */
    cohortSeconds: positive,
    /** Work based on a version this many behind the head is still merged. */
    stalenessLimit: count,
    /** A patch is clipped to this many times the median norm of merged work. */
    clipFactor: above0,
    /** Share of full weight that a contributor starts with. */
    newcomerWeight: share,
  }),
  score: z.strictObject({
    /** The share of the delta at which the held-out loss is compared. */
    stepShare: share,
    /** Worst allowed rise of the mean held-out loss at that share, in nats. */
    toleranceNats: above0,
    /** Pieces of work that the relay trains itself on each version: the reference for everybody's. */
    references: count,
    /** Least z of a delta's cosine with the reference; below it the work has nothing to do with training. */
    leastZ: z.number(),
    /** Least cosine with the reference, as a share of the one that the relay's own pieces have among themselves. */
    leastShare: share,
    /** Share of the trusted contributors' work that is scored all the same. */
    sampleShare: share,
    /** Share of the work that is trained a second time and compared. */
    spotCheckShare: share,
  }),
  gate: z.strictObject({
    /** Largest mean loss increase that still counts as "no worse", in nats per example. */
    marginNats: above0,
    /** Probability of publishing a version that is worse by the margin. */
    alpha: probability,
    /** Probability of refusing a version that is exactly as good. */
    beta: probability,
    maxExamples: positive,
    /** Examples of a packet of the gate suite (protocol G24); absent: the suite is one packet, which every gate uses again. */
    packetExamples: z.optional(positive.check(z.minimum(MIN_PACKET_EXAMPLES))),
    /** Volunteers who evaluate each fresh packet (protocol J8); absent: the relay does, and judges beside it. */
    jury: z.optional(z.int().check(z.minimum(MIN_JURORS), z.maximum(MAX_JURORS))),
    /**
     * Most that one example counts, in nats; 4 where it is absent. A unit of text is a mean of hundreds of
     * bytes and moves by hundredths: with 4 it would take thousands of speeches to decide.
     */
    clipNats: z.optional(above0),
    /** How much worse the protected suite may get, against the parent and against the last release. */
    protected: z.optional(
      z.strictObject({
        marginNats: above0,
        releaseMarginNats: above0,
        clipNats: z.optional(above0),
        packetExamples: z.optional(positive.check(z.minimum(MIN_PACKET_EXAMPLES))),
      }),
    ),
    /** Most of what the last release had right that a version may have wrong, as a share of it. */
    flipBudget: z.optional(share),
  }),
});
export type Recipe = z.infer<typeof fields>;

/** The same, where what its fields say together can be carried out. */
export const recipe = fields.check((context) => {
  const problem = problemOf(context.value);
  if (problem !== null) {
    context.issues.push({ code: "custom", input: context.value, ...problem });
  }
});

type Problem = { readonly path: string[]; readonly message: string };

function problemOf({ architecture: given, data, mask, merge, gate }: Recipe): Problem | null {
  const wrong = given.kind === "transformer" ? transformerProblem(given) : null;
  if (wrong !== null) return { ...wrong, path: ["architecture", ...wrong.path] };
  const isChosen = mask.kind !== "random";
  const { fisher, density } = mask;
  if ((isChosen || merge.rule === "fisher") && fisher === undefined) {
    const needing = isChosen ? `masks of kind ${mask.kind}` : "merging by fisher";
    return { path: ["mask", "fisher"], message: `missing, and ${needing} must know how` };
  }
  if (isChosen && fisher !== undefined && fisher.tensorCap < density) {
    const message = `${fisher.tensorCap} leaves no room for a density of ${density}`;
    return { path: ["mask", "fisher", "tensorCap"], message };
  }
  return (
    wordsProblem(given, data) ??
    tokenizerProblem(given, data) ??
    clipProblem("gate", [gate.marginNats], gate.clipNats) ??
    protectedProblem(gate) ??
    juryProblem(gate)
  );
}

/** What a page asks for and shows must be what the network takes and gives. */
function wordsProblem(
  given: Architecture,
  { inputs: asked, classes }: Recipe["data"],
): Problem | null {
  const sizes = classifierSizes(given);
  if (sizes === null) return null;
  if (asked !== undefined && inputLength(asked) !== sizes.inputs) {
    const message = `${inputLength(asked)} numbers, and the architecture has ${sizes.inputs} inputs`;
    return { path: ["data", "inputs"], message };
  }
  if (classes !== undefined && classes.length !== sizes.outputs) {
    const message = `${classes.length} names for ${sizes.outputs} outputs`;
    return { path: ["data", "classes"], message };
  }
  return null;
}

/** Numbers that a classifier takes and gives; null for a model of text. */
function classifierSizes(given: Architecture): { inputs: number; outputs: number } | null {
  if (given.kind === "mlp") return given;
  if (given.kind === "gpt" || given.input.kind !== "image") return null;
  const { height, width, planes } = given.input;
  const outputs = given.head.kind === "classes" ? given.head.classes : 0;
  return { inputs: height * width * planes, outputs };
}

function tokenizerProblem(
  given: Architecture,
  { tokenizer: asked }: Recipe["data"],
): Problem | null {
  if (asked === undefined) return null;
  const at = (field: string, message: string) => ({ path: ["data", "tokenizer", field], message });
  const vocabulary = vocabularyOf(given);
  if (vocabulary === null) return at("files", "a tokenizer, and the model does not read text");
  const names = asked.files.map(({ name }) => name);
  if (!names.includes("tokenizer.json")) return at("files", "no tokenizer.json among them");
  if (new Set(names).size < names.length) return at("files", `${names[0]} twice`);
  for (const field of ["begin", "end"] as const) {
    const token = asked[field] ?? 0;
    if (token >= vocabulary) return at(field, `token ${token} ≥ vocabulary ${vocabulary}`);
  }
  return null;
}

function vocabularyOf(given: Architecture): number | null {
  if (given.kind === "gpt") return given.vocabulary;
  return given.kind === "transformer" && given.input.kind === "tokens"
    ? given.input.vocabulary
    : null;
}

function protectedProblem({ protected: suite }: Recipe["gate"]) {
  if (suite === undefined) return null;
  const margins = [suite.marginNats, suite.releaseMarginNats];
  return clipProblem("gate.protected", margins, suite.clipNats);
}

/** Jurors see what they judge on, so it must be what the next gate does not use. */
function juryProblem({ jury, packetExamples }: Recipe["gate"]): Problem | null {
  if (jury === undefined || packetExamples !== undefined) return null;
  return {
    path: ["gate", "jury"],
    message: "jurors judge on packets, and gate.packetExamples is missing",
  };
}

/** No number of examples could show that a loss stays below a margin that no example can reach. */
function clipProblem(at: string, margins: readonly number[], clipNats = DEFAULT_CLIP_NATS) {
  const most = Math.max(...margins);
  if (most < clipNats) return null;
  const message = `${clipNats} is not above the margin of ${most}`;
  return { path: [...at.split("."), "clipNats"], message };
}
