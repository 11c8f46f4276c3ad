import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { signId } from "../../core/crypto/signature.ts";
import { encodeCanonical } from "../../core/protocol/canonical-json.ts";
import { signRequest } from "../../core/protocol/signed-request.ts";
import type { TestRelay } from "../fixtures/test-relay.ts";
import type { Volunteer } from "../fixtures/volunteer.ts";
import {
  expectRefusal,
  freshWork,
  put,
  recruit,
  settle,
  startPatientRelay,
  withHeader,
} from "./stage.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let relay: TestRelay;
let volunteer: Volunteer;
let other: Volunteer;
beforeAll(async () => {
  relay = await startPatientRelay();
  [volunteer, other] = await Promise.all([recruit(relay), recruit(relay)]);
});
afterAll(() => relay.remove());

const attack = (name: string, status: number, code: string, send: () => Promise<Response>) =>
  test(name, () => expectRefusal(relay, status, code, send));

attack("S1: another key's signature", 401, "signature-invalid", async () => {
  const parcel = await volunteer.pack(await freshWork(relay, volunteer));
  return put(relay, { ...(await other.sign(parcel.bytes)) });
});

attack("S1: a signature made for another purpose", 401, "signature-invalid", async () => {
  const parcel = await volunteer.pack(await freshWork(relay, volunteer));
  const signature = await signId("request", parcel.id, volunteer.keys.privateKey);
  return put(relay, { ...parcel, signature });
});

attack("S1: no signature", 401, "signature-invalid", async () => {
  const { id, bytes } = await volunteer.pack(await freshWork(relay, volunteer));
  return relay.ask(`/api/v1/contributions/${id}`, { method: "PUT", body: bytes });
});

attack("H8: a ticket that the relay never gave out", 422, "ticket-unknown", async () => {
  const work = withHeader(await freshWork(relay, volunteer), { ticket: "0".repeat(32) });
  return put(relay, await volunteer.pack(work));
});

attack("H8: a model that the relay does not have", 404, "model-unknown", async () => {
  const work = withHeader(await freshWork(relay, volunteer), { model: "nowhere" });
  return put(relay, await volunteer.pack(work));
});

test("H8: a ticket used twice", async () => {
  const work = await freshWork(relay, volunteer);
  await settle(relay, await volunteer.pack(work));
  const again = withHeader(work, { device: "another" });
  await expectRefusal(relay, 422, "ticket-used", async () =>
    put(relay, await volunteer.pack(again)),
  );
});

attack("H8: a ticket used by another key", 422, "ticket-foreign", async () => {
  const work = await freshWork(relay, volunteer);
  return put(relay, await other.pack(withHeader(work, { contributor: other.contributor })));
});

test("P5: another's patch signed anew under a ticket of one's own", async () => {
  const work = await freshWork(relay, volunteer);
  await settle(relay, await volunteer.pack(work));
  const ticket = await other.ask(relay.now());
  const stolen = withHeader(work, {
    contributor: other.contributor,
    ticket: ticket.id,
    shards: ticket.shards.map(({ index }) => index),
  });
  await expectRefusal(relay, 422, "copied", async () => put(relay, await other.pack(stolen)));
});

for (const [name, changes] of [
  ["base", { base: "0".repeat(64) }],
  ["shards", { shards: [5, 4, 3] }],
  ["steps", { steps: 21 }],
  ["examples", { examples: 1_000_000 }],
] as const) {
  attack(`H8: ${name} that the ticket does not say`, 422, "ticket-mismatch", async () => {
    const work = withHeader(
      await freshWork(relay, volunteer),
      structuredClone({ ...changes }) as object,
    );
    return put(relay, await volunteer.pack(work));
  });
}

attack("H8: the mask of another version", 422, "ticket-mismatch", async () => {
  const work = await freshWork(relay, volunteer);
  const mask = { ...work.patch.header.mask, kind: "random", seed: "0".repeat(32) } as const;
  return put(relay, await volunteer.pack(withHeader(work, { mask })));
});

