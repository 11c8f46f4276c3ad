/** How long peers may let a load's last chunks wait without a byte, before the relay is asked for them. */
export const PEER_PATIENCE_MS = 2000;
/** A chunk of which nothing came for so long is lost, as a rule: its peer went away. Until then others come meanwhile. */
const LOST_MS = 10_000;
/** A load through peers takes at most this many times as long as HTTP alone. */
const SLOWEST = 1.1;
const AHEAD_MS = 100; // the relay is asked so long before a chunk is due: for a look at the clock, and the way there and back
const LANES = 4; // of a browser's six requests to one HTTP/1.1 server, one is for the events, one to ask for holders
const PROBED_CHUNKS = 40; // one chunk of a list so long tells HTTP's speed while its tenth lasts; a shorter one has more at once

/** Why the relay is asked for a chunk that peers might bring. */
export type RelayReason = "probe" | "behind" | "late" | "unheld";

/** A chunk that a peer alone was asked for: since when nothing came of it, and how much is to come. */
export type AskedChunk = {
  readonly chunk: number;
  readonly silentMs: number;
  readonly leftBytes: number;
};

/** How far a load of chunks from peers and the relay is. */
export type LoadState = {
  /** Chunks of the whole load. */
  readonly chunks: number;
  readonly totalBytes: number;
  /** What came, also of chunks that are not whole yet. */
  readonly doneBytes: number;
  readonly elapsedMs: number;
  /** How much longer the load may take than HTTP alone and a tenth. */
  readonly graceMs: number;
  /** What HTTP brings, in bytes a ms; null before the first chunk came from the relay. */
  readonly httpRate: number | null;
  /** Chunks that nobody was asked for. */
  readonly waiting: readonly number[];
  readonly asked: readonly AskedChunk[];
  /** How many chunks come from the relay now, and how much of them is to come. */
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
 * those that a peer let wait. First come those that nobody was asked for; then the peers with most to send lose theirs.
 */
export function nextFromRelay(load: LoadState): { chunk: number; why: RelayReason }[] {
  const { waiting, asked, lanes, isHeld, mayGrow, elapsedMs, httpRate } = load;
  const because = (why: RelayReason) => (chunk: number) => ({ chunk, why });
  const room = Math.max(0, LANES - lanes);
  const unheld = waiting.filter((chunk) => !isHeld(chunk));
  const free = [...unheld, ...waiting.filter(isHeld)];
  const probes = httpRate === null ? probesOf(load) - lanes : 0;
  if (probes > 0 && free.length > 0) return free.slice(0, probes).map(because("probe"));

  const patienceMs = httpRate !== null && waiting.length > 0 ? LOST_MS : PEER_PATIENCE_MS;
  const late = asked.filter(({ silentMs }) => silentMs >= patienceMs).map(({ chunk }) => chunk);
  const due = late.map(because("late"));
  let owedBytes = httpRate === null ? 0 : bytesBehind({ ...load, httpRate }) - load.laneBytes;
  if (owedBytes > 0) {
    const begun = asked.filter(({ chunk }) => !late.includes(chunk));
    const slowest = begun.toSorted((a, b) => b.leftBytes - a.leftBytes);
    const whole = free.map((chunk) => ({ chunk, leftBytes: load.sizeBytes(chunk) }));
    for (const { chunk, leftBytes } of [...whole, ...slowest]) {
      if (owedBytes <= 0) break;
      due.push({ chunk, why: "behind" });
      owedBytes -= leftBytes;
    }
  } else if (elapsedMs >= PEER_PATIENCE_MS || !mayGrow) due.push(...unheld.map(because("unheld")));
  return due.slice(0, room);
}

/** How many chunks come from the relay to learn its speed: a load that has time waits for its peers instead. */
function probesOf({ chunks, graceMs }: LoadState): number {
  return graceMs > 0 ? 0 : Math.min(LANES, Math.ceil(PROBED_CHUNKS / chunks));
}

/**
 * How many bytes a load lacks to end in time by HTTP alone from now on; below 0, it is ahead. So the relay is idle in the tenth of
 * the time in which the swarm may cost something, and pages are connected meanwhile.
 */
function bytesBehind({
  totalBytes,
  doneBytes,
  elapsedMs,
  graceMs,
  httpRate,
}: LoadState & { readonly httpRate: number }): number {
  const leftMs = (SLOWEST * totalBytes) / httpRate + graceMs - AHEAD_MS - elapsedMs;
  return totalBytes - leftMs * httpRate - doneBytes;
}
