import { afterAll, beforeAll, expect, test } from "vitest";
import { buildPageIfStale, ROOT } from "../../cli/page-build.ts";
import { openRepositoryStage, type RepositoryStage } from "../fixtures/repository-stage.ts";
import { launchBrowser } from "./stage.ts";

let stage: RepositoryStage;
beforeAll(async () => {
  await buildPageIfStale();
  stage = await openRepositoryStage("own", { webDir: `${ROOT}/dist` });
});
afterAll(() => stage.remove());

test("V10: a visitor's browser recomputes a relay's history, and knows it again", async () => {
  const browser = await launchBrowser({ webgpu: false });
  try {
    const page = await browser.newPage();
    await page.goto(`${stage.url}/#/history/tiny`);
    const button = page.getByRole("button", { name: "Verify it on this device" });
    await button.click();
    const verdict = page.locator("[data-holds]");
    await verdict.waitFor();
    expect(await verdict.textContent()).toMatch(
      /This history holds\.\s+5 versions\s+and\s+6 patches/,
    );
    expect(await verdict.textContent()).toMatch(/now remembers the relay's key/);
    await button.click();
    await page.getByText(/those of your last visit/).waitFor();
    await page.evaluate(() => {
      const pin = JSON.parse(localStorage.getItem("commonweight pin tiny") ?? "{}");
      localStorage.setItem("commonweight pin tiny", JSON.stringify({ ...pin, number: 9 }));
    });
    await button.click();
    await page.locator('[data-holds="no"]').waitFor();
    expect(await verdict.textContent()).toMatch(/rolled back: it ends at version 4/);
  } finally {
    await browser.close();
  }
});
