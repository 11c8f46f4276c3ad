import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { getRequestListener } from "@hono/node-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createFakeRelay, type FakeRelay } from "../tests/fixtures/fake-relay.ts";

const LAUNCHER = fileURLToPath(new URL("./commonweight.cjs", import.meta.url));
const OLDER_NODE = "/usr/bin/node"; // where Debian and Ubuntu have theirs

let root: string;
let relay: FakeRelay;
let server: Server;
let address: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "commonweight-cli-"));
  relay = await createFakeRelay({ now: Date.now });
  const answer = async (request: Request) =>
    (await relay.fetch(request.url, {
      method: request.method as "GET" | "POST" | "PUT", // the command sends no others
      headers: Object.fromEntries(request.headers),
      body: new Uint8Array(await request.arrayBuffer()),
    })) as Response; // the fake relay's answers are
  server = createServer(getRequestListener(answer));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // listens on TCP
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(root, { recursive: true });
});

type Said = { readonly code: number; readonly output: string; readonly errors: string };

/** Run the command to its end. */
function run(...words: string[]): Promise<Said> {
  return runOn(process.execPath, ...words);
}

function runOn(node: string, ...words: string[]): Promise<Said> {
  return new Promise((resolve) => {
    const child = execFile(node, [LAUNCHER, ...words], (_error, output, errors) =>
      resolve({ code: child.exitCode ?? -1, output, errors }),
    );
  });
}

test("the command trains the pieces that were asked for, says how it goes and ends", async () => {
  const folder = join(root, "home");
  const words = ["volunteer", "--relay", address, "--model", "tiny", "--folder", folder];
  const { code, output, errors } = await run(...words, "--pieces", "2");
  expect({ code, errors }).toEqual({ code: 0, errors: "" });
  expect(relay.received.size).toBe(2);
  for (const id of relay.received.keys()) {
    expect(output).toContain(`Piece ${id.slice(0, 12)} is with the relay: received`);
    expect(output).toContain(`Piece ${id.slice(0, 12)} was merged into version 1`);
  }
  expect(output).toMatch(/^Contributor [0-9a-f]{64}$/m);
  expect(output).toMatch(/^Engine {6}wasm \(wasm/m);
});

test("an unknown model ends with one sentence and exit code 1", async () => {
  const folder = join(root, "unknown");
  const words = ["--relay", address, "--model", "nothing", "--folder", folder];
  const { code, output } = await run("volunteer", ...words);
  expect(code).toBe(1);
  expect(output).toContain("Stopped: Something went wrong: model-unknown.");
});

test("what Node made of the files is kept for the next start and its threads", async () => {
  const kept = join(root, "compiled");
  const env = { ...process.env, NODE_COMPILE_CACHE: kept };
  await promisify(execFile)(process.execPath, [LAUNCHER, "--help"], { env });
  const files = await readdir(kept, { recursive: true });
  expect(files.length).toBeGreaterThan(100); // its own files and those of its libraries
});

test("a wrong call is one sentence about what is missing", async () => {
  const { code, output, errors } = await run("volunteer");
  expect({ code, output }).toEqual({ code: 1, output: "" });
  expect(errors).toBe("required option '--relay <URL>' not specified\n");
});

test.skipIf(!existsSync(OLDER_NODE))(
  "the installed command runs on an older Node too, by the one that is pinned",
  async () => {
    const { code, output, errors } = await runOn(OLDER_NODE, "--help");
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    expect(output).toMatch(/^Usage: commonweight/);
    expect((await runOn(OLDER_NODE, "merge")).code).toBe(1);
  },
);
