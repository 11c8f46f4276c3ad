import { expect, test, vi } from "vitest";
import { startTestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";
import { expectRefusal, put } from "./stage.ts";

vi.setConfig({ testTimeout: 60_000 }); // a relay with its threads starts first

test("H8: work past the staleness limit is answered 409 with the head, and may come again in vain", async () => {
  const merge = { ...tinyRecipe.merge, cohortSize: 1, stalenessLimit: 1 };
  const relay = await startTestRelay({ source: tinyModel({ merge }) });
  try {
    const slow = await createVolunteer(relay.client, tinyRecipe);
    const late = await contribute(slow, relay.now());
    const quick = await createVolunteer(relay.client, tinyRecipe);
    for (const number of [1, 2]) {
      const parcel = await contribute(quick, relay.now());
      await put(relay, parcel);
      expect(await relay.decided(parcel.id)).toMatchObject({ version: number });
    }
    for (const _ of [1, 2]) await expectRefusal(relay, 409, "stale", () => put(relay, late));
  } finally {
    await relay.remove();
  }
});
