/** From an owner's files to a model folder: what is held out, what is refused, and that nothing half-written stays. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ModelSource } from "../core/models/model-source.ts";
import { decodeExamples, type Examples } from "../core/training/examples.ts";
import { openBackend } from "../kernels/backend.ts";
import { checkRecipe } from "./check.ts";
import { createModelFolder, type NewModel } from "./import.ts";
import { openModelFolder } from "./model-folder.ts";
import { parseRecipe } from "./recipe-file.ts";

const FIXTURES = fileURLToPath(new URL("../tests/fixtures/import/", import.meta.url));
const WISHES = {
  text: null,
  label: null,
  prompt: null,
  completion: null,
  ignore: [],
  imageSize: null,
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-import-"));
  await openBackend({ prefer: "cpu" });
});
afterAll(() => rm(folder, { recursive: true }));

async function make(name: string, data: string, more: Partial<NewModel> = {}) {
  const signal = new AbortController().signal;
  return createModelFolder(
    {
      folder: join(folder, name),
      data: [data],
      wishes: WISHES,
      base: null,
      size: "tiny",
      id: name,
      title: name,
      summary: "",
      licence: "CC0-1.0",
      welcome: "More of it.",
      dataLicence: "CC0-1.0",
      seed: "1",
      seconds: 0,
      ...more,
    },
    { onProgress: () => {}, now: () => performance.now(), signal },
  );
}

async function file(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

/** All examples of a model, by set. */
async function examplesOf(
  source: ModelSource,
): Promise<Record<"training" | "heldOut", Examples[]>> {
  const { architecture } = source.recipe;
  const training: Examples[] = [];
  for await (const { title, bytes, examples } of source.shards()) {
    training.push(decodeExamples(title, bytes, architecture));
    expect(training.at(-1)!.count).toBe(examples);
  }
  const sets = await source.heldOut();
  const heldOut = [sets.gate, sets.score, sets.report].map((bytes) =>
    decodeExamples("set", bytes, architecture),
  );
  return { training, heldOut };
}

test("a table of Arrow's becomes a model whose recipe says why, and a relay's importer can read all of it", async () => {
  const { recipe } = await make("penguins", join(FIXTURES, "penguins.parquet"), { seconds: 2 });
  expect(recipe.data.classes).toEqual(["Adelie", "Chinstrap", "Gentoo"]);
  expect(recipe).toMatchObject({ welcome: "More of it." });
  expect(recipe).not.toHaveProperty("limits");
  expect(recipe.data.inputs).toMatchObject({
    kind: "table",
    columns: [
      { kind: "choice", choices: ["Biscoe", "Dream", "Torgersen"] },
      { name: "beak_length" },
      {},
      {},
      {},
    ],
  });
  const source = await openModelFolder(join(folder, "penguins"));
  expect(source.recipe).toEqual(recipe);
  const text = await readFile(join(folder, "penguins", "recipe.jsonc"), "utf8");
  expect(text).toMatch(
    /\/\/ the best of 0\.003, 0\.01, 0\.03 after \d rehearsed versions of 4 pieces\n *"learningRate"/,
  );
  const { training, heldOut } = await examplesOf(source);
  const all = [...training, ...heldOut].reduce((sum, { count }) => sum + count, 0);
  expect(all).toBe(333);
  expect(checkRecipe(recipe, { shardCount: source.shardCount, shardBytes: 1e4 }).faults).toEqual(
    [],
  );
}, 60_000);

function textsOf(examples: Examples): string[] {
  if (examples.kind !== "text") throw new Error(examples.kind);
  const { count, length, tokens } = examples;
  return Array.from({ length: count }, (_, i) =>
    new TextDecoder().decode(tokens.subarray(i * length, (i + 1) * length)),
  );
}

test("no example is on both sides of a split, and copies of held-out ones are counted", async () => {
  const rows = Array.from(
    { length: 400 },
    (_, i) => `${i % 200},${(i % 200) % 7},${i % 2 ? "odd" : "even"}`,
  );
  const { sets } = await make(
    "copies",
    await file("copies.csv", `a,b,label\n${rows.join("\n")}\n`),
  );
  const { training, heldOut } = await examplesOf(await openModelFolder(join(folder, "copies")));
  const keys = (examples: Examples[]) =>
    examples.flatMap((each) => {
      if (each.kind !== "images") throw new Error(each.kind);
      const width = each.pixels.length / each.count;
      return Array.from({ length: each.count }, (_, i) =>
        each.pixels.subarray(i * width, (i + 1) * width).join(),
      );
    });
  const held = new Set(keys(heldOut));
  expect(held.size).toBe(keys(heldOut).length); // none twice
  expect(keys(training).filter((key) => held.has(key))).toEqual([]);
  expect(sets.removed).toBeGreaterThan(0);
  expect(held.size + keys(training).length + sets.removed).toBe(400);
});

test("the same files and seed make the same bytes, another seed holds out others", async () => {
  const path = join(FIXTURES, "penguins.parquet");
  await make("same-1", path);
  await make("same-2", path);
  await make("other", path, { seed: "2" });
  const read = (name: string) => readFile(join(folder, name, "held-out", "gate.safetensors"));
  expect(await read("same-1")).toEqual(await read("same-2"));
  expect(await read("other")).not.toEqual(await read("same-1"));
});

