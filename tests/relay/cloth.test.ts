import { afterEach, expect, test, vi } from "vitest";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000 }); // each test starts a relay with its threads
let relay: TestRelay;
afterEach(() => relay.remove());

test("H38: a version's cloth shows where its patches reached and whose they are; version 0 is nobody's", async () => {
  relay = await startTestRelay({ seed: "cloth" });
  const volunteer = await createVolunteer(relay.client, tinyRecipe);
  const parcel = await contribute(volunteer, relay.now());
  await relay.client.putContribution(parcel.id, parcel.bytes, parcel.signature);
  expect(await relay.decided(parcel.id)).toMatchObject({ state: "merged", version: 1 });

  const { parameters } = await relay.client.model("tiny");
  const cloth = await relay.client.cloth("tiny", 1);
  expect(cloth).toMatchObject({ weights: parameters, contributors: [volunteer.contributor] });
  const touched = [...cloth.touched].filter((digit) => digit !== "0").length;
  expect(touched).toBeGreaterThan(0);
  expect(cloth.most.match(/../g)?.filter((index) => index === "00")).toHaveLength(touched);

  const first = await relay.client.cloth("tiny", 0);
  expect(first).toMatchObject({ touched: "0".repeat(1152), contributors: [] });
  await expect(relay.client.cloth("tiny", 7)).rejects.toMatchObject({ code: "version-unknown" });
});
