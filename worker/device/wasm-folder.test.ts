import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { WASM_FOLDER } from "./wasm-folder.ts";

test("the folder of tfjs's binaries is named by the version that is installed", () => {
  const { version } = createRequire(import.meta.url)(
    "@tensorflow/tfjs-backend-wasm/package.json",
  ) as { version: string };
  expect(WASM_FOLDER).toBe(`/engine/wasm-${version}/`);
});
