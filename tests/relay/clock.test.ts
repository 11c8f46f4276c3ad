/** A relay whose clock is set back, or runs a day ahead. */
import { afterEach, expect, test, vi } from "vitest";
import { eventually } from "../fixtures/eventually.ts";
import { maintainerOf } from "../fixtures/maintainer.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000 }); // a relay with its threads starts first
const DAY_MS = 24 * 3600_000;
const gate = { ...tinyRecipe.gate, marginNats: 2 };
let relay: TestRelay;
afterEach(() => relay.remove());

/** Hand a piece of work in; returns its id. */
async function send(): Promise<string> {
  const volunteer = await createVolunteer(relay.client, tinyRecipe);
  const { id, bytes, signature } = await contribute(volunteer, relay.now());
  await relay.client.putContribution(id, bytes, signature);
  return id;
}

test("H24: a lone piece does not wait for as long as the clock was set back", async () => {
  const merge = { ...tinyRecipe.merge, cohortSeconds: 1000 };
  relay = await startTestRelay({ source: tinyModel({ merge, gate }) });
  const id = await send();
  const state = async () => (await relay.client.contribution(id)).state;
  await eventually(async () => expect(await state()).toBe("queued"));
  relay.advance(-DAY_MS);
  await eventually(async () => expect(await state()).toBe("merged"));
});

test("H16: the release is what was tagged last, also after the clock was set back", async () => {
  const merge = { ...tinyRecipe.merge, cohortSize: 1 };
  relay = await startTestRelay({ source: tinyModel({ merge, gate }) });
  await relay.decided(await send());
  await relay.decided(await send());
  const maintainer = await maintainerOf(relay);
  await maintainer.tag({
    ...{ model: "tiny", version: 1, tag: "1.0.0" },
    reason: "a test",
  });
  relay.advance(-DAY_MS);
  const health = await maintainer.tag({
    ...{ model: "tiny", version: 2, tag: "2.0.0" },
    reason: "a test",
  });
  expect([health.release?.tag, health.standard]).toEqual(["2.0.0", 2]);
});

test("H24: a relay that refuses nearly everybody for the time says that it is its own clock", async () => {
  relay = await startTestRelay();
  relay.advance(DAY_MS);
  for (let i = 0; i < 3; i++) {
    const volunteer = await createVolunteer(relay.client, tinyRecipe);
    await expect(volunteer.ask(Date.now())).rejects.toMatchObject({ code: "clock-skew" });
  }
  const { status, models } = await relay.client.health();
  expect(status).toBe("degraded");
  expect(models[0]?.problem).toMatch(/relay's clock seems to be wrong: it is 1440 minutes ahead/);
});
