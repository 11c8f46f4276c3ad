/** Real Chromium pages pass on the delta step of a version that is published while they train. */
import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildPageIfStale } from "../../cli/page-build.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { type Between, openBetween } from "./between.ts";
import { chunksSlowly, openSharingPage, roadsOf } from "./sharing-page.ts";
import { launchBrowser } from "./stage.ts";

const COHORT_SECONDS = 200; // the test turns the relay's clock so far, and a volunteer's may differ by 300

let relay: TestRelay;
let between: Between;
let browser: Browser;
beforeAll(async () => {
  await buildPageIfStale();
  const source = tinyModel({
    architecture: { kind: "mlp", inputs: 16, hidden: [60_000], outputs: 4 }, // 1.26 million parameters
    mask: { kind: "random", density: 0.5, epochVersions: 2 }, // a step has 0.3 MB
    merge: { ...tinyRecipe.merge, cohortSize: 1000, cohortSeconds: COHORT_SECONDS },
  });
  relay = await startTestRelay({ source, seed: "swarm steps" });
  between = await openBetween(`http://127.0.0.1:${relay.relay.port}`);
  browser = await launchBrowser({ webgpu: false });
});
afterAll(async () => {
  await browser.close();
  await between.close();
  await relay.remove();
});

async function trainsOn(page: Page, version: string): Promise<void> {
  const base = page.getByText(version, { exact: true });
  await page.locator('[data-phase="training"]').filter({ has: base }).waitFor({ timeout: 120_000 });
}

test("X9: the second page has a version's step from the first, which went on to that version before", async () => {
  const first = await openSharingPage(browser, between.url);
  const second = await openSharingPage(browser, between.url);
  await first.getByRole("button", { name: "Resume" }).click();
  await first.locator('[data-stage="queued"]').first().waitFor({ timeout: 120_000 });
  relay.advance(COHORT_SECONDS * 1000);
  await trainsOn(first, "Version 1");
  const { steps } = await relay.client.checkpoint("tiny", 1, { from: 0 });
  const stepBytes = steps.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  expect(stepBytes).toBeGreaterThan(256 << 10);
  const before = (await roadsOf(second)).peers;
  between.delayMs = chunksSlowly;
  await second.getByRole("button", { name: "Resume" }).click();
  await trainsOn(second, "Version 1");
  expect((await roadsOf(second)).peers - before).toBeGreaterThanOrEqual(stepBytes);
});
