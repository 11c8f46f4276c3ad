import { tensor, tidy, zeros } from "@tensorflow/tfjs-core";
import { describe, test } from "vitest";
import { openBackend } from "../../kernels/backend.ts";
import { openCpu } from "../../kernels/cpu/backend.ts";
import { smallTask } from "../../tests/fixtures/training-task.ts";
import { expectClose } from "../../tests/reference/finite-differences.ts";
import { createLayout } from "../tensors/layout.ts";
import { cutMask } from "../training/mask-parts.ts";
import { uploadWeights } from "../training/weights.ts";
import { maskedSink } from "./masked-sink.ts";
import { createMlp } from "./mlp.ts";
import { mlpGradient } from "./reference/mlp.ts";
import { joinFlat, splitFlat } from "./reference/tensors.ts";

const BACKENDS = [
  { name: "wasm", open: () => openBackend({ prefer: "cpu" }) },
  { name: "cpu", open: openCpu },
];
const SIZES = [
  { inputs: 33, hidden: [45, 17], outputs: 7, batch: 19 },
  { inputs: 3, hidden: [9], outputs: 257, batch: 1 },
  { inputs: 1, hidden: [1], outputs: 2, batch: 5 },
];

describe.each(BACKENDS)("on $name", ({ open }) => {
  test.each(SIZES)(
    "mlp $inputs → $hidden → $outputs, batch $batch: losses and masked gradient equal the f64 reference's",
    async ({ batch, ...sizes }) => {
      await open();
      const architecture = { kind: "mlp", ...sizes } as const;
      const model = createMlp(architecture);
      const layout = createLayout(model.shapes);
      for (const density of [0.3, 1]) {
        const { parameters, positions, examples } = smallTask({ density }, architecture, batch);
        const every = Uint32Array.from({ length: batch }, (_, index) => index);
        const mask = cutMask(layout, positions);
        const k = positions.length;
        const [values, losses] = tidy(() => {
          const gradient = {
            values: zeros([k]),
            positions: tensor(mask.positions, [k], "int32"),
            parts: mask.parts,
          };
          const weights = uploadWeights(model, parameters);
          const told = model.gradientInto(
            maskedSink(gradient),
            weights,
            model.batch(examples, every),
          );
          return [gradient.values.dataSync(), told.dataSync()];
        });
        const reference = mlpGradient(
          architecture,
          splitFlat(new Float64Array(parameters), layout),
          {
            inputs: Float64Array.from(examples.pixels, (pixel) => pixel / 255),
            targets: examples.labels,
          },
        );
        const dense = joinFlat(reference.gradient, layout);
        const expected = Float64Array.from(positions, (position) => dense[position]!);
        expectClose("losses", losses!, reference.losses, 1e-5);
        expectClose("gradient", values!, expected, 1e-6);
      }
    },
  );
});
