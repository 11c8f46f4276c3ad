import { assert, FormatError } from "../../core/errors.ts";
import type { Suite } from "../../core/gate/judge.ts";
import { encodeCanonical } from "../../core/protocol/canonical-json.ts";
import type { AddData } from "../../core/protocol/schemas/act.ts";
import type { DataOutcome } from "../../core/protocol/schemas/addition.ts";
import type { DataPlan, ShardList } from "../../core/protocol/schemas/data.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import type { Shard } from "../../core/protocol/schemas/ticket.ts";
import { damagedError, shardFile } from "../content/damage.ts";
import { suitesOf } from "../content/held-out-store.ts";
import { type ObjectsPlace, openObjects } from "../content/open-objects.ts";
import type { RelayContext } from "../context.ts";
import { ledgerAway } from "../storage-error.ts";
import type { SuiteEntry } from "../store/sql/suites.ts";
import type { ShardRow } from "../store/tables.ts";
import type { ComparisonThread, Looked } from "../threads/comparison-thread.ts";
import { decodeAct, nextAct } from "./acts.ts";
import type { AddedBy } from "./import-model.ts";
import { openUnentered, type PublishUnentered, takeBackUnentered } from "./unentered-blobs.ts";

type DataContext = Pick<RelayContext, "history" | "blobs" | "damage" | "identity" | "clock">;

