/** What may stand between a browser and the relay: a folder in which the relay is hosted, a network that interferes. */
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Answers in the relay's place; false lets a request pass. */
export type Interfere = (path: string, response: ServerResponse) => boolean;

export type Between = {
  /** Where the page is opened, ending in "/". */
  readonly url: string;
  interfere: Interfere;
  close(): Promise<void>;
};

/** A proxy to the relay at `target` that hosts it in `folder`, such as "/" or "/models/". */
export async function openBetween(target: string, folder = "/"): Promise<Between> {
  const between = { interfere: (() => false) as Interfere };
  const server = createServer((incoming, response) => {
    const url = incoming.url ?? "/";
    if (!url.startsWith(folder)) return void response.writeHead(404).end();
    const path = `/${url.slice(folder.length)}`;
    if (!between.interfere(path, response)) pass(incoming, response, new URL(path, target));
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
