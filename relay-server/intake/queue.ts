import type { JudgingPace } from "../judging/judging-pace.ts";
import { NETWORKS_A_SITE, siteOf } from "../sites.ts";
import type { ContributionStore, TicketStore } from "../store/store.ts";

export const MAX_QUEUE_SECONDS = 120; // whoever finishes a piece hears within two minutes what it is worth
const MOST_OUT = { newcomer: 1, delivering: 4 }; // of a key's tickets: a key that delivers has devices, a fresh one costs nothing
const NETWORK_SHARE = 1 / 8;
const LEAST_OF_A_NETWORK = 2; // a household's two devices, however slow judging is
const MAX_KEYS = 20_000; // whose networks are known; of the key that asked longest ago the network is forgotten first
const MINUTE_MS = 60_000;
const TOLD_MINUTES = 10;
const KEY = "key "; // before a key whose network is not known, where a network would stand
const KEPT_MS = 1000; // that what was read is counted on from; everybody asks it

/** Who asks for work. */
export type Asker = {
  readonly contributor: string;
  /** Its network (protocol H4); null where there is none, as in one process. */
  readonly network: string | null;
};

/** Room for another ticket, or how many seconds of judging are too many, and a message for people. */
export type Room =
  | { readonly full: false }
  | { readonly full: true; readonly excessSeconds: number; readonly message: string };

/** What was read of a model, and what was given out since. */
type Load = {
  readonly unscored: number;
  /** Tickets that may still come back, a few a key, by network. */
  readonly outByName: Map<string, number>;
};

/** What waits to be judged and what may still come, by model (protocol H5). In memory: who is on which network, and who was sent away. */
export type Queue = {
  room(model: string, asker: Asker): Promise<Room>;
  /** Somebody asked for work, of this relay or of another one. */
  meet(asker: Asker): void;
  /** How many requests for work of the last ten minutes found no room. */
  turnedAway(model: string): number;
  /** Tickets that may still come back: those of the network that holds most, and all. */
  out(model: string): Promise<{ readonly most: number; readonly all: number }>;
};

