import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { sha256 } from "../../core/crypto/signature.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { expectRefusal } from "./stage.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let relay: TestRelay;
beforeAll(async () => {
  relay = await startTestRelay({ config: { addressRequestsPerMinute: 5 } });
});
afterAll(() => relay.remove());

const API = "/api/v1";
for (const [path, status, code] of [
  ["/models/nowhere", 404, "model-unknown"],
  ["/models/nowhere/versions", 404, "model-unknown"],
  ["/models/tiny/versions/7", 404, "version-unknown"],
  ["/models/tiny/versions/latest", 404, "version-unknown"],
  ["/models/tiny/versions/1.0.0", 404, "version-unknown"],
  [`/models/tiny/versions/${"0".repeat(64)}`, 404, "version-unknown"],
  ["/models/tiny/versions/0/checkpoint?from=3", 404, "version-unknown"],
  ["/models/tiny/versions/0/checkpoint?from=-1", 400, "malformed"],
  ["/models/tiny/versions?before=x", 400, "malformed"],
  [`/blobs/${"0".repeat(64)}`, 404, "blob-unknown"],
  ["/blobs/..%2f..%2fledger.db", 404, "blob-unknown"],
  [`/contributions/${"0".repeat(64)}`, 404, "contribution-unknown"],
  ["/contributions?contributor=me", 400, "malformed"],
  ["/leaderboard?model=tiny&window=ever", 400, "malformed"],
  ["/leaderboard?model=nowhere", 404, "model-unknown"],
  ["/events?topics=everything", 400, "malformed"],
  ["/nowhere", 404, "route-unknown"],
  ["/admin/audit", 401, "signature-invalid"],
  [`/admin/revert/${"0".repeat(64)}`, 401, "signature-invalid"],
] as const) {
  test(`H1: GET ${path} is ${status} ${code}`, () =>
    expectRefusal(relay, status, code, () => relay.ask(API + path)));
}

test("H3: a client of another protocol version is told so", () =>
  expectRefusal(relay, 426, "outdated", () =>
    relay.ask(`${API}/health`, { headers: { "commonweight-protocol": "0" } }),
  ));

test("held-out sets are never served", async () => {
  for (const set of ["score", "gate", "report"]) {
    const file = readFileSync(join(relay.dataDir, "private", "tiny", `${set}.safetensors`));
    const id = await sha256(Uint8Array.from(file));
    await expectRefusal(relay, 404, "blob-unknown", () => relay.ask(`${API}/blobs/${id}`));
  }
});

test("paths out of the page's folder lead nowhere", async () => {
  for (const path of [
    "/../package.json",
    "/%2e%2e/package.json",
    "/..%2fpackage.json",
    "/%ff.js",
  ]) {
    expect((await relay.ask(path)).status).toBeGreaterThanOrEqual(400);
  }
});

test("H4: who asks too often waits as long as the answer says", async () => {
  const post = () => relay.ask(`${API}/models/tiny/tickets`, { method: "POST", body: "{}" });
  for (let i = 0; i < 5; i++) await post();
  const answer = await post();
  expect(answer.status).toBe(429);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  relay.advance(60_000);
  expect((await post()).status).toBe(400);
});

test("a version's export is made once, for however many ask, and HEAD makes none", async () => {
  const path = `${API}/models/tiny/versions/0/export.safetensors`;
  const temporary = join(relay.dataDir, "tmp");
  const files = () => readdirSync(temporary).filter((name) => name.endsWith(".safetensors"));
  const heads = Array.from({ length: 100 }, () => relay.ask(path, { method: "HEAD" }));
  for (const head of await Promise.all(heads)) expect(head.status).toBe(200);
  expect(files()).toEqual([]);
  const answers = await Promise.all(Array.from({ length: 5 }, () => relay.ask(path)));
  const bytes = await Promise.all(answers.map((answer) => answer.arrayBuffer()));
  expect(new Set(bytes.map(({ byteLength }) => byteLength)).size).toBe(1);
  expect(files()).toHaveLength(1);
  const part = await relay.ask(path, { headers: { range: "bytes=0-7" } });
  expect([part.status, (await part.arrayBuffer()).byteLength]).toEqual([206, 8]);
  const etag = answers[0]!.headers.get("etag")!;
  expect((await relay.ask(path, { headers: { "if-none-match": etag } })).status).toBe(304);
});

test("H32: dear answers are counted for what they cost", async () => {
  const path = `${API}/models/tiny/versions/0/export.safetensors`;
  const own = await startTestRelay({ config: { addressReadsPerMinute: 3000 } });
  const statuses: number[] = [];
  for (let i = 0; i < 4; i++) statuses.push((await own.ask(path)).status);
  expect(statuses).toEqual([200, 200, 200, 429]);
  own.advance(60_000);
  expect((await own.ask(`${API}/health`)).status).toBe(200);
  await own.remove();
});

test("every route is declared, with what it costs, and every declared route is there", async () => {
  const document = await (await relay.ask(`${API}/openapi.json`)).json();
  for (const [path, methods] of Object.entries<Record<string, { "x-cost"?: number }>>(
    document.paths,
  )) {
    for (const [method, { "x-cost": cost }] of Object.entries(methods)) {
      const address = path
        .replace("{model}", "tiny")
        .replace("{version}", "0")
        .replace(/\{\w+\}/, "0".repeat(64));
      relay.advance(60_000);
      const init = { method: method.toUpperCase(), ...(method !== "get" && { body: "{}" }) };
      const answer = await relay.ask(address, init);
      const text =
        answer.headers.get("content-type") === "text/event-stream" ? "" : await answer.text();
      await answer.body?.cancel().catch(() => {});
      expect(text).not.toContain("route-unknown");
      expect(cost ?? 0).toBeGreaterThanOrEqual(method === "get" ? 1 : 0);
    }
  }
});
