import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { runCommand } from "../../tests/fixtures/command.ts";
import { maintainerOf } from "../../tests/fixtures/maintainer.ts";
import { volunteerOnce } from "../../tests/fixtures/terminal-volunteer.ts";
import { startTestRelay, type TestRelay } from "../../tests/fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../../tests/fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let relay: TestRelay;
beforeAll(async () => {
  const merge = { ...tinyRecipe.merge, cohortSize: 1 };
  const gate = { ...tinyRecipe.gate, marginNats: 2 };
  relay = await startTestRelay({ source: tinyModel({ merge, gate }), seed: "recipe" });
});
afterAll(() => relay.remove());

const REASON = "pieces were too long for phones";
function where() {
  const { url, maintainerTokenFile } = relay.relay;
  return ["--relay", url, "--token-file", maintainerTokenFile];
}
function recipe(...words: readonly string[]) {
  return runCommand("recipe", "tiny", ...words, ...where(), "--reason", REASON);
}
function verify() {
  const pins = join(relay.dataDir, "pins.json");
  return runCommand("verify", `${relay.relay.url}/tiny`, "--pins", pins, "--json");
}
const trainingOf = async () => (await relay.client.model("tiny")).recipe.training;

test("R7: a change is previewed field by field, with what it means, and then nothing is different", async () => {
  const looked = await recipe("--set", "training.steps=10", "--set", "title=Tiny two", "--preview");
  expect(looked).toEqual({
    code: 0,
    errors: [],
    lines: [
      'title: "Tiny" → "Tiny two"',
      "training.steps: 20 → 10",
      "The words would be others at once.",
      "Work would be made otherwise from the next ticket on.",
      "What is being made (0 pieces of work) would be refused as `recipe-changed`, what arrived would be judged.",
      expect.stringMatching(/^Beware: 300 held-out examples are few/),
      expect.stringMatching(/^Beware: score\.references is 0/),
      "The signed history would say it.",
    ],
  });
  expect((await trainingOf()).steps).toBe(20);
  expect(await relay.client.acts("tiny")).toEqual([]);
});

test("R7: work that was begun under other training is refused, what had arrived is merged, and new work is made the new way", async () => {
  const volunteer = await createVolunteer(relay.client, tinyRecipe);
  const [early, late] = [
    await contribute(volunteer, relay.now()),
    await contribute(volunteer, relay.now()),
  ];
  const maintainer = await maintainerOf(relay);
  await maintainer.pause({ model: "tiny", reason: "a test" });
  await relay.client.putContribution(early.id, early.bytes, early.signature);

  const changed = await recipe("--set", "training.steps=10", "--set", "intendedUse=Tests", "--yes");
  expect(changed).toMatchObject({ code: 0, errors: [] });
  expect(changed.lines.at(-2)).toBe("tiny has another recipe.");
  expect(changed.lines.at(-1)).toContain(
    "npx commonweight recipe tiny --set 'training.steps=20' --set 'intendedUse=' --relay ",
  );
  const sent = relay.client.putContribution(late.id, late.bytes, late.signature);
  await expect(sent).rejects.toMatchObject({ code: "recipe-changed", action: "new-ticket" });
  const again = relay.client.putContribution(late.id, late.bytes, late.signature);
  await expect(again).rejects.toMatchObject({ code: "recipe-changed" });
  await maintainer.resume({ model: "tiny", reason: "a test" });
  expect((await relay.decided(early.id)).state).toBe("merged");

  const id = await volunteerOnce(relay, "tiny", join(relay.dataDir, "volunteer"));
  expect(await relay.decided(id)).toMatchObject({ state: "merged", examples: 160 });
  const [act] = await relay.client.acts("tiny");
  expect(act?.record).toMatchObject({ reason: REASON, deed: { kind: "recipe" } });
  const [entry] = (await maintainer.audit()).entries.filter(({ action }) => action === "recipe");
  expect(entry).toMatchObject({ subject: "tiny", note: REASON });
  expect(JSON.parse((await verify()).lines.join()).models).toMatchObject([
    { holds: true, acts: 1, recipe: { training: { steps: 10 }, intendedUse: "Tests" } },
  ]);
});

test("R7: the command that undoes a change sets everything back, also after a restart", async () => {
  relay = await relay.restart();
  expect((await trainingOf()).steps).toBe(10);
  expect(relay.relay.notes.join()).toContain("The recipe of tiny is another one");
  const back = await recipe("--set", "intendedUse=", "--set", "training.steps=20", "--yes");
  expect(back.errors).toEqual([]);
  expect((await relay.client.model("tiny")).recipe).toMatchObject({ title: "Tiny" });
  expect((await relay.client.model("tiny")).recipe).not.toHaveProperty("intendedUse");
  expect(await trainingOf()).toEqual(tinyRecipe.training);
  expect(JSON.parse((await verify()).lines.join()).models).toMatchObject([{ acts: 2 }]);
});

test("R7: what would be another model, or no recipe, is refused in a sentence", async () => {
  const refused = async (...words: readonly string[]) => {
    const { code, errors } = await recipe(...words, "--yes");
    expect(code).toBe(1);
    return errors.join();
  };
  expect(await refused("--set", "architecture.hidden=[9]")).toBe(
    "architecture.hidden may not change: it makes another model.",
  );
  expect(await refused("--set", "merge.stalenessLimit=4")).toMatch(
    /^merge\.stalenessLimit may not/,
  );
  expect(await refused("--set", "training.steps=20")).toMatch(/nothing changes\.$/);
  expect(await refused("--set", "training.steps=0")).toBe(
    "training.steps is 0: it must be at least 1.",
  );
  expect(await refused("--set", "training.pace=1")).toMatch(/there is no field "pace"/);
  expect(await refused()).toMatch(/^Say what changes/);
  const { recipe: present } = await relay.client.model("tiny");
  const maintainer = await maintainerOf(relay);
  const request = { model: "tiny", reason: "r", before: "0".repeat(64), recipe: present };
  await expect(maintainer.changeRecipe(request)).rejects.toMatchObject({
    code: "recipe-overtaken",
  });
});
