import { expect, test } from "vitest";
import type { SwarmReport } from "../../core/protocol/schemas/swarm.ts";
import type { HoldingPeer } from "./holders.ts";
import { createSwarmReports } from "./reports.ts";

const HOUR_MS = 3600_000;
const LIST = { model: "tiny", list: "shards", sizeBytes: 1000 };
const peerOf = (peer: string, network = peer): HoldingPeer => ({ peer, network, token: peer });
const saying = (changes: Partial<SwarmReport>): SwarmReport => ({
  fromPeersBytes: 0,
  fromRelayBytes: 0,
  tried: 0,
  connected: 0,
  wrongChunks: 0,
  ...changes,
});
const open = (limits?: Parameters<typeof createSwarmReports>[1]) => {
  const stage = { now: 0 };
  return { stage, reports: createSwarmReports(() => stage.now, limits) };
};

test("W8: what pages report is added up by model", () => {
  const { reports } = open();
  const report = saying({ fromPeersBytes: 600, fromRelayBytes: 100, tried: 3, connected: 2 });
  reports.add(LIST, peerOf("ada"), report);
  reports.add(LIST, peerOf("bob"), report);
  reports.add({ ...LIST, model: "other" }, peerOf("ada"), saying({ wrongChunks: 1 }));
  expect(reports.sums("tiny")).toEqual(
    saying({ fromPeersBytes: 1200, fromRelayBytes: 200, tried: 6, connected: 4 }),
  );
  expect(reports.sums("other")).toEqual(saying({})); // a wrong chunk of nobody
});

test("W8: a page cannot have loaded more than the list, however often it says so, until the hour is over", () => {
  const { stage, reports } = open();
  const much = saying({ fromPeersBytes: 900, fromRelayBytes: 900 });
  for (let i = 0; i < 10; i++) reports.add(LIST, peerOf("liar"), much);
  expect(reports.sums("tiny")).toEqual(saying({ fromPeersBytes: 900, fromRelayBytes: 100 }));
  stage.now += HOUR_MS;
  reports.add(LIST, peerOf("liar"), much);
  expect(reports.sums("tiny")).toEqual(saying({ fromPeersBytes: 1800, fromRelayBytes: 200 }));
});

test("W8: a page makes no more connections than it tries, and hears no more wrong chunks than it has connections", () => {
  const { reports } = open({ tried: 10, network: 9, accounts: 9 });
  const most = Number.MAX_SAFE_INTEGER;
  reports.add(LIST, peerOf("liar"), saying({ tried: 4, connected: most, wrongChunks: most }));
  expect(reports.sums("tiny")).toEqual(saying({ tried: 4, connected: 4, wrongChunks: 4 }));
  reports.add(LIST, peerOf("liar"), saying({ tried: most }));
  expect(reports.sums("tiny")).toMatchObject({ tried: 10, connected: 4 });
});

test("W8: a network that makes up peers is counted so far and no further, others go on", () => {
  const { reports } = open({ tried: 10, network: 3, accounts: 5 });
  const report = saying({ fromPeersBytes: 1000 });
  for (let i = 0; i < 10; i++) reports.add(LIST, peerOf(`p${i}`, "crowd"), report);
  expect(reports.sums("tiny").fromPeersBytes).toBe(3000);
  for (let i = 0; i < 10; i++) reports.add(LIST, peerOf(`home${i}`), report);
  expect(reports.sums("tiny").fromPeersBytes).toBe(5000); // as many as there is memory for
});

test("W8: a site counts with four times as many peers as one of its networks", () => {
  const { reports } = open({ tried: 10, network: 2, accounts: 100 });
  for (let n = 0; n < 20; n++) {
    reports.add(LIST, peerOf(`p${n}`, `2001:db8:7:${n}::/64`), saying({ fromPeersBytes: 1000 }));
  }
  expect(reports.sums("tiny").fromPeersBytes).toBe(8000);
});
