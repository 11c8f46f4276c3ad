import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { relaySource } from "../../core/history/history-source.ts";
import { verifyHistory } from "../../core/history/verify-history.ts";
import { openModelFolder } from "../../import/model-folder.ts";
import { runCommand } from "../../tests/fixtures/command.ts";
import { maintainerOf } from "../../tests/fixtures/maintainer.ts";
import { startTestRelay } from "../../tests/fixtures/test-relay.ts";

let parent: string;
let folder: string;
beforeEach(async () => {
  vi.stubEnv("DATA_DIR", undefined);
  parent = await mkdtemp(join(tmpdir(), "commonweight-data-place-"));
  folder = join(parent, "leaves");
  const made = await runCommand("new", folder, "--data", await table(0, 200), "--seconds", "0");
  expect(made.errors).toEqual([]);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(parent, { recursive: true });
});

/** Rows from…to−1 of leaves, no two alike. */
async function table(from: number, to: number): Promise<string> {
  const rows = Array.from({ length: to - from }, (_, i) => {
    const at = from + i;
    return `${60 + at / 8},${(at * 7919) % 100},${at % 2 === 1 ? "oak" : "birch"}`;
  });
  const path = join(parent, `rows ${from} to ${to}.csv`);
  await writeFile(path, `length,width,label\n${rows.join("\n")}\n`);
  return path;
}

async function add(path: string, ...words: readonly string[]) {
  const about = ["--data", path, "--licence", "CC0-1.0", "--reason", "spring is here"];
  return runCommand("data", "add", folder, ...about, ...words);
}

const serve = async () =>
  startTestRelay({
    source: await openModelFolder(folder),
    dataDir: join(folder, "relay-data"),
    seed: "data place",
  });

test("R10: data come to a folder whose relay does not run as they come to one that runs", async () => {
  const more = await table(150, 260);
  const served = await serve();
  const busy = await add(more, "--yes");
  expect(busy).toMatchObject({ code: 1, lines: [] });
  expect(busy.errors.join()).toMatch(
    /^The data folder .* is in use by another relay: stop that one/,
  );
  await served.relay.close();

  const looked = await add(more, "--preview");
  expect(looked).toMatchObject({ code: 0, errors: [] });
  expect(looked.lines[0]).toMatch(
    /^rows 150 to 260\.csv \(CC0-1\.0\): 110 examples in \d+ shards, /,
  );
  const added = await add(more, "--yes");
  expect(added).toMatchObject({ code: 0, errors: [] });
  expect(added.lines.at(-2)).toMatch(/^leaves has 60 examples more in \d+ shards; left out: /);
  const again = await add(more, "--yes");
  expect(again.lines).toEqual(added.lines); // it is the same addition
  const known = await add(await table(210, 230), "--yes");
  expect(known).toMatchObject({ code: 1 });
  expect(known.errors.join()).toMatch(/^rows 210 to 230\.csv: nothing new; 20 examples are in /);

  const relay = await serve();
  const { data } = await verifyHistory(relaySource(relay.client, "leaves"), {
    pin: null,
    full: true,
  });
  expect(data).toMatchObject([{ source: "rows 150 to 260.csv", licence: "CC0-1.0", examples: 60 }]);
  const [entry] = (await (await maintainerOf(relay)).audit()).entries;
  expect(entry).toMatchObject({
    action: "add-data",
    maintainer: "at the relay's machine",
    note: "spring is here",
  });
  await relay.remove();
});

test("data for a folder that no relay has served, or for a relay without a token, are refused in a sentence", async () => {
  const more = await table(200, 210);
  const unserved = await add(more, "--yes");
  expect(unserved).toMatchObject({ code: 1, lines: [] });
  expect(unserved.errors.join()).toMatch(
    /^There is no ledger at .*relay-data.ledger\.db: no relay /,
  );
  await expect(access(join(folder, "relay-data"))).rejects.toThrow();
  vi.stubEnv("STORE", "postgres://relay@localhost/commonweight");
  expect((await add(more, "--yes")).errors).toEqual([
    "The ledger at STORE may have relays that run: add to one of them, with --relay.",
  ]);
  folder = "leaves";
  expect((await add(more, "--relay", "http://localhost:9")).errors.join()).toMatch(
    /^--token-file /,
  );
});
