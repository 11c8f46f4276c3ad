import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { runCrashes } from "../fixtures/crash-load.ts";
import { kill, killAll, spawnRelay, startKillable } from "../fixtures/killable-relay.ts";

vi.setConfig({ testTimeout: 180_000 });
afterEach(killAll);
const SEED = Number(process.env.SEED ?? 1);
const KILLS = 6;

test(`kill -9 at any moment loses no acknowledged contribution, merges none twice and costs none its merge (seed ${SEED})`, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "commonweight-crash-"));
  try {
    const report = await runCrashes({ dataDir, kills: KILLS, seed: SEED, volunteers: 3 });
    expect(report).toMatchObject({ lost: 0, twice: 0 });
    expect(report.acknowledged).toBeGreaterThan(0);
    expect(report.ends).toEqual({ merged: report.acknowledged }); // the relay's end is no fault of theirs
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
