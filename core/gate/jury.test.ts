import { expect, test, vi } from "vitest";
import { createRandom, type Random } from "../random.ts";
import { type Evaluation, pickEvaluation } from "../training/metrics.ts";
import { drawJurors, type EarlierAnswer, type Juror, settleJury } from "./jury.ts";
import { pairedTest } from "./paired-test.ts";

vi.setConfig({ testTimeout: 120_000 }); // ten thousand verdicts on a machine that does other things too
const SEATS = 3;
const EXAMPLES = 128;
const RULES = { marginNats: 0.06, alpha: 0.01, beta: 0.01, maxExamples: EXAMPLES, clipNats: 1 };

const at = (i: number): Juror => ({ contributor: `key ${i}`, network: `network ${i}` });
const crowd = Array.from({ length: 40 }, (_, i) => at(i));
const draw = (present: readonly Juror[], seed: string, except: string[] = []) =>
  drawJurors(present, { seed, except: new Set(except) });

test("J9: a juror's place follows from the seed and its key alone, not from who else is there or when they came", () => {
  const order = draw(crowd, "a").map(({ contributor }) => contributor);
  const some = crowd.filter((_, i) => i % 3 !== 0).reverse();
  const kept = new Set(some.map(({ contributor }) => contributor));
  expect(draw(some, "a").map(({ contributor }) => contributor)).toEqual(
    order.filter((contributor) => kept.has(contributor)),
  );
  expect(draw(crowd, "b").map(({ contributor }) => contributor)).not.toEqual(order);
});

test("J9: a network has one seat, and nobody judges a candidate with their own work in it", () => {
  const alike = crowd.map((juror) => ({ ...juror, network: "one house" }));
  expect(draw(alike, "a")).toHaveLength(1);
  const own = ["key 3", "key 5"];
  const drawn = draw(crowd, "a", own).map(({ contributor }) => contributor);
  expect(drawn).toHaveLength(38);
  for (const contributor of own) expect(drawn).not.toContain(contributor);
});

test("J9: a machine with many trusted keys has no more of the seats than its share of the keys, and one a jury", () => {
  const machine = Array.from({ length: 200 }, (_, i) => ({
    contributor: `sybil ${i}`,
    network: "sybils",
  }));
  for (const trusted of [4, 40, 200]) {
    const present = [...crowd, ...machine.slice(0, trusted)];
    let won = 0;
    const rounds = 300;
    for (let round = 0; round < rounds; round++) {
      const seats = draw(present, `round ${round}`).slice(0, SEATS);
      const its = seats.filter(({ network }) => network === "sybils").length;
      expect(its).toBeLessThanOrEqual(1);
      won += its;
    }
    expect(won / (rounds * SEATS)).toBeLessThanOrEqual(trusted / present.length + 0.03);
  }
});

const evaluationOf = (losses: Float32Array): Evaluation => ({
  losses,
  correct: losses.map((loss) => (loss < 1 ? 1 : 0)),
  answers: Uint8Array.from(losses, (loss) => (loss < 1 ? 1 : 0)),
});
const pick = (losses: Float32Array, rows: Uint32Array | null) =>
  rows === null ? evaluationOf(losses) : pickEvaluation(evaluationOf(losses), rows);

function normal(random: Random): number {
  let sum = 0;
  for (let i = 0; i < 3; i++) sum += random.uint32() / 2 ** 32;
  return 2 * sum - 3; // of variance 1
}

type Case = { readonly parent: Float32Array; readonly candidate: Float32Array };
type Truth = Case & { readonly isWorse: boolean };

/** A candidate that is as good as its parent, a little better, or worse by three margins. */
function drawCase(random: Random): Truth {
  const shift = [0, -0.03, 0.2][random.below(3)]!;
  const parent = Float32Array.from({ length: EXAMPLES }, () => 0.5 + random.uint32() / 2 ** 31);
  const candidate = parent.map((loss) => Math.max(0, loss + shift + 0.1 * normal(random)));
  return { parent, candidate, isWorse: shift > 0 };
}

const decide = (candidate: Float32Array, parent: Float32Array) =>
  pairedTest(
    candidate.map((loss, i) => loss - parent[i]!),
    RULES,
  ).decision;

