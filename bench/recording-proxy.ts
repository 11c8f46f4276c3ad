import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

export type RecordingProxy = {
  readonly port: number;
  /** The paths that were asked for, without what follows "?". */
  readonly paths: ReadonlySet<string>;
  close(): void;
};

/** An HTTP proxy to `targetPort` on this machine that keeps the paths of all requests, whoever makes them. */
export async function openRecordingProxy(targetPort: number): Promise<RecordingProxy> {
  const paths = new Set<string>();
  const server = createServer((incoming, answer) => {
    const path = incoming.url ?? "/";
    paths.add(path.replace(/\?.*$/, ""));
    const { method = "GET", headers } = incoming;
    const outgoing = request(
      { host: "localhost", port: targetPort, path, method, headers },
      (from) => {
        answer.writeHead(from.statusCode ?? 502, from.headers);
        from.pipe(answer);
      },
    );
    outgoing.on("error", () => answer.destroy());
    answer.on("close", () => outgoing.destroy()); // a browser drops connections when it closes
    incoming.pipe(outgoing);
  });
  server.listen(0, "localhost");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port, // it listens on TCP
    paths,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
