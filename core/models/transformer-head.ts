import {
  concat,
  div,
  mean,
  pad,
  reshape,
  slice,
  type Tensor,
  tidy,
  tile,
} from "@tensorflow/tfjs-core";
import { assert } from "../errors.ts";
import type { TransformerArchitecture } from "../protocol/schemas/transformer.ts";
import type { GradientSink, LookupGradient } from "./gradient-sink.ts";
import { type Batch, type Weights, weightOf } from "./model.ts";
import { crossEntropy, linear, linearInputGradient, scoreLogits } from "./operations.ts";
import { sequenceLength, TENSOR_NAMES } from "./transformer-tensors.ts";

// B sequences, T time, R = B·T rows, C channels, V vocabulary

const LOGIT_BYTES = 64 * 2 ** 20; // half of the least binding that every WebGPU device has; twice, with the gradient

/** How many rows of logits are made at once. */
export function headRows(vocabulary: number): number {
  return Math.max(1, Math.floor(LOGIT_BYTES / 4 / vocabulary));
}

/** What the head says of the normalised rows [R, C]: logits [R, V], of the last row alone [1, V], or [B, classes]. */
export function headLogits(
  architecture: TransformerArchitecture,
  weights: Weights,
  normal: Tensor,
  { lastOnly }: { readonly lastOnly: boolean },
): Tensor {
  const { weight, bias, isClasses } = headOf(architecture, weights);
  const rows = isClasses
    ? pool(architecture, normal)
    : lastOnly
      ? slice(normal, [normal.shape[0]! - 1, 0], [1, -1])
      : normal;
  return linear(rows, weight, bias, { orientation: "out-in", relu: false });
}

/** [2, answers]: each one's loss in nats, and whether it is right. */
export function scoreHead(
  architecture: TransformerArchitecture,
  weights: Weights,
  normal: Tensor,
  { targets }: Batch,
): Tensor {
  const { weight, bias, isClasses, rowsAtOnce } = headOf(architecture, weights);
  const rows = isClasses ? pool(architecture, normal) : normal;
  const parts = partsOf(rows.shape[0]!, rowsAtOnce).map(([from, count]) =>
    tidy(() => {
      const x = rowsFrom(rows, from, count);
      const logits = linear(x, weight, bias, { orientation: "out-in", relu: false });
      return scoreLogits(logits, rowsFrom(targets, from, count));
    }),
  );
  return parts.length === 1 ? parts[0]! : concat(parts, 1);
}

/**
 * The losses of the normalised rows `normal` [R, C], and the gradient of them [R, C]; those of the head's own weights go to
 * `sink`. Logits are made and forgotten in parts, unless the sink needs all.
 */
export function headGradient(
  architecture: TransformerArchitecture,
  sink: GradientSink,
  weights: Weights,
  normal: Tensor,
  { targets, weights: lossWeights }: Batch,
): { losses: Tensor; dnormal: Tensor; tied: LookupGradient["tied"] } {
  const { name, weight, bias, isClasses, isTied, rowsAtOnce } = headOf(architecture, weights);
  const back = (dlogits: Tensor) =>
    linearInputGradient(dlogits, weight, null, { orientation: "out-in" });
  if (isClasses) {
    const pooled = pool(architecture, normal);
    const logits = linear(pooled, weight, bias, { orientation: "out-in", relu: false });
    const { losses, dlogits } = crossEntropy(logits, targets, lossWeights);
    sink.linear(name, pooled, dlogits, "out-in");
    return { losses, dnormal: spreadOut(architecture, back(dlogits)), tied: null };
  }
  const step = (from: number, count: number) => {
    const x = rowsFrom(normal, from, count);
    const logits = linear(x, weight, null, { orientation: "out-in", relu: false });
    const wanted = [rowsFrom(targets, from, count), rowsFrom(lossWeights, from, count)] as const;
    const { losses, dlogits: dy } = crossEntropy(logits, ...wanted);
    sink.output(name, { x, dy }, { isFirst: from === 0, isTied });
    return { x, dy, losses, dx: back(dy) };
  };
  const R = normal.shape[0]!;
  if (sink.needsAllRows || R <= rowsAtOnce) {
    const { x, dy, losses, dx } = step(0, R);
    return { losses, dnormal: dx, tied: isTied ? { x, dy } : null };
  }
  const parts = partsOf(R, rowsAtOnce).map(([from, count]) =>
    tidy(() => {
      const { losses, dx } = step(from, count);
      return { losses, dx };
    }),
  );
  return {
    losses: concat(parts.map(({ losses }) => losses)),
    dnormal: concat(parts.map(({ dx }) => dx)),
    tied: isTied ? "given" : null,
  };
}

function headOf(architecture: TransformerArchitecture, weights: Weights) {
  const { head, layout, input } = architecture;
  const names = TENSOR_NAMES[layout];
  const isTied = head.kind === "tokens" && head.tied;
  const name = isTied ? names.embedding : names.head;
  return {
    name,
    weight: weightOf(weights, `${name}.weight`),
    bias: isTied ? null : (weights.get(`${name}.bias`) ?? null),
    isTied,
    isClasses: head.kind === "classes",
    rowsAtOnce: headRows(input.kind === "tokens" ? input.vocabulary : 1),
  };
}

function partsOf(rows: number, atOnce: number): [from: number, count: number][] {
  return Array.from({ length: Math.ceil(rows / atOnce) }, (_, part) => {
    const from = part * atOnce;
    return [from, Math.min(atOnce, rows - from)];
  });
}

/** `count` rows of x, or all where those are asked for. */
function rowsFrom(x: Tensor, from: number, count: number): Tensor {
  if (from === 0 && count === x.shape[0]) return x;
  return slice(x, [from, ...x.shape.slice(1).map(() => 0)], [count, ...x.shape.slice(1)]);
}

/** The rows that classes are told from [B, C]: the class token's, or the mean over the patches. */
function pool(architecture: TransformerArchitecture, normal: Tensor): Tensor {
  const { T, B, C, pooling } = poolingOf(architecture, normal.size);
  const sequences = reshape(normal, [B, T * C]);
  if (pooling === "class-token") return slice(sequences, [0, 0], [B, C]);
  return mean(reshape(normal, [B, T, C]), 1);
}

/** The gradient of the rows [R, C] from that of what was pooled [B, C]. */
function spreadOut(architecture: TransformerArchitecture, dpooled: Tensor): Tensor {
  const T = sequenceLength(architecture);
  const [B = 0, C = 0] = dpooled.shape;
  const { pooling } = poolingOf(architecture, B * T * C);
  if (pooling === "class-token") {
    const padding: [number, number][] = [
      [0, 0],
      [0, (T - 1) * C],
    ];
    return reshape(pad(dpooled, padding), [B * T, C]);
  }
  return reshape(tile(div(dpooled, T), [1, T]), [B * T, C]);
}

function poolingOf(architecture: TransformerArchitecture, size: number) {
  const { head, channels: C } = architecture;
  assert(head.kind === "classes", "only classes are pooled");
  const T = sequenceLength(architecture);
  return { T, C, B: size / T / C, pooling: head.pooling };
}
