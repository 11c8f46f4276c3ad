import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { runAnswering } from "../../tests/fixtures/command.ts";
import { startTestRelay, type TestRelay } from "../../tests/fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../../tests/fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let relay: TestRelay;
let contributor: string;
/** Merged into versions 1 and 2. */
let merged: string[];
beforeAll(async () => {
  const merge = { ...tinyRecipe.merge, cohortSize: 1 };
  const gate = { ...tinyRecipe.gate, marginNats: 2 };
  relay = await startTestRelay({ source: tinyModel({ merge, gate }), seed: "maintaining" });
  const volunteer = await createVolunteer(relay.client, tinyRecipe);
  ({ contributor } = volunteer);
  merged = [];
  for (let i = 0; i < 2; i++) {
    const { id, bytes, signature } = await contribute(volunteer, relay.now());
    await relay.client.putContribution(id, bytes, signature);
    await relay.decided(id);
    merged.push(id);
  }
});
afterAll(() => relay.remove());

const REASON = "It was made from test data.";
const where = () => ["--relay", relay.relay.url, "--token-file", relay.relay.maintainerTokenFile];
const asked = (answer: boolean | null, ...words: readonly string[]) =>
  runAnswering(answer, ...words, ...where(), "--reason", REASON);
const maintain = (...words: readonly string[]) => asked(null, ...words, "--yes");
const actions = async () => (await runAnswering(null, "audit", ...where())).lines;
const undoing = (words: string) =>
  `To take it back: npx commonweight ${words} ${where().join(" ")} --reason "WHY"`;

test("R1: without a terminal an act needs --yes; a maintainer who says no, and --preview, change nothing", async () => {
  const looked = await asked(null, "pause", "tiny", "--preview");
  expect(looked).toEqual({
    code: 0,
    lines: [
      "tiny is at version 2.",
      "Waiting: 0 contributions. Being made: 0 pieces of work.",
      "No work would be given out, and what waits would rest. Reverts would go on.",
    ],
    errors: [],
  });
  const alone = await asked(null, "pause", "tiny");
  expect(alone).toMatchObject({ code: 1, lines: looked.lines });
  expect(alone.errors.join()).toContain("--yes says that it is meant");
  const no = await asked(false, "pause", "tiny");
  expect(no).toMatchObject({ code: 1, errors: ["Nothing was done."] });
  expect((await relay.client.health()).models[0]?.paused).toBe(false);
  expect(await actions()).toEqual([]);
});

test("a maintainer who agrees pauses a model and hears how to go on with it", async () => {
  const paused = await asked(true, "pause", "tiny");
  expect(paused.lines.slice(-2)).toEqual([
    "tiny: a maintainer paused this model",
    undoing("resume tiny"),
  ]);
  const resumed = await maintain("resume", `${relay.relay.url}/tiny`);
  expect(resumed.lines.slice(-2)).toEqual(["tiny: merging goes on", undoing("pause tiny")]);
  const [last = "", first = ""] = await actions();
  expect(last).toContain(`resume  tiny  ${REASON}`);
  expect(first).toContain(`pause  tiny  ${REASON}`);
});

test("R3: before a revert a maintainer reads what would move, what the gate says and who trained on it", async () => {
  const [first = ""] = merged;
  const { code, lines } = await asked(null, "revert", "tiny", first, "--preview");
  expect(code).toBe(0);
  const text = lines.join("\n");
  expect(lines[0]).toMatch(
    new RegExp(`^${first.slice(0, 12)} of ${contributor.slice(0, 12)} was merged into version 1`),
  );
  expect(text).toMatch(/Version 3 would be version 2 without it: 2 versions computed anew/);
  expect(text).toMatch(/Report set: loss [\d.]+ → [\d.]+, accuracy [\d.]+% → [\d.]+%\./);
  expect(text).toMatch(/^gate +parent 2 +pass/m);
  expect(text).toContain("Trained on a version with it: 1 contribution of 1 contributor.");
  expect(lines.at(-1)).toBe("The gate passes it.");
  expect((await relay.client.model("tiny")).head.number).toBe(2);
  expect((await relay.client.contribution(first)).state).toBe("merged");
});

