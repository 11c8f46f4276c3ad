import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { layoutOf } from "../../core/models/registry.ts";
import { expectReplays, readChain } from "../fixtures/chain.ts";
import { maintainerOf, reverted } from "../fixtures/maintainer.ts";
import { writeOldFolder } from "../fixtures/old-folder.ts";
import { startTestRelay } from "../fixtures/test-relay.ts";
import { tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000 }); // a relay with its threads starts first
let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "commonweight-old-"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

test.each([2, 5] as const)(
  "a data folder of schema %i goes on: its history replays, work is merged, and an old contribution is reverted",
  async (schema) => {
    await writeOldFolder(schema, dataDir);
    const stage = await startTestRelay({ dataDir });
    expect((await stage.client.model("tiny")).head.number).toBe(3);
    await (await maintainerOf(stage)).resume({ model: "tiny", reason: "a test" });
    const volunteer = await createVolunteer(stage.client, tinyRecipe);
    const { id, bytes, signature } = await contribute(volunteer, stage.now());
    await stage.client.putContribution(id, bytes, signature);
    expect(await stage.decided(id)).toMatchObject({ state: "merged", version: 4 });
    await expectReplays(stage.client, "tiny", layoutOf(tinyRecipe.architecture));
    const [input] = (await readChain(stage.client, "tiny")).records[1]!.merge!.inputs;
    expect((await reverted(stage, input!.contribution)).state).toMatch(/published|refused/);
    await stage.relay.close();
    await (await startTestRelay({ dataDir })).relay.close(); // nothing is left to bring up to date
  },
);

/** The bytes of every file but the lock and what SQLite makes anew at each opening. */
async function contents(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || /lock|-shm$|-wal$/.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    found[path] = (await readFile(path)).toString("base64");
  }
  return found;
}

test("a data folder whose recipe cannot be brought up to date is refused in a sentence, unchanged", async () => {
  await writeOldFolder(2, dataDir);
  const ledger = new Database(join(dataDir, "ledger.db"));
  ledger.prepare("update models set recipe = json_set(recipe, '$.merge.rule', 'sum')").run();
  ledger.close();
  const before = await contents();
  await expect(startTestRelay({ dataDir })).rejects.toMatchObject({
    name: "StartError",
    message: expect.stringMatching(/^This version .* tiny of an earlier one .*merge.rule[^\n]*\.$/),
  });
  expect(await contents()).toEqual(before);
});
