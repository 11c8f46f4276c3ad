import { peerIdOf } from "../../core/swarm/peer-id.ts";
import type { SwarmNews, SwarmOrder } from "../../worker/api.ts";
import { openPeerHost, type PeerHost } from "./peer-host.ts";
import { openPeerLink, type PeerLink } from "./peer-link.ts";

/**
 * The page's end of the road between the engine and other pages: the engine decides, the page connects. Chunks pass
 * through with their buffers transferred, so that the road copies none of their bytes. Returns how to end it from here.
 */
export function openRoad(port: MessagePort, home: string): () => void {
  const links = new Map<string, PeerLink>();
  let host: PeerHost | null = null;
  let isClosed = false;

  function say(news: SwarmNews): void {
    port.postMessage(news, news.kind === "came" || news.kind === "cut" ? [news.bytes.buffer] : []);
  }

  async function open(
    iceServers: Extract<SwarmOrder, { kind: "open" }>["iceServers"],
  ): Promise<void> {
    const token = crypto.randomUUID();
    const id = await peerIdOf(token);
    if (isClosed) return;
    host ??= openPeerHost(
      { home, id, token, iceServers },
      {
        open: () => say({ kind: "open", peer: id, token }),
        away: () => say({ kind: "away" }),
        joined(peer, channel) {
          const link = openPeerLink(
            channel,
            {
              told: (message) => say({ kind: "told", peer, message }),
              wanted: (request, chunk) => say({ kind: "wanted", peer, request, chunk }),
              came: (request, bytes) => say({ kind: "came", peer, request, bytes }),
              coming: (request, filled) => say({ kind: "coming", peer, request, filled }),
              refused: (request) => say({ kind: "refused", peer, request }),
              cut: (request, bytes, filled) => say({ kind: "cut", peer, request, bytes, filled }),
              sent: (request, bytes) => say({ kind: "sent", peer, request, bytes }),
              broke() {
                say({ kind: "broke", peer });
                host?.drop(peer);
              },
            },
            { steadyMs: () => performance.now() },
          );
          links.set(peer, link);
          say({ kind: "joined", peer });
        },
        left(peer) {
          links.get(peer)?.end();
          links.delete(peer);
          say({ kind: "left", peer });
        },
        said: (peer, data) => links.get(peer)?.take(data),
      },
    );
  }

  port.onmessage = ({ data: order }: MessageEvent<SwarmOrder>) => {
    switch (order.kind) {
      case "open":
        void open(order.iceServers);
        break;
      case "connect":
        host?.connect(order.peer);
        break;
      case "drop":
        host?.drop(order.peer);
        break;
      case "tell":
        links.get(order.peer)?.tell(order.message);
        break;
      case "want":
        links.get(order.peer)?.want(order.request, order.chunk, order.sizeBytes);
        break;
      case "cancel":
        links.get(order.peer)?.cancel(order.request);
        break;
      case "cut":
        links.get(order.peer)?.cut(order.request);
        break;
      case "serve":
        links.get(order.peer)?.serve(order.request, order.bytes);
        break;
      case "refuse":
        links.get(order.peer)?.refuse(order.request);
        break;
      case "close":
        close();
        break;
    }
  };

  function close(): void {
    isClosed = true;
    host?.close();
    port.close();
  }
  return close;
}
