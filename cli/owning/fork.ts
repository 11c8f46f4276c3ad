import { Argument, type Command } from "commander";
import { validateSuite } from "../../core/gate/suite-rules.ts";
import { HistoryError } from "../../core/history/history-fault.ts";
import { lineageProblem } from "../../core/history/lineage.ts";
import { pullVersion } from "../../core/history/pull-version.ts";
import { readSignedVersion } from "../../core/history/signed-version.ts";
import { verifyHistory } from "../../core/history/verify-history.ts";
import type { SignedSuite } from "../../core/models/model-source.ts";
import { encodeCanonical } from "../../core/protocol/canonical-json.ts";
import type { RelayClient } from "../../core/protocol/client.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import type { Ancestor } from "../../core/protocol/schemas/version.ts";
import { type ForkData, splitShards, takeOwnData } from "../../import/fork-data.ts";
import { draftFolder, type ModelFolderDraft, openModelFolder } from "../../import/model-folder.ts";
import { printRecipe } from "../../import/recipe-file.ts";
import { parseModel } from "../options.ts";
import type { ModelAddress } from "../reading/model-address.ts";
import {
  expected,
  historySentence,
  type OpenModel,
  openModel,
  type ReadingOptions,
  readCard,
  readingCommand,
  remember,
} from "../reading/open-model.ts";
import { counted, shortHash } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { expectNoFolder } from "./new-folder.ts";

type Options = ReadingOptions & {
  readonly id?: string;
  readonly title?: string;
  readonly data?: string;
  readonly seed: string;
};

/** `commonweight fork`: a model folder whose version 0 is another model's version. */
export function forkCommand(terminal: Terminal): Command {
  return readingCommand(
    "fork",
    "Make a model folder that begins as a version of another model, such as https://example.org/digits@12. The whole history is verified first; `serve` and `add` take the folder.",
  )
    .addArgument(new Argument("<folder>", "where the fork's own folder is to be"))
    .option("--id <name>", "its name in addresses; the other model's by default", parseModel)
    .option("--title <text>", "what visitors read above it; the other model's by default")
    .option(
      "--data <folder>",
      "a model folder of `new`: its shards and held-out sets take the place of the other model's shards",
    )
    .option("--seed <text>", "decides which examples of the shards are held out", "1")
    .action((address: ModelAddress, folder: string, options: Options) =>
      fork(address, folder, options, terminal),
    );
}

async function fork(
  address: ModelAddress,
  folder: string,
  options: Options,
  terminal: Terminal,
): Promise<void> {
  const { print, progress, signal } = terminal;
  await expectNoFolder(folder);
  const model = await openModel(address, options);
  const { client, place } = model;
  if (client === null) throw new Error(`${place} is a folder, and fork wants a relay.`);
  const upstream = await verifiedUpstream(model, options, terminal);
  const draft = await draftFolder(folder);
  const made = await writeFork(draft, upstream, { client, model, options, signal }).catch(
    async (error: unknown) => {
      await draft.discard();
      throw error;
    },
  );
  progress(null);
  if (options.json) return print(JSON.stringify({ folder, ...made }));
  const { examples, shards, heldOut, suites, unfit, licence } = made;
  const { number } = upstream.record;
  print(
    `${folder} is a fork of ${place}, version ${number} (${shortHash(upstream.id)}), under ${licence}.`,
  );
  print(
    `${counted(examples, "example")} to train on in ${counted(shards, "shard")}, ${heldOut} held out.`,
  );
  if (suites > 0) {
    const waiting =
      suites === 1 ? "1 suite of the upstream waits" : `${suites} suites of the upstream wait`;
    print(
      `${waiting} for you to accept. A relay that serves ${model.source.model} too leaves them out: there, a suite is one model's.`,
    );
  }
  for (const name of unfit) print(`The suite ${name} does not fit the fork's recipe: left out.`);
  print(`Next: commonweight serve ${folder}`);
}

