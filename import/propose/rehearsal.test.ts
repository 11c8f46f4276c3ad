import { beforeAll, expect, test } from "vitest";
import { layoutOf } from "../../core/models/registry.ts";
import { decodeCheckpointFile } from "../../core/tensors/checkpoint-file.ts";
import { decodeExamples, type Examples } from "../../core/training/examples.ts";
import { openBackend } from "../../kernels/backend.ts";
import { plainScore } from "../../tests/fixtures/plain-score.ts";
import { tinyModel, tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import { createRehearsal, verdictOn } from "./rehearsal.ts";

beforeAll(async () => {
  await openBackend({ prefer: "cpu" });
});

async function rehearse(score: Partial<typeof plainScore>) {
  const { architecture } = tinyRecipe;
  const source = tinyModel();
  const shards: Examples[] = [];
  for await (const { title, bytes } of source.shards()) {
    shards.push(decodeExamples(title, bytes, architecture));
  }
  const sets = await source.heldOut();
  const heldOut = {
    score: decodeExamples("score", sets.score, architecture),
    gate: decodeExamples("gate", sets.gate, architecture),
  };
  const parameters = decodeCheckpointFile("base", await source.base(), layoutOf(architecture));
  const { signal } = new AbortController();
  const recipe = { ...tinyRecipe, score: { ...plainScore, ...score } };
  const rehearsal = createRehearsal(recipe, {
    parameters,
    shards,
    heldOut,
    seed: "1",
    now: () => 0,
    signal,
  });
  const { works, differences } = await rehearsal.round(3, "and refuses");
  const codes = works.map((work) => {
    const verdict = verdictOn(work, recipe);
    return verdict.ok ? null : verdict.code;
  });
  return { works, codes, moved: differences.some((value) => value !== 0) };
}

test("a rehearsed community merges only what the recipe's rules take", async () => {
  const free = await rehearse({ toleranceNats: 9 });
  expect(free).toMatchObject({ codes: [null, null, null], moved: true });
  const strict = await rehearse({ toleranceNats: -9 });
  expect(strict).toMatchObject({ codes: ["harmful", "harmful", "harmful"], moved: false });
});

test("a rehearsed piece is looked at as a relay looks: without references it is scored alone", async () => {
  const { works: alone } = await rehearse({ toleranceNats: 9 });
  expect(alone.map(({ agreement }) => agreement)).toEqual([null, null, null]);
  const { works } = await rehearse({ toleranceNats: 9, references: 2 });
  for (const { agreement, likeness } of works) {
    expect(agreement!.z).toBeGreaterThan(2);
    expect(likeness.others).toBeLessThan(1);
  }
});
