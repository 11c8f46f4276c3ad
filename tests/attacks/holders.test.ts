/** Pages that say what is not so about themselves, or about others. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { connectPeer, peerCalled, type SignallingPeer } from "../fixtures/signalling-peer.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { expectRefusal } from "./stage.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let relay: TestRelay;
let ada: SignallingPeer;
let honest: { peer: string; token: string; list: string; have: string };
beforeAll(async () => {
  relay = await startTestRelay({ seed: "holders", config: { addressReadsPerMinute: 1000 } });
  ada = await connectPeer(relay.relay.port, "ada");
  const { keyframe } = await relay.client.checkpoint("tiny", 0);
  honest = { peer: ada.peer, token: ada.token, list: keyframe!.checkpoint, have: "80" };
});
afterAll(async () => {
  ada.socket.close();
  await relay.remove();
});

const post = (body: unknown, model = "tiny") =>
  relay.ask(`/api/v1/models/${model}/holders`, { method: "POST", body: JSON.stringify(body) });

test.each([
  ["an id that is not there", 404, "peer-unknown", { ...peerCalled("nobody") }],
  ["somebody else's id", 404, "peer-unknown", { token: "guess" }],
  ["an id that is none", 400, "malformed", { peer: "ada" }],
  ["an endless token", 400, "malformed", { token: "x".repeat(129) }],
  ["a list of another model", 404, "list-unknown", { list: "0".repeat(64) }],
  ["a list that is none", 400, "malformed", { list: "everything" }],
  ["a bitfield that is too short", 400, "malformed", { have: "8" }],
  ["a bitfield that is too long", 400, "malformed", { have: "8000" }],
  ["a bitfield longer than any list", 400, "malformed", { have: "80".repeat(5000) }],
  ["a chunk after the last", 400, "malformed", { have: "81" }],
  ["a bitfield that is no digits", 400, "malformed", { have: "8G" }],
  ["a wish for a chunk after the last", 400, "malformed", { want: "81" }],
  ["a report of less than nothing", 400, "malformed", { report: { tried: -1 } }],
  ["more than the schema has", 400, "malformed", { holders: [] }],
])("W6: %s is %d %s", (_, status, code, changes) =>
  expectRefusal(relay, status, code, () => post({ ...honest, ...changes })),
);

test("W6: a model that the relay does not have is 404", () =>
  expectRefusal(relay, 404, "model-unknown", () => post(honest, "nowhere")));

test("H2: a request longer than any is 413", () =>
  expectRefusal(relay, 413, "too-large", () => post({ ...honest, have: "0".repeat(20_000) })));

test("W8: a page that reports endless downloads counts for one", async () => {
  const most = Number.MAX_SAFE_INTEGER;
  const report = { fromPeersBytes: most, fromRelayBytes: most, tried: 1, connected: most };
  for (let i = 0; i < 3; i++) await post({ ...honest, report: { ...report, wrongChunks: most } });
  relay.advance(1000);
  const [health] = (await relay.client.health()).models;
  const { parameters } = await relay.client.model("tiny");
  const { fromPeersBytes, connected, wrongChunks } = health!.swarm!;
  expect([fromPeersBytes, connected, wrongChunks]).toEqual([4 * parameters, 3, 3]);
});

test("H32: a network that asks on and on is 429, and can still ask for work", async () => {
  let answer = await post(honest);
  for (let asked = 0; answer.status === 200 && asked < 1000; asked++) answer = await post(honest);
  expect(answer.status).toBe(429);
  const work = await relay.ask("/api/v1/models/tiny/tickets", { method: "POST", body: "{}" });
  expect(work.status).toBe(400);
});
