import { TENSOR_NAMES } from "../core/models/transformer-tensors.ts";
import type { TransformerArchitecture } from "../core/protocol/schemas/transformer.ts";
import type { LayoutTensor } from "../core/tensors/layout.ts";

// D channels of a head

/** A tensor as llama.cpp wants it. */
export type GgufPlace = {
  readonly name: string;
  /** Outermost dimension first. */
  readonly shape: readonly number[];
  /** The tensor's values in llama.cpp's order, of those [size] that it has here. */
  readonly arrange: (values: Float32Array) => Float32Array;
};

/** Where a tensor of `architecture` goes. Names: gguf-py's tensor_mapping.py. */
export function ggufPlace(
  architecture: TransformerArchitecture,
  family: "gpt2" | "llama" | "qwen2" | "qwen3",
  { name, shape }: LayoutTensor,
): GgufPlace {
  const names = TENSOR_NAMES[architecture.layout];
  const [stem, suffix] = splitName(name);
  const block = /^(?:h|model\.layers)\.(\d+)\.(.*)$/.exec(stem);
  const known = block === null ? outerNames(architecture) : partNames(architecture);
  const part = known.get(block?.[2] ?? stem);
  if (part === undefined) throw new Error(`internal: no place in a GGUF file for ${name}`);
  const place = { name: `${block === null ? "" : `blk.${block[1]}.`}${part}.${suffix}` };
  if (names.orientation === "in-out" && block !== null && shape.length === 2) {
    const [rows = 0, columns = 0] = shape;
    const arrange = (values: Float32Array) => transpose(values, rows, columns);
    return { ...place, shape: [columns, rows], arrange };
  }
  const { heads, keyValueHeads } = architecture.attention;
  const turned = { attn_q: heads, attn_k: keyValueHeads }[part];
  if (family === "llama" && turned !== undefined) {
    return { ...place, shape, arrange: (values) => interleaveHalves(values, turned, shape[0]!) };
  }
  return { ...place, shape, arrange: (values) => values };
}

/** "wte.weight" as "wte" and "weight". */
function splitName(name: string): [stem: string, suffix: string] {
  const dot = name.lastIndexOf(".");
  return [name.slice(0, dot), name.slice(dot + 1)];
}

function outerNames({ layout }: TransformerArchitecture): ReadonlyMap<string, string> {
  const { embedding, positions, lastNorm, head } = TENSOR_NAMES[layout];
  return new Map([
    [embedding, "token_embd"],
    [splitName(positions)[0], "position_embd"],
    [lastNorm, "output_norm"],
    [head, "output"],
  ]);
}

function partNames({ layout }: TransformerArchitecture): ReadonlyMap<string, string> {
  const { parts } = TENSOR_NAMES[layout];
  const joined = typeof parts.attention === "string" ? [parts.attention] : [];
  const [query, key, value] = typeof parts.attention === "string" ? [] : parts.attention;
  const known: [string | undefined, string][] = [
    [parts.norm1, "attn_norm"],
    [joined[0], "attn_qkv"],
    [query, "attn_q"],
    [key, "attn_k"],
    [value, "attn_v"],
    [parts.headNorms[0], "attn_q_norm"],
    [parts.headNorms[1], "attn_k_norm"],
    [parts.attentionOutput, "attn_output"],
    [parts.norm2, "ffn_norm"],
    [parts.gate, "ffn_gate"],
    [parts.up, "ffn_up"],
    [parts.down, "ffn_down"],
  ];
  return new Map(known.flatMap(([ours, theirs]) => (ours === undefined ? [] : [[ours, theirs]])));
}

/** [rows, columns] as [columns, rows]. */
function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = values[row * columns + column]!;
    }
  }
  return turned;
}

/**
 * Rows [heads, 2, D / 2] of `width` values each as [heads, D / 2, 2]: transformers turns channel c of a head with c + D / 2,
 * llama.cpp's "llama" turns neighbours.
 */
function interleaveHalves(values: Float32Array, heads: number, rows: number): Float32Array {
  const turned = new Float32Array(values.length);
  const width = values.length / rows;
  const half = rows / heads / 2;
  for (let head = 0; head < heads; head++) {
    for (let pair = 0; pair < half; pair++) {
      for (const side of [0, 1]) {
        const from = ((head * 2 + side) * half + pair) * width;
        const to = ((head * half + pair) * 2 + side) * width;
        turned.set(values.subarray(from, from + width), to);
      }
    }
  }
  return turned;
}
