import { afterEach, expect, test, vi } from "vitest";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 300_000 }); // a hundred pieces are trained and judged one after another
const VOLUNTEERS = 12;
const PIECES = 120;
let relay: TestRelay;
afterEach(() => relay.remove());

test("G18: a hundred and twenty honest pieces that arrive at once are all merged, in hardly more versions than one", async () => {
  const merge = { ...tinyRecipe.merge, cohortSeconds: 600 };
  const gate = { ...tinyRecipe.gate, marginNats: 0.02 };
  relay = await startTestRelay({ source: tinyModel({ merge, gate }), seed: "backlog" });
  const volunteers = await Promise.all(
    Array.from({ length: VOLUNTEERS }, () => createVolunteer(relay.client, tinyRecipe)),
  );
  const parcels = [];
  for (let i = 0; i < PIECES; i++) {
    parcels.push(await contribute(volunteers[i % VOLUNTEERS]!, relay.now()));
  }
  await Promise.all(
    parcels.map(({ id, bytes, signature }) => relay.client.putContribution(id, bytes, signature)),
  );
  const lives = await Promise.all(parcels.map(({ id }) => relay.decided(id)));
  expect(lives.filter(({ state }) => state !== "merged")).toEqual([]);
  const { head } = await relay.client.model("tiny");
  expect(head.number).toBeLessThanOrEqual(3);
});
