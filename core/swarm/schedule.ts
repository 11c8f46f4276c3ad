import type { Random } from "../random.ts";
import { type Bitfield, hasChunk } from "./bitfield.ts";

/** Of one peer: one chunk is on its way while the next is being asked for. */
export const CHUNKS_IN_FLIGHT = 2;

/** A peer that this page is connected to. */
export type Supplier = {
  readonly id: string;
  readonly have: Bitfield;
  /** Chunks that it was asked for and has not sent yet. */
  readonly inFlight: number;
  /** It let a chunk wait too long, and is asked for one at a time. */
  readonly isSlow: boolean;
};

/** What a page asks of whom. */
export type ChunkRequest = { readonly supplier: string; readonly chunk: number };

/**
 * `wanted` chunks, those that fewest of `suppliers` have first: they are the first to be lost, and whoever takes one is asked
 * for it next. Equally rare ones are in an order drawn from `random`, so that pages which begin together take different
 * ones, and have something for each other.
 */
export function rarestFirst(
  wanted: readonly number[],
  suppliers: readonly Pick<Supplier, "have">[],
  random: Random,
): number[] {
  return wanted
    .map((chunk) => ({ chunk, copies: copiesOf(chunk, suppliers), lot: random.uint32() }))
    .sort((a, b) => a.copies - b.copies || a.lot - b.lot)
    .map(({ chunk }) => chunk);
}

/**
 * What to ask for now, rarest chunks first, each of the supplier that has least to send. `wanted` are the chunks that are neither
 * here nor on their way. What nobody has, or nobody has room for, is not in the answer: it waits, or comes from the relay.
 */
export function nextRequests(
  wanted: readonly number[],
  suppliers: readonly Supplier[],
  random: Random,
): ChunkRequest[] {
  const waiting = new Map(suppliers.map(({ id, inFlight }) => [id, inFlight]));
  const load = ({ id }: Supplier) => waiting.get(id) ?? 0;
  const hasRoom = (one: Supplier) => load(one) < (one.isSlow ? 1 : CHUNKS_IN_FLIGHT);
  const requests: ChunkRequest[] = [];
  let free = suppliers.filter(hasRoom);
  if (free.length === 0) return requests;
  for (const chunk of rarestFirst(wanted, suppliers, random)) {
    if (free.length === 0) break;
    const able = free.filter(({ have }) => hasChunk(have, chunk));
    const least = Math.min(...able.map(load));
    const idlest = able.filter((one) => load(one) === least);
    if (idlest.length === 0) continue;
    const supplier = idlest[random.below(idlest.length)]!;
    requests.push({ supplier: supplier.id, chunk });
    waiting.set(supplier.id, least + 1);
    free = free.filter(hasRoom);
  }
  return requests;
}

function copiesOf(chunk: number, suppliers: readonly Pick<Supplier, "have">[]): number {
  return suppliers.filter(({ have }) => hasChunk(have, chunk)).length;
}
