import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Argument, type Command } from "commander";
import { firstBadVersion, withoutContribution } from "../../core/history/bisect.ts";
import { createPatchReader } from "../../core/history/merged-patches.ts";
import { parametersOf } from "../../core/history/version-parameters.ts";
import { encodeCheckpointFile } from "../../core/tensors/checkpoint-file.ts";
import type { Layout } from "../../core/tensors/layout.ts";
import { shortHash } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import type { ModelAddress } from "./model-address.ts";
import {
  openModel,
  type ReadingOptions,
  readChain,
  readingCommand,
  versionIn,
} from "./open-model.ts";
import { keepingSource } from "./record-folder.ts";

type BisectOptions = ReadingOptions & { readonly good: string; readonly bad?: string };

/** What the tested file's path is put in the place of. */
const PLACE = "{}";
const NOT_A_TEST = 126; // from here on the shell means: not found, not runnable, killed

/** `commonweight bisect`: the version, then the contribution, that made a test fail. */
export function bisectCommand(terminal: Terminal): Command {
  return readingCommand(
    "bisect",
    `Find the version, and then the contribution, that made a test fail. COMMAND gets a safetensors file in the place of ${PLACE}, else as its last word; it exits with 0 where the model is good.`,
  )
    .addArgument(new Argument("<command...>", "after --, such as -- python3 check.py {}"))
    .option("--good <VERSION>", "one at which the test passes", "0")
    .option("--bad <VERSION>", "a later one at which it fails; the newest, or the address's")
    .action((address: ModelAddress, words: string[], options: BisectOptions) =>
      bisect(address, words, options, terminal),
    );
}

async function bisect(
  address: ModelAddress,
  words: readonly string[],
  options: BisectOptions,
  terminal: Terminal,
): Promise<void> {
  const { print, progress, signal } = terminal;
  const model = await openModel(address, options);
  const chain = await readChain(model, options, terminal);
  const numberOf = async (name: string | null) =>
    (await versionIn(chain, model, name)).record.number;
  const good = await numberOf(options.good);
  const bad = await numberOf(options.bad ?? model.version);
  if (good >= bad) throw new Error(`Version ${good} is not before version ${bad}.`);

  const folder = await mkdtemp(join(tmpdir(), "commonweight-bisect-"));
  try {
    const source = await keepingSource(model.source, join(folder, "record"));
    let tested = 0;
    async function passes(
      what: string,
      layout: Layout,
      parameters: Float32Array,
    ): Promise<boolean> {
      progress(`testing ${what}`);
      const path = join(folder, "tested.safetensors");
      const metadata = { model: source.model, tested: what };
      await writeFile(path, encodeCheckpointFile(layout, parameters, metadata));
      tested++;
      const passed = await runTest(words, path, signal);
      if (!options.json) print(`${passed ? "good" : "bad "}  ${what}`);
      return passed;
    }
    async function isGood(number: number): Promise<boolean> {
      const { layout, parameters } = await parametersOf(source, chain, number, { signal });
      return passes(`version ${number}`, layout, parameters);
    }
    if (!(await isGood(good))) throw new Error(`The test fails at version ${good} already.`);
    if (await isGood(bad)) throw new Error(`The test passes at version ${bad}.`);

    const version = await firstBadVersion(good, bad, isGood);
    const { record } = chain[version]!;
    const guilty: string[] = record.revert === undefined ? [] : [...record.revert.contributions];
    if (record.merge !== null) {
      const { layout, parameters } = await parametersOf(source, chain, version - 1, { signal });
      const patches = await createPatchReader(source, layout, chain)(record, { signal });
      for (const { contribution } of record.merge.inputs) {
        const without = withoutContribution(layout, parameters, record, patches, contribution);
        const what = `version ${version} without ${shortHash(contribution)}`;
        if (await passes(what, layout, without)) guilty.push(contribution);
      }
    }
    progress(null);
    const change = record.merge === null ? "revert" : "merge";
    if (options.json) {
      return print(
        JSON.stringify({ model: source.model, version, change, contributions: guilty, tested }),
      );
    }
    for (const line of verdictLines(version, change, guilty)) print(line);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function verdictLines(
  version: number,
  change: "merge" | "revert",
  guilty: readonly string[],
): string[] {
  if (change === "revert")
    return [`Version ${version} is the first bad one: it reverts`, ...guilty];
  if (guilty.length === 0) {
    return [
      `Version ${version} is the first bad one; leaving out no single contribution mends it.`,
    ];
  }
  return [`Version ${version} is the first bad one; it is good without`, ...guilty];
}

/** Whether the command exits with 0; an error where it is no test at all. What it prints goes to standard error. */
async function runTest(
  words: readonly string[],
  path: string,
  signal: AbortSignal,
): Promise<boolean> {
  const named = words.map((word) => word.replaceAll(PLACE, path));
  const [command = "", ...rest] = words.some((word) => word.includes(PLACE))
    ? named
    : [...named, path];
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(command, rest, { stdio: ["ignore", 2, 2], signal });
    child.once("error", reject);
    child.once("exit", resolve);
  });
  if (code === null || code >= NOT_A_TEST)
    throw new Error(`"${words.join(" ")}" did not run as a test.`);
  return code === 0;
}
