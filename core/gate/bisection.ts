import { assert } from "../errors.ts";

export type Bisection<Item> = {
  /** The largest cohort that passed as a whole; empty if none did. */
  readonly passed: readonly Item[];
  /** Failed on their own. */
  readonly bad: readonly Item[];
  /** Neither: undecided alone, or not in the cohort that passed. They may be tried in a later one. */
  readonly left: readonly Item[];
  /** Calls of `test`. */
  readonly evaluations: number;
};

/** Tests a part of the cohort, merged, at error rate `alpha`; "hopeless" says that no part of it will pass either. */
export type BisectionTest<Item> = (part: readonly Item[], alpha: number) => Promise<Decision>;

type Decision = "pass" | "fail" | "undecided" | "hopeless";

/**
 * Find the bad items of a cohort as a merge queue does: test it whole, halve what does not pass down to
 * single items, and test again what is left without those that did not pass alone (protocol G10). At
 * most 2n tests, none of them twice. Only an item that failed alone is bad: undecided is no reason to refuse anyone.
 *
 * Test number i runs at alpha / (i · (i + 1)). These add up to less than `alpha`, so the probability
 * that any candidate passes wrongly stays below it however often the cohort is split.
 */
export async function bisect<Item>(
  cohort: readonly Item[],
  alpha: number,
  test: BisectionTest<Item>,
): Promise<Bisection<Item>> {
  assert(cohort.length > 0, "bisection of nothing");
  let evaluations = 0;
  let passed: readonly Item[] = [];
  const bad = new Set<Item>();
  const suspects = new Set<Item>(); // did not pass alone

  const tested: (readonly Item[])[] = [];
  let isHopeless = false;

  async function decide(part: readonly Item[]): Promise<Decision> {
    evaluations++;
    tested.push(part);
    const decision = await test(part, alpha / (evaluations * (evaluations + 1)));
    if (decision === "pass" && part.length > passed.length) passed = part;
    if (decision === "hopeless") isHopeless = true;
    return decision;
  }

  async function search(part: readonly Item[]): Promise<void> {
    const decision = await decide(part);
    if (decision === "pass" || isHopeless) return;
    if (part.length > 1) {
      const middle = (part.length + 1) >> 1;
      await search(part.slice(0, middle));
      if (!isHopeless) await search(part.slice(middle));
      return;
    }
    for (const item of part) {
      suspects.add(item);
      if (decision === "fail") bad.add(item);
    }
  }

  await search(cohort);
  const remainder = cohort.filter((item) => !suspects.has(item));
  // what was tested before would be tested at less than the alpha at which it did not pass
  const isNew = !tested.some((part) => isSame(part, remainder));
  if (remainder.length > passed.length && isNew && !isHopeless) await decide(remainder);
  const merged = new Set(passed);
  return {
    passed,
    bad: [...bad],
    left: cohort.filter((item) => !bad.has(item) && !merged.has(item)),
    evaluations,
  };
}

function isSame<Item>(a: readonly Item[], b: readonly Item[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}
