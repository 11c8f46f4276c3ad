import { expect, test } from "vitest";
import { rateBeyond, type TriedRate } from "./learning-rates.ts";

/** Rates with what they came to, in thousandths of a nat. */
const tried = (losses: Readonly<Record<string, number>>): TriedRate[] =>
  Object.entries(losses).map(([rate, lossNats]) => ({ rate: Number(rate), lossNats, rounds: 6 }));

test("a rate beyond the best is tried as long as the best is the largest or the smallest", () => {
  expect(rateBeyond(tried({ 0.0001: 9, 0.0003: 8, 0.001: 7 }))).toBe(0.003);
  expect(rateBeyond(tried({ 0.0003: 8, 0.001: 7, 0.003: 6 }))).toBe(0.01);
  expect(rateBeyond(tried({ 0.0003: 8, 0.001: 7, 0.003: 6, 0.01: 8 }))).toBeNull();
  expect(rateBeyond(tried({ 0.0001: 1, 0.0003: 2, 0.001: 3 }))).toBe(0.00003);
  expect(rateBeyond(tried({ 0.0003: 1, 0.001: 2 }))).toBe(0.0001);
});

test("no rate is tried that lasts nowhere, or that changes nothing in a piece", () => {
  expect(rateBeyond(tried({ 0.01: 2, 0.03: 1 }))).toBeNull();
  expect(rateBeyond(tried({ 0.00001: 1, 0.00003: 2 }))).toBeNull();
  expect(rateBeyond(tried({ 0.01: 1, 0.03: Number.POSITIVE_INFINITY }))).toBe(0.003);
});
