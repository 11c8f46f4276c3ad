import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { layoutOf } from "../core/models/registry.ts";
import { openPostgresToFill } from "../relay-server/store/postgres/open-postgres.ts";
import { openPostgres } from "../relay-server/store/postgres/postgres.ts";
import { expectReplays } from "../tests/fixtures/chain.ts";
import { runCommand } from "../tests/fixtures/command.ts";
import { hasPostgres, startPostgres, type TestPostgres } from "../tests/fixtures/postgres.ts";
import { startTestRelay } from "../tests/fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../tests/fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../tests/fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // relays with their threads, and a server
if (!hasPostgres) console.warn("PostgreSQL is not installed: nothing of this file is tried.");

describe.runIf(hasPostgres)("commonweight move", () => {
  let server: TestPostgres;
  let dataDir: string;
  const source = tinyModel({
    merge: { ...tinyRecipe.merge, cohortSize: 1, cohortSeconds: 1000 },
    gate: { ...tinyRecipe.gate, marginNats: 2 },
  });
  beforeAll(async () => {
    server = await startPostgres();
    dataDir = await mkdtemp(join(tmpdir(), "commonweight-move-"));
  });
  afterAll(async () => {
    await server.remove();
    await rm(dataDir, { recursive: true, force: true });
  });

  /** A database with the ledger's tables. */
  async function emptyDatabase(name: string): Promise<string> {
    const db = openPostgres(server.url());
    await sql`create database ${sql.id(name)}`.execute(db);
    await db.destroy();
    const url = server.url().replace("/postgres?", `/${name}?`);
    await (await openPostgresToFill(url)).close();
    return url;
  }

  test("a relay's ledger goes to PostgreSQL whole, once, and the relay goes on there and nowhere else", async () => {
    const first = await startTestRelay({ source, dataDir, seed: "move" });
    const volunteer = await createVolunteer(first.client, tinyRecipe);
    const send = async (relay: typeof first) => {
      const { id, bytes, signature } = await contribute(volunteer, relay.now());
      await relay.client.putContribution(id, bytes, signature);
      return relay.decided(id);
    };
    expect((await send(first)).version).toBe(1);
    const before = await first.client.version("tiny", 1);
    const to = ["move", "--data-dir", dataDir, "--to", server.url()];
    const running = await runCommand(...to);
    expect(running.errors).toEqual([expect.stringContaining("in use by another relay")]);
    await first.relay.close();

    const moved = await runCommand(...to);
    expect(moved).toMatchObject({ code: 0, errors: [] });
    expect(moved.lines[0]).toMatch(
      /^Moved and compared: \d+ rows of \d+ tables; tiny at version 1/,
    );
    expect(await runCommand(...to)).toEqual(moved); // it is there, and the same

    const backup = await runCommand("backup", `${dataDir}-backup`, "--data-dir", dataDir);
    expect(backup.errors).toEqual([expect.stringContaining("was moved to PostgreSQL")]);
    await rm(`${dataDir}-backup`, { recursive: true });

    const config = { store: server.url() };
    const second = await startTestRelay({ source, dataDir, config, seed: "moved" });
    expect(await second.client.version("tiny", 1)).toEqual(before);
    const own = await createVolunteer(second.client, tinyRecipe);
    const { id, bytes, signature } = await contribute(own, second.now());
    await second.client.putContribution(id, bytes, signature);
    expect((await second.decided(id)).version).toBe(2);
    await expectReplays(second.client, "tiny", layoutOf(tinyRecipe.architecture));
    await second.relay.close();
    const again = await runCommand(...to);
    expect(again.errors).toEqual([
      expect.stringMatching(/has a ledger already \(with tiny\), which has gone on/),
    ]);
    await expect(startTestRelay({ source, dataDir })).rejects.toMatchObject({
      name: "StartError",
      message: expect.stringMatching(/was moved to PostgreSQL .*set STORE/),
    });
  });

  test("a move whose commit is not answered is found out by the next one, and no relay starts in between", async () => {
    const folder = await mkdtemp(join(tmpdir(), "commonweight-move-"));
    const relay = await startTestRelay({ source, dataDir: folder, seed: "cut" });
    await relay.relay.close();
    const url = await emptyDatabase("cut");
    const target = openPostgres(url);
    await sql`create function cut() returns trigger language plpgsql as
      $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$`.execute(target);
    await sql`create constraint trigger cut after insert on models deferrable initially deferred
      for each row execute function cut()`.execute(target);
    const move = ["move", "--data-dir", folder, "--to", url];
    const cut = await runCommand(...move);
    expect(cut.errors).toEqual([expect.stringContaining("run the same command again")]);
    await expect(startTestRelay({ source, dataDir: folder })).rejects.toMatchObject({
      message: expect.stringContaining("was moved to PostgreSQL"),
    });
    await sql`drop trigger cut on models`.execute(target);
    await target.destroy();
    expect(await runCommand(...move)).toMatchObject({ code: 0, errors: [] });
    await rm(folder, { recursive: true });
  });

  test("where PostgreSQL comes to hold something else, nothing is moved, and the relay starts as before", async () => {
    const folder = await mkdtemp(join(tmpdir(), "commonweight-move-"));
    const relay = await startTestRelay({ source, dataDir: folder, seed: "unmoved" });
    await relay.relay.close();
    const url = await emptyDatabase("other");
    const other = openPostgres(url);
    await sql`create function spoil() returns trigger language plpgsql as
      $$ begin new.title = new.title || '!'; return new; end $$`.execute(other);
    await sql`create trigger spoil before insert on shards for each row execute function spoil()`.execute(
      other,
    );
    const spoilt = await runCommand("move", "--data-dir", folder, "--to", url);
    expect(spoilt.errors).toEqual([
      expect.stringMatching(/^The table shards .*nothing was moved\.$/),
    ]);
    expect(await other.selectFrom("models").select("id").execute()).toEqual([]);
    await other.destroy();
    await (await startTestRelay({ source, dataDir: folder })).remove();
  });
});
