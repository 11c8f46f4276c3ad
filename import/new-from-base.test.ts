/** A model folder that begins with a trained model: whose tokens its texts become, and what of its output layer stays. */
import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { layoutOf, modelOf } from "../core/models/registry.ts";
import { openTokenizer } from "../core/models/tokenizer.ts";
import type { Architecture } from "../core/protocol/schemas/recipe.ts";
import { createRandom } from "../core/random.ts";
import { decodeCheckpointFile } from "../core/tensors/checkpoint-file.ts";
import { decodeExamples } from "../core/training/examples.ts";
import { openBackend } from "../kernels/backend.ts";
import { openBase } from "./base/base.ts";
import { createModelFolder, type NewModel } from "./import.ts";
import { openModelFolder } from "./model-folder.ts";

const BASES = fileURLToPath(new URL("../tests/fixtures/hugging-face/", import.meta.url));
const PENGUINS = fileURLToPath(
  new URL("../tests/fixtures/import/penguins.parquet", import.meta.url),
);
const READING = { onProgress: () => {}, signal: new AbortController().signal };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-from-base-"));
  await openBackend({ prefer: "cpu" });
});
afterAll(() => rm(folder, { recursive: true }));

function make(id: string, data: string, base: string | null, more: Partial<NewModel> = {}) {
  const wishes = {
    text: null,
    label: null,
    prompt: null,
    completion: null,
    ignore: [],
    imageSize: null,
  };
  const wanted: NewModel = {
    folder: join(folder, id),
    data: [data],
    wishes,
    base,
    size: "tiny",
    id,
    title: id,
    summary: "",
    licence: "CC0-1.0",
    dataLicence: "CC0-1.0",
    seed: "1",
    seconds: 0,
    ...more,
  };
  return createModelFolder(wanted, { ...READING, now: () => 0 });
}

async function parametersOf(id: string): Promise<Float32Array> {
  const source = await openModelFolder(join(folder, id));
  return decodeCheckpointFile("base", await source.base(), layoutOf(source.recipe.architecture));
}

async function baseParameters(path: string): Promise<Float32Array> {
  const base = await openBase(path);
  return base.read(layoutOf(base.architecture), [], READING);
}

const WORDS = ["nation", "we", "are", "met", "here", "liberty", "café", "42", "a\n", "field."];

/** Texts of a few hundred words each, as a folder of files. */
async function writeTexts(name: string, count: number): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  const random = createRandom(name);
  for (let i = 0; i < count; i++) {
    const words = Array.from({ length: 600 }, () => WORDS[random.below(WORDS.length)]);
    await writeFile(join(path, `${i}.txt`), `Text ${i}: ${words.join(" ")}`);
  }
  return path;
}

test("texts become the base's tokens, its end stands between two of them, and every part of a text can be read again", async () => {
  const data = await writeTexts("texts", 90);
  const { recipe } = await make("letters", data, join(BASES, "llama-bpe"));
  expect(recipe.architecture).toMatchObject({
    layout: "llama",
    input: { vocabulary: 320, window: 64 },
  });
  expect(recipe.data.tokenizer).toMatchObject({
    files: [{ name: "tokenizer.json" }],
    begin: 319,
    end: 319,
  });
  expect(await parametersOf("letters")).toEqual(await baseParameters(join(BASES, "llama-bpe")));

  const source = await openModelFolder(join(folder, "letters"));
  const tokenizer = await openTokenizer(await source.tokenizer!(), 320);
  const texts: string[] = [];
  for (let i = 0; i < 90; i++) texts.push(await readFile(join(data, `${i}.txt`), "utf8"));
  let ends = 0;
  for await (const { title, bytes, examples } of source.shards()) {
    const shard = decodeExamples(title, bytes, recipe.architecture);
    if (shard.kind !== "text") throw new Error(shard.kind);
    expect([shard.count, shard.length, shard.tokens.BYTES_PER_ELEMENT]).toEqual([examples, 65, 2]);
    for (let i = 0; i < shard.count; i++) {
      const tokens = [...shard.tokens.subarray(i * 65, (i + 1) * 65)];
      const parts = tokens
        .join(" ")
        .split(/ ?\b319\b ?/)
        .map((part) => part.split(" ").filter(Boolean).map(Number));
      ends += parts.length - 1;
      for (const part of parts) {
        const text = tokenizer.decode(part).replaceAll("\ufffd", "");
        expect(
          texts.some((each) => each.includes(text)),
          text,
        ).toBe(true);
      }
    }
  }
  expect(ends).toBeGreaterThan(10);
});

