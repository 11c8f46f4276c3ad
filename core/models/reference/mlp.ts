import type { MlpArchitecture } from "../mlp.ts";
import { crossEntropyBackward, referenceCrossEntropy } from "./cross-entropy.ts";
import {
  linearWeightGradient,
  referenceColumnSums,
  referenceLinear,
  referenceLinearInputGradient,
  transposed,
} from "./linear.ts";
import { referenceTensor, type Tensors } from "./tensors.ts";

// B batch, I inputs and O outputs of one layer

export type MlpBatch = {
  /** [B, inputs] */
  readonly inputs: Float64Array;
  /** Classes [B]. */
  readonly targets: ArrayLike<number>;
};

/** The input [B, inputs], then each layer's output [B, O], with ReLU but for the last: the logits. */
export function mlpForward(
  architecture: MlpArchitecture,
  tensors: Tensors,
  inputs: Float64Array,
): Float64Array[] {
  const outputs = [inputs];
  for (const { name, inputs: I, outputs: O, last } of layersOf(architecture)) {
    const weight = transposed(referenceTensor(tensors, `${name}.weight`), O, I); // [I, O]
    const bias = referenceTensor(tensors, `${name}.bias`); // [O]
    const y = referenceLinear(outputs.at(-1)!, weight, bias, { inputs: I, outputs: O }); // [B, O]
    outputs.push(last ? y : y.map((value) => Math.max(0, value)));
  }
  return outputs;
}

/** The loss of every example in nats [B]. */
export function mlpLosses(
  architecture: MlpArchitecture,
  tensors: Tensors,
  { inputs, targets }: MlpBatch,
): Float64Array {
  return referenceCrossEntropy(mlpForward(architecture, tensors, inputs).at(-1)!, targets);
}

/** The losses [B] in nats and the dense gradient of their mean, tensor by tensor. */
export function mlpGradient(
  architecture: MlpArchitecture,
  tensors: Tensors,
  { inputs, targets }: MlpBatch,
): { losses: Float64Array; gradient: Tensors } {
  const outputs = mlpForward(architecture, tensors, inputs);
  const logits = outputs.at(-1)!; // [B, classes]
  const B = targets.length;
  const gradient = new Map<string, Float64Array>();
  let dy = crossEntropyBackward(logits, targets, new Float64Array(B).fill(1 / B)); // [B, O]
  for (const [layer, { name, inputs: I, outputs: O }] of [
    ...layersOf(architecture).entries(),
  ].reverse()) {
    const x = outputs[layer]!; // [B, I]
    const dweight = linearWeightGradient(x, dy, { inputs: I, outputs: O }); // [I, O]
    gradient.set(`${name}.weight`, transposed(dweight, I, O)); // [O, I]
    gradient.set(`${name}.bias`, referenceColumnSums(dy, O));
    const weight = transposed(referenceTensor(tensors, `${name}.weight`), O, I); // [I, O]
    const dx = referenceLinearInputGradient(dy, weight, { inputs: I, outputs: O }); // [B, I]
    dy = dx.map((d, p) => (x[p]! > 0 ? d : 0)); // ReLU passes on where it was open
  }
  return { losses: referenceCrossEntropy(logits, targets), gradient };
}

type MlpLayer = { name: string; inputs: number; outputs: number; last: boolean };

/** PyTorch's Linear: "layers.0.weight" [outputs, inputs], "layers.0.bias" [outputs], … */
function layersOf({ inputs, hidden, outputs }: MlpArchitecture): MlpLayer[] {
  const widths = [inputs, ...hidden, outputs];
  return widths.slice(1).map((width, layer) => ({
    name: `layers.${layer}`,
    inputs: widths[layer]!,
    outputs: width,
    last: layer === hidden.length,
  }));
}
