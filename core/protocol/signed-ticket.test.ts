import { expect, test } from "vitest";
import { generateKeyPair, publicKeyHex } from "../crypto/signature.ts";
import { parseValue } from "./canonical-json.ts";
import { type Ticket, ticketAnswer } from "./schemas/ticket.ts";
import { signTicket, verifyTicket } from "./signed-ticket.ts";

const TICKET: Ticket = {
  format: "commonweight.ticket/1",
  id: "0".repeat(32),
  model: "digits",
  contributor: "1".repeat(64),
  base: { number: 3, id: "2".repeat(64), checkpoint: "3".repeat(64) },
  mask: { kind: "random", seed: "4".repeat(32), count: 10 },
  shards: [{ index: 0, sha256: "5".repeat(64), sizeBytes: 9, examples: 1, title: "one" }],
  seed: 7,
  training: { steps: 50, batch: 48, learningRate: 0.005 },
  issuedAt: 1,
  expiresAt: 2,
};

test("S2: a ticket is its relay's only as it was signed, whatever the order of its fields", async () => {
  const keys = await generateKeyPair(true);
  const relayKey = await publicKeyHex(keys);
  const signature = await signTicket(TICKET, keys.privateKey);
  const { format, ...rest } = TICKET;
  expect(await verifyTicket({ ...rest, format }, signature, relayKey)).toBe(true);
  expect(await verifyTicket({ ...TICKET, expiresAt: 3 }, signature, relayKey)).toBe(false);
  const stranger = await publicKeyHex(await generateKeyPair(true));
  expect(await verifyTicket(TICKET, signature, stranger)).toBe(false);
});

test("S2: a ticket is read as it was signed, in an answer that has more fields than it had", async () => {
  const keys = await generateKeyPair(true);
  const signature = await signTicket(TICKET, keys.privateKey);
  const read = (ticket: object) =>
    parseValue("answer", ticketAnswer, { work: true, ticket, signature, extra: 1 });
  const answer = read(TICKET);
  if (!answer.work) throw new Error("the answer has a ticket");
  expect(await verifyTicket(answer.ticket, answer.signature, await publicKeyHex(keys))).toBe(true);
  expect(() => read({ ...TICKET, extra: 1 })).toThrow("answer: ticket:");
});
