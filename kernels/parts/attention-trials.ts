import {
  type AttentionKind,
  attention,
  attentionGradient,
  joinHeads,
  splitHeads,
} from "../../core/models/transformer-operations.ts";
import type { Random } from "../../core/random.ts";
import { blank, floats, type OperationTrial, on } from "../trial.ts";
import { type HeadSizes, plainAttentionBodies } from "./attention.ts";

/** Three sequences of 13 rows, 6 heads in groups of two, 10 channels each: no multiples of a group or vector. */
export function* attentionTrials(random: Random): Generator<OperationTrial> {
  const [T, R, D] = [13, 39, 10];
  for (const { H, K, causal } of [
    { H: 3, K: 3, causal: true },
    { H: 6, K: 3, causal: true },
    { H: 3, K: 3, causal: false },
  ]) {
    const sizes = { R, T, H, K, D, causal };
    const W = (H + 2 * K) * D;
    const qkv = floats(random, R * W).map((value) => 3 * value);
    const dy = floats(random, R * H * D);
    const [mixed, logSums, dqkv] = [blank(R * H * D), blank(R * H), blank(R * W)];
    plainAttentionBodies.attention(mixed, logSums, qkv, sizes);
    plainAttentionBodies.attentionGradient(dqkv, dy, qkv, mixed, logSums, sizes);
    const kind: AttentionKind = { time: T, heads: H, keyValueHeads: K, causal };
    const what = `${causal ? "causal" : "two-way"}, ${H} heads on ${K}`;
    yield {
      op: `Attention ${what}`,
      onDevice: () => {
        const both = attention(on(qkv, R, W), kind);
        return [both.mixed, both.logSums];
      },
      expected: [mixed, logSums],
    };
    yield {
      op: `AttentionGradient ${what}`,
      onDevice: () => {
        const [dyOn, qkvOn] = [on(dy, R, H * D), on(qkv, R, W)];
        return [attentionGradient(dyOn, qkvOn, on(mixed, R, H * D), on(logSums, R, H), kind)];
      },
      expected: [dqkv],
    };
  }
  yield* headTrials(random, { R, T, H: 6, K: 3, D });
}

function* headTrials(random: Random, sizes: HeadSizes): Generator<OperationTrial> {
  const { R, T, H, K, D } = sizes;
  const W = (H + 2 * K) * D;
  const [q, k, v] = [H, K, K].map((heads) => floats(random, R * heads * D));
  const parts = [q!, k!, v!] as const; // three, as above
  const turned = floats(random, T * D);
  const dqkv = floats(random, R * W);
  for (const angles of [null, turned]) {
    const what = angles === null ? "" : " that are turned";
    const joined = blank(R * W);
    plainAttentionBodies.joinHeads(joined, ...parts, angles, sizes);
    const split = [H, K, K].map((heads) => blank(R * heads * D));
    const [dq, dk, dv] = split;
    plainAttentionBodies.splitHeads(dq!, dk!, dv!, dqkv, angles, sizes);
    const given = () => (angles === null ? null : on(angles, T, D));
    yield {
      op: `JoinHeads${what}`,
      onDevice: () => {
        const [qOn, kOn, vOn] = parts.map((part) => on(part, R, part.length / R));
        return [joinHeads(qOn!, kOn!, vOn!, given(), { time: T, headChannels: D })];
      },
      expected: [joined],
    };
    yield {
      op: `SplitHeads${what}`,
      onDevice: () => {
        const options = { time: T, heads: H, keyValueHeads: K };
        const { dq, dk, dv } = splitHeads(on(dqkv, R, W), given(), options);
        return [dq, dk, dv];
      },
      expected: split,
    };
  }
}
