import { type Command, Option } from "commander";
import { HistoryError } from "../../core/history/history-fault.ts";
import { laterDataOf } from "../../core/history/later-data.ts";
import { pullVersion } from "../../core/history/pull-version.ts";
import { textFile } from "../../export/export-file.ts";
import { writeExportFolder } from "../../export/export-folder.ts";
import { EXPORT_DTYPES, type ExportDtype } from "../../export/export-values.ts";
import { ggufFile } from "../../export/gguf.ts";
import { huggingFaceFiles } from "../../export/hugging-face.ts";
import { modelCardText } from "../../export/model-card.ts";
import type { ModelAddress } from "../reading/model-address.ts";
import {
  expected,
  historySentence,
  openModel,
  type ReadingOptions,
  readCard,
  readingCommand,
  readTokenizer,
  remember,
} from "../reading/open-model.ts";
import type { Terminal } from "../terminal.ts";
import { expectNoFolder } from "./new-folder.ts";

const FORMATS = ["hf", "gguf"] as const;

type Options = ReadingOptions & {
  readonly to: string;
  readonly format: (typeof FORMATS)[number];
  readonly dtype: ExportDtype;
};

/** `commonweight export`: a version as a folder that other tools load. */
export function exportCommand(terminal: Terminal): Command {
  return readingCommand(
    "export",
    "Write a version into a new folder: as the Hugging Face hub has models, for from_pretrained, or as a GGUF file, for llama.cpp and Ollama; what it is made from is verified first.",
  )
    .requiredOption("--to <folder>", "the new folder")
    .addOption(new Option("--format <format>", "of the files").choices(FORMATS).default("hf"))
    .addOption(new Option("--dtype <type>", "of the weights").choices(EXPORT_DTYPES).default("f32"))
    .action((address: ModelAddress, options: Options) => exportVersion(address, options, terminal));
}

async function exportVersion(
  address: ModelAddress,
  options: Options,
  { print, progress, signal }: Terminal,
): Promise<void> {
  const { to, format, dtype, json } = options;
  await expectNoFolder(to);
  const model = await openModel(address, options);
  const { client, source, place } = model;
  if (client === null) throw new Error(`${place} is a folder, and export wants a relay.`);
  const { record } = await client.version(source.model, model.version ?? "head", { signal });
  const pulled = await pullVersion(source, record.number, {
    ...(await expected(model, options)),
    held: null,
    signal,
    onStep: (done, total) => progress(`${place}: step ${done} of ${total}`),
  }).catch((error: unknown) => {
    throw error instanceof HistoryError ? new Error(historySentence(model, error)) : error;
  });
  const { recipe, contributors, lineage } = await readCard(model, signal);
  const { entries } = await client.leaderboard(source.model, "all", { signal });
  const version = {
    recipe,
    layout: pulled.layout,
    parameters: pulled.parameters,
    record: pulled.version.record,
    id: pulled.version.id,
    relay: new URL(place).origin,
    lineage,
    contributors,
    names: entries.flatMap(({ name }) => name ?? []),
    laterData: laterDataOf(await source.acts({ signal })),
    tokenizerFiles: await readTokenizer(source, recipe, signal),
  };
  const written =
    format === "hf"
      ? huggingFaceFiles(version, dtype)
      : [ggufFile(version, dtype), textFile("README.md", modelCardText(version))];
  await writeExportFolder(written, to);
  const files = written.map(({ name }) => name);
  await remember(model, options, pulled.pin);
  progress(null);
  const { number } = record;
  if (json)
    return print(JSON.stringify({ folder: to, model: source.model, number, format, dtype, files }));
  print(`${to} is version ${number} of ${place}, ${dtype}: ${files.join(", ")}.`);
}
