import { rm } from "node:fs/promises";
import { Argument, type Command } from "commander";
import * as z from "zod/mini";
import { FormatError } from "../../core/errors.ts";
import type { HeldVersion } from "../../core/history/downloaded-version.ts";
import { HistoryError } from "../../core/history/history-fault.ts";
import type { HistorySource } from "../../core/history/history-source.ts";
import { pullVersion } from "../../core/history/pull-version.ts";
import { parseValue } from "../../core/protocol/canonical-json.ts";
import { modelId } from "../../core/protocol/schemas/primitives.ts";
import { decodeCheckpointFile, encodeCheckpointFile } from "../../core/tensors/checkpoint-file.ts";
import { createLayout } from "../../core/tensors/layout.ts";
import { decodeSafetensorsHeader } from "../../core/tensors/safetensors-header.ts";
import { readFileIfAny, writeFileAtomic } from "../atomic-file.ts";
import { shortHash } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import type { ModelAddress } from "./model-address.ts";
import {
  expected,
  historySentence,
  openModel,
  type ReadingOptions,
  readCard,
  readingCommand,
  remember,
} from "./open-model.ts";
import { keepingSource } from "./record-folder.ts";

const FILE_MODE = 0o644; // a model that everybody may read

/** `commonweight pull`: a version as a safetensors file, from the version that is in it by verified steps. */
export function pullCommand(terminal: Terminal): Command {
  return readingCommand(
    "pull",
    "Bring a version into a safetensors file. A file that holds another version of the model is brought up to it by delta steps; the file changes when all of it has been verified, and an interrupted pull goes on.",
  )
    .addArgument(new Argument("[file]", "the file; NAME.safetensors, if it is left out"))
    .action((address: ModelAddress, file: string | undefined, options: ReadingOptions) =>
      pull(address, file, options, terminal),
    );
}

async function pull(
  address: ModelAddress,
  file: string | undefined,
  options: ReadingOptions,
  { print, progress, signal }: Terminal,
): Promise<void> {
  const model = await openModel(address, options);
  const { client, source, place } = model;
  if (client === null) throw new Error(`${place} is a folder, and pull wants a relay.`);
  const path = file ?? `${source.model}.safetensors`;
  const held = await readHeld(path, source.model);
  const wanted = await client.version(source.model, model.version ?? "head", { signal });
  const { number } = wanted.record;

  const parts = `${path}.parts`; // what has been loaded stays there until all of it has
  let loadedBytes = 0;
  const onBytes = (bytes: number) => {
    loadedBytes += bytes;
  };
  const counted: HistorySource = {
    ...source,
    blob: (id) => client.blob(id, { signal, onBytes }),
    difference: (from, to) =>
      client.difference(source.model, { from, number: to }, { signal, onBytes }),
  };
  const pulled = await pullVersion(await keepingSource(counted, parts), number, {
    ...(await expected(model, options)),
    held,
    signal,
    onStep: (done, total) => progress(`${place}: step ${done} of ${total}`),
  }).catch((error: unknown) => {
    throw error instanceof HistoryError ? new Error(historySentence(model, error)) : error;
  });
  const { recipe } = await readCard(model, signal);
  const bytes = encodeCheckpointFile(pulled.layout, pulled.parameters, {
    model: source.model,
    version: pulled.version.id,
    number: String(number),
    licence: recipe.licence,
  });
  await writeFileAtomic(path, bytes, FILE_MODE);
  await rm(parts, { recursive: true });
  await remember(model, options, pulled.pin);
  progress(null);
  const from = held?.number ?? null;
  if (options.json) {
    return print(
      JSON.stringify({
        file: path,
        model: source.model,
        number,
        id: pulled.version.id,
        from,
        loadedBytes,
      }),
    );
  }
  const before = from === null ? "" : ` instead of version ${from}`;
  print(
    `${path} is version ${number} of ${place} (${shortHash(pulled.version.id)})${before}; ${loadedBytes} bytes loaded.`,
  );
}

const LIMITS = { maxHeaderBytes: 1 << 20, maxTensors: 4096 }; // as of any checkpoint file
const metadataSchema = z.object({
  model: modelId,
  number: z.string().check(z.regex(/^[0-9]{1,9}$/)),
});

/** The version in the file at `path`; null where there is no file. A FormatError says what else is there. */
async function readHeld(path: string, model: string): Promise<HeldVersion | null> {
  const bytes = await readFileIfAny(path);
  if (bytes === null) return null;
  const { entries, metadata } = decodeSafetensorsHeader(path, bytes, LIMITS);
  const { model: name, number } = parseValue(`${path}: metadata`, metadataSchema, metadata);
  if (name !== model) throw new FormatError(`${path} holds ${name}, not ${model}`);
  const layout = createLayout(entries);
  const parameters = decodeCheckpointFile(path, bytes, layout);
  return { number: Number(number), layout, parameters };
}
