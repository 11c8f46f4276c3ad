import { zeros } from "@tensorflow/tfjs-core";
import {
  causalAttention,
  causalAttentionGradient,
  embed,
  gelu,
  geluInputGradient,
  layerNorm,
  layerNormInputGradient,
  sampledEmbeddingInto,
  sampledNormInto,
} from "../core/models/gpt-operations.ts";
import type { Random } from "../core/random.ts";
import { plainGptBodies } from "./gpt-host-bodies.ts";
import { floats, integers, on, type Trial } from "./self-check.ts";

// R rows = 3 sequences of T times, C channels, H heads, V vocabulary: no multiples of a group or vector
const T = 13;
const R = 3 * T;
const C = 21;
const H = 3;
const V = 37;

/** A trial for each operation of core/models/gpt-operations.ts. */
export function* gptTrials(random: Random): Generator<Trial> {
  yield* rowTrials(random);
  yield* attentionTrials(random);
  yield* embeddingTrials(random);
}

function* rowTrials(random: Random): Generator<Trial> {
  const [x, dy, residual] = [floats(random, R * C), floats(random, R * C), floats(random, R * C)];
  const [weight, bias] = [floats(random, C), floats(random, C)];
  const norm = blank(R * C);
  plainGptBodies.layerNorm(norm, x, weight, bias);
  yield {
    op: "LayerNorm",
    onDevice: () => [layerNorm(on(x, R, C), on(weight, C), on(bias, C))],
    expected: [norm],
  };
  for (const past of [null, residual]) {
    const dx = blank(R * C);
    plainGptBodies.layerNormInputGradient(dx, dy, x, weight, past);
    yield {
      op: `LayerNormInputGradient${past === null ? "" : " with residual"}`,
      onDevice: () => {
        const added = past === null ? null : on(past, R, C);
        return [layerNormInputGradient(on(dy, R, C), on(x, R, C), on(weight, C), added)];
      },
      expected: [dx],
    };
  }
  const columns = Int32Array.from({ length: 2 * C }, (_, entry) => entry % C);
  const pair = { start: 2, first: C - 3, second: C };
  const sampled = blank(2 * C);
  plainGptBodies.sampledNorm(sampled, x, dy, columns, { R, C, ...pair });
  yield {
    op: "SampledNorm",
    onDevice: () => {
      const gradient = zeros([2 * C]);
      sampledNormInto(gradient, on(x, R, C), on(dy, R, C), integers(columns), pair);
      return [gradient];
    },
    expected: [sampled],
  };
  const wide = x.map((value) => 12 * value); // beyond where tanh is ±1
  const [active, dwide] = [blank(R * C), blank(R * C)];
  plainGptBodies.gelu(active, wide);
  plainGptBodies.geluInputGradient(dwide, dy, wide);
  yield { op: "Gelu", onDevice: () => [gelu(on(wide, R, C))], expected: [active] };
  yield {
    op: "GeluInputGradient",
    onDevice: () => [geluInputGradient(on(dy, R, C), on(wide, R, C))],
    expected: [dwide],
  };
}

function* attentionTrials(random: Random): Generator<Trial> {
  const qkv = floats(random, R * 3 * C).map((value) => 3 * value);
  const dy = floats(random, R * C);
  const [mixed, logSums, dqkv] = [blank(R * C), blank(R * H), blank(R * 3 * C)];
  plainGptBodies.causalAttention(mixed, logSums, qkv, { R, T, C, H });
  plainGptBodies.causalAttentionGradient(dqkv, dy, qkv, mixed, logSums, { R, T, C, H });
  const sizes = { time: T, heads: H };
  yield {
    op: "CausalAttention",
    onDevice: () => {
      const both = causalAttention(on(qkv, R, 3 * C), sizes);
      return [both.mixed, both.logSums];
    },
    expected: [mixed, logSums],
  };
  yield {
    op: "CausalAttentionGradient",
    onDevice: () => {
      const [dyOn, qkvOn] = [on(dy, R, C), on(qkv, R, 3 * C)];
      return [causalAttentionGradient(dyOn, qkvOn, on(mixed, R, C), on(logSums, R, H), sizes)];
    },
    expected: [dqkv],
  };
}

function* embeddingTrials(random: Random): Generator<Trial> {
  const tokens = Int32Array.from({ length: R }, () => random.below(V));
  const [wte, wpe, dx] = [floats(random, V * C), floats(random, T * C), floats(random, R * C)];
  const x = blank(R * C);
  plainGptBodies.embed(x, tokens, wte, wpe, { C, T });
  yield {
    op: "Embed",
    onDevice: () => [embed(integers(tokens), on(wte, V, C), on(wpe, T, C), { time: T })],
    expected: [x],
  };
  const [normal, dlogits] = [floats(random, R * C), floats(random, R * V)];
  const pair = { start: 2, first: T, second: V };
  const entries = pair.start + T + V + 1; // one a time, one a token, and some that are not ours
  const positions = Int32Array.from({ length: entries }, (_, entry) => {
    const row = entry < pair.start + T ? entry % T : (entry - pair.start - T) % V;
    return row * C + random.below(C);
  });
  const sampled = blank(entries);
  const at = { tokens, dx, normal, dlogits };
  plainGptBodies.sampledEmbedding(sampled, at, positions, { C, T, ...pair });
  yield {
    op: "SampledEmbedding",
    onDevice: () => {
      const gradient = zeros([entries]);
      const given = {
        tokens: integers(tokens),
        time: T,
        dx: on(dx, R, C),
        normal: on(normal, R, C),
        dlogits: on(dlogits, R, V),
      };
      sampledEmbeddingInto(gradient, given, integers(positions), pair);
      return [gradient];
    },
    expected: [sampled],
  };
}

function blank(length: number): Float32Array {
  return new Float32Array(length);
}
