import { assert } from "../../errors.ts";
import type { TransformerArchitecture } from "../../protocol/schemas/transformer.ts";
import { rotaryAngles } from "../rotary.ts";
import { sequenceLength, TENSOR_NAMES } from "../transformer-tensors.ts";
import { geluBackward, referenceGelu, referenceSwiglu, swigluBackward } from "./activation.ts";
import { attentionBackward, referenceAttention, turnHeads } from "./attention.ts";
import { crossEntropyBackward, referenceCrossEntropy } from "./cross-entropy.ts";
import { lookup, scatterAdd } from "./embedding.ts";
import {
  linearWeightGradient,
  referenceColumnSums,
  referenceLinear,
  referenceLinearInputGradient,
  transposed,
} from "./linear.ts";
import { normBackward, referenceNorm } from "./norm.ts";
import { addTo, createTape, type Node } from "./tape.ts";
import { sum, type Tensors } from "./tensors.ts";

// B batch, T time, R = B·T rows, C channels, V vocabulary

export type TransformerBatch = {
  readonly batch: number;
  /** [B, T]; of images none. */
  readonly tokens?: ArrayLike<number>;
  /** [B·P, planes·side·side], of images alone. */
  readonly patches?: Float64Array;
  /** The token that follows each of `tokens` [B, T], or each image's class [B]. */
  readonly targets: ArrayLike<number>;
  /** What each target's loss weighs; the same for all where it is absent. */
  readonly weights?: Float64Array;
};

/** The loss of every target in nats. */
export function transformerLosses(
  architecture: TransformerArchitecture,
  tensors: Tensors,
  batch: TransformerBatch,
): Float64Array {
  return referenceCrossEntropy(transformerLogits(architecture, tensors, batch), batch.targets);
}

/** The logits [R, V] or [B, classes]. */
export function transformerLogits(
  architecture: TransformerArchitecture,
  tensors: Tensors,
  batch: Omit<TransformerBatch, "targets">,
): Float64Array {
  return forward(architecture, tensors, batch).logits.value;
}

/** The losses in nats and the dense gradient of their weighted sum, tensor by tensor. */
export function transformerGradient(
  architecture: TransformerArchitecture,
  tensors: Tensors,
  batch: TransformerBatch,
): { losses: Float64Array; gradient: Tensors } {
  const { tape, leaves, logits } = forward(architecture, tensors, batch);
  const { targets, weights = new Float64Array(targets.length).fill(1 / targets.length) } = batch;
  tape.backward(logits, crossEntropyBackward(logits.value, targets, weights));
  const gradient = new Map([...leaves].map(([name, leaf]) => [name, leaf.gradient]));
  return { losses: referenceCrossEntropy(logits.value, targets), gradient };
}

/** The forward pass by the parts that the architecture names, on a tape. */
function forward(
  architecture: TransformerArchitecture,
  tensors: Tensors,
  { batch: B, tokens, patches }: Omit<TransformerBatch, "targets">,
) {
  const { layout, layers, head, input, positions } = architecture;
  const names = TENSOR_NAMES[layout];
  const tape = createTape();
  const leaves = new Map([...tensors].map(([name, value]) => [name, tape.leaf(value)]));
  const ops = operationsOf(architecture, tape, leaves);

  let stream: Node;
  let T: number;
  if (input.kind === "tokens") {
    assert(tokens !== undefined, "a reference of tokens without any");
    T = tokens.length / B;
    stream = ops.lookup(`${names.embedding}.weight`, tokens);
    if (positions.kind === "learned") {
      const times = Int32Array.from(tokens, (_, r) => r % T);
      stream = ops.add(stream, ops.lookup(names.positions, times));
    }
  } else {
    assert(patches !== undefined, "a reference of images without any");
    T = sequenceLength(architecture);
    const projected = ops.linear(tape.leaf(patches), names.embedding, "out-in");
    const placed = leaves.has(names.classToken) ? ops.prependClass(projected, B, T) : projected;
    const rows = Int32Array.from({ length: B * T }, (_, r) => r % T);
    stream = ops.add(placed, ops.lookup(names.positions, rows));
  }
  for (let layer = 0; layer < layers; layer++) stream = ops.block(stream, layer, { B, T });
  const normal = ops.norm(stream, names.lastNorm);
  if (head.kind === "classes") {
    const pooled = ops.pool(normal, { B, T, pooling: head.pooling });
    return { tape, leaves, logits: ops.linear(pooled, names.head, "out-in") };
  }
  const name = head.tied ? names.embedding : names.head;
  return { tape, leaves, logits: ops.linear(normal, name, "out-in") };
}

