/** Trying a model in real Chromium against the real relay: draw, and the newest version reads it. */
import type { Page } from "playwright";
import { expect, test } from "vitest";
import { useStage } from "./stage.ts";

const stage = useStage({ webgpu: true });

async function openTry(): Promise<Page> {
  const page = await stage.browser.newPage();
  await page.goto(stage.relay.url);
  await page.getByRole("link", { name: "Try it" }).first().click();
  await page.locator("canvas").waitFor();
  return page;
}

/** One stroke through places that are shares of the pad. */
async function draw(page: Page, ...places: [x: number, y: number][]): Promise<void> {
  const { x, y, width, height } = (await page.locator("canvas").boundingBox())!;
  for (const [i, [right, down]] of places.entries()) {
    await page.mouse.move(x + right * width, y + down * height, { steps: 5 });
    if (i === 0) await page.mouse.down();
  }
  await page.mouse.up();
}

const answer = (page: Page) => page.locator("[data-best]").first();

test("try: a 1 drawn by hand is read as a 1, on the CPU and without a key", async () => {
  const page = await openTry();
  const problems: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text()); // the page's policy says what it refuses
  });
  await draw(page, [0.52, 0.2], [0.5, 0.5], [0.48, 0.8]);
  await answer(page).waitFor();
  expect(await answer(page).textContent()).toBe("1");
  await page.getByRole("button", { name: "Clear" }).click();
  await answer(page).waitFor({ state: "detached" });
  await draw(page, [0.3, 0.24], [0.7, 0.22], [0.56, 0.5], [0.47, 0.8]);
  await page.locator('[data-best="7"]').first().waitFor();
  const keys = await page.evaluate(async () => {
    const { promise, resolve } = Promise.withResolvers<IDBDatabase>();
    const request = indexedDB.open("commonweight");
    request.onsuccess = () => resolve(request.result);
    const store = (await promise).transaction("keys").objectStore("keys");
    const count = store.count();
    return new Promise<number>((done) => {
      count.onsuccess = () => done(count.result);
    });
  });
  expect(keys).toBe(0);
  expect(problems).toEqual([]);
});

test("try: without the network the page says why nothing answers, and answers once it is back", async () => {
  const page = await openTry();
  await page.context().setOffline(true);
  await draw(page, [0.52, 0.2], [0.48, 0.8]);
  await page.getByText("The engine could not be fetched.").waitFor();
  await page.context().setOffline(false);
  await page.getByRole("button", { name: "Try again" }).click();
  await answer(page).waitFor();
  expect(await answer(page).textContent()).toBe("1");
});

test("try: presidents writes on what was begun, until it is stopped, and the same again for the same seed", async () => {
  const page = await openTry();
  await page.getByRole("combobox", { name: "Model" }).selectOption("presidents");
  await page.getByRole("textbox", { name: "How the text begins" }).fill("Fellow citizens");
  const text = page.locator("[data-try-version] .text").first();
  const write = async () => {
    await page.getByRole("button", { name: "Generate" }).click();
    await page.waitForFunction(
      () =>
        (document.querySelector("[data-try-version] .text")?.textContent?.trim().length ?? 0) > 60,
    );
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("button", { name: "Generate" }).waitFor();
    return (await text.textContent())!.trim();
  };
  const first = await write();
  expect(first).toMatch(/^Fellow citizens.{40}/s);
  expect(first.length).toBeLessThan(400); // it was stopped
  const second = await write();
  expect(second.slice(0, 60)).toBe(first.slice(0, 60));
});
