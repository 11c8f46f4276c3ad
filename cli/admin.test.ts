import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { runCommand } from "../tests/fixtures/command.ts";
import { startTestRelay, type TestRelay } from "../tests/fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../tests/fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../tests/fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let relay: TestRelay;
let contribution: string;
beforeAll(async () => {
  const merge = { ...tinyRecipe.merge, cohortSize: 1 };
  const gate = { ...tinyRecipe.gate, marginNats: 2 };
  relay = await startTestRelay({ source: tinyModel({ merge, gate }) });
  const volunteer = await createVolunteer(relay.client, tinyRecipe);
  const { id, bytes, signature } = await contribute(volunteer, relay.now());
  await relay.client.putContribution(id, bytes, signature);
  await relay.decided(id);
  contribution = id;
});
afterAll(() => relay.remove());

const maintain = (action: string, ...words: readonly string[]) =>
  runCommand(
    "admin",
    action,
    "--relay",
    relay.relay.url,
    "--token-file",
    relay.relay.maintainerTokenFile,
    ...words,
  );

test("a maintainer pauses a model, reverts a contribution, resumes and reads who did it", async () => {
  const paused = await maintain("pause", "--model", "tiny");
  expect(paused).toEqual({ code: 0, lines: ["tiny: a maintainer paused this model"], errors: [] });
  const reason = "It was made from test data.";
  const words = ["--model", "tiny", "--contribution", contribution, "--reason", reason];
  const reverted = await maintain("revert", ...words);
  expect(reverted.code).toBe(0);
  expect(reverted.lines.at(-1)).toBe(`Version 2 of tiny is without ${contribution.slice(0, 12)}.`);
  const again = await maintain("revert", ...words);
  expect(again).toMatchObject({ code: 1, errors: ["this contribution was reverted before"] });
  const resumed = await maintain("resume", "--model", "tiny");
  expect(resumed.lines).toEqual(["tiny: merging goes on"]);
  const { lines } = await maintain("audit");
  expect(lines.map((line) => line.split("  ")[2])).toEqual([
    "resume",
    "revert-published",
    "revert",
    "pause",
  ]);
  expect(lines[2]).toContain(`${contribution}  ${reason}`);
});

test("a maintainer bans a contributor and lifts the ban", async () => {
  const contributor = "cd".repeat(32);
  const banned = `No work of ${contributor} is taken any more; 0 that waited refused.`;
  const ban = ["--contributor", contributor, "--reason", "It sends noise."];
  expect(await maintain("ban", ...ban)).toMatchObject({ code: 0, lines: [banned] });
  const unbanned = await maintain("unban", "--contributor", contributor);
  expect(unbanned).toMatchObject({ code: 0, lines: [`Work of ${contributor} is taken again.`] });
});

test("a maintainer makes a version a release, once", async () => {
  const words = ["--model", "tiny", "--version", "1", "--tag", "1.0.0"];
  const tagged = await maintain("tag", ...words);
  expect(tagged).toMatchObject({ code: 0, lines: ["Version 1 of tiny is release 1.0.0."] });
  const again = await maintain("tag", ...words);
  expect(again.code).toBe(1);
  expect(again.errors.join()).toContain("1.0.0 is taken");
});

test("a token that the relay does not know is refused", async () => {
  const tokenFile = join(relay.dataDir, "no-token");
  await writeFile(tokenFile, "0".repeat(64));
  const words = ["admin", "audit", "--relay", relay.relay.url, "--token-file", tokenFile];
  const refused = await runCommand(...words);
  expect(refused.code).toBe(1);
  expect(refused.errors.join()).toContain("this needs a maintainer's token");
});
