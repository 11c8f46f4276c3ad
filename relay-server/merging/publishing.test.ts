import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sha256 } from "../../core/crypto/signature.ts";
import type { Candidate } from "../../core/merge/candidate.ts";
import { quantiseStep } from "../../core/merge/quantised-step.ts";
import { createLayout } from "../../core/tensors/layout.ts";
import { encodeNext } from "../../core/tensors/next-checkpoint.ts";
import { tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import { openObjects } from "../content/open-objects.ts";
import { openPublicBlobs } from "../content/public-blobs.ts";
import type { RelayContext } from "../context.ts";
import type { Head } from "../history/head.ts";
import { promotePatches, sweepPatches } from "../history/promotion.ts";
import { openIdentity } from "../identity.ts";
import type { PublicationOutcome } from "../store/sql/publication.ts";
import type { NextTask } from "../threads/evaluation-thread.ts";
import type { WaitingMember } from "./member.ts";
import { publishCandidate } from "./publishing.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-publishing-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A merge of one waiting patch: what comes of it, how large the patch is that is public then. It never is before the commit. */
async function publishOne(
  name: string,
  publish: () => Promise<PublicationOutcome>,
  { mostBlobs = 3 } = {},
) {
  const objects = openObjects({ kind: "folder", path: join(folder, name), temporary: folder });
  const store = openPublicBlobs(objects);
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
  let due: string[] = [];
  const history = {
    epoch: async () => ({ versions: 1, arrived: 0, outstanding: 0 }),
    async publish() {
      expect(await store.size(id)).toBe(null);
      const outcome = await publish();
      if (outcome === "published") due = [id];
      return outcome;
    },
  };
  const contributions = {
    dueBytes: async () => bytes,
    duePromotions: async () => due,
    notePromoted: async () => {
      due = [];
    },
  };
  const context = {
    blobs,
    history,
    contributions,
    config: { keyframeEvery: 16 },
    identity: await openIdentity(objects, "the test's folder"),
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
  const member = {
    id,
    contributor: "1".repeat(64),
    examples: 1,
    row: { shards: "[0]", base: 0, fork: null },
  };
  const step = quantiseStep(parameters, {
    positions: Uint32Array.of(1),
    values: Float32Array.of(1),
  });
  const candidate = { members: [member], multipliers: [4096], step };
  const evaluator = {
    encodeNext: (_: string, { step: own }: NextTask) => encodeNext(layout, parameters, own),
  };
  const outcome = await publishCandidate(
    { context, evaluator },
    { ...head, packets: null, record: {} } as unknown as Head,
    candidate as unknown as Candidate<WaitingMember>,
    { report: { examples: 1, lossNats: 1, accuracy: 1 }, gate: null, looked: { gate: 0 } },
  ).catch((error: unknown) => error);
  const publicBytes = await store.size(id);
  /** What the relay does before its next step, with room on the disk. */
  const promote = async () => {
    await promotePatches({ blobs: store, contributions } as unknown as RelayContext, "tiny");
    return store.size(id);
  };
  return { outcome, publicBytes, promote };
}

test("H6: a patch is not public while it waits because its version could not be written", async () => {
  const { outcome, publicBytes } = await publishOne("full", async () => "published", {
    mostBlobs: 1, // the manifest; not the step
  });
  expect(outcome).toEqual(new Error("no space left"));
  expect(publicBytes).toBe(null);
});

test("H6: a patch is not public while it waits because another relay publishes now", async () => {
  const fenced = await publishOne("fenced", async () => "fenced");
  expect(fenced).toMatchObject({ outcome: "fenced", publicBytes: null });
});

test("H6: a patch is public once its version is, or as soon as there is room for it", async () => {
  const merged = await publishOne("merged", async () => "published");
  expect(merged).toMatchObject({ outcome: "published", publicBytes: 1000 });
  const mostBlobs = 2; // the manifest and the step
  const { outcome, promote } = await publishOne("late", async () => "published", { mostBlobs });
  expect(outcome).toEqual(new Error("no space left"));
  expect(await promote()).toBe(1000);
});

test("H6: what earlier software left public of unmerged work is taken back, once", async () => {
  const path = join(folder, "sweep");
  const blobs = openPublicBlobs(openObjects({ kind: "folder", path, temporary: folder }));
  const [waiting, merged] = await Promise.all([1, 2].map((n) => blobs.put(new Uint8Array(n))));
  const settings = new Map([["patch-sweep", "due"]]);
  const status = {
    setting: async (name: string) => settings.get(name),
    putSetting: async (name: string, value: string) => void settings.set(name, value),
  };
  const contributions = { unmerged: async (after: string) => (after === "" ? [waiting] : []) };
  const context = { blobs, status, contributions } as unknown as RelayContext; // it does not come to the rest
  await sweepPatches(context);
  expect([await blobs.size(waiting!), await blobs.size(merged!)]).toEqual([null, 2]);
  await blobs.put(new Uint8Array(1));
  await sweepPatches(context);
  expect(await blobs.size(waiting!)).toBe(1);
});
