import { examplesNeeded, leastMargin } from "../core/gate/gate-size.ts";
import { planPackets } from "../core/gate/packets.ts";
import { modelOf } from "../core/models/registry.ts";
import { MAX_BINDING_BYTES } from "../core/models/row-blocks.ts";
import { sequenceLength } from "../core/models/transformer-tensors.ts";
import { MAX_PATCH_BYTES } from "../core/protocol/limits.ts";
import {
  type Architecture,
  DEFAULT_CLIP_NATS,
  type Recipe,
} from "../core/protocol/schemas/recipe.ts";
import { createLayout } from "../core/tensors/layout.ts";
import { exampleShapeOf } from "../core/training/examples.ts";
import { largestTensor } from "../core/training/footprint.ts";

/** What a recipe comes to, in figures for its owner. */
export type Expected = {
  readonly parameters: number;
  /** A volunteer's first download: the checkpoint and the shards of one piece. */
  readonly downloadBytes: number;
  readonly uploadBytes: number;
  /** Seconds of one piece by its operations, on each kind of device. */
  readonly pieceSeconds: readonly { readonly device: string; readonly seconds: number }[];
  /** The relay's own seconds for a contribution, its screen, score, spot checks and share of the gate. */
  readonly judgingSeconds: number;
  /** How long the gate suite lasts: versions whose gate sees fresh examples, where each changes nothing; 0 where one set serves all. */
  readonly freshVersions: number;
};

export type Checked = {
  /** What would not work, a sentence each: a relay refuses such a model, or it would stand still. */
  readonly faults: readonly string[];
  /** What works, but not well. */
  readonly warnings: readonly string[];
  readonly expected: Expected;
};

const MIB = 1 << 20;
const CODE_BITS = 4.25; // a value with its share of the scales
const LARGE_MARGIN = 0.1; // nats: a version may be worse by a tenth of a nat and pass
const LONG_PIECE_SECONDS = 15 * 60; // volunteers go away
/** Multiply-adds a second; the processor's is measured (docs/training.md), the others are assumed, a tenth of what their makers say. */
const DEVICES = [
  ["a laptop's graphics", 300e9],
  ["a phone's graphics", 50e9],
  ["one processor core", 18e9],
] as const;

/** Look a recipe through, with the sizes of its folder. */
export function checkRecipe(
  recipe: Recipe,
  folder: { readonly shardCount: number; readonly shardBytes: number },
): Checked {
  const { architecture, data, gate, mask, score, training } = recipe;
  const { size } = createLayout(modelOf(architecture).shapes);
  const count = Math.max(1, Math.round(mask.density * size));
  const tensor = largestTensor(architecture, { batch: training.batch, masked: count });
  const uploadBytes = patchBytes(mask.density, count);
  const clip = gate.clipNats ?? DEFAULT_CLIP_NATS;
  const examples = Math.min(data.heldOut.gate, gate.maxExamples);
  const bounds = { clipNats: clip, alpha: gate.alpha };
  const needed = examplesNeeded(gate.marginNats, bounds);
  const expected = expectedOf(recipe, { size, uploadBytes, needed }, folder);
  const phone = expected.pieceSeconds[1]!;
  const faults: string[] = [];
  const warnings: string[] = [];
  if (examples < needed) {
    faults.push(
      `The gate can never decide: with gate.marginNats ${gate.marginNats} and gate.clipNats ${clip} a version that changes nothing needs ${needed} examples, and there are ${examples}; allow a margin of ${leastMargin(examples, bounds)} or hold out more.`,
    );
  }
  if (data.shardsPerTicket > folder.shardCount) {
    faults.push(
      `data.shardsPerTicket is ${data.shardsPerTicket}, and the model has ${folder.shardCount} shards.`,
    );
  }
  if (uploadBytes > MAX_PATCH_BYTES) {
    faults.push(
      `mask.density ${mask.density} makes patches of about ${megabytes(uploadBytes)}, and a relay takes ${megabytes(MAX_PATCH_BYTES)}; ${roundDown((mask.density * MAX_PATCH_BYTES) / uploadBytes)} would fit.`,
    );
  }
  if (tensor.sizeBytes > MAX_BINDING_BYTES) {
    warnings.push(
      `${tensor.name} has ${megabytes(tensor.sizeBytes)}, and a device without more than WebGPU's default can bind ${megabytes(MAX_BINDING_BYTES)}: phones will train on their processors or not at all.`,
    );
  }
  if (phone.seconds > LONG_PIECE_SECONDS) {
    warnings.push(
      `A piece takes ${phone.device} about ${Math.round(phone.seconds / 60)} minutes, and few volunteers stay longer than ${LONG_PIECE_SECONDS / 60}; take fewer training.steps.`,
    );
  }
  if (gate.marginNats > LARGE_MARGIN) {
    warnings.push(
      `${examples} held-out examples are few: a version that is worse by up to ${gate.marginNats} nats may pass. More data would allow a smaller gate.marginNats.`,
    );
  }
  if (score.references === 0) {
    warnings.push(
      "score.references is 0: a relay trains no pieces of its own to compare work with. Scores, spot checks and the gate alone keep bad work out.",
    );
  }
  return { faults, warnings, expected };
}

