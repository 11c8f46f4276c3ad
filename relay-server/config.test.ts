import { expect, test } from "vitest";
import { parseConfig } from "./config.ts";

test("every setting has a default", () => {
  expect(parseConfig({})).toMatchObject({ port: 8787, dataDir: "./data", trustProxy: 0 });
});

test("a setting that makes no sense is named in one sentence", () => {
  const bad = { PORT: "80 80", TRUST_PROXY: "yes", BLOB_URL: "cdn", KEYFRAME_EVERY: "0" };
  for (const [name, value] of Object.entries(bad)) {
    expect(() => parseConfig({ [name]: value })).toThrow(
      new RegExp(`^${name} is "${value}", but .*\\.$`),
    );
  }
});
