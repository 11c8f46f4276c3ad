import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { put } from "../../tests/attacks/stage.ts";
import { runCommand } from "../../tests/fixtures/command.ts";
import { maintainerOf } from "../../tests/fixtures/maintainer.ts";
import { startTestRelay, type TestRelay } from "../../tests/fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../../tests/fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let relay: TestRelay;
beforeAll(async () => {
  const merge = { ...tinyRecipe.merge, cohortSize: 1 };
  const gate = { ...tinyRecipe.gate, marginNats: 2 };
  relay = await startTestRelay({ source: tinyModel({ merge, gate }), seed: "retiring" });
});
afterAll(() => relay.remove());

const REASON = "digits-2 goes on from here";
function maintain(...words: readonly string[]) {
  const { url, maintainerTokenFile } = relay.relay;
  const where = ["--relay", url, "--token-file", maintainerTokenFile];
  return runCommand(...words, ...where, "--reason", REASON, "--yes");
}
function read(command: string, ...words: readonly string[]) {
  const pins = join(relay.dataDir, "pins.json");
  return runCommand(command, `${relay.relay.url}/tiny`, ...words, "--pins", pins);
}

test("R5: a retired model finishes what waits, takes and gives out nothing more, and its history says why", async () => {
  const { client } = relay;
  const volunteer = await createVolunteer(client, tinyRecipe);
  const [waiting, late] = [
    await contribute(volunteer, relay.now()),
    await contribute(volunteer, relay.now()),
  ];
  const maintainer = await maintainerOf(relay);
  await maintainer.pause({ model: "tiny", reason: "a test" });
  await client.putContribution(waiting.id, waiting.bytes, waiting.signature);

  const retired = await maintain("retire", "tiny");
  expect(retired).toMatchObject({ code: 0, errors: [] });
  expect(retired.lines.join("\n")).toContain("what is being made would be refused as `retired`");
  expect(retired.lines.at(-2)).toBe("tiny is retired.");
  expect(retired.lines.at(-1)).toMatch(/^To take it back: npx commonweight unretire tiny --relay /);
  expect((await maintain("retire", "tiny")).errors).toEqual([`tiny is retired: ${REASON}`]);

  const refused = await put(relay, late);
  expect([refused.status, await refused.json()]).toMatchObject([
    409,
    { error: { code: "retired" } },
  ]);
  await expect(client.contribution(late.id)).rejects.toMatchObject({
    code: "contribution-unknown",
  });
  await expect(volunteer.ask(relay.now())).rejects.toThrow(
    `A maintainer retired this model: ${REASON}`,
  );
  await maintainer.resume({ model: "tiny", reason: "a test" });
  expect((await relay.decided(waiting.id)).state).toBe("merged");
  const [health] = (await client.health()).models;
  expect(health).toMatchObject({ retired: REASON, problem: "a maintainer retired this model" });

  const verified = await read("verify");
  expect(verified.code).toBe(0);
  expect(verified.lines).toContain(`  retired: ${REASON}`);
  const folder = join(relay.dataDir, "clone");
  await read("clone", folder);
  const copy = await runCommand("verify", folder, "--json");
  expect(JSON.parse(copy.lines.join()).models).toMatchObject([{ acts: 1, retired: REASON }]);
});

test("R5: a retirement is taken back, also after a restart, and the history keeps both acts", async () => {
  relay = await relay.restart();
  const back = await maintain("unretire", "tiny");
  expect(back.lines).toContain(`tiny is retired: ${REASON}`);
  expect(back.lines.at(-2)).toBe("tiny is not retired any more.");
  expect((await maintain("unretire", "tiny")).errors).toEqual(["tiny is not retired"]);
  const acts = await relay.client.acts("tiny");
  expect(acts.map(({ record }) => record.deed.kind)).toEqual(["retire", "unretire"]);
  expect(acts[0]?.record.head.number).toBe(0);
  const volunteer = await createVolunteer(relay.client, tinyRecipe);
  const { id, bytes, signature } = await contribute(volunteer, relay.now());
  await relay.client.putContribution(id, bytes, signature);
  expect((await relay.decided(id)).state).toBe("merged");
  const { lines } = await read("verify");
  expect(lines.join("\n")).not.toContain("retired");
  const { entries } = await (await maintainerOf(relay)).audit();
  expect(entries.map(({ action }) => action)).toEqual(["unretire", "resume", "retire", "pause"]);
});
