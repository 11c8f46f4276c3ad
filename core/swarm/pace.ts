/** How long peers may take for a chunk, and a load for its first one, before HTTP is asked as well. */
export const PEER_PATIENCE_MS = 2000;
/** A load through peers takes at most this many times as long as HTTP alone, and PEER_PATIENCE_MS. */
const SLOWEST = 1.1;

/**
 * Whether a load that has `doneBytes` after `elapsedMs` is slower than HTTP alone would be, by more than the swarm may
 * cost; `httpRate` is HTTP's, in bytes a ms. While it is, HTTP loads chunks beside the peers.
 */
export function isBehind({
  doneBytes,
  elapsedMs,
  httpRate,
}: {
  readonly doneBytes: number;
  readonly elapsedMs: number;
  readonly httpRate: number;
}): boolean {
  return doneBytes < ((elapsedMs - PEER_PATIENCE_MS) * httpRate) / SLOWEST;
}
