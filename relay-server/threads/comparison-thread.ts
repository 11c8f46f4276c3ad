/** The thread that compares data that come later with what their model has (protocol R10), so that no request waits for it. */
import { parentPort } from "node:worker_threads";
import { sha256 } from "../../core/crypto/signature.ts";
import { FormatError } from "../../core/errors.ts";
import type { Suite } from "../../core/gate/judge.ts";
import { openSuiteFile, pickExamples, suiteExamples } from "../../core/gate/suite-file.ts";
import { createLeakFinder } from "../../core/gate/suite-leaks.ts";
import type { DataPlan } from "../../core/protocol/schemas/data.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import {
  decodeExamples,
  type Examples,
  encodeExamples,
  exampleShapeOf,
} from "../../core/training/examples.ts";
import { openAdditionFiles } from "../content/addition-files.ts";
import { damagedError } from "../content/damage.ts";
import { openHeldOutStore } from "../content/held-out-store.ts";
import { type ObjectsPlace, openObjects } from "../content/open-objects.ts";
import { openPublicBlobs } from "../content/public-blobs.ts";
import { answerCalls } from "./call-port.ts";

type PlannedShard = DataPlan["shards"][number];

/** New shards, and where they lie: among the files of that addition. */
export type NewShards = {
  readonly place: ObjectsPlace;
  readonly addition: string;
  readonly architecture: Recipe["architecture"];
  readonly shards: readonly PlannedShard[];
};

/** What new shards are compared with. */
export type LookTask = NewShards & {
  readonly model: string;
  /** Of a text: whether a token is a byte. */
  readonly isBytes: boolean;
  readonly sets: readonly Suite[];
  /** The files of contributed suites. */
  readonly suites: readonly Uint8Array[];
  /** Public blobs. */
  readonly known: readonly Pick<PlannedShard, "title" | "sha256">[];
  /** Of the addition's files: what was kept of it before. */
  readonly kept: readonly PlannedShard[];
};

type KeptShardFile = Pick<PlannedShard, "sha256" | "sizeBytes">;

/** What was found: rows are counted through all new shards. */
export type Looked = {
  /** Those that the model has, ascending. */
  readonly copies: Uint32Array;
  /** How many of them nobody may train on. */
  readonly heldOut: number;
  /** The SHA-256 of each known shard that could not be read. */
  readonly damaged: readonly string[];
};

const comparer = {
  /** Read all new shards. Throws a FormatError for what is no data of the architecture's. */
  async check(task: NewShards): Promise<void> {
    for await (const _ of examplesOf(task));
  },
  /** Look for the new shards' examples in all that the model has. */
  async look(task: LookTask): Promise<Looked> {
    const { architecture, isBytes, known } = task;
    const blobs = openPublicBlobs(openObjects(task.place));
    const finder = createLeakFinder(exampleShapeOf(architecture).kind, isBytes);
    for await (const rows of examplesOf(task)) finder.add(rows);
    for await (const set of judgingSets(task)) finder.look(set);
    const heldOut = finder.leaked().length;
    const damaged: string[] = [];
    for (const { title, sha256: id } of known) {
      const file = await blobs.read(id);
      if (file === null)
        damaged.push(id); // it is not trained on
      else finder.look(decodeExamples(`shard "${title}"`, file, architecture));
    }
    for await (const rows of examplesOf({ ...task, shards: task.kept })) finder.look(rows);
    return { copies: Uint32Array.from(finder.leaked()), heldOut, damaged };
  },
  /** Make a shard of these rows of the one new shard, and keep it among the addition's files. */
  async pick(task: NewShards, rows: Uint32Array): Promise<KeptShardFile> {
    const files = openAdditionFiles(openObjects(task.place));
    for await (const examples of examplesOf(task)) {
      const bytes = encodeExamples(
        rows.length < examples.count ? pickExamples(examples, rows) : examples,
      );
      const hash = await sha256(bytes);
      if (hash !== task.shards[0]?.sha256) await files.put(task.addition, hash, bytes);
      return { sha256: hash, sizeBytes: bytes.length };
    }
    throw new Error("internal: no shard to pick from");
  },
};
export type ComparisonThread = typeof comparer;

async function* examplesOf({
  place,
  addition,
  architecture,
  shards,
}: NewShards): AsyncGenerator<Examples> {
  const files = openAdditionFiles(openObjects(place));
  for await (const { title, examples, bytes } of files.shards(addition, shards)) {
    const decoded = decodeExamples(`shard "${title}"`, bytes, architecture);
    if (decoded.count !== examples) {
      throw new FormatError(`shard "${title}": ${decoded.count} examples, not ${examples}`);
    }
    yield decoded;
  }
}

/** The examples of the held-out sets and of the suites. */
async function* judgingSets(task: LookTask): AsyncGenerator<Examples> {
  const { place, model, architecture, sets, suites } = task;
  const heldOut = openHeldOutStore(openObjects(place));
  for (const suite of sets) {
    const name = `the ${suite} set`;
    const bytes = await heldOut.read(model, suite);
    if (bytes === null) throw damagedError(name);
    yield decodeExamples(name, bytes, architecture);
  }
  for (const bytes of suites) yield suiteExamples(openSuiteFile(bytes), architecture);
}

answerCalls(parentPort!, comparer);
