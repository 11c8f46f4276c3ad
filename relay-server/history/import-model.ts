import { sha256 } from "../../core/crypto/signature.ts";
import { assert, FormatError } from "../../core/errors.ts";
import type { Suite } from "../../core/gate/judge.ts";
import { firstMask } from "../../core/history/mask-epoch.ts";
import { encodeVersion, signVersion, versionId } from "../../core/history/version.ts";
import type { ModelSource, SourceShard } from "../../core/models/model-source.ts";
import { layoutOf } from "../../core/models/registry.ts";
import { openTokenizer, type TokenizerFile } from "../../core/models/tokenizer.ts";
import { parseValue } from "../../core/protocol/canonical-json.ts";
import { MAX_SHARD_BYTES } from "../../core/protocol/limits.ts";
import { recipe as recipeSchema } from "../../core/protocol/schemas/recipe.ts";
import type { Metrics, SealedSuite, VersionRecord } from "../../core/protocol/schemas/version.ts";
import { decodeCheckpointFile } from "../../core/tensors/checkpoint-file.ts";
import type { Layout } from "../../core/tensors/layout.ts";
import { nameCheckpoint } from "../../core/tensors/manifest.ts";
import { decodeExamples, exampleShapeOf } from "../../core/training/examples.ts";
import { metricsOf } from "../../core/training/metrics.ts";
import { heldOutSetting, suitesOf } from "../content/held-out-store.ts";
import type { RelayContext } from "../context.ts";
import { summaryOf } from "../store/sql/versions.ts";
import type { ShardRow, VersionRow } from "../store/tables.ts";
import type { EvaluatedModel } from "../threads/evaluation-thread.ts";
import type { Evaluator } from "../threads/open-evaluator.ts";
import { putKeyframe } from "./keyframes.ts";
import { nothingOpened, sealSuite } from "./packets.ts";
import { type Fork, readFork } from "./read-fork.ts";
import { referenceRecordOf } from "./reference-seeds.ts";

/** Hears how far something is that takes seconds. */
export type Progress = (what: string, done: number, total: number) => void;

type ImportContext = Pick<
  RelayContext,
  "history" | "status" | "blobs" | "heldOut" | "identity" | "clock" | "referenceSeeds"
>;

/** Who adds a model to a running relay, and why; null for one that is there from a start of the relay's on. */
export type AddedBy = { readonly maintainer: string; readonly reason: string };

/**
 * Read all of a model's files as an import by the relay of `relayKey` does, and keep nothing. Throws a FormatError that names the first thing that is
 * not in order.
 */
export async function checkModelSource(source: ModelSource, relayKey: string): Promise<void> {
  const { recipe } = source;
  parseValue(`recipe ${recipe.id}`, recipeSchema, recipe);
  const { layout, parameters } = await readBase(source);
  if (source.upstream !== undefined) {
    const { id } = await nameCheckpoint(layout, parameters);
    await readFork(source, { relayKey, checkpoint: id, at: 0 });
  }
  await readTokenizer(source);
  await readHeldOut(source);
  for await (const _ of readShards(source)); // each says what is wrong with it
}

/**
 * Write a model's checkpoint, shards, held-out sets and version 0. The ledger hears of it last, in one
 * transaction: an import that was cut short starts anew and finds its blobs there already.
 */
export async function importModel(
  context: ImportContext,
  evaluator: Evaluator,
  source: ModelSource,
  { onProgress, addedBy }: { readonly onProgress: Progress; readonly addedBy: AddedBy | null },
): Promise<void> {
  const { history, blobs, status } = context;
  const { recipe } = source;
  const what = `Importing ${recipe.title}`;
  const total = source.shardCount + 1; // the checkpoint with its evaluation counts as one
  onProgress(what, 0, total);
  parseValue(`recipe ${recipe.id}`, recipeSchema, recipe);
  const { layout, parameters } = await readBase(source);
  const named = await nameCheckpoint(layout, parameters);
  const checkpoint = named.id;

  const relayKey = context.identity.publicKey;
  const fork = await readFork(source, { relayKey, checkpoint, at: context.clock() });
  const { hashes, suites } = await putHeldOut(context, source);
  const { id, architecture } = recipe;
  await evaluator.open({ id, architecture, hashes });
  await evaluator.load(id, checkpoint, parameters);
  const task = {
    model: id,
    set: "report",
    range: [0, recipe.data.heldOut.report],
    checkpoint,
    step: null,
  } as const;
  const report = metricsOf(await evaluator.evaluate(task));
  if (!Number.isFinite(report.lossNats)) {
    throw new FormatError(`base of ${id}: its loss on the report set is ${report.lossNats}`);
  }
  for (const suite of suitesOf(recipe)) {
    await status.putSetting(heldOutSetting(id, suite), hashes[suite] ?? "");
  }
  const narrow = await putKeyframe(blobs, layout, parameters, named);
  for (const { bytes } of await readTokenizer(source)) await blobs.put(bytes); // any page reads them
  if (fork !== null) await blobs.put(fork.record);
  onProgress(what, 1, total);

  const shards = await putShards(context, source, (done) => onProgress(what, done + 1, total));
  const version = await versionZero(context, source, {
    checkpoint,
    narrow,
    layout,
    report,
    suites,
    fork,
  });
  const model = {
    id,
    recipe: JSON.stringify(recipe),
    parameters: layout.size,
    imported_at: context.clock(),
    paused: 0,
    head: 0,
    fence: 0,
    retired: null,
  };
  await history.importModel({
    model,
    shards,
    version,
    suites: fork?.suites ?? [],
    addedBy,
    events: [{ type: "version", data: { model: id, version: summaryOf(version) } }],
  });
}

