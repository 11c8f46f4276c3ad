/**
 * Every view in real Chromium, on a desktop, a phone and a small phone, light, dark and in forced colours: nothing that
 * axe complains of, nothing wider than the screen, and nothing that jumps. With PICTURES=FOLDER each is photographed.
 * The devices are looked at side by side: most of a look is waiting until the page is at rest.
 */
import { join } from "node:path";
import type { BrowserContext, BrowserContextOptions, Page } from "playwright";
import { expect, test } from "vitest";
import { ROOT } from "../../cli/page-build.ts";
import { useStage } from "./stage.ts";

const stage = useStage({ webgpu: false });

const AXE = join(ROOT, "node_modules/axe-core/axe.min.js");
const PICTURES = process.env.PICTURES;
const MAX_SHIFT = 0.05; // half of what Lighthouse calls good
const TRAINING_MS = 60_000;
const VIEWS = [
  "",
  "try",
  "model",
  "leaderboard",
  "history",
  "history/digits/0",
  "health",
  "you",
  "about",
];

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true };
const DEVICES: Record<string, BrowserContextOptions> = {
  desktop: { viewport: { width: 1280, height: 800 } },
  "desktop-dark": { viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
  phone,
  "phone-dark": { ...phone, colorScheme: "dark" },
  "phone-forced": { ...phone, forcedColors: "active" },
  small: { viewport: { width: 320, height: 640 }, hasTouch: true },
};

async function openContext(options: BrowserContextOptions): Promise<BrowserContext> {
  const context = await stage.browser.newContext({ ...options, bypassCSP: true }); // for axe
  await context.addInitScript(() => {
    const shifts = { sum: 0 };
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & {
        value: number;
        hadRecentInput: boolean;
      })[]) {
        if (!entry.hadRecentInput) shifts.sum += entry.value;
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
  return context;
}

/** How much moved without anybody's doing since the page was opened: at least what Lighthouse counts. */
const shiftOf = (page: Page) =>
  page.evaluate(() => (window as unknown as { shifts: { sum: number } }).shifts.sum);

async function settle(page: Page): Promise<void> {
  await page.getByText("Live", { exact: true }).waitFor();
  await page.waitForLoadState("networkidle").catch(() => {}); // the event stream never rests
  await page.waitForTimeout(300); // two frames for whatever still moves
}

/** What is wrong with the page as it is now, in axe's words. */
async function complaints(page: Page): Promise<string[]> {
  await page.addScriptTag({ path: AXE });
  return page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: {
        run(): Promise<{
          violations: { id: string; nodes: { html: string; target: string[] }[] }[];
        }>;
      };
    };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  });
}

const overflow = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

async function look(page: Page, name: string): Promise<void> {
  await page.locator("h1").first().waitFor({ state: "attached" }); // a view's code is fetched when it is opened
  if (PICTURES !== undefined) await page.screenshot({ path: join(PICTURES, `${name}.png`) });
  expect(await complaints(page), name).toEqual([]);
  expect(await overflow(page), name).toBe(0);
}

for (const [device, options] of Object.entries(DEVICES)) {
  test.concurrent(`looks: every view on a ${device}`, async () => {
    const context = await openContext(options);
    for (const visit of ["cold", "warm"]) {
      for (const view of VIEWS) {
        const page = await context.newPage();
        await page.goto(`${stage.relay.url}/#/${view}`);
        await settle(page);
        expect(await shiftOf(page), `${visit} ${view}`).toBeLessThanOrEqual(MAX_SHIFT);
        if (visit === "warm") await look(page, `${view.replaceAll("/", "-") || "first"}-${device}`);
        await page.close();
      }
    }
    await context.close();
  });
}

for (const device of ["desktop", "phone"]) {
  test.concurrent(`looks: from the consent through a minute of training on a ${device}`, async () => {
    const context = await openContext(DEVICES[device]!);
    const page = await context.newPage();
    await page.goto(stage.relay.url);
    await page.getByRole("button", { name: "Contribute to Digits" }).click();
    const agree = page.getByRole("button", { name: "Agree and start" });
    await expect.poll(() => isInSight(agree)).toBe(true);
    await look(page, `consent-${device}`);
    await agree.click();
    await page.locator('[data-phase="training"]').waitFor({ timeout: 120_000 });
    const pause = page.getByRole("button", { name: "Pause" });
    expect(await isInSight(pause)).toBe(true);
    expect(await isInSight(page.getByRole("progressbar").first())).toBe(true);
    const before = await shiftOf(page);
    await page.waitForTimeout(TRAINING_MS / 2);
    await look(page, `training-${device}`);
    await page.waitForTimeout(TRAINING_MS / 2);
    expect((await shiftOf(page)) - before).toBeLessThanOrEqual(MAX_SHIFT);
    await pause.click();
    await page.locator('[data-phase="paused"]').waitFor();
    expect(await isInSight(page.getByRole("heading", { name: "Paused" }))).toBe(true);
    await look(page, `paused-${device}`);
    await page.getByRole("link", { name: "History" }).first().click();
    const strip = page.getByRole("complementary", { name: "Your device's work" });
    await strip.getByText("Paused").waitFor();
    expect(await page.title()).toMatch(/^\d+% Paused · History · Commonweight$/);
    await look(page, `strip-${device}`);
    await strip.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("link", { name: "Leaderboard" }).first().click();
    await look(page, `leaderboard-${device}`);
    await context.close();
  });
}

/** All of it lies on the screen, without scrolling. */
async function isInSight(locator: ReturnType<Page["locator"]>): Promise<boolean> {
  return locator.evaluate((element) => {
    const { top, bottom } = element.getBoundingClientRect();
    return top >= 0 && bottom <= window.innerHeight;
  });
}

test.concurrent("looks: the translated page goes on telling what happens", async () => {
  const context = await openContext(DEVICES.desktop!);
  const page = await context.newPage();
  await page.goto(stage.relay.url);
  await page.getByRole("heading", { name: "Ready when you are" }).waitFor();
  // what Chromium's translator does to a page: each text node is put into an element of its own
  await page.evaluate(() => {
    const walker = document.createTreeWalker(
      document.querySelector("#main")!,
      NodeFilter.SHOW_TEXT,
    );
    const texts: Text[] = [];
    while (walker.nextNode()) texts.push(walker.currentNode as Text);
    for (const text of texts) {
      const font = document.createElement("font");
      font.textContent = text.data.toUpperCase();
      text.replaceWith(font);
    }
  });
  await page.getByRole("button", { name: /contribute to digits/i }).click();
  await page.getByRole("button", { name: "Agree and start" }).click();
  await page.getByRole("heading", { name: "Training", exact: true }).waitFor({ timeout: 120_000 });
  expect(await page.getByText("READY WHEN YOU ARE").count()).toBe(0);
  await context.close();
});
