import { beforeAll, describe, expect, test } from "vitest";
import { openBackend } from "../../kernels/backend.ts";
import { openCpu } from "../../kernels/cpu/backend.ts";
import { smallTask } from "../../tests/fixtures/training-task.ts";
import {
  compareFisher,
  compareFisherWithDifferences,
  compareSquaredGradient,
  DIFFERENCE_CASES,
  FISHER_CASES,
} from "../../tests/reference/fisher.ts";
import { estimateFisher, type FisherProgress } from "./fisher.ts";
import { maskedGradient } from "./gradient.ts";

const SLOW_MS = 30_000; // plain loops in f64, on a machine that others use too

describe.each([
  ["javascript", openCpu],
  ["wasm", () => openBackend({ prefer: "cpu" })],
])("on %s", (_, open) => {
  beforeAll(async () => {
    await open();
  });

  test("squared gradients equal the f64 reference at odd sizes", compareSquaredGradient);

  test.each(FISHER_CASES)(
    "$what: Fisher and held-out gradient equal the f64 reference, are the same bytes twice and leave no tensor",
    compareFisher,
    SLOW_MS,
  );

  test.each(DIFFERENCE_CASES)(
    "$what: Fisher and held-out gradient equal finite differences of the f64 losses",
    compareFisherWithDifferences,
    SLOW_MS,
  );

  test("progress is told after every batch, and an abort stops before the next with its reason", async () => {
    const { architecture, parameters, examples, positions } = smallTask({}, undefined, 613);
    const told: FisherProgress[] = [];
    const onProgress = (progress: FisherProgress) => void told.push(progress);
    await estimateFisher({ architecture, parameters, examples }, { onProgress });
    expect(told).toEqual([250, 500, 613].map((done) => ({ done, of: 613 })));

    const abort = new AbortController();
    const { signal } = abort;
    const late = () => abort.abort(new Error("enough"));
    const task = { architecture, parameters, examples };
    await expect(estimateFisher(task, { signal, onProgress: late })).rejects.toThrow("enough");
    await expect(maskedGradient({ ...task, positions }, { signal })).rejects.toThrow("enough");
  });
});
