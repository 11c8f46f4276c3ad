import { assert } from "../../core/errors.ts";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { type Mask, mask as maskSchema } from "../../core/protocol/schemas/mask.ts";
import type { Ticket } from "../../core/protocol/schemas/ticket.ts";
import type { HistoryStore } from "../store/store.ts";
import type { ShardRow } from "../store/tables.ts";

/** What tickets on a model's head are made of. */
export type Materials = {
  readonly base: Ticket["base"];
  readonly mask: Mask;
  /** Whoever draws one for a ticket counts it as assigned here too. */
  readonly shards: readonly ShardRow[];
};

export type Stock = {
  /** The materials of a model on a head, read once for many tickets: those differ in their shards and seeds alone. */
  materials(model: string, head: number): Promise<Materials>;
  /** Read a model's materials anew for the next ticket. */
  forget(model: string): void;
};

const KEPT_MS = 60_000; // other relays hand shards out too; these may be some tickets behind them

export function createStock(
  history: Pick<HistoryStore, "version" | "shards">,
  clock: () => number,
): Stock {
  const kept = new Map<string, { head: number; at: number; materials: Promise<Materials> }>();

  async function read(model: string, number: number): Promise<Materials> {
    const [head, shards] = await Promise.all([
      history.version(model, number),
      history.shards(model),
    ]);
    assert(head !== undefined, `no version ${number} of ${model}`);
    const mask = parseJson("mask", maskSchema, new TextEncoder().encode(head.mask));
    return { base: { number, id: head.id, checkpoint: head.checkpoint }, mask, shards };
  }
  return {
    materials(model, head) {
      const now = clock();
      const known = kept.get(model);
      if (known?.head === head && Math.abs(now - known.at) < KEPT_MS) return known.materials;
      const made = { head, at: now, materials: read(model, head) };
      kept.set(model, made);
      made.materials.catch(() => {
        if (kept.get(model) === made) kept.delete(model); // who asked hears of it; the next one tries again
      });
      return made.materials;
    },
    forget: (model) => kept.delete(model),
  };
}
