import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { relaySource } from "../../core/history/history-source.ts";
import { readVerifiedChain } from "../../core/history/verified-chain.ts";
import { parametersOf } from "../../core/history/version-parameters.ts";
import {
  openRepositoryStage,
  type RepositoryStage,
} from "../../tests/fixtures/repository-stage.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let stage: RepositoryStage;
let address: string;
let check: string;
let values: number[][]; // of every version, the first weights
beforeAll(async () => {
  stage = await openRepositoryStage("own");
  address = `${stage.url}/tiny`;
  check = join(stage.folder, "check.mjs");
  await writeFile(
    check,
    `import { readFileSync } from "node:fs";
const bytes = readFileSync(process.argv[2]);
const start = 8 + Number(bytes.readBigUInt64LE(0));
const [, , , index, was] = process.argv;
process.exit(bytes.readFloatLE(start + 4 * index) === Number(was) ? 0 : 1);
`,
  );
  const source = relaySource(stage.relay.client, "tiny");
  const chain = await readVerifiedChain(source, { pin: null });
  values = await Promise.all(
    chain.map(async ({ record }) => {
      const { parameters } = await parametersOf(source, chain, record.number);
      return [...parameters];
    }),
  );
});
afterAll(() => stage.remove());

/**
 * A weight that one version, and of its contributions one alone, moves for the first time: the one that it moves furthest,
 * since near half a step of the rounding (protocol G21) a neighbour's absence can decide.
 */
async function weightMovedBy(version: number): Promise<number> {
  const moveOf = (index: number) => Math.abs(values[version]![index]! - values[0]![index]!);
  const moved = [...values[0]!.keys()]
    .filter((index) => moveOf(index) > 0 && values[version - 1]![index] === values[0]![index])
    .sort((a, b) => moveOf(b) - moveOf(a));
  for (const index of moved) {
    const said = await stage.read("blame", `${address}@${version}`, nameOf(index), "--json");
    const blamed = JSON.parse(said.lines.join());
    expect(blamed.before).toBe(values[0]![index]); // the name is that weight's
    if (blamed.contributions.length === 1 && blamed.contributions[0].version === version)
      return index;
  }
  throw new Error("no such weight");
}

/** The name of a flat position in an MLP 16-8-4. */
function nameOf(index: number): string {
  const tensors = [
    ["layers.0.bias", [8]],
    ["layers.0.weight", [8, 16]],
    ["layers.1.bias", [4]],
    ["layers.1.weight", [4, 8]],
  ] as const;
  let offset = index;
  for (const [name, shape] of tensors) {
    const size = shape.reduce((product, length) => product * length, 1);
    if (offset < size) {
      const inner = shape[1] ?? 1;
      return shape.length === 1
        ? `${name}[${offset}]`
        : `${name}[${Math.floor(offset / inner)},${offset % inner}]`;
    }
    offset -= size;
  }
  throw new Error("past the model");
}

test("bisect finds the version and the contribution that moved a weight", async () => {
  const index = await weightMovedBy(2);
  const words = [process.execPath, check, "{}", String(index), String(values[0]![index])];
  const bisected = await stage.read("bisect", address, "--json", "--bad", "2", "--", ...words);
  expect(bisected).toMatchObject({ code: 0, errors: [] });
  const found = JSON.parse(bisected.lines.join());
  const blamed = await stage.read("blame", `${address}@2`, nameOf(index), "--json");
  expect(found).toMatchObject({
    version: 2,
    change: "merge",
    contributions: [JSON.parse(blamed.lines.join()).contributions[0].contribution],
  });
  const spoken = await stage.read("bisect", `${address}@2`, "--", ...words);
  expect(spoken.lines.at(-2)).toBe("Version 2 is the first bad one; it is good without");
});

test("bisect names the revert that made a test fail", async () => {
  const index = values[2]!.findIndex((value, at) => value !== values[3]![at]);
  const words = [process.execPath, check, "{}", String(index), String(values[2]![index])];
  const bisected = await stage.read("bisect", `${address}@3`, "--good", "2", "--", ...words);
  expect(bisected.lines.slice(-2)).toEqual([
    "Version 3 is the first bad one: it reverts",
    stage.reverted,
  ]);
});

test.each([
  [[], ["node", "-e", "0"], /The test passes at version 4\.$/],
  [[], ["node", "-e", "process.exit(1)"], /The test fails at version 0 already\.$/],
  [["--good", "4"], ["node", "-e", "0"], /Version 4 is not before version 4\.$/],
  [[], ["no-such-command"], /ENOENT/],
  [[], ["node", "-e", "process.exit(127)"], /did not run as a test\.$/],
])("%s with the test %s is one sentence and exit code 1", async (options, words, sentence) => {
  const { code, errors } = await stage.read("bisect", address, ...options, "--", ...words);
  expect({ code, count: errors.length }).toEqual({ code: 1, count: 1 });
  expect(errors[0]).toMatch(sentence);
});
