import { flipFault, testFault } from "../gate/gate-evidence.ts";
import {
  GATE_SUITES,
  type OpenedPackets,
  type SealedSuite,
  type VersionRecord,
} from "../protocol/schemas/version.ts";
import type { Evaluation } from "../training/metrics.ts";
import { HistoryError } from "./history-fault.ts";
import { isRecomputable, testedPackets } from "./opened-packets.ts";

/** Runs a model with these parameters [N] on packets, whose files they are, one after the other. */
export type EvaluatePackets = (
  parameters: Float32Array,
  packets: readonly Uint8Array[],
) => Promise<Evaluation>;

/** A version whose gate is to be recomputed, and what leads to it. */
type TestedVersion = {
  readonly record: VersionRecord;
  readonly suites: readonly SealedSuite[];
  /** Packets that were open at the parent; undefined where the history promised none. */
  readonly before: OpenedPackets | undefined;
  /** The bytes of a packet by its hash. */
  readonly packet: (hash: string) => Uint8Array;
  /** A version's parameters [N]: of this one, and of those that its tests name. */
  readonly parametersOf: (version: number) => Float32Array;
};

/**
 * Recompute the tests of a version's gate on the packets that it opened (protocol V13). Throws a HistoryError `gate` where they
 * come out otherwise than its record says.
 */
async function recomputeGate(version: TestedVersion, evaluate: EvaluatePackets): Promise<void> {
  const { record, suites, before, parametersOf } = version;
  const { gate } = record.evaluation;
  for (const sealed of suites) {
    const { suite } = sealed;
    const tests = (gate?.tests ?? []).filter(
      (test) => test.suite === suite && isRecomputable(test),
    );
    if (tests.length === 0) continue;
    const opening = { before, after: record.packets };
    const files = testedPackets(sealed, opening, tests).map(version.packet);
    const runs = new Map<number, Evaluation>(); // parent, release and best are often one version
    const runOf = async (number: number) => {
      const run = runs.get(number) ?? (await evaluate(parametersOf(number), files));
      runs.set(number, run);
      return run;
    };
    const own = await runOf(record.number);
    for (const test of tests) {
      const fault = testFault(test, own, await runOf(test.version));
      if (fault !== null) {
        const against = `its ${suite} test against version ${test.version}`;
        throw new HistoryError("gate", record.number, `${against}, run again, ${fault}`);
      }
    }
    if (suite === "gate" && gate?.flips !== undefined) {
      const fault = flipFault(gate.flips, own, await runOf(gate.flips.version));
      if (fault !== null) throw new HistoryError("gate", record.number, fault);
    }
  }
}

/** Recomputes the gates of a history, version by version. */
export type GateChecks = {
  /** A version's parameters [N], which may be overwritten afterwards, are known. */
  keep(version: number, parameters: Float32Array): void;
  /** Recompute the gate of `record`, whose parameters [N] and opened packets these are. */
  check(
    record: VersionRecord,
    parameters: Float32Array,
    packets: ReadonlyMap<string, Uint8Array>,
  ): Promise<void>;
};

const MOST_KEPT = 16; // versions: parent, release and best of each, some of them for long

/** Keeps the parameters of versions that later gates were compared with. */
export function createGateChecks(
  records: readonly VersionRecord[],
  evaluate: EvaluatePackets,
): GateChecks {
  const last = lastNamed(records);
  const kept = new Map<number, Float32Array>();
  function keep(version: number, parameters: Float32Array): void {
    if ((last.get(version) ?? 0) > version) kept.set(version, new Float32Array(parameters));
  }
  return {
    keep,
    async check(record, parameters, packets) {
      const { number } = record;
      await recomputeGate(
        {
          record,
          suites: records[0]?.suites ?? [],
          before: records[number - 1]?.packets,
          packet: (hash) => packets.get(hash)!, // the reader has read all that the version opens
          parametersOf(version) {
            const known = version === number ? parameters : kept.get(version);
            if (known !== undefined) return known;
            throw new HistoryError("gate", number, `its tests name version ${version}`);
          },
        },
        evaluate,
      );
      for (const version of kept.keys()) if (last.get(version)! <= number) kept.delete(version);
      keep(number, parameters);
      if (kept.size > MOST_KEPT) {
        throw new HistoryError(
          "gate",
          number,
          `its tests and later ones name ${kept.size} versions`,
        );
      }
    },
  };
}

/** The last version whose gate is compared with each earlier one's parameters. */
function lastNamed(records: readonly VersionRecord[]): ReadonlyMap<number, number> {
  const last = new Map<number, number>();
  for (const { number, evaluation } of records) {
    const tests = (evaluation.gate?.tests ?? []).filter(isRecomputable);
    for (const { version } of tests) last.set(version, number);
    if (tests.length > 0 && evaluation.gate?.flips !== undefined) {
      last.set(evaluation.gate.flips.version, number);
    }
  }
  return last;
}

/** How many gates of a history anyone can recompute, and how many only the relay. */
export function countGates(records: readonly VersionRecord[]): { fresh: number; reused: number } {
  const tested = records.map(({ evaluation }) =>
    (evaluation.gate?.tests ?? []).filter(({ suite }) => GATE_SUITES.some((own) => own === suite)),
  );
  const gates = tested.filter((tests) => tests.length > 0);
  const fresh = gates.filter((tests) => tests.every(isRecomputable)).length;
  return { fresh, reused: gates.length - fresh };
}
