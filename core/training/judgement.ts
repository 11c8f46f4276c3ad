import { FormatError } from "../errors.ts";
import { decodeHex } from "../hex.ts";
import { decodePositions, encodePositions } from "../patch/positions.ts";
import type { JobWork } from "../protocol/schemas/judging.ts";
import { decodeFloats, encodeFloats } from "../tensors/little-endian.ts";
import {
  type Dtype,
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsFile,
  tensorOf,
} from "../tensors/safetensors.ts";
import type { Evaluation } from "./metrics.ts";
import type { ReferencePieces } from "./reference-training.ts";

/** What a job came to. */
export type Judgement =
  | ({ readonly kind: "train" } & ReferencePieces)
  | { readonly kind: "own-mask"; readonly positions: Uint32Array }
  | ({ readonly kind: "evaluate" } & Evaluation);

const LIMITS = { maxHeaderBytes: 4096, maxTensors: 3 };

/**
 * A judgement's file: safetensors with `deltas` F32 [pieces, k] and `information` F32 [k]; with `positions` (M3) of `size`
 * parameters; or with `losses` F32 [n], `correct` F32 [n] and `answers` U8 [n, answers].
 */
export function encodeJudgement(
  job: string,
  judgement: Judgement,
  size: number,
): Uint8Array<ArrayBuffer> {
  return encodeSafetensors({ tensors: tensorsOf(judgement, size), metadata: { job } });
}

function tensorsOf(judgement: Judgement, size: number) {
  if (judgement.kind === "own-mask") {
    const bytes = encodePositions(judgement.positions, size);
    return [{ name: "positions", dtype: "U8" as const, shape: [bytes.length], bytes }];
  }
  if (judgement.kind === "evaluate") return evaluationTensors(judgement);
  const { deltas, information } = judgement;
  const k = information.length;
  const all = new Float32Array(deltas.length * k);
  deltas.forEach((delta, i) => {
    all.set(delta, i * k);
  });
  return [
    { name: "deltas", dtype: "F32" as const, shape: [deltas.length, k], bytes: encodeFloats(all) },
    { name: "information", dtype: "F32" as const, shape: [k], bytes: encodeFloats(information) },
  ];
}

const MOST_NATS = 3.4028234663852886e38; // the largest F32: a loss of a model that broke down, since a file has finite values alone

function evaluationTensors({ losses, correct, answers }: Evaluation) {
  const n = losses.length;
  const known = losses.map((loss) => (Number.isFinite(loss) ? loss : MOST_NATS));
  return [
    { name: "losses", dtype: "F32" as const, shape: [n], bytes: encodeFloats(known) },
    { name: "correct", dtype: "F32" as const, shape: [n], bytes: encodeFloats(correct) },
    { name: "answers", dtype: "U8" as const, shape: [n, answers.length / n], bytes: answers },
  ];
}

/** What the file says of a job on `size` parameters. Throws a FormatError for anything but the shapes that it asks for, and values that such an answer may have. */
export function decodeJudgement(
  bytes: Uint8Array,
  { id, work, size }: { readonly id: string; readonly work: JobWork; readonly size: number },
): Judgement {
  const what = "judgement";
  const file = decodeSafetensors(what, bytes, LIMITS);
  if (file.metadata.job !== id) throw new FormatError(`${what}: of job ${file.metadata.job}`);
  if (work.kind === "own-mask") {
    const { bytes: packed } = tensorOf(what, file, "positions", "U8", 1);
    return { kind: work.kind, positions: decodePositions(packed, work.count, size) };
  }
  if (work.kind === "evaluate") return { kind: work.kind, ...decodeEvaluation(what, file, work) };
  const k = valuesOf(work, size);
  const deltas = tensorOf(what, file, "deltas", "F32", 2);
  const information = tensorOf(what, file, "information", "F32", 1);
  const asked = [work.pieces.length, k].join(" × ");
  if (deltas.shape.join(" × ") !== asked) {
    throw new FormatError(`${what}: deltas ${deltas.shape.join(" × ")}, not ${asked}`);
  }
  if (information.shape[0] !== k) {
    throw new FormatError(`${what}: information ${information.shape[0]}, not ${k}`);
  }
  const values = decodeFloats(what, deltas.bytes);
  const found = decodeFloats(what, information.bytes);
  if (!values.every(Number.isFinite) || !found.every((value) => value >= 0 && value < Infinity)) {
    throw new FormatError(`${what}: a value that is no finite number, or information below 0`);
  }
  return {
    kind: work.kind,
    deltas: work.pieces.map((_, i) => values.subarray(i * k, (i + 1) * k)),
    information: found,
  };
}

function decodeEvaluation(
  what: string,
  file: SafetensorsFile,
  { examples: { count, answers: each } }: JobWork & { kind: "evaluate" },
): Evaluation {
  const tensor = (name: string, dtype: Dtype, asked: readonly number[]) => {
    const { shape, bytes } = tensorOf(what, file, name, dtype, asked.length);
    if (shape.join() === asked.join()) return bytes;
    throw new FormatError(`${what}: ${name} ${shape.join(" × ")}, not ${asked.join(" × ")}`);
  };
  const losses = decodeFloats(what, tensor("losses", "F32", [count]));
  const correct = decodeFloats(what, tensor("correct", "F32", [count]));
  const answers = tensor("answers", "U8", [count, each]);
  if (!correct.every((share) => share >= 0 && share <= 1) || answers.some((right) => right > 1)) {
    throw new FormatError(`${what}: an answer that is neither right nor wrong`);
  }
  const known = losses.map((loss) => (loss === MOST_NATS ? Number.POSITIVE_INFINITY : loss));
  return { losses: known, correct, answers: Uint8Array.from(answers) };
}

/** How many values a delta of the job has. */
export function valuesOf({ positions, count }: JobWork & { kind: "train" }, size: number): number {
  return positions === null ? size : count;
}

/** The mask's positions [k] that a training job names; null: all parameters. */
export function positionsOfJob(
  { positions, count }: JobWork & { kind: "train" },
  size: number,
): Uint32Array | null {
  return positions === null ? null : decodePositions(decodeHex(positions), count, size);
}