/** Write what a fork's folder holds, and say what that came to. */
async function writeFork(
  draft: ModelFolderDraft,
  upstream: VerifiedUpstream,
  reading: Reading & { readonly options: Options },
) {
  const { client, model, options, signal } = reading;
  const card = await readCard(model, signal);
  const { id = card.recipe.id, title = card.recipe.title } = options;
  const taken = await takeData(draft, { ...card.recipe, id, title }, reading);
  const recipe = forkRecipe({ ...card.recipe, id, title }, taken.data);
  const { licence } = card.recipe;
  const lineage = [ancestorOf(upstream, { licence, url: client.origin }), ...upstream.lineage];
  const problem = await lineageProblem(lineage, null);
  if (problem !== null) throw new Error(`${model.place} cannot be forked: ${problem}.`);
  await draft.putBase(upstream.layout, upstream.parameters);
  for (const { name, sha256 } of recipe.data.tokenizer?.files ?? []) {
    await draft.putTokenizer({ name, bytes: await client.blob(sha256, { signal }) });
  }
  const { suites, unfit } = await suitesFor(recipe, reading);
  await draft.putUpstream({ lineage, record: encodeCanonical(upstream.record), suites });
  const { removed, trainingExamples: examples, heldOutExamples: heldOut } = taken;
  await draft.finish(printRecipe(recipe, REASONS), { source: recipe.data.source, removed });
  const counts = { examples, heldOut, shards: taken.shardCount, suites: suites.length };
  return { model: id, licence, upstream: lineage[0]!, ...counts, unfit };
}

const REASONS = {
  architecture: "the upstream's: a fork's version 0 has its parameters",
  "data.heldOut": "held out anew: nobody else has what the upstream holds out",
};

type VerifiedUpstream = Awaited<ReturnType<typeof verifiedUpstream>>;

/** The version that the address names, its parameters [N] and what its own model was forked from, all of it verified. */
async function verifiedUpstream(
  model: OpenModel,
  options: Options,
  { progress, signal }: Terminal,
) {
  const { client, source, place } = model;
  const held = await expected(model, options);
  try {
    const wanted = await client!.version(source.model, model.version ?? "head", { signal });
    const { pin } = await verifyHistory(source, {
      ...held,
      signal,
      onProgress: (phase, version, head) => progress(`${place}: ${phase} ${version} of ${head}`),
    });
    const known = { pin, relayKey: pin.relayKey, signal };
    const { number } = wanted.record;
    const pulled = await pullVersion(source, number, {
      ...known,
      held: null,
      onStep: (done, total) => progress(`${place}: step ${done} of ${total}`),
    });
    const zero = await readSignedVersion(source, 0, known);
    await remember(model, options, pin);
    const { id, record } = pulled.version;
    const { layout, parameters } = pulled;
    const { signature } = wanted;
    return { id, record, signature, layout, parameters, lineage: zero.record.lineage ?? [] };
  } catch (error) {
    throw error instanceof HistoryError ? new Error(historySentence(model, error)) : error;
  }
}

function ancestorOf(
  { id, record, signature }: VerifiedUpstream,
  words: Pick<Ancestor, "licence" | "url">,
): Ancestor {
  const { relayKey, model, number } = record;
  return { relayKey, model, number, id, signature, ...words };
}

type Reading = {
  readonly client: RelayClient;
  readonly model: OpenModel;
  readonly signal: AbortSignal;
};

async function takeData(
  draft: ModelFolderDraft,
  recipe: Recipe,
  { client, model, options, signal }: Reading & { readonly options: Options },
): Promise<ForkData> {
  const { data, seed } = options;
  if (data !== undefined) return takeOwnData(draft, recipe, await openModelFolder(data));
  const { shards } = await client.shards(model.source.model, { signal });
  return splitShards(draft, recipe, {
    seed,
    shards: shards.map(({ title, sha256 }) => ({
      title,
      read: () => client.blob(sha256, { signal }),
    })),
  });
}

/** The upstream's recipe for a fork with this data: without a protected suite where the data has none. */
function forkRecipe(upstream: Recipe, data: Recipe["data"]): Recipe {
  if (data.heldOut.protected !== undefined) return { ...upstream, data };
  const { protected: _, ...gate } = upstream.gate;
  return { ...upstream, data, gate };
}

/** The upstream's suites in force that can show their margin in the fork, and the names of those that cannot. */
async function suitesFor(recipe: Recipe, { client, model, signal }: Reading) {
  const suites: SignedSuite[] = [];
  const unfit: string[] = [];
  for (const { id, header, signature, examples, state } of await client.suites(model.source.model, {
    signal,
  })) {
    if (state !== "accepted") continue;
    if (!validateSuite(header, examples, recipe).ok) unfit.push(header.name);
    else suites.push({ bytes: await client.blob(id, { signal }), signature });
  }
  return { suites, unfit };
}
