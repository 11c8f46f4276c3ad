import type { Command } from "commander";
import { chunkSizes, chunksOf, planAddition } from "../../core/models/addition-files.ts";
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
import { uploadAddition } from "./upload.ts";

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
      perform: () =>
        uploadAddition(
          { plan, reason: options.reason },
          { title, maintainer, terminal, chunks: () => chunksOf(source) },
        ),
      told: () => [`${title} is at ${baseUrl}, as ${id}.`],
      undo: commandLine(`retire ${id}`, baseUrl, options),
    },
    options,
    terminal,
  );
}
