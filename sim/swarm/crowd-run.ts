import { createRandom } from "../../core/random.ts";
import { createBitfield, otherChunks } from "../../core/swarm/bitfield.ts";
import { linksToBegin, MOST_LINKS, SEEK_MS } from "../../core/swarm/links.ts";
import { createHolderBook, type HoldingPeer } from "../../relay-server/swarm/holders.ts";
import { type ChunkSource, createNewcomer, type Newcomer } from "./newcomer.ts";
import { createTransfers, type LineEnd } from "./transfers.ts";
import { type Crowd, drawShare, drawVisitors, type Visitor } from "./visitors.ts";

const TICK_SECONDS = 0.02;
const MEET_SECONDS = 0.3; // to be a peer of the relay's signalling, and to hear who has what
const CONNECT_SECONDS = 0.5; // for two browsers to be connected, or to give it up
const RENEW_SECONDS = 40; // two thirds of what the relay remembers
const LAST_SECONDS = 300; // for the last newcomers, whatever they have by then

export type CrowdSpec = Crowd & {
  /** Of one MiB each. */
  readonly chunks: number;
  /** What the relay sends, in bytes a second. */
  readonly relayRate: number;
  /** The share of pairs of browsers that cannot connect, or of browsers that can connect with nobody. */
  readonly blocked: { readonly share: number; readonly of: "pairs" | "browsers" };
  /** False: everybody loads everything from the relay. */
  readonly isSharing: boolean;
  /** Newcomers of the beginning are not counted: the pages open then have given nothing yet. */
  readonly unmeasuredSeconds: number;
  readonly seed: string;
};

/** What became of the newcomers of a crowd that came after its first `unmeasuredSeconds`. */
export type CrowdReport = {
  readonly newcomers: number;
  readonly relayBytes: number;
  /** Seconds until each had all of the list; null of those who did not within five minutes. Others that left before are not in it. */
  readonly loads: readonly (number | null)[];
  /** Chunks of all newcomers, by where they came from. */
  readonly chunks: Readonly<Record<ChunkSource, number>>;
  readonly tried: number;
  readonly connected: number;
};

type Meeting = { readonly a: Newcomer; readonly b: Newcomer; readonly at: number };

