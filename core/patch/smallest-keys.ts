/** A list of positions that keeps those with the smallest keys. */
export type SmallestKeys = {
  /** What has this key or a larger one is not among the smallest any more. */
  limit(): number;
  add(key: number, position: number): void;
  /** Call `take` with what is kept, in no particular order, and be empty. */
  drain(take: (key: number, position: number) => void): void;
};

const SPARE = 64; // additions between two selections where few are kept

/**
 * Keeps the `capacity` smallest keys of any number that are added, in some 24 bytes each, by selecting
 * whenever twice as many have come. `onDrop` is told what was kept for a while and then dropped.
 */
export function createSmallestKeys(
  capacity: number,
  onDrop: (key: number, position: number) => void = () => {},
): SmallestKeys {
  const size = capacity === 0 ? 0 : capacity + Math.max(capacity, SPARE);
  const keys = new Float64Array(size);
  const positions = new Uint32Array(size);
  let length = 0;
  let limit = capacity === 0 ? 0 : Number.POSITIVE_INFINITY;

  function select(): void {
    if (length <= capacity) return;
    selectSmallest(keys, positions, length, capacity);
    for (let i = capacity; i < length; i++) onDrop(keys[i]!, positions[i]!);
    length = capacity;
    limit = keys[capacity - 1]!;
  }

  return {
    limit: () => limit,
    add(key, position) {
      if (!(key < limit)) {
        onDrop(key, position);
        return;
      }
      keys[length] = key;
      positions[length] = position;
      length++;
      if (length === size) select();
    },
    drain(take) {
      select();
      for (let i = 0; i < length; i++) take(keys[i]!, positions[i]!);
      length = 0;
      limit = capacity === 0 ? 0 : Number.POSITIVE_INFINITY;
    },
  };
}

/**
 * Reorder the first `length` pairs so that the `count` smallest keys come first and the largest of these
 * last among them. Linear on average. Source: Hoare 1961, Algorithm 65: Find.
 */
function selectSmallest(
  keys: Float64Array,
  positions: Uint32Array,
  length: number,
  count: number,
): void {
  let left = 0;
  let right = length - 1;
  while (left < right) {
    const pivot = keys[(left + right) >>> 1]!;
    let low = left;
    let high = right;
    while (low <= high) {
      while (keys[low]! < pivot) low++;
      while (keys[high]! > pivot) high--;
      if (low > high) break;
      const key = keys[low]!;
      const position = positions[low]!;
      keys[low] = keys[high]!;
      positions[low] = positions[high]!;
      keys[high] = key;
      positions[high] = position;
      low++;
      high--;
    }
    if (count - 1 <= high) right = high;
    else if (count - 1 >= low) left = low;
    else return;
  }
}
