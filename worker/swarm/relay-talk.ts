import type { RelayClient } from "../../core/protocol/client.ts";
import { RelayError } from "../../core/protocol/relay-error.ts";
import type { IceServers } from "../../core/protocol/schemas/swarm.ts";
import { type Bitfield, encodeBitfield } from "../../core/swarm/bitfield.ts";
import { SEEK_MS } from "../../core/swarm/links.ts";
import type { Platform } from "../device/platform.ts";
import type { ChunkList, Holdings } from "./holdings.ts";
import type { Reports } from "./reports.ts";

export type RelayTalkParts = {
  readonly client: Pick<RelayClient, "health" | "holders">;
  readonly platform: Pick<Platform, "sleep">;
  readonly holdings: Pick<Holdings, "have" | "lists" | "drop">;
  readonly reports: Pick<Reports, "of" | "take">;
  /** Ends what is under way: it rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Whether the processor trains now: nothing is given meanwhile, and so nobody is to be sent here. */
  readonly isTraining: () => boolean;
  /** What is being loaded of a list. */
  readonly wantedOf: (list: ChunkList) => Bitfield;
  /** How the relay brings peers together; null if it does not. */
  readonly onServers: (iceServers: IceServers | null) => void;
  /** The relay named a peer, and what it has of the list. */
  readonly onHolder: (peer: string, list: ChunkList, have: string) => void;
  /** A renewal is over, whatever came of it. */
  readonly onRenewed: () => void;
};

/** What a peer and its relay tell each other of who has which chunks. */
export type RelayTalk = {
  /** Ask the relay how peers are brought together, however long it is away; then renew what it was told. */
  stay(): Promise<void>;
  /** Under this name from now on; null: nothing is told until there is one. */
  become(me: PeerName | null): void;
  /** Tell the relay what is here of a list and what is wanted, and hear who has some of it. */
  renew(list: ChunkList): Promise<void>;
  /** Renew `lists`, and until the load of them is over do so again whenever peers are missing. */
  seek(lists: readonly ChunkList[], isOver: () => boolean, isMissing: () => boolean): Promise<void>;
  /** Whether an answer may name others soon. */
  isAsking(): boolean;
};

type PeerName = { readonly peer: string; readonly token: string };

const RETRY_MS = 15_000; // until a relay is asked again that did not answer
const RENEWED = 2 / 3; // of the time after which a relay forgets: one lost request does no harm

export function createRelayTalk(parts: RelayTalkParts): RelayTalk {
  const { client, platform, holdings, reports, signal } = parts;
  let me: PeerName | null = null;
  let asking = 0; // requests that are under way
  let renewMs = RETRY_MS;

  async function open(): Promise<boolean> {
    try {
      const { swarm } = await client.health({ signal });
      parts.onServers(swarm?.iceServers ?? null);
      return true;
    } catch (error) {
      if (!(error instanceof RelayError)) throw error;
      return false;
    }
  }

  async function renew(list: ChunkList): Promise<void> {
    if (me === null || signal.aborted) return;
    asking++;
    try {
      const report = reports.of(list);
      const request = {
        ...me,
        list: list.list,
        have: parts.isTraining() ? "" : encodeBitfield(holdings.have(list)),
        want: encodeBitfield(parts.wantedOf(list)),
        report,
      };
      const { holders, renewWithinMs } = await client.holders(list.model, request, { signal });
      reports.take(list, report);
      renewMs = renewWithinMs * RENEWED;
      for (const { peer, have } of holders) parts.onHolder(peer, list, have);
    } catch (error) {
      if (!(error instanceof RelayError)) throw error;
      if (error.code === "list-unknown") holdings.drop(list); // else: the next renewal asks again
    } finally {
      asking--;
      parts.onRenewed();
    }
  }

  return {
    renew,
    become(name) {
      me = name;
    },
    isAsking: () => asking > 0,
    async stay() {
      for (let isOpening = true; ; ) {
        if (isOpening) isOpening = !(await open());
        else for (const list of holdings.lists()) await renew(list);
        await platform.sleep(isOpening ? RETRY_MS : renewMs, signal);
      }
    },
    async seek(lists, isOver, isMissing) {
      await Promise.all(lists.map(renew));
      while (!isOver()) {
        await platform.sleep(SEEK_MS, signal);
        if (!isOver() && isMissing()) await Promise.all(lists.map(renew));
      }
    },
  };
}
