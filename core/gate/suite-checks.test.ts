import { expect, test } from "vitest";
import { toyRecipe } from "../../tests/fixtures/toy-judge.ts";
import { createRandom } from "../random.ts";
import type { Examples } from "../training/examples.ts";
import type { ImageExamples } from "../training/image-examples.ts";
import { cutText, joinTextExamples, type TextExamples } from "../training/text-examples.ts";
import { createLeakFinder, type LeakFinder } from "./suite-leaks.ts";
import { flakyUnits, twinOf } from "./suite-noise.ts";
import { validateSuite } from "./suite-rules.ts";

const WINDOW = 256;
const encode = (text: string) => new TextEncoder().encode(text);
const cut = (text: string): TextExamples => cutText(encode(text), WINDOW);

/** Words that nobody wrote before. */
function prose(seed: string, words: number): string {
  const random = createRandom(seed);
  const word = () =>
    Array.from({ length: 2 + random.below(7) }, () => String.fromCharCode(97 + random.below(26)));
  return Array.from({ length: words }, () => word().join("")).join(" ");
}

function images(seed: string, count: number): ImageExamples {
  const random = createRandom(seed);
  const pixels = Uint8Array.from({ length: 16 * count }, () => random.below(256));
  return { kind: "images", count, pixels, labels: new Uint8Array(count) };
}

function finderOf(set: Examples, isBytes: boolean): LeakFinder {
  const finder = createLeakFinder(set.kind, isBytes);
  finder.add(set);
  return finder;
}

test("U3: an image that volunteers train on is found, whatever its class", () => {
  const suite = images("suite", 20);
  const shard = images("shard", 50);
  shard.pixels.set(suite.pixels.subarray(3 * 16, 5 * 16), 7 * 16);
  shard.labels.fill(1);
  const finder = finderOf(suite, false);
  finder.look(images("another", 50));
  expect(finder.leaked()).toEqual([]);
  finder.look(shard);
  finder.look(shard);
  expect(finder.leaked()).toHaveLength(2);
});

test("U3: fifty thousand equal stretches against a shard of nothing else cost no more than others", () => {
  const [length, count] = [65, 50_000];
  const same = new Uint8Array(length * count).fill(7);
  const suite: TextExamples = { kind: "text", count, length, tokens: same };
  const finder = finderOf(suite, false);
  finder.look({ ...suite, tokens: same.slice().fill(8) });
  expect(finder.leaked()).toEqual([]);
  finder.look(suite);
  expect(finder.leaked()).toHaveLength(count);
});

test("U3: a text that volunteers train on is found at any place, but for case and white space", () => {
  const shared = prose("shared", 400);
  const shard = cut(`${prose("before", 333)}\n${shared}\n${prose("after", 50)}`);
  const suite = cut(`${shared.toUpperCase().replaceAll(" ", "\n  ")} ${prose("own", 500)}`);
  const finder = finderOf(suite, true);
  finder.look(cut(prose("another", 3000)));
  expect(finder.leaked()).toEqual([]);
  finder.look(shard);
  expect(finder.leaked().length).toBeGreaterThan(5);
  expect(finder.leaked().length).toBeLessThan(suite.count);
});

test("U3: tokens that are more than bytes are compared as they are", () => {
  const tokens = Uint16Array.from({ length: 2000 }, (_, i) => (i * 7919) % 50_000);
  const finder = finderOf(cutText(tokens.subarray(500, 900), WINDOW), false);
  finder.look(cutText(tokens, WINDOW));
  expect(finder.leaked()).toHaveLength(2);
});

test.each([60_000, 200])(
  "U3: tokens below %i are found in whatever width a shard has them",
  (most) => {
    const tokens = Array.from({ length: 2000 }, (_, i) => (i * 7919) % most);
    for (const wide of [Uint16Array.from(tokens), Uint32Array.from(tokens)]) {
      const finder = finderOf(cutText(Uint16Array.from(tokens.slice(500, 1100)), WINDOW), false);
      finder.look(cutText(wide, WINDOW));
      expect(finder.leaked()).toHaveLength(3);
    }
  },
);

test("R10: rows that are added in parts are found as if they had come at once, and only in rows of one length", () => {
  const text = prose("parts", 2000);
  const [first, second] = [cut(text.slice(0, 5000)), cut(text.slice(5000))];
  const parts = finderOf(first, true);
  parts.add(second);
  parts.look(cut(text.slice(4000, 7000)));
  const whole = finderOf(joinTextExamples([first, second]), true);
  whole.look(cut(text.slice(4000, 7000)));
  expect(parts.leaked()).toEqual(whole.leaked());
  expect(parts.leaked().length).toBeGreaterThan(5);
  expect(() => parts.add(cutText(encode(text), 128))).toThrow("examples of 257 and of 129 tokens");
});

test("U4: a unit that equally good models disagree about by more than the margin is flaky", () => {
  const head = Float32Array.of(1, 1, 1, 1, Number.NaN);
  const twins = [
    Float32Array.of(1.05, 1, 0.8, 1, 1),
    Float32Array.of(0.95, 1.2, 1, Number.POSITIVE_INFINITY, 1),
  ];
  expect(flakyUnits(head, twins, 0.1)).toEqual([1, 2, 3, 4]);
});

test("U4: a twin is another model, no further off than bfloat16 would be", () => {
  const parameters = Float32Array.from({ length: 1000 }, (_, i) => (i - 500) / 100);
  const twin = twinOf(parameters, "twin");
  expect(twinOf(parameters, "twin")).toEqual(twin);
  expect(twin).not.toEqual(parameters);
  twin.forEach((value, i) => {
    expect(Math.abs(value - parameters[i]!)).toBeLessThanOrEqual(Math.abs(parameters[i]!) / 255);
  });
});

test("U2: a suite of more than four of the model's gate sets is too dear to look at", () => {
  const most = 4 * toyRecipe.data.heldOut.gate;
  const wish = { marginNats: 0.1, licence: "CC0-1.0" };
  expect(validateSuite(wish, most, toyRecipe).ok).toBe(true);
  expect(validateSuite(wish, most + 1, toyRecipe)).toMatchObject({
    code: "suite-unfit",
    message: `${most + 1} examples are more than ${most}, four times the model's own gate set`,
  });
});

test.each([
  [0.1, 55, "CC0-1.0", null],
  [
    0.1,
    10,
    "CC0-1.0",
    "10 examples are too few for a margin of 0.1 nats: it takes 37, or a margin of 0.41",
  ],
  [0.1, 3, "CC0-1.0", "3 examples are too few for a margin of 0.1 nats: it takes 37"],
  [1, 400, "CC0-1.0", "a margin of 1 nats is not below 1, the most that one example counts"],
  [0.1, 55, "Unlicensed ", "its licence is"],
])("U2: a margin of %f nats on %i examples under %s: %s", (marginNats, count, licence, problem) => {
  const verdict = validateSuite({ marginNats, licence }, count, toyRecipe);
  if (problem === null) expect(verdict.ok).toBe(true);
  else
    expect(verdict).toMatchObject({
      code: "suite-unfit",
      message: expect.stringContaining(problem),
    });
});
