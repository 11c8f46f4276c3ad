import { restsUntil, type VainWork } from "../../core/gate/resting.ts";
import type { ContributionStore } from "../store/store.ts";

/** A model whose head cannot be bettered for now (protocol H27). */
export type Rest = {
  /** Contributions to the head that came to nothing. */
  readonly count: number;
  /** Milliseconds until work is tried again; 0 while it is. */
  readonly leftMs: number;
};

type Place = { readonly model: string; readonly head: number; readonly cohortSize: number };

/** Whether models rest, as the ledger's refused work tells. */
export type Rests = (place: Place) => Promise<Rest | null>;

const KEPT_MS = 1000; // every request for work asks
const LONGEST_REST_MS = 3600_000; // what is further off was written by a clock that was set back since

export function createRests(
  contributions: Pick<ContributionStore, "vainWork">,
  clock: () => number,
): Rests {
  const kept = new Map<string, { head: number; at: number; work: Promise<VainWork> }>();

  function vainWork({ model, head }: Place): Promise<VainWork> {
    const now = clock();
    const known = kept.get(model);
    if (known?.head === head && now >= known.at && now - known.at < KEPT_MS) return known.work;
    const work = contributions.vainWork(model, head);
    kept.set(model, { head, at: now, work });
    work.catch(() => kept.delete(model)); // the next one asks again
    return work;
  }

  return async (place) => {
    const work = await vainWork(place);
    const until = restsUntil(work, place.cohortSize);
    if (until === null) return null;
    const leftMs = until - clock();
    return { count: work.count, leftMs: leftMs > LONGEST_REST_MS ? 0 : Math.max(0, leftMs) };
  };
}
