import { expect, test } from "vitest";
import { generateKeyPair, publicKeyHex, sha256 } from "../crypto/signature.ts";
import { encodeCanonical } from "./canonical-json.ts";
import { createRelayClient } from "./client.ts";
import type { Fetch } from "./fetch.ts";
import { verifyRequest } from "./signed-request.ts";

const ID = "a".repeat(64);
const HEALTH = {
  status: "ok",
  software: "test",
  protocol: { oldest: 1, newest: 1 },
  relayKey: ID,
  time: 5,
  swarm: null,
  models: [],
};

type Call = { readonly url: string; readonly init: Parameters<Fetch>[1] };

/** A client whose every request gets `answer`, and what it asked. */
function clientOf(answer: () => Response | Promise<Response>) {
  const calls: Call[] = [];
  const fetch: Fetch = async (url, init) => {
    calls.push({ url, init });
    return answer();
  };
  return { calls, client: createRelayClient({ baseUrl: "https://relay.test/", fetch }) };
}

const json = (value: unknown, init?: ResponseInit) => () =>
  new Response(JSON.stringify(value), init);

test("a request goes to its route under /api/v1 and names the protocol it speaks", async () => {
  const { calls, client } = clientOf(json(HEALTH));
  expect(await client.health()).toEqual(HEALTH);
  expect(calls[0]?.url).toBe("https://relay.test/api/v1/health");
  expect(calls[0]?.init.headers["commonweight-protocol"]).toBe("1");
});

test("what a page asks for beside the path goes into the query", async () => {
  const { calls, client } = clientOf(json({ contributions: [] }));
  await client.contributions({ contributor: ID });
  expect(calls[0]?.url).toBe(`https://relay.test/api/v1/contributions?contributor=${ID}`);
  expect(client.eventsUrl(["version", "leaderboard"])).toBe(
    "https://relay.test/api/v1/events?topics=version%2Cleaderboard",
  );
  expect(client.exportUrl("digits", "v1/../2")).toBe(
    "https://relay.test/api/v1/models/digits/versions/v1%2F..%2F2/export.safetensors",
  );
});

test("H1: a newer relay's fields in an answer are passed over", async () => {
  const { client } = clientOf(json({ ...HEALTH, extra: 1 }));
  expect(await client.health()).toEqual(HEALTH);
});

test.each([
  ["a field of another type", { ...HEALTH, time: "now" }],
  ["a field too few", { ...HEALTH, time: undefined }],
  ["no object", "hello"],
])("an answer with %s is a newer relay's, and not asked for again", async (_, value) => {
  const { client } = clientOf(json(value));
  await expect(client.health()).rejects.toMatchObject({
    name: "RelayError",
    code: "outdated",
    action: "discard",
  });
});

test("an answer that is not JSON is not the relay's", async () => {
  const { client } = clientOf(() => new Response("<html>sign in to the hotel</html>"));
  await expect(client.health()).rejects.toMatchObject({ code: "unreachable", action: "retry" });
});

test("an answer past the limit is given up before it is read whole", async () => {
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 1 << 20;
      controller.enqueue(new Uint8Array(1 << 20));
    },
  });
  const { client } = clientOf(() => new Response(endless));
  await expect(client.health()).rejects.toMatchObject({ code: "answer-too-large" });
  expect(sent).toBeLessThan(24 << 20);
});

test("an error carries the relay's code, what to do, and how long to wait", async () => {
  const busy = { error: { code: "rate-limited", message: "too many tickets" } };
  const { client } = clientOf(json(busy, { status: 429, headers: { "retry-after": "7" } }));
  await expect(client.contribution(ID)).rejects.toMatchObject({
    code: "rate-limited",
    action: "retry",
    retryAfterSeconds: 7,
    message: "too many tickets",
  });
});

test.each([
  ["stale", 409, "new-ticket"],
  ["signature-invalid", 401, "discard"],
  ["storage-full", 507, "retry"],
  ["a-code-of-tomorrow", 422, "discard"],
  ["another-of-tomorrow", 500, "retry"],
])("after %s with status %i the sender does: %s", async (code, status, action) => {
  const { client } = clientOf(json({ error: { code, message: "no" } }, { status }));
  await expect(client.contribution(ID)).rejects.toMatchObject({ code, action });
});

