import type { Suite } from "../../core/gate/judge.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import type { Objects } from "./objects.ts";

const SUITES = ["score", "gate", "protected", "report"] as const;

/** The held-out sets that a model of this recipe has: a protected suite only where the recipe names one. */
export function suitesOf({ data }: Recipe): Suite[] {
  return SUITES.filter((suite) => data.heldOut[suite] !== undefined);
}

/** Where the ledger keeps the SHA-256 of a held-out set. */
export const heldOutSetting = (model: string, suite: Suite) => `held-out ${model} ${suite}`;

/** Held-out sets, which no route reads. */
export type HeldOutStore = {
  put(model: string, suite: Suite, bytes: Uint8Array): Promise<void>;
  /** A set's bytes, unchecked; null where there are none. */
  read(model: string, suite: Suite): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Take back those of a model that did not come to be. */
  remove(model: string): Promise<void>;
};

/** The held-out sets among `objects`. */
export function openHeldOutStore(objects: Objects): HeldOutStore {
  const nameOf = (model: string, suite: Suite) => `private/${model}/${suite}.safetensors`;
  return {
    put: (model, suite, bytes) => objects.put(nameOf(model, suite), bytes),
    read: (model, suite) => objects.read(nameOf(model, suite)),
    remove: (model) => objects.removeAll(`private/${model}`),
  };
}
