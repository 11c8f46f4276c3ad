import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, expect, test, vi } from "vitest";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import type { Volunteer, Work } from "../fixtures/volunteer.ts";
import { freshWork, put, recruit, settle, withHeader } from "./stage.ts";

vi.setConfig({ testTimeout: 120_000 }); // a relay with its threads starts first

let relay: TestRelay;
afterEach(() => relay.remove());

const TRUSTED_AFTER = 10; // merges in a row
const training = { steps: 5, batch: 4, learningRate: 0.02 }; // so few examples that no two pieces are alike …
const ANY_Z = -8; // … and one in 60 does not even go where the reference does

/** A relay that screens by `leastZ`, scores no trusted work but the borderline, and merges each piece alone. */
async function startScreening(leastZ: number, changes: Partial<Recipe> = {}): Promise<void> {
  const merge = { ...tinyRecipe.merge, cohortSize: 1 };
  const gate = { ...tinyRecipe.gate, marginNats: 2 };
  const score = { ...tinyRecipe.score, references: 3, leastZ, sampleShare: 0.5 };
  relay = await startTestRelay({
    source: tinyModel({ training, merge, gate, ...changes, score }),
    lots: 255,
  });
}

/** Send `change` of honest work, and hear what became of it. */
async function send(volunteer: Volunteer, change: (work: Work) => Work) {
  return hand(volunteer, change(await freshWork(relay, volunteer)));
}

async function hand(volunteer: Volunteer, work: Work) {
  const parcel = await volunteer.pack(work);
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

test("G16: where a mask is too small for a signal, half the signs tossed are refused or scored, and never pass unseen", async () => {
  await startScreening(4, { training: tinyRecipe.training });
  const volunteer = await recruit(relay);
  for (let i = 0; i < 2; i++) {
    // of other shards: each ticket here has one seed, and the same shards would give a copy
    const found = await send(volunteer, tossed);
    if (found.score === null)
      expect(["unrelated", "harmful"]).toContain(found.code); // by screen or score themselves
    else expect(found.score).toBeTypeOf("number");
  }
});

test("G16: work that does not go where training goes is refused before anybody scores it", async () => {
  await startScreening(4, { training: tinyRecipe.training });
  const volunteer = await recruit(relay);
  for (let i = 0; i < 2; i++) {
    const found = await send(volunteer, turned);
    expect(found).toMatchObject({ state: "refused", code: "unrelated", score: null });
  }
  const { contributor, keys } = volunteer;
  const request = { contributor, name: "Mallory", issuedAt: relay.now() };
  await relay.client.putName(request, keys.privateKey);
  const { groups, devices } = await relay.client.refusedWork("tiny"); // H21: who sent it can be named, and banned
  expect(devices).toMatchObject([{ refused: 2, arrived: 2, sigma: 0 }]); // H47: nobody else to compare with
  expect(groups).toMatchObject([{ contributor, name: "Mallory", code: "unrelated", count: 2 }]);
  expect(groups[0]?.contributions).toHaveLength(2);
  const found = await send(volunteer, honest);
  expect(found).toMatchObject({ state: "merged", code: undefined });
  expect(found.agreement).toBeGreaterThan(4);
});

test("G5, G16: newcomers are scored; ten merges in a row later by sample; after a refusal again", async () => {
  const mask = { ...tinyRecipe.mask, epochVersions: 1 }; // nobody's earlier work to be like
  await startScreening(0.5, { mask, training: tinyRecipe.training });
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

/** Another's work under the thief's own ticket, every fifth code nudged: no hash tells that it is a copy. */
async function stolen(thief: Volunteer, work: Work): Promise<Work> {
  const ticket = await thief.ask(relay.now());
  const mine = withHeader(work, {
    contributor: thief.contributor,
    ticket: ticket.id,
    base: ticket.base.id,
    shards: ticket.shards.map(({ index }) => index),
  });
  const codes = mine.patch.codes.map((code, i) => (i % 5 === 0 ? Math.max(-7, code - 1) : code));
  return { ...mine, patch: { ...mine.patch, codes } };
}

test("G20: another's work, disguised, is a copy, whether that waits or was merged; the earlier one counts", async () => {
  await startScreening(ANY_Z);
  const [ada, thief, bob] = await Promise.all([1, 2, 3].map(() => recruit(relay)));
  const work = await freshWork(relay, ada!);
  expect(await hand(ada!, work)).toMatchObject({ state: "merged" });
  const copy = await hand(thief!, await stolen(thief!, work)); // on the next version, which has the same mask
  expect(copy).toMatchObject({ state: "refused", code: "copied", score: null });
  expect(await send(thief!, honest)).toMatchObject({ state: "merged" });
  expect(await send(bob!, honest)).toMatchObject({ state: "merged" });
});

test("G20: of two that wait, the one that came first counts", async () => {
  const merge = { ...tinyRecipe.merge, cohortSize: 2, cohortSeconds: 1_000_000 };
  const score = { ...tinyRecipe.score, references: 3, leastZ: ANY_Z };
  relay = await startTestRelay({ source: tinyModel({ training, merge, score }), lots: 255 });
  const [ada, thief] = await Promise.all([1, 2].map(() => recruit(relay)));
  const work = await freshWork(relay, ada!);
  const first = await ada!.pack(work);
  await settle(relay, first);
  expect(await hand(thief!, await stolen(thief!, work))).toMatchObject({ code: "copied" });
  expect(await relay.client.contribution(first.id)).toMatchObject({ state: "queued" });
});
