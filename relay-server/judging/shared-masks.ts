import { encodePositions } from "../../core/patch/positions.ts";
import type { RelayContext } from "../context.ts";
import type { Head } from "../history/head.ts";
import type { Trainer } from "./trainer.ts";

/** Chooses shared masks in the background, one epoch ahead (protocol M6). */
export type SharedMasks = {
  /** A model's head may have moved: begin to choose the mask that follows the one in force, unless it is chosen. */
  follow(head: Head): void;
  /** What is chosen from now on is lost. */
  close(): void;
};

/**
 * Positions go to `context.nextMasks` once their file is published as a blob. They are chosen on the head that an epoch
 * begins with, so that they are ready when it ends; an epoch that ends earlier is followed by a random mask. A relay that
 * starts anew chooses anew.
 */
export function createSharedMasks({
  context: { blobs, nextMasks },
  trainer,
}: {
  readonly context: Pick<RelayContext, "blobs" | "nextMasks">;
  readonly trainer: Trainer;
}): SharedMasks {
  /** The last head that each model's mask was or is being chosen on. */
  const chosenOn = new Map<string, number>();
  const running = new Set<string>();
  let isClosed = false;

  async function choose({ model, id, layout, parameters }: Head): Promise<void> {
    try {
      const positions = await trainer.chooseMask({ model, id, parameters });
      const file = await blobs.put(encodePositions(positions, layout.size));
      if (!isClosed) nextMasks.set(model, { positions: file, count: positions.length });
    } catch (error) {
      if (!isClosed) console.error(error); // masks stay random until the next head is tried
    } finally {
      running.delete(model);
    }
  }

  return {
    follow(head) {
      const { model, number, recipe, record } = head;
      if (recipe.mask.kind !== "shared" || running.has(model)) return;
      const next = nextMasks.get(model);
      const { mask } = record;
      if (next !== undefined && mask.kind === "shared" && mask.positions === next.positions) {
        nextMasks.delete(model); // it is in force: the one after it is due
      }
      if (nextMasks.has(model) || chosenOn.get(model) === number) return;
      chosenOn.set(model, number);
      running.add(model);
      void choose(head);
    },
    close() {
      isClosed = true;
    },
  };
}
