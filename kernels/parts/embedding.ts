import { util, zeros } from "@tensorflow/tfjs-core";
import type { MaskPart } from "../../core/models/operations.ts";
import { embed, sampledLookupInto } from "../../core/models/transformer-operations.ts";
import type { Random } from "../../core/random.ts";
import { matrix, part } from "../attributes.ts";
import { type HostOperation, optional } from "../host-call.ts";
import { blank, floats, integers, type OperationTrial, on } from "../trial.ts";

// R rows, T time, C channels, V vocabulary

/** Looking tokens up, on arrays: outputs first, then inputs. */
export type EmbeddingBodies = {
  embed(
    x: Float32Array,
    tokens: Int32Array,
    table: Float32Array,
    positions: Float32Array | null,
    sizes: { readonly C: number; readonly T: number; readonly first: number },
  ): void;
  sampledLookup(
    gradient: Float32Array,
    tokens: Int32Array,
    dx: Float32Array,
    positions: Int32Array,
    sizes: MaskPart & { readonly C: number; readonly adds: boolean },
  ): void;
};

export const plainEmbeddingBodies: EmbeddingBodies = {
  embed(x, tokens, table, positions, { C, T, first }) {
    tokens.forEach((token, r) => {
      const at = (token - first) * C;
      if (at >= 0 && at < table.length) x.set(table.subarray(at, at + C), r * C);
      else x.fill(0, r * C, (r + 1) * C);
      if (positions === null) return;
      for (let c = 0; c < C; c++) x[r * C + c]! += positions[(r % T) * C + c]!;
    });
  },

  sampledLookup(gradient, tokens, dx, positions, { C, start, count, adds }) {
    const rows = rowsByToken(tokens);
    for (let entry = start; entry < start + count; entry++) {
      const c = positions[entry]! % C;
      let sum = 0;
      for (const r of rows.get((positions[entry]! - c) / C) ?? []) sum += dx[r * C + c]!;
      gradient[entry] = adds ? gradient[entry]! + sum : sum;
    }
  },
};

/** The rows that hold each token, in order. */
function rowsByToken(tokens: Int32Array): Map<number, number[]> {
  const rows = new Map<number, number[]>();
  tokens.forEach((token, r) => {
    const known = rows.get(token);
    if (known === undefined) rows.set(token, [r]);
    else known.push(r);
  });
  return rows;
}

export const EMBEDDING_OPERATIONS: Readonly<Record<string, HostOperation>> = {
  Embed: (call) => {
    const { tensor, floats, integers, make, attributes, bodies } = call;
    const [, C] = matrix(tensor("table"));
    const x = make([util.sizeFromShape(tensor("tokens").shape), C]);
    const positions = optional(call, "positions");
    const sizes = { C, T: Number(attributes.time), first: Number(attributes.first) };
    bodies.embed(floats(x), integers("tokens"), floats("table"), positions, sizes);
    return x;
  },

  SampledLookup: ({ tensor, floats, integers, attributes, bodies }) => {
    const [, C] = matrix(tensor("dx"));
    const sizes = { ...part(attributes), C, adds: attributes.adds === true };
    const positions = integers("positions");
    bodies.sampledLookup(floats("gradient"), integers("tokens"), floats("dx"), positions, sizes);
    return [];
  },
};

/** 39 rows of 21 channels, 37 tokens: no multiples of a group or vector. */
export function* embeddingTrials(random: Random): Generator<OperationTrial> {
  const [T, R, C, V] = [13, 39, 21, 37];
  const tokens = Int32Array.from({ length: R }, () => random.below(V));
  const table = floats(random, V * C);
  const places = floats(random, (T + 2) * C); // more than a sequence is long
  for (const [given, first] of [
    [null, 0],
    [places, 0],
    [places, 11],
    [null, -11],
  ] as const) {
    const x = blank(R * C);
    plainEmbeddingBodies.embed(x, tokens, table, given, { C, T, first });
    const block = first === 0 ? "" : `, a block from row ${first}`;
    yield {
      op: `Embed${given === null ? "" : " with positions"}${block}`,
      onDevice: () => {
        const added = given === null ? null : on(given, T + 2, C);
        return [embed(integers(tokens), on(table, V, C), added, { time: T, first })];
      },
      expected: [x],
    };
  }
  const dx = floats(random, R * C);
  const before = floats(random, V + 3);
  const positions = Int32Array.from({ length: V + 3 }, (_, i) => (i % V) * C + random.below(C));
  for (const adds of [false, true]) {
    const options = { start: 2, count: V, adds };
    const gradient = before.slice();
    plainEmbeddingBodies.sampledLookup(gradient, tokens, dx, positions, { C, ...options });
    yield {
      op: `SampledLookup${adds ? " that adds" : ""}`,
      onDevice: () => {
        const into = adds ? on(before, V + 3) : zeros([V + 3]);
        sampledLookupInto(into, integers(tokens), on(dx, R, C), integers(positions), options);
        return [into];
      },
      expected: [adds ? gradient : gradient.map((value, i) => (i >= 2 && i < V + 2 ? value : 0))],
    };
  }
}
