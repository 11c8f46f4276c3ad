import type { Clock, Contestant, ContestantName, Entry } from "./contestant.ts";

type Open = (entry: Entry, clock: Clock) => Promise<Contestant>;

const openOurs: Open = async (...of) => (await import("./ours.ts")).openOurs(...of);

/** Loaded only when asked for: they share tfjs's global registry, so each has a page or process of its own. */
const OPENERS: Record<ContestantName, Open> = {
  "sparse 0.5%": openOurs,
  "sparse 2%": openOurs,
  "sparse band": openOurs,
  "dense 100%": openOurs,
  "product, ours": async (...of) => (await import("./product.ts")).openProduct(...of),
  "product, tfjs": async (...of) => (await import("./product.ts")).openProduct(...of),
  "plain tfjs": async (...of) => (await import("../rivals/plain-tfjs.ts")).openPlainTfjs(...of),
  "jax-js": async (...of) => (await import("../rivals/jax-js.ts")).openJaxJs(...of),
  nanogpt: async (...of) => (await import("../rivals/nanogpt.ts")).openNanogpt(...of),
};

export function openContestant(entry: Entry, clock: Clock): Promise<Contestant> {
  return OPENERS[entry.contestant](entry, clock);
}
