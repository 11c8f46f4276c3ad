import { expect, test } from "vitest";
import { MAX_SHARD_BYTES } from "../../core/protocol/limits.ts";
import { decodeTextExamples, type TextExamples } from "../../core/training/text-examples.ts";
import { gptArchitecture, mobyDickHeldOut, mobyDickTraining, presidents } from "./data.ts";

const decoder = new TextDecoder();

const { vocabulary, context: window } = gptArchitecture();
const TEXT = { vocabulary, window };

function rows({ tokens, length, count }: TextExamples): string[] {
  return Array.from({ length: count }, (_, i) =>
    decoder.decode(tokens.subarray(i * length, (i + 1) * length)),
  );
}

test("every speech and chapter that is not held out is a shard with a title, small enough to send", async () => {
  const titles: string[] = [];
  let replayed = 0;
  for await (const { title, examples, bytes, isReplay } of presidents.shards()) {
    titles.push(title);
    expect(title).toMatch(isReplay ? /^Moby Dick \d+\. \S/ : /^(1[789]|20)\d\d [A-Z][^\d]+$/);
    if (isReplay) replayed++;
    expect(bytes.length).toBeLessThanOrEqual(MAX_SHARD_BYTES);
    expect(decodeTextExamples(title, bytes, TEXT)).toMatchObject({
      count: examples,
      length: 129,
    });
  }
  expect(titles).toHaveLength(presidents.shardCount);
  expect(new Set(titles).size).toBe(titles.length);
  expect(replayed).toBe(122);
});

test("the held-out sets have the recipe's sizes, and none of their text is in a shard", async () => {
  const sets = await presidents.heldOut();
  let shards = "";
  for await (const { bytes } of presidents.shards()) shards += decoder.decode(bytes);
  const seen = new Set<string>();
  for (const [name, file] of Object.entries(sets)) {
    const set = decodeTextExamples(name, file, TEXT);
    expect(set.count).toBe(presidents.recipe.data.heldOut[name as keyof typeof sets]);
    expect(set.length).toBe(4 * 128 + 1);
    for (const row of rows(set)) {
      expect(seen.has(row)).toBe(false);
      seen.add(row);
      expect(shards.includes(row.slice(200, 300))).toBe(false);
    }
  }
});

test("Moby Dick's held-out chapters are not in what the base is trained on", async () => {
  const training = await mobyDickTraining();
  const heldOut = await mobyDickHeldOut();
  expect(training.tokens.length).toBeGreaterThan(1_000_000);
  expect(heldOut.count).toBe(92);
  const text = decoder.decode(training.tokens);
  for (const row of rows(heldOut)) expect(text.includes(row.slice(200, 260))).toBe(false);
});