/** What each liar of a jury says; those who lie say the same. */
const LIES: Readonly<Record<string, (truth: Case, random: Random) => Case>> = {
  "random losses": ({ parent }, random) => ({
    parent,
    candidate: parent.map(() => (4 * random.uint32()) / 2 ** 32),
  }),
  "the opposite": ({ parent, candidate }) => ({
    parent,
    candidate: candidate.map((loss, i) => 2 * parent[i]! - loss),
  }),
  "that nothing has changed": ({ parent }) => ({ parent, candidate: parent.slice() }),
  "that all is worse": ({ parent, candidate }) => ({
    parent,
    candidate: candidate.map((loss) => loss + 0.5),
  }),
};

/** What liars say who know test and look: other losses for as few examples as turn the verdict, the first or the worst ones. */
const CUNNING: Readonly<Record<string, (truth: Case) => Case>> = {
  "the first few are perfect": (truth) => leastLie(truth, { of: "first", lossOf: () => 0 }),
  "the worst few are much better": (truth) =>
    leastLie(truth, { of: "worst", lossOf: (parent) => parent - 0.3 }),
  "the worst few are as before": (truth) =>
    leastLie(truth, { of: "worst", lossOf: (parent) => parent }),
  "the first few are worse by little less than the margin": (truth) =>
    leastLie(truth, { of: "first", lossOf: (parent) => parent + 0.05 }),
  "the parent was bad at the first few": ({ parent, candidate }) => {
    const said = parent.slice();
    for (let i = 0; i < EXAMPLES && decide(candidate, said) !== "pass"; i++) said[i] = 3;
    return { parent: said, candidate };
  },
};

function leastLie(
  { parent, candidate }: Case,
  { of, lossOf }: { readonly of: "first" | "worst"; readonly lossOf: (parent: number) => number },
): Case {
  const losses = candidate.slice();
  const rise = (row: number) => candidate[row]! - parent[row]!;
  const rows = [...candidate.keys()];
  if (of === "worst") rows.sort((a, b) => rise(b) - rise(a));
  for (const row of rows) {
    if (decide(losses, parent) === "pass") break;
    losses[row] = Math.min(losses[row]!, lossOf(parent[row]!));
  }
  return { parent, candidate: losses };
}

type Trial = {
  readonly lie: (truth: Case, random: Random) => Case;
  /** The probability that a seat is a liar's. */
  readonly liars: number;
  readonly rounds: number;
  readonly seed: string;
};

/** What comes of so many verdicts: of a candidate, on one packet, by a jury. */
async function judge({ lie, liars, rounds, seed }: Trial) {
  const random = createRandom(seed);
  const lot = () => random.uint32() / 2 ** 32;
  const count = { changed: 0, worsePassed: 0, caught: 0, lies: 0, honestCaught: 0, looked: 0 };
  for (let round = 0; round < rounds; round++) {
    const truth = drawCase(random);
    const said = lie(truth, random);
    const seats = Array.from({ length: SEATS }, () => lot() < liars);
    const own = (of: keyof Case, rows: Uint32Array | null) => {
      count.looked += rows === null ? EXAMPLES : rows.length;
      return pick(truth[of], rows);
    };
    const settle = (of: keyof Case, earlier: EarlierAnswer | null) =>
      settleJury(
        seats.map((isLiar, seat) => ({
          contributor: `${isLiar ? "liar" : "honest"} ${seat}`,
          evaluation: evaluationOf(isLiar ? said[of] : onAnotherDevice(truth[of])),
        })),
        {
          seats: SEATS,
          earlier,
          isPlanted: lot() < 1 / 16,
          lot,
          own: async (rows) => own(of, rows),
        },
      );
    const parent = await settle("parent", null);
    const found = await settle("candidate", {
      evaluation: parent.evaluation,
      marginNats: RULES.marginNats,
      own: parent.isByJury ? async (rows) => own("parent", rows) : null,
    });
    const caught = [...parent.liars, ...found.liars];
    count.honestCaught += caught.filter((name) => name.startsWith("honest")).length;
    const isRepeated = caught.length > 0 || !found.isEarlierTrue; // by the relay alone, as what fails is
    const passes =
      !isRepeated && decide(found.evaluation.losses, parent.evaluation.losses) === "pass";
    if (passes && decide(truth.candidate, truth.parent) !== "pass") {
      count.changed++;
      if (truth.isWorse) count.worsePassed++;
    }
    if (!seats.includes(true)) continue;
    count.lies++;
    if (isRepeated) count.caught++;
  }
  return count;
}

