/** What may stand between a browser and the relay: a folder in which the relay is hosted, a network that interferes. */
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

/** Answers in the relay's place; false lets a request pass. */
export type Interfere = (path: string, response: ServerResponse) => boolean;

export type Between = {
  /** Where the page is opened, ending in "/". */
  readonly url: string;
  interfere: Interfere;
  /** How long a request waits before it passes, in ms. */
  delayMs: (path: string) => number;
  close(): Promise<void>;
};

/** A proxy to the relay at `target` that hosts it in `folder`, such as "/" or "/models/". */
export async function openBetween(target: string, folder = "/"): Promise<Between> {
  const between = { interfere: (() => false) as Interfere, delayMs: (_: string) => 0 };
  const server = createServer((incoming, response) => {
    const url = incoming.url ?? "/";
    if (!url.startsWith(folder)) return void response.writeHead(404).end();
    const path = `/${url.slice(folder.length)}`;
    if (between.interfere(path, response)) return;
    setTimeout(() => pass(incoming, response, new URL(path, target)), between.delayMs(path));
  });
  server.on("upgrade", (incoming, socket, head) => {
    const path = `/${(incoming.url ?? "/").slice(folder.length)}`;
    upgrade(incoming, socket as Socket, head, new URL(path, target));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return Object.assign(between, {
    url: `http://localhost:${port}${folder}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  });
}

/** Pass on a request for a WebSocket, and from then on all bytes of both ends. */
function upgrade(incoming: IncomingMessage, browser: Socket, head: Buffer, to: URL): void {
  const relay = connect(Number(to.port), to.hostname);
  const headers = incoming.rawHeaders.flatMap((name, i, all) =>
    i % 2 === 0 ? [`${name}: ${all[i + 1]}`] : [],
  );
  relay.write([`GET ${to.pathname}${to.search} HTTP/1.1`, ...headers, "", ""].join("\r\n"));
  relay.write(head);
  browser.pipe(relay).pipe(browser);
  for (const [end, other] of [
    [browser, relay],
    [relay, browser],
  ] as const) {
    end.on("error", () => other.destroy()); // the page closed, or the relay ended
  }
}

function pass(incoming: IncomingMessage, response: ServerResponse, to: URL): void {
  const { method = "GET", headers } = incoming;
  const outgoing = request(to, { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.on("error", () => response.destroy());
  response.on("close", () => outgoing.destroy());
  incoming.pipe(outgoing);
}
