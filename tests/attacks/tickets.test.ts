import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { signId } from "../../core/crypto/signature.ts";
import { encodeCanonical } from "../../core/protocol/canonical-json.ts";
import { signRequest } from "../../core/protocol/signed-request.ts";
import type { TestRelay } from "../fixtures/test-relay.ts";
import type { Volunteer, Work } from "../fixtures/volunteer.ts";
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
  return put(relay, await volunteer.pack(withoutEffect(work)));
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

/** The patch's values are all zeros: in order, and of no effect. */
function withoutEffect(work: Work): Work {
  const zero = { codes: work.patch.codes.map(() => 0), scales: work.patch.scales.map(() => 0) };
  return { ...work, patch: { ...work.patch, ...zero } };
}

test.each([
  ["recorded", withoutEffect],
  ["found anew", (work: Work) => withHeader(work, { steps: 21 })],
])("H10: a refusal with 422 repeats, %s", async (_, spoil) => {
  const parcel = await volunteer.pack(spoil(await freshWork(relay, volunteer)));
  const first = await put(relay, parcel);
  const second = await put(relay, parcel);
  expect(second.status).toBe(422);
  expect(await second.json()).toEqual(await first.json());
});

function recordedRefusals(): number {
  const database = new Database(join(relay.dataDir, "ledger.db"), { readonly: true });
  const count = database.prepare("select count(*) from refusals").pluck().get();
  database.close();
  return Number(count);
}

test("H10: what tickets decide takes no room in the ledger, however often it is asked and by whom", async () => {
  const [bearer, stranger] = await Promise.all([recruit(relay), recruit(relay)]);
  const open = await freshWork(relay, bearer);
  const used = await freshWork(relay, bearer);
  await settle(relay, await bearer.pack(used));
  const before = recordedRefusals();
  for (const device of ["one", "two"]) {
    const foreign = withHeader(open, { contributor: stranger.contributor, device });
    for (const [code, signer, work] of [
      ["ticket-unknown", bearer, withHeader(open, { ticket: "0".repeat(32), device })],
      ["ticket-foreign", stranger, foreign],
      ["ticket-mismatch", bearer, withHeader(open, { steps: 21, device })],
      ["ticket-used", bearer, withHeader(used, { device })],
    ] as const) {
      const parcel = await signer.pack(work);
      await expectRefusal(relay, 422, code, () => put(relay, parcel));
      await expectRefusal(relay, 422, code, () => put(relay, parcel));
    }
  }
  expect(recordedRefusals()).toBe(before);
});

test("H10: a ticket makes one recorded refusal, which its own upload hears again; all else hears that it is used", async () => {
  const bearer = await recruit(relay);
  const work = await freshWork(relay, bearer);
  const before = recordedRefusals();
  const parcel = await bearer.pack(withoutEffect(work));
  const answers = Array.from({ length: 6 }, async (_, i) => {
    for (let tick = 0; tick < i; tick++) await new Promise(setImmediate); // overlap in every way
    return expectRefusal(relay, 422, "no-effect", () => put(relay, parcel));
  });
  await Promise.all(answers);
  for (const again of [withHeader(withoutEffect(work), { device: "another" }), work]) {
    const next = await bearer.pack(again);
    await expectRefusal(relay, 422, "ticket-used", () => put(relay, next));
  }
  await expectRefusal(relay, 422, "no-effect", () => put(relay, parcel));
  expect(recordedRefusals()).toBe(before + 1);
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

test("H8: expired tickets, of which the ledger takes no note", async () => {
  const bearer = await recruit(relay);
  const work = await freshWork(relay, bearer);
  const before = recordedRefusals();
  relay.advance(25 * 3600_000);
  for (const device of ["one", "two"]) {
    const parcel = await bearer.pack(withHeader(work, { device }));
    await expectRefusal(relay, 422, "ticket-expired", () => put(relay, parcel));
  }
  expect(recordedRefusals()).toBe(before);
});
