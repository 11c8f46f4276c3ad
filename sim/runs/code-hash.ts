import { createHash } from "node:crypto";
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const DECISIVE = [
  "core/{gate,history,merge,models,patch,tensors,training}/**/*.ts",
  "core/{median,random}.ts",
  "core/protocol/{canonical-json,limits}.ts",
  "core/protocol/schemas/{mask,recipe,transformer}.ts",
  "kernels/**/*.ts",
  "relay-server/intake/rules.ts",
  "sim/{baselines,community}/*.ts",
  "sim/runs/run-spec.ts",
];

const hashes = new Map<string, Promise<string>>();

/**
 * SHA-256 of all of the project's files that decide what a run of `model` comes to, taken once. Whoever changes the
 * libraries that runs train with takes kept and published runs away by hand.
 */
export function codeHash(model: string): Promise<string> {
  const known = hashes.get(model) ?? hashFiles(decisiveFiles(model));
  hashes.set(model, known);
  return known;
}

/** Those files, from the project's root, in order. */
export function decisiveFiles(model: string): string[] {
  const patterns = [...DECISIVE, `models/${model}/*.{ts,json,safetensors}`];
  return globSync(patterns, { cwd: ROOT })
    .filter((path) => !path.endsWith(".test.ts"))
    .sort();
}

async function hashFiles(files: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const path of files) {
    hash.update(`${path}\0`);
    hash.update(await readFile(`${ROOT}${path}`));
  }
  return hash.digest("hex");
}
