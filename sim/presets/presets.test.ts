import { expect, test } from "vitest";
import type { CommunityReport, ContributionReport, Curve } from "../community/report.ts";
import { CHORES } from "../community/stopwatch.ts";
import type { ReportOf, RunSpec } from "../runs/spec.ts";
import { PRESET_NAMES, PRESETS } from "./all.ts";
import type { PresetContext } from "./preset.ts";

/** A course that gains more with every volunteer and version, and less with every lie and smaller mask. */
function curveOf(spec: RunSpec): Curve {
  const isSparse = spec.way === "sparse-loco";
  const share = spec.way !== "community" ? 0.8 : 1 - spec.liars / 2;
  const metrics = (gain: number) => ({ examples: 1, lossNats: 2 - gain, accuracy: 0.5 + gain / 4 });
  const versions = Array.from({ length: spec.versions }, (_, i) => ({
    ...metrics((share * (i + 1)) / (spec.versions + 1 / spec.volunteers)),
    bytesUp: 1000 * (i + 1),
    bytesDown: 3000 * (i + 1),
    ...(isSparse && { bytesUpAtEntropy: 800 * (i + 1) }),
  }));
  return { base: metrics(0), last: { ...metrics(0), ...versions.at(-1) }, versions };
}

function reportOf(spec: RunSpec): CommunityReport | Curve {
  if (spec.way !== "community") return curveOf(spec);
  const seconds = Object.fromEntries(CHORES.map((chore) => [chore, 1]));
  const curve = curveOf(spec);
  const liars = Math.round(spec.liars * spec.volunteers);
  const passes = { agreement: true, likeness: true, slope: false, score: true };
  const contributions = Array.from(
    { length: spec.volunteers * spec.versions },
    (_, i): ContributionReport => ({
      isLie: i % spec.volunteers < liars,
      fate: i % spec.volunteers < liars ? "unrelated" : "merged",
      lag: 1,
      isOnMask: i % 10 !== 0,
      sizeBytes: 1000,
      head: 0,
      probe: spec.isProbed ? { slopeNats: 0, riseNats: 0, likeness: 0.2, passes } : null,
    }),
  );
  const tests = {
    at: 0,
    merged: 1,
    liesMerged: 0,
    tests: 1,
    gateExamples: 100,
    negativeFlips: 0.002,
    backdoor: 0.02,
  };
  return {
    ...curve,
    versions: curve.versions.map((point, i) => ({ ...point, ...tests, version: i + 1 })),
    contributions,
    relaySeconds: seconds as CommunityReport["relaySeconds"],
    probeSeconds: seconds as CommunityReport["probeSeconds"],
    negativeFlips: 0.005,
    protected: { base: curve.base, last: curve.base, negativeFlips: 0.01 },
    backdoor: { base: 0.02, last: spec.liars > 0 ? 0.03 : 0.02 },
  };
}

function contextOf(isQuick: boolean, ran: RunSpec[]): PresetContext {
  return {
    isQuick,
    seeds: isQuick ? ["1"] : ["1", "2", "3", "4", "5"],
    async run<Spec extends RunSpec>(specs: readonly Spec[]) {
      ran.push(...specs);
      return specs.map(reportOf) as ReportOf<Spec>[];
    },
    // quicker and cheaper the more peers there are; those who come alone to a busy relay leave before
    crowds: (specs) =>
      specs.map(({ peers, isSharing, chunks }) => ({
        newcomers: 100,
        relayBytes: (100 * chunks * 2 ** 20) / (isSharing ? peers : 1),
        loads: Array.from({ length: 100 }, (_, i) => (peers > 99 && !isSharing ? null : 20 + i)),
        chunks: { peers: 90, probe: 1, behind: 5, late: 3, unheld: 1 },
        tried: 100,
        connected: 80,
      })),
  };
}

test.each(PRESET_NAMES.flatMap((name) => [true, false].map((isQuick) => ({ name, isQuick }))))(
  "$name, quick $isQuick: every claim has a row, every table its numbers, every chart its marks",
  async ({ name, isQuick }) => {
    const ran: RunSpec[] = [];
    const { rows, markdown, charts } = await PRESETS[name](contextOf(isQuick, ran));
    expect(rows.length).toBeGreaterThan(3);
    expect(rows.every(({ value }) => Number.isFinite(value))).toBe(true);
    expect(charts.length).toBeGreaterThan(0);
    for (const text of [markdown, ...charts.map(({ svg }) => svg)]) {
      expect(text).not.toMatch(/NaN|undefined|Infinity/);
    }
    expect(ran.every((spec) => spec.seed !== "")).toBe(true);
  },
);

test("the attacks are judged by their worst, by honest work that is refused, and by the backdoor", async () => {
  const { rows } = await PRESETS.attacks(contextOf(true, []));
  const judged = rows.filter(({ target }) => target !== undefined);
  expect(judged.map(({ holds }) => holds)).toEqual([false, true, true]);
  expect(judged[1]?.against).toBe("of 900");
  expect(judged[2]?.value).toBeCloseTo(1);
});