/** How many rows of a matrix one example is: an image of an MLP, or a transformer's tokens or patches. */
function rowsOf(architecture: Architecture): number {
  if (architecture.kind === "transformer") return sequenceLength(architecture);
  return architecture.kind === "gpt" ? architecture.context : 1;
}

function expectedOf(
  recipe: Recipe,
  { size, uploadBytes, needed }: { size: number; uploadBytes: number; needed: number },
  { shardBytes, shardCount }: { readonly shardBytes: number; readonly shardCount: number },
): Expected {
  const { architecture, data, score, gate, training } = recipe;
  const rows = rowsOf(architecture);
  const forward = size * rows; // multiply-adds of one example; a tied embedding is counted as its output layer
  const piece = 3 * forward * training.steps * training.batch; // and twice as much backward
  const units = exampleShapeOf(architecture).kind === "images" ? 1 : 4; // windows of a held-out unit
  const seen =
    (2 * data.heldOut.score) / 3 +
    (2 * Math.min(gate.maxExamples, data.heldOut.gate)) / recipe.merge.cohortSize;
  const trained = score.references / recipe.merge.cohortSize + score.spotCheckShare;
  const core = DEVICES[2][1];
  return {
    parameters: size,
    downloadBytes: 4 * size + Math.round((shardBytes / shardCount) * data.shardsPerTicket),
    uploadBytes,
    pieceSeconds: DEVICES.map(([device, rate]) => ({ device, seconds: piece / rate })),
    judgingSeconds: (seen * units * forward + trained * piece) / core,
    freshVersions: freshVersions(recipe, needed),
  };
}

/** A gate opens as many packets as hold the examples that it needs. */
function freshVersions(recipe: Recipe, needed: number): number {
  const plan = planPackets(recipe, "gate");
  return plan === null ? 0 : Math.floor(plan.count / Math.max(1, Math.ceil(needed / plan.size)));
}

/** Values, and the positions of a mask of one's own at their entropy. */
function patchBytes(density: number, count: number): number {
  const entropy =
    density >= 1 ? 0 : -Math.log2(density) - ((1 - density) / density) * Math.log2(1 - density);
  return Math.round((count * (CODE_BITS + entropy)) / 8);
}

function megabytes(bytes: number): string {
  return bytes < MIB ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

const roundDown = (value: number) => Number((Math.floor(value * 10_000) / 10_000).toPrecision(3));

/** What an owner reads about a recipe, a line each. */
export function describeChecked({ faults, warnings, expected }: Checked): string[] {
  const { parameters, downloadBytes, uploadBytes, pieceSeconds, judgingSeconds, freshVersions } =
    expected;
  return [
    ...faults.map((fault) => `Would not work: ${fault}`),
    ...warnings.map((warning) => `Beware: ${warning}`),
    `${parameters.toLocaleString("en")} parameters. A volunteer loads ${megabytes(downloadBytes)} first and sends about ${megabytes(uploadBytes)} a piece.`,
    `A piece takes, by its operations: ${pieceSeconds.map(({ device, seconds }) => `${device} ${duration(seconds)}`).join(", ")}.`,
    `The relay judges a contribution in about ${duration(judgingSeconds)} of one core.`,
    lasting(freshVersions),
  ];
}

function lasting(versions: number): string {
  if (versions === 0) {
    return "One set of gate examples serves every version: nobody else can run a gate again, and its error rate holds for one version only.";
  }
  return `The gate suite lasts for about ${versions} versions with fresh examples; then its reserve is used again.`;
}

function duration(seconds: number): string {
  if (seconds < 0.1) return "under 0.1 s";
  return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
}
