import type { MlpArchitecture } from "../../core/models/mlp.ts";
import { problemAt } from "../problem.ts";
import type { StoredTensors } from "./stored-tensors.ts";

/** The classifier whose layers `stored` has, for its shapes say all of it; null where the tensors are no such layers'. */
export function mlpOf(file: string, stored: StoredTensors): MlpArchitecture | null {
  const widths: number[] = [];
  for (let layer = 0; ; layer++) {
    const weight = stored.get(`layers.${layer}.weight`);
    if (weight === undefined) break;
    const [outputs = 0, inputs = 0] = weight.shape;
    if (weight.shape.length !== 2 || outputs < 1 || inputs < 1) {
      throw problemAt(
        { file },
        `"layers.${layer}.weight" is [${weight.shape}], not [outputs, inputs]`,
      );
    }
    if (layer === 0) widths.push(inputs);
    else if (widths.at(-1) !== inputs) {
      const what = `"layers.${layer}.weight" takes ${inputs} numbers, and the layer before gives ${widths.at(-1)}`;
      throw problemAt({ file }, what);
    }
    widths.push(outputs);
  }
  if (widths.length < 3) return null; // a hidden layer at least
  return { kind: "mlp", inputs: widths[0]!, hidden: widths.slice(1, -1), outputs: widths.at(-1)! };
}
