import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createWebhook } from "./webhook.ts";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A receiver's address, whose path is secret. */
async function receive(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const listening = createServer(answer);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}/secret`;
}

/** Waits that are over at once, and how long each would have been. */
function noted() {
  const waits: number[] = [];
  const wait = async (ms: number) => void waits.push(ms);
  return { waits, wait };
}

const { signal } = new AbortController();

test("H50: a message is posted as JSON, and not again once it is taken", async () => {
  const heard: unknown[] = [];
  const url = await receive(async (request, response) => {
    const body = (await Array.fromAsync(request)).join("");
    heard.push([request.method, request.url, request.headers["content-type"], JSON.parse(body)]);
    response.writeHead(204).end();
  });
  const { waits, wait } = noted();
  const webhook = createWebhook({ url, wait });
  expect(await webhook.post({ at: 1 }, signal)).toBe(null);
  expect(heard).toEqual([["POST", "/secret", "application/json", { at: 1 }]]);
  expect(waits).toEqual([]);
});

test("H50: what is not taken is tried three times, after growing waits", async () => {
  const answers = [500, 503, 200];
  const url = await receive((_, response) => response.writeHead(answers.shift() ?? 404).end());
  const { waits, wait } = noted();
  const webhook = createWebhook({ url, wait });
  expect(await webhook.post({}, signal)).toBe(null);
  expect(waits).toEqual([5000, 30_000]);
  expect(await webhook.post({}, signal)).toBe("it answered 404");
  expect(waits).toHaveLength(4);
});

test("H50: a redirect is followed nowhere", async () => {
  const heard: (string | undefined)[] = [];
  const url = await receive((request, response) => {
    heard.push(request.url);
    response.writeHead(307, { location: "/elsewhere" }).end();
  });
  const webhook = createWebhook({ url, ...noted() });
  expect(await webhook.post({}, signal)).toBe("it answered 307");
  expect(heard).toEqual(["/secret", "/secret", "/secret"]);
});

test("H50: a receiver that never answers, or is not there, is given up, and its address is not told", async () => {
  const url = await receive(() => {});
  const silent = createWebhook({ url, ...noted(), timeoutMs: 20 });
  expect(await silent.post({}, signal)).toBe("it did not answer within 0.02 s");
  await new Promise((resolve) => {
    server?.closeAllConnections();
    server?.close(resolve);
  });
  const absent = createWebhook({ url, ...noted() });
  expect(await absent.post({}, signal)).toBe("it cannot be reached (ECONNREFUSED)");
  expect(absent.host).toBe(new URL(url).host);
});

test("H50: an answer without an end holds nothing up", async () => {
  const url = await receive((_, response) => void response.writeHead(200).write("and so on"));
  const webhook = createWebhook({ url, ...noted() });
  expect(await webhook.post({}, signal)).toBe(null);
});

test("H50: a relay that ends waits for no answer", async () => {
  const ending = new AbortController();
  const url = await receive(() => ending.abort());
  const webhook = createWebhook({ url, ...noted() });
  await expect(webhook.post({}, ending.signal)).rejects.toMatchObject({ name: "AbortError" });
});
