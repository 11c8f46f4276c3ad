import { sha256 } from "../../core/crypto/signature.ts";
import { assert, FormatError } from "../../core/errors.ts";
import type { Suite } from "../../core/gate/judge.ts";
import { nextMask } from "../../core/history/mask-epoch.ts";
import { encodeVersion, signVersion, versionId } from "../../core/history/version.ts";
import type { ModelSource } from "../../core/models/model-source.ts";
import { layoutOf } from "../../core/models/registry.ts";
import { openTokenizer } from "../../core/models/tokenizer.ts";
import { encodeCanonical, parseValue } from "../../core/protocol/canonical-json.ts";
import { MAX_SHARD_BYTES } from "../../core/protocol/limits.ts";
import { recipe as recipeSchema } from "../../core/protocol/schemas/recipe.ts";
import type { Metrics, VersionRecord } from "../../core/protocol/schemas/version.ts";
import { decodeCheckpointFile } from "../../core/tensors/checkpoint-file.ts";
import type { Layout } from "../../core/tensors/layout.ts";
import { encodeCheckpoint } from "../../core/tensors/manifest.ts";
import { decodeExamples, exampleShapeOf } from "../../core/training/examples.ts";
import { metricsOf } from "../../core/training/metrics.ts";
import { heldOutSetting, suitesOf } from "../content/held-out-store.ts";
import type { RelayContext } from "../context.ts";
import { summaryOf } from "../store/sql/versions.ts";
import type { ShardRow, VersionRow } from "../store/tables.ts";
import type { EvaluatedModel } from "../threads/evaluation-thread.ts";
import type { Evaluator } from "../threads/open-evaluator.ts";
import { referenceRecordOf } from "./reference-seeds.ts";

/** Hears how far something is that takes seconds. */
export type Progress = (what: string, done: number, total: number) => void;

type ImportContext = Pick<
  RelayContext,
  "history" | "status" | "blobs" | "heldOut" | "identity" | "clock" | "referenceSeeds"
>;

/**
 * Write a shipped model's checkpoint, shards, held-out sets and version 0. The ledger hears of it last, in one
 * transaction: an import that was cut short starts anew and finds its blobs there already.
 */
export async function importModel(
  context: ImportContext,
  evaluator: Evaluator,
  source: ModelSource,
  onProgress: Progress,
): Promise<void> {
  const { history, blobs } = context;
  const { recipe } = source;
  const what = `Importing ${recipe.title}`;
  const total = source.shardCount + 1; // the checkpoint with its evaluation counts as one
  onProgress(what, 0, total);
  parseValue(`recipe ${recipe.id}`, recipeSchema, recipe);
  const layout = layoutOf(recipe.architecture);
  const file = await source.base();
  const parameters = decodeCheckpointFile(`base of ${recipe.id}`, file, layout);
  const { id: checkpoint, manifest, chunks } = await encodeCheckpoint(layout, parameters);
  for (const chunk of chunks) await blobs.put(chunk);
  await blobs.put(encodeCanonical(manifest));

  await putTokenizer(context, source);
  const hashes = await putHeldOut(context, source);
  const { id, architecture } = recipe;
  const paths = context.heldOut.paths(id);
  await evaluator.open({ id, architecture, paths, hashes });
  await evaluator.load(id, checkpoint, parameters);
  const task = {
    model: id,
    set: "report",
    range: [0, recipe.data.heldOut.report],
    checkpoint,
    step: null,
  } as const;
  const report = metricsOf(await evaluator.evaluate(task));
  onProgress(what, 1, total);

  const shards = await putShards(context, source, (done) => onProgress(what, done + 1, total));
  const version = await versionZero(context, source, { checkpoint, layout, report });
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
    events: [{ type: "version", data: { model: id, version: summaryOf(version) } }],
  });
}

/** Keep the files that the recipe's tokenizer names (protocol T11): any page reads them. */
async function putTokenizer({ blobs }: ImportContext, source: ModelSource): Promise<void> {
  const { id, architecture, data } = source.recipe;
  if (data.tokenizer === undefined) return;
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
  for (const { bytes } of files) await blobs.put(bytes);
}

async function putHeldOut(
  { heldOut, status }: ImportContext,
  { recipe, ...source }: ModelSource,
): Promise<EvaluatedModel["hashes"]> {
  const hashes: Partial<Record<Suite, string>> = {};
  const sets = await source.heldOut();
  for (const suite of suitesOf(recipe)) {
    const what = `${recipe.id}'s ${suite} set`;
    const bytes = sets[suite];
    if (bytes === undefined) throw new FormatError(`${what}: missing`);
    const { count } = decodeExamples(what, bytes, recipe.architecture);
    const promised = recipe.data.heldOut[suite];
    if (count !== promised) throw new FormatError(`${what}: ${count} examples, not ${promised}`);
    await heldOut.put(recipe.id, suite, bytes);
    const hash = await sha256(Uint8Array.from(bytes));
    await status.putSetting(heldOutSetting(recipe.id, suite), hash);
    hashes[suite] = hash;
  }
  return hashes;
}

async function putShards(
  { blobs }: ImportContext,
  source: ModelSource,
  onShard: (done: number) => void,
): Promise<ShardRow[]> {
  const rows: ShardRow[] = [];
  const { id, architecture } = source.recipe;
  for await (const { title, examples, isReplay, bytes } of source.shards()) {
    const what = `${id}'s shard ${rows.length}`;
    if (bytes.length > MAX_SHARD_BYTES) throw new FormatError(`${what}: ${bytes.length} bytes`);
    const { count } = decodeExamples(what, bytes, architecture);
    if (count !== examples) throw new FormatError(`${what}: ${count} examples, not ${examples}`);
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
  { checkpoint, layout, report }: { checkpoint: string; layout: Layout; report: Metrics },
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
    mask: await nextMask(null, recipe.mask, layout.size, { isOver: true, shared: null }),
    merge: null,
    ...(reference && { reference }),
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
    step: null,
    step_bytes: 0,
    mask: JSON.stringify(record.mask),
    contributions: 0,
    contributors: 0,
    report: JSON.stringify(report),
  };
}
