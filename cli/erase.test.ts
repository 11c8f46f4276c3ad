import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { layoutOf } from "../core/models/registry.ts";
import { expectReplays } from "../tests/fixtures/chain.ts";
import { runCommand } from "../tests/fixtures/command.ts";
import { startTestRelay, type TestRelay } from "../tests/fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../tests/fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../tests/fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let relay: TestRelay;
beforeAll(async () => {
  const merge = { ...tinyRecipe.merge, cohortSize: 1, cohortSeconds: 1000 };
  const gate = { ...tinyRecipe.gate, marginNats: 2 };
  relay = await startTestRelay({ source: tinyModel({ merge, gate }) });
});
afterAll(() => relay.remove());

test("a banned contributor is erased beside what signed versions name, and the history still verifies", async () => {
  const { client, dataDir } = relay;
  const volunteer = await createVolunteer(client, tinyRecipe);
  const send = async () => {
    const { id, bytes, signature } = await contribute(volunteer, relay.now());
    await client.putContribution(id, bytes, signature);
    return id;
  };
  const merged = await send();
  await relay.decided(merged);
  const token = await readFile(relay.relay.maintainerTokenFile, "utf8");
  const maintainer = client.maintainer(token);
  const where = ["--data-dir", dataDir, "--contributor", volunteer.contributor];
  const unbanned = await runCommand("erase", ...where);
  expect(unbanned.errors).toEqual([expect.stringMatching(/^Ban this contributor first/)]);

  await volunteer.ask(relay.now()); // a ticket that is never used
  await maintainer.ban({ contributor: volunteer.contributor, reason: "They asked for it." });
  const erased = await runCommand("erase", ...where);
  expect(erased).toMatchObject({ code: 0, errors: [] });
  expect(erased.lines[0]).toMatch(
    /^Erased: 0 refused contributions, 0 refusals at the door, 1 tickets, \d events/,
  );
  expect(erased.lines[1]).toMatch(/^1 contributions are named by signed versions/);
  const events = await (await relay.ask("/api/v1/events?topics=contribution")).body!.getReader();
  await events.cancel();
  expect((await client.contribution(merged)).state).toBe("merged");
  await expectReplays(client, "tiny", layoutOf(tinyRecipe.architecture));
  await expect(volunteer.ask(relay.now())).rejects.toMatchObject({ code: "banned" });
  const { entries } = await maintainer.audit();
  expect(entries[0]).toMatchObject({ action: "erase", subject: volunteer.contributor });
});