test("a maintainer reverts a contribution, once; the preview is what then happens", async () => {
  const [first = ""] = merged;
  const { code, lines } = await maintain("revert", "tiny", first, "--json");
  expect(code).toBe(0);
  const { preview, done } = JSON.parse(lines.join());
  expect(done).toMatchObject({ state: "published", version: 3, reason: REASON });
  const { record } = await relay.client.version("tiny", 3);
  expect(record.evaluation.report).toEqual(preview.report.after);
  expect(record.evaluation.gate?.tests).toEqual(preview.tests);
  for (const words of [[], ["--preview"]]) {
    const again = await maintain("revert", "tiny", first, ...words);
    expect(again).toMatchObject({ code: 1, errors: ["this contribution was reverted before"] });
  }
  const unknown = await maintain("revert", "tiny", "0".repeat(64));
  expect(unknown.errors).toEqual(["this model has no contribution of that hash"]);
});

test("R2: tag proposes a number, and refuses one that is taken or lower", async () => {
  const first = await maintain("tag", "tiny@2");
  expect(first.lines).toEqual([
    "Last release: none.",
    "There is no release yet: the first number is free.",
    "Version 2 can be 1.0.0.",
    "Version 2 of tiny is release 1.0.0.",
    expect.stringMatching(/^To take it back: npx commonweight untag tiny 1\.0\.0 --relay /),
  ]);
  const second = await maintain("tag", "tiny");
  expect(second.lines.join("\n")).toMatch(/gate: -?[\d.]+ nats against it, on \d+ examples/);
  expect(second.lines).toContain("Version 3 of tiny is release 1.0.1.");
  const taken = await maintain("tag", "tiny@3", "1.0.1");
  expect(taken.errors).toEqual(["1.0.1 is taken: a tag names one version for ever"]);
  const lower = await maintain("tag", "tiny@3", "1.0.0-1");
  expect(lower.errors.join()).toContain("It is a semantic version");
  const back = await maintain("tag", "tiny@1", "1.9.0");
  expect(back.code).toBe(1);
  expect(back.errors.join()).toContain("It can be 2.0.0");
  expect((await maintain("tag", "tiny@3", "0.9.0")).errors).toEqual([
    "0.9.0 is lower than 1.0.1, the last release",
  ]);
  const untagged = await maintain("untag", "tiny", "1.0.1");
  expect(untagged.lines.at(-2)).toBe("Version 3 of tiny is release 1.0.1 no more.");
  expect((await maintain("untag", "tiny", "1.0.1")).code).toBe(1);
});

test("a maintainer bans a contributor, hears what stays, and lifts the ban", async () => {
  const banned = await maintain("ban", contributor);
  expect(banned).toMatchObject({
    code: 0,
    lines: [
      "tiny: 0 waiting would be refused, 1 merged would stay.",
      `No work of ${contributor} is taken any more; 0 that waited refused.`,
      undoing(`unban ${contributor}`),
    ],
  });
  const unbanned = await maintain("unban", contributor);
  expect(unbanned.lines[0]).toBe(`This contributor is banned: ${REASON}`);
  expect(unbanned.lines[2]).toBe(`Work of ${contributor} is taken again.`);
  const again = await maintain("unban", contributor, "--preview");
  expect(again.lines[0]).toBe("This contributor is not banned: nothing would change.");
});

test("a token that the relay does not know is refused", async () => {
  const tokenFile = join(relay.dataDir, "no-token");
  await writeFile(tokenFile, "0".repeat(64));
  const at = ["--relay", relay.relay.url, "--token-file", tokenFile];
  for (const words of [["audit"], ["pause", "tiny", "--reason", "why", "--preview"]]) {
    const refused = await runAnswering(null, ...words, ...at);
    expect(refused.code).toBe(1);
    expect(refused.errors.join()).toContain("this needs a maintainer's token");
  }
});
