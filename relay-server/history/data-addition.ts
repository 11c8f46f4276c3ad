import { setImmediate as othersTurn } from "node:timers/promises";
import { assert, FormatError } from "../../core/errors.ts";
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
import { nextAct } from "./acts.ts";
import type { AddedBy } from "./import-model.ts";

type DataContext = Pick<
  RelayContext,
  "history" | "blobs" | "heldOut" | "damage" | "models" | "identity" | "clock"
>;

type Adding = {
  readonly plan: DataPlan;
  /** The plan's shards, as often as they are asked for. */
  shards(): AsyncIterable<SourceShard>;
  readonly addedBy: AddedBy;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
};

/** A shard that is kept, before it has its index. */
type NewShard = Omit<Shard, "index">;

const LOOKED_AT_ONCE_BYTES = 8 << 20; // of new shards: their contents as keys take ten times as much

/**
 * Give a model the examples of a plan's shards that it does not have (protocol R10): a signed act, and rows from which the next
 * ticket draws. All is read before anything is kept. Throws a FormatError for what is no data of the model's, or not new.
 */
export async function addData(context: DataContext, adding: Adding): Promise<DataOutcome> {
  const { plan, shards, signal, onProgress } = adding;
  const { model } = plan;
  const recipe = context.models.get(model)?.recipe;
  assert(recipe !== undefined, `no model ${model}`);
  for await (const shard of shards()) decodeShard(shard, recipe); // each says what is wrong with it
  const kept: NewShard[] = [];
  const removed = { heldOut: 0, known: 0 };
  let done = 0;
  for await (const batch of batchesOf(shards())) {
    const examples = batch.map((shard) => decodeShard(shard, recipe));
    const copies = await findCopies(
      context,
      { model, recipe, kept, signal },
      joinExamples(examples),
    );
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
  if (kept.length === 0) {
    throw new FormatError(
      `${plan.source}: nothing new; ${removed.known} examples are in the model's shards and ${removed.heldOut} are held out`,
    );
  }
  return enter(context, adding, { kept, removed });
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
  readonly model: string;
  readonly recipe: Recipe;
  /** New shards that are kept so far. */
  readonly kept: readonly NewShard[];
  readonly signal: AbortSignal;
};

/** The rows of `examples` that the model has: the first `heldOut` of them where nobody may train on them. */
async function findCopies(
  context: DataContext,
  { model, recipe, kept, signal }: Looking,
  examples: Examples,
): Promise<{ readonly rows: ReadonlySet<number>; readonly heldOut: number }> {
  const { history, damage } = context;
  const finder = createLeakFinder(examples, recipe.data.tokenizer === undefined);
  for await (const set of judgingSets(context, recipe)) finder.look(set);
  const heldOut = finder.leaked().length;
  for (const shard of [...(await history.shards(model)), ...kept]) {
    await othersTurn(undefined, { signal }); // a shard takes a tenth of a second of this thread
    const file = await damage.read(shardFile(model, shard)); // a damaged one is not trained on
    if (file !== null) finder.look(decodeExamples(shard.title, file, recipe.architecture));
  }
  return { rows: new Set(finder.leaked()), heldOut };
}

/** All examples that judge the model: the held-out sets, and the suites that people proposed and nobody refused. */
async function* judgingSets(
  { history, blobs, heldOut }: DataContext,
  recipe: Recipe,
): AsyncGenerator<Examples> {
  for (const suite of suitesOf(recipe)) {
    const name = `the ${suite} set`;
    const bytes = await heldOut.read(recipe.id, suite);
    if (bytes === null) throw damagedError(name);
    yield decodeExamples(name, bytes, recipe.architecture);
  }
  for (const { id, name, state } of await history.suites(recipe.id)) {
    if (state === "refused" || state === "withdrawn") continue;
    const bytes = (await history.suiteBytes(id)) ?? (await blobs.read(id));
    if (bytes === null) throw damagedError(`the suite ${name}`);
    yield suiteExamples(openSuiteFile(bytes), recipe.architecture);
  }
}

/** Sign the act and enter it with the rows, in one commit. */
async function enter(
  context: DataContext,
  { plan, addedBy }: Adding,
  { kept, removed }: { readonly kept: readonly NewShard[]; readonly removed: AddData["removed"] },
): Promise<DataOutcome> {
  const { history, blobs, clock } = context;
  const { model, source, licence } = plan;
  const examples = kept.reduce((sum, shard) => sum + shard.examples, 0);
  const shards = kept.length;
  for (;;) {
    const first = (await history.shards(model)).length;
    const listed: ShardList = {
      format: "commonweight.shards/1",
      shards: kept.map((shard, i) => ({ index: first + i, ...shard })),
    };
    const list = await blobs.put(encodeCanonical(listed));
    const deed = {
      kind: "add-data",
      source,
      licence,
      list,
      first,
      shards,
      examples,
      removed,
    } as const;
    const { reason, maintainer } = addedBy;
    const act = await nextAct(context, model, { deed, reason });
    const doing = { shards: listed.shards, reason, maintainer, at: clock() };
    if (await history.addData({ ...act, ...doing })) break; // else another maintainer or a version was faster
  }
  return { shards, examples, removed };
}