export function createQueue(
  {
    tickets,
    contributions,
    pace,
    onAsker,
  }: {
    readonly tickets: Pick<TicketStore, "ticketsOut">;
    readonly contributions: Pick<ContributionStore, "unscored">;
    readonly pace: JudgingPace;
    /** Hears of each key that asks this relay from a network. */
    readonly onAsker: (contributor: string, network: string) => void;
  },
  clock: () => number,
): Queue {
  const networks = new Map<string, string>();
  const turnedAway = new Map<string, Map<number, number>>();

  function remember({ contributor, network }: Asker): void {
    if (network === null) return;
    networks.delete(contributor); // its place is at the end
    networks.set(contributor, network);
    if (networks.size > MAX_KEYS) networks.delete(networks.keys().next().value!);
  }

  const kept = new Map<
    string,
    { readonly at: number; readonly load: Promise<Load>; isRead: boolean }
  >();

  /** What waits and what is out: as it was read in the last second, unless it must be `fresh`. */
  function loadOf(model: string, fresh: boolean): Promise<Load> {
    const now = clock();
    const known = kept.get(model);
    const isRecent = known !== undefined && now >= known.at && now - known.at < KEPT_MS;
    if (known !== undefined && ((isRecent && !fresh) || !known.isRead)) return known.load;
    const reading = { at: now, load: readLoad(model, now), isRead: false };
    kept.set(model, reading);
    reading.load
      .catch(() => kept.delete(model)) // who asked hears of it; the next one asks again
      .finally(() => {
        reading.isRead = true;
      });
    return reading.load;
  }

  async function readLoad(model: string, now: number): Promise<Load> {
    const [unscored, out] = await Promise.all([
      contributions.unscored(model),
      tickets.ticketsOut(model, now),
    ]);
    const outByName = new Map<string, number>();
    for (const { contributor, tickets: count, hasDelivered } of out) {
      const most = hasDelivered ? MOST_OUT.delivering : MOST_OUT.newcomer;
      countOut(outByName, nameOf(contributor), Math.min(most, count));
    }
    return { unscored, outByName };
  }

  const nameOf = (contributor: string) => networks.get(contributor) ?? KEY + contributor;

  function noteTurnedAway(model: string): void {
    const minute = Math.floor(clock() / MINUTE_MS);
    const byMinute = turnedAway.get(model) ?? new Map<number, number>();
    byMinute.set(minute, (byMinute.get(minute) ?? 0) + 1);
    for (const old of byMinute.keys()) if (!isRecent(old, minute)) byMinute.delete(old);
    turnedAway.set(model, byMinute);
  }

  function roomIn({ unscored, outByName }: Load, model: string, { contributor }: Asker): Room {
    const seconds = pace.seconds(model);
    const share = Math.max(
      LEAST_OF_A_NETWORK,
      Math.floor((NETWORK_SHARE * MAX_QUEUE_SECONDS) / seconds),
    );
    const coming = comingOf(outByName, share);
    const excessSeconds = (unscored + coming) * seconds - MAX_QUEUE_SECONDS;
    if (excessSeconds >= 0) {
      const message = `${unscored} contributions wait to be judged, and ${coming} are being made.`;
      return { full: true, excessSeconds, message };
    }
    const own = networks.has(contributor) ? (outByName.get(nameOf(contributor)) ?? 0) : 0;
    if (own >= share && excessSeconds >= -MAX_QUEUE_SECONDS / 2) {
      const message = `The queue is half full, and ${own} contributions are being made on this network.`;
      return { full: true, excessSeconds: 0, message };
    }
    return { full: false };
  }

  return {
    meet: remember,
    async room(model, asker) {
      remember(asker);
      if (asker.network !== null) onAsker(asker.contributor, asker.network);
      let load = await loadOf(model, false);
      let room = roomIn(load, model, asker);
      if (room.full) {
        load = await loadOf(model, true);
        room = roomIn(load, model, asker);
      }
      if (room.full) noteTurnedAway(model);
      else countOut(load.outByName, nameOf(asker.contributor), 1); // perhaps more than it counts: a full queue is read anew
      return room;
    },
    turnedAway(model) {
      const minute = Math.floor(clock() / MINUTE_MS);
      const counts = [...(turnedAway.get(model) ?? [])].filter(([at]) => isRecent(at, minute));
      return counts.reduce((sum, [, count]) => sum + count, 0);
    },
    async out(model) {
      const { outByName } = await loadOf(model, false);
      const all = [...outByName.values()].reduce((sum, count) => sum + count, 0);
      const ofNetworks = [...outByName].filter(([name]) => !name.startsWith(KEY));
      return { most: Math.max(0, ...ofNetworks.map(([, count]) => count)), all };
    },
  };
}

function countOut(outByName: Map<string, number>, name: string, tickets: number): void {
  outByName.set(name, (outByName.get(name) ?? 0) + tickets);
}

/** The tickets of `out` that count: of a network at most `share`, of a site at most what `NETWORKS_A_SITE` networks have. */
function comingOf(out: ReadonlyMap<string, number>, share: number): number {
  let coming = 0;
  const ofSites = new Map<string, number>();
  for (const [name, tickets] of out) {
    const counted = name.startsWith(KEY) ? tickets : Math.min(tickets, share);
    const site = siteOf(name);
    if (site === null) coming += counted;
    else ofSites.set(site, (ofSites.get(site) ?? 0) + counted);
  }
  for (const counted of ofSites.values()) coming += Math.min(counted, NETWORKS_A_SITE * share);
  return coming;
}

/** A minute that lies ahead was counted by a clock that was set back since. */
function isRecent(minute: number, now: number): boolean {
  return minute <= now && now - minute < TOLD_MINUTES;
}
