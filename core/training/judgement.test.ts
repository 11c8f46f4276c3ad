import fc from "fast-check";
import { expect, test } from "vitest";
import type { JobWork } from "../protocol/schemas/judging.ts";
import { encodeFloats } from "../tensors/little-endian.ts";
import { encodeSafetensors } from "../tensors/safetensors.ts";
import { decodeJudgement, encodeJudgement } from "./judgement.ts";

const id = "ab".repeat(16);
const workOf = (count: number, answers: number): JobWork & { kind: "evaluate" } => ({
  kind: "evaluate",
  step: null,
  examples: { sha256: "00".repeat(32), count, answers },
});
const loss = fc.float({ min: 0, max: 100, noNaN: true });
const evaluation = fc
  .tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 5 }))
  .chain(([count, each]) =>
    fc.record({
      losses: fc.array(loss, { minLength: count, maxLength: count }),
      answers: fc.array(fc.constantFrom(0, 1), {
        minLength: count * each,
        maxLength: count * each,
      }),
    }),
  );

test("J4: an evaluation comes back from its file as it was", () => {
  fc.assert(
    fc.property(evaluation, ({ losses, answers }) => {
      const sent = {
        kind: "evaluate" as const,
        losses: Float32Array.from(losses),
        correct: new Float32Array(losses.length).fill(0.5),
        answers: Uint8Array.from(answers),
      };
      const work = workOf(losses.length, answers.length / losses.length);
      const bytes = encodeJudgement(id, sent, 172);
      expect(decodeJudgement(bytes, { id, work, size: 172 })).toEqual(sent);
    }),
    { seed: 7 },
  );
});

const whole = {
  kind: "evaluate" as const,
  losses: Float32Array.of(1, 2),
  correct: Float32Array.of(0, 1),
  answers: Uint8Array.of(0, 1),
};

test("J4: a model that broke down has losses without end", () => {
  const bytes = encodeJudgement(id, { ...whole, losses: Float32Array.of(Number.NaN, 2) }, 172);
  const found = decodeJudgement(bytes, { id, work: workOf(2, 1), size: 172 });
  expect(found).toMatchObject({ losses: Float32Array.of(Number.POSITIVE_INFINITY, 2) });
});

/** The file with a loss that is no number, as no honest encoder writes it. */
function withNaN(): Uint8Array<ArrayBuffer> {
  const tensors = [
    { name: "answers", dtype: "U8" as const, shape: [2, 1], bytes: whole.answers },
    { name: "correct", dtype: "F32" as const, shape: [2], bytes: encodeFloats(whole.correct) },
    {
      name: "losses",
      dtype: "F32" as const,
      shape: [2],
      bytes: encodeFloats(Float32Array.of(Number.NaN, 1)),
    },
  ];
  return encodeSafetensors({ tensors, metadata: { job: id } });
}

test.each([
  ["another job", encodeJudgement("cd".repeat(16), whole, 172), /of job cd/],
  ["a loss that is no number", withNaN(), /not finite/],
  [
    "too few losses",
    encodeJudgement(id, { ...whole, losses: Float32Array.of(1), correct: Float32Array.of(1) }, 172),
    /losses 1, not 2/,
  ],
  [
    "an answer that is neither right nor wrong",
    encodeJudgement(id, { ...whole, answers: Uint8Array.of(0, 2) }, 172),
    /neither right nor wrong/,
  ],
  [
    "a share of right answers above 1",
    encodeJudgement(id, { ...whole, correct: Float32Array.of(0, 1.5) }, 172),
    /neither right nor wrong/,
  ],
  [
    "answers to other examples",
    encodeJudgement(id, { ...whole, answers: Uint8Array.of(0, 1, 1, 1) }, 172),
    /answers 2 × 2, not 2 × 1/,
  ],
])("J4: a file with %s is refused", (_, bytes, message) => {
  expect(() => decodeJudgement(bytes, { id, work: workOf(2, 1), size: 172 })).toThrow(message);
});
