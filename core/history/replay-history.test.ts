import fc from "fast-check";
import { expect, test } from "vitest";
import { header } from "../../tests/fixtures/golden-patches.ts";
import { quantise, segmentStarts } from "../patch/quantiser.ts";
import { randomPositions } from "../patch/random-mask.ts";
import { MAX_MULTIPLIER } from "../protocol/limits.ts";
import type { MergeRule } from "../protocol/schemas/recipe.ts";
import type { MergeInputRecord, VersionRecord } from "../protocol/schemas/version.ts";
import { createRandom } from "../random.ts";
import { createLayout } from "../tensors/layout.ts";
import type { ReplayPatch } from "./replay.ts";
import { replayVersion } from "./replay.ts";
import { replayHistory, replayStart, type Strike } from "./replay-history.ts";

const layout = createLayout([
  { name: "b", shape: [70] },
  { name: "w", shape: [30, 11] },
]);
const EPOCH = 3; // versions
const RULES: readonly MergeRule[] = ["mean", "disjoint-mean", "ties", "trimmed-mean", "median"];

/** One version: how many patches it merges, or which earlier contribution (modulo all) it reverts. */
type Event = { readonly merge: number } | { readonly revert: number };
const eventOf = fc.oneof(
  { weight: 3, arbitrary: fc.record({ merge: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ revert: fc.nat(50) }) },
);
const eventsOf = fc.array(eventOf, { minLength: 1, maxLength: 12 });

type History = {
  readonly base: Float32Array;
  readonly records: readonly VersionRecord[];
  readonly patches: ReadonlyMap<string, ReplayPatch>;
  readonly strikes: ReadonlyMap<string, Strike>;
  readonly mergedIn: ReadonlyMap<string, number>;
};

/** A history with random patches under one mask an epoch; some work is from the version before. */
function historyOf(events: readonly Event[], seed: number): History {
  const random = createRandom(seed);
  const fraction = () => random.below(2001) / 1000 - 1;
  const masks = [0, 1, 2, 3, 4].map((epoch) =>
    randomPositions(`${epoch}`.padStart(32, "0"), 120, layout.size),
  );
  const patches = new Map<string, ReplayPatch>();
  const mergedIn = new Map<string, number>();
  const strikes = new Map<string, Strike>();
  const contribute = (number: number): MergeInputRecord => {
    const contribution = patches.size.toString(16).padStart(64, "0");
    const base = Math.max(0, number - 1 - random.below(2));
    const positions = masks[Math.floor(base / EPOCH)]!;
    const delta = Float32Array.from(positions, () => fraction() / 20);
    const quantised = quantise(delta, segmentStarts(layout, positions));
    patches.set(contribution, {
      patch: { ...quantised, header, positions: null, fisher: null },
      positions,
    });
    mergedIn.set(contribution, number);
    const multiplier = random.below(MAX_MULTIPLIER + 1);
    return { contribution, contributor: "", signature: "", base, multiplier };
  };
  const records = events.map((event, i): VersionRecord => {
    const number = i + 1;
    const merged = [...mergedIn].filter(([id]) => !strikes.has(id));
    const [struck] = "revert" in event ? (merged[event.revert % merged.length] ?? []) : [];
    if (struck !== undefined) {
      strikes.set(struck, { merged: mergedIn.get(struck)!, reverted: number });
      return { ...blank, number, revert: { contributions: [struck] } };
    }
    const count = "merge" in event ? event.merge : 1; // nothing to revert yet
    const inputs = Array.from({ length: count }, () => contribute(number));
    const rule = RULES[random.below(RULES.length)]!;
    const merge = { rule, outerStep: 0.7, denominator: "4096*coverage", inputs } as const;
    return { ...blank, number, merge };
  });
  const base = Float32Array.from({ length: layout.size }, fraction);
  return { base, records, patches, strikes, mergedIn };
}

const blank: VersionRecord = {
  format: "commonweight.version/1",
  model: "digits",
  number: 0,
  parent: "00".repeat(32),
  createdAt: 0,
  relayKey: "11".repeat(32),
  checkpoint: "22".repeat(32),
  mask: { kind: "random", seed: "00".repeat(16), count: 120 },
  merge: null,
  evaluation: { report: { examples: 1, lossNats: 1, accuracy: 0 }, gate: null },
};

function replayOf(
  { patches, base }: History,
  records: readonly VersionRecord[],
  struck: ReadonlySet<string>,
  parameters: Float32Array = base,
): Promise<Float32Array> {
  return replayHistory({ layout, parameters, records, struck, patchesOf: async () => patches });
}

