import { basename, resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { modelId } from "../../core/protocol/schemas/primitives.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import { checkRecipe, describeChecked } from "../../import/check.ts";
import type { MadeModel, NewModel } from "../../import/import.ts";
import { openModelFolder } from "../../import/model-folder.ts";
import { type ModelSize, SIZES } from "../../import/propose/draft.ts";
import { openBackend } from "../../kernels/backend.ts";
import { nodeThreads } from "../../relay-server/threads/kernel-threads.ts";
import { askLine } from "../ask-line.ts";
import { parseModel } from "../options.ts";
import type { Terminal } from "../terminal.ts";
import { shardBytesOf } from "./check.ts";

type Options = {
  readonly data?: readonly string[];
  readonly base?: string;
  readonly size: ModelSize;
  readonly id?: string;
  readonly title?: string;
  readonly summary?: string;
  readonly licence: string;
  readonly welcome?: string;
  readonly intendedUse?: string;
  readonly limits?: string;
  readonly dataLicence: string;
  readonly text?: string;
  readonly label?: string;
  readonly prompt?: string;
  readonly completion?: string;
  readonly ignore: readonly string[];
  readonly imageSize?: NewModel["wishes"]["imageSize"];
  readonly seed: string;
  readonly seconds: number;
};

/** `commonweight new`: a model folder from an owner's files. */
export function newCommand(terminal: Terminal): Command {
  return new Command("new")
    .description("Make a model from a folder of files: texts, tables, images.")
    .argument("<folder>", "where the model's own folder is to be")
    .option(
      "--data <path...>",
      "files or folders: .txt, .md, .jsonl, .csv, .parquet, IDX, images in a folder a class",
    )
    .addOption(
      new Option(
        "--base <path>",
        "begin with a trained model: a Hugging Face folder (GPT-2, Llama, Qwen, ViT) or a .safetensors file",
      ).conflicts("size"),
    )
    .addOption(new Option("--size <size>", "of the seeded start").choices(SIZES).default("small"))
    .option(
      "--id <name>",
      "its name in addresses, such as garden-birds; the folder's by default",
      parseModel,
    )
    .option("--title <text>", "what visitors read above it")
    .option("--summary <text>", "what it does, in a sentence or two")
    .option("--licence <name>", "of the model, as SPDX names it", "CC0-1.0")
    .option("--welcome <text>", "which contributions are welcome, for contributors to read")
    .option("--intended-use <text>", "what the model is meant for")
    .option("--limits <text>", "what it cannot do, or is not to be used for")
    .option("--data-licence <name>", "of the data", "unknown")
    .option("--text <column>", "the column of a table that holds the text")
    .option("--label <column>", "the column that holds the class")
    .option("--prompt <column>", "the column that holds the prompt")
    .option("--completion <column>", "the column that holds what follows the prompt")
    .option("--ignore <column...>", "columns that say nothing of the class", [])
    .option(
      "--image-size <WxH[xC]>",
      "such as 28x28x1; by default what all have, or 32x32",
      parseImageSize,
    )
    .option("--seed <text>", "decides what is held out and where the start is", "1")
    .option(
      "--seconds <N>",
      "how long measuring may take, about; 0 measures nothing",
      parseSeconds,
      120,
    )
    .action((folder: string, options: Options) => make(folder, options, terminal));
}

async function make(folder: string, options: Options, terminal: Terminal): Promise<void> {
  const asked = options.data === undefined ? await ask(terminal) : { data: options.data };
  const id = options.id ?? idOf(folder);
  const { size, licence, dataLicence, seed, seconds, ignore } = options;
  const title = options.title ?? titleOf(id);
  const { createModelFolder } = await import("../../import/import.ts"); // with image and Parquet readers: nobody else waits for them
  await openBackend({ prefer: "cpu", threads: nodeThreads() });
  const made = await createModelFolder(
    {
      folder,
      data: asked.data,
      base: options.base ?? null,
      size,
      id,
      title,
      summary: options.summary ?? `${title}: a model that its community trains.`,
      licence,
      intendedUse: options.intendedUse,
      limits: options.limits,
      welcome: options.welcome,
      dataLicence,
      seed,
      seconds,
      wishes: {
        text: options.text ?? null,
        label: options.label ?? null,
        prompt: options.prompt ?? null,
        completion: options.completion ?? null,
        ignore,
        imageSize: options.imageSize ?? null,
      },
    },
    {
      now: () => performance.now(),
      signal: terminal.signal,
      onProgress: (what, done, total) =>
        terminal.progress(total === null ? `${what}: ${done}` : `${what}: ${done} of ${total}`),
    },
  );
  for (const line of describeMade(made, seconds)) terminal.print(line);
  const source = await openModelFolder(folder);
  const sizes = { shardCount: source.shardCount, shardBytes: await shardBytesOf(folder) };
  for (const line of describeChecked(checkRecipe(made.recipe, sizes))) terminal.print(line);
  terminal.print(`Next: commonweight serve ${folder}`);
}

/** Without flags a person at a terminal is asked; off one the flag is named. */
async function ask(terminal: Terminal): Promise<{ data: string[] }> {
  const question = "Which file or folder is the model to learn from? ";
  const path = process.stdin.isTTY ? await askLine(question, terminal.signal) : null;
  if (path !== null) return { data: [path.trim()] };
  throw new Error(
    "--data is missing: it names the files or folders that the model is to learn from.",
  );
}

const HEADS = {
  kept: "The base knows these classes: its output layer is kept.",
  reordered: "The base knows these classes: its output layer is put in their order.",
  new: "The base knows other classes: its output layer begins anew.",
} as const;

function describeMade({ recipe, sets, measured, head }: MadeModel, seconds: number): string[] {
  const { heldOut, classes } = recipe.data;
  const held = heldOut.gate + heldOut.score + heldOut.report;
  const copies = sets.removed > 0 ? `; ${sets.removed} copies left out` : "";
  return [
    `${recipe.title}: ${sets.trainingExamples} examples to train on in ${sets.shardCount} shards, ${held} held out${copies}.`,
    ...(classes === undefined ? [] : [`Classes: ${namesOf(classes)}.`]),
    ...(head === null ? [] : [HEADS[head]]),
    measured === null
      ? `Nothing was measured${seconds > 0 ? `, for a piece takes too long for ${seconds} s` : ""}: the recipe is a guess.`
      : `Measured on ${measured.pieces} pieces of ${measured.pieceSeconds.toFixed(1)} s: a learning rate of ${recipe.training.learningRate}, a margin of ${recipe.gate.marginNats} nats.`,
  ];
}

function namesOf(classes: NonNullable<Recipe["data"]["classes"]>): string {
  const most = 12;
  const more = classes.length > most ? ` and ${classes.length - most} more` : "";
  return classes.slice(0, most).join(", ") + more;
}

function idOf(folder: string): string {
  const id = basename(resolve(folder))
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-");
  if (modelId.safeParse(id).success) return id;
  throw new Error(
    `The folder's name "${basename(folder)}" makes no model's name: give one with --id, such as garden-birds.`,
  );
}

function titleOf(id: string): string {
  const words = id.replaceAll("-", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function parseImageSize(text: string) {
  const found = /^(\d{1,3})x(\d{1,3})(?:x([13]))?$/.exec(text);
  const [width, height] = [Number(found?.[1]), Number(found?.[2])];
  if (found === null || width < 1 || height < 1) {
    throw new InvalidArgumentError(
      "It is a size such as 28x28, or 28x28x1 for grey and 32x32x3 for colour.",
    );
  }
  return { width, height, channels: found[3] === "1" ? (1 as const) : (3 as const) };
}

function parseSeconds(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError("It is a whole number of seconds.");
  return Number(text);
}
