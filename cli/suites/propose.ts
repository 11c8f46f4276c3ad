import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command, InvalidArgumentError } from "commander";
import { publicKeyHex, sha256, signId } from "../../core/crypto/signature.ts";
import { leastMargin } from "../../core/gate/gate-size.ts";
import { encodeSuiteFile } from "../../core/gate/suite-file.ts";
import { parseValue } from "../../core/protocol/canonical-json.ts";
import type { RelayClient } from "../../core/protocol/client.ts";
import { DEFAULT_CLIP_NATS, type Recipe } from "../../core/protocol/schemas/recipe.ts";
import { type SuiteLife, suiteHeader } from "../../core/protocol/schemas/suite.ts";
import type { Examples } from "../../core/training/examples.ts";
import { openFileStore } from "../file-store.ts";
import { type ColumnOptions, openModelData, withColumns } from "../model-data.ts";
import { reasonOption, relayWish } from "../options.ts";
import type { Terminal } from "../terminal.ts";
import { clientAt, suiteLines } from "./suite-lines.ts";

type ProposeOptions = ColumnOptions & {
  readonly relay?: string;
  readonly name: string;
  readonly reason: string;
  readonly licence: string;
  readonly use: string;
  readonly margin?: number;
  readonly folder: string;
  readonly json: boolean;
};

const STEADY = 0.9; // of the examples, at a guess: what the relay sets aside as noise must not spoil the margin
const POLL_MS = 500; // looking through shards takes seconds

/** `commonweight suite propose`: a data file becomes a test, once a maintainer accepts it. */
export function proposeSuiteCommand(terminal: Terminal): Command {
  return withColumns(new Command("propose"))
    .description(
      "Propose examples that no version of a model may get worse on. Everybody may read them; a maintainer decides.",
    )
    .argument("<model>", "a name, such as digits, or an address")
    .argument(
      "<data...>",
      "files or a folder in a format that `new` reads, in the model's own classes and columns",
    )
    .requiredOption("--name <NAME>", "what the gate's tests call it, such as slanted-sevens")
    .addOption(reasonOption("everyone"))
    .requiredOption("--licence <NAME>", "of the examples, as SPDX names it")
    .requiredOption("--use <TEXT>", "what somebody does with the model that the examples stand for")
    .option(
      "--margin <NATS>",
      "how much worse a version may get on them, in nats per example",
      parseMargin,
    )
    .addOption(relayWish())
    .option("--folder <PATH>", "where your key is kept", join(homedir(), ".commonweight"))
    .option("--json", "print one JSON object", false)
    .action((text: string, data: string[], options: ProposeOptions) =>
      propose(text, data, options, terminal),
    );
}

async function propose(
  text: string,
  data: readonly string[],
  options: ProposeOptions,
  terminal: Terminal,
): Promise<void> {
  const { print, signal } = terminal;
  const { client, model } = clientAt(text, options);
  const { recipe } = await client.model(model, { signal });
  const examples = await readExamples(client, recipe, data, options, signal);
  const store = await openFileStore({ path: options.folder, now: Date.now });
  const keys = (await store.keyPair()) ?? (await store.createKeyPair());
  const header = parseValue("suite", suiteHeader, {
    format: "commonweight.suite/1",
    model,
    name: options.name,
    contributor: await publicKeyHex(keys),
    marginNats: options.margin ?? marginFor(examples.count, recipe),
    reason: options.reason,
    licence: options.licence,
    use: options.use,
  });
  const bytes = encodeSuiteFile(header, examples);
  const id = await sha256(bytes);
  const signature = await signId("suite", id, keys.privateKey);
  const life = await checked(
    client,
    await client.putSuite(id, bytes, signature, { signal }),
    terminal,
  );
  if (life.state === "refused") throw new Error(`The suite was refused: ${life.message}.`);
  if (options.json) return print(JSON.stringify(life));
  for (const line of suiteLines(life)) print(line);
  if (life.state === "waiting") print("It waits for a maintainer.");
}

async function readExamples(
  client: RelayClient,
  recipe: Recipe,
  paths: readonly string[],
  options: ProposeOptions,
  signal: AbortSignal,
): Promise<Examples> {
  const { readSuiteExamples } = await import("../../import/suite-examples.ts");
  const opened = await openModelData(client, { recipe, paths }, options, signal);
  return readSuiteExamples(opened.source, recipe, opened.tokenizer);
}

/** The recipe's own margin, or the least that so many examples can show. */
function marginFor(examples: number, { gate }: Recipe): number {
  const { marginNats, alpha, clipNats = DEFAULT_CLIP_NATS } = gate;
  return Math.max(marginNats, leastMargin(Math.floor(STEADY * examples), { clipNats, alpha }));
}

/** The suite once the relay has looked at it. */
async function checked(
  client: RelayClient,
  sent: SuiteLife,
  { progress, signal }: Terminal,
): Promise<SuiteLife> {
  let life = sent;
  while (life.state === "received") {
    progress("The relay looks at it …");
    await sleep(POLL_MS, undefined, { signal });
    life = await client.suite(life.id, { signal });
  }
  progress(null);
  return life;
}

function parseMargin(text: string): number {
  const nats = Number(text);
  if (text.trim() !== "" && Number.isFinite(nats) && nats > 0) return nats;
  throw new InvalidArgumentError("It is a number of nats above 0, such as 0.05.");
}
