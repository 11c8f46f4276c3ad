import { createHash } from "node:crypto";

/** The order of an owner's records, and which of them are held out. */
export type Split = {
  /** Places of the records that are held out, no two alike, in a seeded random order. */
  readonly heldOut: Uint32Array;
  /** All others, but for copies of those. */
  readonly training: Uint32Array;
  /** Copies of records that are held out: they are left out. */
  readonly removed: number;
};

/**
 * Where a record comes in the seeded order: 48 bits of a hash of its `content`, without what a copy may differ in. Equal
 * content has an equal key and so lies on one side of a split; a million different records share a key once in 560 cases.
 */
export function splitKey(seed: string, content: Uint8Array | string): number {
  return createHash("sha256").update(`${seed}\n`).update(content).digest().readUIntBE(0, 6);
}

/** A text for `splitKey`: copies differ in case and white space at most. */
export function contentOf(text: string): string {
  return text.toLowerCase().replaceAll(/\s+/g, " ").trim();
}

/** Hold out `heldOut` of the records with these keys [n]; fewer if they are not so many different ones. */
export function splitRecords(keys: Float64Array, heldOut: number): Split {
  const order = Uint32Array.from(keys, (_, place) => place);
  order.sort((a, b) => keys[a]! - keys[b]! || a - b);
  const chosen: number[] = [];
  let at = 0;
  let removed = 0;
  let last = -1;
  for (; at < order.length; at++) {
    const key = keys[order[at]!]!;
    if (key === last) removed++;
    else if (chosen.length === heldOut) break;
    else chosen.push(order[at]!);
    last = key;
  }
  return { heldOut: Uint32Array.from(chosen), training: order.slice(at), removed };
}
