import { createRandom } from "../../core/random.ts";
import { addChunk, type Bitfield, createBitfield } from "../../core/swarm/bitfield.ts";
import { PEER_PATIENCE_MS } from "../../core/swarm/pace.ts";
import type { SwarmSnapshot } from "../api.ts";
import type { Store } from "../store/store.ts";
import { createRace, type Racers } from "./chunk-race.ts";
import { type ChunkList, createHoldings, type ListedChunk, type ListPart } from "./holdings.ts";
import { createHttpRate } from "./http-rate.ts";
import { keepUploads } from "./kept-uploads.ts";
import { joinSwarm, type Membership, type MembershipParts } from "./membership.ts";
import { createReports } from "./reports.ts";
import type { Road } from "./road.ts";
import { createUploads } from "./uploads.ts";

/** Chunks that volunteers pass to one another, beside the relay that has them all. */
export type Swarm = {
  /** Be a peer over this road from now on, or none any more. */
  share(road: Road | null): void;
  /** Whether peers may be asked now. */
  isOpen(): boolean;
  /** These chunks of `list` are in the store: others may have them. */
  offer(list: ChunkList, chunks: readonly ListedChunk[]): void;
  /** As `offer`, of all that the store kept of a model's lists from earlier visits. */
  offerKept(list: ChunkList, chunks: readonly ListedChunk[]): void;
  /** Whether what was kept of this model was offered in this visit. */
  hasOfferedKept(model: string): boolean;
  /** The chunks of `parts` in their order, from peers or, by `fetch`, from the relay; `keep` stores each that came. */
  load(parts: readonly ListPart[], options: LoadOptions): Promise<Uint8Array<ArrayBuffer>[]>;
  /** So many bytes came from the relay without the swarm. */
  receive(bytes: number): void;
  /** Resolves when the store has the counts of what came and went until now. */
  counted(): Promise<void>;
};

type LoadOptions = Pick<Racers, "fetch" | "fetchRest" | "onBatch"> & {
  readonly keep: (chunk: ListedChunk, bytes: Uint8Array<ArrayBuffer>) => Promise<void>;
  readonly signal: AbortSignal;
};

export type SwarmParts = Pick<MembershipParts, "client" | "platform" | "isTraining"> & {
  readonly store: Pick<Store, "blob" | "exchanged" | "addExchanged">;
  /** Hears what changes; null while nothing is shared. */
  readonly onChange: (snapshot: SwarmSnapshot | null) => void;
};

const TELL_MS = 200; // peers hear at most five times a second what came

export function createSwarm({ onChange, ...parts }: SwarmParts): Swarm {
  const { platform, store, isTraining } = parts;
  const holdings = createHoldings();
  const uploads = keepUploads(createUploads({ ...platform, isTraining }), store);
  const rate = createHttpRate();
  const random = createRandom(Math.floor(platform.random() * 2 ** 32));
  const reports = createReports();
  const offeredKept = new Set<string>(); // models
  let member: Membership | null = null;

  function tellChange(): void {
    onChange(member && { state: member.state(), peers: member.peers(), ...reports.totals() });
  }

  function receive(bytes: number): void {
    reports.receive(bytes);
    uploads.receive(bytes);
    if (member !== null) tellChange();
  }

  return {
    receive,
    counted: uploads.counted,
    share(road) {
      member?.leave();
      if (road !== null) void uploads.recall();
      const all = { ...parts, holdings, uploads, reports, onChange: () => tellChange() };
      member = road && joinSwarm(road, all);
      tellChange();
    },
    isOpen: () => member !== null && ["opening", "open", "away"].includes(member.state()),
    offer: (list, chunks) => {
      holdings.add(list, chunks);
      member?.tell(list);
    },
    offerKept(list, chunks) {
      offeredKept.add(list.model);
      const kept = chunks.filter(({ sha256 }) => holdings.chunk(sha256) === null);
      if (kept.length === 0) return;
      holdings.add(list, kept);
      member?.announce(list);
    },
    hasOfferedKept: (model) => offeredKept.has(model),
    async load(parts, { fetch, fetchRest, keep, signal, onBatch }) {
      const asked = member;
      if (asked === null) throw new Error("internal: a load without a swarm");
      const wanted = parts.flatMap(({ list, chunks }) => chunks.map((chunk) => ({ list, chunk })));
      const racers = asked.racersFor(wanted);
      let toldAt = Number.NEGATIVE_INFINITY;
      const race = createRace(
        wanted.map(({ chunk }, index) => ({ ...chunk, index })),
        {
          ...racers,
          fetch,
          fetchRest,
          onBatch,
          async keep({ index }, bytes, part) {
            const { list, chunk } = wanted[index]!;
            const { length } = bytes;
            const fromPeersBytes = part?.sizeBytes ?? 0;
            reports.add(list, { fromPeersBytes, fromRelayBytes: length - fromPeersBytes });
            uploads.receive(length);
            if (part !== null) racers.received(part.peer, part.sizeBytes);
            tellChange();
            await keep(chunk, bytes);
            holdings.add(list, [chunk]);
            const now = platform.steadyMs();
            if (now - toldAt < TELL_MS) return;
            toldAt = now;
            asked.tell(list);
          },
        },
        { platform, rate, random, graceMs: graceOf(parts), signal },
      );
      asked.begin({ race, wanted: parts.map(bitfieldOf) });
      try {
        const came = await race.run();
        return wanted.map((_, index) => came.get(index)!);
      } finally {
        asked.end();
        for (const { list } of parts) asked.tell(list);
        tellChange();
      }
    },
  };
}

/**
 * How much longer a load may take than HTTP alone and a tenth: steps come between two pieces, and all volunteers of a model load
 * them again and again; what else is loaded, a visit's first training step waits for.
 */
function graceOf(parts: readonly ListPart[]): number {
  return parts.every(({ list }) => list.kind === "step") ? PEER_PATIENCE_MS : 0;
}

/** A list, and which of its chunks are in the part. */
function bitfieldOf({ list, chunks }: ListPart): { list: ChunkList; chunks: Bitfield } {
  const bitfield = createBitfield(list.count);
  for (const { index } of chunks) addChunk(bitfield, index);
  return { list, chunks: bitfield };
}
