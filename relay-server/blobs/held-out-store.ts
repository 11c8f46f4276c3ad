import { join } from "node:path";
import { writeDurably } from "./durable-file.ts";

export const HELD_OUT_SETS = ["score", "gate", "report"] as const;
export type HeldOutSet = (typeof HELD_OUT_SETS)[number];

/** Held-out sets, in a folder of their own that no route reads. */
export type HeldOutStore = {
  put(model: string, set: HeldOutSet, bytes: Uint8Array): Promise<void>;
  paths(model: string): Record<HeldOutSet, string>;
};

export function openHeldOutStore(folder: string, temporary: string): HeldOutStore {
  const path = (model: string, set: HeldOutSet) => join(folder, model, `${set}.safetensors`);
  return {
    paths: (model) => ({
      score: path(model, "score"),
      gate: path(model, "gate"),
      report: path(model, "report"),
    }),
    put: (model, set, bytes) => writeDurably(path(model, set), bytes, { temporary, mode: 0o600 }),
  };
}