/** Let a crowd come, load a list from each other and the relay, and go. */
export function runCrowd(spec: CrowdSpec): CrowdReport {
  const { chunks, isSharing } = spec;
  const random = createRandom(`swarm ${spec.seed}`);
  const visitors = drawVisitors(spec, createRandom(`visitors ${spec.seed}`));
  const relay: LineEnd = { upRate: spec.relayRate, downRate: 0 };
  const transfers = createTransfers();
  const present = new Map<string, Newcomer>();
  const nextAsk = new Map<Newcomer, number>();
  const cutOff = new Set<string>(); // browsers that can connect with nobody
  const failed = new Map<Newcomer, Set<Newcomer>>(); // who cannot connect with whom
  const loads: (number | null)[] = [];
  const counts = { peers: 0, probe: 0, behind: 0, late: 0, unheld: 0 };
  let meetings: Meeting[] = [];
  let [now, newcomers, relayBytes, tried, connected] = [0, 0, 0, 0, 0];
  const book = createHolderBook({
    clock: () => now * 1000,
    seed: () => spec.seed,
    isPresent: ({ peer }) => present.has(peer),
  });
  const list = { model: "base", list: "keyframe" };

  function arrive(visitor: Visitor): void {
    const isComplete = visitor.arrivesAt === 0;
    const lines = { visitor, relay, transfers, random, clock: () => now };
    const newcomer = createNewcomer({ ...lines, chunks, isSharing, isComplete });
    present.set(visitor.name, newcomer);
    const { share, of } = spec.blocked;
    if (of === "browsers" && drawShare(random) < share) cutOff.add(visitor.name);
    if (isSharing) nextAsk.set(newcomer, now + MEET_SECONDS);
  }

  function leave(newcomer: Newcomer): void {
    newcomer.leave();
    present.delete(newcomer.name);
    nextAsk.delete(newcomer);
    failed.delete(newcomer);
    if (newcomer.visitor.arrivesAt < spec.unmeasuredSeconds) return;
    newcomers++;
    const seconds = newcomer.loadSeconds();
    const isCounted = seconds !== null || now - newcomer.visitor.arrivesAt >= LAST_SECONDS;
    if (isCounted) loads.push(seconds);
    relayBytes += newcomer.relayBytes();
    for (const source of Object.keys(counts) as ChunkSource[]) {
      counts[source] += newcomer.counts[source];
    }
  }

  function askRelay(newcomer: Newcomer): void {
    const isLoading = newcomer.loadSeconds() === null;
    nextAsk.set(newcomer, now + (isLoading ? SEEK_MS / 1000 : RENEW_SECONDS));
    const { name } = newcomer;
    const who: HoldingPeer = { peer: name, token: name, network: name };
    book.announce(
      list,
      who,
      newcomer.isTraining() ? createBitfield(chunks) : newcomer.have.slice(),
    );
    if (!isLoading) return;
    const meeting = meetings.filter(({ a }) => a === newcomer);
    const slow = newcomer.slowLinks();
    const quick = newcomer.links.size - slow;
    let room = linksToBegin({ quick, slow, begun: meeting.length });
    for (const { peer } of book.choose(list, who, otherChunks(newcomer.have, chunks))) {
      const other = present.get(peer)!;
      const isKnown = newcomer.links.has(other) || failed.get(newcomer)?.has(other) === true;
      if (isKnown || meeting.some(({ b }) => b === other) || room <= 0) continue;
      room--;
      tried++;
      meetings.push({ a: newcomer, b: other, at: now + CONNECT_SECONDS });
    }
  }

  function connect({ a, b }: Meeting): void {
    if (!present.has(a.name) || !present.has(b.name)) return;
    const { share, of } = spec.blocked;
    const isCutOff = cutOff.has(a.name) || cutOff.has(b.name);
    const isBlocked = of === "pairs" ? drawShare(random) < share : isCutOff;
    if (isBlocked || b.links.size >= MOST_LINKS) {
      noteFailure(failed, a, b);
      return;
    }
    connected++;
    a.links.add(b);
    b.links.add(a);
  }

  function meet(): void {
    const due = meetings.filter(({ at }) => at <= now);
    if (due.length === 0) return;
    meetings = meetings.filter(({ at }) => at > now);
    for (const meeting of due) connect(meeting);
    for (const { a } of due) if (meetings.every((other) => other.a !== a)) a.expectNobody();
  }

  const endsAt = spec.seconds + LAST_SECONDS;
  for (; now < endsAt && (visitors.length > 0 || someLoad(present)); now += TICK_SECONDS) {
    while (visitors.length > 0 && visitors[0]!.arrivesAt <= now) arrive(visitors.shift()!);
    for (const newcomer of present.values()) {
      if (newcomer.visitor.leavesAt <= now) leave(newcomer);
    }
    for (const [newcomer, at] of nextAsk) if (at <= now) askRelay(newcomer);
    meet();
    transfers.advance(now, TICK_SECONDS);
    for (const newcomer of present.values()) newcomer.look();
    if (!someLoad(present) && visitors.length > 0) now = Math.max(now, visitors[0]!.arrivesAt);
  }
  for (const newcomer of present.values()) leave(newcomer);
  return { newcomers, relayBytes, loads, chunks: counts, tried, connected };
}

function someLoad(present: ReadonlyMap<string, Newcomer>): boolean {
  for (const newcomer of present.values()) if (newcomer.loadSeconds() === null) return true;
  return false;
}

function noteFailure(failed: Map<Newcomer, Set<Newcomer>>, a: Newcomer, b: Newcomer): void {
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const known = failed.get(one) ?? new Set();
    known.add(other);
    failed.set(one, known);
  }
}
