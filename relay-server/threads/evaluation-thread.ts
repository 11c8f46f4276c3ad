/** The thread that runs one model on held-out examples, so that no forward pass stalls a request. */
import { parentPort } from "node:worker_threads";
import { LRUCache } from "lru-cache";
import { assert } from "../../core/errors.ts";
import type { Suite } from "../../core/gate/judge.ts";
import {
  openSuiteFile,
  pickExamples,
  suiteExamples,
  suiteRows,
} from "../../core/gate/suite-file.ts";
import { twinOf } from "../../core/gate/suite-noise.ts";
import { type MergeRules, mergeWeighted } from "../../core/merge/candidate.ts";
import type { Member } from "../../core/merge/member.ts";
import type { QuantisedStep } from "../../core/merge/quantised-step.ts";
import type { Architecture } from "../../core/protocol/schemas/recipe.ts";
import { applyDeltaStep, type DeltaStep } from "../../core/tensors/delta-step.ts";
import type { Layout } from "../../core/tensors/layout.ts";
import { encodeNext, type NextCheckpoint } from "../../core/tensors/next-checkpoint.ts";
import {
  answersOf,
  decodeExamples,
  type Examples,
  encodeExamples,
  sliceExamples,
} from "../../core/training/examples.ts";
import type { Evaluation } from "../../core/training/metrics.ts";
import { openBackend } from "../../kernels/backend.ts";
import { checked } from "../content/damage.ts";
import { type HeldOutStore, openHeldOutStore } from "../content/held-out-store.ts";
import { type ObjectsPlace, openObjects } from "../content/open-objects.ts";
import { answerCalls } from "./call-port.ts";
import { nodeThreads } from "./kernel-threads.ts";
import { openOnce } from "./open-once.ts";

export type EvaluatedModel = {
  readonly id: string;
  readonly architecture: Architecture;
  /** What they hash to. */
  readonly hashes: Readonly<Partial<Record<Suite, string>>>;
};

/** A contributed suite's file, and which of its rows are not used. */
export type SuiteToLoad = {
  /** What tasks call it. */
  readonly name: string;
  /** SHA-256 of the file. */
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly setAside: readonly number[];
};

export type EvaluationTask = {
  readonly model: string;
  /** A held-out set of the recipe, or a suite that `loadSuite` brought. */
  readonly set: Suite | { readonly suite: string };
  /** Examples from…to−1 of the set. */
  readonly range: readonly [number, number];
  /** Which of them alone are run, counted from the first of the range; all where it is absent. */
  readonly rows?: Uint32Array;
  /** A checkpoint that `load` brought. */
  readonly checkpoint: string;
  /** What is changed in it before it runs: new values at ascending positions. */
  readonly step: { readonly positions: Uint32Array; readonly values: Float32Array } | null;
  /** Seed of the equally good model (protocol U4) that runs in the checkpoint's place, if any. */
  readonly twin?: string;
};

/** Some examples as a shard file, and how many answers each asks for. */
export type CutExamples = {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly count: number;
  readonly answers: number;
};

export type MergeTask = {
  /** A checkpoint that `load` brought. */
  readonly checkpoint: string;
  /** Ids of members that `loadCohort` brought. */
  readonly members: readonly string[];
  readonly multipliers: readonly number[];
  readonly rules: MergeRules;
};

export type NextTask = {
  /** A checkpoint that `load` brought. */
  readonly checkpoint: string;
  readonly layout: Layout;
  readonly step: DeltaStep;
};

const KEPT_CHECKPOINTS = 3; // the head, the last release, and the head before while a step on it ends
const KEPT_SUITES = 20; // those in force, 16 at most, and the one that is looked at
const KEPT_EVALUATIONS = 128; // of unchanged checkpoints, in pieces: every candidate is compared with the same

let opened: EvaluatedModel | null = null;
let heldOut: HeldOutStore | null = null;
const sets = new Map<string, Examples>();
const suites = new LRUCache<string, Examples>({ max: KEPT_SUITES });
const checkpoints = new LRUCache<string, Float32Array>({ max: KEPT_CHECKPOINTS });
const parents = new LRUCache<string, Evaluation>({ max: KEPT_EVALUATIONS });
let cohort: ReadonlyMap<string, Member> = new Map();

/** Load tfjs and open its backend, for the first evaluation: a start without any is faster. */
const openEngine = openOnce(async () => {
  const { evaluate } = await import("../../core/training/evaluate.ts");
  await openBackend({ prefer: "cpu", threads: nodeThreads() });
  return evaluate;
});

