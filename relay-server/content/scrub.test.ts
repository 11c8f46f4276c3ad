import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sha256 } from "../../core/crypto/signature.ts";
import { tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import type { RelayContext } from "../context.ts";
import { createDamage } from "./damage.ts";
import { openHeldOutStore } from "./held-out-store.ts";
import { openObjects } from "./open-objects.ts";
import { openPublicBlobs } from "./public-blobs.ts";
import { scrubModel, startScrub } from "./scrub.ts";

test("the scrub finds what nobody asked for, and takes its word back once a backup is in its place", async () => {
  const folder = await mkdtemp(join(tmpdir(), "commonweight-scrub-"));
  const objects = openObjects({ kind: "folder", path: folder, temporary: folder });
  const blobs = openPublicBlobs(objects);
  const heldOut = openHeldOutStore(objects);
  const shards: { title: string; sha256: string }[] = [];
  for (const n of [1, 2]) {
    shards.push({ title: `Shard ${n}`, sha256: await blobs.put(Uint8Array.of(n)) });
  }
  const set = Uint8Array.of(1, 2, 3);
  for (const suite of ["score", "gate", "report"] as const) await heldOut.put("tiny", suite, set);
  const damage = createDamage(blobs);
  const hash = await sha256(set);
  const context = {
    history: { shards: async () => shards },
    status: { setting: async () => hash },
    blobs,
    heldOut,
    damage,
    models: new Map([["tiny", { recipe: tinyRecipe }]]),
  } as unknown as RelayContext; // it does not come to the rest
  const scrub = () => scrubModel(context, "tiny", async () => {});
  await scrub();
  expect(damage.problem("tiny")).toBeNull();
  await objects.put(`blobs/${shards[1]!.sha256}`, Uint8Array.of(3));
  await heldOut.put("tiny", "gate", Uint8Array.of(1, 2, 2));
  await scrub();
  expect(damage.problem("tiny")).toMatch(/^the gate set, shard "Shard 2" are damaged/);
  await objects.put(`blobs/${shards[1]!.sha256}`, Uint8Array.of(2));
  await heldOut.put("tiny", "gate", set);
  await scrub();
  expect(damage.problem("tiny")).toBeNull();
  await rm(folder, { recursive: true });
});

test("the scrub goes on after a ledger that was away for a round", async () => {
  const away = Object.assign(new Error("away"), { code: "ECONNREFUSED" });
  const again = Promise.withResolvers<void>();
  let rounds = 0;
  const context = {
    status: {
      async setting() {
        if (++rounds === 1) throw away;
        again.resolve();
      },
    },
    heldOut: { read: async () => null },
    models: new Map([["tiny", { recipe: tinyRecipe }]]),
    damage: { problem: () => null, note() {} },
  } as unknown as RelayContext; // it does not come to the rest
  const scrub = startScrub(context, () => {});
  await again.promise;
  await scrub.close();
});
