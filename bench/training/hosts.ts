import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { build, preview } from "vite";
import { launchBrowser, temporaryFolder } from "../../tests/e2e/stage.ts";
import type { Gpu } from "./dawn.ts";
import type { Stage } from "./stage.ts";

/** A stage of its own for one contestant, in a page or a process. */
export type Host = Stage & {
  /** Processor time of all threads that work for it, since any moment; null where a GPU does the work. */
  processorMs(): Promise<number | null>;
  close(): Promise<void>;
};

/** Where hosts come from. */
export type Venue = { host(): Promise<Host>; close(): Promise<void> };

/** What is sent to a process. */
export type Call = { readonly method: keyof Stage; readonly argument: unknown };

const PAGE = fileURLToPath(new URL("./page", import.meta.url));
const PROCESS = fileURLToPath(new URL("./process.ts", import.meta.url));

/** Pages of one Chromium with WebGPU, each with the bundled contestants. */
export async function openChromium(): Promise<Venue> {
  const folder = await temporaryFolder();
  const shared = { configFile: false, root: PAGE, logLevel: "error" } as const;
  const output = { outDir: folder.path, emptyOutDir: true, target: "es2024" };
  await build({ ...shared, build: { ...output, chunkSizeWarningLimit: 10_000 } });
  const server = await preview({ ...shared, build: output, preview: { port: 0 } });
  const browser = await launchBrowser({ webgpu: true });
  const session = await browser.newBrowserCDPSession();
  return {
    async host() {
      const page = await browser.newPage();
      await page.goto(server.resolvedUrls?.local[0] ?? "");
      await page.waitForFunction(() => "stage" in globalThis);
      return {
        ...callThrough(({ method, argument }) =>
          page.evaluate(
            ({ method, argument }) =>
              (globalThis as unknown as { stage: Record<string, (of: unknown) => unknown> }).stage[
                method
              ]?.(argument),
            { method, argument },
          ),
        ),
        // The flags say SwiftShader, so it is the processor that computes, for one page at a time.
        async processorMs() {
          const { processInfo } = await session.send("SystemInfo.getProcessInfo");
          return 1000 * processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
        },
        close: () => page.close(),
      };
    },
    async close() {
      await browser.close();
      await server.close();
      await folder.remove();
    },
  };
}

/** Processes of this Node, with Dawn as their WebGPU on `gpu`, or without any. */
export function openNode(gpu: Gpu | null): Venue {
  return {
    async host() {
      const child = fork(PROCESS, gpu === null ? [] : ["dawn"], {
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      });
      let processorMs = 0; // as of the last answer
      const exit = once(child, "exit");
      const failed = exit.then(([code]) => {
        throw new Error(`a contestant's process ended with ${code}`);
      });
      failed.catch(() => {}); // it ends when it is closed, too
      return {
        ...callThrough(async (call) => {
          child.send(call);
          const [answer] = await Promise.race([once(child, "message"), failed]);
          if ("error" in answer) throw new Error(answer.error);
          processorMs = answer.processorMs;
          return answer.value;
        }),
        processorMs: async () => (gpu?.isSoftware ? processorMs : null), // without one, its clock tells it
        async close() {
          child.disconnect();
          await exit;
        },
      };
    },
    async close() {},
  };
}

function callThrough(call: (call: Call) => Promise<unknown>): Stage {
  return {
    open: async (entry) => void (await call({ method: "open", argument: entry })),
    run: async (steps) => (await call({ method: "run", argument: steps })) as never, // as Stage answers
    inspect: async () => (await call({ method: "inspect", argument: null })) as never, // the same
  };
}
