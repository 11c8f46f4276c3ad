import { expect, test } from "vitest";
import { type CrowdSpec, runCrowd } from "./crowd-run.ts";

const MIB = 1 << 20;
const SPEC: CrowdSpec = {
  peers: 12,
  staySeconds: 600,
  seconds: 300,
  unmeasuredSeconds: 60,
  chunks: 20,
  relayRate: 125_000_000,
  blocked: { share: 0.2, of: "pairs" },
  isSharing: true,
  onProcessor: 0,
  seed: "1",
};

test("a seed gives the same crowd, another seed another", () => {
  const first = runCrowd(SPEC);
  expect(runCrowd(SPEC)).toEqual(first);
  expect(runCrowd({ ...SPEC, seed: "2" })).not.toEqual(first);
});

test("who does not share loads all from the relay, who shares spares it more than half", () => {
  const alone = runCrowd({ ...SPEC, isSharing: false });
  const done = alone.loads.filter((load) => load !== null);
  expect(done.length).toBeGreaterThan(3);
  expect(alone.relayBytes).toBeGreaterThanOrEqual(done.length * SPEC.chunks * MIB);
  expect([alone.chunks.peers, alone.tried]).toEqual([0, 0]);
  const shared = runCrowd(SPEC);
  expect(shared.relayBytes).toBeLessThan(alone.relayBytes / 2);
  expect(shared.newcomers).toBe(alone.newcomers); // the same ones
});

test("each newcomer has every chunk once, wherever it came from", () => {
  const { loads, chunks } = runCrowd({ ...SPEC, staySeconds: 1e5, peers: 2000 }); // nobody leaves
  expect(loads).not.toContain(null);
  const all = Object.values(chunks).reduce((sum, count) => sum + count, 0);
  expect(all).toBeCloseTo(loads.length * SPEC.chunks);
});

test("who trains on the processor gives nothing then", () => {
  const { chunks } = runCrowd({ ...SPEC, onProcessor: 1 });
  expect(chunks.peers).toBeLessThan(runCrowd(SPEC).chunks.peers / 4); // from those that load at the same time
});

test("where nobody can connect, the relay brings everything", () => {
  for (const of of ["pairs", "browsers"] as const) {
    const { chunks, connected, loads } = runCrowd({ ...SPEC, blocked: { share: 1, of } });
    expect([chunks.peers, connected]).toEqual([0, 0]);
    expect(loads.some((load) => load !== null)).toBe(true);
  }
});
