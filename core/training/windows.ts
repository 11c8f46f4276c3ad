import type { Architecture } from "../protocol/schemas/recipe.ts";
import type { Examples } from "./examples.ts";

/**
 * `examples` as ones of a single window, in the same order: a unit of several windows is as many of them, with the
 * same mean loss, because all windows are equally long. Images and training shards are that already.
 */
export function splitWindows(architecture: Architecture, examples: Examples): Examples {
  if (architecture.kind !== "gpt" || examples.kind !== "text") return examples;
  const { context } = architecture;
  const windows = (examples.length - 1) / context; // of each example
  if (windows === 1) return examples;
  const length = context + 1; // the last target of one is the first input of the next
  const bytes = new Uint8Array(examples.count * windows * length);
  for (let example = 0; example < examples.count; example++) {
    for (let window = 0; window < windows; window++) {
      const from = example * examples.length + window * context;
      const to = (example * windows + window) * length;
      bytes.set(examples.bytes.subarray(from, from + length), to);
    }
  }
  return { kind: "text", count: examples.count * windows, length, bytes };
}

/** The indices 0 … count − 1 in order, at most `most` at once. */
export function* inOrder(count: number, most: number): Generator<Uint32Array, void> {
  for (let first = 0; first < count; first += most) {
    const length = Math.min(most, count - first);
    yield Uint32Array.from({ length }, (_, row) => first + row);
  }
}
