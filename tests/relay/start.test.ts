import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test, vi } from "vitest";
import { startTestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";

vi.setConfig({ testTimeout: 60_000 }); // a relay with its threads starts first
const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "commonweight-start-"));
  folders.push(folder);
  return folder;
}

/** A data folder that a relay has filled and left. */
async function filledFolder(): Promise<string> {
  const dataDir = await temporaryFolder();
  const { relay } = await startTestRelay({ dataDir });
  await relay.close();
  return dataDir;
}

const startIn = (dataDir: string, config = {}) => startTestRelay({ dataDir, config });
const sentence = (part: string) => ({
  name: "StartError",
  message: expect.stringMatching(new RegExp(`^[^\\n]*${part}[^\\n]*\\.$`)),
});

test("a taken port is told, and the data folder is free again", async () => {
  const server = createServer().listen(0);
  const { port } = server.address() as AddressInfo;
  const dataDir = await temporaryFolder();
  await expect(startIn(dataDir, { port })).rejects.toMatchObject(sentence("Port .* is taken"));
  server.close();
  const { relay } = await startIn(dataDir);
  await relay.close();
});

test("H: while a model is imported, the page is there, and the API says when to ask again", async () => {
  const probe = createServer().listen(0);
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve)); // the relay tells its port only when it is open
  const webDir = await temporaryFolder();
  await writeFile(join(webDir, "index.html"), "<title>Commonweight</title>");
  const importing = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const source = tinyModel();
  const slow = {
    ...source,
    async base() {
      importing.resolve();
      await goOn.promise;
      return source.base();
    },
  };
  const dataDir = await temporaryFolder();
  const started = startTestRelay({ source: slow, dataDir, config: { port, webDir } });
  await importing.promise;
  const page = await fetch(`http://localhost:${port}/`);
  expect(page.status).toBe(200);
  expect(await page.text()).toContain("Commonweight");
  expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
  const answer = await fetch(`http://localhost:${port}/api/v1/models`);
  expect(answer.status).toBe(503);
  expect(answer.headers.get("retry-after")).toBe("2");
  expect(await answer.json()).toMatchObject({ error: { code: "unavailable" } });
  goOn.resolve();
  const { relay } = await started;
  expect((await fetch(`http://localhost:${port}/api/v1/models`)).status).toBe(200);
  await relay.close();
});

test("H: a relay that ends says so until it has ended", async () => {
  const { relay, ask } = await startIn(await temporaryFolder());
  const closing = relay.close();
  const answer = await ask("/api/v1/health");
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "2"]);
  expect(await answer.json()).toMatchObject({ error: { code: "unavailable" } });
  await closing;
});

test("a data folder that cannot be made is told", async () => {
  const file = join(await temporaryFolder(), "file");
  await writeFile(file, "");
  await expect(startIn(join(file, "data"))).rejects.toMatchObject(sentence("cannot be written"));
});

test("a data folder that another relay uses is told", async () => {
  const dataDir = await temporaryFolder();
  const { relay } = await startIn(dataDir);
  await expect(startIn(dataDir)).rejects.toMatchObject(sentence("in use by another relay"));
  await relay.close();
});

test("a damaged database is told", async () => {
  const dataDir = await filledFolder();
  await writeFile(join(dataDir, "ledger.db"), "x".repeat(8192));
  await expect(startIn(dataDir)).rejects.toMatchObject(sentence("ledger.db cannot be used"));
});

test("a missing or changed blob of the head is told", async () => {
  const dataDir = await filledFolder();
  const blobs = join(dataDir, "blobs");
  const whole = (await readdir(blobs, { recursive: true })).filter((name) => name.length > 60);
  const sizes = await Promise.all(whole.map(async (name) => (await stat(join(blobs, name))).size));
  const checkpoint = whole[sizes.indexOf(172 * 4)]!; // the tiny model's parameters in f32
  await writeFile(join(blobs, checkpoint), new Uint8Array(172 * 4));
  await expect(startIn(dataDir)).rejects.toMatchObject(sentence("is damaged: tiny: blob"));
});

test("a start on a full disk is told in a sentence, whenever the disk is full", async () => {
  const serve = fileURLToPath(new URL("../../scripts/serve.ts", import.meta.url));
  for (const limit of [0, 20_000, 200_000]) {
    const dataDir = await temporaryFolder();
    const { status, stderr } = spawnSync("prlimit", [`--fsize=${limit}`, process.execPath, serve], {
      env: { ...process.env, PORT: "0", DATA_DIR: dataDir },
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([
      1,
      `The disk of the data folder ${dataDir} is full: make room on it, or choose another DATA_DIR.\n`,
    ]);
  }
});

test("a recipe that was edited after the first start, and a model that is listed no more, are told", async () => {
  const dataDir = await filledFolder();
  const edited = await startTestRelay({ dataDir, source: tinyModel({ title: "Tinier" }) });
  expect(edited.relay.notes[0]).toBe(
    `The recipe of tiny is another one than its ledger has: the relay goes on with the ledger's. A maintainer changes it with "commonweight recipe".`,
  );
  expect((await edited.client.model("tiny")).recipe.title).toBe("Tiny");
  await edited.relay.close();
  const other = await startTestRelay({ dataDir, source: tinyModel({ id: "other" }) });
  expect(other.relay.notes[0]).toMatch(/^The model tiny is .*serving it\.$/);
  await other.relay.close();
  const same = await startTestRelay({ dataDir, source: tinyModel({ id: "other" }) });
  expect(same.relay.notes).toHaveLength(2);
  await same.relay.close();
});

test("an invalid recipe is told with what is wrong in it", async () => {
  const mask = { ...tinyRecipe.mask, density: 2 };
  const started = startTestRelay({ dataDir: await temporaryFolder(), source: tinyModel({ mask }) });
  await expect(started).rejects.toMatchObject(sentence("tiny cannot be imported.*mask.density"));
});

test("a lost key is told, rather than a history that a new one continues", async () => {
  const dataDir = await filledFolder();
  await rm(join(dataDir, "relay-key"));
  await expect(startIn(dataDir)).rejects.toMatchObject(sentence("relay-key is not the one"));
});

test("keys and the maintainer's token are for their owner's eyes only, and stay the same", async () => {
  const dataDir = await filledFolder();
  for (const name of ["relay-key", "maintainer-token"]) {
    expect((await stat(join(dataDir, name))).mode & 0o777).toBe(0o600);
  }
  const file = join(dataDir, "maintainer-token");
  const first = await startIn(dataDir);
  expect(first.relay.notes).toEqual([`The maintainer's token is in ${file}`]);
  await first.relay.close();
  await rm(join(dataDir, "maintainer-token")); // its owner took it away: no other is made
  const { relay } = await startIn(dataDir);
  await expect(stat(join(dataDir, "maintainer-token"))).rejects.toMatchObject({ code: "ENOENT" });
  expect(relay.notes).toEqual([expect.stringMatching(/not in .* any more.*token make --data-dir/)]);
  await relay.close();
});
