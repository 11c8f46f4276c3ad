import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import {
  type FieldChange,
  type RecipeEffect,
  recipeChanges,
  recipeHash,
} from "../../core/history/recipe-change.ts";
import type { ModelPreview } from "../../core/protocol/schemas/previews.ts";
import { type Recipe, recipe as recipeSchema } from "../../core/protocol/schemas/recipe.ts";
import { checkRecipe } from "../../import/check.ts";
import { describeIssue } from "../../import/parse-fields.ts";
import { InputProblem } from "../../import/problem.ts";
import { parseRecipe } from "../../import/recipe-file.ts";
import { counted } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import {
  type ActOptions,
  actCommand,
  carryOut,
  commandLine,
  modelAt,
  openMaintainer,
} from "./act.ts";

type Setting = { readonly field: string; readonly value: unknown };
type Options = ActOptions & { readonly set?: readonly Setting[]; readonly file?: string };

/** `commonweight recipe`: another recipe for a model, from the next ticket and version on. */
export function recipeCommand(terminal: Terminal): Command {
  return actCommand(
    "recipe",
    "Change a model's recipe or the words about it, which its signed history says.",
    "everyone",
  )
    .argument("<model>", "a name, such as digits, or an address")
    .option(
      "--set <FIELD=VALUE>",
      "one field, such as training.steps=60; without a value, the field goes; may be repeated",
      parseSetting,
    )
    .option("--file <FILE>", "the whole recipe, as in a model folder")
    .action((text: string, options: Options) => change(text, options, terminal));
}

function parseSetting(text: string, earlier: readonly Setting[] = []): Setting[] {
  const [, field = "", value = ""] = /^([a-zA-Z.]+)=(.*)$/s.exec(text) ?? [];
  if (field === "") throw new InvalidArgumentError("It is a field and a value: training.steps=60.");
  return [...earlier, { field, value: parsedValue(value) }];
}

/** What `text` says: nothing, JSON, or words. */
function parsedValue(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text; // words need no quotes
  }
}

async function change(text: string, options: Options, terminal: Terminal): Promise<void> {
  const { signal } = terminal;
  const { relay, model } = modelAt(text);
  const { baseUrl, client, maintainer } = await openMaintainer(relay, options);
  const { recipe: before, shards } = await client.model(model, { signal });
  const recipe = await readWish(before, options);
  const changes = recipeChanges(before, recipe);
  if (changes.length === 0) throw new InputProblem(`${model} has this recipe: nothing changes.`);
  const fixed = changes.find(({ effect }) => effect === null);
  if (fixed !== undefined) {
    throw new InputProblem(`${fixed.field} may not change: it makes another model.`);
  }
  const ledger = await client.shards(model, { signal });
  const shardBytes = ledger.shards.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const { faults, warnings } = checkRecipe(recipe, { shardCount: shards, shardBytes });
  if (faults.length > 0) throw new InputProblem(faults.join("\n"));
  const standing = await maintainer.previewModel(model, { signal });
  const request = { model, before: await recipeHash(before), recipe, reason: options.reason };
  await carryOut(
    {
      preview: { model, changes, warnings, tickets: standing.tickets },
      outlook: [
        ...changes.map(describeChange),
        ...meanings(changes, standing),
        ...warnings.map((warning) => `Beware: ${warning}`),
        "The signed history would say it.",
      ],
      question: `Change the recipe of ${model}?`,
      perform: () => maintainer.changeRecipe(request, { signal }),
      told: () => [`${model} has another recipe.`],
      undo: commandLine(`recipe ${model}${settingsBack(changes)}`, baseUrl, options),
    },
    options,
    terminal,
  );
}

async function readWish(before: Recipe, { set, file }: Options): Promise<Recipe> {
  if ((set === undefined) === (file === undefined)) {
    throw new InputProblem("Say what changes: either --set FIELD=VALUE or --file FILE.");
  }
  if (file !== undefined) return parseRecipe(basename(file), await readFile(file, "utf8"));
  const wish: unknown = structuredClone(before);
  for (const { field, value } of set ?? []) setField(wish, field.split("."), value);
  const result = recipeSchema.safeParse(wish);
  if (result.success) return result.data;
  throw new InputProblem(`${describeIssue(wish, result.error.issues[0]!).text}.`);
}

function setField(object: unknown, [name = "", ...rest]: readonly string[], value: unknown): void {
  const fields = object as Record<string, unknown>; // the schema says what is wrong with the outcome
  if (rest.length > 0) {
    const inner = fields[name];
    if (typeof inner !== "object" || inner === null) fields[name] = {};
    setField(fields[name], rest, value);
  } else if (value === undefined) delete fields[name];
  else fields[name] = value;
}

function describeChange({ field, before, after }: FieldChange): string {
  const told = (value: unknown) => (value === undefined ? "nothing" : JSON.stringify(value));
  return `${field}: ${told(before)} → ${told(after)}`;
}

const MEANINGS: Readonly<Record<RecipeEffect, string>> = {
  words: "The words would be others at once.",
  tickets: "New tickets would be others; work under way would be finished.",
  work: "Work would be made otherwise from the next ticket on.",
  versions: "Masks would be others from the next version on; work under way would be finished.",
  judging: "What waits and what comes would be judged and merged by it.",
};

/** What the changes mean, a sentence each. */
function meanings(changes: readonly FieldChange[], { tickets }: ModelPreview): string[] {
  const effects = new Set(changes.map(({ effect }) => effect));
  const lines = Object.entries(MEANINGS)
    .filter(([effect]) => effects.has(effect as RecipeEffect))
    .map(([, words]) => words);
  if (!effects.has("work")) return lines;
  return [
    ...lines,
    `What is being made (${counted(tickets, "piece")} of work) would be refused as \`recipe-changed\`, what arrived would be judged.`,
  ];
}

/** The settings that set everything back, for a shell. */
function settingsBack(changes: readonly FieldChange[]): string {
  return changes
    .map(({ field, before }) => {
      const value = before === undefined ? "" : JSON.stringify(before);
      return ` --set '${`${field}=${value}`.replaceAll("'", "'\\''")}'`;
    })
    .join("");
}