const evaluator = {
  /** `place` is where the held-out sets lie. */
  async open(model: EvaluatedModel, place: ObjectsPlace): Promise<void> {
    opened = model;
    heldOut = openHeldOutStore(openObjects(place));
  },
  /** Whether it is loaded; what is asked for stays longer. */
  async has(checkpoint: string): Promise<boolean> {
    return checkpoints.get(checkpoint) !== undefined;
  },
  async load(checkpoint: string, parameters: Float32Array): Promise<void> {
    checkpoints.set(checkpoint, parameters);
  },
  async hasSuite(name: string): Promise<boolean> {
    return suites.get(name) !== undefined;
  },
  async loadSuite({ name, id, bytes, setAside }: SuiteToLoad): Promise<void> {
    assert(opened !== null, "no model is open");
    const suite = openSuiteFile(bytes);
    const rows = suiteRows(id, suite.examples, setAside);
    const examples = pickExamples(suiteExamples(suite, opened.architecture), rows);
    suites.set(name, examples);
  },
  /** Examples from…to−1 of a held-out set, as a file of their own. */
  async cut({
    model: id,
    set,
    range,
  }: Pick<EvaluationTask, "model" | "set" | "range">): Promise<CutExamples> {
    assert(opened?.id === id, `${id} is not open`);
    const examples = sliceExamples(await examplesOf(opened, set), ...range);
    return { bytes: encodeExamples(examples), count: examples.count, answers: answersOf(examples) };
  },
  async evaluate(task: EvaluationTask): Promise<Evaluation> {
    const { model: id, set, range, rows, checkpoint, step, twin } = task;
    const model = opened;
    assert(model?.id === id, `${id} is not open`);
    const base = parametersOf(checkpoint);
    const name = `${typeof set === "string" ? set : set.suite} ${range} ${checkpoint}`;
    const isPlain = step === null && twin === undefined && rows === undefined;
    const known = isPlain ? parents.get(name) : undefined;
    if (known !== undefined) return known;
    const run = await openEngine();
    const piece = sliceExamples(await examplesOf(model, set), ...range);
    const examples = rows === undefined ? piece : pickExamples(piece, rows);
    const { architecture } = model;
    const stepped = step === null ? base : applyDeltaStep(base, step);
    const parameters = twin === undefined ? stepped : twinOf(stepped, twin);
    const evaluation = await run({ architecture, parameters, examples });
    if (isPlain) parents.set(name, evaluation);
    return evaluation;
  },
  /** Keep a cohort's members in place of the last one's. Those of one mask share its array of positions. */
  async loadCohort(members: readonly Member[]): Promise<void> {
    cohort = new Map(members.map((member) => [member.id, member]));
  },
  async merge({ checkpoint, members, multipliers, rules }: MergeTask): Promise<QuantisedStep> {
    const merged = members.map((id) => {
      const member = cohort.get(id);
      assert(member !== undefined, `the contribution ${id} is not loaded`);
      return member;
    });
    return mergeWeighted(parametersOf(checkpoint), merged, multipliers, rules);
  },
  /** What a step makes of a checkpoint, and the step's file. */
  async encodeNext({ checkpoint, layout, step }: NextTask): Promise<NextCheckpoint> {
    return encodeNext(layout, parametersOf(checkpoint), step);
  },
};
export type EvaluationThread = typeof evaluator;

function parametersOf(checkpoint: string): Float32Array {
  const parameters = checkpoints.get(checkpoint);
  assert(parameters !== undefined, `the checkpoint ${checkpoint} is not loaded`);
  return parameters;
}

async function examplesOf(model: EvaluatedModel, set: EvaluationTask["set"]): Promise<Examples> {
  if (typeof set !== "string") {
    const suite = suites.get(set.suite);
    assert(suite !== undefined, `the suite ${set.suite} is not loaded`);
    return suite;
  }
  const known = sets.get(set);
  if (known !== undefined) return known;
  const name = `the ${set} set of ${model.id}`;
  const read = await heldOut?.read(model.id, set);
  const bytes = await checked(name, read ?? new Uint8Array(), model.hashes[set] ?? "");
  const examples = decodeExamples(name, bytes, model.architecture);
  sets.set(set, examples);
  return examples;
}

answerCalls(parentPort!, evaluator);
