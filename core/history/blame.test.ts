import fc from "fast-check";
import { expect, test } from "vitest";
import { type HistoryEvent, signedHistory } from "../../tests/fixtures/signed-history.ts";
import { parseTensorRange } from "../tensors/tensor-range.ts";
import { blameWeights } from "./blame.ts";
import { createPatchReader } from "./merged-patches.ts";
import { readVerifiedChain } from "./verified-chain.ts";

const EVENTS: readonly HistoryEvent[] = [
  { merge: 3 },
  { merge: 2 },
  { revert: 1 },
  { merge: 3 },
  { revert: 4 },
];

async function blameOf(
  range: string,
  options: Parameters<typeof signedHistory>[1],
  events: readonly HistoryEvent[] = EVENTS,
) {
  const history = await signedHistory(events, options);
  const { layout, parameters, source } = history;
  const chain = await readVerifiedChain(source, { pin: null });
  const records = chain.slice(1).map(({ record }) => record);
  const { positions } = parseTensorRange(range, layout);
  const patchesOf = createPatchReader(source, layout, chain);
  const task = { layout, base: parameters[0]!, records, positions, patchesOf };
  return { history, positions, records, blame: await blameWeights(task) };
}

test("blame ends at the published weights, and what was reverted has no part in them", async () => {
  for (const kind of ["random", "own"] as const) {
    const { history, positions, records, blame } = await blameOf("w", { kind });
    const newest = history.parameters.at(-1)!;
    expect(blame.after).toEqual(Float32Array.from(positions, (position) => newest[position]!));
    const reverted = new Set(records.flatMap(({ revert }) => revert?.contributions ?? []));
    expect(reverted.size).toBe(2);
    const merged = records.flatMap(({ merge }) => merge?.inputs ?? []);
    const standing = merged.filter(({ contribution }) => !reverted.has(contribution));
    expect(blame.contributions.map(({ contribution }) => contribution).sort()).toEqual(
      standing.map(({ contribution }) => contribution).sort(),
    );
  }
});

test("under the mean the moves add up to the weights' way, but for the rounding to four bits", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const { blame } = await blameOf("b", { seed, rule: "mean", kind: "own" });
      const way = blame.after.reduce((sum, value, i) => sum + value - blame.before[i]!, 0);
      const moved = blame.contributions.reduce((sum, each) => sum + each.moved, 0);
      // 70 weights, three merges: a step's error is half a scale of at most 0.05 · 0.7 / 7
      expect(Math.abs(way - moved)).toBeLessThan(70 * 3 * 0.0025);
    }),
    { numRuns: 20 },
  );
});

test("a weight that no patch covers is nobody's", async () => {
  const { history, blame } = await blameOf("w[3,4]", { density: 0.01 }, [{ merge: 1 }]);
  expect(blame.contributions).toEqual([]);
  const position = 70 + 3 * 11 + 4;
  expect(blame.after[0]).toBe(history.parameters[0]![position]);
});
