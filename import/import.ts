import { access, statfs } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { sha256 } from "../core/crypto/signature.ts";
import { layoutOf } from "../core/models/registry.ts";
import type { Recipe, TokenizerRecord } from "../core/protocol/schemas/recipe.ts";
import type { Layout } from "../core/tensors/layout.ts";
import { decodeExamples, type Examples } from "../core/training/examples.ts";
import { openBase, type TrainedBase } from "./base/base.ts";
import type { HeadChange } from "./base/class-head.ts";
import { checkRecipe } from "./check.ts";
import { type DataWishes, openData } from "./data-source.ts";
import type { ExampleSets } from "./example-sets.ts";
import { draftFolder, type ModelFolderDraft } from "./model-folder.ts";
import { type Prepared, prepare } from "./prepare.ts";
import { InputProblem } from "./problem.ts";
import { draftReasons, draftRecipe, type ModelSize, type OwnersWords } from "./propose/draft.ts";
import { type Measured, measureRecipe, REHEARSED_COHORT } from "./propose/measure.ts";
import { printRecipe } from "./recipe-file.ts";

/** What an owner wants of a new model. */
export type NewModel = OwnersWords & {
  /** Where its folder is to be. */
  readonly folder: string;
  /** Files and folders of one kind. */
  readonly data: readonly string[];
  readonly wishes: DataWishes;
  /** A Hugging Face folder or a safetensors file that it begins with; null for a seeded start of `size`. */
  readonly base: string | null;
  readonly size: ModelSize;
  readonly id: string;
  readonly title: string;
  readonly summary: string;
  readonly licence: string;
  readonly dataLicence: string;
  /** Decides what is held out and where the base begins. */
  readonly seed: string;
  /** How long measuring may take, about; 0 measures nothing. */
  readonly seconds: number;
};

/** What the making is given beside the wishes. */
export type Workshop = {
  readonly onProgress: ReadingProgress;
  /** A clock in ms. */
  readonly now: () => number;
  readonly signal: AbortSignal;
};

/** What was made, for its owner to read. */
export type MadeModel = {
  readonly recipe: Recipe;
  readonly parameters: number;
  readonly sets: Pick<ExampleSets, "trainingExamples" | "removed" | "shardCount">;
  /** Null where nothing was measured. */
  readonly measured: Pick<Measured, "pieces" | "pieceSeconds"> | null;
  /** What became of a base's output layer; null where there are no classes or no base. */
  readonly head: HeadChange["kind"] | null;
};

/** Hears what is being done, and how far it is: of `total` where that is known. */
export type ReadingProgress = (what: string, done: number, total: number | null) => void;

const SUITES = ["score", "gate", "report"] as const;
const REHEARSED_SHARDS = 64; // enough to draw pieces from; at most 64 MB
const ROOM = 1.1; // of the disk: headers, and what a file's last block leaves empty

/**
 * Make a model folder from an owner's files: read them, hold some out, rehearse, propose a recipe. Runs on the backend that
 * is open. Throws an InputProblem, and then nothing stays behind.
 */
export async function createModelFolder(wanted: NewModel, workshop: Workshop): Promise<MadeModel> {
  const folder = resolve(wanted.folder);
  await refuseTaken(folder);
  const base = wanted.base === null ? null : await openBase(wanted.base);
  const wishes = { ...wanted.wishes, imageSize: imageSizeOf(base) ?? wanted.wishes.imageSize };
  const source = await openData(wanted.data, wishes);
  await refuseSmallDisk(dirname(folder), source.sizeBytes);
  const prepared = await prepare(wanted, source, base, workshop);
  const layout = layoutOf(prepared.architecture);
  const parameters = await prepared.parameters(layout); // what is wrong with a base is said before anything is written
  await refuseSmallDisk(dirname(folder), prepared.diskBytes + parameters.byteLength);
  const draft = await draftFolder(folder);
  try {
    const sets = await prepared.split(join(draft.path, "spool"));
    return await writeModel({ wanted, prepared, layout, parameters, sets, draft }, workshop);
  } catch (error) {
    await draft.discard();
    throw error;
  }
}