async function readBase({ recipe, ...source }: ModelSource) {
  const what = `base of ${recipe.id}`;
  const layout = layoutOf(recipe.architecture);
  return { layout, parameters: decodeCheckpointFile(what, await source.base(), layout) };
}

/** The files that the recipe's tokenizer names (protocol T11). */
async function readTokenizer(source: ModelSource): Promise<readonly TokenizerFile[]> {
  const { id, architecture, data } = source.recipe;
  if (data.tokenizer === undefined) return [];
  const files = (await source.tokenizer?.()) ?? [];
  for (const { name, sha256: promised } of data.tokenizer.files) {
    const file = files.find((each) => each.name === name);
    const what = `${id}'s ${name}`;
    if (file === undefined) throw new FormatError(`${what}: missing`);
    const hash = await sha256(file.bytes);
    if (hash !== promised) throw new FormatError(`${what}: it hashes to ${hash}, not ${promised}`);
  }
  const shape = exampleShapeOf(architecture);
  assert(shape.kind === "text", "the recipe's schema refuses a tokenizer of images");
  await openTokenizer(files, shape.vocabulary);
  return files;
}

async function readHeldOut({ recipe, ...source }: ModelSource) {
  const sets = await source.heldOut();
  return suitesOf(recipe).map((suite) => {
    const what = `${recipe.id}'s ${suite} set`;
    const bytes = sets[suite];
    if (bytes === undefined) throw new FormatError(`${what}: missing`);
    const { count } = decodeExamples(what, bytes, recipe.architecture);
    const promised = recipe.data.heldOut[suite];
    if (count !== promised) throw new FormatError(`${what}: ${count} examples, not ${promised}`);
    return { suite, bytes };
  });
}

async function putHeldOut(
  { heldOut }: ImportContext,
  source: ModelSource,
): Promise<{ readonly hashes: EvaluatedModel["hashes"]; readonly suites: SealedSuite[] }> {
  const hashes: Partial<Record<Suite, string>> = {};
  const suites: SealedSuite[] = [];
  const { recipe } = source;
  for (const { suite, bytes } of await readHeldOut(source)) {
    await heldOut.put(recipe.id, suite, bytes);
    hashes[suite] = await sha256(new Uint8Array(bytes));
    if (suite === "gate" || suite === "protected") {
      suites.push(await sealSuite(recipe, suite, bytes));
    }
  }
  return { hashes, suites };
}

/** The shards, each once it was read. */
async function* readShards(source: ModelSource): AsyncGenerator<SourceShard> {
  const { id, architecture } = source.recipe;
  let place = 0;
  for await (const shard of source.shards()) {
    const { examples, bytes } = shard;
    const what = `${id}'s shard ${place++}`;
    if (bytes.length > MAX_SHARD_BYTES) throw new FormatError(`${what}: ${bytes.length} bytes`);
    const { count } = decodeExamples(what, bytes, architecture);
    if (count !== examples) throw new FormatError(`${what}: ${count} examples, not ${examples}`);
    yield shard;
  }
}

async function putShards(
  { blobs }: ImportContext,
  source: ModelSource,
  onShard: (done: number) => void,
): Promise<ShardRow[]> {
  const rows: ShardRow[] = [];
  const { id } = source.recipe;
  for await (const { title, examples, isReplay, bytes } of readShards(source)) {
    rows.push({
      model: id,
      position: rows.length,
      sha256: await blobs.put(bytes),
      size_bytes: bytes.length,
      examples,
      title,
      assigned: 0,
      trained: 0,
      replay: isReplay === true ? 1 : 0,
    });
    onShard(rows.length);
  }
  assert(rows.length === source.shardCount, `${id}: ${rows.length} shards`);
  return rows;
}

async function versionZero(
  { identity, clock, history, referenceSeeds: seeds }: ImportContext,
  { recipe }: ModelSource,
  {
    checkpoint,
    narrow,
    layout,
    report,
    suites,
    fork,
  }: Pick<VersionRow, "checkpoint" | "narrow"> & {
    readonly layout: Layout;
    readonly report: Metrics;
    readonly suites: SealedSuite[];
    readonly fork: Fork | null;
  },
): Promise<VersionRow> {
  const place = { number: 0, parent: null };
  const reference = await referenceRecordOf({ seeds, history }, recipe, place);
  const record: VersionRecord = {
    format: "commonweight.version/1",
    model: recipe.id,
    number: 0,
    parent: null,
    createdAt: clock(),
    relayKey: identity.publicKey,
    checkpoint,
    mask: await firstMask(recipe.mask, layout.size, fork?.mask ?? null),
    merge: null,
    ...(reference && { reference }),
    ...(fork && { lineage: [...fork.lineage] }),
    suites,
    packets: nothingOpened(suites),
    evaluation: { report, gate: null },
  };
  return {
    model: recipe.id,
    number: 0,
    id: await versionId(record),
    parent: null,
    created_at: record.createdAt,
    signed: encodeVersion(await signVersion(record, identity.privateKey)),
    checkpoint,
    keyframe: 1,
    narrow,
    step: null,
    step_bytes: 0,
    mask: JSON.stringify(record.mask),
    contributions: 0,
    contributors: 0,
    report: JSON.stringify(report),
  };
}
