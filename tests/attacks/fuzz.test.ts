/** Whatever is asked, the relay answers by name: no request is a mistake of its own. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { bytesOf, type Volunteer, type Work } from "../fixtures/volunteer.ts";
import { fuzzDecoders } from "../fuzz/decoders.ts";
import { fuzzPeers } from "../fuzz/peers.ts";
import { fuzzRequests, fuzzTickets } from "../fuzz/requests.ts";
import { freshWork, put, recruit, withHeader } from "./stage.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 }); // a relay with its threads starts first
const SEED = 1;
const spy = vi.spyOn(console, "error").mockImplementation(() => {});
const told = {
  get calls() {
    return spy.mock.calls.flat();
  },
  clear: () => void spy.mockClear(),
};
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

test("every decoder reads what it is given or names what is wrong, in bounded memory", () =>
  fuzzDecoders(20_000, SEED));

test("H1: no address, header or JSON makes a mistake of the relay's own", () =>
  fuzzRequests({ relay, told }, token, 3000, SEED));

test("H1: no signed request for work makes a mistake of the relay's own", () =>
  fuzzTickets({ relay, told }, volunteer, 300, SEED));

test("W: no message to signalling is a mistake of the relay's own", () =>
  fuzzPeers({ relay, told }, 2000, SEED));

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
      expect(answer.status, String(told.calls[0])).not.toBe(500);
    }),
    { numRuns: 600 },
  );
});

test("P1: text in a header that no UTF-8 can hold is malformed", async () => {
  for (const device of ["\ud800", "\udfff\ud800"]) {
    expect(() => bytesOf(withHeader(work, { device }))).toThrow("json"); // not even a sender can write it
  }
});
