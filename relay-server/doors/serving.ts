import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { ANSWER_TIMEOUT_MS } from "../../core/protocol/timeouts.ts";
import type { Config } from "../config.ts";
import type { SignallingPeers } from "../context.ts";
import { createNetworkCounter } from "../sites.ts";
import { StartError } from "../start-error.ts";
import { answerInTurn } from "./connections.ts";
import { connectionsAllowed } from "./descriptors.ts";
import { type EventLine, isLineEnv, socketLine } from "./event-line.ts";
import { networkOf, senderOf } from "./network-of.ts";
import { createReporter } from "./reporter.ts";
import { openSignalling, SIGNALLING_PATH } from "./signalling.ts";

export type RequestHandler = (request: Request, env?: object) => Response | Promise<Response>;

export type Serving = {
  readonly port: number;
  readonly signalling: SignallingPeers;
  /** Answer with `fetch` from now on. */
  open(fetch: RequestHandler): void;
  /** End every connection, event streams too. */
  close(): Promise<void>;
};

export const REQUEST_TIMEOUT_MS = ANSWER_TIMEOUT_MS + 30_000; // ended earlier, a slow line would send its patch for ever
const LINE_TIMES = {
  /** Longer than proxies keep theirs (nginx and load balancers 60 s), so that none sends into a line that just ended. */
  keepAliveTimeout: 75_000,
  headersTimeout: 30_000,
  /** A client that neither sends nor takes anything for so long is dropped, whatever it was about to be told. */
  silenceMs: 30_000,
};
const NETWORK_SHARE = 1 / 4; // of the connections, where no proxy stands in front
const REPORT_MS = 60_000;

export type ServingOptions = {
  readonly requestTimeoutMs?: number;
  readonly silenceMs?: number;
  readonly connections?: number;
};

/** Listen on the configured port and answer with `starting`; a StartError if that is not possible. */
export async function startServing(
  { host, port, trustProxy }: Pick<Config, "host" | "port" | "trustProxy">,
  starting: RequestHandler,
  {
    requestTimeoutMs = REQUEST_TIMEOUT_MS,
    silenceMs = LINE_TIMES.silenceMs,
    connections = connectionsAllowed(),
  }: ServingOptions = {},
): Promise<Serving> {
  let answer = starting;
  const lines = new Set<EventLine>(); // that are the server's no more
  const answerOrHandOver: RequestHandler = async (request, env) => {
    const found = await answer(request, env);
    if (!isLineEnv(env) || env.takeOver === undefined) return found;
    let tellGone = () => {};
    const line = socketLine(env.incoming, found, () => {
      lines.delete(line);
      tellGone();
    });
    lines.add(line);
    tellGone = env.takeOver(line);
    return RESPONSE_ALREADY_SENT;
  };
  const answerRequest = getRequestListener(answerOrHandOver, {
    autoCleanupIncoming: false, // it would cut off, after half a second, a slow sender that is still to hear its answer
  });
  const signalling = openSignalling();
  const { keepAliveTimeout, headersTimeout } = LINE_TIMES;
  const server = createServer(
    {
      keepAliveTimeout,
      headersTimeout: Math.min(headersTimeout, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.min(requestTimeoutMs / 4, 10_000),
      // any other upgrade that is offered, such as HTTP/2, is not taken up: the request is answered as it is
      shouldUpgradeCallback: ({ url, headers }) =>
        /^websocket$/i.test(headers.upgrade ?? "") && isSignalling(url),
    },
    answerInTurn(answerRequest),
  );
  server.timeout = silenceMs;
  server.on("upgrade", (request, socket, head) => {
    const forwarded = request.headers["x-forwarded-for"]?.toString();
    const { remoteAddress } = request.socket;
    const network = senderOf({ forwarded, socket: remoteAddress }, trustProxy);
    signalling.upgrade(request, socket, head, network);
  });
  boundConnections(server, { connections, trustProxy });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(startErrorOf(error, port, host)));
    server.listen(port, host === "" ? undefined : host, resolve);
  });
  const address = server.address() as AddressInfo; // it listens on TCP
  return {
    port: address.port,
    signalling,
    open(fetch) {
      answer = fetch;
    },
    close: () =>
      new Promise((resolve) => {
        signalling.close();
        server.close(() => resolve());
        server.closeAllConnections();
        for (const line of lines) line.cut();
      }),
  };
}

function isSignalling(url: string | undefined): boolean {
  return url?.split("?", 1)[0] === SIGNALLING_PATH;
}

/** Connections never use up the descriptors, and one network not all connections; what is turned away is logged. */
function boundConnections(
  server: Server,
  { connections, trustProxy }: { readonly connections: number; readonly trustProxy: number },
): void {
  const networks = createNetworkCounter(Math.max(4, Math.floor(connections * NETWORK_SHARE)));
  const tell = createReporter(() => performance.now(), REPORT_MS);
  const report = (network: string, reason: string) => {
    server.closeIdleConnections();
    tell(`A connection from ${network} was turned away: ${reason}.`);
  };
  server.maxConnections = connections;
  server.on("drop", (data) =>
    report(
      networkOf(data?.remoteAddress ?? ""),
      `${connections} are open, which is all there may be`,
    ),
  );
  if (trustProxy > 0) return; // every connection is the proxy's
  server.on("connection", (socket: Socket) => {
    const network = networkOf(socket.remoteAddress ?? "");
    if (networks.add(network)) return void socket.once("close", () => networks.remove(network));
    socket.destroy();
    report(network, "its network has a quarter of all that may be open");
  });
}

function startErrorOf(error: NodeJS.ErrnoException, port: number, host: string): StartError {
  if (error.code === "EADDRINUSE") {
    return new StartError(
      `Port ${port} is taken by another program: stop it, or choose another PORT.`,
    );
  }
  if (error.code === "EACCES") {
    return new StartError(
      `Port ${port} needs more rights than this user has: choose another PORT.`,
    );
  }
  return new StartError(
    `The relay cannot listen on ${host || "any address"}, port ${port} (${error.code}).`,
  );
}