type Adding = {
  /** The addition's, whose files are all there: the hash of its plan. */
  readonly id: string;
  readonly plan: DataPlan;
  /** The model's. */
  readonly recipe: Recipe;
  /** Where the relay's files lie. */
  readonly place: ObjectsPlace;
  readonly comparison: ComparisonThread;
  readonly addedBy: AddedBy;
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

// new shards that are looked for at once: the thread keeps their contents, of text twice as many bytes, and 60 more a row
const LOOKED_AT_ONCE_BYTES = 128 << 20;
const LOOKED_AT_ONCE_ROWS = 2 ** 21;

/**
 * Give a model the examples of a plan's shards that it does not have (protocol R10): a signed act, and rows from which the next
 * ticket draws. All is read before anything is kept. What is entered already comes to what it came to. The caller sees to it
 * that no other relay adds anything meanwhile. Throws a FormatError for what is no data of the model's, or not new.
 */
export async function addData(context: DataContext, adding: Adding): Promise<DataOutcome> {
  const objects = openObjects(adding.place);
  await takeBackUnentered(context, objects); // of an addition over which a relay was killed
  const publish = openUnentered(context, objects, adding.id);
  const takeBack = () => takeBackUnentered(context, objects).catch(console.error); // else the next addition or start does it
  try {
    const outcome = await compareAndEnter(context, adding, publish);
    await takeBack();
    return outcome;
  } catch (error) {
    if (ledgerAway(error) === null) await takeBack(); // a commit that was not answered may still be carried out
    throw error;
  }
}

async function compareAndEnter(
  context: DataContext,
  adding: Adding,
  publish: PublishUnentered,
): Promise<DataOutcome> {
  const { id, plan, recipe, place, comparison } = adding;
  const { architecture } = recipe;
  const removed = { heldOut: 0, known: 0 };
  let looked: Compared = { sets: [], suites: [], shards: [] };
  let kept: readonly NewShard[] | null = null;
  for (;;) {
    const entered = await enteredOutcome(context, id);
    if (entered !== null) return entered; // before the relay was ended, or by another relay
    const present = await comparedWith(context, recipe);
    const against = newsOf(present, looked);
    looked = present;
    if (kept === null) {
      await comparison.check({ place, architecture, addition: id, shards: plan.shards });
    } else if (against.suites.length + against.shards.length === 0) {
      const outcome = await enter(context, adding, { kept, removed, looked, publish });
      if (outcome !== null) return outcome;
      continue;
    }
    kept = await keepNew(context, adding, { against, shards: kept ?? plan.shards, removed });
    if (kept.length === 0) {
      throw new FormatError(
        `${plan.source}: nothing new; ${removed.known} examples are in the model's shards and ${removed.heldOut} are held out`,
      );
    }
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

type Keeping = {
  readonly against: Compared;
  /** Among the addition's files: its upload, or what was kept before. */
  readonly shards: readonly NewShard[];
  /** Counts what is left out. */
  readonly removed: { heldOut: number; known: number };
};

/** Keep, among the addition's files, the examples that are neither among `against` nor in a batch before. */
async function keepNew(
  context: DataContext,
  { id: addition, plan, recipe, place, comparison, onProgress }: Adding,
  { against, shards, removed }: Keeping,
): Promise<NewShard[]> {
  const kept: NewShard[] = [];
  const { architecture } = recipe;
  let done = 0;
  for (const batch of batchesOf(shards)) {
    const news = { place, architecture, addition, shards: batch };
    const { copies, heldOut, damaged } = await comparison.look({
      ...{ ...news, model: recipe.id, isBytes: recipe.data.tokenizer === undefined },
      sets: against.sets,
      suites: await suiteFilesOf(context, against.suites),
      known: against.shards.map(({ title, sha256 }) => ({ title, sha256 })),
      kept,
    });
    noteDamage(context, recipe, against, damaged);
    removed.heldOut += heldOut;
    removed.known += copies.length - heldOut;
    const isCopy = new Uint8Array(batch.reduce((sum, { examples }) => sum + examples, 0));
    for (const row of copies) isCopy[row] = 1;
    let first = 0;
    for (const shard of batch) {
      const rows = rowsWithout(isCopy.subarray(first, first + shard.examples));
      first += shard.examples;
      if (rows.length === 0) continue;
      const file = await comparison.pick({ ...news, shards: [shard] }, rows);
      kept.push({ title: shard.title, ...file, examples: rows.length });
      onProgress(done, plan.shards.length);
    }
    done += batch.length;
    onProgress(done, plan.shards.length);
  }
  return kept;
}

function* batchesOf(shards: readonly NewShard[]): Generator<NewShard[]> {
  let batch: NewShard[] = [];
  let sizeBytes = 0;
  let rows = 0;
  for (const shard of shards) {
    sizeBytes += shard.sizeBytes;
    rows += shard.examples;
    const isFull = sizeBytes > LOOKED_AT_ONCE_BYTES || rows > LOOKED_AT_ONCE_ROWS;
    if (batch.length > 0 && isFull) {
      yield batch;
      batch = [];
      sizeBytes = shard.sizeBytes;
      rows = shard.examples;
    }
    batch.push(shard);
  }
  if (batch.length > 0) yield batch;
}

/** The rows that are no copies, ascending. */
function rowsWithout(isCopy: Uint8Array): Uint32Array {
  return Uint32Array.from(isCopy.keys()).filter((row) => isCopy[row] === 0);
}

/** The files of the suites but for those that were refused since. */
async function suiteFilesOf(
  { history, blobs }: DataContext,
  suites: readonly SuiteEntry[],
): Promise<Uint8Array[]> {
  const files: Uint8Array[] = [];
  for (const { id, name } of suites) {
    const bytes = (await history.suiteBytes(id)) ?? (await blobs.read(id));
    if (bytes !== null) files.push(bytes);
    else if (((await history.suite(id))?.state ?? "refused") !== "refused") {
      throw damagedError(`the suite ${name}`);
    }
  }
  return files;
}

/** What of the model's shards could not be read is told, and not trained on. */
function noteDamage(
  { damage }: DataContext,
  { id: model }: Recipe,
  { shards }: Compared,
  damaged: Looked["damaged"],
): void {
  for (const shard of shards) {
    if (damaged.includes(shard.sha256)) damage.note(shardFile(model, shard), false);
  }
}

type Entering = {
  readonly kept: readonly NewShard[];
  readonly removed: AddData["removed"];
  readonly looked: Compared;
  readonly publish: PublishUnentered;
};

/**
 * Sign the act and enter it with the rows, in one commit; null where another act, a version, data or a suite was faster, with
 * which what is kept was not compared.
 */
async function enter(
  context: DataContext,
  { id: addition, plan, addedBy }: Adding,
  { kept, removed, looked, publish }: Entering,
): Promise<DataOutcome | null> {
  const { history, clock } = context;
  const { model, source, licence } = plan;
  const examples = kept.reduce((sum, shard) => sum + shard.examples, 0);
  const shards = kept.length;
  const first = looked.shards.length;
  const listed: ShardList = {
    format: "commonweight.shards/1",
    shards: kept.map((shard, i) => ({ index: first + i, ...shard })),
  };
  const bytes = encodeCanonical(listed);
  const list = await publish(kept, bytes); // whoever hears of the act may ask for them
  const counts = { first, shards, examples, removed };
  const deed = { kind: "add-data", source, licence, list, ...counts } as const;
  const { reason, maintainer } = addedBy;
  const act = await nextAct(context, model, { deed, reason });
  const suites = looked.suites.map(({ id }) => id);
  const doing = { addition, suites, shards: listed.shards, reason, maintainer, at: clock() };
  if (!(await history.addData({ ...act, ...doing }))) return null;
  await publish(kept, bytes); // again: a relay whose turn was lost may have had them taken back by the next
  return { shards, examples, removed };
}
