export const PAGE_BYTES = 2 ** 16;
export const MOST_PAGES = 2 ** 16; // 4 GiB, all that 32 bits address

/** A `WebAssembly.Memory`: after it has grown its buffer is another one; of an unshared memory the old one is empty then. */
export type WasmMemory = {
  readonly buffer: ArrayBufferLike;
  /** Returns how many pages there were. Throws a RangeError where there is no room. */
  grow(pages: number): number;
};

/** What we use of WebAssembly, which not every room's types know. */
export type WasmEngine = {
  readonly Memory: new (size: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared: boolean;
  }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly host: { readonly memory: WasmMemory } },
  ) => { readonly exports: unknown };
  validate(bytes: Uint8Array<ArrayBuffer>): boolean;
};

/** Null where the engine has no WebAssembly. */
export function wasmEngine(): WasmEngine | null {
  const { WebAssembly } = globalThis as { readonly WebAssembly?: unknown };
  return (WebAssembly as WasmEngine | undefined) ?? null; // the same in every runtime
}

/** A memory that may grow to so many bytes. */
type GrantedMemory = { readonly memory: WasmMemory; readonly maxBytes: number };

/** A memory with as much room to grow as the device grants: a phone may grant no 4 GiB. Null where it grants none. */
export function openWasmMemory(
  engine: WasmEngine,
  { shared }: { readonly shared: boolean },
): GrantedMemory | null {
  for (let maximum = MOST_PAGES; maximum >= 2 ** 10; maximum /= 2) {
    try {
      const memory = new engine.Memory({ initial: 1, maximum, shared });
      return { memory, maxBytes: maximum * PAGE_BYTES };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return null;
}
