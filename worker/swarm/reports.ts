import type { SwarmReport } from "../../core/protocol/schemas/swarm.ts";
import type { SwarmSnapshot } from "../api.ts";
import { type ChunkList, listKey } from "./holdings.ts";

/** What the swarm has come to: for the volunteer in all of this visit, for the relay since it was told last. */
export type Reports = {
  /** This came of loading from `list`. */
  add(list: ChunkList, part: Partial<SwarmReport>): void;
  /** So many bytes came from the relay that are no chunks of a list. */
  receive(bytes: number): void;
  /** So many bytes went to peers. */
  give(bytes: number): void;
  totals(): Omit<SwarmSnapshot, "state" | "peers">;
  /** What the relay has not been told of `list`. */
  of(list: ChunkList): SwarmReport;
  /** The relay has been told it. */
  take(list: ChunkList, report: SwarmReport): void;
};

const NOTHING: SwarmReport = {
  fromPeersBytes: 0,
  fromRelayBytes: 0,
  tried: 0,
  connected: 0,
  wrongChunks: 0,
};

export function createReports(): Reports {
  const untold = new Map<string, SwarmReport>();
  let all = NOTHING;
  let toPeersBytes = 0;
  const of = (list: ChunkList) => untold.get(listKey(list)) ?? NOTHING;

  return {
    of,
    add(list, part) {
      untold.set(listKey(list), sum(of(list), part, 1));
      all = sum(all, part, 1);
    },
    receive(bytes) {
      all = sum(all, { fromRelayBytes: bytes }, 1);
    },
    give(bytes) {
      toPeersBytes += bytes;
    },
    totals: () => ({ ...all, toPeersBytes }),
    take: (list, report) => void untold.set(listKey(list), sum(of(list), report, -1)),
  };
}

/** `report` and `factor` times `part`. */
function sum(report: SwarmReport, part: Partial<SwarmReport>, factor: 1 | -1): SwarmReport {
  const of = (name: keyof SwarmReport) => report[name] + factor * (part[name] ?? 0);
  return {
    fromPeersBytes: of("fromPeersBytes"),
    fromRelayBytes: of("fromRelayBytes"),
    tried: of("tried"),
    connected: of("connected"),
    wrongChunks: of("wrongChunks"),
  };
}
