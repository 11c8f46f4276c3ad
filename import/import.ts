import { access, statfs } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { initialParameters } from "../core/models/initial-parameters.ts";
import { layoutOf } from "../core/models/registry.ts";
import type { Architecture, Recipe } from "../core/protocol/schemas/recipe.ts";
import { createRandom } from "../core/random.ts";
import { encodeCheckpointFile } from "../core/tensors/checkpoint-file.ts";
import { decodeExamples, type Examples } from "../core/training/examples.ts";
import { planClasses } from "./class-plan.ts";
import { splitClasses } from "./class-sets.ts";
import { type DataSource, type DataWishes, openData } from "./data-source.ts";
import type { ExampleSets } from "./example-sets.ts";
import { draftFolder, type ModelFolderDraft } from "./model-folder.ts";
import { InputProblem } from "./problem.ts";
import {
  classifierOf,
  draftReasons,
  draftRecipe,
  type ModelSize,
  textModelOf,
} from "./propose/draft.ts";
import { type Measured, measureRecipe } from "./propose/measure.ts";
import { printRecipe } from "./recipe-file.ts";
import { splitTexts } from "./text-sets.ts";

/** What an owner wants of a new model. */
export type NewModel = {
  /** Where its folder is to be. */
  readonly folder: string;
  /** Files and folders of one kind. */
  readonly data: readonly string[];
  readonly wishes: DataWishes;
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
};

/** Hears what is being done, and how far it is: of `total` where that is known. */
export type ReadingProgress = (what: string, done: number, total: number | null) => void;

const SUITES = ["score", "gate", "report"] as const;
const REHEARSED_SHARDS = 64; // enough to draw pieces from; at most 64 MB
const TOLD_EVERY = 1000; // rows
const ROOM = 1.2; // of the disk: what is written beside the data

/**
 * Make a model folder from an owner's files: read them, hold some out, rehearse, propose a recipe. Runs on the backend that
 * is open. Throws an InputProblem, and then nothing stays behind.
 */
export async function createModelFolder(wanted: NewModel, workshop: Workshop): Promise<MadeModel> {
  const folder = resolve(wanted.folder);
  await refuseTaken(folder);
  const source = await openData(wanted.data, wanted.wishes);
  await refuseSmallDisk(dirname(folder), source);
  const prepared = await prepare(wanted, source, workshop);
  const draft = await draftFolder(folder);
  try {
    const sets = await prepared.split(join(draft.path, "spool"));
    return await writeModel({ wanted, prepared, sets, draft }, workshop);
  } catch (error) {
    await draft.discard();
    throw error;
  }
}

async function writeModel(
  { wanted, prepared, sets, draft }: Making,
  { onProgress, now, signal }: Workshop,
): Promise<MadeModel> {
  const { architecture, words } = prepared;
  const layout = layoutOf(architecture);
  const parameters = initialParameters(architecture, layout, createRandom(`${wanted.seed} base`));
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
  await draft.putBase(encodeCheckpointFile(layout, parameters, { format: "pt" }));
  sets.remove();
  const about = { ...wanted, architecture, words, source };
  const recipe = draftRecipe(about, layout.size, sets);
  const { heldOut } = sets;
  const stage = { parameters, shards: rehearsed, heldOut, seed: wanted.seed, now, signal };
  const measured =
    wanted.seconds === 0
      ? null
      : await measureRecipe(recipe, stage, { seconds: wanted.seconds, onProgress });
  const proposed = measured?.recipe ?? recipe;
  const reasons = { ...draftReasons(recipe), ...measured?.reasons };
  await draft.finish(printRecipe(proposed, reasons), { source, removed: sets.removed });
  return { recipe: proposed, parameters: layout.size, sets, measured };
}

type Making = {
  readonly wanted: NewModel;
  readonly prepared: Prepared;
  readonly sets: ExampleSets;
  readonly draft: ModelFolderDraft;
};

type Prepared = {
  readonly architecture: Architecture;
  readonly words: Pick<Recipe["data"], "inputs" | "classes">;
  split(spoolPath: string): Promise<ExampleSets>;
};

/** Read the data once, so that what is wrong with it is said before anything is written. */
async function prepare(
  { size, seed }: NewModel,
  source: DataSource,
  { onProgress, signal }: Workshop,
): Promise<Prepared> {
  const told = (what: string, total: number | null) => (done: number) => {
    if (done % TOLD_EVERY !== 0) return;
    signal.throwIfAborted();
    onProgress(what, done, total);
  };
  if (source.kind === "documents") {
    const architecture = textModelOf(size);
    const { context } = architecture;
    return {
      architecture,
      words: {},
      split: (spoolPath) => {
        const place = { spoolPath, seed, context };
        return splitTexts(source.documents(), place, told("Reading texts", null));
      },
    };
  }
  const plan = await planClasses(source, told("Looking at rows", null));
  const { inputs, classes, width, count } = plan;
  return {
    architecture: classifierOf(size, width, classes.length),
    words: { inputs, classes: [...classes] },
    split: (spoolPath) => splitClasses(plan, { spoolPath, seed }, told("Reading examples", count)),
  };
}

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

async function refuseSmallDisk(parent: string, { sizeBytes }: DataSource): Promise<void> {
  const disk = await statfs(parent).catch(() => null);
  if (disk === null)
    throw new InputProblem(`${parent}: there is no such folder to make the model in.`);
  const free = disk.bavail * disk.bsize;
  if (free < ROOM * sizeBytes) {
    throw new InputProblem(
      `${parent}: ${megabytes(free)} free, and ${megabytes(sizeBytes)} of data need at least ${megabytes(ROOM * sizeBytes)}.`,
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
