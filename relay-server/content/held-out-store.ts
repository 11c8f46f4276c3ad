import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Suite } from "../../core/gate/judge.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import { writeDurably } from "./durable-file.ts";

const SUITES = ["score", "gate", "protected", "report"] as const;

/** The held-out sets that a model of this recipe has: a protected suite only where the recipe names one. */
export function suitesOf({ data }: Recipe): Suite[] {
  return SUITES.filter((suite) => data.heldOut[suite] !== undefined);
}

/** Where the ledger keeps the SHA-256 of a held-out set. */
export const heldOutSetting = (model: string, suite: Suite) => `held-out ${model} ${suite}`;

/** Held-out sets, in a folder of their own that no route reads. */
export type HeldOutStore = {
  put(model: string, suite: Suite, bytes: Uint8Array): Promise<void>;
  paths(model: string): Record<Suite, string>;
  /** Take back those of a model that did not come to be. */
  remove(model: string): Promise<void>;
};

export function openHeldOutStore(folder: string, temporary: string): HeldOutStore {
  const path = (model: string, suite: Suite) => join(folder, model, `${suite}.safetensors`);
  return {
    paths: (model) => ({
      score: path(model, "score"),
      gate: path(model, "gate"),
      protected: path(model, "protected"),
      report: path(model, "report"),
    }),
    put: (model, suite, bytes) =>
      writeDurably(path(model, suite), bytes, { temporary, mode: 0o600 }),
    remove: (model) => rm(join(folder, model), { recursive: true, force: true }),
  };
}
