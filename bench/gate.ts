import { bisect } from "../core/gate/bisection.ts";
import { type PairedTestRules, pairedTest } from "../core/gate/paired-test.ts";
import { createRandom, type Random } from "../core/random.ts";
import { judgedRow, type Row } from "./figures.ts";
import type { BenchOptions } from "./options.ts";

const RULES: PairedTestRules = { marginNats: 0.02, alpha: 0.035, beta: 0.05, maxExamples: 4000 };
const DIGITS: PairedTestRules = { marginNats: 0.01, alpha: 0.07, beta: 0.1, maxExamples: 4000 }; // its recipe's gate
const TIGHT: PairedTestRules = { ...RULES, clipNats: 2 }; // half of what recipes have by default
const COHORT = 10; // contributions, of digits too
const SPRT_LEAST = 64; // examples before the normal SPRT may decide: its variance needs some

/** Paired loss differences with a given mean, in nats. */
type Sample = (random: Random, mean: number) => number;
const samples: Record<string, Sample> = {
  "normal noise of 0.15 nats": (random, mean) => mean + 0.15 * normal(random),
  "one example in 50 moves by about 1 nat": (random, mean) =>
    mean + (uniform(random) < 0.02 ? Math.sign(uniform(random) - 0.5) * exponential(random) : 0),
  "one in 50 loses 0.5 nats, the rest gain a little": (random, mean) =>
    mean + (uniform(random) < 0.02 ? 0.49 : -0.01),
  "one in 200 loses 4 nats, the rest gain a little": (random, mean) =>
    mean + (uniform(random) < 0.005 ? 3.98 : -0.02),
};

/** How often the gate errs in 400 trials (quick: 100): one test beside the usual SPRT on a running variance, and a whole bisection. */
export async function measure({ seed, quick }: BenchOptions): Promise<Row[]> {
  const trials = quick ? 100 : 400;
  const random = createRandom(seed);
  const rows: Row[] = [];
  for (const [name, sample] of Object.entries(samples)) {
    const worse = judge(random, sample, RULES.marginNats, trials);
    const equal = judge(random, sample, 0, trials);
    const tight = createRandom(`${seed} tight`);
    const worseTight = judge(tight, sample, TIGHT.marginNats, trials, TIGHT);
    const equalTight = judge(tight, sample, 0, trials, TIGHT);
    const unit = `of ${trials}`;
    rows.push(
      judgedRow(
        {
          what: `worse by the margin, passed: ${name}`,
          value: worse.passed,
          unit,
          against: `normal SPRT ${worse.sprtPassed}`,
        },
        "<=",
        Math.round(0.07 * trials), // 28 of 400, designed for 3.5%
      ),
      {
        what: `equally good, passed: ${name}`,
        value: equal.passed,
        unit,
        against: `normal SPRT ${equal.sprtPassed}`,
      },
      judgedRow(
        { what: `equally good, median examples: ${name}`, value: equal.examples, unit: "examples" },
        "<=",
        1000,
      ),
      {
        what: `worse by the margin, passed if clipped to 2 nats: ${name}`,
        value: worseTight.passed,
        unit,
        against: `equally good: a median of ${equalTight.examples} examples`,
      },
      {
        what: `a cohort whose every part is worse by the margin, anything released: ${name}`,
        value: await falseReleases(createRandom(`${seed} cohorts`), sample, trials),
        unit,
        against: `${Math.round(DIGITS.alpha * trials)} on average at most, by proof`,
      },
    );
  }
  rows.push(...historyRows(seed, quick ? 5 : 20));
  return rows;
}

const VERSIONS = 200; // of a history
const SWAY = 0.15; // nats by which one example differs from another

/**
 * How often versions that are worse by the margin pass in a history of 200, on packets of their own and on one suite for all. They are sent by
 * somebody who goes on in a direction as long as it passes, and takes another when it does not.
 */
