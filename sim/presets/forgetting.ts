import { judgedRow, type Row } from "../../bench/figures.ts";
import { drawBars } from "../charts/bar-chart.ts";
import { flipsAVersion } from "../rows.ts";
import { community } from "../runs/spec.ts";
import { decidedRow } from "./decisions.ts";
import { fisherPolicy } from "./fisher-policy.ts";
import { describeInterval, formatInterval, type Interval, intervalOf } from "./interval.ts";
import { table } from "./markdown.ts";
import { type Preset, runSeeds, withFewSeeds } from "./preset.ts";

const VOLUNTEERS = 3;
const VERSIONS = 3;
const FLIP_TARGET = 1; // percent; 1.4 a step in our own study
const OFTEN = `merge.cohortSize=${VOLUNTEERS}`; // a version a round
const TOGETHER = { volunteers: VOLUNTEERS, versions: VERSIONS };
/** A common mask, which is random until the relay has chosen one: of so few versions that begins with the last. */
const RANDOM = ["mask.kind=shared", ...fisherPolicy("presidents")];
/** On shared masks from the third piece on: with nobody else's work on the way, an epoch may be a version. */
const ALONE = { volunteers: 1, versions: 6 };
const SHARED = [
  "mask.kind=shared",
  "mask.epochVersions=1",
  "merge.cohortSize=1",
  "score.references=0", // nobody lies here
  ...fisherPolicy("presidents"),
];
const NO_REPLAY = "data.replayShardsPerTicket=";
const NO_DAMPING = "mask.fisher.damping=0";
const CASES = [
  { name: "own masks, replay", size: TOGETHER, changes: [OFTEN] },
  { name: "own masks, no replay", size: TOGETHER, changes: [OFTEN, NO_REPLAY] },
];
const MORE_CASES = [
  { name: "random masks, replay", size: TOGETHER, changes: [OFTEN, ...RANDOM] },
  { name: "random masks, no replay", size: TOGETHER, changes: [OFTEN, ...RANDOM, NO_REPLAY] },
  { name: "alone, shared masks, damping", size: ALONE, changes: SHARED },
  { name: "alone, shared masks, no damping", size: ALONE, changes: [...SHARED, NO_DAMPING] },
];

/** What presidents forgets of Moby Dick, with the mask's damping and the tickets' replay and without. */
export const forgetting: Preset = async (context) => {
  const cases = context.isQuick ? CASES : [...CASES, ...MORE_CASES];
  const specs = cases.map(({ size, changes }) =>
    community({ model: "presidents", ...size, changes, seed: "" }),
  );
  const reports = await runSeeds(withFewSeeds(context), specs);
  const [digits] = await runSeeds(context, [community({ seed: "" })]);
  const cells = cases.map(({ name }, c) => {
    const each = reports[c]!;
    const of = (measure: (report: (typeof each)[number]) => number) =>
      intervalOf(each.map(measure));
    return {
      name,
      gained: of(({ base, last }) => 100 * (base.lossNats - last.lossNats)),
      forgotten: of(({ protected: suite }) =>
        suite === null ? 0 : 100 * (suite.last.lossNats - suite.base.lossNats),
      ),
      flips: of(({ negativeFlips }) => 100 * negativeFlips),
      flipsAVersion: of((report) => 100 * flipsAVersion(report)),
      suiteFlips: of(({ protected: suite }) => 100 * (suite?.negativeFlips ?? 0)),
    };
  });
  const flips = intervalOf(digits!.map(({ negativeFlips }) => 100 * negativeFlips));
  const digitsAVersion = intervalOf(digits!.map((report) => 100 * flipsAVersion(report)));
  const [withReplay] = cells;
  const flipRow = (what: string, found: Interval): Row => {
    const row = { what, value: found.mean, unit: "%", against: describeInterval(found, 2) };
    return judgedRow(row, "<=", FLIP_TARGET);
  };
  const title = "What presidents gains and forgets";
  return {
    rows: [
      flipRow("digits: negative flips, last version against version 0", flips),
      flipRow("digits: negative flips, a version against its parent, mean", digitsAVersion),
      decidedRow("digits, as shipped, 10 contributors, 20 pieces each", digits!),
      flipRow("presidents: negative flips, last version against version 0", withReplay!.flips),
      flipRow(
        "presidents: negative flips, a version against its parent, mean",
        withReplay!.flipsAVersion,
      ),
      flipRow("presidents: negative flips on Moby Dick", withReplay!.suiteFlips),
      ...cells.map(
        ({ name, forgotten }): Row => ({
          what: `presidents, ${name}: loss on Moby Dick, rise`,
          value: forgotten.mean,
          unit: "0.01 nats",
          against: describeInterval(forgotten, 2),
        }),
      ),
    ],
    markdown: `presidents, ${VOLUNTEERS} volunteers, ${VERSIONS} pieces each, or one alone, ${ALONE.versions} pieces; in hundredths of a nat.\n\n${table(
      [
        "with",
        "speeches gain",
        "Moby Dick loses",
        "flips, speeches",
        "flips a version",
        "flips, Moby Dick",
      ],
      cells.map(({ name, gained, forgotten, flips: own, flipsAVersion: each, suiteFlips }) => [
        name,
        formatInterval(gained, 2),
        formatInterval(forgotten, 2),
        `${formatInterval(own, 2)}%`,
        `${formatInterval(each, 2)}%`,
        `${formatInterval(suiteFlips, 2)}%`,
      ]),
    )}`,
    charts: [
      {
        name: "forgetting",
        title,
        svg: drawBars({
          title,
          label: "0.01 nats",
          kinds: ["speeches gain", "Moby Dick loses"],
          groups: cells.map(({ name, gained, forgotten }) => ({ name, bars: [gained, forgotten] })),
        }),
      },
    ],
  };
};
