import { MathBackendCPU } from "@tensorflow/tfjs-backend-cpu";
import { type backend_util, type DataType, type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { Heap } from "./heap.ts";

type Numbers = Float32Array | Int32Array;

/** A tensor's numbers in the heap; tfjs counts in `refCount` who shares them. */
class HeapValues {
  refCount: number;
  readonly heap: Heap;
  readonly address: number;
  readonly length: number;
  readonly dtype: DataType;

  constructor(
    heap: Heap,
    { length, dtype, refCount }: Pick<HeapValues, "length" | "dtype" | "refCount">,
  ) {
    this.heap = heap;
    this.length = length;
    this.dtype = dtype;
    this.refCount = refCount;
    this.address = heap.allocate(4 * length);
  }

  /** In place: made anew each time, since the memory may have moved. */
  get values(): Numbers {
    const { buffer } = this.heap.memory;
    return this.dtype === "int32"
      ? new Int32Array(buffer, this.address, this.length)
      : new Float32Array(buffer, this.address, this.length);
  }
}

/**
 * tfjs's JavaScript backend, but that f32 and int32 tensors lie in a heap which WebAssembly works on. tfjs's own operations
 * compute in arrays of their own, and what they make is copied in.
 */
export class HeapBackend extends MathBackendCPU {
  readonly #heap: Heap;

  constructor(heap: Heap) {
    super();
    this.#heap = heap;
  }

  /** A tensor with undefined content. */
  make(shape: number[], dtype: "float32" | "int32"): TensorInfo {
    const dataId = {};
    const length = util.sizeFromShape(shape);
    this.data.set(dataId, new HeapValues(this.#heap, { length, dtype, refCount: 1 }));
    return { dataId, shape, dtype };
  }

  /** The values of a tensor in place: valid until the next is made. */
  inPlace({ dataId }: TensorInfo): Numbers {
    return this.data.get(dataId).values as Numbers; // f32 and int32 alone come here
  }

  override write(values: backend_util.BackendValues, shape: number[], dtype: DataType): object {
    const dataId = {};
    this.move(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(
    dataId: object,
    values: backend_util.BackendValues,
    shape: number[],
    dtype: DataType,
    refCount: number,
  ): void {
    if ((dtype !== "float32" && dtype !== "int32") || !isNumbers(values)) {
      this.data.set(dataId, { values, dtype, refCount }); // truth values, texts, and tensors without values yet
      return;
    }
    const isInHeap = values.buffer === this.#heap.memory.buffer;
    const given = isInHeap ? values.slice() : values; // making room may move it
    const placed = new HeapValues(this.#heap, {
      length: util.sizeFromShape(shape),
      dtype,
      refCount,
    });
    placed.values.set(given);
    this.data.set(dataId, placed);
  }

  override disposeData(dataId: object, force = false): boolean {
    const data: unknown = this.data.has(dataId) ? this.data.get(dataId) : null;
    const isGone = super.disposeData(dataId, force);
    if (isGone && data instanceof HeapValues) this.#heap.free(data.address);
    return isGone;
  }

  /** A copy: what lies in the heap is another tensor's once this one has died. */
  override readSync(dataId: object): backend_util.BackendValues {
    const values = super.readSync(dataId);
    return isNumbers(values) ? values.slice() : values;
  }

  override memory(): { unreliable: boolean; reasons: string[] } {
    return { unreliable: false, reasons: [] };
  }
}

function isNumbers(values: unknown): values is Numbers | Uint8Array {
  return (
    values instanceof Float32Array || values instanceof Int32Array || values instanceof Uint8Array
  );
}
