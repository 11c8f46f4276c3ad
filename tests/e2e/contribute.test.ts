/** The main job in real Chromium against the real relay: click, train, upload, merge, new version. */
import type { Browser, Page } from "playwright";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRelayClient } from "../../core/protocol/client.ts";
import { launchBrowser, type RelayProcess, startRelayProcess, temporaryFolder } from "./stage.ts";

let relay: RelayProcess;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const browsers: Browser[] = [];

beforeEach(async () => {
  folder = await temporaryFolder();
  relay = await startRelayProcess(folder.path);
});
afterEach(async () => {
  for (const browser of browsers.splice(0)) await browser.close();
  await relay.stop();
  await folder.remove();
});

async function openPage(options: { webgpu: boolean }): Promise<Page> {
  const browser = await launchBrowser(options);
  browsers.push(browser);
  const page = await (await browser.newContext()).newPage();
  await page.goto(relay.url);
  return page;
}

/** Press the one button, read, agree. */
async function contribute(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Contribute to Digits" }).click();
  await page.getByRole("button", { name: "Agree and start" }).click();
}

const headOf = async () =>
  (await createRelayClient({ baseUrl: relay.url, fetch }).model("digits")).head;
const merged = (page: Page) => page.locator('[data-stage="merged"]');

/** Wait until the page shows the head that the relay has. */
async function expectHeadShown(page: Page): Promise<void> {
  const { number } = await headOf();
  await page.locator(`[data-version="${number}"]`).waitFor();
}

// first, on version 0: later on the gate may have to halve what two pieces gain, and merge one of them in the next version
test("walk: two pages at once end up in one version", async () => {
  const pages = await Promise.all([openPage({ webgpu: false }), openPage({ webgpu: false })]);
  await Promise.all(pages.map(contribute));
  await Promise.all(pages.map((page) => page.getByRole("button", { name: "Finish" }).click()));
  await Promise.all(pages.map((page) => merged(page).first().waitFor({ timeout: 240_000 })));
  const { number } = await headOf();
  const client = createRelayClient({ baseUrl: relay.url, fetch });
  const { record } = await client.version("digits", number);
  const contributors = new Set(record.merge?.inputs.map(({ contributor }) => contributor));
  expect(contributors.size).toBe(2);
  await Promise.all(pages.map(expectHeadShown));
  const maintainer = pages[0]!;
  await maintainer.getByRole("link", { name: "Health" }).first().click();
  await maintainer.locator('[data-model="digits"][data-state="healthy"]').waitFor();
  await maintainer.getByRole("link", { name: `Version ${number}` }).click();
  await maintainer.getByText("the weighted mean of the patches").waitFor();
});

for (const { name, webgpu, engine } of [
  { name: "WebGPU", webgpu: true, engine: "GPU" },
  { name: "the CPU", webgpu: false, engine: "CPU" },
]) {
  test(`walk: a visitor's patch trained on ${name} is merged into a better version`, async () => {
    const page = await openPage({ webgpu });
    const before = await headOf();
    await contribute(page);
    await page.locator('[data-phase="training"]').waitFor();
    await page.getByText(engine, { exact: true }).waitFor();
    await merged(page).first().waitFor({ timeout: 240_000 });
    await page.getByRole("button", { name: "Stop" }).click();
    const after = await headOf();
    expect(after.number).toBeGreaterThan(before.number);
    expect(after.report.accuracy).toBeGreaterThan(before.report.accuracy);
    await expectHeadShown(page);
  });
}

test("privacy: nothing of the engine is fetched and no key is made before consent", async () => {
  const browser = await launchBrowser({ webgpu: false });
  browsers.push(browser);
  const page = await browser.newPage();
  const fetched: string[] = [];
  page.on("request", (request) => fetched.push(new URL(request.url()).pathname));
  await page.goto(relay.url);
  await page.getByRole("button", { name: "Contribute to Digits" }).click();
  await page.getByRole("button", { name: "Not now" }).click();
  await page.getByRole("button", { name: "Contribute to Digits" }).waitFor();
  expect(fetched.filter((path) => path.endsWith(".wasm"))).toEqual([]);
  expect(fetched.filter((path) => /\/engine\/.*(tfjs|webgpu)/.test(path))).toEqual([]);
});
