import type { SwarmReport } from "../../core/protocol/schemas/swarm.ts";
import { createNetworkCounter } from "../sites.ts";
import type { HoldingPeer } from "./holders.ts";

const HOUR_MS = 3600_000;
const LIMITS = {
  /** Connections that one peer can have tried for one list in an hour: eight holders, named twice a minute. */
  tried: 960,
  /** Peers and lists of one network that are counted in an hour: a school's. A site has four times as many. */
  network: 200,
  /** Of all networks. */
  accounts: 20_000,
};
const NOTHING: SwarmReport = {
  fromPeersBytes: 0,
  fromRelayBytes: 0,
  tried: 0,
  connected: 0,
  wrongChunks: 0,
};

/** A list of a model's chunks, and how many bytes all of them have. */
export type ReportedList = {
  readonly model: string;
  readonly list: string;
  readonly sizeBytes: number;
};

/** What pages say of their downloads, added up since the relay's start. */
export type SwarmReports = {
  /**
   * Count what `who` reports of a list, as far as it can be so: a peer loads a list once an hour, is named so many others, and
   * drops each at the first wrong chunk. The rest of it is passed over.
   */
  add(what: ReportedList, who: HoldingPeer, report: SwarmReport): void;
  sums(model: string): SwarmReport;
};

export function createSwarmReports(clock: () => number, limits = LIMITS): SwarmReports {
  const sums = new Map<string, SwarmReport>(); // by model
  let accounts = new Map<string, SwarmReport>(); // of this hour, by list and peer
  let networks = createNetworkCounter(limits.network); // of those accounts
  let hour = 0;

  /** What this peer reported of the list in this hour; null where no more peers are counted. */
  function accountOf(
    { model, list }: ReportedList,
    who: HoldingPeer,
  ): [string, SwarmReport] | null {
    const now = Math.floor(clock() / HOUR_MS);
    if (now !== hour)
      [accounts, networks, hour] = [new Map(), createNetworkCounter(limits.network), now];
    const name = `${model} ${list} ${who.peer} ${who.token}`;
    const known = accounts.get(name);
    if (known !== undefined) return [name, known];
    if (accounts.size >= limits.accounts || !networks.add(who.network)) return null;
    return [name, NOTHING];
  }

  return {
    add(what, who, report) {
      const found = accountOf(what, who);
      if (found === null) return;
      const [name, account] = found;
      const counted = possiblePart(report, account, what.sizeBytes, limits.tried);
      accounts.set(name, plus(account, counted));
      sums.set(what.model, plus(sums.get(what.model) ?? NOTHING, counted));
    },
    sums: (model) => sums.get(model) ?? NOTHING,
  };
}

function possiblePart(
  report: SwarmReport,
  before: SwarmReport,
  sizeBytes: number,
  mostTried: number,
): SwarmReport {
  const room = sizeBytes - before.fromPeersBytes - before.fromRelayBytes;
  const fromPeersBytes = Math.min(report.fromPeersBytes, room);
  const fromRelayBytes = Math.min(report.fromRelayBytes, room - fromPeersBytes);
  const tried = Math.min(report.tried, mostTried - before.tried);
  const connected = Math.min(report.connected, before.tried + tried - before.connected);
  const wrongChunks = Math.min(
    report.wrongChunks,
    before.connected + connected - before.wrongChunks,
  );
  return { fromPeersBytes, fromRelayBytes, tried, connected, wrongChunks };
}

function plus(a: SwarmReport, b: SwarmReport): SwarmReport {
  return {
    fromPeersBytes: a.fromPeersBytes + b.fromPeersBytes,
    fromRelayBytes: a.fromRelayBytes + b.fromRelayBytes,
    tried: a.tried + b.tried,
    connected: a.connected + b.connected,
    wrongChunks: a.wrongChunks + b.wrongChunks,
  };
}