test("texts are held out by document, in units of four windows", async () => {
  const lines = Array.from({ length: 300 }, (_, i) =>
    JSON.stringify({ text: `Letter ${i}. ${`word${i} `.repeat(200)}` }),
  );
  const { recipe, sets } = await make("letters", await file("letters.jsonl", lines.join("\n")));
  expect(recipe.architecture).toMatchObject({ kind: "gpt", vocabulary: 256, context: 128 });
  expect(sets.shardCount).toBeGreaterThan(4);
  const { training, heldOut } = await examplesOf(await openModelFolder(join(folder, "letters")));
  const wordsOf = (examples: Examples[]) =>
    new Set(examples.flatMap(textsOf).flatMap((text) => text.match(/word\d+ /g) ?? []));
  const trained = wordsOf(training);
  for (const word of wordsOf(heldOut)) expect(trained.has(word)).toBe(false);
  expect(heldOut.map(({ count }) => count)).toEqual([
    recipe.data.heldOut.gate,
    recipe.data.heldOut.score,
    recipe.data.heldOut.report,
  ]);
});

test.each([
  [
    "few.csv",
    `a,label\n${"1,x\n2,y\n".repeat(20)}`,
    {},
    /^2 different examples, and a model needs at least 60\.$/,
  ],
  [
    "one.csv",
    `a,label\n${Array.from({ length: 99 }, (_, i) => `${i},x`).join("\n")}`,
    {},
    /^One class \("x"\), and a classifier tells 2 to 256 apart\.$/,
  ],
  [
    "many.csv",
    `a,label\n${Array.from({ length: 999 }, (_, i) => `1,${i}`).join("\n")}`,
    {},
    /^More than 256 different classes/,
  ],
  [
    "names.csv",
    `a,label\n${Array.from({ length: 99 }, (_, i) => `n${i},${i % 2}`).join("\n")}`,
    {},
    /^names\.csv, line 2, column "a": "n0" is not a number, and the column has more than 32/,
  ],
  [
    "rare.csv",
    `a,label\n0,rare\n${Array.from({ length: 99 }, (_, i) => `${i + 1},x${i % 2}`).join("\n")}`,
    { seed: "rare 4" },
    /^(The class "rare" has no example left|nothing)/,
  ],
  ["short.txt", "hello", {}, /kB of text, and a model of text needs at least \d+ kB\.$/],
] as const)(
  "%s is refused in one sentence, and nothing stays behind",
  async (name, content, more, sentence) => {
    const path = await file(name, content);
    const before = (await readdir(folder)).length;
    const model = `bad-${name.replace(/\W.*/, "")}`;
    const said = await make(model, path, more).then(
      () => "nothing",
      (error: Error) => error.message,
    );
    expect(said).toMatch(sentence);
    if (said !== "nothing") expect(await readdir(folder)).toHaveLength(before);
  },
);

test("a folder that is there is not written over", async () => {
  const path = join(FIXTURES, "penguins.parquet");
  await expect(make("same-1", path)).rejects.toThrow(
    /same-1: there already; give the new model another folder/,
  );
});

test.each([
  [
    "learningRate",
    /"learningRate": [\d.]+/,
    '"learningRate": -1',
    /^r\.jsonc, line \d+: training\.learningRate is -1: it must be above 0\.$/,
  ],
  ["steps", /"steps": 50/, '"steps": "many"', /training\.steps is "many": it must be a number/],
  [
    "kind",
    /"kind": "own"/,
    '"kind": "mine"',
    /mask\.kind is "mine": it must be "random", "shared", "own"/,
  ],
  [
    "margin",
    /"clipNats": [\d.]+/,
    '"clipNats": 0.001',
    /gate\.clipNats is 0\.001: 0\.001 is not above the margin/,
  ],
  [
    "comma",
    /"training": \{/,
    '"training" {',
    /^r\.jsonc, line \d+: not JSON here \(ColonExpected\)\.$/,
  ],
  [
    "extra",
    /"steps": 50,/,
    '"steps": 50, "stepz": 1,',
    /training is .*: there is no field "stepz"/,
  ],
] as const)(
  "a recipe with a wrong %s is refused with line, field, value and what is allowed",
  async (_name, from, to, sentence) => {
    const text = await readFile(join(folder, "penguins", "recipe.jsonc"), "utf8");
    expect(text).toMatch(from);
    expect(() => parseRecipe("r.jsonc", text.replace(from, to))).toThrow(sentence);
  },
);

test("a recipe that could never work is said to be one", async () => {
  const { recipe } = await openModelFolder(join(folder, "penguins"));
  const sizes = { shardCount: 4, shardBytes: 1e4 };
  const gate = { ...recipe.gate, marginNats: 0.001 };
  const data = { ...recipe.data, shardsPerTicket: 9 };
  const { faults } = checkRecipe({ ...recipe, gate, data }, sizes);
  expect(faults).toEqual([
    expect.stringMatching(
      /^The gate can never decide: .* allow a margin of 0\.\d+ or hold out more\.$/,
    ),
    "data.shardsPerTicket is 9, and the model has 4 shards.",
  ]);
});

test("a recipe without references is told what then keeps bad work out", async () => {
  const { recipe } = await openModelFolder(join(folder, "penguins"));
  const sizes = { shardCount: 4, shardBytes: 1e4 };
  const warned = (references: number) =>
    checkRecipe({ ...recipe, score: { ...recipe.score, references } }, sizes).warnings.some(
      (text) => text.startsWith("score.references is 0"),
    );
  expect([warned(0), warned(4)]).toEqual([true, false]);
});
