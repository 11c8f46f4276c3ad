import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startTestRelay, type TestRelay } from "../tests/fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../tests/fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../tests/fixtures/volunteer.ts";
import { admin } from "./admin.ts";

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

type AdminCall = Parameters<typeof admin>[0];

/** What a call prints, and its exit code. */
async function run(call: AdminCall): Promise<{ code: number; lines: string[] }> {
  const lines: string[] = [];
  const { signal } = new AbortController();
  const code = await admin(call, { print: (line) => lines.push(line), signal });
  return { code, lines };
}

const where = () => ({ relay: relay.relay.url, tokenFile: relay.relay.maintainerTokenFile });

test("a maintainer pauses a model, reverts a contribution, resumes and reads who did it", async () => {
  const paused = await run({ command: "admin pause", ...where(), model: "tiny" });
  expect(paused).toEqual({ code: 0, lines: ["tiny: a maintainer paused this model"] });
  const reason = "It was made from test data.";
  const call = {
    command: "admin revert",
    ...where(),
    model: "tiny",
    contribution,
    reason,
    insist: false,
  } as const;
  const reverted = await run(call);
  expect(reverted.code).toBe(0);
  expect(reverted.lines.at(-1)).toBe(`Version 2 of tiny is without ${contribution.slice(0, 12)}.`);
  await expect(run(call)).rejects.toThrow("this contribution was reverted before");
  const resumed = await run({ command: "admin resume", ...where(), model: "tiny" });
  expect(resumed.lines).toEqual(["tiny: merging goes on"]);
  const { lines } = await run({ command: "admin audit", ...where() });
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
  const ban = { command: "admin ban", ...where(), contributor, reason: "It sends noise." } as const;
  const banned = `No work of ${contributor} is taken any more; 0 that waited refused.`;
  expect(await run(ban)).toEqual({ code: 0, lines: [banned] });
  const unbanned = await run({ command: "admin unban", ...where(), contributor });
  expect(unbanned).toEqual({ code: 0, lines: [`Work of ${contributor} is taken again.`] });
});

test("a maintainer makes a version a release, once", async () => {
  const tagging = { ...where(), model: "tiny", version: 1, tag: "1.0.0" };
  const tagged = await run({ command: "admin tag", ...tagging });
  expect(tagged).toEqual({ code: 0, lines: ["Version 1 of tiny is release 1.0.0."] });
  await expect(run({ command: "admin tag", ...tagging })).rejects.toThrow("1.0.0 is taken");
});

test("a token that the relay does not know is refused", async () => {
  const tokenFile = join(relay.dataDir, "no-token");
  await writeFile(tokenFile, "0".repeat(64));
  const call = { command: "admin audit", relay: relay.relay.url, tokenFile } as const;
  await expect(run(call)).rejects.toThrow("this needs a maintainer's token");
});
