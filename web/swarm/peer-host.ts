import { type DataConnection, Peer } from "peerjs";
import { MOST_LINKS } from "../../core/swarm/links.ts";
import type { Channel } from "./peer-link.ts";

/** A relay's signalling, and who this page is there: the token proves the id (protocol W1). */
export type HostOptions = {
  /** The folder in which the relay is hosted, ending in "/". */
  readonly home: string;
  readonly id: string;
  readonly token: string;
  /** The relay's own; where there are none, peers find each other by their own addresses. */
  readonly iceServers: readonly RTCIceServer[];
};

export type HostListener = {
  /** Others can find this page. */
  open(): void;
  /** The relay's signalling does not answer; connections stay. */
  away(): void;
  joined(peer: string, channel: Channel): void;
  /** A connection ended, or never came about. */
  left(peer: string): void;
  /** A message of a peer that has joined. */
  said(peer: string, data: unknown): void;
};

export type PeerHost = {
  connect(peer: string): void;
  drop(peer: string): void;
  close(): void;
};

const CONNECT_MS = 10_000; // candidates of both ends are tried within five
const RETRY_MS = [1000, 2000, 4000, 8000, 15_000, 30_000, 60_000]; // a relay that restarts is back in seconds

/**
 * This page among the peers of the relay's signalling, through PeerJS: one connection with each other page. A page keeps
 * its id through a break of the line and the relay's restart.
 */
export function openPeerHost(options: HostOptions, listener: HostListener): PeerHost {
  const { hostname, port, protocol, pathname } = new URL(options.home);
  const isSecure = protocol === "https:";
  const host = new Peer(options.id, {
    host: hostname,
    port: Number(port || (isSecure ? 443 : 80)),
    path: `${pathname}peerjs`,
    secure: isSecure,
    token: options.token,
    config: { iceServers: [...options.iceServers] }, // in place of PeerJS's own hosts
  });
  // PeerJS keeps messages that come before their offer, without a bound; signalling keeps order, so there are none
  Object.assign(host, { _storeMessage: () => {} });

  const connections = new Map<string, DataConnection>();
  let retries = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;

  function forget(peer: string, connection: DataConnection): void {
    if (connections.get(peer) !== connection) return;
    connections.delete(peer);
    listener.left(peer);
  }

  function follow(connection: DataConnection): void {
    const { peer } = connection;
    connections.set(peer, connection);
    const late = setTimeout(() => end(), CONNECT_MS);
    function end(): void {
      clearTimeout(late);
      connection.close();
      forget(peer, connection);
    }
    connection.on("open", () => {
      clearTimeout(late);
      if (connections.get(peer) !== connection) connection.close();
      else listener.joined(peer, channelOf(connection.dataChannel));
    });
    connection.on("data", (data) => {
      if (connections.get(peer) === connection) listener.said(peer, data);
    });
    connection.on("close", end);
    connection.on("error", end);
  }

  /** Whether an offer is taken: of two that crossed, the one of the smaller id; else the newer, whose sender lost the other. */
  function isTaken(offer: DataConnection): boolean {
    if (offer.serialization !== "raw") return false; // PeerJS's others put messages together without a bound
    const known = connections.get(offer.peer);
    if (known === undefined) return connections.size < MOST_LINKS;
    return known.open || offer.peer < options.id;
  }

  host.on("open", () => {
    retries = 0;
    listener.open();
  });
  host.on("connection", (offer) => {
    if (!isTaken(offer)) return offer.close();
    const known = connections.get(offer.peer);
    if (known !== undefined) {
      if (known.open) forget(offer.peer, known);
      connections.delete(offer.peer);
      known.close();
    }
    follow(offer);
  });
  host.on("call", (call) => call.close());
  host.on("disconnected", () => {
    if (isClosed) return;
    listener.away();
    timer = setTimeout(() => host.reconnect(), RETRY_MS[Math.min(retries++, RETRY_MS.length - 1)]);
  });
  host.on("error", ({ type, message }) => {
    if (type !== "peer-unavailable") return; // of a connection that ends by itself, or the line: "disconnected" follows
    const peer = message.slice(message.lastIndexOf(" ") + 1);
    const connection = connections.get(peer);
    if (connection === undefined || connection.open) return;
    connection.close();
    forget(peer, connection);
  });

  return {
    connect(peer) {
      if (connections.has(peer)) return;
      if (connections.size >= MOST_LINKS) return listener.left(peer);
      const connection = host.connect(peer, { serialization: "raw", reliable: true });
      if (connection === undefined)
        listener.left(peer); // signalling is away
      else follow(connection);
    },
    drop(peer) {
      const connection = connections.get(peer);
      if (connection === undefined) return;
      connection.close();
      forget(peer, connection);
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
      host.destroy();
    },
  };
}

/** A channel that passes over what is sent after its end. */
function channelOf(channel: RTCDataChannel): Channel {
  channel.binaryType = "arraybuffer";
  return {
    get bufferedAmount() {
      return channel.bufferedAmount;
    },
    get bufferedAmountLowThreshold() {
      return channel.bufferedAmountLowThreshold;
    },
    set bufferedAmountLowThreshold(bytes) {
      channel.bufferedAmountLowThreshold = bytes;
    },
    send(data) {
      if (channel.readyState !== "open") return; // its close event follows
      if (typeof data === "string") channel.send(data);
      else channel.send(data);
    },
    addEventListener: (type, hear) => channel.addEventListener(type, hear),
  };
}
