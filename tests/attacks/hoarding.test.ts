import { afterEach, expect, test, vi } from "vitest";
import type { Ticket } from "../../core/protocol/schemas/ticket.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, type Volunteer, type Work } from "../fixtures/volunteer.ts";
import { put, recruit, settle, startPatientRelay, withHeader } from "./stage.ts";

vi.setConfig({ testTimeout: 60_000 }); // a relay with its threads starts first
const MOST_UNUSED = 32;
let relay: TestRelay;
afterEach(() => relay.remove());

/** As many tickets as one key may have out. */
async function askUntilHeldOff(volunteer: Volunteer): Promise<Ticket[]> {
  const tickets: Ticket[] = [];
  while (tickets.length < MOST_UNUSED) tickets.push(await volunteer.ask(relay.now()));
  await expectHeldOff(volunteer);
  return tickets;
}

async function expectHeldOff(volunteer: Volunteer): Promise<void> {
  await expect(volunteer.ask(relay.now())).rejects.toThrow("did not come back");
}

/** The same values under another ticket on the same base. */
function withTicket(work: Work, ticket: Ticket): Work {
  return withHeader(work, { ticket: ticket.id, shards: ticket.shards.map(({ index }) => index) });
}

function filledWith(work: Work, code: number, scale: number): Work {
  const { codes, scales } = work.patch;
  const values = { codes: codes.map(() => code), scales: scales.map(() => scale) };
  return { ...work, patch: { ...work.patch, ...values } };
}

test.each<[string, (work: Work) => Work]>([
  ["ticket-mismatch", (work) => withHeader(work, { steps: 21 })],
  ["no-effect", (work) => filledWith(work, 0, 0)],
  ["norm-too-large", (work) => filledWith(work, 7, 0x3c00)],
  ["copied", (work) => work],
])("H5: a piece that comes back and is refused as %s did come back", async (code, spoil) => {
  relay = await startPatientRelay();
  const volunteer = await recruit(relay);
  const work = await volunteer.work(await volunteer.ask(relay.now()));
  await settle(relay, await volunteer.pack(work));
  const [ticket] = await askUntilHeldOff(volunteer);
  const parcel = await volunteer.pack(spoil(withTicket(work, ticket!)));
  for (const _ of [1, 2]) {
    const answer = await put(relay, parcel);
    expect(await answer.json()).toMatchObject({ error: { code } }); // the same when it is sent again
  }
  await volunteer.ask(relay.now());
  await expectHeldOff(volunteer); // the others are out
});

test("H5: a piece that comes back too late did come back", async () => {
  const merge = { ...tinyRecipe.merge, cohortSize: 1, stalenessLimit: 0 };
  relay = await startTestRelay({ source: tinyModel({ merge }) });
  const [slow, quick] = await Promise.all([recruit(relay), recruit(relay)]);
  const [ticket] = await askUntilHeldOff(slow);
  const late = await slow.pack(await slow.work(ticket!));
  const parcel = await contribute(quick, relay.now());
  await put(relay, parcel);
  expect(await relay.decided(parcel.id)).toMatchObject({ version: 1 });
  for (const _ of [1, 2]) expect((await put(relay, late)).status).toBe(409);
  await slow.ask(relay.now());
  await expectHeldOff(slow);
});
