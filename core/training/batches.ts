import { createRandom } from "../random.ts";

/**
 * Endless batches of example indices [batch] for one seed: every example once in a shuffled order
 * (Fisher–Yates), then all of them again in another. Integers only, so every party draws the same ones.
 */
export function* seededBatches(
  seed: number | string,
  examples: number,
  batch: number,
): Generator<Uint32Array, never> {
  const random = createRandom(seed);
  const order = Uint32Array.from({ length: examples }, (_, index) => index);
  let next = examples; // the first example asked for starts a round
  for (;;) {
    const indices = new Uint32Array(batch);
    for (let row = 0; row < batch; row++) {
      if (next === examples) {
        for (let last = examples - 1; last > 0; last--) {
          const other = random.below(last + 1);
          const kept = order[last]!;
          order[last] = order[other]!;
          order[other] = kept;
        }
        next = 0;
      }
      indices[row] = order[next++]!;
    }
    yield indices;
  }
}

/** The indices 0 … count − 1 in order, at most `most` at once. */
export function* inOrder(count: number, most: number): Generator<Uint32Array, void> {
  for (let first = 0; first < count; first += most) {
    const length = Math.min(most, count - first);
    yield Uint32Array.from({ length }, (_, row) => first + row);
  }
}
