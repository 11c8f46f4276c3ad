import type { Entry } from "./contestant.ts";
import type { Host, Venue } from "./hosts.ts";
import type { Inspection } from "./stage.ts";

/** How one contestant did. */
export type Timing = {
  readonly entry: Entry;
  /** Median of `runs`, for one step. */
  readonly ms: number;
  /** The same in processor time, which others who use the machine do not lengthen; null where a GPU does the work. */
  readonly processorMs: number | null;
  readonly runs: number;
  readonly inspection: Inspection;
};

export type Patience = {
  readonly rounds: number;
  /** A run is as many steps as take about so long. */
  readonly sampleMs: number;
  /** Who has taken more than this runs no more, and has at least one run. */
  readonly mostMs: number;
};

const SLOW_MS = 5000; // who needs so long for a first step takes no second one before the clock starts
const MOST_STEPS = 200;

/** Run the entries in alternation, each in a host of its own, so that a busy moment falls on all of them. */
export async function timeEntries(
  venue: Venue,
  entries: readonly Entry[],
  { rounds, sampleMs, mostMs }: Patience,
): Promise<Timing[]> {
  const runners: Runner[] = [];
  try {
    for (const entry of entries) runners.push(await warmUp(await venue.host(), entry, sampleMs));
    expectOneLoss(runners);
    for (let round = 0; round < rounds; round++) {
      for (const runner of runners) {
        if (round > 0 && runner.spentMs > mostMs) continue;
        const before = await runner.host.processorMs();
        const { ms } = await runner.host.run(runner.steps);
        const after = await runner.host.processorMs();
        runner.spentMs += ms;
        runner.stepMs.push(ms / runner.steps);
        if (before !== null && after !== null) runner.workMs.push((after - before) / runner.steps);
      }
    }
    return runners.map(({ entry, stepMs, workMs, inspection }) => {
      const processorMs = workMs.length === 0 ? null : median(workMs);
      return { entry, ms: median(stepMs), processorMs, runs: stepMs.length, inspection };
    });
  } finally {
    for (const { host } of runners) await host.close();
  }
}

type Runner = {
  readonly entry: Entry;
  readonly host: Host;
  readonly firstLossNats: number;
  readonly inspection: Inspection;
  readonly steps: number;
  readonly stepMs: number[];
  readonly workMs: number[];
  spentMs: number;
};

async function warmUp(host: Host, entry: Entry, sampleMs: number): Promise<Runner> {
  await host.open(entry);
  const first = await host.inspect(); // compiles
  const inspection = first.ms > SLOW_MS ? first : await host.inspect();
  const steps = Math.min(MOST_STEPS, Math.max(1, Math.ceil(sampleMs / inspection.ms)));
  const firstLossNats = first.lossNats;
  return { entry, host, firstLossNats, inspection, steps, stepMs: [], workMs: [], spentMs: 0 };
}

/** They train the same model on the same batch, so the first loss is one and the same: else no figure would count. */
function expectOneLoss(runners: readonly Runner[]): void {
  const equal = runners.filter(({ entry }) => !/nanogpt|product/.test(entry.contestant));
  const expected = equal[0]?.firstLossNats ?? 0;
  for (const { entry, firstLossNats } of equal) {
    if (Math.abs(firstLossNats - expected) > 1e-3) {
      throw new Error(`${entry.contestant}: first loss ${firstLossNats}, not ${expected}`);
    }
  }
}

function median(values: readonly number[]): number {
  const ordered = values.toSorted((a, b) => a - b);
  const middle = ordered.length >> 1;
  const upper = ordered[middle] ?? Number.NaN;
  return ordered.length % 2 === 1 ? upper : (upper + (ordered[middle - 1] ?? upper)) / 2;
}
