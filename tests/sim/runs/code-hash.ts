import { createHash } from "node:crypto";
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const DECISIVE = [
  "core/{gate,history,merge,models,patch,tensors,training}/**/*.ts",
  "core/random.ts",
  "kernels/**/*.ts",
  "tests/sim/{baselines,community}/*.ts",
];

const hashes = new Map<string, Promise<string>>();

/** SHA-256 of all files that decide what a run of `model` comes to, taken once. */
export function codeHash(model: string): Promise<string> {
  const known =
    hashes.get(model) ?? hashFiles([...DECISIVE, `models/${model}/*.{ts,json,safetensors}`]);
  hashes.set(model, known);
  return known;
}

async function hashFiles(patterns: readonly string[]): Promise<string> {
  const files = globSync(patterns, { cwd: ROOT }).filter((path) => !path.endsWith(".test.ts"));
  const hash = createHash("sha256");
  for (const path of files.sort()) {
    hash.update(`${path}\0`);
    hash.update(await readFile(`${ROOT}${path}`));
  }
  return hash.digest("hex");
}
