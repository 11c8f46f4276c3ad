import type * as z from "zod/mini";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { PROTOCOL_VERSION } from "../../core/protocol/limits.ts";
import type { Health, ModelHealth, modelCard } from "../../core/protocol/schemas/status.ts";
import { metrics, type VersionSummary } from "../../core/protocol/schemas/version.ts";
import { type RelayContext, type ServedModel, SOFTWARE } from "../context.ts";
import type { ModelRow, VersionRow } from "../ledger/tables.ts";
import { Refusal } from "./refusal.ts";

export type ModelCard = z.infer<typeof modelCard>;

/** The model with that id and its row; a Refusal if there is none. */
export async function findModel(
  { ledger, models }: RelayContext,
  id: string,
): Promise<ServedModel & { row: ModelRow }> {
  const served = models.get(id);
  const row = served && (await ledger.model(id));
  if (row === undefined || served === undefined) {
    throw new Refusal("model-unknown", "this relay has no model of that name");
  }
  return { ...served, row };
}

/** The version that `name` means: a number, an id, or "head"; a Refusal if there is none. */
export async function findVersion(
  { ledger }: RelayContext,
  model: ModelRow,
  name: string,
): Promise<VersionRow> {
  let found: VersionRow | undefined;
  if (name === "head") found = await ledger.version(model.id, model.head);
  else if (/^\d{1,9}$/.test(name)) found = await ledger.version(model.id, Number(name));
  else if (/^[0-9a-f]{64}$/.test(name)) found = await ledger.versionById(model.id, name);
  if (found !== undefined) return found;
  throw new Refusal(
    "version-unknown",
    `${model.id} has no such version; its head is ${model.head}`,
  );
}

export function summaryOf(row: VersionRow): VersionSummary {
  return {
    number: row.number,
    id: row.id,
    parent: row.parent,
    createdAt: row.created_at,
    contributions: row.contributions,
    contributors: row.contributors,
    report: parseJson("report", metrics, new TextEncoder().encode(row.report)),
  };
}

export async function cardOf(context: RelayContext, id: string): Promise<ModelCard> {
  const { recipe, row } = await findModel(context, id);
  const [base, head, shards, counts] = await Promise.all([
    findVersion(context, row, "0"),
    findVersion(context, row, "head"),
    context.ledger.shards(id),
    context.ledger.counts(id, context.clock()),
  ]);
  return {
    recipe,
    parameters: row.parameters,
    base: summaryOf(base),
    head: summaryOf(head),
    shards: shards.length,
    contributors: counts.contributors,
    merged: counts.merged,
  };
}

export async function modelHealthOf(context: RelayContext, id: string): Promise<ModelHealth> {
  const now = context.clock();
  const [row, counts] = await Promise.all([
    context.ledger.model(id),
    context.ledger.counts(id, now),
  ]);
  const oldest = counts.oldestReceivedAt ?? now;
  const paused = row?.paused === 1 ? "a maintainer paused this model" : null;
  return {
    model: id,
    head: row?.head ?? 0,
    waiting: { received: counts.received, scored: 0, queued: counts.queued },
    oldestSeconds: Math.max(0, Math.floor((now - oldest) / 1000)),
    lastMergeAt: counts.lastMergeAt,
    merged24h: counts.merged24h,
    refused24h: counts.refused24h,
    release: null,
    onMask24h: null,
    scoreSeconds: null,
    gateTests: [],
    problem: paused ?? context.problems.get(id) ?? null,
  };
}

export async function healthOf(context: RelayContext): Promise<Health> {
  const models = await Promise.all(
    [...context.models.keys()].map((id) => modelHealthOf(context, id)),
  );
  return {
    status: context.problems.size === 0 ? "ok" : "degraded",
    software: SOFTWARE,
    protocol: { oldest: PROTOCOL_VERSION, newest: PROTOCOL_VERSION },
    relayKey: context.identity.publicKey,
    time: context.clock(),
    models,
  };
}
