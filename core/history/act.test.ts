import { expect, test } from "vitest";
import { tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import { generateKeyPair, publicKeyHex, signId } from "../crypto/signature.ts";
import type { AcceptSuite, ActRecord, AddData, Deed, SignedAct } from "../protocol/schemas/act.ts";
import type { Recipe } from "../protocol/schemas/recipe.ts";
import { actId, signAct, verifyActs } from "./act.ts";
import { recipeHash } from "./recipe-change.ts";
import type { VerifiedVersion } from "./version.ts";

const relay = await generateKeyPair(false);
const relayKey = await publicKeyHex(relay);
const stranger = await generateKeyPair(false);
const id = (n: number) => n.toString(16).padStart(64, "0");
const chain = [0, 1, 2].map(
  (number) => ({ id: id(number), record: recordNumbered(number) }) as VerifiedVersion,
);

/** A version that its gate tested against the one before. */
function recordNumbered(number: number) {
  const gate = number === 0 ? null : { tests: [{ suite: "gate", version: number - 1 }] };
  return { number, model: "tiny", relayKey, evaluation: { gate } };
}

const ben = await generateKeyPair(false);
const accepted: AcceptSuite = {
  kind: "accept-suite",
  suite: id(7),
  name: "dim-pictures",
  contributor: await publicKeyHex(ben),
  signature: await signId("suite", id(7), ben.privateKey),
  marginNats: 0.1,
  examples: 400,
  setAside: [3],
};
const withdrawn = { kind: "withdraw-suite", name: "dim-pictures" } as const;

/** Acts with these deeds, each on the version of its number. */
async function actsWith(...deeds: readonly Deed[]): Promise<SignedAct[]> {
  const acts: SignedAct[] = [];
  for (const [number, deed] of deeds.entries()) {
    const last = acts.at(-1);
    const parent = last === undefined ? null : await actId(last.record);
    const own = { ...recordOf(number, number), parent, deed };
    acts.push(await signAct(own, relay.privateKey));
  }
  return acts;
}

function recordOf(number: number, head: number): Omit<ActRecord, "parent" | "deed"> {
  return {
    format: "commonweight.act/1",
    model: "tiny",
    number,
    createdAt: 1,
    relayKey,
    head: { number: head, id: id(head) },
    reason: `reason ${number}`,
  };
}

/** Acts of these kinds, each on the version of that number; `change` alters the last one before it is signed. */
async function actsOf(
  kinds: readonly (readonly ["retire" | "unretire", head: number])[],
  change: Partial<ActRecord> = {},
  key = relay.privateKey,
): Promise<SignedAct[]> {
  const acts: SignedAct[] = [];
  for (const [number, [kind, head]] of kinds.entries()) {
    const last = acts.at(-1);
    const isLast = number === kinds.length - 1;
    const record: ActRecord = {
      ...recordOf(number, head),
      parent: last === undefined ? null : await actId(last.record),
      deed: { kind },
      ...(isLast && change),
    };
    acts.push(await signAct(record, isLast ? key : relay.privateKey));
  }
  return acts;
}

test("R5: retired is what the last act says, with its reason", async () => {
  const standing = async (acts: SignedAct[]) => verifyActs(acts, chain);
  expect(await standing([])).toEqual({
    ok: true,
    standing: {
      ...{ acts: 0, retired: null, suites: [], releases: [] },
      ...{ releaseKey: null, recipe: null, data: [] },
    },
    newest: null,
  });
  const once = await actsOf([["retire", 1]]);
  expect(await standing(once)).toMatchObject({ standing: { acts: 1, retired: "reason 0" } });
  const back = await actsOf([
    ["retire", 1],
    ["unretire", 1],
  ]);
  expect(await standing(back)).toMatchObject({ standing: { acts: 2, retired: null } });
});

test.each([
  ["act-chain", { parent: id(9) }],
  ["act-chain", { number: 5 }],
  ["act-chain", { model: "other" }],
  ["act-signature", { relayKey: id(9) }],
  ["act-version", { head: { number: 2, id: id(9) } }],
  ["act-version", { head: { number: 0, id: id(0) } }],
  ["act-version", { head: { number: 7, id: id(7) } }],
  ["act-order", { deed: { kind: "retire" } }],
] as const)("R4, R5: an act that breaks a rule is found (%s: %o)", async (fault, change) => {
  const acts = await actsOf(
    [
      ["retire", 1],
      ["unretire", 2],
    ],
    change,
  );
  expect(await verifyActs(acts, chain)).toMatchObject({ ok: false, fault });
});

test("R4: an act that another key signed, or that was left out, is found", async () => {
  const kinds = [
    ["retire", 0],
    ["unretire", 0],
    ["retire", 0],
  ] as const;
  const forged = await actsOf(kinds, {}, stranger.privateKey);
  expect(await verifyActs(forged, chain)).toMatchObject({ fault: "act-signature" });
  const [first, , third] = await actsOf(kinds);
  expect(await verifyActs([first!, third!], chain)).toMatchObject({ fault: "act-chain" });
});

test("U6: a suite is in force from the act that accepts it to the one that withdraws it", async () => {
  const { kind, ...suite } = accepted;
  const once = await verifyActs(await actsWith(accepted), chain);
  expect(once).toMatchObject({ standing: { suites: [{ ...suite, since: 0, until: null }] } });
  const back = await verifyActs(await actsWith(accepted, withdrawn), chain);
  expect(back).toMatchObject({ standing: { suites: [{ ...suite, since: 0, until: 1 }] } });
});

test.each([
  ["act-order", [accepted, withdrawn, accepted]],
  ["act-order", [accepted, withdrawn, withdrawn]],
  ["act-order", [withdrawn]],
  ["act-signature", [{ ...accepted, suite: id(8) }]],
  ["act-signature", [{ ...accepted, contributor: relayKey }]],
] as const)("U6: acts about suites that break a rule are found (%s: %o)", async (fault, deeds) => {
  expect(await verifyActs(await actsWith(...deeds), chain)).toMatchObject({ ok: false, fault });
});

/** Acts that give the model these recipes one after the other; `before` of each is the hash of the one before it. */
async function recipeActs(
  recipes: readonly Recipe[],
  change: Partial<{ before: string; recipe: Recipe }> = {},
): Promise<SignedAct[]> {
  const acts: SignedAct[] = [];
  let before = id(7); // of the recipe that no act names
  for (const [number, recipe] of recipes.entries()) {
    const isLast = number === recipes.length - 1;
    const record: ActRecord = {
      format: "commonweight.act/1",
      model: "tiny",
      number,
      parent: number === 0 ? null : await actId(acts[number - 1]!.record),
      createdAt: 1,
      relayKey,
      head: { number: 1, id: id(1) },
      reason: "shorter pieces",
      deed: { kind: "recipe", before, recipe, ...(isLast && change) },
    };
    acts.push(await signAct(record, relay.privateKey));
    before = await recipeHash(recipe);
  }
  return acts;
}

test("R7: acts about a recipe follow each other, and what makes another model never changes", async () => {
  const shorter = { ...tinyRecipe, training: { ...tinyRecipe.training, steps: 5 } };
  const both = [shorter, tinyRecipe];
  expect(await verifyActs(await recipeActs(both), chain)).toMatchObject({
    standing: { acts: 2, retired: null, recipe: tinyRecipe },
  });
  const foreign = await recipeActs(both, { before: id(9) });
  expect(await verifyActs(foreign, chain)).toMatchObject({ fault: "act-recipe" });
  const other = { ...tinyRecipe, id: "other" };
  expect(await verifyActs(await recipeActs(both, { recipe: other }), chain)).toMatchObject({
    message: "act 1: its recipe is of other",
  });
  const wider = {
    ...tinyRecipe,
    data: { ...tinyRecipe.data, heldOut: { score: 1, gate: 1, report: 1 } },
  };
  expect(await verifyActs(await recipeActs(both, { recipe: wider }), chain)).toMatchObject({
    message: "act 1: data.heldOut.score may not change",
  });
});

const added: AddData = {
  kind: "add-data",
  source: "more.csv",
  licence: "CC0-1.0",
  list: id(5),
  first: 6,
  shards: 2,
  examples: 40,
  removed: { heldOut: 1, known: 0 },
};

test("R10: data that come later follow each other, shard by shard", async () => {
  const next = { ...added, first: 8, list: id(6) };
  const { kind, ...data } = added;
  expect(await verifyActs(await actsWith(added, next), chain)).toMatchObject({
    standing: {
      data: [
        { ...data, since: 0 },
        { first: 8, since: 1 },
      ],
    },
  });
  expect(await verifyActs(await actsWith(added, { ...next, first: 7 }), chain)).toMatchObject({
    fault: "act-data",
    message: "act 1: its first shard is 7, and 8 were there",
  });
});

const released = (tag: string, number: number): Deed => ({
  kind: "release",
  tag,
  version: { number, id: id(number) },
});
const takenBack = (tag: string): Deed => ({ kind: "unrelease", tag });

test("R8: a release names a version until an act takes it back", async () => {
  const acts = await actsWith(released("1.0.0", 0), released("1.1.0", 1), takenBack("1.1.0"));
  expect(await verifyActs(acts, chain)).toMatchObject({
    standing: {
      releases: [
        { tag: "1.0.0", version: 0, isTakenBack: false },
        { tag: "1.1.0", version: 1, isTakenBack: true },
      ],
    },
  });
  const lower = await actsWith(released("2.0.0", 0), takenBack("2.0.0"), released("1.0.0", 0));
  expect((await verifyActs(lower, chain)).ok).toBe(true);
  const older = await actsWith(takenBack("1.0.0")); // made before releases were acts
  expect((await verifyActs(older, chain)).ok).toBe(true);
});

test.each([
  ["act-order", [released("1.0.0", 0), released("1.0.0", 1)]],
  ["act-order", [released("1.0.0", 0), takenBack("1.0.0"), released("1.0.0", 0)]],
  ["act-order", [released("1.1.0", 0), released("1.0.0", 1)]],
  ["act-order", [released("1.0.0", 0), takenBack("1.0.0"), takenBack("1.0.0")]],
  ["act-version", [released("1.0.0", 1)]],
  ["act-version", [{ ...released("1.0.0", 0), version: { number: 0, id: id(2) } } as Deed]],
] as const)("R8: releases that break a rule are found (%s: %o)", async (fault, deeds) => {
  expect(await verifyActs(await actsWith(...deeds), chain)).toMatchObject({ ok: false, fault });
});

test("R2: a release whose number promises more than the gates showed is found", async () => {
  const first = released("1.0.0", 0);
  const leap = (tag: string) => actsWith(first, takenBack("0.9.0"), released(tag, 2)); // version 2 met only version 1
  expect(await verifyActs(await leap("1.0.1"), chain)).toMatchObject({
    fault: "act-unproven",
    message: expect.stringMatching(/^act 2: 1\.0\.1: nothing shows that it is as good as 1\.0\.0/),
  });
  expect((await verifyActs(await leap("2.0.0"), chain)).ok).toBe(true);
  const steps = await actsWith(first, released("1.0.1", 1), released("1.0.2", 2));
  expect((await verifyActs(steps, chain)).ok).toBe(true);
  const back = await actsWith(first, takenBack("1.0.0"), released("1.0.1", 2)); // nothing is in force to be compared with
  expect((await verifyActs(back, chain)).ok).toBe(true);
});

const certified: Deed = { kind: "release-key", key: `02${id(5)}` };

test("R11: the relay's key vouches for one key of releases, and a release names the recipe of its time", async () => {
  const acts = await actsWith(certified, released("1.0.0", 1));
  expect(await verifyActs(acts, chain)).toMatchObject({ standing: { releaseKey: `02${id(5)}` } });
  const second = await actsWith(certified, certified);
  expect(await verifyActs(second, chain)).toMatchObject({ fault: "act-order" });
  const changed: Deed = { kind: "recipe", before: id(9), recipe: tinyRecipe };
  const named = { ...released("1.0.0", 1), recipe: await recipeHash(tinyRecipe) } as Deed;
  expect((await verifyActs(await actsWith(changed, named), chain)).ok).toBe(true);
  const other = { ...released("1.0.0", 1), recipe: id(9) } as Deed;
  expect(await verifyActs(await actsWith(changed, other), chain)).toMatchObject({
    fault: "act-recipe",
  });
});
