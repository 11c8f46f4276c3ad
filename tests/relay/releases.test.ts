import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { runCommand } from "../fixtures/command.ts";
import { maintainerOf } from "../fixtures/maintainer.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer, type Volunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000 }); // each test starts a relay with its threads
const merge = { ...tinyRecipe.merge, cohortSize: 1 };
const gate = { ...tinyRecipe.gate, marginNats: 2 };

let relay: TestRelay;
let volunteer: Volunteer;
afterEach(() => relay.remove());

async function start(changes = {}): Promise<void> {
  relay = await startTestRelay({ source: tinyModel({ merge, gate, ...changes }), lots: 255 });
  volunteer = await createVolunteer(relay.client, tinyRecipe);
}

async function mergeOne(): Promise<void> {
  const { id, bytes, signature } = await contribute(volunteer, relay.now());
  await relay.client.putContribution(id, bytes, signature);
  expect((await relay.decided(id)).state).toBe("merged");
}

async function tag(version: number, name: string) {
  const token = await readFile(relay.relay.maintainerTokenFile, "utf8");
  const reason = "It is good enough.";
  return relay.client.maintainer(token).tag({ model: "tiny", version, tag: name, reason });
}

/** What the gate compared version `number` with, before it was published. */
async function comparisons(number: number) {
  const { record } = await relay.client.version("tiny", number);
  return record.evaluation.gate?.tests?.map(({ against, version }) => [against, version]);
}

test("G8: candidates are compared with the head and the last release, which is version 0 before the first", async () => {
  await start();
  for (let i = 0; i < 3; i++) await mergeOne();
  expect(await comparisons(1)).toEqual([["parent", 0]]);
  expect(await comparisons(3)).toEqual([
    ["parent", 2],
    ["release", 0],
  ]);
  const health = await tag(3, "1.0.0");
  expect(health.release).toEqual({ version: 3, tag: "1.0.0" });
  relay = await relay.restart();
  volunteer = await createVolunteer(relay.client, tinyRecipe);
  await mergeOne();
  await mergeOne();
  expect(await comparisons(4)).toEqual([["parent", 3]]);
  expect(await comparisons(5)).toEqual([
    ["parent", 4],
    ["release", 3],
  ]);
  await tag(1, "2.0.0"); // the last one tagged counts
  await mergeOne();
  expect(await comparisons(6)).toEqual([
    ["parent", 5],
    ["release", 1],
  ]);
});

test("R2: a number is higher than the last, and a version that no test compared with it is a major release", async () => {
  await start();
  for (let i = 0; i < 3; i++) await mergeOne();
  await tag(2, "1.0.0");
  await expect(tag(3, "1.0.0")).rejects.toMatchObject({ code: "tag-taken" });
  await expect(tag(3, "0.9.9")).rejects.toMatchObject({ code: "tag-lower" });
  await expect(tag(7, "1.0.1")).rejects.toMatchObject({ code: "version-unknown" });
  await expect(tag(1, "1.1.0")).rejects.toThrow(
    "version 1 as 1.1.0: nothing shows that it is as good as 1.0.0: its own gate did not compare it with that. It can be 2.0.0",
  );
  const maintainer = await maintainerOf(relay);
  const preview = await maintainer.previewTag({ model: "tiny" });
  expect(preview).toMatchObject({ version: 3, step: "patch", proposed: "1.0.1", newSuites: [] });
  expect(preview.last).toEqual({ tag: "1.0.0", version: 2 });
  expect(preview.tests.map(({ suite, version }) => [suite, version])).toEqual([["gate", 2]]);
  expect((await tag(3, preview.proposed)).release).toEqual({ version: 3, tag: "1.0.1" });
  const back = await maintainer.previewTag({ model: "tiny", version: 1 });
  expect(back).toMatchObject({ step: "major", proposed: "2.0.0", tests: [] });
  expect((await tag(1, "2.0.0")).release?.tag).toBe("2.0.0");
});

