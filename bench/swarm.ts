import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright";
import { build } from "vite";
import { chunksOfManifest } from "../core/tensors/manifest.ts";
import { launchBrowser, temporaryFolder } from "../tests/e2e/stage.ts";
import { startTestRelay } from "../tests/fixtures/test-relay.ts";
import { tinyModel } from "../tests/fixtures/tiny-model.ts";
import { RATE } from "../worker/swarm/uploads.ts";
import type { Row } from "./figures.ts";
import type { BenchOptions } from "./options.ts";
import type { End } from "./swarm/page.ts";

const PAGE = fileURLToPath(new URL("./swarm/", import.meta.url));
const CHUNK_MB = (1 << 20) / 1e6;
const HIDDEN_A_CHUNK = 12_483; // of an MLP 16-…-4: 21 parameters each, 1 MiB

declare const end: End; // in the page

/** Chunks between two pages of this machine against the same number from the relay: speed, processor time, copies. */
export async function measure({ seed, quick }: BenchOptions): Promise<Row[]> {
  const chunks = quick ? 20 : 100;
  const folder = await temporaryFolder();
  const hidden = [HIDDEN_A_CHUNK * chunks];
  const relay = await startTestRelay({
    source: tinyModel({ architecture: { kind: "mlp", inputs: 16, hidden, outputs: 4 } }),
    seed: String(seed),
    config: { webDir: folder.path },
  });
  // one each, so that the processor time of giving can be told from that of taking
  const browsers = [
    await launchBrowser({ webgpu: false }),
    await launchBrowser({ webgpu: false }),
  ] as const;
  try {
    await build({
      configFile: false,
      root: PAGE,
      logLevel: "error",
      build: { outDir: folder.path, emptyOutDir: true, target: "es2024" },
    });
    const plan = await relay.client.checkpoint("tiny", 0);
    const list = chunksOfManifest(plan.keyframe!.manifest); // asked without `from`
    const ids = list.slice(0, chunks).map(({ sha256 }) => sha256);
    const url = `http://localhost:${relay.relay.port}`;
    return await measurePages(browsers, url, ids);
  } finally {
    for (const browser of browsers) await browser.close();
    await relay.remove();
    await folder.remove();
  }
}

async function measurePages(
  browsers: readonly [Browser, Browser],
  url: string,
  ids: readonly string[],
): Promise<Row[]> {
  const [giver, taker] = [await openEnd(browsers[0], url), await openEnd(browsers[1], url)];
  const peer = await giver.evaluate(() => end.open());
  await taker.evaluate(() => end.open());
  const connectMs = await taker.evaluate((id) => end.connect(id), peer);

  const copiedBefore = await copiedOf(giver, taker);
  const peers = await timed(browsers, () =>
    taker.evaluate(([id, count]) => end.take(id, count), [peer, ids.length] as const),
  );
  const copied = (await copiedOf(giver, taker)) - copiedBefore;
  const http = await timed(browsers, () => taker.evaluate((all) => end.load(all), ids));

  const megabytes = ids.length * CHUNK_MB;
  const speed = (ms: number) => megabytes / (ms / 1000);
  const [giving, taking] = peers.processorMs;
  return [
    { what: "two pages: connecting", value: connectMs, unit: "ms" },
    {
      what: "two pages: chunks",
      value: speed(peers.ms),
      unit: "MB/s",
      against: `${speed(http.ms).toFixed(1)} MB/s over HTTP from the relay, ${ids.length} chunks each`,
    },
    {
      what: "two pages: processor time of the browser that takes",
      value: taking / megabytes,
      unit: "ms/MB",
      against: `${(http.processorMs[1] / megabytes).toFixed(1)} ms/MB over HTTP, without the relay's`,
    },
    {
      what: "two pages: processor time of the browser that gives",
      value: giving / megabytes,
      unit: "ms/MB",
    },
    {
      what: "one core's share for giving at the full rate",
      value: ((giving / megabytes) * RATE) / 1e7, // MB/s times ms/MB are tenths of a percent
      unit: "%",
      against: "nothing is given while the processor trains",
    },
    {
      what: "two pages: bytes that the pages' scripts copy a byte delivered",
      value: copied / (ids.length * (1 << 20)),
      unit: "bytes",
    },
  ];
}

async function openEnd(browser: Browser, url: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(url);
  await page.waitForFunction(() => "end" in globalThis);
  return page;
}

async function copiedOf(...pages: readonly Page[]): Promise<number> {
  const copied = await Promise.all(pages.map((page) => page.evaluate(() => end.copied())));
  return copied.reduce((sum, bytes) => sum + bytes, 0);
}

/** How long `work` took by the page's clock, and what all processes of each browser worked meanwhile. */
async function timed(
  [first, second]: readonly [Browser, Browser],
  work: () => Promise<number>,
): Promise<{ ms: number; processorMs: readonly [number, number] }> {
  const before = [await workedMs(first), await workedMs(second)] as const;
  const ms = await work();
  return {
    ms,
    processorMs: [(await workedMs(first)) - before[0], (await workedMs(second)) - before[1]],
  };
}

/** The processor time of all processes of a browser since their start. */
async function workedMs(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime * 1000, 0);
}
