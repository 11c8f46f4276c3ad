import { FencedError } from "../merging/publishing.ts";
import { type Held, VERDICTS } from "../store/sql/verdicts.ts";
import type { ContributionStore } from "../store/store.ts";

/**
 * The contributions as who holds their model writes about them: a verdict throws a FencedError, and is not written, once another relay holds the model.
 * A relay that slept while it judged cannot refuse then what the other one has queued.
 */
export function heldVerdicts(contributions: ContributionStore, held: Held): ContributionStore {
  const names: readonly PropertyKey[] = VERDICTS;
  return new Proxy(contributions, {
    get(store, name) {
      if (!names.includes(name)) return Reflect.get(store, name);
      return async (...args: never) => {
        const isHeld = await store.writeVerdict(held, name as (typeof VERDICTS)[number], args);
        if (!isHeld) throw new FencedError(held.model);
      };
    },
  });
}
