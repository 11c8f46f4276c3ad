/** Starting and stopping as a person would: clear sentences and exit codes instead of stack traces. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ROOT } from "../../cli/page-build.ts";
import { startRelayProcess, temporaryFolder } from "./stage.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

/** Run the relay until it ends by itself: its exit code and what it said. */
async function startAndFail(settings: Record<string, string>): Promise<[number, string]> {
  const child = spawn(process.execPath, [join(ROOT, "scripts/serve.ts")], {
    cwd: ROOT,
    env: { ...process.env, PORT: "0", DATA_DIR: folder.path, ...settings },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const [code] = await once(child, "close");
  return [code, said.trim()];
}

/** A port that nobody listens on now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // it listens on TCP
  server.close();
  await once(server, "close");
  return port;
}

const ONE_SENTENCE = /^[A-Z][^\n]*\.$/;

test("start: Ctrl-C ends cleanly, and the next start finds everything", async () => {
  const first = await startRelayProcess(folder.path);
  const token = join(folder.path, "maintainer-token");
  expect((await stat(token)).mode & 0o077).toBe(0);
  expect(await first.stop()).toBe(0);
  const second = await startRelayProcess(folder.path);
  const health = await (await fetch(`${second.url}/api/v1/health`)).json();
  expect(health.models[0].head).toBe(0);
  expect(await second.stop()).toBe(0);
});

test("start: a taken port is one sentence and exit code 1", async () => {
  const relay = await startRelayProcess(folder.path);
  const other = await temporaryFolder();
  const port = new URL(relay.url).port;
  const [code, said] = await startAndFail({ PORT: port, DATA_DIR: other.path });
  await relay.stop();
  await other.remove();
  expect(code).toBe(1);
  expect(said.split("\n").at(-1)).toMatch(ONE_SENTENCE);
  expect(said).toContain(port);
});

test("start: a data folder in use by another relay is one sentence and exit code 1", async () => {
  const relay = await startRelayProcess(folder.path);
  const [code, said] = await startAndFail({});
  await relay.stop();
  expect(code).toBe(1);
  expect(said).toMatch(ONE_SENTENCE);
});

test("start: a data folder that cannot be made is one sentence and exit code 1", async () => {
  const file = join(folder.path, "a-file");
  await writeFile(file, "");
  const [code, said] = await startAndFail({ DATA_DIR: join(file, "data") });
  expect(code).toBe(1);
  expect(said).toMatch(ONE_SENTENCE);
});

test("start: a damaged ledger is one sentence and exit code 1", async () => {
  const relay = await startRelayProcess(folder.path);
  await relay.stop();
  const names = await readdir(folder.path);
  const ledger = names.find((name) => /ledger.*\.(db|sqlite)$/.test(name));
  expect(ledger, names.join()).toBeDefined();
  await writeFile(
    join(folder.path, ledger!),
    "not a database, but long enough to be read as one".repeat(100),
  );
  const [code, said] = await startAndFail({});
  expect(code).toBe(1);
  expect(said).toMatch(ONE_SENTENCE);
});

test("start: settings that make no sense are one sentence and exit code 1", async () => {
  const [code, said] = await startAndFail({ PORT: "many" });
  expect(code).toBe(1);
  expect(said).toMatch(ONE_SENTENCE);
  expect(said).toContain("PORT");
});

test("dev: one terminal runs the relay and Vite, which passes the API on to it", async () => {
  const child = spawn(process.execPath, [join(ROOT, "scripts/dev.ts")], {
    cwd: ROOT,
    env: {
      ...process.env,
      NODE_ENV: "development",
      NO_COLOR: "1", // a CI machine has colours, and the address would be full of them
      PORT: String(await freePort()),
      DATA_DIR: folder.path,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    let said = "";
    child.stdout.on("data", (chunk) => {
      said += chunk;
    });
    const address = /Local:\s+(http:\S+\d)/;
    await expect.poll(() => said, { timeout: 60_000 }).toMatch(/Commonweight is at/);
    await expect.poll(() => said, { timeout: 60_000 }).toMatch(address);
    const page = address.exec(said)?.[1];
    expect((await fetch(`${page}/`)).status).toBe(200);
    expect((await fetch(`${page}/api/v1/health`)).status).toBe(200);
  } finally {
    child.kill("SIGINT");
    await once(child, "close");
  }
});
