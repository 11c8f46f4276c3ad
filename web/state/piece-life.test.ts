import { expect, test } from "vitest";
import type { Contribution } from "../../core/protocol/schemas/contribution.ts";
import type { Piece } from "../../worker/api.ts";
import { pieceLifeOf } from "./piece-life.ts";

const piece: Piece = {
  id: "a".repeat(64),
  model: "digits",
  base: 3,
  createdAt: 1,
  sizeBytes: 100,
  downloadedBytes: 1000,
  lossBefore: 0.6,
  lossAfter: 0.3,
  times: { askMs: 1, downloadMs: 1, trainMs: 1, encodeMs: 1, uploadMs: 1 },
  sent: "sent",
  state: "received",
  refusal: null,
};
const contribution = (change: Partial<Contribution>): Contribution => ({
  id: piece.id,
  model: "digits",
  contributor: "b".repeat(64),
  base: 3,
  state: "received",
  reason: null,
  examples: 100,
  sizeBytes: 100,
  receivedAt: 1,
  updatedAt: 2,
  version: null,
  multiplier: null,
  credit: 0,
  ...change,
});
const marks = (life: ReturnType<typeof pieceLifeOf>) =>
  life.steps.map(({ label, state }) => `${label} ${state}`);

test("a piece in the outbox is safe on the device, with everything ahead of it", () => {
  const life = pieceLifeOf({ ...piece, sent: "waiting", state: null }, undefined);
  expect(life.stage).toBe("waiting");
  expect(life.sentence).toMatch(/Safe on this device/);
  expect(new Set(life.steps.map(({ state }) => state))).toEqual(new Set(["ahead"]));
});

test("the relay's newest word counts more than the receipt", () => {
  const life = pieceLifeOf(piece, contribution({ state: "queued" }));
  expect(life.stage).toBe("queued");
  expect(marks(life)).toEqual([
    "Received done",
    "Looked at done",
    "Scored done",
    "Queued current",
    "Merged ahead",
  ]);
  expect(life.settled).toBe(false);
});

test("each state is a step further, marked where the piece is and not where it goes next", () => {
  const states = ["received", "screened", "scored", "queued", "merged"] as const;
  const lives = states.map((state) => pieceLifeOf(piece, contribution({ state })));
  const reached = lives.map(({ steps }) => steps.filter(({ state }) => state !== "ahead").length);
  expect(reached).toEqual([1, 2, 3, 4, 5]);
  const here = lives.map(({ steps }) => steps.find(({ state }) => state === "current")?.label);
  expect(here).toEqual(["Received", "Looked at", "Scored", "Queued", undefined]);
  expect(new Set(lives.map(({ sentence }) => sentence)).size).toBe(5);
});

test("a merged piece names the version that it is part of", () => {
  const life = pieceLifeOf(piece, contribution({ state: "merged", version: 7 }));
  expect(life.sentence).toMatch(/^Merged into version 7\./);
  expect([life.settled, life.version]).toEqual([true, 7]);
  expect(life.steps.every(({ state }) => state === "done")).toBe(true);
});

test("a refusal is told in plain words, at the step where it happened", () => {
  const refused = (code: string) =>
    pieceLifeOf(piece, contribution({ state: "refused", reason: { code, message: "score 0.2" } }));
  const harmful = refused("harmful");
  expect(harmful.sentence).toBe("Not used. On hidden examples the patch made the model worse.");
  expect(marks(harmful)).toEqual(["Received done", "Looked at done", "Not used failed"]);
  expect(marks(refused("unrelated"))).toEqual(["Received done", "Not used failed"]);
  expect(marks(refused("gate-failed")).slice(-2)).toEqual(["Queued done", "Not used failed"]);

  const atTheDoor = pieceLifeOf(
    { ...piece, sent: "refused", state: null, refusal: { code: "ticket-expired", message: "" } },
    undefined,
  );
  expect(atTheDoor.sentence).toMatch(/took longer than its ticket/);
  expect(marks(atTheDoor)).toEqual(["Not used failed"]);
});

test("a reverted piece says so, with the maintainer's reason", () => {
  const reason = { code: "reverted", message: "It taught the model to swap 4 and 9." };
  const life = pieceLifeOf(piece, contribution({ state: "reverted", reason, version: 7 }));
  expect(life.sentence).toBe("Taken out of the model again. It taught the model to swap 4 and 9.");
  expect(marks(life).slice(-2)).toEqual(["Merged done", "Taken out failed"]);
  expect(life.version).toBe(7);
});
