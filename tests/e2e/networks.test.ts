/** The page on networks as they are: in a folder of a host, behind a sign-in, with files redirected. */
import type { BrowserContext, Page } from "playwright";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Between, openBetween } from "./between.ts";
import { startTraining, useStage } from "./stage.ts";

const stage = useStage({ webgpu: false });
let between: Between;
let context: BrowserContext;
beforeEach(async () => {
  context = await stage.browser.newContext();
});
afterEach(async () => {
  await context.close();
  await between.close();
});

async function openPage(): Promise<Page> {
  const page = await context.newPage();
  await page.goto(between.url);
  await page.getByRole("heading", { name: "Digits" }).waitFor();
  return page;
}

/** Wait until the service worker answers for the page. */
async function untilInstalled(page: Page): Promise<void> {
  const isControlled = () =>
    page.evaluate(async () => {
      const { active } = await navigator.serviceWorker.ready;
      return active?.state === "activated";
    });
  await expect.poll(isControlled, { timeout: 30_000 }).toBe(true);
}

const signIn = "<!doctype html><title>Station Wi-Fi</title><h1>Sign in to the station's Wi-Fi</h1>";

test("networks: hosted in a folder, the page trains, is kept, and opens offline", async () => {
  between = await openBetween(stage.relay.url, "/models/");
  const page = await openPage();
  await untilInstalled(page);
  await page.reload();
  await startTraining(page);
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await context.setOffline(true);
  await page.reload();
  await page.getByRole("link", { name: "Commonweight" }).waitFor();
});

test("networks: what a captive portal answers for the engine is named, and not kept", async () => {
  between = await openBetween(stage.relay.url);
  const page = await openPage();
  await untilInstalled(page);
  await page.reload(); // from now on the service worker keeps what is fetched
  between.interfere = (path, response) => {
    if (!path.startsWith("/engine/")) return false;
    response.writeHead(200, { "content-type": "text/html" }).end(signIn);
    return true;
  };
  await page.getByRole("button", { name: "Contribute to Digits" }).click();
  await page.getByRole("button", { name: "Agree and start" }).click();
  await page.getByText("This network answered in the relay's place.").waitFor();
  between.interfere = () => false;
  await page.getByRole("button", { name: "Contribute to Digits" }).click();
  await page.locator('[data-phase="training"]').waitFor({ timeout: 120_000 });
});

test("networks: a proxy that redirects /index.html and asks for a sign-in later breaks no visit", async () => {
  between = await openBetween(stage.relay.url);
  between.interfere = (path, response) => {
    if (path !== "/index.html") return false;
    response.writeHead(301, { location: "/" }).end();
    return true;
  };
  const page = await openPage();
  await untilInstalled(page);
  await page.reload();
  await page.getByRole("heading", { name: "Digits" }).waitFor();
  between.interfere = (path, response) => {
    if (path === "/sign-in") response.writeHead(200, { "content-type": "text/html" }).end(signIn);
    else response.writeHead(302, { location: "/sign-in" }).end();
    return true;
  };
  await page.reload();
  await page.getByRole("heading", { name: "Sign in to the station's Wi-Fi" }).waitFor();
});
