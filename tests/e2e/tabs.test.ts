/** Two tabs of one browser: one trains, the other waits, and forgetting stops both. */
import type { Page } from "playwright";
import { expect, test } from "vitest";
import { startTraining, useStage } from "./stage.ts";

const stage = useStage({ webgpu: false });

const start = (page: Page) => page.getByRole("button", { name: /^Contribute/ }).click();
const stopButton = (page: Page) => page.getByRole("button", { name: "Stop", exact: true });

test("tabs: a second tab waits and can be stopped; forgetting in it stops the one that trains", async () => {
  const context = await stage.browser.newContext();
  const [first, second] = [await context.newPage(), await context.newPage()];
  await first.goto(stage.relay.url);
  await startTraining(first);

  await second.goto(stage.relay.url);
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
