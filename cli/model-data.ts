import { type Command, Option } from "commander";
import { openTokenizer, type TextTokenizer } from "../core/models/tokenizer.ts";
import type { RelayClient } from "../core/protocol/client.ts";
import type { Recipe } from "../core/protocol/schemas/recipe.ts";
import { exampleShapeOf } from "../core/training/examples.ts";
import type { DataSource } from "../import/data-source.ts";

/** Which columns of a table hold what, for a model that is there already. */
export type ColumnOptions = {
  readonly text?: string;
  readonly label?: string;
  readonly prompt?: string;
  readonly completion?: string;
  readonly ignore: readonly string[];
};

export function withColumns(command: Command): Command {
  return command
    .option("--text <column>", "the column of a table that holds the text")
    .option("--label <column>", "the column that holds the class")
    .option("--prompt <column>", "the column that holds the prompt")
    .option("--completion <column>", "the column that holds what follows the prompt")
    .addOption(
      new Option("--ignore <column...>", "columns that the model does not ask for").default([]),
    );
}

/** Files of a person's, as data for a relay's model, and the model's tokenizer. Throws an InputProblem. */
export async function openModelData(
  client: Pick<RelayClient, "blob">,
  { recipe, paths }: { readonly recipe: Recipe; readonly paths: readonly string[] },
  options: ColumnOptions,
  signal: AbortSignal,
): Promise<{ readonly source: DataSource; readonly tokenizer: TextTokenizer }> {
  const { openData } = await import("../import/data-source.ts"); // with image and Parquet readers
  const { inputs, tokenizer } = recipe.data;
  const source = await openData(paths, {
    text: options.text ?? null,
    label: options.label ?? null,
    prompt: options.prompt ?? null,
    completion: options.completion ?? null,
    ignore: options.ignore,
    imageSize: inputs?.kind === "image" ? inputs : null,
  });
  const files = await Promise.all(
    (tokenizer?.files ?? []).map(async ({ name, sha256 }) => ({
      name,
      bytes: await client.blob(sha256, { signal }),
    })),
  );
  const shape = exampleShapeOf(recipe.architecture);
  const vocabulary = shape.kind === "text" ? shape.vocabulary : 256;
  return { source, tokenizer: await openTokenizer(files, vocabulary) };
}
