/** One exported name means one thing in the whole product, so that a reader who searches for a name finds the thing. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const ROOMS = [
  ...["core", "kernels", "worker", "relay-server", "web"],
  ...["cli", "import", "export", "models", "sim", "scripts"],
];
const DECLARED =
  /^export (?:async |declare |abstract )?(?:function\*?|const|let|class|interface|type|enum) (\w+)/gm;

/** The files in which a name is declared and exported, by name; a file that declares a type and a value of one name counts once. */
function homes(files: readonly (readonly [path: string, text: string])[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [path, text] of files) {
    const names = new Set([...text.matchAll(DECLARED)].map(([, name]) => name!));
    for (const name of names) found.set(name, [...(found.get(name) ?? []), path]);
  }
  return found;
}

const severalHomes = (found: Map<string, string[]>) =>
  [...found].filter(([, paths]) => paths.length > 1);

test("house: an exported name has one home", () => {
  const listed = execFileSync("git", ["ls-files", ...ROOMS], { cwd: root, encoding: "utf8" });
  const files = listed.split("\n").filter((path) => /(?<!\.test)\.ts$/.test(path));
  const found = homes(files.map((path) => [path, readFileSync(join(root, path), "utf8")]));
  expect(found.size).toBeGreaterThan(1000);
  expect(severalHomes(found)).toEqual([]);
});

test("house: a second home of a name is seen, a use or a type beside its value is not", () => {
  const found = homes([
    ["a.ts", "export const piece = 1;\nexport type piece = number;\n"],
    ["b.ts", "import { piece } from './a.ts';\nexport async function piece() {}\n"],
    ["c.ts", "import { piece } from './a.ts';\nconst whole = piece;\n"],
  ]);
  expect(severalHomes(found)).toEqual([["piece", ["a.ts", "b.ts"]]]);
});