test("a proxy's own error page means: try again", async () => {
  const { client } = clientOf(() => new Response("Bad Gateway", { status: 502 }));
  await expect(client.health()).rejects.toMatchObject({ code: "unreachable", action: "retry" });
});

test("no answer is 'unreachable', to be tried again", async () => {
  const { client } = clientOf(() => Promise.reject(new TypeError("Failed to fetch")));
  await expect(client.health()).rejects.toMatchObject({ code: "unreachable", action: "retry" });
});

test("an aborted request ends with its signal's reason", async () => {
  const stop = new AbortController();
  const { client } = clientOf(() => {
    stop.abort();
    return Promise.reject(new TypeError("Failed to fetch"));
  });
  const asked = client.health({ signal: stop.signal });
  await expect(asked).rejects.toMatchObject({ name: "AbortError" });
});

test("a blob is returned only if its bytes hash to its name", async () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const { calls, client } = clientOf(() => new Response(bytes));
  const heard: number[] = [];
  const name = await sha256(bytes);
  expect(await client.blob(name, { onBytes: (n) => heard.push(n) })).toEqual(bytes);
  expect(heard).toEqual([3]);
  await client.blob(name, { prefix: "https://blobs.test/" });
  expect(calls.map((call) => call.url)).toEqual([
    `https://relay.test/api/v1/blobs/${name}`,
    `https://blobs.test/${name}`,
  ]);
  await expect(client.blob(ID)).rejects.toMatchObject({ code: "blob-damaged", action: "retry" });
  await expect(client.blob(name, { maxBytes: 2 })).rejects.toMatchObject({
    code: "answer-too-large",
  });
});

test("the file of a suite that waits is returned only if its bytes hash to the suite's id", async () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const { calls, client } = clientOf(() => new Response(bytes));
  const { suiteFile } = client.maintainer("token");
  const id = await sha256(bytes);
  expect(await suiteFile(id)).toEqual(bytes);
  expect(calls[0]?.url).toBe(`https://relay.test/api/v1/admin/suites/${id}`);
  expect(calls[0]?.init.headers.authorization).toBe("Bearer token");
  await expect(suiteFile(ID)).rejects.toMatchObject({ code: "blob-damaged", action: "retry" });
});

test("H6: the rest of a blob is asked for by its range, and cut out where the whole comes", async () => {
  const answers = [[3, 4], [1, 2, 3, 4], [4]].map((bytes) => new Response(new Uint8Array(bytes)));
  const { calls, client } = clientOf(() => answers.shift()!);
  const rest = () => client.blobRest(ID, 4, 2, {});
  expect(await rest()).toEqual(new Uint8Array([3, 4]));
  expect(calls[0]?.init.headers.range).toBe("bytes=2-");
  expect(await rest()).toEqual(new Uint8Array([3, 4]));
  await expect(rest()).rejects.toMatchObject({ code: "blob-damaged", action: "retry" });
});

test("S3: a request for work is signed over its path and its bytes", async () => {
  const pair = await generateKeyPair(true);
  const contributor = await publicKeyHex(pair);
  const none = { work: false, reason: "paused", message: "later", retryAfterSeconds: 30 };
  const { calls, client } = clientOf(json(none));
  const request = { contributor, issuedAt: 1, backend: "cpu", device: "test" } as const;
  expect(await client.ticket("digits", request, pair.privateKey)).toEqual(none);
  const { url, init } = calls[0]!;
  expect(url).toBe("https://relay.test/api/v1/models/digits/tickets");
  const body = init.body!;
  expect(body).toEqual(encodeCanonical(request));
  const signature = init.headers["commonweight-signature"]!;
  const path = "/api/v1/models/digits/tickets";
  expect(await verifyRequest(path, body, signature, contributor)).toBe(true);
  expect(await verifyRequest("/api/v1/other", body, signature, contributor)).toBe(false);
  expect(await verifyRequest(path, new Uint8Array([1]), signature, contributor)).toBe(false);
});
