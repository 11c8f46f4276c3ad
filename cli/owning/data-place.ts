import { join } from "node:path";
import { assert } from "../../core/errors.ts";
import { chunksOfShards } from "../../core/models/addition-files.ts";
import type { SourceShard } from "../../core/models/model-source.ts";
import type { RelayClient } from "../../core/protocol/client.ts";
import type { DataOutcome } from "../../core/protocol/schemas/addition.ts";
import type { DataPlan } from "../../core/protocol/schemas/data.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import { InputProblem, rethrowAsProblem } from "../../import/problem.ts";
import { parseConfig } from "../../relay-server/config.ts";
import { type ActOptions, commandLine, openMaintainer } from "../maintaining/act.ts";
import { parseModelAddress } from "../reading/model-address.ts";
import type { Terminal } from "../terminal.ts";
import { uploadAddition } from "./upload.ts";

/** Where data go: a model at a relay that runs, or in the folder of one that does not. */
export type DataPlace = {
  readonly recipe: Recipe;
  /** Its public files. */
  readonly files: Pick<RelayClient, "blob">;
  /** Give the model what is new of the plan's shards. Throws an InputProblem for what is refused. */
  add(plan: DataPlan, shards: () => Iterable<SourceShard>): Promise<DataOutcome>;
  /** The command that takes back work on them. */
  readonly undo: string;
  close(): Promise<void>;
};

type Wishes = Pick<ActOptions, "relay" | "reason" | "json"> & { readonly tokenFile?: string };

/** The place that `text` names: a model's name or address, or a folder. */
export function openDataPlace(
  text: string,
  wishes: Wishes,
  terminal: Terminal,
): Promise<DataPlace> {
  const { relay, folder, model } = parseModelAddress(text);
  if (folder !== null) return openServedFolder(folder, wishes, terminal);
  if (model === null) throw new InputProblem(`${text} names no model: add its name.`);
  return openAtRelay({ relay, model }, wishes, terminal);
}

async function openAtRelay(
  { relay, model }: { readonly relay: string | null; readonly model: string },
  { tokenFile, ...wishes }: Wishes,
  terminal: Terminal,
): Promise<DataPlace> {
  if (tokenFile === undefined) {
    throw new InputProblem(
      "--token-file names a maintainer's token, which a relay asks for; the relay prints where the first one is.",
    );
  }
  const where = { ...wishes, tokenFile };
  const { baseUrl, client, maintainer } = await openMaintainer(relay, where);
  const { recipe } = await client.model(model, { signal: terminal.signal });
  const { title } = recipe;
  return {
    recipe,
    files: client,
    async add(plan, shards) {
      const chunks = () => chunksOfShards(shards());
      const sending = { title, maintainer, terminal, chunks };
      const { outcome } = await uploadAddition({ plan, reason: wishes.reason }, sending);
      assert(outcome !== null, "data that are added have an outcome");
      return outcome;
    },
    undo: commandLine(`revert ${model} CONTRIBUTION`, baseUrl, where),
    close: async () => {},
  };
}

/** The model of a folder that `commonweight serve` served, in what its relay keeps. */
async function openServedFolder(
  folder: string,
  { reason }: Wishes,
  { signal, progress }: Terminal,
): Promise<DataPlace> {
  const { openModelFolder } = await import("../../import/model-folder.ts");
  const { recipe: made } = await openModelFolder(folder);
  const config = parseConfig({ DATA_DIR: join(folder, "relay-data"), ...process.env });
  // with its database: nobody else waits for it
  const { openStoppedRelay } = await import("../../relay-server/stopped-relay.ts");
  const relay = await openStoppedRelay(config, Date.now);
  signal.addEventListener("abort", () => void relay.close(), { once: true }); // what is compared may take minutes
  const recipe = relay.recipe(made.id);
  if (recipe === undefined) {
    await relay.close();
    throw new InputProblem(`${config.dataDir} has no model ${made.id}: serve the folder first.`);
  }
  return {
    recipe,
    files: relay,
    async add(plan, shards) {
      const onProgress = (done: number, total: number) =>
        progress(`${recipe.title}: comparing, ${done} of ${total}`);
      try {
        signal.throwIfAborted();
        return await relay.addData(plan, { reason, shards, onProgress });
      } catch (error) {
        rethrowAsProblem(error);
      } finally {
        progress(null);
      }
    },
    undo: `npx commonweight revert ${made.id} CONTRIBUTION, once ${folder} is served`,
    close: () => relay.close(),
  };
}
