/** Two tabs of one browser: one trains, the other waits, and forgetting stops both. */
import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
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

const start = (page: Page) => page.getByRole("button", { name: /^Contribute/ }).click();
const stopButton = (page: Page) => page.getByRole("button", { name: "Stop", exact: true });

test("tabs: a second tab waits and can be stopped; forgetting in it stops the one that trains", async () => {
  const context = await browser.newContext();
  const [first, second] = [await context.newPage(), await context.newPage()];
  await first.goto(relay.url);
  await start(first);
  await first.getByRole("button", { name: "Agree and start" }).click();
  await first.locator('[data-phase="training"]').waitFor();

  await second.goto(relay.url);
  await start(second); // the browser has agreed already
  await second.locator('[data-phase="other-tab"]').waitFor();
  await stopButton(second).click();
  await stopButton(second).waitFor({ state: "detached" }); // it may show what the first one has finished by now
  expect(await stopButton(first).count()).toBe(1);

  await second.getByRole("button", { name: "Forget this device" }).click();
  await second.getByRole("button", { name: "Forget it all" }).click();
  await stopButton(first).waitFor({ state: "detached" });
  await start(first);
  await first.getByRole("button", { name: "Agree and start" }).waitFor(); // the consent is gone, too
  expect(await first.locator("[data-stage]").count()).toBe(0);
});
