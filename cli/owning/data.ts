import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Command } from "commander";
import { planData } from "../../core/models/addition-files.ts";
import type { DataOutcome } from "../../core/protocol/schemas/addition.ts";
import type { DataPlan } from "../../core/protocol/schemas/data.ts";
import type { ShardedData } from "../../import/example-sets.ts";
import { type ActOptions, actCommand, carryOut, tokenFileOption } from "../maintaining/act.ts";
import { type ColumnOptions, openModelData, withColumns } from "../model-data.ts";
import { counted } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { type DataPlace, openDataPlace } from "./data-place.ts";

/** `commonweight data …`: what a model learns from. */
export function dataCommand(terminal: Terminal): Command {
  return new Command("data")
    .description("What a model that is at a relay learns from.")
    .addCommand(addDataCommand(terminal));
}

type Options = Omit<ActOptions, "tokenFile"> &
  ColumnOptions & {
    readonly tokenFile?: string;
    readonly data: readonly string[];
    readonly licence: string;
    readonly source?: string;
  };

/** `commonweight data add`: volunteers train on more, which the signed history says. */
function addDataCommand(terminal: Terminal): Command {
  const command = actCommand(
    "add",
    "Give a model more data to learn from, which its signed history says. A broken upload goes on where it stopped.",
    "everyone",
    tokenFileOption(), // whoever can write a relay's files needs none
  );
  return withColumns(command)
    .argument(
      "<model>",
      "a name, such as digits, or an address; or ./FOLDER, as `commonweight serve` served it, while no relay runs on it",
    )
    .requiredOption(
      "--data <path...>",
      "files or folders in a format that `new` reads, in the model's own classes and columns",
    )
    .requiredOption("--licence <NAME>", "of the data, as SPDX names it")
    .option("--source <TEXT>", "where the data are from; the files' names by default")
    .action((text: string, options: Options) => addData(text, options, terminal));
}

async function addData(text: string, options: Options, terminal: Terminal): Promise<void> {
  const { signal } = terminal;
  const place = await openDataPlace(text, options, terminal);
  try {
    const { recipe, files } = place;
    const opened = await openModelData(files, { recipe, paths: options.data }, options, signal);
    const { shardMoreData } = await import("../../import/more-data.ts");
    const { source, tokenizer } = opened;
    const told = (done: number) => tellEvery(done, terminal);
    await inNewFolder(async (folder) => {
      const spool = join(folder, "spool");
      const sharded = await shardMoreData(source, { recipe, tokenizer }, spool, told);
      try {
        await offer(sharded, place, options, terminal);
      } finally {
        sharded.remove();
      }
    });
  } finally {
    await place.close();
  }
}

async function inNewFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "commonweight-data-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function offer(
  sharded: ShardedData,
  { recipe: { id: model, title }, add, undo }: DataPlace,
  options: Options,
  terminal: Terminal,
): Promise<void> {
  const about = { model, source: sourceOf(options), licence: options.licence };
  const plan = await planData(about, sharded.shards());
  await carryOut(
    {
      preview: { ...about, shards: sharded.shardCount, examples: sharded.examples },
      outlook: outlookOf(plan, sharded, title),
      question: `Give ${model} these data?`,
      perform: () => add(plan, () => sharded.shards()),
      told: (outcome) => describeOutcome(outcome, model),
      undo: `the data stay, but work that was done on them can go: ${undo}`,
    },
    options,
    terminal,
  );
}

const TOLD_EVERY = 1000; // examples

function tellEvery(done: number, { progress, signal }: Terminal): void {
  if (done % TOLD_EVERY !== 0) return;
  signal.throwIfAborted();
  progress(`Reading: ${done} examples`);
}

function outlookOf(
  { source, licence, shards }: DataPlan,
  { examples, repeated }: ShardedData,
  title: string,
): string[] {
  const sizeBytes = shards.reduce((sum, shard) => sum + shard.sizeBytes, 0);
  const again = repeated === 0 ? "" : `; ${repeated} repeated ones are left out`;
  return [
    `${source} (${licence}): ${counted(examples, "example")} in ${counted(shards.length, "shard")}, ${(sizeBytes / 1e6).toFixed(1)} MB to send${again}.`,
    `Volunteers of ${title} would train on them from the next ticket on, and everybody could read them.`,
    "Copies of held-out examples and of known ones would be left out. The signed history would say what came.",
  ];
}

function describeOutcome({ examples, shards, removed }: DataOutcome, model: string): string[] {
  const copies = `${removed.heldOut} copies of held-out examples and ${removed.known} of known ones`;
  return [
    `${model} has ${counted(examples, "example")} more in ${counted(shards, "shard")}; left out: ${copies}.`,
  ];
}

function sourceOf({ source, data }: Options): string {
  return (
    source ??
    data
      .map((path) => basename(path))
      .join(", ")
      .slice(0, 600)
  );
}
