/** Owners' ways from files to a community and out again, each of another kind: a table, images on a ViT, texts on a GPT-2. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { layoutOf } from "../core/models/registry.ts";
import type { Recipe } from "../core/protocol/schemas/recipe.ts";
import { createRandom } from "../core/random.ts";
import { decodeCheckpointFile } from "../core/tensors/checkpoint-file.ts";
import { openBase } from "../import/base/base.ts";
import { openModelFolder } from "../import/model-folder.ts";
import { runCommand } from "./fixtures/command.ts";
import { volunteerOnce } from "./fixtures/terminal-volunteer.ts";
import { startTestRelay, type TestRelay } from "./fixtures/test-relay.ts";

const BASES = fileURLToPath(new URL("fixtures/hugging-face/", import.meta.url));
const VOLUNTEERS = 4; // the proposed cohort
const READING = { onProgress: () => {}, signal: new AbortController().signal };

let folder: string;
let stage: TestRelay | null = null;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-own-walks-"));
});
afterEach(async () => {
  await stage?.remove();
  stage = null;
});
afterAll(() => rm(folder, { recursive: true }));

/**
 * A model of that name from files, a relay, four volunteers, a new version, and the version as a Hugging Face folder: where
 * that is, and how much less version 1 loses than version 0, in nats.
 */
async function walk(id: string, ...words: readonly string[]) {
  const path = join(folder, id);
  const made = await runCommand("new", path, ...words, "--seconds", "0");
  expect(made.errors).toEqual([]);
  expect((await runCommand("check", path)).code).toBe(0);
  stage = await startTestRelay({ source: await openModelFolder(path), seed: id });
  const before = (await stage.client.model(id)).head;
  const ids: string[] = [];
  for (let i = 0; i < VOLUNTEERS; i++) {
    ids.push(await volunteerOnce(stage, id, join(folder, `${id}-volunteer-${i}`)));
  }
  const lives = await Promise.all(ids.map((one) => stage!.decided(one)));
  expect(lives.map(({ state }) => state)).toEqual(ids.map(() => "merged"));
  const { head, recipe } = await stage.client.model(id);
  expect(head.number).toBe(1);
  const to = join(folder, `${id}-exported`);
  const pins = join(folder, `${id}-pins.json`);
  const left = await runCommand("export", `${stage.relay.url}/${id}`, "--to", to, "--pins", pins);
  expect(left.errors).toEqual([]);
  return { to, recipe, gain: before.report.lossNats - head.report.lossNats };
}

/** What leads out leads in again: as a base the folder has exactly the head's parameters, and the classes' names. */
async function expectReadsBack(id: string, exported: string, { architecture, data }: Recipe) {
  const layout = layoutOf(architecture);
  const base = await openBase(exported);
  const served = await stage!.ask(`/api/v1/models/${id}/versions/head/export.safetensors`);
  const head = decodeCheckpointFile("head", new Uint8Array(await served.arrayBuffer()), layout);
  expect(await base.read(layout, [], READING)).toEqual(head);
  expect(base.classes).toEqual(data.classes ?? null);
}

test("a CSV classifier", async () => {
  const file = join(folder, "table.csv");
  const random = createRandom("iris");
  const rows = Array.from({ length: 400 }, (_, i) => {
    const noise = () => (random.below(100) - 50) / 100;
    const kind = i % 2;
    return `${(kind + noise()).toFixed(2)},${(1 - kind + noise()).toFixed(2)},${noise()},${["round", "long"][kind]}`;
  });
  await writeFile(file, `width,length,noise,label\n${rows.join("\n")}\n`);
  const { to, recipe, gain } = await walk("iris", "--data", file);
  expect(recipe.data.classes).toEqual(["long", "round"]);
  expect(gain).toBeGreaterThan(0.1);
  await expectReadsBack("iris", to, recipe);
}, 240_000);

test("a ViT on images in one folder a class", async () => {
  const data = join(folder, "pictures");
  const random = createRandom("colours");
  const kinds = ["red", "green", "blue"];
  for (const [place, kind] of kinds.entries()) {
    await mkdir(join(data, kind), { recursive: true });
    for (let i = 0; i < 80; i++) {
      const pixels = Uint8Array.from({ length: 12 * 12 * 3 }, (_, at) => {
        return random.below(120) + (at % 3 === place ? 135 : 0);
      });
      const image = sharp(pixels, { raw: { width: 12, height: 12, channels: 3 } });
      await image.png().toFile(join(data, kind, `${i}.png`));
    }
  }
  const base = join(BASES, "vit");
  const { to, recipe, gain } = await walk("colours", "--data", data, "--base", base);
  expect(recipe.data.classes).toEqual(["blue", "green", "red"]);
  expect(gain).toBeGreaterThan(0.05);
  await expectReadsBack("colours", to, recipe);
}, 240_000);

test("texts on a GPT-2 with a tokenizer of its own", async () => {
  const data = join(folder, "texts");
  await mkdir(data);
  const random = createRandom("rhymes");
  const words = ["the", "man", "and", "his", "son", "walk", "to", "a", "red", "house"];
  for (let i = 0; i < 40; i++) {
    let at = random.below(words.length);
    const text = Array.from({ length: 400 }, () => {
      at = random.below(4) > 0 ? (3 * at + 1) % words.length : random.below(words.length);
      return words[at]!.replaceAll(/[^etaoinshrdlucmfw]/g, "e"); // the tokenizer knows these letters alone
    });
    await writeFile(join(data, `${i}.txt`), text.join(" "));
  }
  const { to, recipe, gain } = await walk("rhymes", "--data", data, "--base", join(BASES, "gpt-2"));
  expect(recipe.architecture).toMatchObject({ kind: "transformer", input: { vocabulary: 19 } });
  expect(gain).toBeGreaterThan(0.05);
  await expectReadsBack("rhymes", to, recipe);
}, 240_000);