const onAnotherDevice = (losses: Float32Array) => losses.map((loss) => loss * (1 + 1e-5));

test.each(Object.entries(LIES))(
  "J10: where a quarter of the jurors say %s, none of 10,000 verdicts changes, and no honest juror is caught",
  async (_, lie) => {
    const trial = { lie, liars: 1 / 4, rounds: 10_000, seed: "jury 1" };
    const { changed, honestCaught, caught, lies } = await judge(trial);
    expect([changed, honestCaught]).toEqual([0, 0]);
    expect(caught).toBeGreaterThan(0.9 * lies);
  },
);

test("J10: where a quarter know the rule and say that a candidate is perfect on the first few examples, none of 10,000 verdicts changes", async () => {
  const lie = CUNNING["the first few are perfect"]!;
  const trial = { lie, liars: 1 / 4, rounds: 10_000, seed: "jury 2" };
  const { changed, honestCaught } = await judge(trial);
  expect([changed, honestCaught]).toEqual([0, 0]);
});

test.each(Object.entries(CUNNING))(
  "J10: where every juror knows the rule and says that %s, no candidate passes that is worse",
  async (_, lie) => {
    const trial = { lie, liars: 1, rounds: 1500, seed: "jury 3" };
    const { worsePassed, caught } = await judge(trial);
    expect(worsePassed).toBe(0);
    expect(caught).toBeGreaterThan(450); // a third of the candidates are worse, and need a lie
  },
);

test("J10: honest jurors of a small packet leave the relay a quarter of the examples, and one packet in sixteen", async () => {
  const lie = (truth: Case) => truth;
  const { looked } = await judge({ lie, liars: 0, rounds: 1500, seed: "jury 4" });
  expect(looked / 1500).toBeLessThan(0.28 * 2 * EXAMPLES);
});

const honest = evaluationOf(Float32Array.from({ length: 32 }, (_, i) => 1 + i / 32));
const answersOf = (...evaluations: Evaluation[]) =>
  evaluations.map((evaluation, i) => ({ contributor: `key ${i}`, evaluation }));
/** What a lot of 0 draws of 32 examples. */
const CHECKED = [0, ...Array.from({ length: 15 }, (_, i) => 17 + i)];
async function settle(answers: ReturnType<typeof answersOf>, isPlanted = false) {
  const own: (readonly number[] | "all")[] = [];
  const found = await settleJury(answers, {
    seats: SEATS,
    earlier: null,
    isPlanted,
    lot: () => 0,
    own: async (rows) => {
      own.push(rows === null ? "all" : [...rows]);
      return pick(honest.losses, rows);
    },
  });
  return { ...found, own };
}

test("J10: three who say the same are believed after a look at a few of the examples", async () => {
  const found = await settle(answersOf(honest, honest, honest));
  expect(found).toMatchObject({ isByJury: true, liars: [], own: [CHECKED] });
});

test("J10: where one says something else, or does not come, the relay evaluates the packet itself", async () => {
  const other = evaluationOf(honest.losses.map((loss) => loss + 0.1));
  const one = await settle(answersOf(honest, other, honest));
  expect(one).toMatchObject({ isByJury: false, liars: ["key 1"], own: ["all"] });
  expect(one.evaluation.losses).toEqual(honest.losses);
  const two = await settle(answersOf(honest, honest));
  expect(two).toMatchObject({ isByJury: false, liars: [], own: ["all"] });
  expect(await settle([])).toMatchObject({ isByJury: false, own: ["all"] });
});

test("J10: a planted packet shows three liars who agree", async () => {
  const other = evaluationOf(honest.losses.map((loss, i) => (i === 1 ? 0 : loss)));
  const missed = await settle(answersOf(other, other, other));
  expect(missed.isByJury).toBe(true); // one example of 32, and not among the sixteen
  const planted = await settle(answersOf(other, other, other), true);
  expect(planted).toMatchObject({ isByJury: false, liars: ["key 0", "key 1", "key 2"] });
});
