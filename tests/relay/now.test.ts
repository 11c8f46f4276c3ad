import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { eventually } from "../fixtures/eventually.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
const merge = { ...tinyRecipe.merge, cohortSize: 3, cohortSeconds: 600 };
let relay: TestRelay;
beforeAll(async () => {
  relay = await startTestRelay({ source: tinyModel({ merge }), seed: "now" });
});
afterAll(() => relay.remove());

test("H45: who trains is there from the ticket to the patch, and the patch fills a slot until the merge", async () => {
  const recipe = { ...tinyRecipe, merge };
  const [first, second] = [
    await createVolunteer(relay.client, recipe),
    await createVolunteer(relay.client, recipe),
  ];
  expect(await relay.client.now("tiny")).toEqual({
    model: "tiny",
    training: { count: 0, contributors: [] },
    cohort: { size: 3, queued: 0, contributors: [], closesInSeconds: null },
  });
  const made = await contribute(first, relay.now());
  await contribute(second, relay.now()); // asks for work, and keeps it to itself
  relay.advance(2000); // what was told before is too old now
  const both = (await relay.client.now("tiny")).training;
  expect(both.count).toBe(2);
  expect(both.contributors).toContainEqual({ contributor: first.contributor, name: null });

  await relay.client.putContribution(made.id, made.bytes, made.signature);
  await eventually(async () => {
    relay.advance(2000);
    const { training, cohort } = await relay.client.now("tiny");
    expect(training.contributors).toEqual([{ contributor: second.contributor, name: null }]);
    expect(cohort).toMatchObject({ size: 3, queued: 1, contributors: [first.contributor] });
    expect(cohort.closesInSeconds).toBeGreaterThan(0);
    expect(cohort.closesInSeconds).toBeLessThanOrEqual(600);
  });
});

test("H45: a model that is not there has no minute", async () => {
  await expect(relay.client.now("absent")).rejects.toMatchObject({ code: "model-unknown" });
});
