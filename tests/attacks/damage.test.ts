/** Flipped bits and disks that fail under a running relay: found, named on Health, and lived with. */
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { eventually } from "../fixtures/eventually.ts";
import { killAll, startKillable } from "../fixtures/killable-relay.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 120_000 }); // a relay with its threads starts first
let relay: TestRelay | null = null;
afterEach(async () => {
  await relay?.remove();
  relay = null;
  await killAll();
});

async function flipBit(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(path, bytes);
}

test("a flipped bit in a shard is found before it is handed out, named on Health, and the other shards are used", async () => {
  const score = { ...tinyRecipe.score, references: 2 };
  const merge = { ...tinyRecipe.merge, cohortSize: 1 };
  const gate = { ...tinyRecipe.gate, marginNats: 2 };
  relay = await startTestRelay({ source: tinyModel({ score, merge, gate }) });
  const { client, dataDir } = relay;
  const { shards } = await client.shards("tiny");
  const damaged = shards.slice(0, 4);
  for (const { sha256 } of damaged) {
    await flipBit(join(dataDir, "blobs", sha256.slice(0, 2), sha256));
  }
  const volunteer = await createVolunteer(client, tinyRecipe);
  const { id, bytes, signature } = await contribute(volunteer, relay.now()); // it would throw at wrong bytes
  await client.putContribution(id, bytes, signature);
  expect((await relay.decided(id)).state).toBe("merged"); // the reference was trained on sound shards too
  const health = await client.health();
  expect(health.status).toBe("degraded");
  expect(health.models[0]?.problem).toMatch(/shard "Patterns \d".* damaged on the relay's disk/);
});

test("a flipped bit in a held-out set is found at the start, and told in a sentence", async () => {
  relay = await startTestRelay();
  const { dataDir } = relay;
  await relay.relay.close();
  await flipBit(join(dataDir, "private", "tiny", "gate.safetensors"));
  await expect(startTestRelay({ dataDir })).rejects.toMatchObject({
    name: "StartError",
    message: expect.stringMatching(/^The data folder .* tiny: the gate set is damaged .*\.$/),
  });
  await flipBit(join(dataDir, "private", "tiny", "gate.safetensors"));
  relay = await startTestRelay({ dataDir });
});

test("a held-out set that is damaged while the relay runs refuses nobody, and is named", async () => {
  relay = await startTestRelay();
  const { client, dataDir } = relay;
  await flipBit(join(dataDir, "private", "tiny", "score.safetensors"));
  const volunteer = await createVolunteer(client, tinyRecipe);
  const { id, bytes, signature } = await contribute(volunteer, relay.now());
  await client.putContribution(id, bytes, signature);
  await eventually(async () => {
    const [health] = (await client.health()).models;
    expect(health?.problem).toContain("the score set of tiny is damaged");
  });
  expect((await client.contribution(id)).state).toMatch(/received|screened/);
});

test("Health is not ok while every write fails, also where nobody sends anything", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "commonweight-probe-"));
  try {
    const { child, client } = await startKillable(dataDir);
    expect((await client.health()).status).toBe("ok");
    const limitFiles = (limit: string) =>
      execFileSync("prlimit", [`--pid=${child.pid}`, `--fsize=${limit}:unlimited`]);
    limitFiles("0");
    await eventually(async () => {
      const { status, models } = await client.health();
      expect([status, models[0]?.problem]).toEqual(["degraded", "the relay's disk is full"]);
    });
    limitFiles("unlimited");
    await eventually(async () => expect((await client.health()).status).toBe("ok"));
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});
