/** Work for a fork is offered to its upstream, judged there as any other, and stays its author's. */
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { generateKeyPair, publicKeyHex, sha256 } from "../../core/crypto/signature.ts";
import { encodeProposal } from "../../core/history/proposal.ts";
import { signVersion, versionId } from "../../core/history/version.ts";
import { layoutOf } from "../../core/models/registry.ts";
import { encodePatch } from "../../core/patch/patch.ts";
import { quantise, segmentStarts } from "../../core/patch/quantiser.ts";
import { randomPositions } from "../../core/patch/random-mask.ts";
import { MAX_PATCH_BYTES } from "../../core/protocol/limits.ts";
import type { Mask } from "../../core/protocol/schemas/mask.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import type { SignedVersion } from "../../core/protocol/schemas/version.ts";
import { parseConfig } from "../../relay-server/config.ts";
import { runCommand } from "../fixtures/command.ts";
import { type ForkStage, handInAt, openForkStage } from "../fixtures/fork-stage.ts";
import { maintainerOf } from "../fixtures/maintainer.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { createVolunteer, type Parcel, type Volunteer, type Work } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 }); // two relays with their threads
const changes = { merge: { ...tinyRecipe.merge, cohortSize: 1 } };
let stage: ForkStage;
let fork: TestRelay;
let recipe: Recipe;
let zero: SignedVersion;
beforeEach(async () => {
  stage = await openForkStage(changes, 1, "proposals");
  fork = await stage.fork(1);
  ({ recipe } = await fork.client.model("tiny"));
  zero = await fork.client.version("tiny", 0);
});
afterEach(() => stage.remove());

const WORDY = "It copies. ".repeat(55).slice(0, 600); // as long as a reason may be

const addressOf = ({ relay }: TestRelay) => `${relay.url}/tiny`;

/** A piece of work for the fork, and whose it is. */
async function forkWork(): Promise<{ readonly author: Volunteer; readonly work: Work }> {
  const author = await createVolunteer(fork.client, recipe);
  return { author, work: await author.work(await author.ask(fork.now())) };
}

/** Offer a patch to the upstream as work for the fork whose version 0 that is. */
async function offer({ id, bytes, signature }: Parcel, from: SignedVersion = zero, as = id) {
  const body = encodeProposal({ fork: from, patch: bytes });
  return stage.upstream.client.putProposal("tiny", { id: as, body, signature });
}

function maskSeedOf(mask: Mask): string {
  if (mask.kind !== "random") throw new Error(`a mask of kind ${mask.kind}`);
  return mask.seed;
}

const codeOf = (offered: Promise<unknown>) =>
  offered.then(
    () => null,
    (error: { code: string }) => error.code,
  );

function maintain(...words: readonly string[]) {
  const { url, maintainerTokenFile } = stage.upstream.relay;
  const where = ["--relay", url, "--token-file", maintainerTokenFile];
  return runCommand("proposal", ...words, ...where, "--reason", "It helps us too.", "--yes");
}

test("K2: forked on B, trained there, proposed to A, merged on A: the author leads A's board, and A's history verifies", async () => {
  const { upstream } = stage;
  const { id } = await handInAt(fork, "tiny");
  const { contributor } = await fork.decided(id);
  const proposed = await stage.read("propose", addressOf(fork), "0..1");
  expect(proposed).toMatchObject({ code: 0, errors: [] });
  expect(proposed.lines.join("\n")).toMatch(
    new RegExp(
      `^${id}: 320 examples, \\d+ bytes; waiting\\.\n.*made for the fork tiny of ${zero.record.relayKey}, on version 1 here`,
    ),
  );
  expect(proposed.lines.at(-1)).toBe("A maintainer of tiny decides.");
  await expect(upstream.client.blob(id)).rejects.toMatchObject({ code: "blob-unknown" });
  const listed = await runCommand("proposal", "list", addressOf(upstream));
  expect(listed.lines).toEqual(proposed.lines.slice(0, 2));

  const accepted = await maintain("accept", "tiny", id.slice(0, 12));
  expect(accepted).toMatchObject({ code: 0, errors: [] });
  expect(await upstream.decided(id)).toMatchObject({ state: "merged", version: 2, contributor });
  const { entries } = await upstream.client.leaderboard("tiny", "all");
  expect(entries).toContainEqual(expect.objectContaining({ contributor, merged: 1 }));
  const { record } = await upstream.client.version("tiny", 2);
  const { relayKey } = zero.record;
  const name = { relayKey, model: "tiny", version: await versionId(zero.record) };
  expect(record.merge?.inputs).toMatchObject([{ contribution: id, base: 1, fork: name }]);

  for (const { code, errors } of [
    await stage.read("verify", addressOf(upstream)),
    await stage.read("clone", addressOf(upstream), join(stage.folder, "clone")),
    await stage.read("verify", join(stage.folder, "clone")),
  ]) {
    expect({ code, errors }).toEqual({ code: 0, errors: [] });
  }
  const stat = JSON.parse((await stage.read("stat", addressOf(upstream), "--json")).lines.join());
  expect(stat.contributors.map((each: { contributor: string }) => each.contributor)).toContain(
    contributor,
  );
  const [entry] = (await (await maintainerOf(upstream)).audit()).entries;
  expect(entry).toMatchObject({ action: "accept-proposal", subject: id, note: "It helps us too." });
  expect(await maintain("refuse", "tiny", id)).toMatchObject({
    code: 1,
    errors: ["this proposal does not wait any more: look at its state"],
  });
});

