import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createRandom } from "../../core/random.ts";
import { openModelFolder } from "../../import/model-folder.ts";
import { runCommand } from "../../tests/fixtures/command.ts";
import { volunteerOnce } from "../../tests/fixtures/terminal-volunteer.ts";
import { startTestRelay, type TestRelay } from "../../tests/fixtures/test-relay.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let parent: string;
let relay: TestRelay;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "commonweight-data-add-"));
  const first = await table("first.csv", leaves("first", 200));
  const made = [
    await runCommand("new", join(parent, "leaves"), "--data", first, "--seconds", "0"),
    await runCommand("new", join(parent, "letters"), "--data", await letters("first", 60), ...TINY),
  ];
  expect(made.flatMap(({ errors }) => errors)).toEqual([]);
  relay = await startTestRelay({
    source: await openModelFolder(join(parent, "leaves")),
    seed: "data add",
  });
  const letterbox = join(parent, "letters");
  const added = await runCommand("add", letterbox, ...where(), "--reason", "letters too", "--yes");
  expect(added.errors).toEqual([]);
});
afterAll(async () => {
  await relay.remove();
  await rm(parent, { recursive: true });
});
const TINY = ["--size", "tiny", "--seconds", "0"];

/** Rows of leaves, no two alike. */
function leaves(seed: string, count: number): string[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => {
    const isOak = random.below(2) === 1;
    const length = (isOak ? 90 : 60) + random.below(4000) / 100;
    return `${length},${random.below(10_000) / 100},${isOak ? "oak" : "birch"}`;
  });
}

async function table(name: string, rows: readonly string[]): Promise<string> {
  await writeFile(join(parent, name), `length,width,label\n${rows.join("\n")}\n`);
  return join(parent, name);
}

/** A folder of letters, each of a thousand random words. */
async function letters(seed: string, count: number): Promise<string> {
  const random = createRandom(seed);
  const word = () => String.fromCharCode(...Array.from({ length: 5 }, () => 97 + random.below(26)));
  const folder = join(parent, `letters of ${seed}`);
  await mkdir(folder, { recursive: true });
  for (let i = 0; i < count; i++) {
    const text = Array.from({ length: 1000 }, word).join(" ");
    await writeFile(join(folder, `${i}.txt`), text);
  }
  return folder;
}

function where() {
  const { url, maintainerTokenFile } = relay.relay;
  return ["--relay", url, "--token-file", maintainerTokenFile];
}

function add(model: string, path: string, ...words: readonly string[]) {
  const about = ["--data", path, "--licence", "CC-BY-4.0", "--reason", "more of them"];
  return runCommand("data", "add", model, ...about, ...where(), ...words);
}

/** Examples that are new, and copies of held-out and of known ones, as the command says. */
function outcomeOf({ lines, errors }: Awaited<ReturnType<typeof add>>): number[] {
  expect(errors).toEqual([]);
  const told =
    /has (\d+) examples? more in \d+ shards?; left out: (\d+) copies of held-out examples and (\d+) of known ones\.$/;
  return told.exec(lines.at(-2)!)!.slice(1).map(Number);
}

test("R10: an owner's rows come to a model by one command, but for copies, and volunteers train on them", async () => {
  const rows = leaves("second", 100);
  const path = await table("more.csv", [...leaves("first", 20), ...rows, ...rows.slice(0, 3)]);
  const looked = await add("leaves", path, "--preview");
  expect(looked).toMatchObject({ code: 0, errors: [] });
  expect(looked.lines[0]).toMatch(/^more\.csv \(CC-BY-4\.0\): 120 examples in \d+ shards, /);
  expect(looked.lines[0]).toMatch(/; 3 repeated ones are left out\.$/);
  expect((await relay.client.acts("leaves")).length).toBe(0);

  const added = await add("leaves", path, "--yes");
  expect(added).toMatchObject({ code: 0, errors: [] });
  const [fresh, held, known] = outcomeOf(added);
  expect([fresh, held! + known!]).toEqual([100, 20]);
  const id = await volunteerOnce(relay, "leaves", join(parent, "volunteer"));
  expect(await relay.client.contribution(id)).toMatchObject({ model: "leaves" });
  const pins = ["--pins", join(parent, "pins.json"), "--json"];
  const verified = await runCommand("verify", `${relay.relay.url}/leaves`, ...pins);
  expect(JSON.parse(verified.lines.join()).models).toMatchObject([
    { holds: true, data: [{ source: "more.csv", licence: "CC-BY-4.0", examples: 100 }] },
  ]);
  const again = await add("leaves", path, "--yes");
  expect(again.lines.at(-2)).toBe(added.lines.at(-2)); // it is the same addition
  const moved = await add("leaves", path, "--source", "another name", "--yes");
  expect(moved.code).toBe(1);
  expect(moved.errors.join()).toMatch(/^The relay refuses it: another name: nothing new; 1\d\d /);
  expect((await relay.client.acts("leaves")).length).toBe(1);
});

test("R10: texts come to a model of text, each document once", async () => {
  const folder = await letters("second", 12);
  await writeFile(join(folder, "again.txt"), " SAME \n words");
  await writeFile(join(folder, "again too.txt"), "same words");
  const looked = await add("letters", folder, "--preview");
  expect(looked.lines[0]).toMatch(/; 1 repeated ones are left out\.$/);
  const [rest, held, known] = outcomeOf(
    await add("letters", join(parent, "letters of first"), "--yes"),
  );
  expect(held).toBeGreaterThan(0);
  expect(known).toBeGreaterThan(rest!); // the rest: stretches beside those that are held out
  const added = await add("letters", folder, "--yes");
  expect(added.errors).toEqual([]);
  expect(added.lines.at(-2)).toMatch(/left out: 0 copies of held-out examples and 0 of known ones/);
});

test("what does not fit the model is one sentence, and nothing is sent", async () => {
  const before = await relay.client.acts("letters");
  const refusal = async (model: string, path: string) => (await add(model, path, "--yes")).errors;
  expect(await refusal("letters", await table("x.csv", leaves("x", 3)))).toEqual([
    "Letters continues texts, and the files give classes.",
  ]);
  expect(await refusal("leaves", await table("y.csv", ["70,3,ash"]))).toEqual([
    'y.csv, line 2: the model has no class "ash".',
  ]);
  expect(await refusal("leaves", join(parent, "none.csv"))).toEqual([
    `${join(parent, "none.csv")}: there is no such file or folder.`,
  ]);
  expect(await relay.client.acts("letters")).toEqual(before);
});
