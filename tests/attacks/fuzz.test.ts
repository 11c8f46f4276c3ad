/** Whatever is asked, the relay answers by name: no request is a mistake of its own. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { signRequest } from "../../core/protocol/signed-request.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { bytesOf, type Volunteer, type Work } from "../fixtures/volunteer.ts";
import { freshWork, put, recruit, withHeader } from "./stage.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 }); // a relay with its threads starts first
const told = vi.spyOn(console, "error").mockImplementation(() => {});
let relay: TestRelay;
let volunteer: Volunteer;
let work: Work;
let token: string;
beforeAll(async () => {
  const config = { addressRequestsPerMinute: 1e6, keyRequestsPerMinute: 1e6 }; // all are looked at
  relay = await startTestRelay({ config });
  volunteer = await recruit(relay);
  work = await freshWork(relay, volunteer);
  token = readFileSync(relay.relay.maintainerTokenFile, "utf8").trim();
});
afterAll(() => relay.remove());

const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.constantFrom("\ud800", "%", "%ff", "%00", "..", "tiny", "0", "head", "1e9", "-1", "__proto__"),
);
const headerValue = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.constantFrom(
    "bytes=0-0",
    "bytes=-",
    "bytes=0-,-1",
    "*",
    "W/",
    '"',
    "gzip;q=0",
    "0",
    "1e99",
    "Bearer x",
  ),
);
const headers = fc.dictionary(
  fc.constantFrom(
    ...["range", "if-range", "if-none-match", "if-match", "if-modified-since", "accept-encoding"],
    ...["accept", "last-event-id", "x-forwarded-for", "authorization", "commonweight-ticket"],
    ...["commonweight-signature", "content-type", "commonweight-protocol"],
  ),
  headerValue,
  { maxKeys: 4 },
);
const json = fc.oneof(
  fc.json({ maxDepth: 3 }),
  fc
    .record({ model: text, version: fc.integer(), tag: text, contribution: text })
    .map((x) => JSON.stringify(x)),
  fc.record({ contributor: text, reason: text }).map((x) => JSON.stringify(x)),
  fc.constantFrom(
    "[".repeat(8000),
    `${"[".repeat(8000)}${"]".repeat(8000)}`,
    '{"model":"tiny","reason":"\\ud800"}',
  ),
);
const places = [
  ...[
    "health",
    "models",
    "models/tiny",
    "models/:x",
    "models/:x/versions",
    "models/tiny/versions?before=:x",
  ],
  ...[
    "models/tiny/versions/:x",
    "models/tiny/versions/:x/checkpoint",
    "models/tiny/versions/0/checkpoint?from=:x",
  ],
  ...[
    "models/tiny/versions/:x/export.safetensors",
    "models/tiny/shards",
    "blobs/:x",
    "contributions/:x",
  ],
  ...[
    "contributions?contributor=:x",
    "leaderboard?model=tiny&window=:x",
    "leaderboard?model=:x",
    "refused-work?model=:x",
    "openapi.json",
  ],
  ...[
    "events?topics=:x",
    "admin/audit",
    "admin/revert/:x",
    "admin/pause",
    "admin/tag",
    "admin/ban",
    "admin/unban",
  ],
  ...["admin/revert", "models/tiny/tickets", "models/:x/tickets", ":x"],
];

/** The answer's status, of which none may be the relay's own mistake. */
async function expectNamed(path: string, init: RequestInit): Promise<void> {
  told.mockClear();
  let answer: Response;
  try {
    answer = await relay.ask(path, init);
  } catch (error) {
    if (error instanceof TypeError && told.mock.calls.length === 0) return; // no request that HTTP can carry
    throw error;
  }
  const hint = `${init.method} ${path} ${told.mock.calls[0]?.[0]}`;
  expect(answer.status, hint).not.toBe(500);
  expect(answer.headers.get("content-security-policy"), hint).not.toBeNull();
  await answer.body?.cancel();
}

test("H1: no address, header or JSON makes a mistake of the relay's own", async () => {
  const request = fc.record({
    place: fc.constantFrom(...places),
    value: text,
    method: fc.constantFrom("GET", "GET", "HEAD", "POST", "POST", "PUT", "DELETE", "OPTIONS"),
    headers,
    json,
    isMaintainer: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      request,
      async ({ place, value, method, headers: own, json: body, isMaintainer }) => {
        const path = `/api/v1/${place.replace(":x", () => encode(value))}`;
        const all = isMaintainer ? { ...own, authorization: `Bearer ${token}` } : own;
        const hasBody = method === "POST" || method === "PUT";
        await expectNamed(path, { method, headers: all, ...(hasBody && { body }) });
      },
    ),
    { numRuns: 3000 },
  );
});

/** Half of the values as they are, so that addresses are met that nobody may write. */
function encode(value: string): string {
  return value.isWellFormed() && value.length % 2 === 0 ? encodeURIComponent(value) : value;
}

test("H1: no signed request for work makes a mistake of the relay's own", async () => {
  const request = fc.record(
    {
      contributor: fc.constantFrom(volunteer.contributor, "\ud800"),
      issuedAt: fc.oneof(fc.constant(relay.now()), fc.double()),
      backend: fc.oneof(fc.constantFrom("cpu", "wasm", "webgpu"), text),
      device: text,
    },
    { requiredKeys: ["contributor", "issuedAt"] },
  );
  const path = "/api/v1/models/tiny/tickets";
  await fc.assert(
    fc.asyncProperty(request, async (value) => {
      const body = new TextEncoder().encode(JSON.stringify(value));
      const signature = await signRequest(path, body, volunteer.keys.privateKey);
      const own = { "commonweight-signature": signature };
      await expectNamed(path, { method: "POST", headers: own, body });
    }),
    { numRuns: 300 },
  );
});

test("H1: no signed file with other bytes makes a mistake of the relay's own", async () => {
  const whole = bytesOf(work);
  const change = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), {
    minLength: 1,
    maxLength: 4,
  });
  const early = fc.array(fc.tuple(fc.nat(900), fc.nat(255)), { minLength: 1, maxLength: 2 });
  await fc.assert(
    fc.asyncProperty(fc.oneof(change, early), async (changes) => {
      const bytes = whole.slice();
      for (const [at, byte] of changes) bytes[at] = byte;
      const answer = await put(relay, await volunteer.sign(bytes));
      expect(answer.status, String(told.mock.calls[0]?.[0])).not.toBe(500);
    }),
    { numRuns: 600 },
  );
});

test("P1: text in a header that no UTF-8 can hold is malformed", async () => {
  for (const device of ["\ud800", "\udfff\ud800"]) {
    expect(() => bytesOf(withHeader(work, { device }))).toThrow("json"); // not even a sender can write it
  }
});
