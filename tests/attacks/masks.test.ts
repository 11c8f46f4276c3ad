import { afterEach, expect, test, vi } from "vitest";
import { quantise, segmentStarts } from "../../core/patch/quantiser.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import type { TestRelay } from "../fixtures/test-relay.ts";
import { tinyRecipe } from "../fixtures/tiny-model.ts";
import { createVolunteer, type Work } from "../fixtures/volunteer.ts";
import { expectRefusal, freshWork, put, recruit, startPatientRelay } from "./stage.ts";

vi.setConfig({ testTimeout: 60_000 }); // each test starts a relay with its threads
const fisher = { examples: 48, damping: 0, outputShare: 0, vectorShare: 0, tensorCap: 1 };
const mask: Recipe["mask"] = { kind: "own", density: 0.3, epochVersions: 1, fisher };
let relay: TestRelay;
afterEach(() => relay.remove());

/** The same header over the first `size` positions of the model. */
function onFirst(work: Work, size: number): Work {
  const positions = Uint32Array.from({ length: size }, (_, i) => i);
  const values = quantise(new Float32Array(size).fill(0.1), segmentStarts(work.layout, positions));
  const header = { ...work.patch.header, mask: { kind: "own", count: size } as const };
  return { ...work, positions, patch: { ...work.patch, ...values, header, positions } };
}

test("H8: an own mask of more positions than the ticket allows; with fewer it is taken", async () => {
  relay = await startPatientRelay({ mask });
  const volunteer = await createVolunteer(relay.client, { ...tinyRecipe, mask });
  const work = await freshWork(relay, volunteer);
  const most = work.positions.length;
  await expectRefusal(relay, 422, "ticket-mismatch", async () =>
    put(relay, await volunteer.pack(onFirst(work, most + 1))),
  );
  const fewer = onFirst(await freshWork(relay, volunteer), most - 1);
  expect((await put(relay, await volunteer.pack(fewer))).status).toBe(201);
});

test("H8: an own mask where everybody has the same one", async () => {
  relay = await startPatientRelay();
  const volunteer = await recruit(relay);
  const work = await freshWork(relay, volunteer);
  await expectRefusal(relay, 422, "ticket-mismatch", async () =>
    put(relay, await volunteer.pack(onFirst(work, work.positions.length))),
  );
});

test("H8: Fisher weights that nobody asked for", async () => {
  relay = await startPatientRelay();
  const volunteer = await recruit(relay);
  const work = await freshWork(relay, volunteer);
  const weights = new Uint8Array(work.positions.length).fill(255);
  await expectRefusal(relay, 422, "ticket-mismatch", async () =>
    put(relay, await volunteer.pack({ ...work, patch: { ...work.patch, fisher: weights } })),
  );
});

test("H8: no Fisher weights where the merge goes by them", async () => {
  const merge = { ...tinyRecipe.merge, rule: "fisher" as const };
  relay = await startPatientRelay({ merge, mask: { ...mask, kind: "random" } });
  const volunteer = await recruit(relay);
  await expectRefusal(relay, 422, "ticket-mismatch", async () =>
    put(relay, await volunteer.pack(await freshWork(relay, volunteer))),
  );
});
