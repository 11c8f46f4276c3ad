import type { RelayContext } from "../context.ts";

/** A random integer in 0…2^32 − 1. */
export function drawUint32(random: RelayContext["random"]): number {
  return new DataView(random(4).buffer).getUint32(0);
}

/** A random number in [0, 1): nobody outside can tell who will be looked at. */
export function drawLot(random: RelayContext["random"]): number {
  return drawUint32(random) / 2 ** 32;
}
