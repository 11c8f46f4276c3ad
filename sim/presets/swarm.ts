import { judgedRow, type Row } from "../../bench/figures.ts";
import { CHUNK_BYTES } from "../../core/protocol/limits.ts";
import { drawLines } from "../charts/line-chart.ts";
import type { CrowdReport, CrowdSpec } from "../swarm/crowd-run.ts";
import type { ChunkSource } from "../swarm/newcomer.ts";
import { table } from "./markdown.ts";
import type { Preset } from "./preset.ts";

const SIZES = [1, 3, 10, 50, 100, 300, 1000];
const FEW_SIZES = [1, 10, 50, 200, 1000];
const MOST_ALONE = 200; // peers; beyond, all that the relay can send is sent, and nobody is done in time
const JUDGED_SIZE = 50;
const CHUNKS = 238; // 250 MB: 62M parameters
const FEW_CHUNKS = 20; // 20 MB: a load is over before many connections open
const STAY_SECONDS = 1800;
const UNMEASURED_SECONDS = 300;
const NEWCOMERS = 60; // measured under one seed, and those of 100 s at least
const MOST_SEEDS = 3; // each has dozens of newcomers
const MBIT = 125_000; // bytes a second
const LOADS = [
  { name: "relay of 1 Gbit/s", relayRate: 1000 * MBIT, chunks: CHUNKS },
  { name: "relay of 100 Mbit/s", relayRate: 100 * MBIT, chunks: CHUNKS },
  { name: "20 MB, relay of 1 Gbit/s", relayRate: 1000 * MBIT, chunks: FEW_CHUNKS },
];
const ON_PROCESSOR = 0.3; // of the pages, in the row of those that give nothing while they train
const PAIRS = { share: 0.2, of: "pairs" } as const;
const BROWSERS = { share: 0.2, of: "browsers" } as const;
const FROM_PEERS_TARGET = 90; // percent
const GROWTH_TARGET = 0.5; // the power of the square root
const SLOWER_TARGET = 1.1;

/** The reports of one size under all seeds. */
type Cell = Pick<CrowdSpec, "peers" | "chunks"> & { readonly reports: readonly CrowdReport[] };

/** What swarms of 1 to 1,000 peers spare the relay, and how long a newcomer loads. */
export const swarm: Preset = async ({ crowds, isQuick, seeds }) => {
  const sizes = isQuick ? FEW_SIZES : SIZES;
  const run = (
    changes: Pick<CrowdSpec, "peers" | "chunks" | "relayRate"> & Partial<CrowdSpec>,
  ): Cell => {
    const { peers, chunks } = changes;
    const measured = Math.max(100, (NEWCOMERS * STAY_SECONDS) / peers);
    const specs = seeds.slice(0, MOST_SEEDS).map((seed) => ({
      staySeconds: STAY_SECONDS,
      seconds: UNMEASURED_SECONDS + measured,
      unmeasuredSeconds: UNMEASURED_SECONDS,
      blocked: PAIRS,
      isSharing: true,
      onProcessor: 0,
      ...changes,
      seed,
    }));
    return { peers, chunks, reports: crowds(specs) };
  };
  const studies = LOADS.map(({ name, ...load }) => ({
    name,
    shared: sizes.map((peers) => run({ ...load, peers })),
    alone: sizes
      .filter((peers) => peers <= MOST_ALONE)
      .map((peers) => run({ ...load, peers, isSharing: false })),
    cutOff: run({ ...load, peers: JUDGED_SIZE, blocked: BROWSERS }),
    pausing: run({ ...load, peers: JUDGED_SIZE, onProcessor: ON_PROCESSOR }),
  }));
  const titles = ["What the relay sends to a newcomer", "How long a newcomer loads"] as const;
  return {
    rows: studies.flatMap(rowsOf),
    markdown: studies.map(tableOf).join("\n\n"),
    charts: [
      {
        name: "swarm-relay",
        title: titles[0],
        svg: drawLines({
          title: titles[0],
          x: { label: "peers", isLogarithmic: true },
          y: { label: "% of the model" },
          series: studies.map(({ name, shared }) => ({
            name,
            points: shared.map((cell) => ({ x: cell.peers, y: 100 * relayShare(cell) })),
          })),
          targets: [{ name: "target at 50 peers", y: 100 - FROM_PEERS_TARGET }],
        }),
      },
      {
        name: "swarm-time",
        title: titles[1],
        svg: drawLines({
          title: titles[1],
          x: { label: "peers", isLogarithmic: true },
          y: { label: "s, median" },
          series: studies.flatMap(({ name, shared, alone }) => [
            { name, points: timePoints(shared) },
            { name: `${name}, alone`, points: timePoints(alone) },
          ]),
        }),
      },
    ],
  };
};

type Study = {
  readonly name: string;
  readonly shared: readonly Cell[];
  readonly alone: readonly Cell[];
  readonly cutOff: Cell;
  readonly pausing: Cell;
};

