import { expect, test } from "vitest";
import type { SwarmSnapshot } from "../../worker/api.ts";
import { describeSharing } from "./sharing.ts";

const open: SwarmSnapshot = {
  state: "open",
  peers: [],
  fromPeersBytes: 0,
  fromRelayBytes: 0,
  toPeersBytes: 0,
  tried: 0,
  connected: 0,
  wrongChunks: 0,
};
const peer = { name: "3f2a1b", receivedBytes: 0, sentBytes: 0 };

test.each<[Partial<SwarmSnapshot>, RegExp]>([
  [{ state: "opening" }, /^Looking for other volunteers\.$/],
  [{ state: "blocked" }, /^This browser lets no page connect to another\. The relay sends/],
  [{ state: "unserved" }, /^This relay brings no volunteers together\. The relay sends/],
  [{ state: "away" }, /at the moment\. The relay sends everything\.$/],
  [{ state: "away", peers: [peer] }, /^Connected with 1 volunteer\.$/],
  [{ peers: [peer, peer] }, /^Connected with 2 volunteers\.$/],
  [{}, /^Nobody else is here/],
  [{ tried: 3 }, /^No connection with another volunteer came about\. The relay sends/],
  [{ tried: 3, connected: 1 }, /^Nobody else is here/],
])("X8: the page says where passing on stands: %j", (change, words) => {
  expect(describeSharing({ ...open, ...change })).toMatch(words);
});
