import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fetchPatiently } from "./bucket.ts";

let server: Server;
let answer: RequestListener;
let url: string;
beforeEach(async () => {
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
  server.closeAllConnections();
  server.close();
});

test("an object whose answer begins in time may come as slowly as its reader takes it", async () => {
  const ending = Promise.withResolvers<() => void>();
  answer = (_, response) => {
    response.write("slow");
    ending.resolve(() => response.end("ly"));
  };
  const response = await fetchPatiently(url);
  vi.advanceTimersByTime(60_000);
  (await ending.promise)();
  expect(await response.text()).toBe("slowly");
});

test("a service that does not begin to answer is given up, after the longer the more was sent to it", async () => {
  for (const [body, patienceMs] of [
    [new Uint8Array(), 10_000],
    [new Uint8Array(1_000_000), 20_000],
  ] as const) {
    const asked = Promise.withResolvers<void>();
    answer = () => asked.resolve();
    let isOver = false;
    const failing = fetchPatiently(url, { method: "PUT", body }).finally(() => {
      isOver = true;
    });
    const given = expect(failing).rejects.toThrow("no answer in time");
    await asked.promise;
    vi.advanceTimersByTime(patienceMs - 1);
    await new Promise(setImmediate);
    expect(isOver).toBe(false);
    vi.advanceTimersByTime(1);
    await given;
  }
});
