import type { Page } from "playwright";
import { openCountingProxy } from "./counting-proxy.ts";
import type { Row } from "./figures.ts";
import { openPage, withVisitor } from "./visitor.ts";

const ENGINES = [
  { name: "CPU", webgpu: false },
  { name: "WebGPU on SwiftShader", webgpu: true },
];

/**
 * One visitor alone in real Chromium against a relay of its own: from the click to "merged", phase by
 * phase, and the bytes on the wire, at a first visit and at a second one after the first one's version.
 */
export async function measure(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const engine of ENGINES) rows.push(...(await measureEngine(engine)));
  return rows;
}

function measureEngine({ name, webgpu }: (typeof ENGINES)[number]): Promise<Row[]> {
  return withVisitor({ webgpu, openProxy: openCountingProxy }, async ({ page, proxy }) => {
    const rows: Row[] = [];
    for (const visit of ["first visit", "second visit"]) {
      await openPage({ page, proxy });
      const shell = proxy.take();
      const times = await contributeOnce(page);
      const { up, down } = proxy.take();
      const what = (part: string) => `${name}, ${visit}: ${part}`;
      rows.push(
        { what: what("click to training"), value: times.training, unit: "s" },
        { what: what("training to sent"), value: times.sent - times.training, unit: "s" },
        { what: what("sent to merged"), value: times.merged - times.sent, unit: "s" },
        { what: what("click to merged"), value: times.merged, unit: "s", target: "<= 60" },
        { what: what("page before the click, down"), value: shell.down / 1e3, unit: "kB" },
        { what: what("click to merged, down"), value: down / 1e3, unit: "kB" },
        { what: what("click to merged, up"), value: up / 1e3, unit: "kB" },
      );
    }
    return rows.map((row) => (row.target === undefined ? row : { ...row, holds: row.value <= 60 }));
  });
}

type Times = { readonly training: number; readonly sent: number; readonly merged: number };

/** Press the button, let one piece through, and return when each phase began, in seconds since the click. */
async function contributeOnce(page: Page): Promise<Times> {
  await page.evaluate(recordPhases);
  await page.getByRole("button", { name: "Contribute to Digits" }).click();
  const agree = page.getByRole("button", { name: "Agree and start" });
  const finish = page.getByRole("button", { name: "Finish this piece" });
  await agree.or(finish).waitFor();
  if (await agree.isVisible()) await agree.click();
  await finish.click();
  await page.locator('[data-phase="merged"]').waitFor({ timeout: 300_000 });
  const phases = await page.evaluate(() => performance.getEntriesByType("mark"));
  const begin = (...names: string[]) => {
    const mark = phases.find(({ name }) => names.includes(name));
    if (mark === undefined) throw new Error(`the page never came to ${names.join(" or ")}`);
    return mark.startTime / 1000;
  };
  const click = begin("consent", "checking");
  return {
    training: begin("training", "finishing") - click,
    sent: begin("verifying", "merged") - click,
    merged: begin("merged") - click,
  };
}

/** In the page: mark each phase as the panel enters it, since some last shorter than a look from outside. */
function recordPhases(): void {
  const panel = document.querySelector("[data-phase]");
  if (panel === null) throw new Error("no panel");
  new MutationObserver(() => {
    performance.mark(panel.getAttribute("data-phase") ?? "");
  }).observe(panel, { attributeFilter: ["data-phase"] });
}