/** The bits of every version as a relay publishes them: merge by merge, each revert replayed from the base. */
async function publishedVersions(history: History): Promise<Float32Array[]> {
  const versions = [history.base];
  const struck = new Set<string>();
  for (const record of history.records) {
    let next = new Float32Array(versions.at(-1)!);
    if (record.revert === undefined) {
      const { positions, values } = replayVersion(layout, next, record, history.patches);
      positions.forEach((position, i) => {
        next[position] = values[i]!;
      });
    } else {
      for (const id of record.revert.contributions) struck.add(id);
      const merges = history.records.slice(0, record.number).filter(({ merge }) => merge !== null);
      next = new Float32Array(await replayOf(history, merges, struck));
    }
    versions.push(next);
  }
  return versions;
}

test("V7: with what the history reverted struck, the replay is every published version, bit for bit", async () => {
  await fc.assert(
    fc.asyncProperty(eventsOf, fc.nat(), async (events, seed) => {
      const history = historyOf(events, seed);
      const published = await publishedVersions(history);
      for (const [number, parameters] of published.entries()) {
        const records = history.records.slice(0, number);
        const struck = records.flatMap(({ revert }) => revert?.contributions ?? []);
        expect(await replayOf(history, records, new Set(struck))).toEqual(parameters);
      }
    }),
    { numRuns: 60 },
  );
});

test("V7: a replay that starts as late as it may gives the bits of one from the base", async () => {
  await fc.assert(
    fc.asyncProperty(eventsOf, fc.nat(), fc.nat(), async (events, seed, choice) => {
      const history = historyOf(events, seed);
      const { records, mergedIn, strikes } = history;
      const standing = [...mergedIn].filter(([id]) => !strikes.has(id));
      const [next] = standing[choice % Math.max(1, standing.length)] ?? [];
      if (next === undefined) return;
      const struck = new Set([...strikes.keys(), next]);
      const strike = { merged: mergedIn.get(next)!, reverted: records.length + 1 };
      const start = replayStart(records.length, [...strikes.values(), strike]);
      expect(start).toBeLessThan(strike.merged);
      const published = await publishedVersions(history);
      const whole = await replayOf(history, records, struck);
      const late = await replayOf(history, records.slice(start), struck, published[start]);
      expect(late).toEqual(whole);
    }),
    { numRuns: 60 },
  );
});

test("V7: the order in which contributions are reverted does not matter", async () => {
  const history = historyOf([{ merge: 3 }, { merge: 2 }, { merge: 4 }, { merge: 2 }], 7);
  const [a = "", b = ""] = [...history.mergedIn.keys()].slice(1);
  const revert = (number: number, id: string): VersionRecord => {
    return { ...blank, number, revert: { contributions: [id] } };
  };
  const both = await replayOf(history, history.records, new Set([a, b]));
  for (const [first, second] of [[a, b] as const, [b, a] as const]) {
    const records = [...history.records, revert(5, first), revert(6, second)];
    expect(await replayOf(history, records, new Set([a, b]))).toEqual(both);
  }
});

test("V7: striking one patch moves the others no further than they went; all of them, nothing", async () => {
  const history = historyOf([{ merge: 3 }], 11);
  const [record] = history.records;
  const merge = { ...record!.merge!, rule: "mean" } as const;
  const records = [{ ...record!, merge }];
  const [first = ""] = merge.inputs.map(({ contribution }) => contribution);
  const silenced = merge.inputs.map((input) =>
    input.contribution === first ? { ...input, multiplier: 0 } : input,
  );
  const expected = await replayOf(
    history,
    [{ ...record!, merge: { ...merge, inputs: silenced } }],
    new Set(),
  );
  expect(await replayOf(history, records, new Set([first]))).toEqual(expected);
  const all = new Set(merge.inputs.map(({ contribution }) => contribution));
  expect(await replayOf(history, records, all)).toEqual(history.base);
});

test("a revert in the history that is not struck is our bug; an aborted replay ends", async () => {
  const history = historyOf([{ merge: 1 }, { revert: 0 }], 3);
  await expect(replayOf(history, history.records, new Set())).rejects.toThrow("internal: replay");
  const replay = replayHistory(
    {
      layout,
      parameters: history.base,
      records: history.records,
      struck: new Set(history.mergedIn.keys()),
      patchesOf: async () => history.patches,
    },
    { signal: AbortSignal.abort(new Error("closing")) },
  );
  await expect(replay).rejects.toThrow("closing");
});
