import { Argument, type Command } from "commander";
import { type Blame, blameWeights } from "../../core/history/blame.ts";
import { faultAt } from "../../core/history/history-fault.ts";
import { createPatchReader } from "../../core/history/merged-patches.ts";
import { readBase } from "../../core/history/verify-history.ts";
import { parseTensorRange } from "../../core/tensors/tensor-range.ts";
import { shortHash, tableLines } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import type { ModelAddress } from "./model-address.ts";
import {
  openModel,
  type ReadingOptions,
  readChain,
  readingCommand,
  shardTitles,
  versionIn,
} from "./open-model.ts";

/** `commonweight blame`: which contributions made some weights what they are. */
export function blameCommand(terminal: Terminal): Command {
  return readingCommand(
    "blame",
    "Say which contributions made weights what they are, through merges and reverts: how far each moved them, and what it was trained on.",
  )
    .addArgument(new Argument("<tensor>", "such as w or w[3,10:20]; indices as numpy has them"))
    .action((address: ModelAddress, range: string, options: ReadingOptions) =>
      blame(address, range, options, terminal),
    );
}

async function blame(
  address: ModelAddress,
  range: string,
  options: ReadingOptions,
  terminal: Terminal,
): Promise<void> {
  const { print, progress, signal } = terminal;
  const model = await openModel(address, options);
  const { source } = model;
  const chain = await readChain(model, options, terminal);
  const until = (await versionIn(chain, model, model.version)).record.number;
  const { layout, parameters } = await readBase(source, chain, { signal });
  const { tensor, positions } = parseTensorRange(range, layout);
  const read = createPatchReader(source, layout, chain);
  const blamed = await blameWeights({
    layout,
    base: parameters,
    records: chain.slice(1, until + 1).map(({ record }) => record),
    positions,
    patchesOf: (record) =>
      read(record, { signal }).catch((error: unknown) => {
        throw faultAt(record.number, error);
      }),
    onVersion: (number) => progress(`version ${number} of ${until}`),
  });
  const titles = await shardTitles(model, signal);
  progress(null);
  const way = sumOf(blamed.after) - sumOf(blamed.before);
  const named = blamed.contributions.reduce((sum, { moved }) => sum + moved, 0);
  if (options.json) {
    const weights = { tensor, count: positions.length, before: sumOf(blamed.before), way };
    const shards = (indices: readonly number[]) =>
      indices.map((index) => ({ index, title: titles.get(index) ?? null }));
    const contributions = blamed.contributions.map((each) => ({
      ...each,
      shards: shards(each.shards),
    }));
    const answer = {
      model: source.model,
      version: until,
      ...weights,
      rounding: way - named,
      contributions,
    };
    return print(JSON.stringify(answer));
  }
  print(`${positions.length} weights of ${range} in version ${until} of ${source.model}`);
  print(
    `sum ${sumOf(blamed.before).toPrecision(6)} in version 0, ${sumOf(blamed.after).toPrecision(6)} now`,
  );
  if (blamed.contributions.length === 0) return print("No contribution in the model moves them.");
  for (const line of blameLines(blamed, titles)) print(line);
  print(`rounding to four bits and what the rule leaves to nobody: ${signed(way - named)}`);
}

function blameLines({ contributions }: Blame, titles: ReadonlyMap<number, string>): string[] {
  const total = contributions.reduce((sum, { distance }) => sum + distance, 0);
  const rows = contributions.map(({ contribution, contributor, version, shards, ...moves }) => [
    shortHash(contribution),
    shortHash(contributor),
    version,
    moves.entries,
    signed(moves.moved),
    `${((100 * moves.distance) / total).toFixed(1)}%`,
    shards.map((index) => titles.get(index) ?? `shard ${index}`).join(", "),
  ]);
  const head = [
    "contribution",
    "contributor",
    "version",
    "weights",
    "moved",
    "share",
    "trained on",
  ];
  return tableLines([head, ...rows]);
}

const sumOf = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0);
const signed = (value: number) => (value < 0 ? "" : "+") + value.toPrecision(4);
