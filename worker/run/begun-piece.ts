import * as z from "zod/mini";
import { sha256 } from "../../core/crypto/signature.ts";
import { FormatError } from "../../core/errors.ts";
import { decodeHex, encodeHex } from "../../core/hex.ts";
import { encodeCanonical, parseJson } from "../../core/protocol/canonical-json.ts";
import { signature, timeMs } from "../../core/protocol/schemas/primitives.ts";
import { ticket } from "../../core/protocol/schemas/ticket.ts";
import {
  decodeFloats,
  decodeIntegers,
  encodeFloats,
  encodeIntegers,
} from "../../core/tensors/little-endian.ts";
import { decodeSafetensors, encodeSafetensors, tensorOf } from "../../core/tensors/safetensors.ts";
import type { TrainingSnapshot } from "../../core/training/train.ts";

const header = z.strictObject({
  ticket,
  signature,
  /** When the ticket ends, by this device's clock. */
  endsAtMs: timeMs,
  /** What trained it: another device's numbers would not be those of a piece that nothing interrupted. */
  engine: z.enum(["webgpu", "wasm", "cpu"]),
  device: z.string(),
});

/** A piece of work after one of its steps, as it is kept on the device that trains it. */
export type BegunPiece = z.infer<typeof header> & {
  /** The mask [k]. */
  readonly positions: Uint32Array;
  /** Fisher information there [k]; null where the merge does not ask for it. */
  readonly fisher: Float32Array | null;
  readonly snapshot: TrainingSnapshot;
};

/** Larger ones are not kept: 2 million entries of a mask, 1.6% of 124M parameters. */
export const MAX_BEGUN_BYTES = 32 << 20;

const WHAT = "begun piece";
const FORMAT = "commonweight.begun-piece/1";
const HASH_BYTES = 32;
const LIMITS = { maxHeaderBytes: 64 << 10, maxTensors: 4 }; // 64 shards of a ticket are 13 KB

/** The piece as a file: the SHA-256 of what follows, then a safetensors file. */
export async function encodeBegunPiece(piece: BegunPiece): Promise<Uint8Array<ArrayBuffer>> {
  const { positions, fisher, snapshot, ...rest } = piece;
  const { state, losses } = snapshot;
  const k = positions.length;
  const floats = (name: string, values: Float32Array, shape: readonly number[]) =>
    ({ name, dtype: "F32", shape, bytes: encodeFloats(values) }) as const;
  const body = encodeSafetensors({
    tensors: [
      { name: "positions", dtype: "U32", shape: [k], bytes: encodeIntegers(positions) },
      floats("state", state, [3, k]),
      floats("losses", Float32Array.from(losses), [losses.length]), // they come from f32
      ...(fisher === null ? [] : [floats("fisher", fisher, [k])]),
    ],
    metadata: { format: FORMAT, piece: new TextDecoder().decode(encodeCanonical(rest)) },
  });
  const bytes = new Uint8Array(HASH_BYTES + body.length);
  bytes.set(decodeHex(await sha256(body)));
  bytes.set(body, HASH_BYTES);
  return bytes;
}

/** The piece in `bytes`. Throws a FormatError where these are damaged, or no piece that can go on. */
export async function decodeBegunPiece(bytes: Uint8Array<ArrayBuffer>): Promise<BegunPiece> {
  if (bytes.length > MAX_BEGUN_BYTES) throw new FormatError(`${WHAT}: ${bytes.length} bytes`);
  const body = bytes.slice(HASH_BYTES);
  if ((await sha256(body)) !== encodeHex(bytes.subarray(0, HASH_BYTES))) {
    throw new FormatError(`${WHAT}: its bytes have another hash`);
  }
  const file = decodeSafetensors(WHAT, body, LIMITS);
  if (file.metadata.format !== FORMAT) throw new FormatError(`${WHAT}: not ${FORMAT}`);
  const text = new TextEncoder().encode(file.metadata.piece ?? "");
  const rest = parseJson(WHAT, header, text);
  const named = tensorOf(WHAT, file, "positions", "U32", 1);
  const positions = decodeIntegers("U32", named.bytes) as Uint32Array; // as wide as it says
  const state = decodeFloats(WHAT, tensorOf(WHAT, file, "state", "F32", 2).bytes);
  const losses = [...decodeFloats(WHAT, tensorOf(WHAT, file, "losses", "F32", 1).bytes)];
  const fisher = file.tensors.has("fisher")
    ? decodeFloats(WHAT, tensorOf(WHAT, file, "fisher", "F32", 1).bytes)
    : null;
  const k = positions.length;
  const isWhole = k > 0 && state.length === 3 * k && (fisher === null || fisher.length === k);
  const isUnderway = losses.length > 0 && losses.length <= rest.ticket.training.steps;
  if (!isWhole || !isUnderway) throw new FormatError(`${WHAT}: not after a step of its piece`);
  return { ...rest, positions, fisher, snapshot: { state, losses } };
}