test("K2: a proposal that a maintainer refuses, or whose author is banned, is not judged", async () => {
  const { upstream } = stage;
  const { author, work } = await forkWork();
  const first = await handInAt(fork, "tiny");
  await fork.decided(first.id);
  await stage.read("propose", addressOf(fork), first.id);
  expect((await maintain("refuse", "tiny", first.id)).code).toBe(0);
  const again = await stage.read("propose", addressOf(fork), first.id);
  expect(again).toMatchObject({
    code: 1,
    errors: ["The proposal was refused: It helps us too."],
  });

  const parcel = await author.pack(work);
  expect((await offer(parcel)).state).toBe("waiting");
  const { contributor } = author;
  await (await maintainerOf(upstream)).ban({ contributor, reason: WORDY });
  expect(await upstream.client.proposal("tiny", parcel.id)).toMatchObject({
    state: "refused",
    message: `banned: ${WORDY}`,
  });
  const other = await author.pack({
    ...work,
    patch: { ...work.patch, codes: work.patch.codes.map((code) => -code) },
  });
  expect(await codeOf(offer(other))).toBe("banned");
  await expect(upstream.client.contribution(parcel.id)).rejects.toMatchObject({
    code: "contribution-unknown",
  });
});

test("K2: whoever offers an author's work again and again spends nothing of what the author may ask for", async () => {
  const { author, work } = await forkWork();
  const parcel = await author.pack(work);
  const most = parseConfig({}).keyRequestsPerMinute;
  for (let n = 0; n <= most; n++) expect((await offer(parcel)).state).toBe("waiting");
});

