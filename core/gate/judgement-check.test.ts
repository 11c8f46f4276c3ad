import { expect, test } from "vitest";
import type { Judgement } from "../training/judgement.ts";
import { isSameJudgement } from "./judgement-check.ts";

const values = Float32Array.from({ length: 200 }, (_, i) => Math.sin(i));
const nothing = new Float32Array(200);
const trained = (delta: Float32Array, information = values): Judgement => ({
  kind: "train",
  deltas: [values, delta],
  information,
});

test("J5: a judge's deltas and information are the relay's own within what devices differ by", () => {
  const nearly = values.map((value, i) => value + 1e-4 * Math.cos(i));
  expect(isSameJudgement(trained(nearly), trained(values))).toBe(true);
  expect(isSameJudgement(trained(values, nearly), trained(values))).toBe(true);
});

test.each([
  ["another delta", values.map((_, i) => Math.cos(i))],
  ["half of the work", values.map((value) => value / 2)],
  ["nothing", nothing],
])("J5: a judge that sends %s in place of one piece's delta did another job", (_, delta) => {
  expect(isSameJudgement(trained(delta), trained(values))).toBe(false);
  expect(isSameJudgement(trained(values, delta), trained(values))).toBe(false);
});

test("J5: two machines that come to nothing agree, though nothing has no direction", () => {
  expect(isSameJudgement(trained(nothing, nothing), trained(nothing, nothing))).toBe(true);
});
