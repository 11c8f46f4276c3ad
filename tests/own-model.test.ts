/** An owner's way: `commonweight new` on a table, a relay with it, volunteers, a new version. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openModelFolder } from "../import/model-folder.ts";
import { runCommand } from "./fixtures/command.ts";
import { volunteerOnce } from "./fixtures/terminal-volunteer.ts";
import { startTestRelay, type TestRelay } from "./fixtures/test-relay.ts";

const PENGUINS = fileURLToPath(new URL("fixtures/import/penguins.parquet", import.meta.url));
const VOLUNTEERS = 4; // the proposed cohort
const SEED = "penguins"; // of the relay's lots, tickets and reference: on 300 rows another draw refuses one honest piece now and then

let folder: string;
let stage: TestRelay | null = null;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-own-model-"));
});
afterAll(async () => {
  await stage?.remove();
  await rm(folder, { recursive: true });
});

test("an owner's table becomes a community whose first version is better than its start", async () => {
  const path = join(folder, "penguins");
  const made = await runCommand("new", path, "--data", PENGUINS, "--seconds", "10");
  expect(made.errors).toEqual([]);
  expect(made.lines.join("\n")).toMatch(
    /^Penguins: \d+ examples .*\nClasses: Adelie, Chinstrap, Gentoo\./,
  );
  expect((await runCommand("check", path)).code).toBe(0);

  stage = await startTestRelay({ source: await openModelFolder(path), seed: SEED });
  const before = (await stage.client.model("penguins")).head;
  const ids: string[] = [];
  for (let i = 0; i < VOLUNTEERS; i++) {
    ids.push(await volunteerOnce(stage, "penguins", join(folder, `volunteer-${i}`)));
  }
  const lives = await Promise.all(ids.map((id) => stage!.decided(id)));
  expect(lives.map(({ state }) => state)).toEqual(ids.map(() => "merged"));
  const { head, recipe } = await stage.client.model("penguins");
  expect(head.number).toBe(1);
  expect(head.report.lossNats).toBeLessThan(before.report.lossNats - 0.1);
  expect(recipe.data.classes).toEqual(["Adelie", "Chinstrap", "Gentoo"]);
}, 120_000);

test("what is wrong with the wish is one sentence, exit code 1, and no folder", async () => {
  const path = join(folder, "wrong");
  await writeFile(join(folder, "bad.csv"), "a,label\n1,x\n");
  for (const [words, sentence] of [
    [["--data", join(folder, "none.csv")], /there is no such file or folder\.$/],
    [
      ["--data", join(folder, "bad.csv"), "--label", "z"],
      /no column "z"; the columns are "a", "label"\.$/,
    ],
    [[], /^--data is missing/],
    [["--data", "x", "--image-size", "big"], /It is a size such as 28x28/],
  ] as const) {
    const { code, errors } = await runCommand("new", path, ...words);
    expect(code).toBe(1);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(sentence);
    expect((await runCommand("check", path)).errors[0]).toMatch(/no model folder/);
  }
});
