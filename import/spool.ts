import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { assert } from "../core/errors.ts";

const BUFFER_BYTES = 1 << 20;

/** Records on the disk, appended once and then read in any order: what an owner has need not fit in memory. */
export type Spool = {
  readonly count: number;
  /** Where the keys of the records lie, by which they are ordered and told apart [count]. */
  readonly keys: Float64Array;
  append(record: Uint8Array, key: number): void;
  read(index: number): Uint8Array<ArrayBuffer>;
  /** Bytes of a record. */
  sizeOf(index: number): number;
  /** Close and delete the file. */
  remove(): void;
};

/** A new spool in the file at `path`: 16 bytes a record in memory. */
export function createSpool(path: string): Spool {
  const file = openSync(path, "wx+", 0o600);
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  let ends = new Float64Array(1024); // bytes before the end of each record
  let keys = new Float64Array(1024);
  let count = 0;
  let written = 0;
  let buffered = 0;

  function flush(): void {
    write(buffer.subarray(0, buffered));
    buffered = 0;
  }
  function write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    written += bytes.length;
  }
  const startOf = (index: number) => (index === 0 ? 0 : ends[index - 1]!);
  return {
    sizeOf: (index) => ends[index]! - startOf(index),
    get count() {
      return count;
    },
    get keys() {
      return keys.subarray(0, count);
    },
    append(record, key) {
      if (count === ends.length) {
        ends = grown(ends);
        keys = grown(keys);
      }
      if (buffered + record.length > BUFFER_BYTES) flush();
      if (record.length > BUFFER_BYTES) write(record);
      else {
        buffer.set(record, buffered);
        buffered += record.length;
      }
      ends[count] = written + buffered;
      keys[count] = key;
      count++;
    },
    read(index) {
      assert(index < count, `spool: record ${index} of ${count}`);
      if (buffered > 0) flush();
      const start = startOf(index);
      const record = new Uint8Array(ends[index]! - start);
      for (let at = 0; at < record.length; ) {
        at += readSync(file, record, at, record.length - at, start + at);
      }
      return record;
    },
    remove() {
      closeSync(file);
      rmSync(path);
    },
  };
}

function grown(values: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * values.length);
  larger.set(values);
  return larger;
}
