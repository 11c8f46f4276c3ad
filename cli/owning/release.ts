import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { verifyActs } from "../../core/history/act.ts";
import { HistoryError } from "../../core/history/history-fault.ts";
import { laterDataOf } from "../../core/history/later-data.ts";
import { pullVersion } from "../../core/history/pull-version.ts";
import { type ReleaseActs, releaseActsOf, workSharesOf } from "../../core/history/release-acts.ts";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import type { RelayClient } from "../../core/protocol/client.ts";
import { RelayError } from "../../core/protocol/relay-error.ts";
import { recipe as recipeSchema } from "../../core/protocol/schemas/recipe.ts";
import type { ReleaseSeal } from "../../core/protocol/schemas/release.ts";
import { writeExportFolder } from "../../export/export-folder.ts";
import { type Release, shardsBefore } from "../../export/release/release.ts";
import { expectSeal, releaseBody, sealedFiles } from "../../export/release/release-bundle.ts";
import type { ModelAddress } from "../reading/model-address.ts";
import {
  expected,
  historySentence,
  type OpenModel,
  openModel,
  type ReadingOptions,
  readChain,
  readingCommand,
  readTokenizer,
} from "../reading/open-model.ts";
import { counted } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { expectNoFolder } from "./new-folder.ts";

type Options = ReadingOptions & { readonly to: string };

const AGAIN_MS = 10_000; // where the relay is making the file and does not say for how long

/** `commonweight release`: a release with what proves it to tools that know nothing of Commonweight. */
export function releaseCommand(terminal: Terminal): Command {
  return readingCommand(
    "release",
    "Write a release, such as digits@1.0.0, into a new folder, with its signature of OpenSSF Model Signing, test results, bill of materials, card and citation. All of it is made here from the verified record; the relay adds its signatures, which must be of the same bytes.",
  )
    .requiredOption("--to <folder>", "the new folder")
    .action((address: ModelAddress, options: Options) => writeRelease(address, options, terminal));
}

async function writeRelease(
  address: ModelAddress,
  options: Options,
  terminal: Terminal,
): Promise<void> {
  const { to, json } = options;
  await expectNoFolder(to);
  const model = await openModel(address, options);
  const { client, place, version: tag } = model;
  if (client === null) throw new Error(`${place} is a folder, and release wants a relay.`);
  if (tag === null || !tag.includes(".")) {
    throw new Error(`${place}: name a release of it, such as ${model.source.model}@1.0.0.`);
  }
  const release = await readRelease({ ...model, client }, tag, options, terminal);
  const body = releaseBody(release);
  terminal.progress(`${place}: the relay signs …`);
  const seal = await readSeal(client, release, terminal.signal);
  expectSeal(body, seal, release.acts.publicKey);
  const files = sealedFiles(body, seal);
  await writeExportFolder(files, to);
  terminal.progress(null);
  const { number } = release.record;
  const said = { folder: to, model: release.recipe.id, tag, number };
  if (json)
    return terminal.print(JSON.stringify({ ...said, files: files.map(({ name }) => name) }));
  terminal.print(
    `${to} is release ${tag} of ${place}, version ${number}: ${counted(files.length, "file")}.`,
  );
  terminal.print(`To verify it: npx commonweight verify ${to} --key ${release.record.relayKey}`);
}

/** Everything that the release is made from, verified. */
async function readRelease(
  model: OpenModel & { readonly client: RelayClient },
  tag: string,
  options: ReadingOptions,
  terminal: Terminal,
): Promise<Release> {
  const { source, client, place } = model;
  const stop = { signal: terminal.signal };
  try {
    const chain = await readChain(model, options, terminal);
    const served = await source.acts(stop);
    const verdict = await verifyActs(served, chain);
    if (!verdict.ok) throw new HistoryError(verdict.fault, null, verdict.message);
    const acts = expectActs(releaseActsOf(served, tag), tag, place);
    const { version: number } = verdict.standing.releases.find((each) => each.tag === tag)!; // its act is there
    const { version, layout, parameters } = await pullVersion(source, number, {
      ...(await expected(model, options)),
      ...stop,
      held: null,
      onStep: (done, total) => terminal.progress(`${place}: step ${done} of ${total}`),
    });
    const recipe = parseJson("recipe", recipeSchema, await source.blob(acts.recipe, stop));
    const { signature } = await source.version(number, stop);
    const { shards } = await client.shards(source.model, stop);
    const laterData = laterDataOf(served);
    const records = chain.slice(0, number + 1).map(({ record }) => record);
    return {
      recipe,
      layout,
      parameters,
      ...version,
      signature,
      acts,
      tokenizerFiles: await readTokenizer(source, recipe, terminal.signal),
      shares: workSharesOf(records),
      laterData,
      shards: shardsBefore(shards, laterData, number),
      lineage: records[0]?.lineage ?? [],
      sealed: records[0]?.suites ?? [],
      openedBefore: records.at(-2)?.packets,
    };
  } catch (error) {
    throw error instanceof HistoryError ? new Error(historySentence(model, error)) : error;
  }
}

function expectActs(acts: ReleaseActs | null, tag: string, place: string): ReleaseActs {
  if (acts !== null) return acts;
  throw new Error(
    `${place} has no release ${tag} with a bundle: it has none of that number, or the release is from before there were bundles.`,
  );
}

/** The relay's signatures; it may have to make them first. */
async function readSeal(
  client: RelayClient,
  { recipe, acts }: Release,
  signal: AbortSignal,
): Promise<ReleaseSeal> {
  for (;;) {
    try {
      return await client.releaseSeal(recipe.id, acts.tag, { signal });
    } catch (error) {
      if (!(error instanceof RelayError) || error.code !== "unavailable") throw error;
      const seconds = error.retryAfterSeconds;
      await sleep(seconds === null ? AGAIN_MS : 1000 * seconds, undefined, { signal });
    }
  }
}
