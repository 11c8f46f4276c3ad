/** The installed page without a relay, and the relay coming back. */
import type { Page } from "playwright";
import { expect, test } from "vitest";
import { createRelayClient } from "../../core/protocol/client.ts";
import { startRelayProcess, startTraining, useStage } from "./stage.ts";

const stage = useStage({ webgpu: false });

async function openPage(): Promise<Page> {
  const page = await (await stage.browser.newContext()).newPage();
  await page.goto(stage.relay.url);
  return page;
}

/** Kill the relay while the page trains, and wait until the page has noticed. */
async function loseRelay(page: Page): Promise<void> {
  await startTraining(page);
  await stage.relay.kill();
  await page.locator('[data-phase="offline"]').waitFor({ timeout: 120_000 });
}

async function bringRelayBack(): Promise<void> {
  const { url, dataFolder } = stage.relay;
  stage.relay = await startRelayProcess(dataFolder, { port: Number(new URL(url).port) });
}

async function serviceWorkerState(): Promise<string | undefined> {
  return (await navigator.serviceWorker.getRegistration())?.active?.state;
}

test("offline: the page opens without the relay and says what it can't do", async () => {
  const page = await openPage();
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
  const page = await openPage();
  await loseRelay(page);
  await bringRelayBack();
  await page.locator('[data-stage="merged"]').first().waitFor({ timeout: 240_000 });
  const client = createRelayClient({ baseUrl: stage.relay.url, fetch });
  const { contributors } = (await client.model("digits")).head;
  expect(contributors).toBe(1);
  await page.close();
});

test("outbox: who stops while the relay is away need not come back for the piece to be sent", async () => {
  const context = await stage.browser.newContext({ serviceWorkers: "block" }); // else it is not the context that fetches
  const page = await context.newPage();
  await page.goto(stage.relay.url);
  await startTraining(page);
  await context.route("**/contributions/*", (route) => route.abort()); // a relay that is killed at once may have taken all there was
  await page.locator('[data-phase="offline"]').waitFor({ timeout: 20_000 });
  await stage.relay.kill();
  await context.unrouteAll();
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  expect(await page.locator('[data-stage="waiting"]').count()).toBeGreaterThan(0);
  await bringRelayBack();
  await page.locator('[data-stage="merged"]').first().waitFor({ timeout: 240_000 });
  expect(await page.getByRole("button", { name: "Stop", exact: true }).count()).toBe(0);
});
