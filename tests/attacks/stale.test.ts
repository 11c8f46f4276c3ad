import { expect, test, vi } from "vitest";
import { decodePatchHeader } from "../../core/patch/patch.ts";
import { maintainerOf } from "../fixtures/maintainer.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer, type Parcel } from "../fixtures/volunteer.ts";
import { expectRefusal, put, recruit, startPatientRelay } from "./stage.ts";

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

/** Send an announced patch and hold its body back: returns, once the relay waits for the body, how to let it go. */
async function holdUpload(relay: TestRelay, { id, bytes, signature }: Parcel) {
  const asked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    asked.resolve();
    await released.promise;
    controller.enqueue(bytes);
    controller.close();
  };
  const answer = relay.ask(`/api/v1/contributions/${id}`, {
    method: "PUT",
    headers: {
      "commonweight-signature": signature,
      "commonweight-ticket": decodePatchHeader(bytes).ticket,
    },
    body: new ReadableStream({ pull }, { highWaterMark: 0 }),
    duplex: "half",
  } as RequestInit);
  await asked.promise;
  return () => {
    released.resolve();
    return answer;
  };
}

test("H7: an upload that was announced before a version and ends after it is stale, the seed of its base being known", async () => {
  const merge = { ...tinyRecipe.merge, cohortSize: 1, stalenessLimit: 1 };
  const relay = await startTestRelay({ source: tinyModel({ merge }), seed: "held" });
  try {
    const slow = await createVolunteer(relay.client, tinyRecipe);
    const late = await contribute(slow, relay.now());
    const quick = await createVolunteer(relay.client, tinyRecipe);
    const [first, second] = [
      await contribute(quick, relay.now()),
      await contribute(quick, relay.now()),
    ];
    await put(relay, first);
    await relay.decided(first.id);
    const release = await holdUpload(relay, late);
    await put(relay, second);
    expect(await relay.decided(second.id)).toMatchObject({ version: 2 });
    await expectRefusal(relay, 409, "stale", release);
  } finally {
    await relay.remove();
  }
});

test("R5: an upload that was announced before a retirement and ends after it is refused", async () => {
  const relay = await startPatientRelay();
  try {
    const late = await contribute(await recruit(relay), relay.now());
    const release = await holdUpload(relay, late);
    const maintainer = await maintainerOf(relay);
    await maintainer.retire({ model: "tiny", reason: "It has served." });
    await expectRefusal(relay, 409, "retired", release);
  } finally {
    await relay.remove();
  }
});
