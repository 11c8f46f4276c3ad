import { expect, test } from "vitest";
import {
  createToyJudge,
  TOY_SIZE,
  toyPositions,
  toyRecipe,
} from "../../tests/fixtures/toy-judge.ts";
import type { Recipe } from "../protocol/schemas/recipe.ts";
import type { SealedSuite } from "../protocol/schemas/version.ts";
import { cutOf, gatePiecesOf, openMore, planPackets } from "./packets.ts";
import { testStep } from "./suites.ts";

const withPackets = (gate: Partial<Recipe["gate"]>): Recipe => ({
  ...toyRecipe,
  gate: { ...toyRecipe.gate, ...gate },
});

/** The toy's 400 gate examples as 6 packets of 50 and a reserve of 100. */
const sealed: SealedSuite = {
  suite: "gate",
  packetExamples: 50,
  reserveExamples: 100,
  packets: Array.from({ length: 6 }, () => "ab".repeat(32)),
  reserve: "cd".repeat(32),
};
const recipe = withPackets({ packetExamples: 50, maxExamples: 100, flipBudget: 1 });

/** Test a candidate at `value` everywhere where `opened` packets are open; what of the suite was looked at, and the verdict. */
async function testAt(value: number, opened: number, alpha: number, spent = 0) {
  const judge = createToyJudge({ parameters: new Float32Array(TOY_SIZE) });
  const packets = { suites: [sealed], opened: { gate: opened }, spent: { gate: spent } };
  const setting = { recipe, judge, suites: [], parent: 0, release: 0, best: 0, start: 0, packets };
  const values = new Float32Array(TOY_SIZE).fill(value);
  const verdict = await testStep(setting, { positions: toyPositions, values }, alpha);
  const looked = judge.asked.filter((line) => line.startsWith("gate candidate"));
  return { ...verdict, ranges: looked.map((line) => line.slice("gate candidate ".length)) };
}

test("G24: the reserve has what one gate may look at, and the packets the rest", () => {
  expect(planPackets(recipe, "gate")).toEqual({ size: 50, count: 6, reserve: [300, 400] });
  expect(planPackets(recipe, "protected")).toBeNull();
  expect(cutOf(sealed)).toEqual(planPackets(recipe, "gate"));
});

test("G24: a suite that is too small, or without a packet's size, is all reserve", () => {
  const whole = { count: 0, reserve: [0, 400] };
  expect(planPackets(toyRecipe, "gate")).toMatchObject(whole);
  expect(planPackets(withPackets({ packetExamples: 50 }), "gate")).toMatchObject(whole);
});

test("G24: a gate looks at the next packets, then at the reserve, and never at more than it may", () => {
  const cut = cutOf(sealed);
  const at = (first: number) =>
    gatePiecesOf(cut, { first, start: 0, most: 100 }).map(
      ({ piece, isFresh }) => `${piece.join("-")}${isFresh ? "" : " again"}`,
    );
  expect(at(0)).toEqual(["0-50", "50-100"]);
  expect(at(3)).toEqual(["150-200", "200-250"]);
  const last = at(5);
  expect(last[0]).toBe("250-300");
  expect(last.slice(1).every((name) => name.endsWith(" again"))).toBe(true);
  expect(at(6)).toHaveLength(8);
});

test("G24: a candidate is tested on the next packets alone, and says which and that they were fresh", async () => {
  const clear = await testAt(0.5, 2, 0.05);
  expect(clear.ranges).toEqual(["100-150"]);
  expect(clear).toMatchObject({ decision: "pass", looked: { gate: 1 } });
  expect(clear.tests).toMatchObject([{ examplesWere: "fresh", marginNats: 0.05, clipNats: 1 }]);
  const before = { suites: [sealed], opened: { gate: 2 }, spent: { gate: 0 } };
  expect(openMore(before, clear.looked)).toEqual({ gate: 3 });
});

test("G24: a packet that a jury has seen in vain is nobody's fresh one, and is opened with the next that is", async () => {
  const after = await testAt(0.5, 1, 0.05, 2);
  expect(after.ranges).toEqual(["150-200"]);
  expect(after).toMatchObject({ decision: "pass", looked: { gate: 1 } });
  const before = { suites: [sealed], opened: { gate: 1 }, spent: { gate: 2 } };
  expect(openMore(before, after.looked)).toEqual({ gate: 4 });
  const none = await testAt(0.5, 1, 0.05, 5); // all are open or spent
  expect(none.tests).toMatchObject([{ examplesWere: "reused" }]);
  expect(openMore({ ...before, spent: { gate: 5 } }, none.looked)).toEqual({ gate: 6 });
});

test("G9: flips are counted on the fresh packets that the tests have seen, and cost no further look", async () => {
  const { flips, ranges } = await testAt(0.5, 0, 0.05);
  expect(flips).toMatchObject({ flips: 0 });
  expect(ranges).toEqual(["0-50"]);
});

test("G24: once the packets are used up the reserve serves every version, and the test says so", async () => {
  const spent = await testAt(0.5, 6, 0.05);
  expect(spent).toMatchObject({ decision: "pass", looked: { gate: 0 } });
  expect(spent.tests).toMatchObject([{ examplesWere: "reused" }]);
  expect(spent.tests[0]).not.toHaveProperty("marginNats");
  expect(spent.ranges.every((range) => Number(range.split("-")[0]) >= 300)).toBe(true);
});

test("G24: a test that begins with the last packet and goes on with the reserve was not all fresh", async () => {
  const mixed = await testAt(0.005, 5, 1e-6);
  expect(mixed.tests).toMatchObject([{ examplesWere: "reused" }]);
  expect(mixed.looked).toMatchObject({ gate: 1 });
});
