import { beforeAll, expect, test } from "vitest";
import { openBackend } from "../../kernels/backend.ts";
import { tinyModel } from "../../tests/fixtures/tiny-model.ts";
import { loadModel } from "../community/sim-model.ts";
import { runDiloco } from "./diloco.ts";

const options = { volunteers: 3, versions: 4, until: null, seed: "outer" };

beforeAll(async () => {
  await openBackend({ prefer: "cpu" });
});

test("momentum on the mean of what everybody trained improves a model, by the seed", async () => {
  const model = await loadModel(tinyModel());
  const curve = await runDiloco(model, options);
  expect(curve.last.lossNats).toBeLessThan(curve.base.lossNats);
  expect(await runDiloco(model, options)).toEqual(curve);
  expect(curve.versions.map(({ bytesUp }) => bytesUp)).toEqual(
    [1, 2, 3, 4].map((rounds) => rounds * 3 * 4 * model.layout.size),
  );
});

test("it ends as soon as it is good enough", async () => {
  const model = await loadModel(tinyModel());
  const curve = await runDiloco(model, { ...options, until: 0.01 });
  expect(curve.versions).toHaveLength(1);
});
