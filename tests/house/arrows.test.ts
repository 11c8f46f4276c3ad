/** DESIGN §2: inside the relay, arrows run in the walk's order only, and files import each other in no circle. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const house = mkdtempSync(join(tmpdir(), "commonweight-arrows-"));
afterAll(() => rmSync(house, { recursive: true }));

const files: Record<string, string> = {
  "relay-server/doors/a.ts": 'import type { X } from "../store/x.ts";\nexport type A = X;\n',
  "relay-server/store/x.ts": "export type X = 1;\n",
  "relay-server/store/up.ts": 'import type { A } from "../doors/a.ts";\nexport type Up = A;\n',
  "relay-server/merging/up.ts":
    'import type { J } from "../judging/j.ts";\nexport type Merged = J;\n',
  "relay-server/judging/j.ts": "export type J = 1;\n",
  "web/one.ts": 'import type { Two } from "./two.ts";\nexport type One = Two[];\n',
  "web/two.ts": 'import type { One } from "./one.ts";\nexport type Two = One[];\n',
};

let found: string;
beforeAll(() => {
  for (const file of [".dependency-cruiser.cjs", "tsconfig.base.json"]) {
    cpSync(join(root, file), join(house, file));
  }
  symlinkSync(join(root, "node_modules"), join(house, "node_modules"));
  for (const [path, source] of Object.entries(files)) {
    mkdirSync(dirname(join(house, path)), { recursive: true });
    writeFileSync(join(house, path), source);
  }
  const command = join(root, "node_modules/.bin/depcruise");
  const args = ["--config", ".dependency-cruiser.cjs", "relay-server", "web"];
  found = spawnSync(command, args, { cwd: house, encoding: "utf8" }).stdout;
});

test("house: the store knows no door, and merging nothing of judging", () => {
  expect(found).toContain("relay-server/store/up.ts → relay-server/doors/a.ts");
  expect(found).toContain("relay-server/merging/up.ts → relay-server/judging/j.ts");
});

test("house: two files import each other nowhere, types included", () => {
  expect(found).toMatch(/no circle of files: web\/(one|two)\.ts/);
});

test("house: a door may know the store", () => {
  expect(found).not.toContain("relay-server/doors/a.ts →");
});
