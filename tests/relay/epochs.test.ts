import { afterEach, expect, test, vi } from "vitest";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { createVolunteer, type Parcel } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000 }); // each test starts a relay with its threads
const gate = { ...tinyRecipe.gate, marginNats: 2 };
const MINUTE_MS = 60_000;

let relay: TestRelay;
afterEach(() => relay.remove());

/** As many volunteers with a ticket each, and the finished work of each, to be sent when the test wants. */
async function crew(size: number) {
  const sends: (() => Promise<Parcel>)[] = [];
  for (let i = 0; i < size; i++) {
    const volunteer = await createVolunteer(relay.client, tinyRecipe);
    const ticket = await volunteer.ask(relay.now());
    sends.push(async () => {
      const parcel = await volunteer.pack(await volunteer.work(ticket));
      await relay.client.putContribution(parcel.id, parcel.bytes, parcel.signature);
      return parcel;
    });
  }
  return sends;
}

async function maskOf(version: number): Promise<string> {
  return JSON.stringify((await relay.client.version("tiny", version)).record.mask);
}

test("M6: a mask stays while much of its work is out, and goes when that has come or will not come", async () => {
  const merge = { ...tinyRecipe.merge, cohortSize: 1, cohortSeconds: 1, stalenessLimit: 9 };
  const mask = { ...tinyRecipe.mask, epochVersions: 1 };
  relay = await startTestRelay({ source: tinyModel({ merge, mask, gate }), lots: 255 });
  const [first, second, late] = await crew(3);
  expect(await relay.decided((await first!()).id)).toMatchObject({ version: 1 });
  expect(await maskOf(1)).toBe(await maskOf(0)); // two pieces are out
  relay.advance(11 * MINUTE_MS); // they take too long to be waited for
  expect(await relay.decided((await second!()).id)).toMatchObject({ version: 2 });
  expect(await maskOf(2)).not.toBe(await maskOf(1));
  expect(await relay.decided((await late!()).id)).toMatchObject({ version: 3 });
  expect((await relay.client.health()).models[0]?.onMask24h).toBeCloseTo(2 / 3);
});

test("G18: a cohort waits for half of the work that is out", async () => {
  const merge = { ...tinyRecipe.merge, cohortSize: 1, cohortSeconds: 1_000_000 };
  relay = await startTestRelay({ source: tinyModel({ merge, gate }), lots: 255 });
  const [first, second] = await crew(6);
  const parcels = [await first!(), await second!()]; // 5 are out, then 4: one is too few, two are enough
  for (const { id } of parcels) expect(await relay.decided(id)).toMatchObject({ version: 1 });
  expect((await relay.client.model("tiny")).head).toMatchObject({ number: 1, contributions: 2 });
});
