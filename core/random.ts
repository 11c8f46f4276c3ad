import { assert } from "./errors.ts";

/** A seeded stream of integers, the same on every engine. */
export type Random = {
  /** Uniform in 0…2^32 − 1. */
  uint32(): number;
  /** Uniform in 0…n − 1, without bias; n in 1…2^32. */
  below(n: number): number;
};

const LANE_FACTORS = [0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f, 0x165667b1]; // odd: MurmurHash3's and xxHash32's

/**
 * The generator of `seed` (protocol M2): any text, or a non-negative integer, which counts as its
 * decimal text. xoshiro128**: Blackman & Vigna 2021, arXiv:1805.01407. Integers only; not for secrets.
 */
export function createRandom(seed: string | number): Random {
  assert(typeof seed === "string" || (Number.isSafeInteger(seed) && seed >= 0), "seed: an integer");
  let [a, b, c, d] = hashSeed(String(seed));

  function uint32(): number {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result >>> 0;
  }

  function below(n: number): number {
    assert(Number.isInteger(n) && n >= 1 && n <= 0x1_0000_0000, `below: ${n} outside 1…2^32`);
    if (n === 1) return 0; // a shift by 32 would be none
    const shift = Math.clz32(n - 1);
    for (;;) {
      const value = uint32() >>> shift; // as many bits as n − 1 has: taken at least every other time
      if (value < n) return value;
    }
  }
  return { uint32, below };
}

/** A stream for each of many places: what is drawn at one changes nothing at another. */
export type PlacedRandom = Pick<Random, "uint32"> & {
  /** Draw from `place`'s stream, an integer in 0…2^32 − 1, from its beginning on. */
  at(place: number): void;
};

const GOLDEN = 0x9e3779b9; // 2^32 over the golden ratio, made odd: SplitMix's step

/**
 * The streams of `seed` (protocol M7), SplitMix with 32 bits of state: Steele, Lea & Flood 2014, Fast splittable
 * pseudorandom number generators. Integers only; not for secrets.
 */
export function createPlacedRandom(seed: string): PlacedRandom {
  const [a, b] = hashSeed(seed);
  let state = 0;
  return {
    at(place) {
      state = mix(a ^ mix((b + place) | 0));
    },
    uint32() {
      state = (state + GOLDEN) | 0;
      return mix(state) >>> 0;
    },
  };
}

/** MurmurHash3's finaliser. */
function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** Four 32-bit hashes of the seed's UTF-16 code units: xoshiro's state, never all zero. */
function hashSeed(seed: string): [a: number, b: number, c: number, d: number] {
  const lanes = LANE_FACTORS.map((factor, lane) => {
    let hash = lane + 1;
    for (let i = 0; i < seed.length; i++) {
      hash = Math.imul(hash ^ seed.charCodeAt(i), factor);
      hash ^= hash >>> 15;
    }
    return mix(hash);
  });
  const [a = 0, b = 0, c = 0, d = 0] = lanes;
  return [a, b, c, d | 1];
}
