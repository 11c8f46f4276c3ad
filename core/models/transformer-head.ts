import {
  concat,
  dispose,
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
import { type Batch, optionalWeight, tableOf, type Weights } from "./model.ts";
import { crossEntropy, linear, linearInputGradient, scoreLogits } from "./operations.ts";
import type { RowBlock } from "./row-blocks.ts";
import { sequenceLength, TENSOR_NAMES } from "./transformer-tensors.ts";

// B sequences, T time, R = B·T rows, C channels, V vocabulary

const LOGIT_BYTES = 32 * 2 ** 20; // there twice at once, with their gradient or as blocks; more rows are hardly faster

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
  const { logitsOf, isClasses } = headOf(architecture, weights);
  const rows = isClasses
    ? pool(architecture, normal)
    : lastOnly
      ? slice(normal, [normal.shape[0]! - 1, 0], [1, -1])
      : normal;
  return logitsOf(rows);
}

/** [2, answers]: each one's loss in nats, and whether it is right. */
export function scoreHead(
  architecture: TransformerArchitecture,
  weights: Weights,
  normal: Tensor,
  { targets }: Batch,
): Tensor {
  const { logitsOf, isClasses, rowsAtOnce } = headOf(architecture, weights);
  const rows = isClasses ? pool(architecture, normal) : normal;
  const parts = partsOf(rows.shape[0]!, rowsAtOnce).map(([from, count]) =>
    tidy(() => {
      const logits = logitsOf(rowsFrom(rows, from, count));
      return scoreLogits(logits, rowsFrom(targets, from, count));
    }),
  );
  return parts.length === 1 ? parts[0]! : concat(parts, 1);
}

/**
 * The losses of the normalised rows `normal` [R, C], and the gradient of them [R, C]; those of the head's own weights go to
 * `sink`. Logits are made and forgotten in parts; of what a sink needs all rows of, the parts of each strip are kept.
 */
export function headGradient(
  architecture: TransformerArchitecture,
  sink: GradientSink,
  weights: Weights,
  normal: Tensor,
  { targets, weights: lossWeights }: Batch,
): { losses: Tensor; dnormal: Tensor; tied: LookupGradient["tied"] } {
  const { name, logitsOf, back, isClasses, isTied, rowsAtOnce } = headOf(architecture, weights);
  if (isClasses) {
    const pooled = pool(architecture, normal);
    const { losses, dlogits } = crossEntropy(logitsOf(pooled), targets, lossWeights);
    sink.linear(name, pooled, dlogits, "out-in");
    return { losses, dnormal: spreadOut(architecture, back(dlogits)), tied: null };
  }
  const strips = sink.stripsOf(name);
  const parts = partsOf(normal.shape[0]!, rowsAtOnce).map(([from, count]) =>
    tidy(() => {
      const x = rowsFrom(normal, from, count);
      const wanted = [rowsFrom(targets, from, count), rowsFrom(lossWeights, from, count)] as const;
      const logits = logitsOf(x);
      const { losses, dlogits } = crossEntropy(logits, ...wanted);
      logits.dispose();
      if (strips === null) sink.output(name, { x, dy: [dlogits] }, { isFirst: from === 0, isTied });
      const kept = (strips ?? []).map((strip) => columnsFrom(dlogits, strip));
      return { losses, dx: back(dlogits), kept };
    }),
  );
  const losses = joined(parts.map((part) => part.losses));
  const dnormal = joined(parts.map((part) => part.dx));
  if (strips === null) return { losses, dnormal, tied: isTied ? "given" : null };
  const dy = strips.map((_, strip) => joined(parts.map(({ kept }) => kept[strip]!)));
  sink.output(name, { x: normal, dy }, { isFirst: true, isTied });
  return { losses, dnormal, tied: isTied ? { x: normal, dy } : null };
}

/** The rows of all parts; the parts die. */
function joined(parts: readonly Tensor[]): Tensor {
  if (parts.length === 1) return parts[0]!;
  const whole = concat([...parts]);
  dispose([...parts]);
  return whole;
}

function headOf(architecture: TransformerArchitecture, weights: Weights) {
  const { head, layout, input } = architecture;
  const names = TENSOR_NAMES[layout];
  const isTied = head.kind === "tokens" && head.tied;
  const name = isTied ? names.embedding : names.head;
  const table = tableOf(weights, `${name}.weight`);
  const isClasses = head.kind === "classes";
  const bias = isClasses ? optionalWeight(weights, `${name}.bias`) : null;
  return {
    name,
    /** The logits of `rows`; those of each block of the table are columns. */
    logitsOf: (rows: Tensor) =>
      tidy(() => {
        const options = { orientation: "out-in", relu: false } as const;
        const columns = table.map((block) => linear(rows, block, bias, options));
        return columns.length === 1 ? columns[0]! : concat(columns, 1);
      }),
    /** The gradient of the rows from that of their logits, summed block by block. */
    back: (dlogits: Tensor) => backThrough(table, dlogits),
    isTied,
    isClasses,
    rowsAtOnce: headRows(input.kind === "tokens" ? input.vocabulary : 1),
  };
}

function backThrough(table: readonly Tensor[], dlogits: Tensor): Tensor {
  let dx: Tensor | null = null;
  let first = 0;
  for (const block of table) {
    const past: Tensor | null = dx;
    const count = block.shape[0]!;
    const dy = columnsFrom(dlogits, { first, count });
    dx = linearInputGradient(dy, block, null, { orientation: "out-in", past });
    past?.dispose();
    if (dy !== dlogits) dy.dispose();
    first += count;
  }
  assert(dx !== null, "a head without rows");
  return dx;
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

/** Columns of x [R, V], or all where those are asked for. */
function columnsFrom(x: Tensor, { first, count }: RowBlock): Tensor {
  if (first === 0 && count === x.shape[1]) return x;
  return slice(x, [0, first], [-1, count]);
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
