/** Who has which chunks, as pages tell the relay and ask it. */
import { once } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { addChunk, createBitfield, encodeBitfield } from "../../core/swarm/bitfield.ts";
import { eventually } from "../fixtures/eventually.ts";
import { connectPeer } from "../fixtures/signalling-peer.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
const STUN = [{ urls: "stun:stun.example.org:3478" }];
let relay: TestRelay;
beforeEach(async () => {
  relay = await startTestRelay({ seed: "holders", config: { iceServers: STUN } });
});
afterEach(() => relay.remove());

/** All of the keyframe of version 0, and of the shards, as bitfields. */
async function wholeLists() {
  const { keyframe } = await relay.client.checkpoint("tiny", 0);
  const { shards } = await relay.client.shards("tiny");
  return [
    { list: keyframe!.checkpoint, have: allOf(keyframe!.manifest.chunks.length) },
    { list: "shards", have: allOf(shards.length) },
  ] as const;
}

function allOf(chunks: number): string {
  const bitfield = createBitfield(chunks);
  for (let i = 0; i < chunks; i++) addChunk(bitfield, i);
  return encodeBitfield(bitfield);
}

const ask = (peer: { peer: string; token: string }, list: string, have: string) => {
  const { peer: name, token } = peer;
  return relay.client.holders("tiny", { peer: name, token, list, have });
};

test("W4: health names the STUN servers that the relay was given, and counts the peers", async () => {
  expect((await relay.client.health()).swarm).toEqual({ iceServers: STUN, peers: 0 });
  const ada = await connectPeer(relay.relay.port, "ada");
  relay.advance(1000);
  expect((await relay.client.health()).swarm).toEqual({ iceServers: STUN, peers: 1 });
  ada.socket.close();
});

test("W6: a newcomer hears who has a keyframe and who has shards, until the holder is gone", async () => {
  const [ada, bob] = [
    await connectPeer(relay.relay.port, "ada"),
    await connectPeer(relay.relay.port, "bob"),
  ];
  for (const { list, have } of await wholeLists()) {
    expect(await ask(ada, list, have)).toEqual({ holders: [], renewWithinMs: 60_000 });
    expect((await ask(bob, list, "")).holders).toEqual([{ peer: ada.peer, have }]);
    expect((await ask(bob, list, have)).holders).toEqual([]); // there is nothing that bob lacks
  }
  const [{ list }] = await wholeLists();
  await ask(ada, "shards", "80");
  const wants = (want: string) =>
    relay.client.holders("tiny", {
      peer: bob.peer,
      token: bob.token,
      list: "shards",
      have: "",
      want,
    });
  expect((await wants("80")).holders).toEqual([{ peer: ada.peer, have: "80" }]);
  expect((await wants("40")).holders).toEqual([]); // ada has that one no more
  ada.socket.close();
  await once(ada.socket, "close");
  await eventually(async () => expect((await ask(bob, list, "")).holders).toEqual([]));
  bob.socket.close();
});

test("W8: what pages report stands in health and metrics, no more than can be so", async () => {
  const ada = await connectPeer(relay.relay.port, "ada");
  const [{ list, have }] = await wholeLists();
  const { parameters } = await relay.client.model("tiny");
  const report = {
    fromPeersBytes: 4 * parameters - 10,
    fromRelayBytes: 1000,
    tried: 3,
    connected: 2,
    wrongChunks: 1,
  };
  await relay.client.holders("tiny", { peer: ada.peer, token: ada.token, list, have, report });
  relay.advance(1000);
  const { models } = await relay.client.health();
  const counted = { ...report, fromRelayBytes: 10, holders: 1 };
  expect(models[0]?.swarm).toEqual(counted);
  const metrics = await (await relay.ask("/metrics")).text();
  for (const sample of [
    'commonweight_swarm_holders{model="tiny"} 1',
    'commonweight_swarm_bytes_total{model="tiny",from="relay"} 10',
    'commonweight_swarm_connections_total{model="tiny",state="made"} 2',
    'commonweight_swarm_wrong_chunks_total{model="tiny"} 1',
    "commonweight_signalling_peers 1",
  ]) {
    expect(metrics.split("\n")).toContain(sample);
  }
  ada.socket.close();
});

test("W7: a relay that starts anew knows nobody, and takes the same peer under the same token", async () => {
  const ada = await connectPeer(relay.relay.port, "ada");
  const [{ list, have }] = await wholeLists();
  await ask(ada, list, have);
  relay = await relay.restart();
  await expect(ask(ada, list, have)).rejects.toMatchObject({ code: "peer-unknown" });
  const [again, bob] = [
    await connectPeer(relay.relay.port, "ada"),
    await connectPeer(relay.relay.port, "bob"),
  ];
  expect((await ask(bob, list, "")).holders).toEqual([]);
  await ask(again, list, have);
  expect((await ask(bob, list, "")).holders).toEqual([{ peer: ada.peer, have }]);
  for (const { socket } of [again, bob]) socket.close();
});
