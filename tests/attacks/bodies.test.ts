/** Requests that cost more than they are worth: sent slowly, in crumbs, or in vain. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { signId } from "../../core/crypto/signature.ts";
import { MAX_PATCH_BYTES } from "../../core/protocol/limits.ts";
import { eventually } from "../fixtures/eventually.ts";
import type { TestRelay } from "../fixtures/test-relay.ts";
import { bytesOf, contribute, type Parcel, type Volunteer } from "../fixtures/volunteer.ts";
import { freshWork, recruit, startPatientRelay, withHeader } from "./stage.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let relay: TestRelay;
let volunteer: Volunteer;
beforeAll(async () => {
  relay = await startPatientRelay();
  volunteer = await recruit(relay);
});
afterAll(() => relay.remove());

const ID = "0".repeat(64);
const SIGNATURE = "0".repeat(128);

function open(): Socket {
  return connect(relay.relay.port, "127.0.0.1").on("error", () => {}); // it may be reset
}

async function statusOn(socket: Socket): Promise<string> {
  const [data] = await once(socket, "data");
  return String(data).slice(0, 12);
}

/** Begin to send a patch without the body's end. */
function begin(headers: Record<string, string | number>, id = ID): Socket {
  const lines = Object.entries({ host: "x", "commonweight-signature": SIGNATURE, ...headers });
  const socket = open();
  socket.write(`PUT /api/v1/contributions/${id} HTTP/1.1\r\n`);
  socket.write(`${lines.map(([name, value]) => `${name}: ${value}`).join("\r\n")}\r\n\r\n`);
  return socket;
}

test("H2: a patch in chunks of one byte takes no more memory than its bytes", async () => {
  const socket = begin({ "transfer-encoding": "chunked" });
  const crumbs = Buffer.from("1\r\nx\r\n".repeat(100_000));
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const answered = statusOn(socket);
  for (let i = 0; i < 20; i++) socket.write(crumbs);
  expect(await answered).toBe("HTTP/1.1 400");
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(48 << 20);
  socket.destroy();
});

/** An announced patch of which only the header lines come: what is answered, is answered before the body. */
async function answerToAnnouncement({ id, signature }: Omit<Parcel, "bytes">, ticket: string) {
  const headers = { "commonweight-signature": signature, "commonweight-ticket": ticket };
  const socket = begin({ ...headers, "content-length": MAX_PATCH_BYTES }, id);
  const [data] = await once(socket, "data");
  socket.destroy();
  return /"code":"([^"]+)"/.exec(String(data))?.[1];
}

test("H31: a stranger, a foreign signature, an expired and a used ticket are answered before the body", async () => {
  const ticket = await volunteer.ask(relay.now());
  const own = await signId("contribution", ID, volunteer.keys.privateKey);
  const other = await signId("contribution", ID, (await recruit(relay)).keys.privateKey);
  const announce = (signature: string, id: string) =>
    answerToAnnouncement({ id: ID, signature }, id);
  expect(await announce(own, "f".repeat(32))).toBe("ticket-unknown");
  expect(await announce(other, ticket.id)).toBe("signature-invalid");
  const work = await freshWork(relay, volunteer);
  const parcel = await volunteer.pack(work);
  expect(await send(parcel, work.patch.header.ticket)).toBe(201);
  expect(await announce(own, work.patch.header.ticket)).toBe("ticket-used");
  relay.advance(25 * 3600_000);
  expect(await announce(own, ticket.id)).toBe("ticket-expired");
});

async function send({ id, bytes, signature }: Parcel, ticket: string): Promise<number> {
  const headers = { "commonweight-signature": signature, "commonweight-ticket": ticket };
  const init = { method: "PUT", headers, body: bytes };
  return (await relay.ask(`/api/v1/contributions/${id}`, init)).status;
}

test("H31: what is there already is answered before the body", async () => {
  const { id, bytes, signature } = await contribute(volunteer, relay.now());
  await relay.client.putContribution(id, bytes, signature);
  const headers = { "commonweight-signature": signature, "commonweight-ticket": "0".repeat(32) };
  const socket = begin({ ...headers, "content-length": bytes.length }, id);
  expect(await statusOn(socket)).toBe("HTTP/1.1 200");
  socket.destroy();
});

test("H31: a patch that comes with another ticket than the announced one is refused", async () => {
  const work = await freshWork(relay, volunteer);
  const parcel = await volunteer.pack(work);
  const { id } = await volunteer.ask(relay.now());
  expect(await send(parcel, id)).toBe(400);
  expect(await send(parcel, "not a ticket")).toBe(400);
  expect(await send(parcel, work.patch.header.ticket)).toBe(201);
});

test("an upload that its sender breaks off is no mistake of the relay's", async () => {
  const told = vi.spyOn(console, "error").mockImplementation(() => {});
  const counted = async (status: number) => {
    const text = await (await relay.ask("/metrics")).text();
    return Number(new RegExp(`answers_total\\{status="${status}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
  };
  const before = await counted(499);
  const sockets = Array.from({ length: 5 }, () => begin({ "content-length": 1000 }));
  await Promise.all(
    sockets.map((socket) => new Promise((resolve) => socket.write("half", resolve))),
  );
  await relay.client.health();
  for (const socket of sockets) socket.destroy();
  await eventually(async () => expect(await counted(499)).toBe(before + 5));
  expect([await counted(500), told.mock.calls.length]).toEqual([0, 0]);
  told.mockRestore();
});

test("P1: a device whose name is half a character is malformed", async () => {
  const work = withHeader(await freshWork(relay, volunteer), { device: "testing" });
  const text = Buffer.from(bytesOf(work)).toString("latin1");
  expect(text).toContain("testing");
  const spoilt = text.replace("testing", "\\\\ud800"); // as long: JSON inside a JSON string
  const bytes = Uint8Array.from(spoilt, (letter) => letter.charCodeAt(0));
  const { id, signature } = await volunteer.sign(bytes);
  const headers = { "commonweight-signature": signature };
  const init = { method: "PUT", headers, body: bytes };
  const answer = await relay.ask(`/api/v1/contributions/${id}`, init);
  expect([answer.status, (await answer.json()).error.code]).toEqual([400, "malformed"]);
});
