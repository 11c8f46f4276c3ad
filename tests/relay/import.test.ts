import { readFile } from "node:fs/promises";
import { afterEach, expect, test, vi } from "vitest";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { LETTERS, tokenizedTextModel } from "../fixtures/tokenized-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000 }); // each test starts a relay with its threads
let relay: TestRelay | null = null;
afterEach(async () => {
  await relay?.remove();
  relay = null;
});

const { score: size } = tinyRecipe.data.heldOut;

/** The tiny model with a protected suite of as many examples as its recipe promises, or fewer. */
function protectedModel(promised = size) {
  const heldOut = { ...tinyRecipe.data.heldOut, protected: promised };
  const gate: Recipe["gate"] = {
    ...tinyRecipe.gate,
    protected: { marginNats: 0.1, releaseMarginNats: 0.2 },
    flipBudget: 0.5,
  };
  const source = tinyModel({ data: { ...tinyRecipe.data, heldOut }, gate });
  return {
    ...source,
    async heldOut() {
      const sets = await source.heldOut();
      return { ...sets, protected: sets.report };
    },
  };
}

test("G8: a protected suite is imported, kept over a restart, and looked at by the gate", async () => {
  relay = await startTestRelay({ source: protectedModel() });
  relay = await relay.restart();
  const volunteer = await createVolunteer(relay.client, tinyRecipe);
  const { id, bytes, signature } = await contribute(volunteer, relay.now());
  await relay.client.putContribution(id, bytes, signature);
  expect(await relay.decided(id)).toMatchObject({ state: "merged", version: 1 });
  const { gate } = (await relay.client.version("tiny", 1)).record.evaluation;
  expect(gate?.tests?.map(({ suite, against }) => [suite, against])).toEqual([
    ["gate", "parent"],
    ["protected", "parent"],
  ]);
  expect(gate?.flips).toMatchObject({ version: 0, budget: 0.5 });
});

test("a protected suite that is missing, or not as large as the recipe says, stops the import", async () => {
  const missing = { ...protectedModel(), heldOut: tinyModel().heldOut };
  await expect(startTestRelay({ source: missing })).rejects.toThrow("protected set: missing");
  const short = startTestRelay({ source: protectedModel(size + 1) });
  await expect(short).rejects.toThrow(`tiny's protected set: ${size} examples, not ${size + 1}`);
});

test("T11: a tokenizer's file is a blob that anybody reads, and another file than the recipe names stops the import", async () => {
  relay = await startTestRelay({ source: await tokenizedTextModel() });
  const { tokenizer } = (await relay.client.model("tiny-text")).recipe.data;
  const blob = await relay.client.blob(tokenizer!.files[0]!.sha256);
  expect(blob).toEqual(Uint8Array.from(await readFile(LETTERS)));
  const other = startTestRelay({ source: await tokenizedTextModel(new Uint8Array(3)) });
  await expect(other).rejects.toThrow("tiny-text's tokenizer.json: it hashes to");
  const { tokenizer: _, ...missing } = await tokenizedTextModel();
  await expect(startTestRelay({ source: missing })).rejects.toThrow("tokenizer.json: missing");
});
