import { expect, test } from "vitest";
import type { Contribution } from "../core/protocol/schemas/contribution.ts";
import { followPieces } from "./piece-news.ts";

const id = (digit: string) => digit.repeat(64);
const life = (change: Partial<Contribution>): Contribution => ({
  id: id("1"),
  model: "tiny",
  contributor: "ab".repeat(32),
  base: 1,
  state: "queued",
  reason: null,
  examples: 10,
  sizeBytes: 10,
  receivedAt: 1,
  updatedAt: 1,
  version: null,
  multiplier: null,
  credit: 0,
  ...change,
});

/** Follow two pieces through `answers`, one a look; null is a relay that is away. */
async function follow(answers: readonly (readonly Contribution[] | null)[]) {
  const lines: string[] = [];
  let looks = 0;
  await followPieces({
    sent: () => [id("1"), id("2")],
    look: async () => {
      const answer = answers[Math.min(looks++, answers.length - 1)];
      if (!answer) throw new Error("away");
      return answer;
    },
    print: (line) => lines.push(line),
    sleep: async () => {},
    ended: Promise.resolve(),
  });
  return { lines, looks };
}

test("a terminal volunteer is told what became of each piece, once", async () => {
  const merged = life({ state: "merged", version: 7 });
  const reason = { code: "harmful", message: "it makes the model worse" };
  const refused = life({ id: id("2"), state: "refused", reason });
  const { lines } = await follow([[life({}), life({ id: id("2") })], null, [merged, refused]]);
  expect(lines).toEqual([
    "Piece 111111111111 was merged into version 7: it is part of the model now",
    "Piece 222222222222 was not used: it makes the model worse (harmful)",
  ]);
});

test("nobody waits for ever for a merge that does not come, nor for a relay that tells nothing", async () => {
  expect((await follow([[life({}), life({ id: id("2") })]])).looks).toBe(12);
  expect((await follow([[]])).looks).toBe(1);
});
