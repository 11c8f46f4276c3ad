import { afterEach, expect, test, vi } from "vitest";
import { openTrialEngine } from "./trial-engine.ts";

afterEach(() => vi.unstubAllGlobals());

test("over plain http Try says why nothing can be tried, and what helps", () => {
  vi.stubGlobal("isSecureContext", false); // where a browser has no hashes to check a download by
  expect(() => openTrialEngine()).toThrow(/plain http.*Open it over https/);
});
