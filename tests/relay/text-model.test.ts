import { afterEach, expect, test, vi } from "vitest";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyTextModel, tinyTextRecipe } from "../fixtures/tiny-text-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000 }); // starts a relay with its threads
let relay: TestRelay;
afterEach(() => relay.remove());

test("a GPT goes the same walk: trained on text, scored and gated by speeches, published", async () => {
  relay = await startTestRelay({ source: tinyTextModel() });
  const { base } = await relay.client.model("tiny-text");
  expect(base.report).toMatchObject({ examples: 12 });
  expect(base.report.lossNats).toBeGreaterThan(4); // log 128 is 4.85

  const volunteer = await createVolunteer(relay.client, tinyTextRecipe);
  const parcel = await contribute(volunteer, relay.now());
  await relay.client.putContribution(parcel.id, parcel.bytes, parcel.signature);
  expect(await relay.decided(parcel.id)).toMatchObject({ state: "merged", version: 1 });

  const { head } = await relay.client.model("tiny-text");
  expect(head.report.lossNats).toBeLessThan(base.report.lossNats);
});
