/** How long peers may take for a load's first chunk, and for its last ones, before the relay is asked as well. */
export const PEER_PATIENCE_MS = 2000;
/** A chunk that a peer was asked for so long ago is lost, as a rule: it went away. Until then others come meanwhile. */
const LOST_MS = 10_000;
/** A load through peers takes at most this many times as long as HTTP alone, and PEER_PATIENCE_MS. */
const SLOWEST = 1.1;
const LANES = 4; // of a browser's six requests to one HTTP/1.1 server, one is for the events, one to ask for holders
const PROBED_CHUNKS = 16; // a list so long spares one chunk to learn HTTP's speed: 6% of its bytes

/** Why the relay is asked for a chunk that peers might bring. */
export type RelayReason = "probe" | "behind" | "late" | "unheld";

/** How far a load of chunks from peers and the relay is. */
export type LoadState = {
  /** Chunks of the whole load. */
  readonly chunks: number;
  readonly doneBytes: number;
  readonly elapsedMs: number;
  /** What HTTP brings, in bytes a ms; null before the first chunk came from the relay. */
  readonly httpRate: number | null;
  /** Chunks that nobody was asked for. */
  readonly waiting: readonly number[];
  /** Chunks that a peer alone was asked for, and how long ago. */
  readonly asked: readonly { readonly chunk: number; readonly forMs: number }[];
  /** How many chunks come from the relay now, and their bytes. */
  readonly lanes: number;
  readonly laneBytes: number;
  readonly sizeBytes: (chunk: number) => number;
  /** Whether a connected peer has the chunk. */
  readonly isHeld: (chunk: number) => boolean;
  /** Another peer may be connected soon. */
  readonly mayGrow: boolean;
};

/**
 * Which chunks to ask the relay for now, and why: as many as keep the load as fast as HTTP alone, those that no peer has, and
 * those that a peer let wait. While others are still to be had, a late one is given time: two copies of it would come.
 */
export function nextFromRelay(load: LoadState): { chunk: number; why: RelayReason }[] {
  const { chunks, httpRate, waiting, asked, lanes, isHeld, mayGrow, elapsedMs } = load;
  const because = (why: RelayReason) => (chunk: number) => ({ chunk, why });
  if (httpRate === null && chunks >= PROBED_CHUNKS && lanes === 0) {
    return waiting.slice(0, 1).map(because("probe"));
  }
  const patienceMs = httpRate !== null && waiting.length > 0 ? LOST_MS : PEER_PATIENCE_MS;
  const late = asked.filter(({ forMs }) => forMs >= patienceMs).map(({ chunk }) => chunk);
  const unheld = waiting.filter((chunk) => !isHeld(chunk));
  let owedBytes = httpRate === null ? 0 : bytesBehind({ ...load, httpRate }) - load.laneBytes;
  const due = [...late.map(because("late"))];
  if (owedBytes > 0) {
    for (const chunk of [...unheld, ...waiting.filter(isHeld)]) {
      if (owedBytes <= 0) break;
      due.push({ chunk, why: "behind" });
      owedBytes -= load.sizeBytes(chunk);
    }
  } else if (elapsedMs >= PEER_PATIENCE_MS || !mayGrow) due.push(...unheld.map(because("unheld")));
  return due.slice(0, Math.max(0, LANES - lanes));
}

/** How many bytes a load lacks to be as far as HTTP alone would be, but for what the swarm may cost; below 0, it is ahead. */
function bytesBehind({
  doneBytes,
  elapsedMs,
  httpRate,
}: Pick<LoadState, "doneBytes" | "elapsedMs"> & { readonly httpRate: number }): number {
  return ((elapsedMs - PEER_PATIENCE_MS) * httpRate) / SLOWEST - doneBytes;
}
