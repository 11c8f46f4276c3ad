import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { ANSWER_TIMEOUT_MS } from "../../core/protocol/timeouts.ts";
import type { Config } from "../config.ts";
import { StartError } from "../start-error.ts";
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

/** Listen on the configured port and answer with `starting`; a StartError if that is not possible. */
export async function startServing(
  { host, port, trustProxy }: Pick<Config, "host" | "port" | "trustProxy">,
  starting: Fetch,
  { requestTimeoutMs = REQUEST_TIMEOUT_MS } = {},
): Promise<Serving> {
  let answer = starting;
  const answerRequest = getRequestListener((request, env) => answer(request, env), {
    overrideGlobalObjects: false,
  });
  const timeouts = {
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: requestTimeoutMs / 4,
  };
  const server = createServer(timeouts, (request, response) => {
    const isSignalling = request.url?.startsWith(`${SIGNALLING_PATH}/`) === true;
    (isSignalling ? signalling.listener : answerRequest)(request, response);
  });
  const signalling = openSignalling(server, { trustProxy });
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
