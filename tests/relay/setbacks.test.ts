import { DatabaseSync } from "node:sqlite";
import { afterEach, expect, test, vi } from "vitest";
import { eventually } from "../fixtures/eventually.ts";
import { maintainerOf } from "../fixtures/maintainer.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000 }); // starts a relay with its threads
let relay: TestRelay;
afterEach(() => relay.remove());

/** Spoil what waits, as a fault of the relay's own would. */
function spoil(dataDir: string, id: string): void {
  const database = new DatabaseSync(`${dataDir}/ledger.db`);
  const bytes = Buffer.from("no patch");
  const changed = database
    .prepare("update waiting_bytes set bytes = ? where contribution = ?")
    .run(bytes, id);
  database.close();
  expect(changed.changes).toBe(1);
}

test("H14: a contribution whose judging fails stops nobody: others are merged, and at the third failure it is set aside with its error", async () => {
  const logged = vi.spyOn(console, "error").mockImplementation(() => {});
  const merge = { ...tinyRecipe.merge, cohortSize: 1 };
  relay = await startTestRelay({ source: tinyModel({ merge }) });
  const { client } = relay;
  const maintainer = await maintainerOf(relay);
  await maintainer.pause({ model: "tiny", reason: "a test" });
  const volunteers = [];
  for (let i = 0; i < 4; i++) volunteers.push(await createVolunteer(client, tinyRecipe));
  await maintainer.resume({ model: "tiny", reason: "a test" }); // only then are there tickets
  const works = [];
  for (const volunteer of volunteers) works.push(await contribute(volunteer, relay.now()));
  await maintainer.pause({ model: "tiny", reason: "a test" });
  for (const { id, bytes, signature } of works) await client.putContribution(id, bytes, signature);
  const [poisoned, ...honest] = works.map(({ id }) => id);
  spoil(relay.dataDir, poisoned!);
  await maintainer.resume({ model: "tiny", reason: "a test" });
  for (const id of honest) expect((await relay.decided(id)).state).toBe("merged");
  const health = await client.health();
  expect(health.models[0]?.problem).toMatch(/fails at judging 1 contribution, and tries again/);
  const rests = setInterval(() => relay.advance(60_000), 500);
  const life = await relay.decided(poisoned!);
  clearInterval(rests);
  expect(life).toMatchObject({ state: "refused", reason: { code: "judging-failed" } });
  const { entries } = await maintainer.audit();
  expect(entries[0]).toMatchObject({ action: "judging-failed", subject: poisoned });
  await eventually(async () => expect((await client.health()).models[0]?.problem).toBeNull());
  logged.mockRestore();
});
