/** A drill: a relay is backed up while it works, lost, and restored from the backup. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { layoutOf } from "../core/models/registry.ts";
import { backUp, snapshotSqlite } from "../relay-server/content/backup.ts";
import { openObjects } from "../relay-server/content/open-objects.ts";
import { expectReplays } from "../tests/fixtures/chain.ts";
import { runCommand } from "../tests/fixtures/command.ts";
import { hasPostgres, startPostgres } from "../tests/fixtures/postgres.ts";
import { startS3 } from "../tests/fixtures/s3-server.ts";
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
function keptAt(name: string) {
  const folder = { kind: "folder", path: at(name), temporary: at(`${name}/tmp`) } as const;
  const snapshot = (path: string) => snapshotSqlite(at(name), path);
  return { dataDir: at(name), objects: openObjects(folder), snapshot };
}
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-backup-"));
});
afterEach(() => vi.unstubAllEnvs());
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
  const report = await backUp(keptAt("data"), at("kept"), {
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
  const killed = backUp(keptAt("data"), at("kept"), {
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

test.runIf(hasPostgres)(
  "a relay on PostgreSQL and a bucket is backed up while it runs, and restored into a folder and another bucket",
  async () => {
    const [server, s3, other] = await Promise.all([startPostgres(), startS3(), startS3()]);
    const settings = { config: { store: server.url(), content: s3.bucket }, seed: "backup" };
    const first = await startTestRelay({ source, dataDir: at("data"), ...settings });
    const id = await merged(first);
    for (const [name, value] of Object.entries(s3.environment)) vi.stubEnv(name, value);
    vi.stubEnv("STORE", server.url());
    const backup = await runCommand("backup", at("kept"), "--data-dir", at("data"));
    expect(backup).toMatchObject({ code: 0, errors: [] });
    expect(backup.lines[0]).toContain("tiny at version 1;");
    await merged(first);
    await first.relay.close();
    await server.remove();

    vi.stubEnv("STORE", "");
    vi.stubEnv("CONTENT", "");
    const folder = await runCommand("restore", at("kept"), "--data-dir", at("again"));
    expect(folder).toMatchObject({ code: 0, errors: [] });
    for (const [name, value] of Object.entries(other.environment)) vi.stubEnv(name, value);
    const bucket = await runCommand("restore", at("kept"), "--data-dir", at("third"));
    expect(bucket).toMatchObject({ code: 0, errors: [] });
    const places = [
      { dataDir: at("again") },
      { dataDir: at("third"), config: { content: other.bucket } },
    ];
    for (const place of places) {
      const relay = await startTestRelay({ source, ...place });
      expect((await relay.client.contribution(id)).state).toBe("merged");
      await merged(relay);
      await expectReplays(relay.client, "tiny", layout);
      await relay.relay.close();
    }
    const over = await runCommand("restore", at("kept"), "--data-dir", at("third"));
    expect(over.errors).toEqual([expect.stringMatching(/^There is a ledger in /)]);
    await Promise.all([s3.remove(), other.remove()]);
  },
);

test("a bucket of another relay is restored into by nobody", async () => {
  await (await startTestRelay({ source, dataDir: at("data") })).relay.close();
  await runCommand("backup", at("kept"), "--data-dir", at("data"));
  const s3 = await startS3();
  await openObjects(s3.bucket).put("relay-key", Uint8Array.of(1));
  for (const [name, value] of Object.entries(s3.environment)) vi.stubEnv(name, value);
  const refused = await runCommand("restore", at("kept"), "--data-dir", at("new"));
  expect(refused.errors).toEqual([
    expect.stringMatching(/^There is another relay's key .* bucket/),
  ]);
  await expect(readdir(at("new"))).rejects.toMatchObject({ code: "ENOENT" });
  await s3.remove();
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
