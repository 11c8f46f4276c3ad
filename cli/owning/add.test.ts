import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { runCommand } from "../../tests/fixtures/command.ts";
import { maintainerOf } from "../../tests/fixtures/maintainer.ts";
import { volunteerOnce } from "../../tests/fixtures/terminal-volunteer.ts";
import { startTestRelay, type TestRelay } from "../../tests/fixtures/test-relay.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 }); // a relay with its threads starts first
const PENGUINS = fileURLToPath(
  new URL("../../tests/fixtures/import/penguins.parquet", import.meta.url),
);
let parent: string;
let folder: string;
let relay: TestRelay;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "commonweight-add-"));
  folder = join(parent, "penguins");
  const made = await runCommand("new", folder, "--data", PENGUINS, "--seconds", "0");
  expect(made.errors).toEqual([]);
  relay = await startTestRelay({ seed: "add" });
});
afterAll(async () => {
  await relay.remove();
  await rm(parent, { recursive: true });
});

function add(...words: readonly string[]) {
  const { url, maintainerTokenFile } = relay.relay;
  const where = ["--relay", url, "--token-file", maintainerTokenFile];
  return runCommand("add", folder, ...where, "--reason", "birds are next", ...words);
}

test("R6: a folder's model joins a relay that runs, and a volunteer gets work of it", async () => {
  const looked = await add("--preview");
  expect(looked).toMatchObject({ code: 0, errors: [] });
  expect(looked.lines[0]).toMatch(/^Penguins: [\d,]+ parameters, \d+ shards, [\d.]+ MB to send\.$/);
  expect(await relay.client.models()).toHaveLength(1);

  const added = await add("--yes");
  expect(added).toMatchObject({ code: 0, errors: [] });
  expect(added.lines.at(-2)).toBe(`Penguins is at ${relay.relay.url}, as penguins.`);
  expect(added.lines.at(-1)).toMatch(/^To take it back: npx commonweight retire penguins --relay /);
  const id = await volunteerOnce(relay, "penguins", join(parent, "volunteer"));
  expect(await relay.client.contribution(id)).toMatchObject({ model: "penguins" });
  const [entry] = (await (await maintainerOf(relay)).audit()).entries;
  expect(entry).toMatchObject({ action: "add", subject: "penguins", note: "birds are next" });

  const again = await add("--yes");
  expect(again).toMatchObject({ code: 1, lines: [] });
  expect(again.errors.join()).toContain("has a model penguins already; give yours another id");
});

test("a folder whose recipe would not work is refused before anything is sent", async () => {
  const file = join(folder, "recipe.jsonc");
  const recipe = await readFile(file, "utf8");
  await writeFile(
    file,
    recipe
      .replace(/"id": "penguins"/, '"id": "birds"')
      .replace(/("marginNats": )[\d.]+/, "$10.0001"),
  );
  const refused = await add("--yes");
  expect(refused).toMatchObject({ code: 1, lines: [] });
  expect(refused.errors.join()).toMatch(/^The gate can never decide: /);
  expect((await relay.client.models()).map((card) => card.recipe.id)).not.toContain("birds");
});
