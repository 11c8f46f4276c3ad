import { homedir } from "node:os";
import { join } from "node:path";
import { Argument, Command } from "commander";
import { HistoryError } from "../../core/history/history-fault.ts";
import { type HistorySource, relaySource } from "../../core/history/history-source.ts";
import { type Pin, pinOf, readVerifiedChain } from "../../core/history/verified-chain.ts";
import type { VerifiedVersion } from "../../core/history/version.ts";
import type { TokenizerFile } from "../../core/models/tokenizer.ts";
import { createRelayClient, type RelayClient } from "../../core/protocol/client.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import type { ModelCard } from "../../core/protocol/schemas/status.ts";
import { parseRelayKey, relayAt, relayWish } from "../options.ts";
import type { Terminal } from "../terminal.ts";
import { type ModelAddress, parseModelAddress } from "./model-address.ts";
import { readPin, writePin } from "./pins.ts";
import { folderSource, type RecordFile, readRecordFile } from "./record-folder.ts";

/** Options of every command that reads. */
export type ReadingOptions = {
  /** Origin of the relay, for a model that is named alone. */
  readonly relay?: string;
  /** The relay's key, where the reader has it from elsewhere. */
  readonly key?: string;
  readonly pins: string;
  readonly json: boolean;
};

/** A model that can be read: at a relay, or in a folder. */
export type OpenModel = {
  readonly source: HistorySource;
  /** Null: a folder. */
  readonly client: RelayClient | null;
  /** Null: a relay. */
  readonly record: RecordFile | null;
  /** What the address says after "@"; null: the newest. */
  readonly version: string | null;
  /** For people, and for the pin. */
  readonly place: string;
};

const MODEL_HELP = "a name, such as digits, at --relay; an address; or a folder of clone";

/** A command that reads a model: its address and the options that all of them share. */
export function readingCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addArgument(new Argument("<model>", MODEL_HELP).argParser(parseModelAddress))
    .addOption(relayWish("the relay, where the model is named alone"))
    .option("--key <HEX>", "the relay's key, if you have it from elsewhere", parseRelayKey)
    .option(
      "--pins <FILE>",
      "what is remembered of histories",
      join(homedir(), ".commonweight", "pins.json"),
    )
    .option("--json", "print one JSON object", false);
}

/** The model at an address that names one. */
export async function openModel(
  { relay, folder, model, version }: ModelAddress,
  options: ReadingOptions,
): Promise<OpenModel> {
  if (folder !== null) {
    const record = await readRecordFile(folder);
    const source = folderSource(folder, record);
    return { source, client: null, record, version, place: folder };
  }
  const origin = relayAt(relay, options);
  const client = createRelayClient({ baseUrl: origin, fetch });
  const name = model ?? (await onlyModel(client, origin));
  return {
    source: relaySource(client, name),
    client,
    record: null,
    version,
    place: `${origin}/${name}`,
  };
}

async function onlyModel(client: RelayClient, origin: string): Promise<string> {
  const models = await client.models();
  const [card] = models;
  if (card !== undefined && models.length === 1) return card.recipe.id;
  const names = models.map(({ recipe }) => recipe.id).join(", ");
  throw new Error(`${origin} has ${models.length} models: name one of ${names}.`);
}

/** What a reading of the model is held against: the pin of the last visit, the key that the caller has. */
export async function expected({ place, client }: OpenModel, { key, pins }: ReadingOptions) {
  const pin = client === null ? null : await readPin(pins, place);
  return { pin, relayKey: key };
}

/** Every record of the model, verified; the newest is remembered for the next visit. */
export async function readChain(
  model: OpenModel,
  options: ReadingOptions,
  { signal, progress }: Terminal,
): Promise<readonly VerifiedVersion[]> {
  const chain = await readVerifiedChain(model.source, {
    ...(await expected(model, options)),
    signal,
    onRecord: (version, head) => progress(`records ${version} of ${head}`),
  }).catch((error: unknown) => {
    throw error instanceof HistoryError ? new Error(historySentence(model, error)) : error;
  });
  progress(null);
  await remember(model, options, pinOf(chain));
  return chain;
}

/** Keep the pin of a history at a relay; a folder is one's own. */
export async function remember(
  { client, place }: OpenModel,
  { pins }: ReadingOptions,
  pin: Pin,
): Promise<void> {
  if (client !== null) await writePin(pins, place, pin);
}

/** The version that "12", "1.0.0" or null, the newest, names in `chain`. */
export async function versionIn(
  chain: readonly VerifiedVersion[],
  { client, source }: OpenModel,
  name: string | null,
): Promise<VerifiedVersion> {
  const newest = chain.at(-1)!; // a chain has version 0
  if (name === null || name === "head") return newest;
  let number = Number(name);
  if (!/^\d{1,9}$/.test(name)) {
    if (client === null) throw new Error(`${name} is a release, and a folder knows only numbers.`);
    number = (await client.version(source.model, name)).record.number;
  }
  const version = chain[number];
  if (version !== undefined) return version;
  throw new Error(`${source.model} has no version ${name}: its newest is ${newest.record.number}.`);
}

/** The model's card; of a folder, as it was when it was cloned. */
export async function readCard(
  { client, record, source }: OpenModel,
  signal: AbortSignal,
): Promise<ModelCard> {
  return record === null ? client!.model(source.model, { signal }) : record.card; // one of the two
}

/** What each shard is called, by its index. */
export async function shardTitles(
  { client, record, source }: OpenModel,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, string>> {
  const ledger = record === null ? await client!.shards(source.model, { signal }) : record.shards;
  return new Map(ledger.shards.map(({ index, title }) => [index, title]));
}

/** One sentence about what does not hold. */
export function historySentence({ place }: OpenModel, error: HistoryError): string {
  return `${place} does not verify: ${error.message} (${error.fault})`;
}

/** The tokenizer's files, each checked by its hash. */
export function readTokenizer(
  source: HistorySource,
  { data }: Recipe,
  signal: AbortSignal,
): Promise<TokenizerFile[]> {
  return Promise.all(
    (data.tokenizer?.files ?? []).map(async ({ name, sha256 }) => ({
      name,
      bytes: await source.blob(sha256, { signal }),
    })),
  );
}
