import { createRequire } from "node:module";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { playwright } from "@vitest/browser-playwright";
import { VitePWA } from "vite-plugin-pwa";
import { configDefaults, defineConfig } from "vitest/config";
import { CHROMIUM_FLAGS } from "./scripts/chromium.ts";
import { earlierEngines } from "./scripts/earlier-engines.ts";
import { wholeShell } from "./scripts/whole-shell.ts";

createRequire(import.meta.url)("./cli/compile-cache.cjs"); // for the threads and relays that tests start

/** Chromium with WebGPU on SwiftShader, so that the tests need no GPU. */
const chromium = playwright({
  launchOptions: {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: CHROMIUM_FLAGS,
  },
});

const ISOLATION = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/**
 * What the relay sends with the page (DESIGN §6). `vite preview` sends it too; the dev server leaves the
 * policy out, because hot replacement injects styles and scripts that it would refuse.
 */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; " +
  "style-src 'self'; img-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'";

const HANGS_AFTER_MS = 120_000; // ends what hangs; how fast a machine is that does other things too, no test asks

const relay = `http://127.0.0.1:${process.env.PORT ?? 8787}`;

export default defineConfig({
  base: "./", // the page can be hosted in any folder
  plugins: [
    svelte({ configFile: false }),
    earlierEngines(),
    wholeShell(),
    VitePWA({
      registerType: "prompt",
      injectRegister: false, // web/state/update.svelte.ts registers, so that no inline script is needed
      strategies: "injectManifest",
      srcDir: "web/service-worker",
      filename: "service-worker.ts",
      manifest: false, // public/manifest.webmanifest
      injectManifest: {
        // The shell only: the engine is cached when it is fetched, which is after consent.
        globPatterns: ["index.html", "assets/**", "icons/**", "manifest.webmanifest"],
        globIgnores: ["engine/**"],
      },
    }),
  ],
  build: {
    target: "es2024",
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // what the page begins with is one script, also where later parts share modules with it
        codeSplitting: { groups: [{ name: "index", tags: ["$initial"] }] },
        // what is loaded when it is asked for is no part of the shell: it is kept once it was fetched, as the engine is
        chunkFileNames: "engine/[name]-[hash].js",
        // styles are named like the script that they came with, and the first one's is index
        assetFileNames: ({ names }) => {
          const isLazy = names.some((name) => name.endsWith(".css") && name !== "index.css");
          return `${isLazy ? "engine" : "assets"}/[name]-[hash][extname]`;
        },
      },
    },
  },
  worker: {
    format: "es",
    rolldownOptions: {
      output: {
        entryFileNames: "engine/[name]-[hash].js",
        chunkFileNames: "engine/[name]-[hash].js",
        assetFileNames: "engine/[name]-[hash][extname]",
      },
    },
  },
  optimizeDeps: {
    // found late, these would reload the page in the middle of a piece or a test
    include: [
      "@scure/bip39",
      "@scure/bip39/wordlists/english.js",
      "@tensorflow/tfjs-backend-cpu",
      "@tensorflow/tfjs-backend-webgpu",
      "@tensorflow/tfjs-core",
      "@tensorflow/tfjs-core/dist/register_all_gradients.js",
      "canonicalize",
      "comlink",
      "idb",
      "peerjs",
      "svelte",
      "uqr",
      "zod/mini",
    ],
  },
  server: {
    headers: ISOLATION,
    proxy: {
      "/api": relay,
      "/metrics": relay,
      "/peerjs": { target: relay, ws: true },
    },
  },
  preview: {
    headers: { ...ISOLATION, "content-security-policy": POLICY },
    proxy: { "/api": relay, "/peerjs": { target: relay, ws: true } },
  },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          environment: "node",
          include: [
            "{core,kernels,worker,relay-server,sim,import,export,models,cli,scripts,web}/**/*.test.ts",
            "tests/*.test.ts",
            "tests/{golden,house,relay,attacks}/**/*.test.ts",
          ],
          exclude: [...configDefaults.exclude, "data/**"],
          maxWorkers: "100%", // by itself Vitest leaves one core free, which of two is half the machine
          testTimeout: HANGS_AFTER_MS,
          hookTimeout: HANGS_AFTER_MS,
        },
      },
      {
        extends: true,
        test: {
          name: "browser",
          benchmark: { include: [] },
          include: ["tests/browser/**/*.test.ts"],
          testTimeout: 60_000, // SwiftShader is slow
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: chromium,
            instances: [{ browser: "chromium" }],
          },
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          environment: "node",
          include: ["tests/e2e/**/*.test.ts"],
          testTimeout: 300_000, // a piece on SwiftShader takes a minute, a walk several
          hookTimeout: 300_000,
          fileParallelism: false, // each file owns a relay, a browser and all cores
          maxConcurrency: 3, // of the tests of a file that says that they may run side by side
        },
      },
    ],
  },
});
