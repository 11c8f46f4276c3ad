import { judgedRow, type Row } from "../../bench/figures.ts";
import { drawLines } from "../charts/line-chart.ts";
import type { CommunityReport, Curve } from "../community/report.ts";
import { PIECE_SECONDS } from "../community/volunteer.ts";
import { community } from "../runs/spec.ts";
import { describeInterval, formatInterval, type Interval, intervalOf } from "./interval.ts";
import { table } from "./markdown.ts";
import { type Preset, type PresetContext, paired, runSeeds } from "./preset.ts";

const QUALITY = 0.95; // accuracy of digits
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128];
const FEWER_SIZES = [1, 16, 64];
const MOST_PIECES = 120; // of an average device, for one contributor
const LEAST_PIECES = 12; // for a crowd, which else would end before its first versions
const MOST_ROUNDS = 40; // of a way in lockstep
const RATES = { sparseLoco: 0.005, diloco: 0.01 }; // the best that the claims found, dense training's for DiLoCo
const SIXTEEN_TARGET = 8; // times sooner than one
const SIXTY_FOUR_TARGET = 2; // times sooner than 16
const WASTE_TARGET = 5; // percent

/** How long it takes, on the simulated clock, until a model is good enough, by how many contribute. */
export const scale: Preset = async (context) => {
  const sizes = context.isQuick ? FEWER_SIZES : SIZES;
  const found = await timesOf(context, sizes);
  const { ours, sparseLoco, diloco, reports } = found;
  const at = (size: number) => sizes.indexOf(size);
  const ratio = (more: number, fewer: number) =>
    paired(ours[at(more)]!, ours[at(fewer)]!, (one, other) => other / one);
  const sixteen = ratio(16, 1);
  const sixtyFour = ratio(64, 16);
  const waste = intervalOf(reports[at(64)]!.map(wastedPercent));
  const title = "Times sooner than one contributor until digits is at 95%";
  const sooner = sizes.map((size) => ratio(size, 1));
  return {
    rows: [
      judged("digits: 16 contributors are at 95% so many times sooner than one", "times", sixteen, [
        ">=",
        SIXTEEN_TARGET,
      ]),
      judged(
        "digits: 64 contributors are at 95% so many times sooner than 16",
        "times",
        sixtyFour,
        [">=", SIXTY_FOUR_TARGET],
      ),
      judged("digits: work of 64 contributors that was wasted", "%", waste, ["<=", WASTE_TARGET]),
      ...sizes.map((size, i): Row => {
        const seconds = intervalOf(ours[i]!);
        const what = `digits, contributors: ${size}: simulated time until 95%`;
        return { what, value: seconds.mean, unit: "s", against: describeInterval(seconds, 0) };
      }),
    ],
    markdown: [
      `**digits** until 95% of the report set are right, ${context.seeds.length === 1 ? "one seed" : `${context.seeds.length} seeds`}. A piece takes ${PIECE_SECONDS} simulated seconds on an average device. In our community devices differ by a factor of 30, and volunteers leave and come back. SparseLoCo's way (2%, 2 bits) and DiLoCo's run in lockstep on average devices that never leave: better than any network allows.`,
      table(
        [
          "contributors",
          "ours, s",
          "times sooner than one",
          "ideal",
          "wasted",
          "versions",
          "SparseLoCo's way, s",
          "DiLoCo's way, s",
        ],
        sizes.map((size, i) => [
          String(size),
          formatInterval(intervalOf(ours[i]!), 0),
          formatInterval(sooner[i]!, 1),
          String(size),
          `${formatInterval(intervalOf(reports[i]!.map(wastedPercent)), 1)}%`,
          formatInterval(intervalOf(reports[i]!.map(({ versions }) => versions.length)), 1),
          formatInterval(intervalOf(sparseLoco[i]!), 0),
          formatInterval(intervalOf(diloco[i]!), 0),
        ]),
      ),
    ].join("\n\n"),
    charts: [
      {
        name: "scale",
        title,
        svg: drawLines({
          title,
          x: { label: "contributors", isLogarithmic: true },
          y: { label: "times sooner than one" },
          series: [
            { name: "ideal", points: sizes.map((size) => ({ x: size, y: size })) },
            {
              name: "ours",
              points: sizes.map((x, i) => ({ x, y: sooner[i]!.mean, half: sooner[i]!.half })),
            },
          ],
        }),
      },
    ],
  };
};

/** Seconds until the quality, [size][seed], by each way, and our communities' reports. */
async function timesOf(context: PresetContext, sizes: readonly number[]) {
  const specs = sizes.map((volunteers) =>
    community({
      volunteers,
      versions: piecesFor(volunteers),
      isLifelike: true,
      until: QUALITY,
      seed: "",
    }),
  );
  const lockstep = (volunteers: number, rate: number) => ({
    ...{ model: "digits", changes: [`training.learningRate=${rate}`], volunteers },
    ...{ versions: MOST_ROUNDS, until: QUALITY, seed: "" },
  });
  const reports = await runSeeds(context, specs);
  const sparseLoco = await runSeeds(
    context,
    sizes.map((size) => ({
      ...lockstep(size, RATES.sparseLoco),
      ...({ way: "sparse-loco", density: 0.02, bits: 2 } as const),
    })),
  );
  const diloco = await runSeeds(
    context,
    sizes.map((size) => ({ ...lockstep(size, RATES.diloco), way: "diloco" as const })),
  );
  const inLockstep = (curves: Curve[][]) => curves.map((each) => each.map(lockstepSeconds));
  return {
    reports,
    ours: reports.map((each, i) => each.map((report) => secondsOf(report, piecesFor(sizes[i]!)))),
    sparseLoco: inLockstep(sparseLoco),
    diloco: inLockstep(diloco),
  };
}

/** For how many pieces of an average device a community is given time. */
function piecesFor(volunteers: number): number {
  return Math.max(LEAST_PIECES, Math.ceil(MOST_PIECES / Math.sqrt(volunteers)));
}

/** All of its time where a community does not get there. */
function secondsOf({ versions }: CommunityReport, pieces: number): number {
  return versions.find(({ accuracy }) => accuracy >= QUALITY)?.at ?? pieces * PIECE_SECONDS;
}

function lockstepSeconds({ versions }: Curve): number {
  const rounds = versions.findIndex(({ accuracy }) => accuracy >= QUALITY) + 1;
  return (rounds === 0 ? MOST_ROUNDS : rounds) * PIECE_SECONDS;
}

/** Of the work that was decided, the share that no version has. */
function wastedPercent({ contributions }: CommunityReport): number {
  const decided = contributions.filter(({ fate }) => fate !== "waiting");
  const wasted = decided.filter(({ fate }) => fate !== "merged");
  return (100 * wasted.length) / Math.max(1, decided.length);
}

function judged(
  what: string,
  unit: string,
  found: Interval,
  [sign, bound]: ["<=" | ">=", number],
): Row {
  const row = { what, value: found.mean, unit, against: describeInterval(found, 1) };
  return judgedRow(row, sign, bound);
}
