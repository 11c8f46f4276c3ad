import { setImmediate as othersTurn } from "node:timers/promises";
import { assert, FormatError } from "../../core/errors.ts";
import type { Suite } from "../../core/gate/judge.ts";
import { openSuiteFile, pickExamples, suiteExamples } from "../../core/gate/suite-file.ts";
import { createLeakFinder } from "../../core/gate/suite-leaks.ts";
import type { SourceShard } from "../../core/models/model-source.ts";
import { encodeCanonical } from "../../core/protocol/canonical-json.ts";
import type { AddData } from "../../core/protocol/schemas/act.ts";
import type { DataOutcome } from "../../core/protocol/schemas/addition.ts";
import type { DataPlan, ShardList } from "../../core/protocol/schemas/data.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import type { Shard } from "../../core/protocol/schemas/ticket.ts";
import {
  decodeExamples,
  type Examples,
  encodeExamples,
  joinExamples,
} from "../../core/training/examples.ts";
import { damagedError, shardFile } from "../content/damage.ts";
import { suitesOf } from "../content/held-out-store.ts";
import type { RelayContext } from "../context.ts";
import type { SuiteEntry } from "../store/sql/suites.ts";
import type { ShardRow } from "../store/tables.ts";
import { decodeAct, nextAct } from "./acts.ts";
import type { AddedBy } from "./import-model.ts";

type DataContext = Pick<
  RelayContext,
  "history" | "blobs" | "heldOut" | "damage" | "identity" | "clock"
>;

type Adding = {
  /** The addition's: the hash of its plan. */
  readonly id: string;
  readonly plan: DataPlan;
  /** The model's. */
  readonly recipe: Recipe;
  /** The plan's shards, as often as they are asked for. */
  shards(): AsyncIterable<SourceShard>;
  readonly addedBy: AddedBy;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
};

/** A shard that is kept, before it has its index. */
type NewShard = Omit<Shard, "index">;

/** What examples are compared with: whatever judges the model, and what it learns from. */
type Compared = {
  readonly sets: readonly Suite[];
  /** Those that people proposed and nobody refused or withdrew. */
  readonly suites: readonly SuiteEntry[];
  readonly shards: readonly ShardRow[];
};

const LOOKED_AT_ONCE_BYTES = 8 << 20; // of new shards: their contents as keys take ten times as much

/**
 * Give a model the examples of a plan's shards that it does not have (protocol R10): a signed act, and rows from which the next
 * ticket draws. All is read before anything is kept. What is entered already comes to what it came to. Throws a FormatError for
 * what is no data of the model's, or not new.
 */
export async function addData(context: DataContext, adding: Adding): Promise<DataOutcome> {
  const { id, plan, recipe } = adding;
  const removed = { heldOut: 0, known: 0 };
  let looked: Compared = { sets: [], suites: [], shards: [] };
  let kept: readonly NewShard[] | null = null;
  for (;;) {
    const entered = await enteredOutcome(context, id);
    if (entered !== null) return entered; // before the relay was ended, or by another relay
    const present = await comparedWith(context, recipe);
    const against = newsOf(present, looked);
    if (kept === null || against.suites.length + against.shards.length > 0) {
      const shards: AsyncIterable<SourceShard> =
        kept === null ? readTwice(adding) : readKept(context, kept);
      kept = await keepNew(context, adding, { against, shards, removed });
    }
    looked = present;
    if (kept.length === 0) {
      throw new FormatError(
        `${plan.source}: nothing new; ${removed.known} examples are in the model's shards and ${removed.heldOut} are held out`,
      );
    }
    const outcome = await enter(context, adding, { kept, removed, looked });
    if (outcome !== null) return outcome;
  }
}

/** What an addition of data came to that is in the ledger; null for one that is not. */
export async function enteredOutcome(
  { history }: Pick<RelayContext, "history">,
  id: string,
): Promise<DataOutcome | null> {
  const row = await history.dataAct(id);
  if (row === undefined) return null;
  const { deed } = decodeAct(row).record;
  assert(deed.kind === "add-data", `the act ${row.id} adds data`);
  const { shards, examples, removed } = deed;
  return { shards, examples, removed };
}

async function comparedWith({ history }: DataContext, recipe: Recipe): Promise<Compared> {
  const suites = (await history.suites(recipe.id)).filter(({ state }) => {
    return state !== "refused" && state !== "withdrawn";
  });
  return { sets: suitesOf(recipe), suites, shards: await history.shards(recipe.id) };
}

/** What of `present` was not there `before`. */
function newsOf(present: Compared, before: Compared): Compared {
  const known = new Set(before.suites.map(({ id }) => id));
  return {
    sets: present.sets.filter((set) => !before.sets.includes(set)),
    suites: present.suites.filter(({ id }) => !known.has(id)),
    shards: present.shards.slice(before.shards.length), // none ever goes
  };
}

/** The plan's shards, once each of them was read: it says what is wrong with it. */
async function* readTwice({ shards, recipe }: Adding): AsyncGenerator<SourceShard> {
  for await (const shard of shards()) decodeShard(shard, recipe);
  yield* shards();
}

async function* readKept(
  { blobs }: DataContext,
  kept: readonly NewShard[],
): AsyncGenerator<SourceShard> {
  for (const { title, sha256, examples } of kept) {
    const bytes = await blobs.read(sha256);
    if (bytes === null) throw damagedError(`shard "${title}"`);
    yield { title, examples, bytes };
  }
}

type Keeping = {
  readonly against: Compared;
  readonly shards: AsyncIterable<SourceShard>;
  /** Counts what is left out. */
  readonly removed: { heldOut: number; known: number };
};

