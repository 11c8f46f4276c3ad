import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sha256 } from "../../core/crypto/signature.ts";
import type { Candidate } from "../../core/merge/candidate.ts";
import { quantiseStep } from "../../core/merge/quantised-step.ts";
import { createLayout } from "../../core/tensors/layout.ts";
import { tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import { openPublicBlobs } from "../content/public-blobs.ts";
import type { RelayContext } from "../context.ts";
import { openIdentity } from "../identity.ts";
import type { Attestation } from "../judging/judge.ts";
import type { Member } from "../judging/member.ts";
import type { PublicationOutcome } from "../store/publication.ts";
import type { Head } from "./head.ts";
import { publishCandidate } from "./publishing.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-publishing-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("H6: of a cohort whose member was refused while it was merged, no patch stays public", async () => {
  const blobs = openPublicBlobs(join(folder, "blobs"), folder);
  const bytes = new Uint8Array(1000);
  const waiting = await sha256(bytes);
  const ledger = {
    waitingBytes: async (id: string) => (id === waiting ? bytes : undefined),
    contribution: async () => ({ version: null }),
  };
  const context = { blobs, ledger } as unknown as RelayContext; // it does not come to the rest
  const members = [{ id: waiting }, { id: "0".repeat(64) }];
  const candidate = { members } as unknown as Candidate<Member>;
  const outcome = publishCandidate(context, {} as Head, candidate, {} as Attestation, 1);
  expect(await outcome).toBe("not-waiting");
  expect([await blobs.size(waiting), await blobs.size(waiting, "gzip")]).toEqual([null, null]);
});

/** A merge of one waiting patch: what comes of it, and how large the patch is that is public then. */
async function publishOne(
  name: string,
  publish: () => Promise<PublicationOutcome>,
  { mostBlobs = 3, life = { version: null as number | null } } = {},
) {
  const store = openPublicBlobs(join(folder, name), folder);
  let puts = 0;
  const blobs: typeof store = {
    ...store,
    put: async (bytes) => {
      if (puts++ < mostBlobs) return store.put(bytes);
      throw new Error("no space left");
    },
  };
  const bytes = new Uint8Array(1000);
  const id = await sha256(bytes);
  const ledger = {
    waitingBytes: async () => bytes,
    contribution: async () => life,
    epoch: async () => ({ versions: 1, arrived: 0, outstanding: 0 }),
    publish,
  };
  const context = {
    blobs,
    ledger,
    config: { keyframeEvery: 16 },
    identity: await openIdentity(folder, folder),
    clock: () => 0,
    nextMasks: new Map(),
  } as unknown as RelayContext; // it does not come to the rest
  const parameters = new Float32Array(4);
  const layout = createLayout([{ name: "w", shape: [4] }]);
  const head = {
    model: "tiny",
    number: 0,
    id: "0".repeat(64),
    recipe: tinyRecipe,
    layout,
    parameters,
  };
  const member = { id, contributor: "1".repeat(64), examples: 1, row: { shards: "[0]", base: 0 } };
  const step = quantiseStep(parameters, {
    positions: Uint32Array.of(1),
    values: Float32Array.of(1),
  });
  const candidate = { members: [member], multipliers: [4096], step };
  const outcome = await publishCandidate(
    context,
    { ...head, record: {} } as unknown as Head,
    candidate as unknown as Candidate<Member>,
    { report: { examples: 1, lossNats: 1, accuracy: 1 }, gate: null },
    1,
  ).catch((error: unknown) => error);
  return { outcome, publicBytes: await store.size(id) };
}

test("H6: a patch is not public while it waits because its version could not be written", async () => {
  const blobs = { mostBlobs: 2 }; // the patch, the manifest; not the step
  const { outcome, publicBytes } = await publishOne("full", async () => "published", blobs);
  expect(outcome).toEqual(new Error("no space left"));
  expect(publicBytes).toBe(null);
});

test("H6: a patch is not public while it waits because another relay publishes now", async () => {
  const fenced = await publishOne("fenced", async () => "fenced");
  expect(fenced).toEqual({ outcome: "fenced", publicBytes: null });
});

test("H6: a merged patch is public, also where the ledger's answer is lost after the commit", async () => {
  const merged = await publishOne("merged", async () => "published");
  expect(merged).toEqual({ outcome: "published", publicBytes: 1000 });
  const life = { version: null as number | null };
  const commitAndFail = async () => {
    life.version = 1;
    throw new Error("gone");
  };
  const lost = await publishOne("lost", commitAndFail, { life });
  expect(lost).toEqual({ outcome: new Error("gone"), publicBytes: 1000 });
});
