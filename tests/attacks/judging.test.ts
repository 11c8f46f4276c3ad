import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, expect, test, vi } from "vitest";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import type { Volunteer, Work } from "../fixtures/volunteer.ts";
import { freshWork, put, recruit } from "./stage.ts";

vi.setConfig({ testTimeout: 120_000 }); // a relay with its threads starts first

let relay: TestRelay;
afterEach(() => relay.remove());

const TRUSTED_AFTER = 10; // merges in a row

/** A relay that screens by `leastZ`, scores no trusted work but the borderline, and merges each piece alone. */
async function startScreening(leastZ: number, toleranceNats = 0.01): Promise<void> {
  const merge = { ...tinyRecipe.merge, cohortSize: 1 };
  const gate = { ...tinyRecipe.gate, marginNats: 2 };
  const score = { ...tinyRecipe.score, references: 3, leastZ, sampleShare: 0.5, toleranceNats };
  relay = await startTestRelay({ source: tinyModel({ merge, gate, score }), lots: 255 });
}

/** Send `change` of honest work, and hear what became of it. */
async function send(volunteer: Volunteer, change: (work: Work) => Work) {
  const parcel = await volunteer.pack(change(await freshWork(relay, volunteer)));
  expect((await put(relay, parcel)).status).toBe(201);
  const { state, reason } = await relay.decided(parcel.id);
  const database = new Database(join(relay.dataDir, "ledger.db"), { readonly: true });
  const row = database.prepare("select * from contributions where id = ?").get(parcel.id);
  database.close();
  return {
    state,
    code: reason?.code,
    ...(row as { agreement: number | null; score: number | null }),
  };
}

const honest = (work: Work) => work;
const turned = (work: Work): Work => ({
  ...work,
  patch: { ...work.patch, codes: work.patch.codes.map((code) => -code) },
});
const tossed = (work: Work): Work => ({
  ...work,
  patch: { ...work.patch, codes: work.patch.codes.map((code, i) => (i % 2 === 0 ? code : -code)) },
});

test("G16: work that does not go where training goes is refused before anybody scores it", async () => {
  await startScreening(4, 100); // no score would refuse it
  const volunteer = await recruit(relay);
  for (const attack of [turned, tossed]) {
    const found = await send(volunteer, attack);
    expect(found).toMatchObject({ state: "refused", code: "unrelated", score: null });
  }
  const found = await send(volunteer, honest);
  expect(found).toMatchObject({ state: "merged", code: undefined });
  expect(found.agreement).toBeGreaterThan(4);
});

test("G5, G16: newcomers are scored; ten merges in a row later by sample; after a refusal again", async () => {
  await startScreening(0.5);
  const volunteer = await recruit(relay);
  for (let i = 0; i < TRUSTED_AFTER; i++) {
    const found = await send(volunteer, honest);
    expect([found.state, typeof found.score]).toEqual(["merged", "number"]);
  }
  expect(await send(volunteer, honest)).toMatchObject({ state: "merged", score: null });
  expect(await send(volunteer, turned)).toMatchObject({ state: "refused", code: "unrelated" });
  const again = await send(volunteer, honest);
  expect([again.state, typeof again.score]).toEqual(["merged", "number"]);
});
