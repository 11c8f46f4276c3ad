import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sha256 } from "../../core/crypto/signature.ts";
import { encodeSuiteFile, openSuiteFile } from "../../core/gate/suite-file.ts";
import { planData } from "../../core/models/addition-files.ts";
import type { SuiteHeader } from "../../core/protocol/schemas/suite.ts";
import { encodeExamples, joinExamples } from "../../core/training/examples.ts";
import { filled, id } from "../../tests/fixtures/ledger-rows.ts";
import { tinyPatterns, tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import { openAdditionFiles } from "../content/addition-files.ts";
import { createDamage } from "../content/damage.ts";
import { openHeldOutStore, suitesOf } from "../content/held-out-store.ts";
import { openObjects } from "../content/open-objects.ts";
import { openPublicBlobs } from "../content/public-blobs.ts";
import type { RelayContext } from "../context.ts";
import { openIdentity } from "../identity.ts";
import { openSqlite } from "../store/sqlite/sqlite.ts";
import { openComparison } from "../threads/open-comparison.ts";
import { addData } from "./data-addition.ts";
import { proposedSuite } from "./suites.ts";

let folder: string;
const compared = openComparison();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-data-addition-"));
});
afterAll(async () => {
  await compared.close();
  await rm(folder, { recursive: true });
});

const header: SuiteHeader = {
  format: "commonweight.suite/1",
  ...{ model: "tiny", name: "cellar", contributor: id(7), marginNats: 0.1 },
  ...{ reason: "Our cellar is dark.", licence: "CC0-1.0", use: "Pictures from a cellar." },
};

/** A relay's parts; `onFirstBlob` happens once the first shard was looked at, before it is kept. */
async function openParts(onFirstBlob: (history: RelayContext["history"]) => Promise<void>) {
  const { history } = await filled(openSqlite(":memory:"));
  const path = await mkdtemp(join(folder, "relay-"));
  const place = { kind: "folder", path, temporary: folder } as const;
  const objects = openObjects(place);
  const store = openPublicBlobs(objects);
  let happens: typeof onFirstBlob | null = onFirstBlob;
  const blobs: typeof store = {
    ...store,
    async put(bytes) {
      const now = happens;
      happens = null;
      await now?.(history);
      return store.put(bytes);
    },
  };
  const context = {
    ...{ history, blobs, damage: createDamage(store), clock: () => 9 },
    identity: await openIdentity(objects, path),
  };
  const heldOut = openHeldOutStore(objects);
  for (const suite of suitesOf(tinyRecipe)) {
    await heldOut.put("tiny", suite, encodeExamples(tinyPatterns(suite, 20)));
  }
  const files = openAdditionFiles(objects);
  const add = async (name: string, examples: ReturnType<typeof tinyPatterns>) => {
    const shard = { title: name, examples: examples.count, bytes: encodeExamples(examples) };
    const about = { model: "tiny", source: name, licence: "CC0-1.0" };
    const plan = await planData(about, [shard]);
    const id = await sha256(shard.bytes);
    await files.put(id, plan.shards[0]!.sha256, shard.bytes);
    const addedBy = { maintainer: "first", reason: "more" };
    const rest = { comparison: compared.comparison, addedBy, onProgress: () => {} };
    return addData(context, { id, plan, recipe: tinyRecipe, place, ...rest });
  };
  return { history, blobs, add };
}

test("R10: data are compared with what came while they were looked at: a suite, and other data", async () => {
  const examples = tinyPatterns("suite", 30);
  const bytes = encodeSuiteFile(header, examples);
  const file = { id: await sha256(bytes), bytes, signature: "", examples: 30, proposed_at: 5 };
  const suite = proposedSuite("tiny", openSuiteFile(bytes), file);
  const fresh = tinyPatterns("fresh", 40);
  const known = tinyPatterns("known", 10);
  const { history, blobs, add } = await openParts(async () => {
    await history.proposeSuite(suite);
    await add("Other", known);
  });
  const outcome = await add("Mixed", joinExamples([examples, fresh, known]) as typeof fresh);
  expect(outcome).toEqual({ shards: 1, examples: 40, removed: { heldOut: 30, known: 10 } });
  const rows = (await history.shards("tiny")).slice(2);
  expect(rows.map(({ title }) => title)).toEqual(["Other", "Mixed"]);
  expect(await blobs.read(rows[1]!.sha256)).toEqual(encodeExamples(fresh));
});

test("R10: data that another relay entered meanwhile come to what they came to there", async () => {
  const fresh = tinyPatterns("fresh", 40);
  const { history, add } = await openParts(async () => void (await add("Fresh", fresh)));
  const outcome = await add("Fresh", fresh);
  expect(outcome).toEqual({ shards: 1, examples: 40, removed: { heldOut: 0, known: 0 } });
  expect(await history.shards("tiny")).toHaveLength(3);
});