test("R8: a release is a signed act, and one that is taken back is compared with no more", async () => {
  await start();
  for (let i = 0; i < 2; i++) await mergeOne();
  await tag(1, "1.0.0");
  await tag(2, "1.0.1");
  const maintainer = await maintainerOf(relay);
  const request = { model: "tiny", tag: "1.0.1", reason: "It was too early." };
  const health = await maintainer.untag(request);
  expect(health).toMatchObject({ release: { version: 1, tag: "1.0.0" }, standard: 1 });
  await expect(maintainer.untag(request)).rejects.toMatchObject({ code: "tag-unknown" });
  await expect(tag(2, "1.0.1")).rejects.toMatchObject({ code: "tag-taken" });
  await expect(relay.client.version("tiny", "1.0.1")).rejects.toMatchObject({
    code: "version-unknown",
  });
  const deeds = (await relay.client.acts("tiny")).map(({ record }) => record.deed);
  expect(deeds).toMatchObject([
    { kind: "release-key" }, // with the first release, and not again
    { kind: "release", tag: "1.0.0", version: { number: 1 } },
    { kind: "release", tag: "1.0.1", version: { number: 2 } },
    { kind: "unrelease", tag: "1.0.1" },
  ]);
  await mergeOne();
  expect(await comparisons(3)).toEqual([
    ["parent", 2],
    ["release", 1],
  ]);
  const where = [`${relay.relay.url}/tiny`, "--pins", join(relay.dataDir, "pins.json")];
  const verified = await runCommand("verify", ...where);
  expect(verified).toMatchObject({ code: 0, errors: [] });
  expect(verified.lines).toContain("  release 1.0.1 is version 2, taken back");
});

test("H17: a version answers to its tags, its checkpoint too", async () => {
  await start();
  await mergeOne();
  await tag(0, "0.1.0");
  await tag(1, "1.0.0");
  await tag(1, "1.0.1");
  for (const [name, number] of [
    ["0.1.0", 0],
    ["1.0.0", 1],
    ["1.0.1", 1],
  ] as const) {
    expect((await relay.client.version("tiny", name)).record.number).toBe(number);
    expect((await relay.client.checkpoint("tiny", name)).version).toBe(number);
  }
});

test("health tells release, pace, arrivals and what the gate looked at; metrics do too", async () => {
  await start();
  const [before] = (await relay.client.health()).models;
  expect(before).toMatchObject({
    release: null,
    standard: 0,
    onMask24h: null,
    scoreSeconds: null,
    gateTests: [],
  });
  const events = (await relay.ask("/api/v1/events?topics=health")).body!.getReader();
  await mergeOne();
  await tag(1, "1.0.0");
  const [health] = (await relay.client.health()).models;
  expect(health).toMatchObject({
    release: { version: 1, tag: "1.0.0" },
    standard: 1,
    onMask24h: 1,
    gateTests: [{ head: 0, contributions: 1, decision: "pass", flips: null }],
  });
  expect(health?.scoreSeconds).toBeGreaterThan(0);

  let told = "";
  while (!told.includes('"tag":"1.0.0"')) {
    told += new TextDecoder().decode((await events.read()).value);
  }
  await events.cancel();
  const text = await (await relay.ask("/metrics")).text();
  expect(text).toContain('commonweight_release{model="tiny"} 1\n');
  expect(text).toContain('commonweight_standard{model="tiny"} 1\n');
  expect(text).toContain('commonweight_on_mask{model="tiny"} 1\n');
  expect(text).toContain('commonweight_waiting{model="tiny",state="scored"} 0\n');
  expect(text).toContain('commonweight_gate_tests{model="tiny",decision="pass"} 1\n');
  expect(text).toMatch(/^commonweight_score_seconds\{model="tiny"\} \d/m);
});

test("H18: whoever asks because of an event does not hear what was before it", async () => {
  await start();
  const { client } = relay;
  const seen = async () => ({
    health: (await client.health()).models[0],
    card: await client.model("tiny"),
    all: await client.leaderboard("tiny", "all"),
    day: await client.leaderboard("tiny", "24h"),
  });
  await seen();
  const events = (await relay.ask("/api/v1/events?topics=version,health")).body!.getReader();
  const hear = async (part: string) => {
    let told = "";
    while (!told.includes(part)) told += new TextDecoder().decode((await events.read()).value);
  };
  const merging = mergeOne();
  await hear("event: version");
  const { health, card, all, day } = await seen();
  expect([health?.head, card.head.number, card.merged]).toEqual([1, 1, 1]);
  expect([all, day].map(({ entries }) => entries.length)).toEqual([1, 1]);
  await merging;
  await tag(1, "1.0.0");
  await hear('"tag":"1.0.0"');
  expect((await seen()).health?.release?.tag).toBe("1.0.0");
  await events.cancel();
});
