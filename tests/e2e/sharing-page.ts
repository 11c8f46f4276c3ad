/** Pages of volunteers who pass on what they have. */
import type { Browser, Page } from "playwright";

export type SharingPageOptions = {
  readonly saysYes?: "first" | "at the end";
  /** What makes its browser another. */
  readonly script?: () => void;
};

/** A volunteer at `url` who agrees, trains, says yes to passing the model on, and is connected or alone; "Pause" is pressed. */
export async function openSharingPage(
  browser: Browser,
  url: string,
  { saysYes = "first", script = () => {} }: SharingPageOptions = {},
): Promise<Page> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.exposeFunction("vanish", () => page.close());
  await page.addInitScript(script);
  await page.goto(url);
  await page.getByRole("button", { name: "Contribute to Tiny" }).click();
  const yes = page.getByRole("checkbox", { name: /Pass the model on/ });
  if (saysYes === "first") await yes.check();
  await page.getByRole("button", { name: "Agree and start" }).click();
  await page.locator('[data-phase="training"]').waitFor({ timeout: 120_000 });
  await page.getByRole("button", { name: "Pause" }).click(); // the processor is for those who come
  await yes.check();
  await page.getByText(/^(Connected with|Nobody else is here|This browser lets)/).waitFor();
  return page;
}

/** What a page says that came to it, in bytes. */
export async function roadsOf(page: Page): Promise<{ peers: number; relay: number }> {
  const panel = page.locator("[data-from-peers]");
  const read = async (road: string) => Number(await panel.getAttribute(`data-from-${road}`));
  return { peers: await read("peers"), relay: await read("relay") };
}

/** How long a request for a chunk waits where only peers are to be in time, however busy this machine is. */
export const chunksSlowly = (path: string) => (path.startsWith("/api/v1/blobs/") ? 10_000 : 0);
