/** A `WebAssembly.Memory`: its buffer is another one after it has grown. */
export type WasmMemory = { readonly buffer: ArrayBuffer };

/** The heap that the kernels share with tfjs: growing it moves every array, so addresses are taken first. */
export type Heap = {
  readonly memory: WasmMemory;
  /** Addresses are multiples of 8. */
  allocate(bytes: number): number;
  free(address: number): void;
};

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
