import { MAX_HOLDERS } from "../../core/protocol/schemas/swarm.ts";
import { createRandom, type Random } from "../../core/random.ts";
import { type Bitfield, haveInCommon } from "../../core/swarm/bitfield.ts";
import { NETWORKS_A_SITE, siteOf } from "../sites.ts";

export const RENEW_WITHIN_MS = 60_000; // a page that was closed is sent to nobody for longer
const SWEEP_MS = 10_000;
const OFFERS = 64; // are enough to name eight of different networks

const LIMITS = {
  /** Of one list: with the longest bitfields 1 MB. */
  list: 1000,
  /** Of one list from one network: a school's, and a tenth of what there is room for. A site has four times as many. */
  network: 100,
};

/** A peer, as its socket to the relay's signalling proves it. */
export type HoldingPeer = {
  readonly peer: string;
  readonly token: string;
  readonly network: string;
};
type Entry = HoldingPeer & { readonly have: Bitfield; readonly at: number };
export type Holder = { readonly peer: string; readonly have: Bitfield };

/** A list of a model's chunks. */
export type ListName = { readonly model: string; readonly list: string };

/** Who has which chunks of which list: a page tells it again every minute. */
export type HolderBook = {
  /** `who` has `have` of a list; a bitfield without a chunk takes back what was said before. */
  announce(of: ListName, who: HoldingPeer, have: Bitfield): void;
  /** Up to 8 others that have something of `wanted`: drawn by lot, of different networks first. */
  choose(of: ListName, who: HoldingPeer, wanted: Bitfield): Holder[];
  /** How many peers offer something of a model. */
  count(model: string): number;
};

export type HolderBookParts = {
  readonly clock: () => number;
  /** What the lots follow from; asked for once, at the first lot. */
  readonly seed: () => string;
  /** Whether that peer's socket is open, under the same token. */
  readonly isPresent: (who: HoldingPeer) => boolean;
  readonly limits?: typeof LIMITS;
};

export function createHolderBook({
  clock,
  seed,
  isPresent,
  limits = LIMITS,
}: HolderBookParts): HolderBook {
  const lists = new Map<string, Map<string, Entry>>(); // by list, then by peer, the one renewed longest ago first
  let random: Random | null = null;
  let sweptAt = clock();
  const isFresh = (entry: Entry, now: number) => Math.abs(now - entry.at) < RENEW_WITHIN_MS;

  function sweep(now: number): void {
    if (Math.abs(now - sweptAt) < SWEEP_MS) return;
    sweptAt = now;
    for (const [list, entries] of lists) {
      for (const [peer, entry] of entries) {
        if (!isFresh(entry, now) || !isPresent(entry)) entries.delete(peer);
      }
      if (entries.size === 0) lists.delete(list);
    }
  }

  /** A network makes room in its own part, a site in its own, a full list in the part of the party that has most of it. */
  function makeRoom(entries: Map<string, Entry>, network: string): void {
    const full = fullPart(entries, network);
    if (full === null) return;
    for (const [peer, entry] of entries) {
      if (entry.network !== full && partyOf(entry.network) !== full) continue;
      entries.delete(peer);
      return;
    }
  }

  /** The network or party whose part must hold one more; null where the list has room. */
  function fullPart(entries: ReadonlyMap<string, Entry>, network: string): string | null {
    const [networks, parties] = [new Map<string, number>(), new Map<string, number>()];
    for (const { network: of } of entries.values()) {
      countOne(networks, of);
      countOne(parties, partyOf(of));
    }
    const party = partyOf(network);
    if ((networks.get(network) ?? 0) >= limits.network) return network;
    if ((parties.get(party) ?? 0) >= NETWORKS_A_SITE * limits.network) return party;
    return entries.size >= limits.list ? largestOf(parties) : null;
  }

  return {
    announce(of, who, have) {
      const list = keyOf(of);
      const now = clock();
      sweep(now);
      const entries = lists.get(list) ?? new Map<string, Entry>();
      entries.delete(who.peer); // so that the map's order is that of the last renewal
      if (have.some((byte) => byte !== 0)) {
        makeRoom(entries, who.network);
        entries.set(who.peer, { ...who, have, at: now });
        lists.set(list, entries);
      }
    },
    choose(of, who, wanted) {
      const now = clock();
      random ??= createRandom(seed());
      const offers: Entry[] = [];
      for (const entry of shuffle([...(lists.get(keyOf(of))?.values() ?? [])], random)) {
        if (entry.peer === who.peer || !isFresh(entry, now)) continue;
        if (!haveInCommon(entry.have, wanted) || !isPresent(entry)) continue;
        offers.push(entry);
        if (offers.length === OFFERS) break;
      }
      return mixNetworks(offers)
        .slice(0, MAX_HOLDERS)
        .map(({ peer, have }) => ({ peer, have }));
    },
    count(model) {
      const now = clock();
      const peers = new Set<string>();
      for (const [list, entries] of lists) {
        if (!list.startsWith(`${model} `)) continue;
        for (const entry of entries.values()) {
          if (isFresh(entry, now) && isPresent(entry)) peers.add(entry.peer);
        }
      }
      return peers.size;
    },
  };
}

const keyOf = ({ model, list }: ListName): string => `${model} ${list}`;

function largestOf(counts: ReadonlyMap<string, number>): string | null {
  let largest: string | null = null;
  for (const [name, count] of counts) {
    if (largest === null || count > (counts.get(largest) ?? 0)) largest = name;
  }
  return largest;
}

/** `all` in an order drawn from `random`, in place. */
function shuffle<T>(all: T[], random: Random): T[] {
  for (let i = all.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
}

/** One of each network and four of each site, then as many more of each, and so on. */
function mixNetworks(entries: readonly Entry[]): Entry[] {
  const [networks, parties] = [new Map<string, number>(), new Map<string, number>()];
  const ranked = entries.map((entry) => {
    const { network } = entry;
    const ofNetwork = countOne(networks, network);
    const ofSite = siteOf(network) === null ? 0 : countOne(parties, partyOf(network));
    return { entry, rank: Math.max(ofNetwork, Math.floor(ofSite / NETWORKS_A_SITE)) };
  });
  return ranked.sort((a, b) => a.rank - b.rank).map(({ entry }) => entry);
}

/** Who may be behind a network: its site, or an IPv4 address alone. */
const partyOf = (network: string): string => siteOf(network) ?? network;

/** How many of `name` were counted before this one. */
function countOne(counts: Map<string, number>, name: string): number {
  const before = counts.get(name) ?? 0;
  counts.set(name, before + 1);
  return before;
}
