import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { ANSWER_TIMEOUT_MS } from "../../core/protocol/timeouts.ts";
import type { Config } from "../config.ts";
import { StartError } from "../start-error.ts";
import { answerInTurn, createCounter } from "./connections.ts";
import { networkOf, senderOf } from "./network-of.ts";
import { openSignalling, SIGNALLING_PATH } from "./signalling.ts";

export type Fetch = (request: Request, env?: object) => Response | Promise<Response>;

export type Serving = {
  readonly port: number;
  /** Answer with `fetch` from now on. */
  open(fetch: Fetch): void;
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
const KEPT_DESCRIPTORS = 128; // ledger, threads, files that are being written
const MAX_CONNECTIONS = 50_000; // some 10 KB each
const NETWORK_SHARE = 1 / 4; // of the connections, where no proxy stands in front
const REPORT_MS = 60_000;

export type ServingOptions = {
  readonly requestTimeoutMs?: number;
  readonly silenceMs?: number;
  readonly descriptors?: number;
};

/** Listen on the configured port and answer with `starting`; a StartError if that is not possible. */
export async function startServing(
  { host, port, trustProxy }: Pick<Config, "host" | "port" | "trustProxy">,
  starting: Fetch,
  {
    requestTimeoutMs = REQUEST_TIMEOUT_MS,
    silenceMs = LINE_TIMES.silenceMs,
    descriptors = openFilesAllowed(),
  }: ServingOptions = {},
): Promise<Serving> {
  let answer = starting;
  const answerRequest = getRequestListener((request, env) => answer(request, env), {
    overrideGlobalObjects: false,
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
  boundConnections(server, { descriptors, trustProxy });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(startErrorOf(error, port, host)));
    server.listen(port, host === "" ? undefined : host, resolve);
  });
  const address = server.address() as AddressInfo; // it listens on TCP
  return {
    port: address.port,
    open(fetch) {
      answer = fetch;
    },
    close: () =>
      new Promise((resolve) => {
        signalling.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function isSignalling(url: string | undefined): boolean {
  return url?.split("?", 1)[0] === SIGNALLING_PATH;
}

/** Connections never use up the descriptors, and one network not all connections; what is turned away is logged. */
function boundConnections(
  server: Server,
  { descriptors, trustProxy }: { readonly descriptors: number; readonly trustProxy: number },
): void {
  // an answer may need a file beside its connection
  const most = Math.max(
    8,
    Math.min(MAX_CONNECTIONS, Math.floor((descriptors - KEPT_DESCRIPTORS) / 2)),
  );
  const networks = createCounter(Math.max(4, Math.floor(most * NETWORK_SHARE)));
  let reportedAt = Number.NEGATIVE_INFINITY;
  const report = (network: string, reason: string) => {
    server.closeIdleConnections();
    const now = performance.now();
    if (now - reportedAt < REPORT_MS) return;
    reportedAt = now;
    console.warn(`A connection from ${network} was turned away: ${reason}.`);
  };
  server.maxConnections = most;
  server.on("drop", (data) =>
    report(networkOf(data?.remoteAddress ?? ""), `${most} are open, which is all there may be`),
  );
  if (trustProxy > 0) return; // every connection is the proxy's
  server.on("connection", (socket: Socket) => {
    const network = networkOf(socket.remoteAddress ?? "");
    if (networks.add(network)) return void socket.once("close", () => networks.remove(network));
    socket.destroy();
    report(network, "its network has a quarter of all that may be open");
  });
}

/** How many files and connections the process may have open. */
function openFilesAllowed(): number {
  // without its network part, for which it would look up the names of all addresses
  const report = Object.assign(process.report, { excludeNetwork: true });
  const told: { userLimits?: { open_files?: { soft?: unknown } } } = report.getReport();
  const soft = told.userLimits?.open_files?.soft;
  return typeof soft === "number" ? soft : Number.MAX_SAFE_INTEGER; // Windows has no such limit
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
