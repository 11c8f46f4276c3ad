import { expect, test } from "vitest";
import { createRandom } from "../random.ts";
import type { Judgement } from "../training/judgement.ts";
import { type Evaluation, pickEvaluation } from "../training/metrics.ts";
import { drawChecked, isSameEvaluation, isSameJudgement } from "./judgement-check.ts";

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

const SEED = "judgement check";

test("J5: of an evaluation a sixteenth of the examples is drawn, sixteen at least, none twice, each as often as another", () => {
  const random = createRandom(SEED);
  const lot = () => random.uint32() / 2 ** 32;
  expect(drawChecked(9, lot)).toEqual(Uint32Array.from({ length: 9 }, (_, i) => i));
  const times = new Uint32Array(320);
  for (let i = 0; i < 1000; i++) {
    const rows = drawChecked(320, lot);
    expect(new Set(rows).size).toBe(20);
    expect([...rows]).toEqual([...rows].sort((a, b) => a - b));
    for (const row of rows) times[row]!++;
  }
  expect(Math.min(...times)).toBeGreaterThan(30); // of 62.5 on average
  expect(Math.max(...times)).toBeLessThan(100);
});

const evaluationOf = (losses: Float32Array): Evaluation => ({
  losses,
  correct: losses.map(() => 1),
  answers: Uint8Array.from(losses, () => 1),
});

test.each([
  [64, 1 / 2, 0],
  [64, 1 / 4, 0.01],
  [500, 1 / 2, 0],
  [500, 1 / 4, 0.01],
])(
  "J5: of %i losses a lie in the share %d, all in one run, goes unseen with a probability of at most %d",
  (count, share, most) => {
    const random = createRandom(`${SEED} ${count} ${share}`);
    const truth = evaluationOf(new Float32Array(count).fill(1));
    let unseen = 0;
    for (let i = 0; i < 2000; i++) {
      const first = random.below(count * (1 - share) + 1);
      const isLie = (row: number) => row >= first && row < first + count * share;
      const sent = evaluationOf(truth.losses.map((loss, row) => (isLie(row) ? 0.9 : loss)));
      const rows = drawChecked(count, () => random.uint32() / 2 ** 32);
      if (isSameEvaluation(pickEvaluation(sent, rows), pickEvaluation(truth, rows))) unseen++;
    }
    expect(unseen / 2000).toBeLessThanOrEqual(most);
  },
);