/** What images must be for a base that looks at images. */
function imageSizeOf(base: TrainedBase | null): DataWishes["imageSize"] {
  if (base?.architecture.kind !== "transformer") return null;
  const { input } = base.architecture;
  if (input.kind !== "image") return null;
  const { width, height, planes } = input;
  if (planes === 1 || planes === 3) return { width, height, channels: planes };
  throw new InputProblem(
    `The base ${base.name} takes ${planes} colour planes, and images have 1 or 3.`,
  );
}

async function writeModel(
  { wanted, prepared, layout, parameters, sets, draft }: Making,
  { onProgress, now, signal }: Workshop,
): Promise<MadeModel> {
  const { architecture, words, head } = prepared;
  const source = sourceOf(wanted.data);
  for (const suite of SUITES) await draft.putHeldOut(suite, sets.encode(sets.heldOut[suite]));
  const rehearsed: Examples[] = [];
  let written = 0;
  for (const shard of sets.shards()) {
    signal.throwIfAborted();
    await draft.putShard(shard);
    if (rehearsed.length < REHEARSED_SHARDS) {
      rehearsed.push(decodeExamples(shard.title, shard.bytes, architecture));
    }
    onProgress("Writing shards", ++written, sets.shardCount);
  }
  await draft.putBase(layout, parameters);
  sets.remove();
  const tokenizer = await keepTokenizer(prepared, draft);
  const about = {
    ...wanted,
    base: prepared.base,
    architecture,
    words,
    source,
    ...(tokenizer && { tokenizer }),
  };
  const recipe = draftRecipe(about, layout.size, sets);
  const { heldOut } = sets;
  const stage = { parameters, shards: rehearsed, heldOut, seed: wanted.seed, now, signal };
  const { seconds } = wanted;
  const isTrained = wanted.base !== null;
  const measured = isMeasurable(recipe, sets, seconds)
    ? await measureRecipe(recipe, stage, { seconds, isTrained, onProgress })
    : null;
  const proposed = measured?.recipe ?? recipe;
  const reasons = { ...draftReasons(recipe), ...measured?.reasons };
  await draft.finish(printRecipe(proposed, reasons), { source, removed: sets.removed });
  return { recipe: proposed, parameters: layout.size, sets, measured, head: head?.kind ?? null };
}

/** Whether a first cohort is done long before the time is twice over; a model of GPT-2's size takes an hour for it. */
function isMeasurable(recipe: Recipe, { shardCount }: ExampleSets, seconds: number): boolean {
  const { pieceSeconds } = checkRecipe(recipe, { shardCount, shardBytes: 0 }).expected;
  return seconds > 0 && REHEARSED_COHORT * pieceSeconds.at(-1)!.seconds < 2 * seconds;
}

/** Write the tokenizer's files and say in the recipe which they are. */
async function keepTokenizer(
  { tokenizer }: Prepared,
  draft: ModelFolderDraft,
): Promise<TokenizerRecord | null> {
  if (tokenizer === null) return null;
  const files: TokenizerRecord["files"] = [];
  for (const file of tokenizer.files) {
    await draft.putTokenizer(file);
    const { name, bytes } = file;
    files.push({ name, sha256: await sha256(bytes), sizeBytes: bytes.length });
  }
  const { begin, end } = tokenizer;
  return { files, ...(begin !== undefined && { begin }), ...(end !== undefined && { end }) };
}

type Making = {
  readonly wanted: NewModel;
  readonly prepared: Prepared;
  readonly layout: Layout;
  readonly parameters: Float32Array<ArrayBuffer>;
  readonly sets: ExampleSets;
  readonly draft: ModelFolderDraft;
};

async function refuseTaken(folder: string): Promise<void> {
  const isThere = await access(folder).then(
    () => true,
    () => false, // missing is what is hoped for
  );
  if (isThere)
    throw new InputProblem(
      `${folder}: there already; give the new model another folder, or remove that one.`,
    );
}

async function refuseSmallDisk(parent: string, neededBytes: number): Promise<void> {
  const disk = await statfs(parent).catch(() => null);
  if (disk === null)
    throw new InputProblem(`${parent}: there is no such folder to make the model in.`);
  const free = disk.bavail * disk.bsize;
  if (free < ROOM * neededBytes) {
    throw new InputProblem(
      `${parent}: ${megabytes(free)} free, and the model needs about ${megabytes(ROOM * neededBytes)}.`,
    );
  }
}

const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;

function sourceOf(paths: readonly string[]): string {
  return paths
    .map((path) => basename(path))
    .join(", ")
    .slice(0, 600);
}
