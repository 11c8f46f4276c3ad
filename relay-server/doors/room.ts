import { NETWORKS_A_SITE, siteOf } from "../sites.ts";
import { Refusal } from "./refusal.ts";

/** A body that is on its way or waits for its answer. */
export type Sending = {
  /** It takes so many bytes of memory from now on, in all; a Refusal if there is no room for them. */
  hold(sizeBytes: number): void;
  /** All of it is there, in so many bytes: from now on it waits for the relay, and makes no room for others. */
  end(sizeBytes: number): void;
  /** It is answered. */
  leave(): void;
};

const NETWORK_SHARE = 1 / 8; // of a room: who sends much and slowly leaves the others theirs
const PATIENCE_MS = 10_000; // a body that takes longer makes room for others if there is none: a patch takes 1 s on most lines
const RETRY_SECONDS = "5"; // a large patch is taken in well under a second

type Entry = {
  readonly network: string;
  readonly site: string | null;
  readonly since: number;
  heldBytes: number;
  isWhole: boolean;
  readonly giveWay: (why: Refusal) => void;
};

/**
 * Counts what bodies hold at once, in all, by network and by site. What does not fit is refused for now, unless slower senders make
 * room: the slowest first, of those that have taken long.
 */
export function createRoom(roomBytes: number, clock: () => number) {
  const entries = new Set<Entry>();
  const byName = new Map<string, number>(); // of networks and sites
  let heldBytes = 0;

  function resize(entry: Entry, sizeBytes: number): void {
    const more = sizeBytes - entry.heldBytes;
    entry.heldBytes = sizeBytes;
    heldBytes += more;
    for (const name of [entry.network, entry.site]) {
      if (name === null) continue;
      const held = (byName.get(name) ?? 0) + more;
      if (held > 0) byName.set(name, held);
      else byName.delete(name);
    }
  }

  function leave(entry: Entry): void {
    resize(entry, 0);
    entries.delete(entry);
  }

  /** The slowest of those that take long, but for `newcomer`: of one network or site, or of all where `name` is null. */
  function slowest(newcomer: Entry, name: string | null): Entry | null {
    const now = clock();
    let found: Entry | null = null;
    let least = Number.POSITIVE_INFINITY;
    for (const entry of entries) {
      const took = now - entry.since;
      if (entry.isWhole || took < PATIENCE_MS || entry === newcomer || entry.heldBytes === 0)
        continue;
      if (name !== null && entry.network !== name && entry.site !== name) continue;
      const pace = entry.heldBytes / took;
      if (pace < least) [found, least] = [entry, pace];
    }
    return found;
  }

  function makeRoom(newcomer: Entry, sizeBytes: number): void {
    const { network, site } = newcomer;
    const more = sizeBytes - newcomer.heldBytes;
    const share = (name: string | null, networks: number) => () =>
      name === null || (byName.get(name) ?? 0) + more <= networks * NETWORK_SHARE * roomBytes;
    for (const [fits, of, way] of [
      [share(network, 1), network, "from this network address"],
      [share(site, NETWORKS_A_SITE), site, "from this network's neighbours"],
      [() => heldBytes + more <= roomBytes, null, "to this relay"],
    ] as const) {
      while (!fits()) {
        const slow = slowest(newcomer, of);
        if (slow === null) throw noRoom(`too much is being sent ${way}: wait`);
        leave(slow);
        slow.giveWay(gaveWay());
      }
    }
  }

  return {
    enter(network: string, giveWay: (why: Refusal) => void): Sending {
      const progress = { since: clock(), heldBytes: 0, isWhole: false };
      const entry: Entry = { network, site: siteOf(network), ...progress, giveWay };
      entries.add(entry);
      return {
        hold(sizeBytes) {
          if (!entries.has(entry)) throw gaveWay();
          makeRoom(entry, sizeBytes);
          resize(entry, sizeBytes);
        },
        end(sizeBytes) {
          entry.isWhole = true;
          if (entries.has(entry)) resize(entry, sizeBytes);
        },
        leave: () => leave(entry),
      };
    },
  };
}

const gaveWay = () => noRoom("this took long, and others had no room: send it again");

function noRoom(message: string): Refusal {
  return new Refusal("unavailable", message, { "retry-after": RETRY_SECONDS, connection: "close" });
}
