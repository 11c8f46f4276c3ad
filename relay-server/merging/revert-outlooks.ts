import { LRUCache } from "lru-cache";
import type { RevertAnswer } from "../../core/protocol/schemas/previews.ts";

const KEPT = 32; // of all models together: a maintainer looks at a few before deciding

/** A contribution of a model that somebody wants to see the model without. */
export type AskedRevert = { readonly model: string; readonly contribution: string };

/** What reverts would do, for maintainers who ask. In memory: who asks again after a restart waits again. */
export type RevertOutlooks = {
  /** What is known of it on version `head`; if nothing is, the model's loop is to find out. */
  ask(asked: AskedRevert, head: number): RevertAnswer;
  /** What of a model was asked first and is not known. */
  next(model: string): AskedRevert | undefined;
  /** Remember what it would do to version `head`. */
  know(asked: AskedRevert, head: number, preview: RevertAnswer): void;
};

export function createRevertOutlooks(): RevertOutlooks {
  const known = new LRUCache<string, { head: number; preview: RevertAnswer }>({ max: KEPT });
  const waiting = new Map<string, AskedRevert>(); // in the order of asking
  const nameOf = ({ model, contribution }: AskedRevert) => `${model} ${contribution}`;
  return {
    ask(asked, head) {
      const found = known.get(nameOf(asked));
      if (found !== undefined && found.head === head) {
        if (found.preview.state === "failed") known.delete(nameOf(asked)); // told once, then tried again
        return found.preview;
      }
      if (waiting.size < KEPT) waiting.set(nameOf(asked), asked);
      return { state: "working" };
    },
    next: (name) => [...waiting.values()].find(({ model }) => model === name),
    know(asked, head, preview) {
      waiting.delete(nameOf(asked));
      known.set(nameOf(asked), { head, preview });
    },
  };
}
