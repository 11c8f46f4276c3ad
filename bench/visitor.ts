import type { Page } from "playwright";
import { launchBrowser, startRelayProcess, temporaryFolder } from "../tests/e2e/stage.ts";

/** What stands between the browser and the relay. */
type Proxy = { readonly port: number; close(): void };

/** A visitor's page, the proxy that it goes through, and the relay behind that. */
export type Visit<P extends Proxy> = {
  readonly page: Page;
  readonly proxy: P;
  /** The relay's own address. */
  readonly url: string;
};

/** Run `visit` with a page in real Chromium, not opened yet, a relay of its own, and a proxy in between. */
export async function withVisitor<P extends Proxy, Result>(
  { webgpu, openProxy }: { webgpu: boolean; openProxy: (targetPort: number) => Promise<P> },
  visit: (visit: Visit<P>) => Promise<Result>,
): Promise<Result> {
  const folder = await temporaryFolder();
  const { url, stop } = await startRelayProcess(folder.path);
  const proxy = await openProxy(Number(new URL(url).port));
  const browser = await launchBrowser({ webgpu });
  try {
    return await visit({ page: await browser.newPage(), proxy, url });
  } finally {
    await browser.close();
    proxy.close();
    await stop();
    await folder.remove();
  }
}

/** Open the page and wait for its button. */
export async function openPage({
  page,
  proxy,
}: Pick<Visit<Proxy>, "page" | "proxy">): Promise<void> {
  await page.goto(`http://localhost:${proxy.port}`);
  await page.getByRole("button", { name: "Contribute to Digits" }).waitFor();
}
