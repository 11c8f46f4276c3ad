/** Pages in real Chromium keep what they are to each other while the relay that brought them together restarts. */
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright";
import { build } from "vite";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { End } from "../../bench/swarm/page.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { launchBrowser, temporaryFolder } from "./stage.ts";

const PAGE = fileURLToPath(new URL("../../bench/swarm/", import.meta.url)); // the page's road, without an engine
const CHUNKS = 3;

declare const end: End; // in the page

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let relay: TestRelay;
let browser: Browser;
beforeAll(async () => {
  folder = await temporaryFolder();
  await build({
    configFile: false,
    root: PAGE,
    logLevel: "error",
    build: { outDir: folder.path, emptyOutDir: true, target: "es2024" },
  });
  relay = await startTestRelay({ seed: "signalling", config: { webDir: folder.path } });
  browser = await launchBrowser({ webgpu: false });
});
afterAll(async () => {
  await browser.close();
  await relay.remove();
  await folder.remove();
});

async function openPage(): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`http://127.0.0.1:${relay.relay.port}`);
  await page.waitForFunction(() => "end" in globalThis);
  return page;
}

const openEnd = (page: Page) => page.evaluate(() => end.open());
const take = (page: Page, peer: string) =>
  page.evaluate(([id, count]) => end.take(id, count), [peer, CHUNKS] as const);

test("W1, X1: chunks go on between pages while the relay is away, and each is itself again when it is back", async () => {
  const [giver, taker, late, third] = await Promise.all([0, 1, 2, 3].map(openPage));
  const peer = await openEnd(giver!);
  await openEnd(taker!);
  await taker!.evaluate((id) => end.connect(id), peer);
  await take(taker!, peer);

  const { port } = relay.relay;
  await relay.relay.close();
  await take(taker!, peer);
  const opening = openEnd(late!); // its first connection is refused
  await late!.waitForEvent("console", (message) => message.text().includes("ERR_CONNECTION"));

  relay = await startTestRelay({
    seed: "signalling",
    dataDir: relay.dataDir,
    config: { webDir: folder.path, port },
  });
  await opening;
  await vi.waitFor(
    async () => {
      relay.advance(1000); // health is told anew
      expect((await relay.client.health()).swarm?.peers).toBe(3);
    },
    { timeout: 60_000, interval: 200 },
  );
  await openEnd(third!);
  await third!.evaluate((id) => end.connect(id), peer); // under the id that it had before
  await take(third!, peer);
  await take(taker!, peer);
});
