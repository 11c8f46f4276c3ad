/** DESIGN §4: code that replays history computes with + − × ÷ √ alone; the linter refuses the rest. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const house = mkdtempSync(join(tmpdir(), "commonweight-arithmetic-"));
afterAll(() => rmSync(house, { recursive: true }));

const refused = ["Math.exp(x)", "Math.log(x)", "Math.pow(x, 2)", "Math.hypot(x)", "x ** 2", "Math"];
const accepted = ["Math.sqrt(x) / 2", "Math.floor(x)", "Math.imul(x, 3)", "Math.fround(x * x)"];
const replaying = ["history/a.ts", "merge/a.ts", "patch/a.ts", "tensors/a.ts", "random.ts"];
const free = ["training/a.ts", "gate/a.ts", "merge/a.test.ts"];

/** The files that the plugin complains about, of one file per folder and expression. */
function complaints(expressions: readonly string[]): string[] {
  rmSync(join(house, "core"), { recursive: true, force: true });
  for (const file of ["biome.json", "core/arithmetic.grit"]) {
    mkdirSync(dirname(join(house, file)), { recursive: true });
    cpSync(join(root, file), join(house, file));
  }
  const files = [...replaying, ...free];
  for (const file of files) {
    const path = join(house, "core", file);
    mkdirSync(dirname(path), { recursive: true });
    const lines = expressions.map((e, i) => `export const f${i} = (x: number) => [x, ${e}];\n`);
    writeFileSync(path, lines.join(""));
  }
  const { stdout } = spawnSync(
    join(root, "node_modules/.bin/biome"),
    ["lint", "--reporter=json", "--max-diagnostics=none", "."],
    { cwd: house, encoding: "utf8", maxBuffer: 64 << 20 },
  );
  const { diagnostics } = JSON.parse(stdout) as {
    diagnostics: { category: string; location: { path: string | { file: string } } }[];
  };
  return diagnostics
    .filter(({ category }) => category === "plugin")
    .map(({ location: { path } }) => (typeof path === "string" ? path : path.file));
}

test("house: replaying code may not exponentiate or call Math beyond √ and integer operations", () => {
  const found = complaints(refused);
  for (const file of replaying) {
    expect(found.filter((path) => path.endsWith(`core/${file}`)).length, file).toBe(refused.length);
  }
  for (const file of free) expect(found.some((path) => path.endsWith(file))).toBe(false);
});

test("house: replaying code may use + − × ÷ √ and integer operations", () => {
  expect(complaints(accepted)).toEqual([]);
});
