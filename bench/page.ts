import { gzipSync } from "node:zlib";
import { judgedRow, type Row } from "./figures.ts";
import { openRecordingProxy } from "./recording-proxy.ts";
import { openPage, withVisitor } from "./visitor.ts";

const CODE = /html|javascript|css|wasm/; // the content types of code; pictures and the manifest are none
const ENGINES = [
  { name: "CPU", webgpu: false },
  { name: "WebGPU", webgpu: true },
];

/** How much code a first visit in real Chromium loads before the click, and until a first piece is trained. */
export async function measure(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const engine of ENGINES) rows.push(...(await measureEngine(engine)));
  return rows;
}

function measureEngine({ name, webgpu }: (typeof ENGINES)[number]): Promise<Row[]> {
  return withVisitor({ webgpu, openProxy: openRecordingProxy }, async ({ page, proxy, url }) => {
    await openPage({ page, proxy });
    await page.evaluate(async () => void (await navigator.serviceWorker.ready)); // it has the shell by then
    const before = await weigh(url, proxy.paths);

    await page.getByRole("button", { name: "Contribute to Digits" }).click();
    await page.getByRole("button", { name: "Agree and start" }).click();
    await page.getByRole("button", { name: "Finish this piece" }).click();
    const isSent = '[data-phase="verifying"], [data-phase="merged"]';
    await page.locator(isSent).waitFor({ timeout: 300_000 });
    const after = await weigh(url, proxy.paths);
    return [
      weightRow(`${name}: page code before the click`, before, 80),
      weightRow(`${name}: page code with training`, after, 700),
    ];
  });
}

/** Files of code: how many, their bytes, and their bytes after gzip. */
type Weight = { readonly files: number; readonly bytes: number; readonly gzipped: number };

function weightRow(what: string, { files, bytes, gzipped }: Weight, mostKilobytes: number): Row {
  const against = `${files} files, ${(bytes / 1000).toFixed(0)} kB before gzip`;
  return judgedRow({ what, value: gzipped / 1000, unit: "kB", against }, "<=", mostKilobytes);
}

async function weigh(url: string, paths: ReadonlySet<string>): Promise<Weight> {
  const weight = { files: 0, bytes: 0, gzipped: 0 };
  for (const path of [...paths].filter((path) => !/^\/(api|peerjs)\//.test(path))) {
    const response = await fetch(new URL(path, url));
    const body = new Uint8Array(await response.arrayBuffer());
    if (!CODE.test(response.headers.get("content-type") ?? "")) continue;
    weight.files++;
    weight.bytes += body.length;
    weight.gzipped += gzipSync(body).length;
  }
  return weight;
}
