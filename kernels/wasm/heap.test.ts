import { expect, test } from "vitest";
import { createRandom } from "../../core/random.ts";
import { createHeap } from "./heap.ts";
import { openWasmMemory, wasmEngine } from "./memory.ts";

const open = () => openWasmMemory(wasmEngine()!, { shared: false })!.memory;

test("what two heaps of a memory give out never overlaps, however it comes and goes", () => {
  const memory = open();
  const heaps = [createHeap(memory), createHeap(memory)];
  const random = createRandom("heap");
  const held: { heap: number; at: number; bytes: number }[] = [];
  for (let step = 0; step < 3000; step++) {
    if (held.length > 0 && random.below(5) < 2) {
      const [gone] = held.splice(random.below(held.length), 1);
      heaps[gone!.heap]!.free(gone!.at);
      continue;
    }
    const heap = random.below(2);
    const bytes = random.below(random.below(3) === 0 ? 200_000 : 300);
    const at = heaps[heap]!.allocate(bytes);
    const isInside = at > 0 && at % 64 === 0 && at + bytes <= memory.buffer.byteLength;
    const meets = held.some((other) => at < other.at + other.bytes && other.at < at + bytes);
    expect({ step, isInside, meets }).toEqual({ step, isInside: true, meets: false });
    held.push({ heap, at, bytes });
  }
});

test("what was freed is given out again: the same tensors over and over need no more memory", () => {
  const memory = open();
  const heap = createHeap(memory);
  const round = () => {
    const held = [700_000, 64, 3_000_000, 10, 700_000].map((bytes) => heap.allocate(bytes));
    for (const at of [3, 0, 4, 1, 2]) heap.free(held[at]!);
  };
  round();
  const { byteLength } = memory.buffer;
  for (let time = 0; time < 100; time++) round();
  expect(memory.buffer.byteLength).toBe(byteLength);
});

test("a memory without room is an error named HostMemoryError", () => {
  const heap = createHeap(open());
  expect(() => heap.allocate(2 ** 33)).toThrow(
    expect.objectContaining({ name: "HostMemoryError" }),
  );
});
