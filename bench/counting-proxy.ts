import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";

export type CountingProxy = {
  readonly port: number;
  /** Bytes since the last call: up from the browser, down to it, with every header. */
  take(): { up: number; down: number };
  close(): void;
};

/** A TCP proxy to `targetPort` on this machine that counts what crosses it. */
export async function openCountingProxy(targetPort: number): Promise<CountingProxy> {
  let up = 0;
  let down = 0;
  const server = createServer((browser) => {
    const relay = connect(targetPort, "localhost");
    browser.on("data", (chunk) => {
      up += chunk.length;
    });
    relay.on("data", (chunk) => {
      down += chunk.length;
    });
    browser.pipe(relay).pipe(browser);
    for (const [end, other] of [
      [browser, relay],
      [relay, browser],
    ] as const) {
      end.on("error", () => other.destroy()); // a browser drops connections when it closes
    }
  });
  server.listen(0, "localhost");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port, // it listens on TCP
    take() {
      const taken = { up, down };
      up = 0;
      down = 0;
      return taken;
    },
    close: () => server.close(),
  };
}
