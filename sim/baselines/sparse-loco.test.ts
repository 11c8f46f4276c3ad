import { beforeAll, expect, test } from "vitest";
import { openBackend } from "../../kernels/backend.ts";
import { tinyModel } from "../../tests/fixtures/tiny-model.ts";
import { loadModel } from "../community/sim-model.ts";
import { runSparseLoco } from "./sparse-loco.ts";

const options = {
  volunteers: 3,
  versions: 4,
  density: 0.1,
  bits: 2,
  until: null,
  seed: "sparse",
} as const;

beforeAll(async () => {
  await openBackend({ prefer: "cpu" });
});

test("the largest of what everybody has not sent yet improve a model, by the seed", async () => {
  const model = await loadModel(tinyModel());
  const curve = await runSparseLoco(model, options);
  expect(curve.last.lossNats).toBeLessThan(curve.base.lossNats);
  expect(await runSparseLoco(model, options)).toEqual(curve);
});

test("each sends a tenth of the entries at 12 + 2 bits and two scales a chunk, every round", async () => {
  const model = await loadModel(tinyModel());
  const { versions } = await runSparseLoco(model, options);
  const entries = Math.round(0.1 * model.layout.size);
  expect(versions.map(({ bytesUp }) => bytesUp)).toEqual(
    [1, 2, 3, 4].map((rounds) => rounds * 3 * ((entries * 14) / 8 + 4)),
  );
});
