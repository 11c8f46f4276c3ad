/** DESIGN §2's import rule, room by room: the linter refuses every forbidden direction, types included. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const house = mkdtempSync(join(tmpdir(), "commonweight-house-"));
afterAll(() => rmSync(house, { recursive: true }));

const tfjs = "@tensorflow/tfjs-backend-wasm";
const forbidden: Record<string, readonly string[]> = {
  "core/a.ts": [
    "../worker/x.ts",
    "../web/x.ts",
    "../relay-server/x.ts",
    "../kernels/x.ts",
    "../cli/x.ts",
    "../models/x.ts",
    "../tests/x.ts",
    "@tensorflow/tfjs-core",
    "node:fs",
    "hono",
    "kysely",
  ],
  "core/patch/a.ts": ["../../worker/x.ts", "../../models/digits/x.ts", "@tensorflow/tfjs-core"],
  "core/models/a.ts": ["../../kernels/x.ts", "../../worker/x.ts", tfjs],
  "core/training/a.ts": ["../../kernels/x.ts", "../../relay-server/x.ts", tfjs],
  "kernels/a.ts": [
    "../worker/x.ts",
    "../web/x.ts",
    "../relay-server/x.ts",
    "../models/x.ts",
    "idb",
  ],
  "worker/a.ts": ["../web/x.ts", "../relay-server/x.ts", "../cli/x.ts", "../models/x.ts", tfjs],
  "relay-server/a.ts": ["../web/x.ts", "../worker/x.ts", "../cli/x.ts", tfjs],
  "web/a.ts": [
    "../worker/volunteer.ts",
    "../relay-server/x.ts",
    "../kernels/x.ts",
    "../models/x.ts",
    tfjs,
    "node:fs",
  ],
  "cli/a.ts": ["../web/x.ts", "../tests/x.ts"],
  "import/a.ts": ["../web/x.ts", "../worker/x.ts", "../relay-server/x.ts", "../models/x.ts"],
  "models/a.ts": ["../web/x.ts", "../worker/x.ts", "../relay-server/x.ts"],
};
const allowed: Record<string, readonly string[]> = {
  "core/b.ts": ["./hex.ts", "zod/mini"],
  "core/models/b.ts": ["@tensorflow/tfjs-core"],
  "core/training/b.ts": ["@tensorflow/tfjs-core"],
  "kernels/b.ts": ["../core/x.ts", tfjs],
  "worker/b.ts": ["../core/x.ts", "../kernels/x.ts", "idb"],
  "relay-server/b.ts": ["../core/x.ts", "../kernels/x.ts", "../export/x.ts", "node:fs"],
  "web/b.ts": ["../core/x.ts", "../worker/api.ts", "../worker/main.ts?worker&url"],
  "cli/b.ts": ["../worker/x.ts", "../relay-server/x.ts", "../kernels/x.ts"],
  "import/b.ts": ["../core/x.ts", "../kernels/x.ts", "node:fs"],
  "models/b.ts": ["../core/x.ts", "../kernels/x.ts"],
};

let complaints: ReadonlySet<string>;
beforeAll(() => {
  cpSync(join(root, "biome.json"), join(house, "biome.json"));
  cpSync(join(root, "core/arithmetic.grit"), join(house, "core/arithmetic.grit"));
  symlinkSync(join(root, "node_modules"), join(house, "node_modules"));
  for (const [file, sources] of Object.entries({ ...forbidden, ...allowed })) {
    sources.forEach((source, i) => {
      for (const [kind, line] of importLines(source)) {
        const path = join(house, probeName(file, i, kind));
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, line);
      }
    });
  }
  const { stdout } = spawnSync(
    join(root, "node_modules/.bin/biome"),
    ["lint", "--reporter=json", "--max-diagnostics=none", "."],
    { cwd: house, encoding: "utf8", maxBuffer: 64 << 20 },
  );
  const rules = /noRestrictedImports|noNodejsModules/;
  const { diagnostics } = JSON.parse(stdout) as {
    diagnostics: { category: string; location: { path: string | { file: string } } }[];
  };
  complaints = new Set(
    diagnostics
      .filter(({ category }) => rules.test(category))
      .map(({ location: { path } }) => (typeof path === "string" ? path : path.file)),
  );
});

function importLines(source: string): [string, string][] {
  return [
    ["value", `import { x } from "${source}";\nconsole.log(x);\n`],
    ["type", `import type { X } from "${source}";\nexport type Y = X;\n`],
  ];
}

function probeName(file: string, index: number, kind: string): string {
  return file.replace(/\.ts$/, `-${index}-${kind}.ts`);
}

for (const [file, sources] of Object.entries(forbidden)) {
  test(`house: ${dirname(file)} must not import what belongs elsewhere`, () => {
    sources.forEach((source, i) => {
      for (const kind of ["value", "type"]) {
        expect(complaints.has(probeName(file, i, kind)), `${kind} of ${source}`).toBe(true);
      }
    });
  });
}

for (const [file, sources] of Object.entries(allowed)) {
  test(`house: ${dirname(file)} may import its neighbours`, () => {
    sources.forEach((source, i) => {
      for (const kind of ["value", "type"]) {
        expect(complaints.has(probeName(file, i, kind)), `${kind} of ${source}`).toBe(false);
      }
    });
  });
}
