import { stat } from "node:fs/promises";
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

test("H40: the newest version and any other can be taken along in one click, by the tool that reads it", async () => {
  const browser = await launchBrowser({ webgpu: false });
  try {
    const page = await browser.newPage();
    const download = async (place: string, name: RegExp) => {
      const coming = page.waitForEvent("download");
      await page.getByRole("region", { name: place }).getByRole("link", { name }).click();
      const came = await coming;
      return [came.suggestedFilename(), (await stat(await came.path())).size] as const;
    };
    await page.goto(`${stage.url}/#/contribute/tiny`);
    const [newest, size] = await download("Downloads of version 4", /transformers.*: f32/);
    expect(newest).toBe("tiny-4-f32.zip");
    expect(size).toBeGreaterThan(1000);
    await page.goto(`${stage.url}/#/history/tiny`);
    await page.getByText("Version 1", { exact: true }).click();
    const [old] = await download("Downloads of version 1", /any tool.*: f32/);
    expect(old).toBe("tiny-1.safetensors");
  } finally {
    await browser.close();
  }
});
