import type { MergedStep } from "../merge/mean.ts";
import type { Recipe } from "../protocol/schemas/recipe.ts";
import type { Evaluation } from "../training/metrics.ts";
import type { GatePackets } from "./packets.ts";

/** The held-out sets, which only judging looks at. */
export type Suite = "score" | "gate" | "protected" | "report";

/** A suite that somebody contributed and a maintainer accepted (protocol U6). */
export type ContributedSuite = {
  readonly name: string;
  /** SHA-256 of its file. */
  readonly id: string;
  /** Those that are used, in the order of U5. */
  readonly examples: number;
  readonly marginNats: number;
};

/** What is judged: the head, with a step on top or as it is (null), the last release, or the best version since that. */
export type Subject = { readonly head: MergedStep | null } | "release" | "best";

/** Runs models on held-out examples: a thread of the relay, or the simulation's own process. */
export type Judge = {
  /** What the subject does on the examples from…to−1 of a suite. */
  evaluate(
    suite: Suite | ContributedSuite,
    subject: Subject,
    range: readonly [number, number],
  ): Promise<Evaluation>;
};

/** Versions that a candidate must not be worse than, and where in a suite its tests start. */
export type GateSetting = {
  readonly recipe: Recipe;
  readonly judge: Judge;
  /** Suites beside the recipe's own. */
  readonly suites: readonly ContributedSuite[];
  /** Number of the head. */
  readonly parent: number;
  /** Number of the last release; version 0 where nothing was tagged. */
  readonly release: number;
  /** Number of the version of least loss since the release, that and the head among them: small losses must not add up. */
  readonly best: number;
  /** In [0, 1): each version's tests begin at another piece of a suite, whose examples lie in random order. */
  readonly start: number;
  /** Null where the history has promised none: a suite is then one piece, which every gate uses again. */
  readonly packets: GatePackets | null;
};
