import { stat } from "node:fs/promises";
import { basename, dirname, extname, resolve } from "node:path";
import * as z from "zod/mini";
import { modelOf } from "../../core/models/registry.ts";
import {
  openTokenizer,
  type TextTokenizer,
  type TokenizerFile,
} from "../../core/models/tokenizer.ts";
import { MAX_TOKENIZER_BYTES } from "../../core/protocol/limits.ts";
import { type Architecture, TOKENIZER_FILES } from "../../core/protocol/schemas/recipe.ts";
import type { TransformerArchitecture } from "../../core/protocol/schemas/transformer.ts";
import { createLayout, type Layout } from "../../core/tensors/layout.ts";
import { InputProblem, rethrowAsProblem } from "../problem.ts";
import { type BaseConfig, readConfig } from "./config.ts";
import { mlpOf } from "./mlp-shapes.ts";
import { matchTensors, readBaseParameters } from "./read-parameters.ts";
import { readIfThere, readJsonIfThere } from "./small-file.ts";
import { findTensors, type StoredTensors, tensorsOf } from "./stored-tensors.ts";

/** A trained model that an owner begins with: a Hugging Face folder or a safetensors file, looked at and not yet loaded. */
export type TrainedBase = {
  /** For people: the folder's or file's name. */
  readonly name: string;
  /** As the hub calls it, where that can be told; else the same as `name`. */
  readonly hubName: string;
  readonly architecture: Architecture;
  /** Of a classifier, in the order of its outputs; null where it names none. */
  readonly classes: readonly string[] | null;
  /** Of a model of text. */
  readonly words: BaseWords | null;
  /** Parameters [N] of `layout`, whose tensors named in `without` are left 0; a layout of the base's own shapes but for those. */
  read(
    layout: Layout,
    without: readonly string[],
    options: ReadOptions,
  ): Promise<Float32Array<ArrayBuffer>>;
};

export type BaseWords = {
  readonly files: readonly TokenizerFile[];
  readonly tokenizer: TextTokenizer;
  readonly begin: number | undefined;
  readonly end: number | undefined;
};

type ReadOptions = Parameters<typeof readBaseParameters>[2];

const UNUSED_ROWS = 1024; // embeddings are padded for GPUs: Qwen 2.5's largest by 399 rows

/** Open the base at `path`: its headers, config and tokenizer are read and checked, its weights wait. Throws an InputProblem. */
export async function openBase(path: string): Promise<TrainedBase> {
  const found = await stat(path).catch(() => null); // missing is the expected case
  if (found === null) throw new InputProblem(`${path}: there is no such file or folder.`);
  if (!found.isDirectory() && extname(path) !== ".safetensors") {
    throw new InputProblem(`${path}: a base is a folder with config.json or a .safetensors file.`);
  }
  const folder = resolve(found.isDirectory() ? path : dirname(path));
  const stored = found.isDirectory() ? await findTensors(folder) : await tensorsOf(path);
  const name = basename(resolve(path));
  const mlp = mlpOf(name, stored);
  if (mlp !== null) {
    const classes = found.isDirectory() ? await mlpClasses(folder, mlp.outputs) : null;
    return baseOf(name, stored, mlp, { hubName: name, classes, words: null });
  }
  const config = await readJsonIfThere(folder, "config.json");
  if (config === null) {
    throw new InputProblem(`${folder}: no config.json, which says how the weights make a model.`);
  }
  const read = readConfig(config, await readJsonIfThere(folder, "preprocessor_config.json"));
  const { classes, architecture } = read;
  const words = await wordsOf(folder, read);
  const hubName = hubNameOf(folder, config.value) ?? name;
  const base = baseOf(name, stored, architecture, { hubName, classes, words });
  matchTensors(layoutOfBase(architecture), stored, headNames(architecture)); // before the data is read
  return base;
}

/**
 * The hub's name of the model in `folder`: from the folder, where the hub's own download made it, or what config.json
 * remembers; null where neither tells.
 */
export function hubNameOf(folder: string, config: unknown): string | null {
  const [, owner, model] = /models--([\w.-]+?)--([\w.-]+)(?:[\\/]|$)/.exec(folder) ?? [];
  if (owner !== undefined && model !== undefined) return `${owner}/${model}`;
  const read = z.looseObject({ _name_or_path: z.string() }).safeParse(config);
  const name = read.success ? read.data._name_or_path : "";
  return /^[\w-][\w.-]*\/[\w.-]+$/.test(name) ? name.slice(0, 120) : null;
}

/** The classes that an exported multilayer perceptron's folder names in the order of its outputs; null where it names none. */
async function mlpClasses(folder: string, outputs: number): Promise<readonly string[] | null> {
  const config = await readJsonIfThere(folder, "config.json");
  const read = z.looseObject({ classes: z.array(z.string()) }).safeParse(config?.value);
  return read.success && read.data.classes.length === outputs ? read.data.classes : null;
}

function baseOf(
  name: string,
  stored: StoredTensors,
  architecture: Architecture,
  more: Pick<TrainedBase, "hubName" | "classes" | "words">,
): TrainedBase {
  return {
    name,
    architecture,
    ...more,
    read(layout, without, options) {
      const wanted = layout.tensors.filter((tensor) => !without.includes(tensor.name));
      const matched = matchTensors({ ...layout, tensors: wanted }, stored, []);
      return readBaseParameters(layout, matched, options);
    },
  };
}

const layoutOfBase = (architecture: Architecture) => createLayout(modelOf(architecture).shapes);

/** A classifier may come without its head: the part that tells its old classes apart. */
function headNames(architecture: TransformerArchitecture): readonly string[] {
  return architecture.head.kind === "classes" ? modelOf(architecture).outputs : [];
}

/** The tokenizer of a model of text. Throws an InputProblem unless it has a token for each row of the embedding but a few. */
async function wordsOf(folder: string, config: BaseConfig): Promise<BaseWords | null> {
  const { architecture, begin, end } = config;
  const { input } = architecture;
  if (input.kind !== "tokens") return null;
  const files: TokenizerFile[] = [];
  for (const name of TOKENIZER_FILES) {
    const bytes = await readIfThere(folder, name, MAX_TOKENIZER_BYTES);
    if (bytes !== null) files.push({ name, bytes });
  }
  if (!files.some(({ name }) => name === "tokenizer.json")) {
    throw new InputProblem(`${folder}: no tokenizer.json is there, and a model of text needs it.`);
  }
  const tokenizer = await openTokenizer(files, input.vocabulary).catch(rethrowAsProblem);
  const unused = input.vocabulary - tokenizer.size;
  if (unused > Math.min(UNUSED_ROWS, input.vocabulary / 4)) {
    throw new InputProblem(
      `${basename(folder)}/tokenizer.json: ${tokenizer.size} tokens, and the embedding has ${input.vocabulary} rows: they do not belong together.`,
    );
  }
  for (const [field, token] of Object.entries({ bos_token_id: begin, eos_token_id: end })) {
    if (token === undefined || token < input.vocabulary) continue;
    throw new InputProblem(
      `${basename(folder)}/config.json: ${field} is ${token}, and the embedding has ${input.vocabulary} rows.`,
    );
  }
  return { files, tokenizer, begin, end };
}
