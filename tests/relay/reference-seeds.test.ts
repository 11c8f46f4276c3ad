import { afterEach, expect, test, vi } from "vitest";
import { commitToSeed, isRevealedTruly } from "../../core/history/reference-seed.ts";
import type { VersionRecord } from "../../core/protocol/schemas/version.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000 }); // starts a relay with its threads
let relay: TestRelay;
afterEach(() => relay.remove());

const VERSIONS = 4;

async function publishVersions(references: number): Promise<VersionRecord[]> {
  const merge = { ...tinyRecipe.merge, cohortSize: 1, stalenessLimit: 1 };
  const gate = { ...tinyRecipe.gate, marginNats: 2 };
  const score = { ...tinyRecipe.score, references, leastZ: -8 };
  relay = await startTestRelay({ source: tinyModel({ merge, gate, score }), lots: 255 });
  for (let number = 1; number <= VERSIONS; number++) {
    const volunteer = await createVolunteer(relay.client, tinyRecipe);
    const { id, bytes, signature } = await contribute(volunteer, relay.now());
    await relay.client.putContribution(id, bytes, signature);
    expect(await relay.decided(id)).toMatchObject({ state: "merged", version: number });
    if (number === 2) relay = await relay.restart(); // the secret stays
  }
  const numbers = Array.from({ length: VERSIONS + 1 }, (_, number) => number);
  return Promise.all(
    numbers.map(async (number) => (await relay.client.version("tiny", number)).record),
  );
}

test("V11: each version commits to its reference's seed, and reveals the one that work has ended for", async () => {
  const records = await publishVersions(2);
  const seeds = new Set<string>();
  for (const record of records) {
    const { number, reference } = record;
    expect(reference?.commitment).toMatch(/^[0-9a-f]{64}$/);
    expect(reference?.revealed?.version).toBe(number < 2 ? undefined : number - 2); // work may be one version late
    if (reference?.revealed === undefined) continue;
    const earlier = (version: number) => (version < number ? records[version] : undefined);
    expect(await isRevealedTruly(record, earlier)).toBe(true);
    seeds.add(reference.revealed.seed);
    const { revealed } = reference;
    const other = { ...revealed, seed: await commitToSeed(revealed.seed) };
    const lie = { ...record, reference: { ...reference, revealed: other } };
    expect(await isRevealedTruly(lie, earlier)).toBe(false);
    expect(await isRevealedTruly(record, (version) => earlier(version + 1))).toBe(false);
  }
  expect(seeds.size).toBe(VERSIONS - 1);
});

test("V11: a recipe without references has nothing to reveal", async () => {
  const records = await publishVersions(0);
  expect(records.map(({ reference }) => reference)).toEqual(records.map(() => undefined));
});
