import { expect, test } from "vitest";
import { expectClose } from "../../tests/reference/finite-differences.ts";
import { rotaryAngles } from "./rotary.ts";

const SIZES = { time: 50, headChannels: 8 };
/** Radians a token of each of the four pairs, from the angles after one token. */
function frequenciesOf(angles: Float32Array): number[] {
  return [0, 1, 2, 3].map((pair) => Math.atan2(angles[8 + 4 + pair]!, angles[8 + pair]!));
}

test("unscaled angles turn pair i by base^(−i / half) a token", () => {
  const angles = rotaryAngles({ kind: "rotary", base: 10_000 }, SIZES);
  expectClose("frequencies", frequenciesOf(angles), [1, 0.1, 0.01, 0.001], 1e-7);
  expect(angles[49 * 8]).toBeCloseTo(Math.cos(49), 6);
  expect(angles[49 * 8 + 4]).toBeCloseTo(Math.sin(49), 6);
});

test("linear scaling divides every frequency", () => {
  const scaling = { kind: "linear", factor: 4 } as const;
  const angles = rotaryAngles({ kind: "rotary", base: 10_000, scaling }, SIZES);
  expectClose("frequencies", frequenciesOf(angles), [0.25, 0.025, 0.0025, 0.00025], 1e-7);
});

test("Llama 3's scaling keeps fast pairs, divides slow ones and mixes those between", () => {
  const scaling = {
    kind: "llama3",
    factor: 8,
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
    originalContext: 100,
  } as const;
  const angles = rotaryAngles({ kind: "rotary", base: 10_000, scaling }, SIZES);
  const turns = 10 / (2 * Math.PI); // of the second pair in 100 tokens: 1.59, between 1 and 4
  const kept = (turns - 1) / 3;
  const mixed = (1 - kept) * (0.1 / 8) + kept * 0.1;
  expectClose("frequencies", frequenciesOf(angles), [1, mixed, 0.01 / 8, 0.001 / 8], 1e-7);
});

test("YaRN divides slow pairs, and lengthens what it turns by its attention factor", () => {
  const scaling = {
    kind: "yarn",
    factor: 4,
    originalContext: 100,
    betaFast: 32,
    betaSlow: 1,
  } as const;
  const angles = rotaryAngles({ kind: "rotary", base: 10_000, scaling }, SIZES);
  // pair 4·ln(100 / 2π) / ln 10000 = 1.2 turns once, and all turn fewer than 32 times: mixed from pair 0 to pair 2
  expectClose("frequencies", frequenciesOf(angles), [1, (0.1 + 0.025) / 2, 0.0025, 0.00025], 1e-6);
  expect(Math.hypot(angles[8]!, angles[12]!)).toBeCloseTo(1 + 0.1 * Math.log(4), 6);
  const own = rotaryAngles(
    { kind: "rotary", base: 10_000, scaling: { ...scaling, attentionFactor: 1 } },
    SIZES,
  );
  expect(Math.hypot(own[8]!, own[12]!)).toBeCloseTo(1, 6);
});
