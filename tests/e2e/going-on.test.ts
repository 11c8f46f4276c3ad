/** A piece of work in real Chromium whose page is reloaded in the middle of it. */
import type { Browser } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildPageIfStale } from "../../cli/page-build.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel } from "../fixtures/tiny-model.ts";
import { launchBrowser } from "./stage.ts";

let relay: TestRelay;
let browser: Browser;
beforeAll(async () => {
  await buildPageIfStale();
  const source = tinyModel({
    architecture: { kind: "mlp", inputs: 16, hidden: [20_000], outputs: 4 },
    mask: { kind: "random", density: 0.01, epochVersions: 2 },
    training: { steps: 2000, batch: 16, learningRate: 0.001 },
  });
  relay = await startTestRelay({ source, seed: "going on" });
  browser = await launchBrowser({ webgpu: false });
});
afterAll(async () => {
  await browser.close();
  await relay.remove();
});

test("a piece that is paused and whose page is reloaded goes on where it was, and its patch is taken", async () => {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`http://localhost:${relay.relay.port}`);
  await page.getByRole("button", { name: "Contribute to Tiny" }).click();
  await page.getByRole("button", { name: "Agree and start" }).click();
  await page.getByText(/^Step [1-9][\d,]* of 2,000$/).waitFor({ timeout: 120_000 });
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText(/The device came to rest after/).waitFor();
  const left = await page
    .getByText(/^Step [\d,]+ of 2,000$/)
    .first()
    .textContent();
  expect(left).not.toMatch(/^Step 0 /);
  page.on("dialog", (dialog) => void dialog.accept()); // a page at work asks before it is left
  await page.reload();
  await page.getByRole("button", { name: "Contribute to Tiny" }).click();
  const where = left?.replace("Step", "step") ?? "";
  await page.getByText(`It goes on at ${where}, where it was left.`).waitFor();
  const taken = page.locator('[data-stage="queued"], [data-stage="merged"]');
  await taken.first().waitFor({ timeout: 240_000 });
});