function rowsOf({ name, shared, alone, cutOff, pausing }: Study): Row[] {
  const at = (cells: readonly Cell[]) => cells.find(({ peers }) => peers === JUDGED_SIZE)!;
  const [together, apart] = [at(shared), at(alone)];
  const percent = (what: string, share: number): Row => ({
    what: `${name}: ${what}`,
    value: 100 * share,
    unit: "%",
  });
  const crowdsOnly = shared.filter(({ peers }) => peers >= 10);
  const growth = powerOf(
    crowdsOnly.map((cell) => ({ x: cell.peers, y: cell.peers * relayShare(cell) })),
  );
  const slower = (what: string, share: number): Row => ({
    what: `${name}: ${what} at ${JUDGED_SIZE} peers, over HTTP alone`,
    value: loadTime(together, share) / loadTime(apart, share),
    unit: "times",
    against: `${loadTime(together, share).toFixed(1)} s against ${loadTime(apart, share).toFixed(1)} s`,
  });
  return [
    judgedRow(
      percent(`bytes from peers at ${JUDGED_SIZE} peers`, 1 - relayShare(together)),
      ">=",
      FROM_PEERS_TARGET,
    ),
    judgedRow(
      {
        what: `${name}: power by which the relay's bytes grow with the peers`,
        value: growth,
        unit: "",
      },
      "<=",
      GROWTH_TARGET,
    ),
    judgedRow(slower("quickest tenth of the loads", 0.1), "<=", SLOWER_TARGET),
    judgedRow(slower("median load", 0.5), "<=", SLOWER_TARGET),
    judgedRow(slower("95th percentile of the load", 0.95), "<=", SLOWER_TARGET),
    percent(
      `bytes from peers at ${JUDGED_SIZE} peers, where 20% of browsers can connect with nobody`,
      1 - relayShare(cutOff),
    ),
    percent(
      `bytes from peers at ${JUDGED_SIZE} peers, where ${100 * ON_PROCESSOR}% of pages train on the processor`,
      1 - relayShare(pausing),
    ),
    percent(
      "connections that opened",
      sum(together, ({ connected }) => connected) / sum(together, ({ tried }) => tried),
    ),
  ];
}

function tableOf({ name, shared, alone }: Study): string {
  const head = ["peers", "newcomers", "relay sends", "probe", "behind", "late", "nobody has it"];
  const rows = shared.map((cell, i) => {
    const all = sum(cell, ({ chunks }) => Object.values(chunks).reduce((a, b) => a + b, 0));
    const why = (source: ChunkSource) =>
      `${((100 * sum(cell, ({ chunks }) => chunks[source])) / all).toFixed(1)}%`;
    const time = (one: Cell | undefined, share: number) => {
      if (one === undefined) return "not run";
      const seconds = loadTime(one, share);
      return Number.isFinite(seconds) ? `${Number(seconds.toPrecision(2))} s` : "> 300 s";
    };
    return [
      String(cell.peers),
      String(sum(cell, ({ newcomers }) => newcomers)),
      `${(100 * relayShare(cell)).toFixed(1)}%`,
      ...(["probe", "behind", "late", "unheld"] as const).map(why),
      ...[0.5, 0.95].map((share) => `${time(cell, share)} (${time(alone[i], share)})`),
    ];
  });
  return `${name}:\n\n${table([...head, "median load (alone)", "95% of loads (alone)"], rows)}`;
}

/** What the relay sent to a newcomer, over what there was to load. */
function relayShare(cell: Cell): number {
  const newcomers = sum(cell, (report) => report.newcomers);
  return sum(cell, ({ relayBytes }) => relayBytes) / (newcomers * cell.chunks * CHUNK_BYTES);
}

/** Within how many seconds so many of the newcomers were done; infinite where fewer ever were. */
function loadTime({ reports }: Cell, share: number): number {
  const loads = reports.flatMap((report) =>
    report.loads.map((load) => load ?? Number.POSITIVE_INFINITY),
  );
  return loads.sort((a, b) => a - b)[Math.ceil(share * loads.length) - 1]!;
}

function timePoints(cells: readonly Cell[]): { x: number; y: number }[] {
  return cells
    .map((cell) => ({ x: cell.peers, y: loadTime(cell, 0.5) }))
    .filter(({ y }) => Number.isFinite(y));
}

/** The power of x that y grows with: the least squares' slope of the logarithms. */
function powerOf(points: readonly { readonly x: number; readonly y: number }[]): number {
  const logs = points.map(({ x, y }) => ({ x: Math.log(x), y: Math.log(y) }));
  const mean = (of: (point: { x: number; y: number }) => number) =>
    logs.reduce((total, point) => total + of(point), 0) / logs.length;
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)];
  return mean((point) => (point.x - x) * (point.y - y)) / mean((point) => (point.x - x) ** 2);
}

function sum({ reports }: Cell, of: (report: CrowdReport) => number): number {
  return reports.reduce((total, report) => total + of(report), 0);
}
