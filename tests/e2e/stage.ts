/** What an end-to-end test stands on: a real relay process with the shipped models, and real Chromium. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright";
import { afterAll, beforeAll } from "vitest";
import { buildPageIfStale, ROOT } from "../../cli/page-build.ts";
import { CHROMIUM_FLAGS, ensureChromium } from "../../scripts/chromium.ts";

export type RelayProcess = {
  readonly url: string;
  readonly dataFolder: string;
  /** Ctrl-C, then the exit code. */
  stop(): Promise<number | null>;
  /** `kill -9`. */
  kill(): Promise<void>;
};

/** Start the relay as `npm start` does, on a free port, with its data in `dataFolder`. */
export async function startRelayProcess(
  dataFolder: string,
  { port = 0, webFolder = join(ROOT, "dist") } = {},
): Promise<RelayProcess> {
  await buildPageIfStale();
  const child = spawn(process.execPath, [join(ROOT, "scripts/serve.ts")], {
    cwd: ROOT,
    env: { ...process.env, PORT: String(port), DATA_DIR: dataFolder, WEB_DIR: webFolder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const url = await addressOf(child);
  return {
    url,
    dataFolder,
    async stop() {
      child.kill("SIGINT");
      return await exitCode(child);
    },
    async kill() {
      child.kill("SIGKILL");
      await exitCode(child);
    },
  };
}

/** What the tests of a file share; there from the first test on. */
export type Stage = { relay: RelayProcess; readonly browser: Browser };

/** A relay on a folder of its own and a browser, for all tests of the file that calls it. */
export function useStage(options: { webgpu: boolean }): Stage {
  const stage = {} as { relay: RelayProcess; browser: Browser }; // filled before any test runs
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeAll(async () => {
    folder = await temporaryFolder();
    stage.relay = await startRelayProcess(folder.path);
    stage.browser = await launchBrowser(options);
  });
  afterAll(async () => {
    await stage.browser.close();
    await stage.relay.stop();
    await folder.remove();
  });
  return stage;
}

/** Agree on the page and wait until it trains a piece of digits. */
export async function startTraining(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Contribute to Digits" }).click();
  await page.getByRole("button", { name: "Agree and start" }).click();
  await page.locator('[data-phase="training"]').waitFor({ timeout: 120_000 });
}

/** A folder that is empty now and removed by `remove`. */
export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "commonweight-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Chromium with WebGPU on SwiftShader, or without any adapter. */
export function launchBrowser(options: { webgpu: boolean }): Promise<Browser> {
  const withoutWebGpu = CHROMIUM_FLAGS.filter((flag) => !flag.includes("webgpu"));
  return chromium.launch({
    executablePath: ensureChromium(),
    args: options.webgpu ? CHROMIUM_FLAGS : withoutWebGpu,
  });
}

function addressOf(child: ChildProcess): Promise<string> {
  let said = "";
  return new Promise((resolve, reject) => {
    const listen = (chunk: Buffer) => {
      said += chunk;
      const address = /Commonweight is at (\S+)/.exec(said);
      if (address?.[1] !== undefined) resolve(address[1]);
    };
    child.stdout?.on("data", listen);
    child.stderr?.on("data", listen);
    child.once("exit", (code) => reject(new Error(`the relay ended with ${code}: ${said}`)));
  });
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const [code] = await once(child, "exit");
  return code;
}
