import { mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import * as z from "zod/mini";
import type { ModelSource, SourceShard, Upstream } from "../core/models/model-source.ts";
import type { TokenizerFile } from "../core/models/tokenizer.ts";
import { parseJson } from "../core/protocol/canonical-json.ts";
import { count, longText, positive, shortText } from "../core/protocol/schemas/primitives.ts";
import type { Layout } from "../core/tensors/layout.ts";
import { encodeSafetensorsHead } from "../core/tensors/safetensors.ts";
import { InputProblem, rethrowAsProblem } from "./problem.ts";
import { parseRecipe } from "./recipe-file.ts";
import { isFork, readUpstream, writeUpstream } from "./upstream-file.ts";

/**
 * A model before a relay has it:
 *
 *     recipe.jsonc                 for the owner to read and change
 *     base.safetensors             version 0
 *     tokenizer.json               of a text whose tokens are more than bytes, perhaps with tokenizer_config.json
 *     data.json                    the shards' titles, and where they are from
 *     shards/00000.safetensors …   everybody may read them
 *     upstream.json                of a fork: what it began as; the suites that come along lie in suites/
 *     held-out/gate.safetensors …  nobody else may
 */
export const RECIPE_FILE = "recipe.jsonc";

const folderIndex = z.strictObject({
  format: z.literal("commonweight.model-folder/1"),
  source: longText,
  /** Copies that were left out, because they would have told what is held out. */
  removed: count,
  shards: z.array(z.strictObject({ title: shortText, examples: positive })),
});
export type FolderIndex = z.infer<typeof folderIndex>;

export type ModelFolderDraft = {
  /** Where its files lie until it is whole. */
  readonly path: string;
  putShard(shard: SourceShard): Promise<void>;
  putHeldOut(set: string, bytes: Uint8Array): Promise<void>;
  /** Version 0, the parameters [N] of `layout`. */
  putBase(layout: Layout, parameters: Float32Array): Promise<void>;
  putTokenizer(file: TokenizerFile): Promise<void>;
  putUpstream(upstream: Upstream): Promise<void>;
  /** Write recipe and index and give the folder its name; a folder that is there by now is left as it is. */
  finish(recipe: string, about: Pick<FolderIndex, "source" | "removed">): Promise<void>;
  /** Delete what there is of it. */
  discard(): Promise<void>;
};

/** Begin a model folder beside `path`, so that nothing half-written ever has its name. */
export async function draftFolder(path: string): Promise<ModelFolderDraft> {
  const draft = `${path}.unfinished-${process.pid}`;
  await mkdir(join(draft, "shards"), { recursive: true });
  await mkdir(join(draft, "held-out"), { mode: 0o700 });
  const shards: { title: string; examples: number }[] = [];
  return {
    path: draft,
    async putShard({ title, examples, bytes }) {
      await writeFile(shardPath(draft, shards.length), bytes);
      shards.push({ title, examples });
    },
    putHeldOut: (set, bytes) => writeFile(heldOutPath(draft, set), bytes, { mode: 0o600 }),
    putBase: (layout, parameters) => writeBase(join(draft, "base.safetensors"), layout, parameters),
    putTokenizer: ({ name, bytes }) => writeFile(join(draft, name), bytes),
    putUpstream: (upstream) => writeUpstream(draft, upstream),
    async finish(recipe, about) {
      const index: FolderIndex = { format: "commonweight.model-folder/1", ...about, shards };
      await writeFile(join(draft, RECIPE_FILE), recipe);
      await writeFile(join(draft, "data.json"), `${JSON.stringify(index, null, 2)}\n`);
      await rename(draft, path);
    },
    discard: () => rm(draft, { recursive: true, force: true }),
  };
}

const BLOCK_BYTES = 4 << 20; // written at once

async function writeBase(path: string, layout: Layout, parameters: Float32Array): Promise<void> {
  const bytes = new Uint8Array(parameters.buffer, parameters.byteOffset, parameters.byteLength); // every machine with Node is little-endian
  const tensors = layout.tensors.map(({ name, shape, offset, size }) => {
    return {
      name,
      dtype: "F32",
      shape,
      bytes: bytes.subarray(4 * offset, 4 * (offset + size)),
    } as const;
  });
  const file = await open(path, "wx");
  try {
    await file.writeFile(encodeSafetensorsHead({ tensors, metadata: { format: "pt" } }));
    for (let from = 0; from < bytes.length; from += BLOCK_BYTES) {
      await file.writeFile(bytes.subarray(from, from + BLOCK_BYTES));
    }
  } finally {
    await file.close();
  }
}

/** A model folder as what a relay imports. Throws an InputProblem that names the file. */
export async function openModelFolder(path: string): Promise<ModelSource> {
  const name = basename(path);
  const recipeFile = join(name, RECIPE_FILE);
  const text = await readFile(join(path, RECIPE_FILE), "utf8").catch(() => {
    throw new InputProblem(
      `${path}: no model folder, for it has no ${RECIPE_FILE}; make one with "commonweight new".`,
    );
  });
  const recipe = parseRecipe(recipeFile, text);
  const indexBytes = await readBytes(path, "data.json");
  let index: FolderIndex;
  try {
    index = parseJson(join(name, "data.json"), folderIndex, indexBytes);
  } catch (error) {
    rethrowAsProblem(error);
  }
  const heldOut = (set: string) => readBytes(path, join("held-out", `${set}.safetensors`));
  return {
    recipe,
    base: () => readBytes(path, "base.safetensors"),
    tokenizer: () =>
      Promise.all(
        (recipe.data.tokenizer?.files ?? []).map(async ({ name }) => ({
          name,
          bytes: await readBytes(path, name),
        })),
      ),
    ...(isFork(path) && { upstream: () => readUpstream(path) }),
    shardCount: index.shards.length,
    async *shards() {
      for (const [i, { title, examples }] of index.shards.entries()) {
        yield { title, examples, bytes: await readBytes(path, join("shards", shardName(i))) };
      }
    },
    heldOut: async () => ({
      score: await heldOut("score"),
      gate: await heldOut("gate"),
      report: await heldOut("report"),
      ...(recipe.data.heldOut.protected !== undefined && { protected: await heldOut("protected") }),
    }),
  };
}

async function readBytes(folder: string, file: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readFile(join(folder, file)).catch(() => {
    throw new InputProblem(
      `${join(basename(folder), file)}: it cannot be read, and the model folder needs it.`,
    );
  });
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const shardName = (place: number) => `${String(place).padStart(5, "0")}.safetensors`;
const shardPath = (folder: string, place: number) => join(folder, "shards", shardName(place));
const heldOutPath = (folder: string, set: string) => join(folder, "held-out", `${set}.safetensors`);
