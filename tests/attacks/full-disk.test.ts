import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { killAll, startKillable } from "../fixtures/killable-relay.ts";
import { tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 120_000 }); // a relay in its own process
afterEach(killAll);

test("H11: a full disk is answered 507, leaves nothing half-written, and is over when there is room again", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "commonweight-full-"));
  try {
    const { child, client } = await startKillable(dataDir);
    /** From now on no file of the relay may grow past `limit` bytes. */
    const limitFiles = (limit: string) =>
      execFileSync("prlimit", [`--pid=${child.pid}`, `--fsize=${limit}:unlimited`]);
    const volunteer = await createVolunteer(client, tinyRecipe);
    const { id, bytes, signature } = await contribute(volunteer, Date.now());

    limitFiles("0");
    for (const _ of [1, 2]) {
      const refusal = client.putContribution(id, bytes, signature);
      await expect(refusal).rejects.toMatchObject({ code: "storage-full", action: "retry" });
    }
    await expect(client.contribution(id)).rejects.toMatchObject({ code: "contribution-unknown" });
    await expect(volunteer.ask(Date.now())).rejects.toMatchObject({ code: "storage-full" });
    expect(await readdir(join(dataDir, "tmp"))).toEqual([]);

    limitFiles("unlimited");
    await client.putContribution(id, bytes, signature);
    while ((await client.contribution(id)).state !== "merged") await pause(100);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});
