import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { openTokenizer, type TokenizerFile } from "./tokenizer.ts";

const FIXTURES = new URL("../../tests/fixtures/hugging-face/", import.meta.url);
const FILES = {
  gpt2: "llama-bpe/tokenizer.json",
  qwen: "tokenizer-qwen.json",
  llama: "tokenizer-llama.json",
};
const VOCABULARY = 400;

async function fileOf(path: string): Promise<TokenizerFile> {
  return {
    name: "tokenizer.json",
    bytes: Uint8Array.from(await readFile(new URL(path, FIXTURES))),
  };
}

function written(value: unknown): TokenizerFile {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return { name: "tokenizer.json", bytes: new TextEncoder().encode(text) };
}

test.each(["gpt2", "qwen", "llama"] as const)(
  "T11: %s's kind of tokenizer.json makes the tokens that plain byte pair encoding makes, and they make the text again",
  async (kind) => {
    const tokenizer = await openTokenizer([await fileOf(FILES[kind])], VOCABULARY);
    const expected = JSON.parse(await readFile(new URL("tokens.json", FIXTURES), "utf8"));
    for (const { text, tokens } of expected[kind]) {
      expect([...tokenizer.encode(text)], text).toEqual(tokens);
      expect(tokenizer.decode(tokens)).toBe(text.replace("<|end|>", kind === "llama" ? " " : ""));
    }
    expect(tokenizer.decode([])).toBe("");
  },
);

test("T11: without a tokenizer each byte is a token, and half a character is shown as one that is not known", async () => {
  const tokenizer = await openTokenizer([], 128);
  expect([...tokenizer.encode("aé")]).toEqual([97, 0xc3, 0xa9]);
  expect(tokenizer.decode([97, 0xc3])).toBe("a\ufffd");
});

test("T11: a tokenizer is refused by name: no JSON, no tokenizer, a token that the embedding has no row for", async () => {
  const { size } = await openTokenizer([await fileOf(FILES.gpt2)], VOCABULARY);
  for (const [file, sentence] of [
    [written("{"), /^tokenizer\.json: not JSON in UTF-8$/],
    [written("[1]"), /^tokenizer\.json: no tokenizer that can be read/],
    [written("7"), /^tokenizer\.json: no JSON object$/],
    [written({ model: { type: "Magic" } }), /^tokenizer\.json: no tokenizer that can be read/],
    [await fileOf(FILES.gpt2), /^tokenizer\.json: token 319, and the embedding has 319 rows$/],
  ] as const) {
    await expect(openTokenizer([file], size - 1)).rejects.toThrow(sentence);
  }
});
