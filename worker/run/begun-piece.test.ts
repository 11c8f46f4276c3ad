import { expect, test } from "vitest";
import { sha256 } from "../../core/crypto/signature.ts";
import { decodeHex } from "../../core/hex.ts";
import { decodeSafetensors, encodeSafetensors } from "../../core/tensors/safetensors.ts";
import { fakeRecipe } from "../../tests/fixtures/fake-relay-model.ts";
import {
  type BegunPiece,
  decodeBegunPiece,
  encodeBegunPiece,
  MAX_BEGUN_BYTES,
} from "./begun-piece.ts";

const hash = "ab".repeat(32);
const piece: BegunPiece = {
  ticket: {
    format: "commonweight.ticket/1",
    id: "0".repeat(32),
    model: "tiny",
    contributor: hash,
    base: { number: 3, id: hash, checkpoint: hash },
    mask: { kind: "own", count: 2 },
    shards: [{ index: 0, sha256: hash, sizeBytes: 10, examples: 4, title: "shard 0" }],
    seed: 7,
    training: fakeRecipe.training,
    issuedAt: 1,
    expiresAt: 2,
  },
  signature: "cd".repeat(64),
  endsAtMs: 1_700_000_000_000,
  engine: "cpu",
  device: "a processor",
  positions: Uint32Array.of(4, 9),
  fisher: Float32Array.of(0.5, 0.25),
  snapshot: { state: Float32Array.of(1, 2, 3, 4, 5, 6), losses: [0.5, 0.25] },
};

test.each([piece, { ...piece, fisher: null }])(
  "a piece that is kept comes back as it was",
  async (kept) => {
    expect(await decodeBegunPiece(await encodeBegunPiece(kept))).toEqual(kept);
  },
);

test("a kept piece with one other bit anywhere is damaged", async () => {
  const bytes = await encodeBegunPiece(piece);
  for (let at = 0; at < bytes.length; at += 7) {
    const damaged = bytes.slice();
    damaged[at]! ^= 1;
    await expect(decodeBegunPiece(damaged)).rejects.toThrow(/another hash/);
  }
});

test("a kept piece that is cut short, or longer than any, is refused before it is read", async () => {
  const bytes = await encodeBegunPiece(piece);
  for (const length of [0, 31, 32, bytes.length - 1]) {
    await expect(decodeBegunPiece(bytes.slice(0, length))).rejects.toThrow("begun piece");
  }
  const long = new Uint8Array(MAX_BEGUN_BYTES + 1);
  await expect(decodeBegunPiece(long)).rejects.toThrow(`${long.length} bytes`);
});

test.each([
  ["no step", { losses: [] }],
  ["more steps than its ticket", { losses: new Array(21).fill(1) }],
  ["values that are not numbers", { state: new Float32Array(6).fill(Number.NaN) }],
])("a kept piece with %s can't go on", async (_, change) => {
  const bytes = await encodeBegunPiece({ ...piece, snapshot: { ...piece.snapshot, ...change } });
  await expect(decodeBegunPiece(bytes)).rejects.toThrow("begun piece");
});

test.each([
  ["no mask", { positions: 0, state: 6, fisher: 2 }],
  ["a state of another mask", { positions: 3, state: 6, fisher: 3 }],
  ["Fisher information of another mask", { positions: 2, state: 6, fisher: 1 }],
])("a kept piece with %s can't go on", async (_, lengths) => {
  const { metadata } = decodeSafetensors("good", (await encodeBegunPiece(piece)).subarray(32), {
    maxHeaderBytes: 64 << 10,
    maxTensors: 4,
  });
  const zeros = (name: string, dtype: "F32" | "U32", shape: readonly number[]) => {
    const count = shape.reduce((product, length) => product * length, 1);
    return { name, dtype, shape, bytes: new Uint8Array(4 * count) };
  };
  const { positions, state, fisher } = lengths;
  const tensors = [
    zeros("positions", "U32", [positions]),
    zeros("state", "F32", [3, state / 3]),
    zeros("losses", "F32", [2]),
    zeros("fisher", "F32", [fisher]),
  ];
  const body = encodeSafetensors({ tensors, metadata });
  const bytes = new Uint8Array([...decodeHex(await sha256(body)), ...body]);
  await expect(decodeBegunPiece(bytes)).rejects.toThrow("not after a step");
});
