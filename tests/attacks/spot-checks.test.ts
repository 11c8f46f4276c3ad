import { readFile } from "node:fs/promises";
import { afterEach, expect, test, vi } from "vitest";
import type { Ticket } from "../../core/protocol/schemas/ticket.ts";
import { eventually } from "../fixtures/eventually.ts";
import { reverted } from "../fixtures/maintainer.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer, type Volunteer, type Work } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000 }); // starts a relay with its threads
const COHORT_SECONDS = 1000;
let relay: TestRelay;
afterEach(() => relay.remove());

/** Half of the ticket's steps, and a delta twice as long; the header tells of all of them. */
async function halfTheWork(volunteer: Volunteer, ticket: Ticket): Promise<Work> {
  const { training } = ticket;
  const work = await volunteer.work({
    ...ticket,
    training: { ...training, steps: training.steps / 2 },
  });
  const header = {
    ...work.patch.header,
    steps: training.steps,
    examples: training.steps * training.batch,
  };
  const scales = work.patch.scales.map((bits) => (bits === 0 ? 0 : bits + 0x400)); // exponent + 1
  return { ...work, patch: { ...work.patch, header, scales } };
}

test("G19: half the work, rescaled, is noticed, and costs its sender all that waits; honest work stays", async () => {
  const merge = { ...tinyRecipe.merge, cohortSize: 9, cohortSeconds: COHORT_SECONDS };
  const score = { ...tinyRecipe.score, spotCheckShare: 1 };
  relay = await startTestRelay({ source: tinyModel({ merge, score }) });
  const { client } = relay;
  const honest = await createVolunteer(client, tinyRecipe);
  const lazy = await createVolunteer(client, tinyRecipe);
  const works = [
    await contribute(honest, relay.now()),
    await contribute(lazy, relay.now()),
    await lazy.pack(await halfTheWork(lazy, await lazy.ask(relay.now()))),
  ];
  for (const { id, bytes, signature } of works) {
    await client.putContribution(id, bytes, signature);
  }
  const [other, before, half] = works.map(({ id }) => id);
  expect(await relay.decided(half!)).toMatchObject({
    state: "refused",
    reason: { code: "spot-check-failed", message: /came out differently/ },
  });
  const { state, reason } = await client.contribution(before!);
  expect([state, reason?.code]).toEqual(["refused", "spot-check-failed"]);
  expect(reason?.message).toContain("other work");

  relay.advance(1000 * COHORT_SECONDS);
  expect(await relay.decided(other!)).toMatchObject({ state: "merged", version: 1 });
  const token = await readFile(relay.relay.maintainerTokenFile, "utf8");
  const audit = await relay.ask("/api/v1/admin/audit", {
    headers: { authorization: `Bearer ${token}` },
  });
  const { entries } = (await audit.json()) as { entries: { action: string; subject: string }[] };
  expect(entries).toMatchObject([{ action: "spot-check-failed", subject: half }]);
});

test("G19: a lie that was drawn is not merged before its check, however soon a cohort is due", async () => {
  const merge = { ...tinyRecipe.merge, cohortSize: 1 }; // what is queued is merged at once
  const score = { ...tinyRecipe.score, spotCheckShare: 1 };
  relay = await startTestRelay({ source: tinyModel({ merge, score }) });
  const { client } = relay;
  const lazy = await createVolunteer(client, tinyRecipe);
  const honest = await createVolunteer(client, tinyRecipe);
  const works = [
    await lazy.pack(await halfTheWork(lazy, await lazy.ask(relay.now()))),
    await contribute(honest, relay.now()),
  ];
  for (const { id, bytes, signature } of works) {
    await client.putContribution(id, bytes, signature);
  }
  const [half, other] = works.map(({ id }) => id);
  expect(await relay.decided(half!)).toMatchObject({
    state: "refused",
    reason: { code: "spot-check-failed" },
  });
  expect(await relay.decided(other!)).toMatchObject({ state: "merged", version: 1 });
});

test("H26: what a caught key had merged before is looked at again, and named on Health until it is reverted", async () => {
  const merge = { ...tinyRecipe.merge, cohortSize: 1 };
  const score = { ...tinyRecipe.score, spotCheckShare: 1 };
  const gate = { ...tinyRecipe.gate, marginNats: 2 }; // taking good work out must pass
  relay = await startTestRelay({ source: tinyModel({ merge, score, gate }), seed: "caught" });
  const { client } = relay;
  const [sleeper, honest] = [
    await createVolunteer(client, tinyRecipe),
    await createVolunteer(client, tinyRecipe),
  ];
  const merged: string[] = [];
  for (const volunteer of [sleeper, honest, sleeper]) {
    const { id, bytes, signature } = await contribute(volunteer, relay.now());
    await client.putContribution(id, bytes, signature);
    expect((await relay.decided(id)).state).toBe("merged");
    if (volunteer === sleeper) merged.unshift(id);
  }
  expect(await caught()).toEqual([]);
  const lie = await sleeper.pack(await halfTheWork(sleeper, await sleeper.ask(relay.now())));
  await client.putContribution(lie.id, lie.bytes, lie.signature);
  expect((await relay.decided(lie.id)).reason?.code).toBe("spot-check-failed");

  const preview = { head: 3, contributions: 2, objection: null, riseNats: expect.any(Number) };
  const { contributor } = sleeper;
  await eventually(async () =>
    expect(await caught()).toEqual([
      { contributor, at: expect.any(Number), contributions: merged, preview },
    ]),
  );
  expect((await client.model("tiny")).head.number).toBe(3); // nothing was published

  for (const contribution of merged) {
    expect((await reverted(relay, contribution)).state).toBe("published");
  }
  expect(await caught()).toEqual([]);
});

async function caught() {
  const { models } = await relay.client.health();
  return models[0]!.caught;
}
