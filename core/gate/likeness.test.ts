import { expect, test } from "vitest";
import { createRandom } from "../random.ts";
import { likenessOf, validateLikeness } from "./likeness.ts";
import { createReference } from "./reference.ts";

const K = 1000;

function noise(seed: string): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: K }, () => (random.below(2001) - 1000) / 1000);
}

function cosineOf(a: Float32Array, b: Float32Array): number {
  const product = (x: Float32Array, y: Float32Array) =>
    x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return product(a, b) / Math.sqrt(product(a, a) * product(b, b));
}

const toOthers = (cosine: number) => ({ others: cosine, own: -1 });

const direction = noise("direction");

test.each([0, 0.3, 1, 5])(
  "G20: where training moves everybody by %d times its noise, others' work is no copy, and copies are found",
  (share) => {
    const piece = (seed: string) => {
      const own = noise(seed);
      return direction.map((value, i) => share * value + own[i]!);
    };
    const reference = createReference(["1", "2", "3", "4"].map(piece));
    const honest = piece("honest");
    for (let i = 0; i < 15; i++) {
      expect(validateLikeness(toOthers(cosineOf(honest, piece(`other ${i}`))), reference).ok).toBe(
        true,
      );
    }
    const copy = honest.map((value, i) => value + 0.1 * noise("copy")[i]!);
    const verdict = validateLikeness(toOthers(cosineOf(honest, copy)), reference);
    expect(verdict).toMatchObject({ ok: false, code: "copied" });
  },
);

test("G20: without a reference, or with one of one piece, a cosine above 0.95 is a copy", () => {
  for (const reference of [null, createReference([direction])]) {
    expect(validateLikeness(toOthers(0.95), reference).ok).toBe(true);
    expect(validateLikeness(toOthers(0.951), reference)).toMatchObject({ code: "copied" });
  }
});

test("G20: one's own earlier work may be as alike as one's data is, but not the same again", () => {
  const reference = createReference(["1", "2"].map(noise));
  const earlier = [
    { contributor: "me", cosine: 0.9 },
    { contributor: "you", cosine: 0.3 },
    { contributor: "me", cosine: 0.2 },
  ];
  const likeness = likenessOf("me", earlier);
  expect(likeness).toEqual({ others: 0.3, own: 0.9 });
  expect(validateLikeness(likeness, reference).ok).toBe(true);
  expect(validateLikeness({ ...likeness, own: 0.96 }, reference)).toMatchObject({ code: "copied" });
  expect(validateLikeness(likenessOf("you", earlier), reference)).toMatchObject({ code: "copied" });
  expect(likenessOf("me", [])).toEqual({ others: -1, own: -1 });
});
