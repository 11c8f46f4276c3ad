/** One end of a swarm without an engine: the page's road, driven by `bench/swarm.ts`. */
import { openRoad } from "../../web/swarm/road.ts";
import type { SwarmNews, SwarmOrder } from "../../worker/api.ts";

const IN_FLIGHT = 2; // as many chunks as a page asks of a peer at once
const LANES = 4; // as many as a page asks of the relay at once
const CHUNK_BYTES = 1 << 20;

/** What the bench calls. */
export type End = typeof end;

let copied = 0; // bytes that the page's own script copied
const { set, slice } = Uint8Array.prototype;
Uint8Array.prototype.set = function (source, offset) {
  copied += source.length;
  return set.call(this, source, offset);
};
Uint8Array.prototype.slice = function (...range) {
  const bytes = slice.apply(this, range);
  copied += bytes.length;
  return bytes;
};

const { port1, port2 } = new MessageChannel();
openRoad(port1, new URL("/", location.href).href);
const hearers = new Set<(news: SwarmNews) => void>();
port2.onmessage = ({ data }: MessageEvent<SwarmNews>) => {
  for (const hear of hearers) hear(data);
};

function order(one: SwarmOrder): void {
  const buffers = one.kind === "serve" ? [one.bytes.buffer] : [];
  port2.postMessage(one, buffers);
  if (buffers.some(({ byteLength }) => byteLength > 0)) copied += CHUNK_BYTES; // it was cloned after all
}

function heard<K extends SwarmNews["kind"]>(kind: K): Promise<Extract<SwarmNews, { kind: K }>> {
  return new Promise((resolve) => {
    const hear = (news: SwarmNews) => {
      if (news.kind !== kind) return;
      hearers.delete(hear);
      resolve(news as Extract<SwarmNews, { kind: K }>); // its kind was looked at
    };
    hearers.add(hear);
  });
}

const end = {
  /** Become a peer that gives whatever chunk it is asked for: its id. */
  async open(): Promise<string> {
    const opened = heard("open");
    order({ kind: "open", iceServers: [] });
    hearers.add((news) => {
      if (news.kind !== "wanted") return;
      const { peer, request } = news;
      order({ kind: "serve", peer, request, bytes: new Uint8Array(CHUNK_BYTES) });
    });
    return (await opened).peer;
  },
  /** Connect with a peer: how many ms it takes. */
  async connect(peer: string): Promise<number> {
    const from = performance.now();
    const joined = heard("joined");
    order({ kind: "connect", peer });
    await joined;
    return performance.now() - from;
  },
  /** Take so many chunks of a peer: how many ms it takes. */
  async take(peer: string, chunks: number): Promise<number> {
    const from = performance.now();
    for (let asked = 0, came = 0; came < chunks; ) {
      for (; asked < chunks && asked - came < IN_FLIGHT; asked++) {
        const chunk = "0".repeat(64);
        order({ kind: "want", peer, request: asked, chunk, sizeBytes: CHUNK_BYTES });
      }
      await heard("came");
      came++;
    }
    return performance.now() - from;
  },
  /** Load blobs from the relay: how many ms it takes. */
  async load(ids: readonly string[]): Promise<number> {
    const from = performance.now();
    const left = [...ids];
    const lane = async () => {
      for (let id = left.pop(); id !== undefined; id = left.pop()) {
        await (await fetch(`/api/v1/blobs/${id}`, { cache: "no-store" })).arrayBuffer();
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return performance.now() - from;
  },
  copied: () => copied,
};
Object.assign(globalThis, { end });
