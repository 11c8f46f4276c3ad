/** Peers that are quick to send, at a time: a line of 250 Mbit/s down takes what eighteen homes give. */
const QUICK_LINKS = 18;
/** With those that let a chunk wait, and those that connected by themselves. */
export const MOST_LINKS = 32;
/** How long after the last time a page that loads asks the relay again, while it has not enough quick ones. */
export const SEEK_MS = 1000;

/** The peers that a page is connected with, and those that it is about to be. */
export type Links = { readonly quick: number; readonly slow: number; readonly begun: number };

/** How many more connections to begin: a slow peer stays, and another one is sought beside it. */
export function linksToBegin({ quick, slow, begun }: Links): number {
  return Math.max(0, Math.min(QUICK_LINKS - quick - begun, MOST_LINKS - quick - slow - begun));
}