/** The operations of the forward pass by the names of their weights; each records its way back. */
function operationsOf(
  architecture: TransformerArchitecture,
  tape: ReturnType<typeof createTape>,
  leaves: ReadonlyMap<string, Node>,
) {
  const { channels: C, attention: heads, feedForward } = architecture;
  const { headChannels: D, queryKeyNorm } = heads;
  const names = TENSOR_NAMES[architecture.layout];
  const kind = { norm: architecture.norm.kind, epsilon: architecture.norm.epsilon };
  const leafOf = (name: string): Node => {
    const leaf = leaves.get(name);
    assert(leaf !== undefined, `no tensor "${name}"`);
    return leaf;
  };

  const add = (a: Node, b: Node) =>
    tape.record(sum(a.value, b.value), (gradient) => {
      addTo(a, gradient);
      addTo(b, gradient);
    });

  const lookupIn = (name: string, rows: ArrayLike<number>) => {
    const table = leafOf(name);
    return tape.record(lookup(table.value, rows, C), (gradient) => {
      const vocabulary = table.value.length / C;
      addTo(table, scatterAdd(gradient, rows, { vocabulary, channels: C }));
    });
  };

  const linearOf = (x: Node, name: string, orientation = names.orientation) => {
    const weight = leafOf(`${name}.weight`);
    const bias = leaves.get(`${name}.bias`) ?? null;
    const isOutIn = orientation === "out-in";
    const inputs = widthOf(name);
    const outputs = weight.value.length / inputs;
    const size = { inputs, outputs };
    const matrix = isOutIn ? transposed(weight.value, outputs, inputs) : weight.value; // [I, O]
    return tape.record(referenceLinear(x.value, matrix, bias?.value ?? null, size), (gradient) => {
      addTo(x, referenceLinearInputGradient(gradient, matrix, size));
      const dweight = linearWeightGradient(x.value, gradient, size); // [I, O]
      addTo(weight, isOutIn ? transposed(dweight, inputs, outputs) : dweight);
      if (bias !== null) addTo(bias, referenceColumnSums(gradient, outputs));
    });
  };
  /** How wide the rows of a linear operation's input are. */
  const widthOf = (name: string): number => {
    const { parts } = names;
    if (name === names.embedding && architecture.input.kind === "image") {
      return architecture.input.planes * architecture.input.patch ** 2;
    }
    if (name.endsWith(parts.attentionOutput)) return heads.heads * D;
    return name.endsWith(parts.down) ? feedForward.channels : C;
  };

  const normOf = (x: Node, name: string, given = kind) => {
    const weight = leafOf(`${name}.weight`);
    const bias = leaves.get(`${name}.bias`) ?? null;
    const y = referenceNorm(x.value, weight.value, bias?.value ?? null, given);
    return tape.record(y, (gradient) => {
      const back = normBackward(x.value, weight.value, gradient, given);
      addTo(x, back.x);
      addTo(weight, back.weight);
      if (bias !== null) addTo(bias, back.bias);
    });
  };

  const turned = (x: Node, T: number, count: number) => {
    const { positions } = architecture;
    if (positions.kind === "learned") return x;
    const angles = rotaryAngles(positions, { time: T, headChannels: D });
    const shape = { time: T, heads: count, headChannels: D };
    return tape.record(turnHeads(x.value, angles, shape, 1), (gradient) =>
      addTo(x, turnHeads(gradient, angles, shape, -1)),
    );
  };

  /** Matrices of one height side by side. */
  const beside = (parts: readonly Node[], rows: number) => {
    const widths = parts.map(({ value }) => value.length / rows);
    const width = widths.reduce((a, b) => a + b);
    const starts = widths.map((_, i) => widths.slice(0, i).reduce((a, b) => a + b, 0));
    const all = new Float64Array(rows * width);
    const each = (visit: (part: Node, p: number, at: number) => void) =>
      parts.forEach((part, i) => {
        for (let p = 0; p < part.value.length; p++) {
          const row = Math.floor(p / widths[i]!);
          visit(part, p, row * width + starts[i]! + (p % widths[i]!));
        }
      });
    each((part, p, at) => {
      all[at] = part.value[p]!;
    });
    return tape.record(all, (gradient) =>
      each((part, p, at) => {
        part.gradient[p]! += gradient[at]!;
      }),
    );
  };

  const joined = (normal: Node, prefix: string, { B, T }: { B: number; T: number }) => {
    const { parts } = names;
    if (typeof parts.attention === "string") return linearOf(normal, prefix + parts.attention);
    const [query, key, value] = parts.attention.map((name) => linearOf(normal, prefix + name));
    const rms = { norm: "rms", epsilon: kind.epsilon } as const;
    const [q, k] = [query!, key!].map((x, which) =>
      queryKeyNorm ? normOf(x, prefix + parts.headNorms[which]!, rms) : x,
    );
    const both = [turned(q!, T, heads.heads), turned(k!, T, heads.keyValueHeads), value!];
    return beside(both, B * T);
  };

  const block = (input: Node, layer: number, { B, T }: { B: number; T: number }) => {
    const prefix = names.block(layer);
    const { parts } = names;
    const shape = { batch: B, time: T, ...heads };
    const qkv = joined(normOf(input, prefix + parts.norm1), prefix, { B, T });
    const mixed = tape.record(referenceAttention(qkv.value, shape), (gradient) =>
      addTo(qkv, attentionBackward(qkv.value, gradient, shape)),
    );
    const middle = add(input, linearOf(mixed, prefix + parts.attentionOutput));
    const normal2 = normOf(middle, prefix + parts.norm2);
    const wide = linearOf(normal2, prefix + parts.up);
    let active: Node;
    if (feedForward.kind === "swiglu") {
      const gate = linearOf(normal2, prefix + parts.gate);
      active = tape.record(referenceSwiglu(gate.value, wide.value), (gradient) => {
        const back = swigluBackward(gate.value, wide.value, gradient);
        addTo(gate, back.gate);
        addTo(wide, back.up);
      });
    } else {
      const form = feedForward.kind === "gelu" ? "exact" : "tanh";
      active = tape.record(referenceGelu(wide.value, { form }), (gradient) =>
        addTo(wide, geluBackward(wide.value, gradient, { form })),
      );
    }
    return add(middle, linearOf(active, prefix + parts.down));
  };

  const pool = (x: Node, { B, T, pooling }: { B: number; T: number; pooling: string }) => {
    const isFirst = pooling === "class-token";
    const share = isFirst ? 1 : 1 / T;
    const pooled = new Float64Array(B * C);
    const each = (visit: (at: number, from: number) => void) => {
      for (let b = 0; b < B; b++) {
        for (let t = 0; t < (isFirst ? 1 : T); t++) {
          for (let c = 0; c < C; c++) visit(b * C + c, (b * T + t) * C + c);
        }
      }
    };
    each((at, from) => {
      pooled[at]! += share * x.value[from]!;
    });
    return tape.record(pooled, (gradient) =>
      each((at, from) => {
        x.gradient[from]! += share * gradient[at]!;
      }),
    );
  };

  /** The class token before each image's patches: [B·P, C] → [B·T, C]. */
  const prependClass = (x: Node, B: number, T: number) => {
    const token = leafOf(names.classToken);
    const all = new Float64Array(B * T * C);
    const each = (visit: (to: number, from: Node, at: number) => void) => {
      for (let row = 0; row < B * T; row++) {
        const t = row % T;
        const patch = Math.floor(row / T) * (T - 1) + t - 1;
        for (let c = 0; c < C; c++)
          visit(row * C + c, t === 0 ? token : x, t === 0 ? c : patch * C + c);
      }
    };
    each((to, from, at) => {
      all[to] = from.value[at]!;
    });
    return tape.record(all, (gradient) =>
      each((to, from, at) => {
        from.gradient[at]! += gradient[to]!;
      }),
    );
  };

  return { add, lookup: lookupIn, linear: linearOf, norm: normOf, block, pool, prependClass };
}
