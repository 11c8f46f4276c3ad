import type { RelayContext } from "../context.ts";
import type { Trainer } from "./trainer.ts";

type EarlyParts = { readonly context: Pick<RelayContext, "history">; readonly trainer: Trainer };

/** Trains the reference while a version's first volunteer trains, so that their work need not wait for it. */
export function createEarlyReferences({ context, trainer }: EarlyParts) {
  const begun = new Map<string, number>(); // by model
  async function begin(model: string, base: number): Promise<void> {
    try {
      const version = await context.history.version(model, base);
      if (version !== undefined) await trainer.reference(version);
    } catch {
      // whoever judges work on this version asks for the reference again, and tells what is wrong
    }
  }
  return (model: string, base: number): void => {
    if (begun.get(model) === base) return;
    begun.set(model, base);
    void begin(model, base);
  };
}
