import { assert, FormatError } from "../../core/errors.ts";
import type { ModelSource } from "../../core/models/model-source.ts";
import type { AdditionPlan } from "../../core/protocol/schemas/addition.ts";
import type { RelayContext } from "../context.ts";
import type { ModelRow } from "../store/tables.ts";
import type { Evaluator } from "../threads/open-evaluator.ts";
import type { AddedBy } from "./import-model.ts";

const HEADER_BYTES = 1 << 20; // of a base beside its values

/** What cannot be the recipe's files is refused before any of them is taken. Throws a FormatError. */
export async function refuseSizes({
  recipe,
  base,
  heldOut,
  tokenizer,
}: AdditionPlan): Promise<void> {
  const { layoutOf } = await import("../../core/models/registry.ts");
  const valueBytes = 4 * layoutOf(recipe.architecture).size;
  if (base.sizeBytes < valueBytes || base.sizeBytes > valueBytes + HEADER_BYTES) {
    throw new FormatError(
      `base of ${recipe.id}: ${base.sizeBytes} bytes, and its parameters have ${valueBytes}`,
    );
  }
  if ((heldOut.protected === undefined) !== (recipe.data.heldOut.protected === undefined)) {
    throw new FormatError(`${recipe.id}'s protected set: only one of plan and recipe has it`);
  }
  const promised = recipe.data.tokenizer?.files ?? [];
  if (
    promised.map(({ sizeBytes }) => sizeBytes).join() !==
    tokenizer.map(({ sizeBytes }) => sizeBytes).join()
  ) {
    throw new FormatError(`${recipe.id}'s tokenizer: other files than the recipe names`);
  }
}

type Importing = {
  readonly evaluator: Evaluator;
  readonly onProgress: (what: string, done: number, total: number) => void;
  readonly addedBy: AddedBy;
};

/** Import a model whose files are all there; its row. Throws a FormatError for what is refused, after which nothing of it is left. */
export async function importAddition(
  context: RelayContext,
  source: ModelSource,
  { evaluator, ...options }: Importing,
): Promise<ModelRow> {
  const { history, heldOut } = context;
  const model = source.recipe.id;
  // only an import needs the architectures, and with them tfjs
  const { checkModelSource, importModel } = await import("./import-model.ts");
  try {
    await checkModelSource(source, context.identity.publicKey);
    if ((await history.model(model)) !== undefined)
      throw new FormatError(`${model}: there already`);
    await importModel(context, evaluator, source, options);
  } catch (error) {
    if ((await history.model(model)) === undefined) await heldOut.remove(model);
    throw error;
  }
  const row = await history.model(model);
  assert(row !== undefined, `${model} was imported`);
  return row;
}