/** Keep the examples that are neither among `against` nor in a batch before. */
async function keepNew(
  context: DataContext,
  { plan, recipe, signal, onProgress }: Adding,
  { against, shards, removed }: Keeping,
): Promise<NewShard[]> {
  const kept: NewShard[] = [];
  let done = 0;
  for await (const batch of batchesOf(shards)) {
    const examples = batch.map((shard) => decodeShard(shard, recipe));
    const looking = { recipe, against, kept, signal };
    const copies = await findCopies(context, looking, joinExamples(examples));
    removed.heldOut += copies.heldOut;
    removed.known += copies.rows.size - copies.heldOut;
    let row = 0;
    for (const [i, { title }] of batch.entries()) {
      const own = examples[i]!;
      const rows = Uint32Array.from({ length: own.count }, (_, at) => at);
      const fresh = rows.filter((at) => !copies.rows.has(row + at));
      row += own.count;
      if (fresh.length === 0) continue;
      const bytes = encodeExamples(fresh.length < own.count ? pickExamples(own, fresh) : own);
      const sha256 = await context.blobs.put(bytes);
      kept.push({ title, sha256, sizeBytes: bytes.length, examples: fresh.length });
    }
    done += batch.length;
    onProgress(done, plan.shards.length);
  }
  return kept;
}

function decodeShard({ title, examples, bytes }: SourceShard, { architecture }: Recipe): Examples {
  const decoded = decodeExamples(`shard "${title}"`, bytes, architecture);
  if (decoded.count === examples) return decoded;
  throw new FormatError(`shard "${title}": ${decoded.count} examples, not ${examples}`);
}

async function* batchesOf(shards: AsyncIterable<SourceShard>): AsyncGenerator<SourceShard[]> {
  let batch: SourceShard[] = [];
  let sizeBytes = 0;
  for await (const shard of shards) {
    if (batch.length > 0 && sizeBytes + shard.bytes.length > LOOKED_AT_ONCE_BYTES) {
      yield batch;
      batch = [];
      sizeBytes = 0;
    }
    batch.push(shard);
    sizeBytes += shard.bytes.length;
  }
  if (batch.length > 0) yield batch;
}

type Looking = {
  readonly recipe: Recipe;
  readonly against: Compared;
  /** New shards that are kept so far. */
  readonly kept: readonly NewShard[];
  readonly signal: AbortSignal;
};

/**
 * The rows of `examples` that the model has: the first `heldOut` of them where nobody may train on them. All of the model's shards
 * are read for each batch, so that the work of an addition grows with its size times the model's.
 */
async function findCopies(
  context: DataContext,
  { recipe, against, kept, signal }: Looking,
  examples: Examples,
): Promise<{ readonly rows: ReadonlySet<number>; readonly heldOut: number }> {
  const finder = createLeakFinder(examples, recipe.data.tokenizer === undefined);
  for await (const set of judgingSets(context, recipe, against)) {
    await othersTurn(undefined, { signal });
    finder.look(set);
  }
  const heldOut = finder.leaked().length;
  for (const shard of [...against.shards, ...kept]) {
    await othersTurn(undefined, { signal }); // 4 MiB of text take half a second of this thread, of images a fiftieth
    const file = await context.damage.read(shardFile(recipe.id, shard)); // a damaged one is not trained on
    if (file !== null) finder.look(decodeExamples(shard.title, file, recipe.architecture));
  }
  return { rows: new Set(finder.leaked()), heldOut };
}

/** The examples of the held-out sets and of the suites. */
async function* judgingSets(
  { history, blobs, heldOut }: DataContext,
  { id: model, architecture }: Recipe,
  { sets, suites }: Compared,
): AsyncGenerator<Examples> {
  for (const suite of sets) {
    const name = `the ${suite} set`;
    const bytes = await heldOut.read(model, suite);
    if (bytes === null) throw damagedError(name);
    yield decodeExamples(name, bytes, architecture);
  }
  for (const { id, name } of suites) {
    const bytes = (await history.suiteBytes(id)) ?? (await blobs.read(id));
    if (bytes !== null) {
      yield suiteExamples(openSuiteFile(bytes), architecture);
      continue;
    }
    const state = (await history.suite(id))?.state ?? "refused";
    if (state !== "refused") throw damagedError(`the suite ${name}`); // else it was refused since
  }
}

type Entering = {
  readonly kept: readonly NewShard[];
  readonly removed: AddData["removed"];
  readonly looked: Compared;
};

/**
 * Sign the act and enter it with the rows, in one commit; null where another act, a version, data or a suite was faster, with
 * which what is kept was not compared.
 */
async function enter(
  context: DataContext,
  { id: addition, plan, addedBy }: Adding,
  { kept, removed, looked }: Entering,
): Promise<DataOutcome | null> {
  const { history, blobs, clock } = context;
  const { model, source, licence } = plan;
  const examples = kept.reduce((sum, shard) => sum + shard.examples, 0);
  const shards = kept.length;
  const first = looked.shards.length;
  const listed: ShardList = {
    format: "commonweight.shards/1",
    shards: kept.map((shard, i) => ({ index: first + i, ...shard })),
  };
  const list = await blobs.put(encodeCanonical(listed));
  const counts = { first, shards, examples, removed };
  const deed = { kind: "add-data", source, licence, list, ...counts } as const;
  const { reason, maintainer } = addedBy;
  const act = await nextAct(context, model, { deed, reason });
  const suites = looked.suites.map(({ id }) => id);
  const doing = { addition, suites, shards: listed.shards, reason, maintainer, at: clock() };
  return (await history.addData({ ...act, ...doing })) ? { shards, examples, removed } : null;
}
