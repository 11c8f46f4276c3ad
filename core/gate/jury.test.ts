import { expect, test, vi } from "vitest";
import { createRandom, type Random } from "../random.ts";
import { type Evaluation, pickEvaluation } from "../training/metrics.ts";
import { drawJurors, type Juror, settleJury } from "./jury.ts";
import { pairedTest } from "./paired-test.ts";

vi.setConfig({ testTimeout: 120_000 }); // ten thousand verdicts on a machine that does other things too
const SEATS = 3;
const EXAMPLES = 128;
const LIARS = 1 / 4;
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

/** A candidate that is as good as its parent, a little better, or worse by three margins. */
function drawCase(random: Random): Case {
  const shift = [0, -0.03, 0.2][random.below(3)]!;
  const parent = Float32Array.from({ length: EXAMPLES }, () => 0.5 + random.uint32() / 2 ** 31);
  const candidate = parent.map((loss) => Math.max(0, loss + shift + 0.1 * normal(random)));
  return { parent, candidate };
}

const decide = (candidate: Float32Array, parent: Float32Array) =>
  pairedTest(
    candidate.map((loss, i) => loss - parent[i]!),
    RULES,
  ).decision;

/** What each liar of a jury says of the candidate. */
const LIES: Readonly<Record<string, (truth: Case, random: Random) => Float32Array>> = {
  "random losses": ({ parent }, random) => parent.map(() => (4 * random.uint32()) / 2 ** 32),
  "the opposite": ({ parent, candidate }) => candidate.map((loss, i) => 2 * parent[i]! - loss),
  "that nothing has changed, all liars together": ({ parent }) => parent.slice(),
  "that all is worse, all liars together": ({ candidate }) => candidate.map((loss) => loss + 0.5),
};

/** Gate verdicts with a jury of which each member lies with probability `LIARS`; what the liars change, and who was caught. */
async function judge(
  rounds: number,
  lie: (truth: Case, random: Random) => Float32Array,
  seed: string,
) {
  const random = createRandom(seed);
  const count = { changed: 0, caught: 0, lies: 0, honestCaught: 0 };
  for (let round = 0; round < rounds; round++) {
    const truth = drawCase(random);
    const said = evaluationOf(lie(truth, random));
    const honest = evaluationOf(truth.candidate.map((loss) => loss * (1 + 1e-5))); // on another device
    const answers = Array.from({ length: SEATS }, (_, seat) => {
      const isLiar = random.uint32() / 2 ** 32 < LIARS;
      const contributor = `${isLiar ? "liar" : "honest"} ${seat}`;
      return { contributor, evaluation: isLiar ? said : honest };
    });
    const found = await settleJury(answers, {
      seats: SEATS,
      examples: EXAMPLES,
      isPlanted: random.uint32() / 2 ** 32 < 1 / 16,
      lot: () => random.uint32() / 2 ** 32,
      own: async (rows) => pick(truth.candidate, rows),
    });
    if (found.isByJury && found.evaluation === said) {
      const verdict = decide(truth.candidate, truth.parent);
      if (decide(said.losses, truth.parent) !== verdict) count.changed++;
    }
    count.lies += answers.filter(({ contributor }) => contributor.startsWith("liar")).length;
    count.caught += found.liars.filter((name) => name.startsWith("liar")).length;
    count.honestCaught += found.liars.filter((name) => name.startsWith("honest")).length;
  }
  return count;
}

test.each(Object.entries(LIES))(
  "J10: where a quarter of the jurors say %s, none of 10,000 verdicts changes, and no honest juror is caught",
  async (_, lie) => {
    const { changed, honestCaught, caught, lies } = await judge(10_000, lie, "jury 1");
    expect([changed, honestCaught]).toEqual([0, 0]);
    expect(caught).toBeGreaterThan(0.9 * lies);
  },
);

/** A lie about as few examples as turn the verdict: what all three seats of one mind can do, and the relay's few examples may miss. */
function leastLie({ parent, candidate }: Case): Float32Array {
  const losses = candidate.slice();
  for (let i = 0; i < EXAMPLES && decide(losses, parent) !== "pass"; i += 1) {
    losses[i] = 0;
  }
  return losses;
}

test("J10: jurors of one mind who lie about the fewest examples change fewer than 3 verdicts in 1,000, and most are caught at it", async () => {
  const { changed, caught, honestCaught } = await judge(10_000, leastLie, "jury 2");
  expect(changed / 10_000).toBeLessThan(0.003); // without the relay's look 52 of 10,000
  expect(caught).toBeGreaterThan(10 * changed);
  expect(honestCaught).toBe(0);
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
    examples: 32,
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
