/** A drill: a relay is backed up while it works, lost, and restored from the backup. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { layoutOf } from "../core/models/registry.ts";
import { backUp } from "../relay-server/content/backup.ts";
import { expectReplays } from "../tests/fixtures/chain.ts";
import { runCommand } from "../tests/fixtures/command.ts";
import { startTestRelay, type TestRelay } from "../tests/fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../tests/fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../tests/fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 120_000 }); // relays with their threads start first
const layout = layoutOf(tinyRecipe.architecture);
const source = tinyModel({
  merge: { ...tinyRecipe.merge, cohortSize: 1 },
  gate: { ...tinyRecipe.gate, marginNats: 2 },
});
let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-backup-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Work, send, and wait for the merge; returns the contribution's id. */
async function merged(stage: TestRelay): Promise<string> {
  const volunteer = await createVolunteer(stage.client, tinyRecipe);
  const { id, bytes, signature } = await contribute(volunteer, stage.now());
  await stage.client.putContribution(id, bytes, signature);
  expect((await stage.decided(id)).state).toBe("merged");
  return id;
}

test("a relay is backed up while it merges, lost, restored, and goes on", async () => {
  const first = await startTestRelay({ source, dataDir: at("data") });
  const early = await merged(first);
  const once = await runCommand("backup", at("kept"), "--data-dir", at("data"));
  expect(once).toMatchObject({ code: 0, errors: [] });
  expect(once.lines[0]).toContain("tiny at version 1;");
  const late = await merged(first);
  // versions appear between the ledger's snapshot and the copies of the files, and do no harm
  let after = "";
  const report = await backUp(at("data"), at("kept"), {
    onSnapshot: async () => {
      after = await merged(first);
    },
  });
  expect(report).toMatchObject({ damaged: [], heads: [{ model: "tiny", head: 2 }] });
  await first.relay.close();
  await rm(at("data"), { recursive: true });

  const restored = await runCommand("restore", at("kept"), "--data-dir", at("data"));
  expect(restored).toMatchObject({ code: 0, errors: [] });
  expect(restored.lines[0]).toContain("tiny at version 2;");
  const second = await startTestRelay({ source, dataDir: at("data") });
  const state = async (id: string) => (await second.client.contribution(id)).state;
  expect([await state(early), await state(late)]).toEqual(["merged", "merged"]);
  await expect(second.client.contribution(after)).rejects.toThrow("no contribution");
  await expectReplays(second.client, "tiny", layout);
  await merged(second);
  expect((await second.client.model("tiny")).head.number).toBe(3);
  await expectReplays(second.client, "tiny", layout);
  await second.relay.close();
});

test("a backup that is cut short restores as the one before, and what is no backup restores nothing", async () => {
  const stage = await startTestRelay({ source, dataDir: at("data") });
  await runCommand("backup", at("kept"), "--data-dir", at("data"));
  await merged(stage);
  const killed = backUp(at("data"), at("kept"), {
    onSnapshot: async () => {
      throw new Error("killed");
    },
  });
  await expect(killed).rejects.toThrow("killed");
  await stage.relay.close();
  const restored = await runCommand("restore", at("kept"), "--data-dir", at("again"));
  expect(restored.lines[0]).toContain("tiny at version 0;");
  await (await startTestRelay({ source, dataDir: at("again") })).relay.close();

  const over = await runCommand("restore", at("kept"), "--data-dir", at("data"));
  expect(over.errors).toEqual([
    expect.stringMatching(/^There is a ledger in .*nothing was changed/),
  ]);
  const empty = await runCommand("restore", at("nowhere"), "--data-dir", at("new"));
  expect(empty.errors).toEqual([expect.stringMatching(/no whole backup: it has no ledger.db/)]);
  await writeFile(join(at("kept"), "ledger.db"), "x".repeat(8192));
  const broken = await runCommand("restore", at("kept"), "--data-dir", at("new"));
  expect(broken.errors).toEqual([
    expect.stringMatching(/^The ledger of the backup cannot be used/),
  ]);
  await expect(readdir(at("new"))).rejects.toMatchObject({ code: "ENOENT" });
});

test("a damaged file replaces no sound one in the backup, and is named", async () => {
  const { relay, client } = await startTestRelay({ source, dataDir: at("data") });
  const [shard] = (await client.shards("tiny")).shards;
  await relay.close();
  const path = join("blobs", shard!.sha256.slice(0, 2), shard!.sha256);
  const bytes = await readFile(at(join("data", path)));
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(at(join("data", path)), bytes);
  const backup = await runCommand("backup", at("kept"), "--data-dir", at("data"));
  expect(backup.code).toBe(1);
  expect(backup.errors[0]).toContain(shard!.sha256);
  const nowhere = await runCommand("backup", at("kept2"), "--data-dir", at("kept2"));
  expect(nowhere.errors[0]).toMatch(/^There is no ledger/);
  const foreign = await runCommand("backup", folder, "--data-dir", at("data"));
  expect(foreign.errors[0]).toMatch(/is not empty and no backup/);
});
