import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { chunkSizes, chunksOf, planAddition } from "../../core/models/addition-files.ts";
import type { ModelSource } from "../../core/models/model-source.ts";
import type { Maintainer } from "../../core/protocol/maintainer-client.ts";
import { RelayError } from "../../core/protocol/relay-error.ts";
import type { AdditionRequest, AdditionStatus } from "../../core/protocol/schemas/addition.ts";
import { checkRecipe } from "../../import/check.ts";
import { openModelFolder } from "../../import/model-folder.ts";
import { InputProblem } from "../../import/problem.ts";
import {
  type ActOptions,
  actCommand,
  carryOut,
  commandLine,
  openMaintainer,
} from "../maintaining/act.ts";
import type { Terminal } from "../terminal.ts";
import { shardBytesOf } from "./check.ts";

/** `commonweight add`: a relay that runs serves the model of a folder too. */
export function addCommand(terminal: Terminal): Command {
  return actCommand(
    "add",
    "Add a model folder's model to a relay that runs. A broken upload goes on where it stopped.",
    "other maintainers",
  )
    .argument("<folder>", "as `commonweight new` made it")
    .action((folder: string, options: ActOptions) => add(folder, options, terminal));
}

async function add(folder: string, options: ActOptions, terminal: Terminal): Promise<void> {
  const { signal } = terminal;
  const source = await openModelFolder(folder);
  const { recipe, shardCount } = source;
  const folderSizes = { shardCount, shardBytes: await shardBytesOf(folder) };
  const { faults, expected } = checkRecipe(recipe, folderSizes);
  if (faults.length > 0) throw new InputProblem(faults.join("\n"));
  const { baseUrl, client, maintainer } = await openMaintainer(null, options);
  const models = await client.models({ signal });
  if (models.some((card) => card.recipe.id === recipe.id)) {
    throw new InputProblem(
      `${baseUrl} has a model ${recipe.id} already; give yours another id in its recipe.jsonc.`,
    );
  }
  terminal.progress(`${recipe.title}: reading the folder`);
  const plan = await planAddition(source);
  const sizeBytes = [...chunkSizes(plan).values()].reduce((sum, size) => sum + size, 0);
  terminal.progress(null);
  const { id, title } = recipe;
  const { parameters } = expected;
  await carryOut(
    {
      preview: { model: id, title, parameters, shards: shardCount, sizeBytes },
      outlook: [
        `${title}: ${parameters.toLocaleString("en")} parameters, ${shardCount} shards, ${(sizeBytes / 1e6).toFixed(1)} MB to send.`,
        `${baseUrl} would serve it as ${id}, give out its work and publish its versions. Its held-out sets would stay private there.`,
      ],
      question: `Add ${id} to ${baseUrl}?`,
      perform: () => upload(source, { plan, reason: options.reason }, { maintainer, terminal }),
      told: () => [`${title} is at ${baseUrl}, as ${id}.`],
      undo: commandLine(`retire ${id}`, baseUrl, options),
    },
    options,
    terminal,
  );
}

const POLL_MS = 300;

/** Send what the relay lacks and wait for the import. Throws an InputProblem where the relay refuses the model. */
async function upload(
  source: ModelSource,
  request: AdditionRequest,
  { maintainer, terminal }: { readonly maintainer: Maintainer; readonly terminal: Terminal },
): Promise<AdditionStatus> {
  const { signal, progress } = terminal;
  const { title } = source.recipe;
  let status = await insist(() => maintainer.add(request, { signal }), signal);
  const { id } = status;
  const missing = new Set(status.missing);
  if (missing.size > 0) {
    for await (const chunk of chunksOf(source)) {
      if (!missing.delete(chunk.sha256)) continue;
      await insist(() => maintainer.putAdditionChunk(id, chunk, { signal }), signal);
      progress(`${title}: ${status.total - missing.size} of ${status.total} chunks sent`);
    }
    status = await insist(() => maintainer.add(request, { signal }), signal);
  }
  while (status.state === "importing") {
    progress(`${title}: the relay reads it, ${status.done} of ${status.total}`);
    await sleep(POLL_MS, undefined, { signal });
    status = await insist(() => maintainer.addition(id, { signal }), signal);
  }
  progress(null);
  if (status.state === "added") return status;
  if (status.state === "refused")
    throw new InputProblem(`The relay refuses it: ${status.problem}.`);
  throw new InputProblem(
    `The relay did not import it: ${status.problem ?? "a file changed while it was sent"}. The same command goes on from here.`,
  );
}

const MOST_TRIES = 8; // in a row: some two minutes of a relay that is away

/** What `call` answers, asked again for as long as the relay's answer is "try again". */
async function insist<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await call();
    } catch (error) {
      const isPassing =
        error instanceof RelayError && error.action === "retry" && error.code !== "storage-full";
      if (!isPassing || failures === MOST_TRIES) throw error;
      const seconds = error.retryAfterSeconds ?? Math.min(30, 2 ** failures);
      await sleep(1000 * seconds, undefined, { signal });
    }
  }
}
