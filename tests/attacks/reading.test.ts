import { readFileSync } from "node:fs";
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
