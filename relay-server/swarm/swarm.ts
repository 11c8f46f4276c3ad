import type { SwarmFigures } from "../../core/protocol/schemas/swarm.ts";
import { createHolderBook, type HolderBook, type HolderBookParts } from "./holders.ts";
import { createSwarmReports, type SwarmReports } from "./reports.ts";

/** Who has which chunks, and what came of telling it. In memory: pages tell all of it anew. */
export type SwarmBook = Pick<HolderBook, "announce" | "choose"> &
  Pick<SwarmReports, "add"> & {
    /** What health says of a model's swarm. */
    figures(model: string): SwarmFigures;
  };

export function createSwarmBook(parts: HolderBookParts): SwarmBook {
  const book = createHolderBook(parts);
  const reports = createSwarmReports(parts.clock);
  return {
    announce: book.announce,
    choose: book.choose,
    add: reports.add,
    figures: (model) => ({ holders: book.count(model), ...reports.sums(model) }),
  };
}
