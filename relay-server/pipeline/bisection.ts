/** What a bisection found: the best subset that passes, and the single members that fail alone. */
export type Bisection<M, T> = {
  readonly passed: { readonly members: readonly M[]; readonly result: T } | null;
  readonly failed: readonly M[];
  /** Tests that it took. */
  readonly evaluations: number;
};

type Passed<M, T> = { readonly members: readonly M[]; readonly result: T };

/**
 * Find the members that spoil a cohort: a subset that fails is halved until one is left. Those that pass are
 * tested together once more; if they fail as a whole, the largest passing subset stands and the others wait.
 * `test` answers null for "no", and is told its share of the error rate: level d has 2^d tests at most, each with
 * 1/2^(2d+1), so that all of them together stay within 1.
 */
export async function bisect<M, T>(
  members: readonly M[],
  test: (members: readonly M[], alphaShare: number) => Promise<T | null>,
): Promise<Bisection<M, T>> {
  const passed: Passed<M, T>[] = [];
  const failed: M[] = [];
  let evaluations = 0;
  let deepest = 0;

  async function split(part: readonly M[], depth: number): Promise<void> {
    evaluations++;
    deepest = Math.max(deepest, depth);
    const result = await test(part, 1 / 2 ** (2 * depth + 1));
    if (result !== null) passed.push({ members: part, result });
    else if (part.length === 1) failed.push(...part);
    else {
      const half = part.length >> 1;
      await split(part.slice(0, half), depth + 1);
      await split(part.slice(half), depth + 1);
    }
  }

  await split(members, 0);
  if (passed.length > 1) {
    evaluations++;
    const union = passed.flatMap((part) => part.members);
    const result = await test(union, 1 / 2 ** (deepest + 2)); // what the next level would have had
    if (result !== null) return { passed: { members: union, result }, failed, evaluations };
  }
  passed.sort((a, b) => b.members.length - a.members.length);
  return { passed: passed[0] ?? null, failed, evaluations };
}
