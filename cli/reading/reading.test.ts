import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import {
  openRepositoryStage,
  type RepositoryStage,
} from "../../tests/fixtures/repository-stage.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let stage: RepositoryStage;
let address: string;
let folder: string;
beforeAll(async () => {
  stage = await openRepositoryStage("own");
  address = `${stage.url}/tiny`;
  folder = join(stage.folder, "clone");
  await stage.read("clone", address, folder);
});
afterAll(() => stage.remove());

/** What a command answers with --json, the same of the relay and of its clone. */
async function answerOf(command: string, version: string, ...words: readonly string[]) {
  const said = await stage.read(command, `${address}${version}`, ...words, "--json");
  expect(said).toMatchObject({ code: 0, errors: [] });
  const offline = await stage.read(command, `${folder}${version}`, ...words, "--json");
  expect(offline).toEqual(said);
  return JSON.parse(said.lines.join("\n"));
}

test("log lists the versions, newest first", async () => {
  const { lines, code } = await stage.read("log", address);
  expect(code).toBe(0);
  expect(lines).toHaveLength(1 + 5);
  expect(lines[0]).toMatch(/^version {2}id .* what$/);
  expect(lines[1]).toMatch(/ 4 {2}.*merges 2 contributions of 2 contributors$/);
  expect(lines[2]).toContain(`reverts ${stage.reverted.slice(0, 12)}`);
  expect(lines[5]).toMatch(/ 0 {2}.*the base$/);
  const two = await answerOf("log", "@2", "-n", "2");
  expect(two.versions.map(({ number }: { number: number }) => number)).toEqual([2, 1]);
});

test("show says what went into a version and what the gate said, also by a release", async () => {
  const { lines } = await stage.read("show", `${address}@1.0.0`);
  expect(lines[0]).toBe("version 2 of tiny");
  for (const id of stage.merged[1]!) expect(lines.join("\n")).toContain(id);
  expect(lines.join("\n")).toMatch(/^gate {8}pass after \d+ examples/m);
  const shown = await answerOf("show", "@3");
  expect(shown.revert).toEqual({ contributions: [stage.reverted] });
});

test("diff says by tensor what moved, and the losses before and after", async () => {
  const { tensors, report } = await answerOf("diff", "", "0", "2");
  expect(tensors.map(({ tensor }: { tensor: string }) => tensor)).toContain("layers.0.weight");
  for (const { changed, norm, largest } of tensors) {
    expect(changed > 0).toBe(norm > 0);
    expect(changed > 0).toBe(largest.length > 0);
  }
  expect(report.after.lossNats).not.toBe(report.before.lossNats);
  const same = await answerOf("diff", "", "2", "2");
  expect(same.tensors.every(({ changed }: { changed: number }) => changed === 0)).toBe(true);
  const { lines } = await stage.read("diff", address, "1.0.0");
  expect(lines.at(-1)).toMatch(/^loss \d\.\d{4} → \d\.\d{4} nats, accuracy .*% → .*%$/);
});

test("blame names who moved which weights, and leaves out what was reverted", async () => {
  const answer = await answerOf("blame", "", "layers.0.weight");
  const blamed = answer.contributions.map(
    ({ contribution }: { contribution: string }) => contribution,
  );
  const standing = stage.merged.flat().filter((id) => id !== stage.reverted);
  expect(blamed.toSorted()).toEqual(standing.toSorted());
  const moved = answer.contributions.reduce(
    (sum: number, each: { moved: number }) => sum + each.moved,
    0,
  );
  expect(moved + answer.rounding).toBeCloseTo(answer.way, 9);
  expect(Math.abs(answer.rounding)).toBeLessThan(0.2 * Math.abs(answer.way) + 0.1);
  expect(answer.contributions[0].shards[0].title).toMatch(/^Patterns \d$/);
  const before = await answerOf("blame", "@2", "layers.0.weight");
  expect(JSON.stringify(before)).toContain(stage.reverted); // it was reverted by version 3
  const { lines } = await stage.read("blame", address, "layers.0.weight[0,:4]");
  expect(lines[0]).toBe("4 weights of layers.0.weight[0,:4] in version 4 of tiny");
});

test("stat says who made the model, from which data, under which licences", async () => {
  const { contributors, shards, licences, versions } = await answerOf("stat", "");
  expect(versions).toBe(5);
  expect(
    contributors.map(({ contributor }: { contributor: string }) => contributor).sort(),
  ).toEqual(stage.contributors.toSorted());
  const { entries } = await stage.relay.client.leaderboard("tiny", "all");
  for (const { contributor, credit, merged } of entries) {
    expect(contributors).toContainEqual(expect.objectContaining({ contributor, merged }));
    const mine = contributors.find(
      (each: { contributor: string }) => each.contributor === contributor,
    );
    expect(mine.credit).toBeCloseTo(credit, 9);
  }
  expect(shards.length).toBe(6);
  expect(licences).toMatchObject({ model: "CC0-1.0", patches: ["CC0-1.0"] });
  const { lines } = await stage.read("stat", address);
  expect(lines.at(-1)).toBe("licences: model CC0-1.0, patches CC0-1.0");
});

test.each([
  [["show", "@9"], /tiny has no version 9: its newest is 4/],
  [["show", "@2.0.0"], /tiny has no such version/],
  [["blame", "", "nothing"], /there is no tensor "nothing"; there are /],
  [["blame", "", "layers.0.weight[99]"], /99 is not within 0:/],
  [["diff", "", "9"], /tiny has no version 9/],
  [["log", "", "-n", "0"], /It is a whole number, 1 or more/],
])("%s of a history that does not have it is one sentence", async (words, sentence) => {
  const [command = "", version = "", ...rest] = words;
  const { code, lines, errors } = await stage.read(command, `${address}${version}`, ...rest);
  expect({ code, lines, count: errors.length }).toEqual({ code: 1, lines: [], count: 1 });
  expect(errors[0]).toMatch(sentence);
});

test("a history by another key is read by no command", async () => {
  const key = ["--key", "ab".repeat(32)];
  for (const words of [["log"], ["show"], ["diff", "0"], ["stat"]]) {
    const [command = "", ...rest] = words;
    const { code, lines, errors } = await stage.read(command, address, ...rest, ...key);
    expect({ code, lines }).toEqual({ code: 1, lines: [] });
    expect(errors[0]).toMatch(/does not verify: .*\(key\)$/);
  }
});

test("V15: certificate says who was trained on a version with what was reverted, and that one is left", async () => {
  const found = await answerOf("certificate", "", stage.reverted);
  expect(found).toMatchObject({ version: 1, reverted: 3, left: 2 });
  const learners = found.learners.map(({ contribution }: { contribution: string }) => contribution);
  expect(learners.toSorted()).toEqual(stage.merged[1]!.toSorted());
  const { lines } = await stage.read("certificate", address, stage.reverted);
  expect(lines[1]).toBe("Trained on a version with it: 2 later contributions.");
  expect(lines.at(-1)).toMatch(/^Open: 2 contributions left in the model\./);
  const own = await stage.read("certificate", address, stage.merged[1]![0]!);
  expect(own.code).toBe(1);
  expect(own.errors.join()).toMatch(/is in tiny: nobody reverted it\.$/);
});
