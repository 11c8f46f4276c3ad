import { beforeAll, expect, test } from "vitest";
import { openBackend } from "../../../kernels/backend.ts";
import {
  compareFisher,
  compareFisherWithDifferences,
  compareSquaredGradient,
  DIFFERENCE_CASES,
  FISHER_CASES,
} from "../../reference/fisher.ts";

beforeAll(async () => {
  const { name } = await openBackend({ prefer: "webgpu" });
  expect(name).toBe("webgpu");
});

test("on WebGPU squared gradients equal the f64 reference at odd sizes", compareSquaredGradient);

test.each(FISHER_CASES)(
  "on WebGPU, $what: Fisher and held-out gradient equal the f64 reference, are the same bytes twice and leave no tensor",
  compareFisher,
);

test.each(DIFFERENCE_CASES)(
  "on WebGPU, $what: Fisher and held-out gradient equal finite differences of the f64 losses",
  compareFisherWithDifferences,
);
