import type { TextTokenizer } from "../core/models/tokenizer.ts";
import type { Recipe } from "../core/protocol/schemas/recipe.ts";
import { exampleShapeOf } from "../core/training/examples.ts";
import { shardClasses } from "./class-sets.ts";
import type { DataSource } from "./data-source.ts";
import type { ShardedData } from "./example-sets.ts";
import { InputProblem } from "./problem.ts";
import { labelledRows } from "./suite-examples.ts";
import { shardTexts, textPlanOf } from "./text-sets.ts";

const MOST_CLASSES = 256; // a label is a byte on the disk in between

/**
 * What files of any format that an import reads are as shards of a model that is there already. They lie in a new file at
 * `spoolPath` until they are removed. Throws an InputProblem that names what does not fit.
 */
export async function shardMoreData(
  source: DataSource,
  { recipe, tokenizer }: { readonly recipe: Recipe; readonly tokenizer: TextTokenizer },
  spoolPath: string,
  onExample: (done: number) => void,
): Promise<ShardedData> {
  const shape = exampleShapeOf(recipe.architecture);
  const { title, data } = recipe;
  const spooling = { spoolPath, seed: recipe.id };
  if (shape.kind === "text") {
    if (source.kind !== "documents") {
      throw new InputProblem(`${title} continues texts, and the files give classes.`);
    }
    const plan = textPlanOf(shape, tokenizer.encode, data.tokenizer?.end);
    return shardTexts(source.documents(), plan, spooling, onExample);
  }
  if (source.kind === "documents") {
    throw new InputProblem(`${title} tells classes apart, and the files hold texts alone.`);
  }
  if (shape.outputs > MOST_CLASSES) {
    throw new InputProblem(
      `${title} tells ${shape.outputs} classes apart: more than ${MOST_CLASSES} cannot be read here.`,
    );
  }
  return shardClasses(labelledRows(source, recipe), spooling, onExample);
}
