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
import { decodeAct } from "./acts.ts";
import { addData } from "./data-addition.ts";
import { proposedSuite } from "./suites.ts";
import { takeBackUnentered } from "./unentered-blobs.ts";

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

/** A relay's parts; `onFirstBlob` happens once all was compared, when the first shard is made public. */
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
      const id = await store.put(bytes);
      await now?.(history);
      return id;
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
  const add = async (
    name: string,
    examples: ReturnType<typeof tinyPatterns>,
    onLooked: () => Promise<unknown> = async () => {},
  ) => {
    const shard = { title: name, examples: examples.count, bytes: encodeExamples(examples) };
    const about = { model: "tiny", source: name, licence: "CC0-1.0" };
    const plan = await planData(about, [shard]);
    const id = await sha256(shard.bytes);
    await files.put(id, plan.shards[0]!.sha256, shard.bytes);
    const addedBy = { maintainer: "first", reason: "more" };
    const comparison: typeof compared.comparison = {
      ...compared.comparison,
      async look(task) {
        const looked = await compared.comparison.look(task);
        await onLooked();
        onLooked = async () => {};
        return looked;
      },
    };
    const rest = { comparison, addedBy, onProgress: () => {} };
    return addData(context, { id, plan, recipe: tinyRecipe, place, ...rest });
  };
  const publicBlobs = async () => (await objects.list("blobs")).map(({ name }) => name).sort();
  const notes = () => objects.list("unentered");
  const nextTurn = () => takeBackUnentered(context, objects);
  return { history, blobs: store, add, publicBlobs, notes, nextTurn };
}

/** A suite of these examples, as somebody proposes it. */
async function suiteOf(examples: ReturnType<typeof tinyPatterns>) {
  const bytes = encodeSuiteFile(header, examples);
  const about = { id: await sha256(bytes), bytes, signature: "", proposed_at: 5 };
  return proposedSuite("tiny", openSuiteFile(bytes), { ...about, examples: examples.count });
}

/** The names of the blobs that the data of a model's acts consist of; the test's shards are too small to be gzipped. */
async function dataBlobs(history: RelayContext["history"]): Promise<string[]> {
  const shards = (await history.shards("tiny")).slice(2); // the ledger's own two have no files
  const lists = (await history.acts("tiny")).map((act) => {
    const { deed } = decodeAct(act).record;
    return deed.kind === "add-data" ? deed.list : "";
  });
  return [...shards.map(({ sha256 }) => sha256), ...lists].map((id) => `blobs/${id}`).sort();
}

test("R10: data are compared with what came while they were looked at: a suite, and other data", async () => {
  const examples = tinyPatterns("suite", 30);
  const suite = await suiteOf(examples);
  const fresh = tinyPatterns("fresh", 40);
  const known = tinyPatterns("known", 10);
  const { history, blobs, add, publicBlobs, notes } = await openParts(async () => {
    await history.proposeSuite(suite);
    await add("Other", known);
  });
  const outcome = await add("Mixed", joinExamples([examples, fresh, known]) as typeof fresh);
  expect(outcome).toEqual({ shards: 1, examples: 40, removed: { heldOut: 30, known: 10 } });
  const rows = (await history.shards("tiny")).slice(2);
  expect(rows.map(({ title }) => title)).toEqual(["Other", "Mixed"]);
  expect(await blobs.read(rows[1]!.sha256)).toEqual(encodeExamples(fresh));
  expect(await publicBlobs()).toEqual(await dataBlobs(history)); // nothing of what was left out
  expect(await notes()).toEqual([]);
});

test("R10: of data that are held out by the time they would be entered, nothing stays public", async () => {
  const fresh = tinyPatterns("fresh", 40);
  const suite = await suiteOf(fresh);
  const { history, add, publicBlobs, notes } = await openParts(async () => {
    expect(await publicBlobs()).toHaveLength(1);
    await history.proposeSuite(suite);
  });
  await expect(add("Fresh", fresh)).rejects.toThrow(
    /^Fresh: nothing new; 0 examples .* and 40 are/,
  );
  expect(await publicBlobs()).toEqual([]);
  expect(await notes()).toEqual([]);
});

test("R10: a shard that was public before stays so, though as data it is refused", async () => {
  const fresh = tinyPatterns("fresh", 40);
  const suite = await suiteOf(fresh);
  const { blobs, add, publicBlobs } = await openParts(async (history) => {
    await history.proposeSuite(suite);
  });
  const id = await blobs.put(encodeExamples(fresh)); // another model's, say
  await expect(add("Fresh", fresh)).rejects.toThrow(/^Fresh: nothing new/);
  expect(await publicBlobs()).toEqual([`blobs/${id}`]);
});

test("R10: data whose files the next relay took back, since the turn was lost, are there once they are entered", async () => {
  const { history, add, publicBlobs, nextTurn } = await openParts(() => nextTurn());
  await add("Fresh", tinyPatterns("fresh", 40));
  expect(await publicBlobs()).toEqual(await dataBlobs(history));
});

test("R10: data are compared with a suite that came while they were looked at before any of them is public", async () => {
  const fresh = tinyPatterns("fresh", 40);
  const suite = await suiteOf(fresh);
  const never = async () => expect.unreachable("a shard was made public");
  const { history, add } = await openParts(never);
  const adding = add("Fresh", fresh, () => history.proposeSuite(suite));
  await expect(adding).rejects.toThrow(/^Fresh: nothing new; 0 examples .* and 40 are/);
});

test("R10: data that another relay entered meanwhile come to what they came to there", async () => {
  const fresh = tinyPatterns("fresh", 40);
  const { history, add } = await openParts(async () => void (await add("Fresh", fresh)));
  const outcome = await add("Fresh", fresh);
  expect(outcome).toEqual({ shards: 1, examples: 40, removed: { heldOut: 0, known: 0 } });
  expect(await history.shards("tiny")).toHaveLength(3);
});

test("R10: a commit that is carried out after nobody waited for it any more finds its files", async () => {
  const { history, add, publicBlobs, notes, nextTurn } = await openParts(async () => {});
  const { addData: commit } = history;
  let carryOut = async (): Promise<unknown> => null;
  Object.assign(history, {
    addData: async (...doing: Parameters<typeof commit>) => {
      carryOut = () => commit(...doing);
      throw new Error("Query read timeout"); // what pg says of a server that is silent
    },
  });
  await expect(add("Fresh", tinyPatterns("fresh", 40))).rejects.toThrow("Query read timeout");
  expect(await carryOut()).toBe(true);
  expect(await publicBlobs()).toEqual(await dataBlobs(history));
  await nextTurn();
  expect(await publicBlobs()).toEqual(await dataBlobs(history));
  expect(await notes()).toEqual([]);
});
