import { expect, test } from "vitest";
import type { GateVerdict } from "../../core/gate/suites.ts";
import {
  createToyJudge,
  TOY_SIZE,
  toyPositions,
  toyRecipe,
} from "../../tests/fixtures/toy-judge.ts";
import type { Head } from "../history/head.ts";
import { attest, gateSettingOf } from "./judge.ts";

const head = {
  recipe: toyRecipe,
  number: 0,
  id: "00",
  release: { number: 0 },
  best: { number: 0 },
  suites: [] as Head["suites"],
} as Head; // what a setting asks of it
const verdict: GateVerdict = {
  decision: "undecided",
  tests: [],
  flips: null,
  isSpent: false,
  looked: { gate: 0 },
};

async function attestLosses(losses: readonly number[]) {
  const judge = createToyJudge({ parameters: new Float32Array(TOY_SIZE) });
  const setting = {
    ...gateSettingOf({ evaluate: async () => Promise.reject(new Error("unused")) }, head),
    judge: {
      ...judge,
      evaluate: async () => ({
        losses: Float32Array.from(losses),
        correct: new Float32Array(losses.length),
        answers: new Uint8Array(losses.length),
      }),
    },
  };
  const step = { positions: toyPositions, values: new Float32Array(TOY_SIZE) };
  return attest(setting, step as Parameters<typeof attest>[1], verdict, 1);
}

test("what is attested is the mean over the report set", async () => {
  expect((await attestLosses([1, 3])).report).toMatchObject({ examples: 2, lossNats: 2 });
});

test("a candidate whose report is no number is not attested: the cohort's setback says so", async () => {
  await expect(attestLosses([1, Number.NaN])).rejects.toThrow("the loss on the report set is NaN");
  await expect(attestLosses([Number.POSITIVE_INFINITY])).rejects.toThrow("is Infinity");
});
