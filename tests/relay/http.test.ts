import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { sha256 } from "../../core/crypto/signature.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let relay: TestRelay;
let webDir: string;
let shard: { sha256: string; sizeBytes: number };
beforeAll(async () => {
  webDir = await mkdtemp(join(tmpdir(), "commonweight-web-"));
  relay = await startTestRelay({ config: { webDir } });
  shard = (await relay.client.shards("tiny")).shards[0]!;
});
afterAll(async () => {
  await relay.remove();
  await rm(webDir, { recursive: true });
});

const blob = (headers: Record<string, string> = {}) =>
  relay.ask(`/api/v1/blobs/${shard.sha256}`, { headers });

test("H6: a blob is immutable, for every origin, and named by its hash", async () => {
  const answer = await blob();
  const { headers } = answer;
  expect(headers.get("cache-control")).toContain("immutable");
  expect(headers.get("access-control-allow-origin")).toBe("*");
  expect(headers.get("cross-origin-resource-policy")).toBe("cross-origin");
  expect(headers.get("etag")).toBe(`"${shard.sha256}"`);
  expect(await sha256(new Uint8Array(await answer.arrayBuffer()))).toBe(shard.sha256);
  expect((await blob({ "if-none-match": `"${shard.sha256}"` })).status).toBe(304);
});

test("H6: ranges give the bytes that were asked for, or 416", async () => {
  const whole = new Uint8Array(await (await blob()).arrayBuffer());
  for (const [range, from, to] of [
    ["bytes=0-0", 0, 1],
    ["bytes=10-19", 10, 20],
    ["bytes=100-", 100, whole.length],
    ["bytes=-7", whole.length - 7, whole.length],
    ["bytes=5-99999999", 5, whole.length],
  ] as const) {
    const answer = await blob({ range, "accept-encoding": "gzip" });
    expect(answer.status).toBe(206);
    expect(answer.headers.get("content-range")).toBe(`bytes ${from}-${to - 1}/${whole.length}`);
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(whole.subarray(from, to));
  }
  for (const range of ["bytes=99999999-", "bytes=-0", "bytes=9-3"]) {
    expect((await blob({ range })).status).toBe(416);
  }
});

test("H6: a blob that shrinks is sent gzipped to who asks for it", async () => {
  const { keyframe } = await relay.client.checkpoint("tiny", 0);
  const path = `/api/v1/blobs/${keyframe!.checkpoint}`; // the manifest: JSON
  const answer = await relay.ask(path, { headers: { "accept-encoding": "br, gzip" } });
  expect(answer.headers.get("content-encoding")).toBe("gzip");
  const bytes = gunzipSync(new Uint8Array(await answer.arrayBuffer()));
  expect(await sha256(Uint8Array.from(bytes))).toBe(keyframe!.checkpoint);
});

test("every page carries the policy under which it is isolated", async () => {
  const { headers } = await relay.ask("/");
  expect(headers.get("content-security-policy")).toContain(
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'",
  );
  expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
  expect(headers.get("cross-origin-embedder-policy")).toBe("require-corp");
});

test("the page: every route is index.html, hashed files are kept for ever, a missing build is told", async () => {
  const missing = await relay.ask("/models/tiny");
  expect([missing.status, await missing.text()]).toEqual([
    503,
    expect.stringContaining("npm run build"),
  ]);
  await mkdir(join(webDir, "assets"));
  await writeFile(join(webDir, "index.html"), "<title>page</title>");
  await writeFile(join(webDir, "assets", "index-AbCd1234.js"), "1;");
  const deep = await relay.ask("/models/tiny");
  expect([deep.status, deep.headers.get("location")]).toEqual([302, "../"]);
  const page = await relay.ask("/contribute");
  expect([page.headers.get("cache-control"), await page.text()]).toEqual([
    "no-cache",
    "<title>page</title>",
  ]);
  const known = { "if-none-match": page.headers.get("etag")! };
  expect((await relay.ask("/", { headers: known })).status).toBe(304);
  const script = await relay.ask("/assets/index-AbCd1234.js");
  expect(script.headers.get("cache-control")).toContain("immutable");
  expect(script.headers.get("content-type")).toContain("text/javascript");
  expect((await relay.ask("/assets/none-AbCd1234.js")).status).toBe(404);
});

test("H12: events are filtered by topic, numbered, and those missed come first", async () => {
  const first = await listen("contribution,version");
  const volunteer = await createVolunteer(relay.client, tinyRecipe);
  const parcel = await contribute(volunteer, relay.now());
  await relay.client.putContribution(parcel.id, parcel.bytes, parcel.signature);
  const seen = await first.until((event) => event.type === "version");
  expect(new Set(seen.map(({ type }) => type))).toEqual(new Set(["contribution", "version"]));
  expect(seen.at(-1)?.data).toMatchObject({ model: "tiny", version: { number: 1 } });
  const numbers = seen.map(({ id }) => id);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));

  const again = await listen("version", String(numbers[0]! - 1));
  const [missed] = await again.until(() => true);
  expect(missed).toEqual(seen.at(-1));
});

test("openapi.json describes every route with the schemas that check it", async () => {
  const answer = await relay.ask("/api/v1/openapi.json");
  const document = (await answer.json()) as { paths: Record<string, object> };
  expect(Object.keys(document.paths)).toContain("/api/v1/contributions/{id}");
  expect(JSON.stringify(document)).toContain("commonweight.version/1");
});

test("metrics are Prometheus text", async () => {
  const text = await (await relay.ask("/metrics")).text();
  expect(text).toMatch(/^# TYPE commonweight_head gauge\ncommonweight_head\{model="tiny"\} \d+$/m);
  expect(text).toMatch(/^commonweight_swarm_bytes_total\{model="tiny",from="peers"\} 0$/m);
  expect(text).toMatch(/^commonweight_signalling_peers 0$/m);
});

type Event = { id: number; type: string; data: unknown };

async function listen(topics: string, lastEventId?: string) {
  const headers = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
  const answer = await relay.ask(`/api/v1/events?topics=${topics}`, { headers });
  const reader = answer.body!.getReader();
  const decoder = new TextDecoder();
  return {
    /** All events up to the first for which `isLast` holds. */
    async until(isLast: (event: Event) => boolean): Promise<Event[]> {
      const events: Event[] = [];
      let text = "";
      for (;;) {
        const { value } = await reader.read();
        text += decoder.decode(value, { stream: true });
        const frames = text.split("\n\n");
        text = frames.pop()!;
        for (const frame of frames) {
          const match = /^id: (\d+)\nevent: (\w+)\ndata: (.*)$/.exec(frame);
          if (match === null) continue; // the greeting or a heartbeat
          const event = { id: Number(match[1]), type: match[2]!, data: JSON.parse(match[3]!) };
          events.push(event);
          if (!isLast(event)) continue;
          await reader.cancel();
          return events;
        }
      }
    },
  };
}
