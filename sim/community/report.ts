import type { RejectCode } from "../../core/protocol/reject-codes.ts";
import type { Metrics } from "../../core/protocol/schemas/version.ts";
import type { Chore } from "./stopwatch.ts";

/** How good a version is, and what it took to get there. */
export type CurvePoint = {
  readonly accuracy: number;
  readonly lossNats: number;
  /** What all volunteers together have sent and loaded so far, without shards and the first checkpoint. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** The first of them if positions cost no more than their entropy, where they cost more. */
  readonly bytesUpAtEntropy?: number;
};

/** The course of a training on the report set, by whatever way. */
export type Curve = {
  /** Version 0. */
  readonly base: Metrics;
  readonly last: Metrics;
  readonly versions: readonly CurvePoint[];
};

/** A published version of a simulated community. */
export type VersionReport = CurvePoint & {
  readonly version: number;
  /** Simulated seconds since the start. */
  readonly at: number;
  readonly merged: number;
  readonly liesMerged: number;
  /** Candidates that the gate tested, and the examples that the one that passed took. */
  readonly tests: number;
  readonly gateExamples: number;
  /** Share of what its parent had right that it has wrong, on the report set. */
  readonly negativeFlips: number;
  /** Share of triggered examples that it answers as a backdoor wants. */
  readonly backdoor: number;
};

/** Everything that screens and scores can say of one contribution. */
export type Probe = {
  /** With the relay's own training; absent where the recipe has no references. */
  readonly cosine?: number;
  readonly z?: number;
  readonly share?: number | null;
  /** Over the mean length of the relay's own pieces. */
  readonly length?: number;
  /** g·δ at the recipe's share of the step: what the held-out loss should change by, in nats. */
  readonly slopeNats: number;
  /** What it does change by. */
  readonly riseNats: number;
  /** The largest cosine with other people's work on the same mask. */
  readonly likeness: number;
  /** Which of them would let it through, at the recipe's bounds. */
  readonly passes: Readonly<Record<"agreement" | "likeness" | "slope" | "score", boolean>>;
};

export type Fate = "merged" | "waiting" | RejectCode;

/** A contribution that arrived. */
export type ContributionReport = {
  readonly isLie: boolean;
  fate: Fate;
  /** Versions that its base was behind when it arrived. */
  readonly lag: number;
  /** Whether its mask was in force then. */
  readonly isOnMask: boolean;
  readonly sizeBytes: number;
  /** The version that was the head when it arrived. */
  readonly head: number;
  readonly probe: Probe | null;
};

/** What a run comes to; plain JSON. */
export type CommunityReport = Omit<Curve, "versions"> & {
  readonly versions: readonly VersionReport[];
  readonly contributions: readonly ContributionReport[];
  /** Seconds of the relay's processor by chore, over the whole run. */
  readonly relaySeconds: Readonly<Record<Chore, number>>;
  /** Seconds that the probe took, which no relay would spend: slopes as "screen", scores as "score". */
  readonly probeSeconds: Readonly<Record<Chore, number>>;
  /** Share of what version 0 had right that the last has wrong, on the report set. */
  readonly negativeFlips: number;
  /** On the protected suite, version 0 and the last, where there is one. */
  readonly protected: {
    readonly base: Metrics;
    readonly last: Metrics;
    readonly negativeFlips: number;
  } | null;
  /** Share of triggered examples that the base and the last version answer as a backdoor wants. */
  readonly backdoor: { readonly base: number; readonly last: number };
};
