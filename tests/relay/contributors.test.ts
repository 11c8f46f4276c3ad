import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { CLOCK_SKEW_MS } from "../../core/protocol/limits.ts";
import { maintainerOf } from "../fixtures/maintainer.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer, type Volunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let relay: TestRelay;
let first: Volunteer;
let second: Volunteer;
beforeAll(async () => {
  relay = await startTestRelay({ seed: "contributors" });
  first = await createVolunteer(relay.client, tinyRecipe);
  second = await createVolunteer(relay.client, tinyRecipe);
  for (const volunteer of [first, first, second]) {
    const { id, bytes, signature } = await contribute(volunteer, relay.now());
    await relay.client.putContribution(id, bytes, signature);
    expect(await relay.decided(id)).toMatchObject({ state: "merged" });
  }
});
afterAll(() => relay.remove());

/** Choose a name, each time a moment after the last one. */
function name(volunteer: Volunteer, wanted: string | null) {
  relay.advance(1);
  const { contributor, keys } = volunteer;
  const request = { contributor, name: wanted, issuedAt: relay.now() };
  return relay.client.putName(request, keys.privateKey);
}
const named = async (volunteer: Volunteer) =>
  (await relay.client.contributor(volunteer.contributor, "tiny")).name;

test("H43: a contributor's card has the totals, the place and who has the one above", async () => {
  const board = await relay.client.leaderboard("tiny", "all");
  const [leader, follower] = board.entries;
  const card = await relay.client.contributor(follower!.contributor, "tiny");
  expect(card).toMatchObject({
    rank: 2,
    of: 2,
    credit: follower!.credit,
    merged: follower!.merged,
  });
  expect(card.above).toMatchObject({ contributor: leader!.contributor, credit: leader!.credit });
  const top = await relay.client.contributor(leader!.contributor, "tiny");
  expect(top).toMatchObject({ rank: 1, above: null });
  const versions = [...top.versions, ...card.versions].map(({ number }) => number);
  expect(versions.toSorted()).toEqual([1, 2, 3]);
  for (const each of [top, card]) {
    const sum = (rows: readonly { merged: number }[]) => rows.reduce((n, row) => n + row.merged, 0);
    expect(sum(each.days)).toBe(each.merged);
    expect(sum(each.versions)).toBe(each.merged);
    expect(each.lastMergedAt! - each.days.at(-1)!.day).toBeLessThan(24 * 3600_000);
  }
});

test("H43: whose work was never merged has a card without a place, and a cloth without colour", async () => {
  const stranger = "ab".repeat(32);
  const card = await relay.client.contributor(stranger, "tiny");
  expect(card).toMatchObject({ rank: null, merged: 0, versions: [], days: [], lastMergedAt: null });
  const cloth = await relay.client.contributorCloth(stranger, "tiny");
  expect(cloth).toMatchObject({ touched: "0".repeat(1152), contributors: [] });
  await expect(relay.client.contributor("x", "tiny")).rejects.toMatchObject({ code: "malformed" });
});

test("H43: a contributor's cloth shows where that contributor's patches reached, nobody else's", async () => {
  const cloth = await relay.client.contributorCloth(first.contributor, "tiny");
  expect(cloth.contributors).toEqual([first.contributor]);
  expect(cloth.touched).toMatch(/[1-9a-f]/);
});

test("H42: a name is chosen, changed and taken back, and the leaderboard has it at once", async () => {
  expect(await name(first, "  Ada  L. ")).toMatchObject({ name: "Ada L.", blanked: null });
  expect(await named(first)).toBe("Ada L.");
  relay.advance(2000);
  const { entries } = await relay.client.leaderboard("tiny", "all");
  const own = entries.find(({ contributor }) => contributor === first.contributor);
  expect(own).toMatchObject({ name: "Ada L." });
  await name(first, "Ada");
  expect(await named(first)).toBe("Ada");
  await name(first, null);
  expect(await named(first)).toBeNull();
});

test("H42: nobody takes a name that looks like somebody else's, or like one of the relay's own", async () => {
  await name(first, "Paypal");
  for (const alike of ["paypal", "PAYPAL", "PayPaI", "рaypal", "Pay-pal", "Раураl"]) {
    await expect(name(second, alike)).rejects.toThrow();
  }
  for (const own of ["Maintainer", "maintaıner", "Re1ay", "commonweight"]) {
    await expect(name(second, own)).rejects.toMatchObject({ code: "name-taken" });
  }
  for (const key of ["3f2a9c1e", second.contributor.slice(0, 8), "3а2с9е1е"]) {
    await expect(name(second, key)).rejects.toMatchObject({ code: "name-taken" });
  }
  await name(first, null);
  expect(await name(second, "paypal")).toMatchObject({ name: "paypal" });
  await name(second, null);
});

test("H42: a name that is none is refused with the reason", async () => {
  await expect(name(first, "a\u202eb")).rejects.toMatchObject({ code: "name-invalid" });
  await expect(name(first, "x".repeat(201))).rejects.toMatchObject({ code: "malformed" });
});

test("H42: only the key itself names itself, once for each signature, by a clock that is right", async () => {
  relay.advance(1);
  const { contributor, keys } = first;
  const request = { contributor, name: "Ada", issuedAt: relay.now() };
  const foreign = relay.client.putName(request, second.keys.privateKey);
  await expect(foreign).rejects.toMatchObject({ code: "signature-invalid" });
  await relay.client.putName(request, keys.privateKey);
  await name(first, null);
  const again = relay.client.putName(request, keys.privateKey);
  await expect(again).rejects.toMatchObject({ code: "name-late" });
  const early = { ...request, issuedAt: relay.now() + CLOCK_SKEW_MS + 1000 };
  const late = relay.client.putName(early, keys.privateKey);
  await expect(late).rejects.toMatchObject({ code: "clock-skew" });
});

test("H42: a maintainer blanks a name, which stays blank until it is let again; the log says both", async () => {
  const maintainer = await maintainerOf(relay);
  await name(second, "Rude");
  const { contributor } = second;
  const act = { contributor, reason: "an insult" };
  expect(await maintainer.blankName(act)).toMatchObject({ name: null, blanked: "an insult" });
  await expect(name(second, "Rude again")).rejects.toMatchObject({ code: "name-blanked" });
  expect(await maintainer.unblankName({ contributor, reason: "talked" })).toMatchObject({
    blanked: null,
  });
  expect(await name(second, "Kind")).toMatchObject({ name: "Kind" });
  const { entries } = await maintainer.audit();
  expect(entries.slice(0, 2)).toMatchObject([
    { action: "unblank-name", subject: contributor, note: "talked" },
    { action: "blank-name", subject: contributor, note: "an insult (it was “Rude”)" },
  ]);
  await expect(relay.client.maintainer("no").blankName(act)).rejects.toThrow();
});

test("H42: a banned contributor chooses no name", async () => {
  const maintainer = await maintainerOf(relay);
  const ban = { contributor: second.contributor, reason: "noise" };
  await maintainer.ban(ban);
  await expect(name(second, "Other")).rejects.toMatchObject({ code: "banned" });
  await maintainer.unban(ban);
});