attack("H9: a patch that changes nothing", 422, "no-effect", async () => {
  const work = await freshWork(relay, volunteer);
  const zero = { codes: work.patch.codes.map(() => 0), scales: work.patch.scales.map(() => 0) };
  return put(relay, await volunteer.pack({ ...work, patch: { ...work.patch, ...zero } }));
});

attack("H9: a patch beyond all reason", 422, "norm-too-large", async () => {
  const work = await freshWork(relay, volunteer);
  const huge = {
    codes: work.patch.codes.map(() => 7),
    scales: work.patch.scales.map(() => 0x3c00),
  };
  return put(relay, await volunteer.pack({ ...work, patch: { ...work.patch, ...huge } }));
});

test("H10: the same contribution twice is one, and answers the same", async () => {
  const parcel = await volunteer.pack(await freshWork(relay, volunteer));
  await settle(relay, parcel);
  const life = await relay.client.contribution(parcel.id);
  const again = await put(relay, parcel);
  expect([again.status, await again.json()]).toEqual([200, life]);
});

test("H10: the same contribution many times within a moment is one", async () => {
  const parcel = await volunteer.pack(await freshWork(relay, volunteer));
  const answers = Array.from({ length: 12 }, async (_, i) => {
    for (let tick = 0; tick < i; tick++) await new Promise(setImmediate); // overlap in every way
    return (await put(relay, parcel)).status;
  });
  const statuses = (await Promise.all(answers)).toSorted();
  expect(statuses).toEqual([...Array.from({ length: 11 }, () => 200), 201]);
  const lives = await relay.client.contributions({ contributor: volunteer.contributor });
  expect(lives.filter(({ id }) => id === parcel.id)).toHaveLength(1);
});

test.each([
  ["recorded", { steps: 21 }],
  ["found anew", { ticket: "1".repeat(32) }],
])("H10: a refusal with 422 repeats, %s", async (_, changes) => {
  const parcel = await volunteer.pack(withHeader(await freshWork(relay, volunteer), changes));
  const first = await put(relay, parcel);
  const second = await put(relay, parcel);
  expect(second.status).toBe(422);
  expect(await second.json()).toEqual(await first.json());
});

test("H10: what names no ticket of the relay takes no room in its ledger", async () => {
  const database = new Database(join(relay.dataDir, "ledger.db"), { readonly: true });
  const codes = database.prepare("select distinct code from refusals").pluck().all();
  database.close();
  expect(codes).toContain("ticket-mismatch");
  expect(codes).not.toContain("ticket-unknown"); // it was the answer above
});

async function askForWork(path: string, issuedAt: number, signer = volunteer): Promise<Response> {
  const { contributor } = volunteer;
  const body = encodeCanonical({ contributor, issuedAt, backend: "cpu", device: "test" });
  const signature = await signRequest("/api/v1/models/tiny/tickets", body, signer.keys.privateKey);
  const headers = { "commonweight-signature": signature };
  return relay.ask(path, { method: "POST", headers, body });
}

attack("S3: a request for work that another key signed", 401, "signature-invalid", () =>
  askForWork("/api/v1/models/tiny/tickets", relay.now(), other),
);

attack("S3: an old request for work, sent again", 401, "clock-skew", () =>
  askForWork("/api/v1/models/tiny/tickets", relay.now() - 600_000),
);

attack("H5: work for a model that the relay does not have", 404, "model-unknown", () =>
  askForWork("/api/v1/models/nowhere/tickets", relay.now()),
);

attack("H2: a request that is not JSON", 400, "malformed", () =>
  relay.ask("/api/v1/models/tiny/tickets", { method: "POST", body: "work, please" }),
);

attack("H2: a request past the limit", 413, "too-large", () =>
  relay.ask("/api/v1/models/tiny/tickets", { method: "POST", body: "x".repeat(20_000) }),
);

test("H8: an expired ticket", async () => {
  const work = await freshWork(relay, volunteer);
  relay.advance(25 * 3600_000);
  await expectRefusal(relay, 422, "ticket-expired", async () =>
    put(relay, await volunteer.pack(work)),
  );
});
