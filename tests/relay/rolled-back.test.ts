import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCommand } from "../fixtures/command.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

async function merge(stage: TestRelay): Promise<void> {
  const volunteer = await createVolunteer(stage.client, tinyRecipe);
  const { id, bytes, signature } = await contribute(volunteer, stage.now());
  await stage.client.putContribution(id, bytes, signature);
  expect((await stage.decided(id)).state).toBe("merged");
}

test("V10: a relay restored from yesterday's copy is noticed, before and after it went on", async () => {
  const folder = await mkdtemp(join(tmpdir(), "commonweight-rolled-back-"));
  const source = tinyModel({ merge: { ...tinyRecipe.merge, cohortSize: 1 } });
  const port = 20_000 + Math.floor(Math.random() * 20_000); // the same address before and after
  const dataDir = join(folder, "data");
  const start = (from: string) => startTestRelay({ source, dataDir: from, config: { port } });
  const verify = () =>
    runCommand("verify", `http://127.0.0.1:${port}/tiny`, "--pins", join(folder, "pins.json"));

  let relay = await start(dataDir);
  await merge(relay);
  await relay.relay.close();
  await cp(dataDir, join(folder, "yesterday"), { recursive: true });
  relay = await start(dataDir);
  await merge(relay);
  expect(await verify()).toMatchObject({ code: 0 });
  await relay.relay.close();

  relay = await start(join(folder, "yesterday"));
  const shorter = await verify();
  expect(shorter.code).toBe(1);
  expect(shorter.errors[0]).toMatch(
    /ends at version 1, and version 2 was there .*\(rolled-back\)$/,
  );
  await merge(relay);
  const other = await verify();
  expect(other.code).toBe(1);
  expect(other.errors[0]).toMatch(/version 2: the history was rewritten: .*\(rewritten\)$/);
  await relay.remove();
  await rm(folder, { recursive: true });
}, 120_000);