/** A folder of PNGs, twenty a class, of different sizes. */
async function writeImages(name: string, classes: readonly string[]): Promise<string> {
  const path = join(folder, name);
  const random = createRandom(name);
  for (const [place, each] of classes.entries()) {
    await mkdir(join(path, each), { recursive: true });
    for (let i = 0; i < 20; i++) {
      const background = { r: 40 * place, g: random.below(256), b: random.below(256) };
      const create = { width: 8 + random.below(9), height: 12, channels: 3, background } as const;
      await sharp({ create })
        .png()
        .toFile(join(path, each, `${i}.png`));
    }
  }
  return path;
}

/** The output layer's rows in `parameters`, by class. */
function headRows(
  architecture: Architecture,
  parameters: Float32Array,
  classes: readonly string[],
) {
  const { tensors } = layoutOf(architecture);
  const { outputs } = modelOf(architecture);
  const rows = classes.map((name, place) => {
    const values = outputs.flatMap((output) => {
      const { offset, size } = tensors.find((tensor) => tensor.name === output)!;
      const row = size / classes.length;
      return [...parameters.subarray(offset + place * row, offset + (place + 1) * row)];
    });
    return [name, values] as const;
  });
  return new Map(rows);
}

test("images get the base's size, and an output layer that knows the classes is put in their order", async () => {
  const data = await writeImages("shore", ["rock", "sand", "sea", "sky", "wood"]);
  const { recipe, head } = await make("shore-model", data, join(BASES, "vit"));
  expect(head).toBe("reordered");
  expect(recipe.data).toMatchObject({
    inputs: { kind: "image", width: 6, height: 6, channels: 3 },
    classes: ["rock", "sand", "sea", "sky", "wood"],
  });
  const base = await openBase(join(BASES, "vit"));
  const before = headRows(
    base.architecture,
    await baseParameters(join(BASES, "vit")),
    base.classes!,
  );
  const after = headRows(
    recipe.architecture,
    await parametersOf("shore-model"),
    recipe.data.classes!,
  );
  for (const [name, values] of after) expect(values, name).toEqual(before.get(name));
});

test("other classes begin with a new output layer, and all else of the base stays", async () => {
  const data = await writeImages("birds", ["crow", "gull", "wren"]);
  const { recipe, head } = await make("bird-model", data, join(BASES, "vit"));
  expect(head).toBe("new");
  const base = await openBase(join(BASES, "vit"));
  const old = await baseParameters(join(BASES, "vit"));
  const parameters = await parametersOf("bird-model");
  const { tensors } = layoutOf(recipe.architecture);
  for (const { name, offset, size } of layoutOf(base.architecture).tensors) {
    if (name.startsWith("classifier")) continue;
    const place = tensors.find((tensor) => tensor.name === name)!;
    expect(parameters.slice(place.offset, place.offset + size)).toEqual(
      old.slice(offset, offset + size),
    );
  }
  const weight = tensors.find(({ name }) => name === "classifier.weight")!;
  const values = parameters.subarray(weight.offset, weight.offset + weight.size);
  expect(values.some((value) => value !== 0)).toBe(true);
  expect(Math.max(...values.map(Math.abs))).toBeLessThan(0.2); // N(0, 0.02²)
});

test("a classifier's own file is a base, for its shapes say which", async () => {
  await make("penguins", PENGUINS, null);
  const { recipe, head } = await make(
    "more-penguins",
    PENGUINS,
    join(folder, "penguins", "base.safetensors"),
    { seed: "2" },
  );
  expect(head).toBe("kept");
  expect(recipe.architecture).toMatchObject({ kind: "mlp", hidden: [32], outputs: 3 });
  expect(await parametersOf("more-penguins")).toEqual(await parametersOf("penguins"));
});

test("what does not go with the base, and what the disk has no room for, is one sentence, and nothing stays behind", async () => {
  const huge = join(folder, "huge.txt");
  const file = await open(huge, "w");
  await file.truncate(2 ** 42); // 4 TiB of which nothing is on the disk
  await file.close();
  const texts = await writeTexts("few", 1);
  const before = await readdir(folder);
  for (const [data, base, sentence] of [
    [PENGUINS, "llama-bpe", /^The base llama-bpe continues texts, and the files give classes\.$/],
    [PENGUINS, "vit", /^The base vit takes images of 6×6×3, and an example is no image\.$/],
    [texts, "vit", /^The base vit learns classes, and the files hold texts without any\.$/],
    [
      texts,
      "llama-bpe",
      /^2,000 tokens of text, and a model of text needs at least 31,000 tokens\.$/,
    ],
    [huge, null, /: \d+ MB free, and the model needs about \d+ MB\.$/],
    [huge, "llama-bpe", /: \d+ MB free, and the model needs about \d+ MB\.$/],
  ] as const) {
    const made = make("wrong", data, base === null ? null : join(BASES, base));
    await expect(made).rejects.toMatchObject({
      name: "InputProblem",
      message: expect.stringMatching(sentence),
    });
    expect(await readdir(folder)).toEqual(before);
  }
});
