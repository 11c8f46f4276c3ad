import { isDeepStrictEqual } from "node:util";
import { FormatError } from "../../core/errors.ts";
import type { ModelSource } from "../../core/models/model-source.ts";
import type { RelayContext } from "../context.ts";
import { StartError } from "../start-error.ts";
import type { ImportTurn } from "../store/postgres/other-relays.ts";
import type { Evaluator } from "../threads/open-evaluator.ts";
import type { Progress } from "./import-model.ts";

type ImportParts = {
  readonly context: RelayContext;
  readonly evaluator: Evaluator;
  readonly importTurn: ImportTurn;
};

/** Import the models that the ledger does not have. Returns what is not as the sources have it, a sentence each. */
export async function importListed(
  parts: ImportParts,
  sources: readonly ModelSource[],
  onProgress: Progress,
): Promise<string[]> {
  const { context } = parts;
  const notes: string[] = [];
  const unlisted = new Set((await context.history.models()).map(({ id }) => id));
  for (const source of sources) {
    const { id } = source.recipe;
    unlisted.delete(id);
    const row = await context.history.model(id);
    if (row === undefined) await importNewModel(parts, source, onProgress);
    else if (!isDeepStrictEqual(JSON.parse(row.recipe), source.recipe)) {
      notes.push(
        `The recipe of ${id} is another one than its ledger has: the relay goes on with the ledger's. A maintainer changes it with "commonweight recipe".`,
      );
    }
  }
  for (const id of unlisted) {
    if (await context.history.wasAdded(id)) continue; // no list ever named it
    notes.push(
      `The model ${id} is in the data folder, but not in the list of models any more: the relay goes on serving it.`,
    );
  }
  return notes;
}

async function importNewModel(
  { context, evaluator, importTurn }: ImportParts,
  source: ModelSource,
  onProgress: Progress,
): Promise<void> {
  // only an import needs the architectures, and with them tfjs: a later start is faster without
  const { importModel } = await import("./import-model.ts");
  const endTurn = await importTurn();
  try {
    if ((await context.history.model(source.recipe.id)) !== undefined) return; // another relay added it meanwhile
    await importModel(context, evaluator, source, { onProgress, addedBy: null });
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new StartError(
      `The model ${source.recipe.id} cannot be imported (${error.message}): mend it, or take it out of the list of models.`,
    );
  } finally {
    endTurn();
  }
}
