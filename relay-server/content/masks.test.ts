import { expect, test } from "vitest";
import { sha256 } from "../../core/crypto/signature.ts";
import { encodePositions } from "../../core/patch/positions.ts";
import { createLayout } from "../../core/tensors/layout.ts";
import { createMaskCache } from "./masks.ts";

const layout = createLayout([
  { name: "a", shape: [10] },
  { name: "b", shape: [10, 10] },
]);
const positions = Uint32Array.of(3, 9, 10, 57);
const file = encodePositions(positions, layout.size);
const mask = { kind: "shared", positions: await sha256(file), count: 4 } as const;

test("M6: a shared mask is read from its file, once, and is one array for all", async () => {
  let reads = 0;
  const positionsOf = createMaskCache({
    async read() {
      reads++;
      return file;
    },
  });
  const [first, second] = await Promise.all([positionsOf(layout, mask), positionsOf(layout, mask)]);
  expect(first).toEqual({ positions, segments: Uint32Array.of(0, 2) });
  expect(second?.positions).toBe(first?.positions);
  expect(reads).toBe(1);
});

test("M6: a file that is lost, or not the positions it should be, is named, and read again later", async () => {
  let stored: Uint8Array<ArrayBuffer> | null = null;
  const positionsOf = createMaskCache({ read: async () => stored });
  await expect(positionsOf(layout, mask)).rejects.toThrow(`mask ${mask.positions} is missing`);
  stored = file.slice(0, 1);
  await expect(positionsOf(layout, mask)).rejects.toThrow("positions");
  stored = file;
  expect((await positionsOf(layout, mask))?.positions).toEqual(positions);
});

test("own masks are in the patch", async () => {
  const positionsOf = createMaskCache({ read: async () => null });
  expect(await positionsOf(layout, { kind: "own", count: 4 })).toBeNull();
});
