import { afterAll, beforeAll, test, vi } from "vitest";
import { MAX_PATCH_BYTES } from "../../core/protocol/limits.ts";
import { decodeSafetensors, encodeSafetensors } from "../../core/tensors/safetensors.ts";
import type { TestRelay } from "../fixtures/test-relay.ts";
import type { Volunteer, Work } from "../fixtures/volunteer.ts";
import { bytesOf } from "../fixtures/volunteer.ts";
import { expectRefusal, freshWork, put, recruit, startPatientRelay } from "./stage.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
const LIMITS = { maxHeaderBytes: 8192, maxTensors: 3 };
let relay: TestRelay;
let volunteer: Volunteer;
let work: Work;
beforeAll(async () => {
  relay = await startPatientRelay();
  volunteer = await recruit(relay);
  work = await freshWork(relay, volunteer);
});
afterAll(() => relay.remove());

const attack = (name: string, status: number, code: string, send: () => Promise<Response>) =>
  test(name, () => expectRefusal(relay, status, code, send));

/** Send `bytes` under their right hash and signature. */
const sendBytes = async (bytes: Uint8Array<ArrayBuffer>) => put(relay, await volunteer.sign(bytes));

attack("H7: bytes that are not the ones of the address", 400, "hash-mismatch", async () => {
  const parcel = await volunteer.pack(work);
  return put(relay, { ...parcel, id: "0".repeat(64) });
});

attack("P2: a truncated file", 400, "malformed", () => sendBytes(bytesOf(work).slice(0, -1)));

attack("P2: a file of nothing", 400, "malformed", () => sendBytes(new Uint8Array(0)));

attack("P2: a padded file", 400, "malformed", () => {
  const bytes = bytesOf(work);
  const padded = new Uint8Array(bytes.length + 8);
  padded.set(bytes);
  return sendBytes(padded);
});

attack("P2: noise", 400, "malformed", () => sendBytes(crypto.getRandomValues(new Uint8Array(500))));

attack("H7: a file past the limit", 413, "too-large", () =>
  sendBytes(new Uint8Array(MAX_PATCH_BYTES + 1)),
);

attack("H7: a file past the limit whose length is not told", 413, "too-large", async () => {
  const { signature } = await volunteer.pack(work);
  const endless = new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(1 << 20)) });
  return relay.ask(`/api/v1/contributions/${"1".repeat(64)}`, {
    method: "PUT",
    headers: { "commonweight-signature": signature },
    body: endless,
    duplex: "half",
  } as RequestInit);
});

for (const [name, bits] of [
  ["NaN", 0x7e00],
  ["infinite", 0x7c00],
  ["negative", 0x8400],
  ["above 1", 0x3c01],
] as const) {
  attack(`P2: a scale that is ${name}`, 400, "malformed", () => {
    const scales = work.patch.scales.map((own, i) => (i === 0 ? bits : own));
    return sendBytes(bytesOf({ ...work, patch: { ...work.patch, scales } }));
  });
}

attack("P2: fewer values than the mask has", 400, "malformed", () => {
  const { tensors, metadata } = decodeSafetensors("patch", bytesOf(work), LIMITS);
  const shorter = [...tensors.values()].map((tensor) => {
    if (tensor.name !== "codes") return tensor;
    const bytes = tensor.bytes.slice(1);
    return { ...tensor, bytes, shape: [bytes.length] };
  });
  return sendBytes(encodeSafetensors({ tensors: shorter, metadata }));
});

attack("H7: a contribution under no hash at all", 400, "malformed", async () => {
  const { signature, bytes } = await volunteer.pack(work);
  const headers = { "commonweight-signature": signature };
  return relay.ask("/api/v1/contributions/mine", { method: "PUT", headers, body: bytes });
});