function historyRows(seed: BenchOptions["seed"], histories: number): Row[] {
  const counts = (isFresh: boolean) =>
    Array.from({ length: histories }, (_, history) =>
      releasedInHistory(createRandom(`${seed} history ${history}`), isFresh),
    );
  const [fresh, reused] = [counts(true), counts(false)];
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const most = Math.round(DIGITS.alpha * VERSIONS);
  const what = `${VERSIONS} versions, each worse by the margin, that go on in what passed before: passed on fresh packets`;
  const unit = `of ${VERSIONS}`;
  return [
    judgedRow(
      {
        what: `${what}, mean of ${histories} histories`,
        value: mean(fresh),
        unit,
        against: `one suite for all versions ${mean(reused)}`,
      },
      "<=",
      most,
    ),
    {
      what: `${what}, most in a history`,
      value: Math.max(...fresh),
      unit,
      against: `one suite for all versions ${Math.max(...reused)}`,
    },
  ];
}

function releasedInHistory(random: Random, isFresh: boolean): number {
  const { maxExamples, marginNats } = DIGITS;
  /** What a direction does to each example of a suite. */
  const draw = () =>
    Float32Array.from({ length: maxExamples }, () => marginNats + SWAY * normal(random));
  let differences = draw();
  let released = 0;
  for (let version = 0; version < VERSIONS; version++) {
    const start = random.below(maxExamples); // each version's tests begin elsewhere
    const seen = differences.map((_, i) => differences[(start + i) % maxExamples]!);
    const passes = pairedTest(seen, DIGITS).decision === "pass";
    if (passes) released++;
    if (isFresh || !passes) differences = draw(); // another direction, or the same one on other examples
  }
  return released;
}

function judge(random: Random, sample: Sample, mean: number, trials: number, rules = RULES) {
  let passed = 0;
  let sprtPassed = 0;
  const examples: number[] = [];
  for (let trial = 0; trial < trials; trial++) {
    const length = rules.maxExamples;
    const differences = Float32Array.from({ length }, () => sample(random, mean));
    const result = pairedTest(differences, rules);
    if (result.decision === "pass") passed++;
    if (passesNormalSprt(differences)) sprtPassed++;
    examples.push(result.examples);
  }
  examples.sort((a, b) => a - b);
  return { passed, sprtPassed, examples: examples[trials >> 1] ?? Number.NaN };
}

/** Of `trials` cohorts, how many have a part that passes in the tests of a bisection, where every part is worse by the margin. */
async function falseReleases(random: Random, sample: Sample, trials: number): Promise<number> {
  const { marginNats, maxExamples, alpha: all, beta } = DIGITS;
  let released = 0;
  for (let trial = 0; trial < trials; trial++) {
    const cohort = Array.from({ length: COHORT }, (_, member) => member);
    const { passed } = await bisect(cohort, all, async (_, alpha) => {
      const differences = Float32Array.from({ length: maxExamples }, () =>
        sample(random, marginNats),
      );
      return pairedTest(differences, { ...DIGITS, alpha, beta: (beta * alpha) / all }).decision;
    });
    if (passed.length > 0) released++;
  }
  return released;
}

/** Wald's test of mean 0 against the margin, as if the differences were normal with the variance so far. */
function passesNormalSprt(differences: Float32Array): boolean {
  const { marginNats, alpha, beta } = RULES;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < differences.length; i++) {
    sum += differences[i]!;
    squares += differences[i]! ** 2;
    const count = i + 1;
    if (count < SPRT_LEAST) continue;
    const variance = Math.max(squares / count - (sum / count) ** 2, 1e-9); // all equal: not 0
    const logRatio = (marginNats / variance) * ((count * marginNats) / 2 - sum);
    if (logRatio >= Math.log((1 - beta) / alpha)) return true;
    if (logRatio <= Math.log(beta / (1 - alpha))) return false;
  }
  return false;
}

function uniform(random: Random): number {
  return (random.uint32() + 0.5) / 2 ** 32;
}

function exponential(random: Random): number {
  return -Math.log(uniform(random));
}

function normal(random: Random): number {
  return Math.sqrt(2 * exponential(random)) * Math.cos(2 * Math.PI * uniform(random));
}
