/** An owner's way with a trained model: a Hugging Face folder and texts, a relay, volunteers, a new version in the base's tokens, and out again. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTokenizer } from "../core/models/tokenizer.ts";
import { createRandom } from "../core/random.ts";
import { openBase } from "../import/base/base.ts";
import { openModelFolder } from "../import/model-folder.ts";
import { runCommand } from "./fixtures/command.ts";
import { volunteerOnce } from "./fixtures/terminal-volunteer.ts";
import { startTestRelay, type TestRelay } from "./fixtures/test-relay.ts";

const BASE = fileURLToPath(new URL("fixtures/hugging-face/llama-bpe", import.meta.url));
const VOLUNTEERS = 4; // the proposed cohort
const WORDS = ["we", "are", "met", "here", "to", "dedicate", "a", "nation", "new", "liberty"];

let folder: string;
let stage: TestRelay | null = null;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-own-base-"));
});
afterAll(async () => {
  await stage?.remove();
  await rm(folder, { recursive: true });
});

/** Texts in which each word has a favourite to come next: there is something to learn. */
async function writeTexts(): Promise<string> {
  const path = join(folder, "texts");
  await mkdir(path);
  const random = createRandom("texts");
  for (let i = 0; i < 60; i++) {
    let word = random.below(WORDS.length);
    const words = Array.from({ length: 500 }, () => {
      word = random.below(4) > 0 ? (3 * word + 1) % WORDS.length : random.below(WORDS.length);
      return WORDS[word];
    });
    await writeFile(join(path, `${i}.txt`), words.join(" "));
  }
  return path;
}

test("a Llama-shaped base with a BPE tokenizer becomes a community whose first version knows the texts better", async () => {
  const path = join(folder, "speeches");
  const words = ["--data", await writeTexts(), "--base", BASE, "--seconds", "0"];
  const made = await runCommand("new", path, ...words);
  expect(made.errors).toEqual([]);
  expect((await runCommand("check", path)).code).toBe(0);

  stage = await startTestRelay({ source: await openModelFolder(path), seed: "speeches" });
  const before = (await stage.client.model("speeches")).head;
  const ids: string[] = [];
  for (let i = 0; i < VOLUNTEERS; i++) {
    ids.push(await volunteerOnce(stage, "speeches", join(folder, `volunteer-${i}`)));
  }
  const lives = await Promise.all(ids.map((id) => stage!.decided(id)));
  expect(lives.map(({ state }) => state)).toEqual(ids.map(() => "merged"));
  const { head, recipe } = await stage.client.model("speeches");
  expect(head.number).toBe(1);
  expect(head.report.lossNats).toBeLessThan(before.report.lossNats - 0.1);

  const [file] = recipe.data.tokenizer!.files;
  const bytes = await stage.client.blob(file!.sha256); // any reader has the words from the relay
  expect(Buffer.compare(bytes, await readFile(join(BASE, "tokenizer.json")))).toBe(0);
  const tokenizer = await openTokenizer([{ name: file!.name, bytes }], 320);
  expect(tokenizer.decode([...tokenizer.encode("a new nation")])).toBe("a new nation");

  const to = join(folder, "exported");
  const pins = join(folder, "pins.json");
  const left = await runCommand(
    "export",
    `${stage.relay.url}/speeches`,
    "--to",
    to,
    "--pins",
    pins,
  );
  expect(left.errors).toEqual([]);
  const again = await openBase(to); // the way out leads in again
  expect(again.architecture).toMatchObject({ ...recipe.architecture, input: { vocabulary: 320 } });
  expect(Buffer.compare(again.words!.files[0]!.bytes, bytes)).toBe(0);
}, 240_000);
