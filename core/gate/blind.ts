const BLIND_WEIGHT = 1 / 1000; // an honest mask of digits or presidents has at most 0.4% of its energy there
const BUCKET_BITS = 20; // of an f32 below its exponent's three next bits: 2048 buckets of finite values of one sign

/**
 * The largest information that counts as nothing (protocol G23), −1 if none does: the positions up to it have, all together, a
 * thousandth of the weight √F by which masks are drawn (M7). `information` [n] is finite and at least 0. Found to an
 * eighth of a power of two, in time O(n).
 */
export function blindLevel(information: Float32Array): number {
  const bits = new Uint32Array(information.buffer, information.byteOffset, information.length);
  const weights = new Float64Array(1 << (32 - BUCKET_BITS));
  let total = 0;
  for (let i = 0; i < information.length; i++) {
    const weight = Math.sqrt(information[i]!);
    weights[bits[i]! >>> BUCKET_BITS]! += weight;
    total += weight;
  }
  let below = 0;
  let bucket = 0;
  while (bucket < weights.length && below + weights[bucket]! <= BLIND_WEIGHT * total) {
    below += weights[bucket]!;
    bucket++;
  }
  return bucket === 0 ? -1 : largestBelow(bucket);
}

/** The largest f32 in the buckets before `bucket`. */
function largestBelow(bucket: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bucket * (1 << BUCKET_BITS) - 1);
  return view.getFloat32(0);
}
