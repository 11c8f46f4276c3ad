/** A newer build of the page arrives while a volunteer trains. */
import { cp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildPageIfStale, ROOT } from "../../cli/page-build.ts";
import {
  launchBrowser,
  type RelayProcess,
  startRelayProcess,
  startTraining,
  temporaryFolder,
} from "./stage.ts";

let relay: RelayProcess;
let browser: Browser;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let webFolder: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  webFolder = join(folder.path, "web");
  await buildPageIfStale();
  await cp(join(ROOT, "dist"), webFolder, { recursive: true });
  relay = await startRelayProcess(join(folder.path, "data"), { webFolder });
  browser = await launchBrowser({ webgpu: true }); // slow enough to be met in the middle of a piece
});
afterAll(async () => {
  await browser.close();
  await relay.stop();
  await folder.remove();
});

async function openPage(): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(relay.url);
  await expect
    .poll(() => page.evaluate(() => navigator.serviceWorker.controller !== null), {
      timeout: 30_000,
    })
    .toBe(true);
  return page;
}

async function openAndClose(context: BrowserContext): Promise<void> {
  const page = await context.newPage();
  await page.goto(relay.url);
  await page.close();
}

/** What a build does whose entry script has another hash: new names, a new page, a new service worker. */
async function deployAnotherBuild(name: string): Promise<void> {
  const assets = await readdir(join(webFolder, "assets"));
  const entry = assets.find((name) => /^index-.*\.js$/.test(name));
  if (entry === undefined) throw new Error("the build has no entry script");
  await rename(join(webFolder, "assets", entry), join(webFolder, `assets/index-${name}.js`));
  for (const file of ["index.html", "service-worker.js"]) {
    const path = join(webFolder, file);
    const text = (await readFile(path, "utf8")).replaceAll(entry, `index-${name}.js`);
    await writeFile(path, text.replace(/<html( data-build="\w+")?/, `<html data-build="${name}"`));
  }
}

test("update: a new build is offered, waits for the piece, and never interrupts a step", async () => {
  const page = await openPage();
  await startTraining(page);

  await deployAnotherBuild("another");
  await page.evaluate(async () => {
    await (await navigator.serviceWorker.getRegistration())?.update();
  });
  await page.getByText("A new version of this page is ready").waitFor();
  await openAndClose(page.context()); // of the earlier build, while the new one waits
  const another = page.locator('html[data-build="another"]');
  expect(await another.count()).toBe(0);
  await page.locator('[data-phase="training"]').waitFor();

  await page.getByRole("button", { name: "Update when this piece is done" }).click();
  await another.waitFor({ timeout: 120_000 });
  await page.locator("[data-stage]").first().waitFor();
  expect(await page.locator('[data-stage="waiting"]').count()).toBe(0);

  await page.context().setOffline(true);
  await page.reload(); // from what the service worker kept as the new build waited
  expect(await another.count()).toBe(1);
});

test("update: a page whose engine a deploy took away says so, and a reload cures it", async () => {
  const page = await openPage();
  await page.getByRole("button", { name: "Contribute to Digits" }).click();
  await deployAnotherBuild("cured");
  await rm(join(webFolder, "engine"), { recursive: true });
  const takenOver = page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const done = () => resolve();
        navigator.serviceWorker.addEventListener("controllerchange", done, { once: true });
      }),
  );
  await page.getByRole("button", { name: "Agree and start" }).click();
  await page.getByText(/Reload the page/).waitFor();
  await takenOver; // under a debugger, as here, Chromium drops a reload that meets the change of workers
  await page.reload();
  expect(await page.locator('html[data-build="cured"]').count()).toBe(1);
});