test("K2, K3: what is not a fork's work on the upstream's own version is refused with a code", async () => {
  const { upstream } = stage;
  const { author, work } = await forkWork();
  const { patch } = work;
  const parcel = await author.pack(work);
  const headed = (header: object) =>
    author.pack({ ...work, patch: { ...patch, header: { ...patch.header, ...header } } });

  const altered = parcel.bytes.slice();
  altered[altered.length - 1]! ^= 1;
  expect(await codeOf(offer({ ...parcel, bytes: altered }))).toBe("hash-mismatch");
  const renamed = { ...parcel, bytes: altered, id: await sha256(altered) };
  expect(await codeOf(offer(renamed))).toBe("signature-invalid");
  expect(await codeOf(offer({ ...parcel, bytes: parcel.bytes.slice(1) }))).toBe("hash-mismatch");
  const longest = new Uint8Array(MAX_PATCH_BYTES); // which a fork takes, and the door beside the fork's record
  expect(await codeOf(offer({ ...parcel, bytes: longest }))).toBe("hash-mismatch");
  expect(await codeOf(offer(await author.sign(parcel.bytes.slice(8))))).toBe("malformed");

  const plain = await startTestRelay({ source: tinyModel(changes), seed: "plain" });
  expect(await codeOf(offer(parcel, await plain.client.version("tiny", 0)))).toBe("fork-foreign");
  await plain.remove();

  const keys = await generateKeyPair(true);
  const relayKey = await publicKeyHex(keys);
  const [first] = zero.record.lineage!;
  const forged = async (change: object) => {
    const record = { ...zero.record, relayKey, ...change };
    const signed = await signVersion(record, keys.privateKey);
    return offer(await headed({ base: await versionId(record) }), signed);
  };
  const nowhere = { lineage: [{ ...first!, id: "00".repeat(32) }] };
  expect(await codeOf(forged(nowhere))).toBe("base-unknown"); // a version that the upstream does not have
  expect(await codeOf(forged({ checkpoint: "00".repeat(32) }))).toBe("fork-foreign");
  const unsigned = { ...zero, signature: parcel.signature };
  expect(await codeOf(offer(parcel, unsigned))).toBe("fork-foreign");
  expect(await codeOf(offer(await headed({ base: "00".repeat(32) })))).toBe("base-unknown");

  const seed = "0".repeat(32);
  const { mask } = patch.header;
  expect(await codeOf(offer(await headed({ mask: { ...mask, seed } })))).toBe("mask-mismatch");
  expect(await codeOf(offer(await headed({ examples: 10_000 })))).toBe("ticket-mismatch");
  const deeper = layoutOf({ kind: "mlp", inputs: 16, hidden: [8, 8], outputs: 4 });
  const positions = randomPositions(maskSeedOf(mask), mask.count, deeper.size);
  const delta = new Float32Array(positions.length).fill(0.01);
  const quantised = quantise(delta, segmentStarts(deeper, positions));
  const bytes = encodePatch({ ...patch, ...quantised }, deeper, positions);
  expect(await codeOf(offer(await author.sign(bytes)))).toBe("malformed"); // of another layout
  const nothing = {
    ...patch,
    scales: new Uint16Array(patch.scales.length),
    codes: new Int8Array(patch.codes.length),
  };
  expect(await codeOf(offer(await author.pack({ ...work, patch: nothing })))).toBe("no-effect");
  expect(await upstream.client.proposals("tiny")).toEqual([]);

  expect((await offer(parcel)).state).toBe("waiting");
  expect((await offer(parcel)).state).toBe("waiting"); // again: it is known
  expect(await codeOf(offer(await headed({ device: "another" })))).toBe(null); // until one of them is accepted
  expect((await maintain("accept", "tiny", parcel.id)).code).toBe(0);
  const copy = (await upstream.client.proposals("tiny")).find(({ state }) => state === "waiting")!;
  expect((await maintain("accept", "tiny", copy.id)).errors).toEqual([
    "the same values were contributed before",
  ]);
});

test("K2: the upstream's own rules of age and retirement hold for proposals, at the door and when they are accepted", async () => {
  const { upstream } = stage;
  const { author, work } = await forkWork();
  const parcel = await author.pack(work);
  await offer(parcel);
  for (let i = 0; i < 2; i++) await upstream.decided((await handInAt(upstream, "tiny")).id);
  expect((await maintain("accept", "tiny", parcel.id)).errors.join()).toMatch(
    /^trained on version 1, the head is version 3: more than 1 behind$/,
  );
  const late = await forkWork();
  expect(await codeOf(offer(await late.author.pack(late.work)))).toBe("stale");
  await (await maintainerOf(upstream)).retire({ model: "tiny", reason: "done" });
  expect(await codeOf(offer(await late.author.pack(late.work)))).toBe("retired");
});

test("K2: what cannot be proposed is one sentence, and nothing is sent", async () => {
  const { upstream } = stage;
  await fork.decided((await handInAt(fork, "tiny")).id);
  const later = await handInAt(fork, "tiny"); // trained on the fork's version 1
  expect(await fork.decided(later.id)).toMatchObject({ base: 1, state: "merged" });
  for (const [from, work, sentence] of [
    [fork, later.id, /and none was trained on its version 0/],
    [fork, "0..9", /has no version 9: its newest is 2\.$/],
    [fork, "ab".repeat(32), /names nothing that .* has merged\.$/],
    [upstream, "0..1", /is no fork: it can propose to nobody\.$/],
  ] as const) {
    const said = await stage.read("propose", addressOf(from), work);
    expect(said).toMatchObject({ code: 1, lines: [] });
    expect(said.errors).toEqual([expect.stringMatching(sentence)]);
  }
  expect(await upstream.client.proposals("tiny")).toEqual([]);
  const some = await stage.read("propose", addressOf(fork), "0..2");
  expect(some.lines).toContain(
    "1 contribution left out: tiny has no version that they were trained on.",
  );
});
