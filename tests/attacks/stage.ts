/** What every attack stands on: a relay whose accepted work waits, honest volunteers, a look into the ledger. */
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect } from "vitest";
import type { PatchHeader } from "../../core/protocol/schemas/contribution.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { createVolunteer, type Parcel, type Volunteer, type Work } from "../fixtures/volunteer.ts";

/** What an attack must leave as it was. Tickets are given out and refusals noted: neither is work. */
const GUARDED = [
  "models",
  "versions",
  "shard_trainers",
  "contributions",
  "waiting_bytes",
  "maintainers",
  "audit",
  "reverts",
  "releases",
  "bans",
];

/** A relay that scores but never closes a cohort, so that nothing moves by itself. */
export function startPatientRelay(changes: Partial<Recipe> = {}): Promise<TestRelay> {
  const merge = {
    ...tinyRecipe.merge,
    ...changes.merge,
    cohortSize: 1000,
    cohortSeconds: 1_000_000,
  };
  return startTestRelay({ source: tinyModel({ ...changes, merge }) });
}

export function recruit(relay: TestRelay): Promise<Volunteer> {
  return createVolunteer(relay.client, tinyRecipe);
}

/** A volunteer's finished work, not yet sent. */
export async function freshWork(relay: TestRelay, volunteer: Volunteer): Promise<Work> {
  return volunteer.work(await volunteer.ask(relay.now()));
}

/** The same values under a changed header. */
export function withHeader(work: Work, changes: Partial<PatchHeader>): Work {
  return { ...work, patch: { ...work.patch, header: { ...work.patch.header, ...changes } } };
}

export function put(relay: TestRelay, { id, bytes, signature }: Parcel): Promise<Response> {
  const headers = { "commonweight-signature": signature };
  return relay.ask(`/api/v1/contributions/${id}`, { method: "PUT", headers, body: bytes });
}

/** Send honest work and wait until it is queued, after which the relay rests. */
export async function settle(relay: TestRelay, parcel: Parcel): Promise<void> {
  expect((await put(relay, parcel)).status).toBe(201);
  const events = (await relay.ask("/api/v1/events?topics=contribution")).body!.getReader();
  while ((await relay.client.contribution(parcel.id)).state !== "queued") await events.read();
  await events.cancel();
}

/** Do `attack`, and check that it is answered with `code` and leaves the ledger as it was. */
export async function expectRefusal(
  relay: TestRelay,
  status: number,
  code: string,
  attack: () => Promise<Response>,
): Promise<void> {
  const before = lookInto(relay);
  const answer = await attack();
  const body = (await answer.json()) as { error?: { code: string } };
  expect([answer.status, body.error?.code]).toEqual([status, code]);
  expect(lookInto(relay)).toEqual(before);
}

function lookInto({ dataDir }: TestRelay): Record<string, unknown[]> {
  const database = new Database(join(dataDir, "ledger.db"), { readonly: true });
  try {
    return Object.fromEntries(
      GUARDED.map((table) => [table, database.prepare(`select * from ${table}`).all()]),
    );
  } finally {
    database.close();
  }
}
