import { expect, test } from "vitest";
import { CHUNK_BYTES } from "../../core/protocol/limits.ts";
import { createRandom } from "../../core/random.ts";
import { createNewcomer } from "./newcomer.ts";
import type { Transfer } from "./transfers.ts";
import type { Visitor } from "./visitors.ts";

const HALF = CHUNK_BYTES / 2;
const lineOf = (name: string): Visitor => ({
  name,
  arrivesAt: 0,
  leavesAt: 60,
  downRate: 1e7,
  upRate: 1e6,
  trainsOnProcessor: false,
});

test("a page that leaves has cost the relay what the relay sent, not what peers had sent of the same chunks", () => {
  let now = 0;
  const begun: Transfer[] = [];
  const relay = { upRate: 1e7, downRate: 1e7 };
  const parts = {
    chunks: 6,
    relay,
    transfers: {
      add: (transfer: Transfer) => void begun.push(transfer),
      cancel: () => {},
      advance: () => {},
    },
    clock: () => now,
    random: createRandom("cut chunks"),
    isSharing: true,
  };
  const page = createNewcomer({ ...parts, visitor: lineOf("page"), isComplete: false });
  page.links.add(createNewcomer({ ...parts, visitor: lineOf("peer"), isComplete: true }));
  const cut = () => begun.filter(({ from, bytesLeft }) => from === relay && bytesLeft === HALF);
  for (; cut().length === 0 && now < 60; now += 0.2) {
    page.look();
    for (const transfer of begun.splice(0)) {
      if (transfer.from === relay && transfer.bytesLeft === CHUNK_BYTES) transfer.onDone(now + 0.1);
      else begun.push(Object.assign(transfer, { bytesLeft: HALF })); // peers send half of each
    }
  }
  expect(cut()).not.toEqual([]);
  const before = page.relayBytes();
  expect(before % CHUNK_BYTES).toBe(0); // whole chunks
  page.leave();
  expect(page.relayBytes()).toBe(before); // of the rests nothing was sent yet
});
