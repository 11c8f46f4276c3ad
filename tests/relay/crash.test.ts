import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import type { Contribution } from "../../core/protocol/schemas/contribution.ts";
import { createRandom } from "../../core/random.ts";
import {
  type KillableRelay,
  kill,
  killAll,
  spawnRelay,
  startKillable,
} from "../fixtures/killable-relay.ts";
import { tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer, type Parcel } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 180_000 });
afterEach(killAll);
const SEED = Number(process.env.SEED ?? 1);
const KILLS = 6;
type Client = KillableRelay["client"];

/** Work and send until the relay is gone; what it acknowledged is noted in `acknowledged`. */
async function contributeUntilKilled(client: Client, sent: Parcel[], acknowledged: Set<string>) {
  const volunteer = await createVolunteer(client, tinyRecipe);
  for (;;) {
    const parcel = await contribute(volunteer, Date.now()).catch(() => null);
    if (parcel === null) return;
    sent.push(parcel);
    const receipt = await client
      .putContribution(parcel.id, parcel.bytes, parcel.signature)
      .catch(() => null); // killed: not acknowledged, so it may or may not be there
    if (receipt === null) return;
    acknowledged.add(parcel.id);
  }
}

/** Every merge input of the whole history. */
async function mergedInputs(client: Client): Promise<string[]> {
  const { head } = await client.model("tiny");
  const inputs = [];
  for (let number = 1; number <= head.number; number++) {
    const { record } = await client.version("tiny", number);
    inputs.push(...(record.merge?.inputs ?? []).map(({ contribution }) => contribution));
  }
  return inputs;
}

test(`kill -9 at any moment loses no acknowledged contribution and merges none twice (seed ${SEED})`, async () => {
  const random = createRandom(SEED);
  const dataDir = await mkdtemp(join(tmpdir(), "commonweight-crash-"));
  const sent: Parcel[] = [];
  const acknowledged = new Set<string>();
  try {
    for (let round = 0; round < KILLS; round++) {
      const { child, client } = await startKillable(dataDir);
      const work = [1, 2, 3].map(() => contributeUntilKilled(client, sent, acknowledged));
      await pause(200 + random.below(1800)); // the moment is what is tested
      await kill(child);
      await Promise.all(work);
    }
    const { child, client } = await startKillable(dataDir);
    const lives: Contribution[] = [];
    for (const { id, bytes, signature } of sent) {
      if (acknowledged.has(id)) lives.push(await client.contribution(id)); // throws if it was lost
      await client.putContribution(id, bytes, signature).catch((error: unknown) => {
        expect(error).toMatchObject({ code: "stale" }); // never acknowledged, too old by now
      });
    }
    expect(lives.length).toBe(acknowledged.size);
    expect(lives.length).toBeGreaterThan(0);

    let waiting = 1;
    while (waiting > 0) {
      const [health] = (await client.health()).models;
      const { received, scored, queued } = health!.waiting;
      waiting = received + scored + queued;
      if (waiting > 0) await pause(200);
    }
    const inputs = await mergedInputs(client);
    expect(new Set(inputs).size).toBe(inputs.length);
    for (const { id } of lives) {
      const { state } = await client.contribution(id);
      expect([id, state]).toEqual([id, inputs.includes(id) ? "merged" : "refused"]);
    }
    await kill(child);
    expect((await readdir(join(dataDir, "tmp"))).length).toBeLessThanOrEqual(3); // drafts of the last moment only
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});

test("an import that is killed starts anew and ends with the same model", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "commonweight-crash-"));
  try {
    for (const waitMs of [150, 300, 450]) {
      const child = spawnRelay(dataDir);
      await pause(waitMs);
      await kill(child);
    }
    const { child, client } = await startKillable(dataDir);
    const { shards } = await client.shards("tiny");
    for (const { sha256, sizeBytes } of shards) {
      expect((await client.blob(sha256)).length).toBe(sizeBytes);
    }
    expect((await client.model("tiny")).head.number).toBe(0);
    await kill(child);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});
