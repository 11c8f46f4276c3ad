import { PAGE_BYTES, type WasmMemory } from "./memory.ts";

const ALIGN_BYTES = 64; // a cache line: two threads never write to the same one
const LEAST_GROWTH_BYTES = 2 ** 22; // small tensors do not grow the memory one by one

/** Room in a memory: growing an unshared one moves every array, so addresses are taken first. */
export type Heap = {
  readonly memory: Pick<WasmMemory, "buffer">;
  /** Addresses are multiples of 64. Throws an error named "HostMemoryError" where there is no room. */
  allocate(bytes: number): number;
  free(address: number): void;
};

/** The processor has no room for what training needs. */
class HostMemoryError extends Error {
  override readonly name = "HostMemoryError";
}

type Gap = { at: number; bytes: number };

/**
 * A heap in `memory`, of which each thread has its own: it gives out what it has grown the memory by itself, so that no two
 * heaps meet. The smallest gap that fits is taken; gaps that touch become one.
 */
export function createHeap(memory: WasmMemory): Heap {
  const gaps: Gap[] = []; // ascending
  const sizes = new Map<number, number>(); // of what is given out

  function open(at: number, bytes: number): void {
    let index = gaps.findIndex((gap) => gap.at > at);
    if (index < 0) index = gaps.length;
    const [before, after] = [gaps[index - 1], gaps[index]];
    const touchesAfter = after !== undefined && at + bytes === after.at;
    if (before !== undefined && before.at + before.bytes === at) {
      before.bytes += bytes + (touchesAfter ? after.bytes : 0);
      if (touchesAfter) gaps.splice(index, 1);
    } else if (touchesAfter) {
      after.at = at;
      after.bytes += bytes;
    } else gaps.splice(index, 0, { at, bytes });
  }

  function grow(bytes: number): void {
    const pages = Math.ceil(Math.max(bytes, LEAST_GROWTH_BYTES) / PAGE_BYTES);
    try {
      open(memory.grow(pages) * PAGE_BYTES, pages * PAGE_BYTES);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const held = Math.round(memory.buffer.byteLength / 2 ** 20);
      throw new HostMemoryError(`no room for ${bytes} bytes more beside ${held} MiB`);
    }
  }

  function smallestFor(bytes: number): number {
    let best = -1;
    for (const [index, gap] of gaps.entries()) {
      if (gap.bytes >= bytes && (best < 0 || gap.bytes < gaps[best]!.bytes)) best = index;
    }
    return best;
  }

  return {
    memory,
    allocate(asked) {
      const bytes = Math.max(1, Math.ceil(asked / ALIGN_BYTES)) * ALIGN_BYTES;
      let index = smallestFor(bytes);
      if (index < 0) {
        grow(bytes);
        index = smallestFor(bytes);
      }
      const gap = gaps[index]!;
      const { at } = gap;
      gap.at += bytes;
      gap.bytes -= bytes;
      if (gap.bytes === 0) gaps.splice(index, 1);
      sizes.set(at, bytes);
      return at;
    },
    free(address) {
      const bytes = sizes.get(address);
      if (bytes === undefined) throw new Error(`internal: nothing was allocated at ${address}`);
      sizes.delete(address);
      open(address, bytes);
    },
  };
}

/** An array for each element of a tuple. */
type ArrayFor<Tuple extends readonly unknown[]> = { [Index in keyof Tuple]: Float32Array };

/** Lend `use` scratch arrays of these lengths, beside the given ones: allocating may move the memory. */
export function withScratch<
  const Given extends readonly Float32Array[],
  const Lengths extends readonly number[],
>(
  heap: Heap,
  given: Given,
  lengths: Lengths,
  use: (given: ArrayFor<Given>, scratch: ArrayFor<Lengths>) => void,
): void {
  const places = given.map(({ byteOffset, length }) => ({ byteOffset, length }));
  const scratch = heap.allocate(4 * lengths.reduce((sum, length) => sum + length, 0));
  try {
    const { buffer } = heap.memory;
    let at = scratch;
    const made = lengths.map((length) => {
      const array = new Float32Array(buffer, at, length);
      at += 4 * length;
      return array;
    });
    const again = places.map((place) => new Float32Array(buffer, place.byteOffset, place.length));
    use(again as ArrayFor<Given>, made as ArrayFor<Lengths>); // one for each
  } finally {
    heap.free(scratch);
  }
}
