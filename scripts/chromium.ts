import { existsSync } from "node:fs";
import { installFromDebian, mayInstallFromDebian, runInstaller } from "./debian.ts";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Switches for a headless Chromium with WebGPU on SwiftShader and no calls home. */
export const CHROMIUM_FLAGS = [
  "--no-sandbox",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Path of an installed Chromium, installing Debian's where there is none and we may. */
export function ensureChromium(): string {
  const found = installedChromium();
  if (found !== null) return found;
  if (mayInstallFromDebian()) {
    installFromDebian("Chromium", ["chromium"]);
  } else {
    console.error("Installing Chromium through Playwright …");
    runInstaller("npx", ["playwright", "install", "chromium"]);
  }
  const installed = installedChromium();
  if (installed === null) {
    throw new Error("The browser tests need Chromium: install it and set CHROMIUM to its path.");
  }
  return installed;
}

function installedChromium(): string | null {
  if (process.env.CHROMIUM !== undefined) return process.env.CHROMIUM;
  return PLACES.find((path) => existsSync(path)) ?? null;
}
