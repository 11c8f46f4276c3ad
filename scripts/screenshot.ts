/** `npm run screenshot`: the README's pictures anew, from a real relay, real training and real Chromium. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright";
import { ROOT } from "../cli/page-build.ts";
import { launchBrowser, startRelayProcess, temporaryFolder } from "../tests/e2e/stage.ts";

const PICTURES = join(ROOT, "docs/pictures");
const VERSIONS = 3; // enough for the history to show a rise

const VIEWS: Record<string, BrowserContextOptions> = {
  light: { viewport: { width: 1280, height: 900 } },
  phone: { viewport: { width: 360, height: 760 } },
};

await mkdir(PICTURES, { recursive: true });
const folder = await temporaryFolder();
const relay = await startRelayProcess(folder.path);
const crowd = await launchBrowser({ webgpu: false });
const browser = await launchBrowser({ webgpu: true });
try {
  await makeVersions(crowd);
  for (const [view, options] of Object.entries(VIEWS)) await takePictures(view, options);
} finally {
  await Promise.all([crowd.close(), browser.close()]);
  await relay.stop();
  await folder.remove();
}

/** A volunteer on the CPU, so that the pictures show a model with a history. */
async function makeVersions(crowd: Browser): Promise<void> {
  const page = await crowd.newPage();
  await page.goto(relay.url);
  await start(page);
  await page.locator(`[data-version="${VERSIONS}"]`).waitFor({ timeout: 300_000 });
  await page.close();
}

/** A first visit, a piece in training on WebGPU, and what became of it. */
async function takePictures(view: string, options: BrowserContextOptions): Promise<void> {
  const page = await browser.newPage(options);
  const picture = (moment: string) =>
    page.screenshot({ path: join(PICTURES, `${moment}-${view}.png`) });
  /** The buttons that were pressed lie further down: show the volunteer's panel from its top. */
  const panel = async (moment: string) => {
    await page.locator("[data-phase]").evaluate((element) => element.scrollIntoView());
    await picture(moment);
  };
  await page.goto(relay.url);
  await page.getByRole("heading", { name: "Digits" }).waitFor();
  await picture("first");
  await start(page);
  await page.getByText("Training loss").waitFor({ timeout: 120_000 });
  await panel("training");
  await page.getByRole("button", { name: "Finish this piece" }).click();
  await page.locator('[data-phase="merged"]').waitFor({ timeout: 120_000 });
  await panel("merged");
  await page.close();
}

async function start(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Contribute to Digits" }).click();
  await page.getByRole("button", { name: "Agree and start" }).click();
}
