/** The installed page without a relay, and the relay coming back. */
import type { Browser } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRelayClient } from "../../core/protocol/client.ts";
import { launchBrowser, type RelayProcess, startRelayProcess, temporaryFolder } from "./stage.ts";

let relay: RelayProcess;
let browser: Browser;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  relay = await startRelayProcess(folder.path);
  browser = await launchBrowser({ webgpu: false });
});
afterAll(async () => {
  await browser.close();
  await relay.stop();
  await folder.remove();
});

async function serviceWorkerState(): Promise<string | undefined> {
  return (await navigator.serviceWorker.getRegistration())?.active?.state;
}

test("offline: the page opens without the relay and says what it can't do", async () => {
  const page = await (await browser.newContext()).newPage();
  await page.goto(relay.url);
  await expect.poll(() => page.evaluate(serviceWorkerState), { timeout: 30_000 }).toBe("activated");
  await page.getByRole("heading", { name: "Digits" }).waitFor();
  await page.context().setOffline(true);
  await page.reload();
  await page
    .getByText(/offline|can't be reached/i)
    .first()
    .waitFor();
  await page.context().setOffline(false);
});

test("outbox: a piece finished while the relay is away is sent when it is back, once", async () => {
  const page = await (await browser.newContext()).newPage();
  await page.goto(relay.url);
  await page.getByRole("button", { name: "Contribute to Digits" }).click();
  await page.getByRole("button", { name: "Agree and start" }).click();
  await page.locator('[data-phase="training"]').waitFor();
  const port = Number(new URL(relay.url).port);
  await relay.kill();
  await page.locator('[data-phase="offline"]').waitFor({ timeout: 120_000 });
  relay = await startRelayProcess(folder.path, { port });
  await page.locator('[data-stage="merged"]').first().waitFor({ timeout: 240_000 });
  const client = createRelayClient({ baseUrl: relay.url, fetch });
  const { contributors } = (await client.model("digits")).head;
  expect(contributors).toBe(1);
  await page.close();
});

test("outbox: who stops while the relay is away need not come back for the piece to be sent", async () => {
  const page = await (await browser.newContext()).newPage();
  await page.goto(relay.url);
  await page.getByRole("button", { name: "Contribute to Digits" }).click();
  await page.getByRole("button", { name: "Agree and start" }).click();
  await page.locator('[data-phase="training"]').waitFor();
  const port = Number(new URL(relay.url).port);
  await relay.kill();
  await page.locator('[data-phase="offline"]').waitFor({ timeout: 120_000 });
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await page.locator('[data-stage="waiting"]').first().waitFor();
  relay = await startRelayProcess(folder.path, { port });
  await page.locator('[data-stage="merged"]').first().waitFor({ timeout: 240_000 });
  expect(await page.getByRole("button", { name: "Stop", exact: true }).count()).toBe(0);
});
