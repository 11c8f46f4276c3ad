import {
  findNodeAtLocation,
  type ParseError,
  parse,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import { type Recipe, recipe as recipeSchema } from "../core/protocol/schemas/recipe.ts";
import { describeIssue } from "./parse-fields.ts";
import { problemAt } from "./problem.ts";

/** Why a field has its value, by the field's path: "training.learningRate". */
export type Reasons = Readonly<Record<string, string>>;

/** A recipe as JSON with comments: each reason stands above its field. */
export function printRecipe(recipe: Recipe, reasons: Reasons): string {
  return `${printObject(recipe, reasons, [])}\n`;
}

function printObject(object: object, reasons: Reasons, path: readonly string[]): string {
  const indent = "  ".repeat(path.length + 1);
  const fields = Object.entries(object).filter(([, value]) => value !== undefined);
  const lines = fields.map(([name, value], i) => {
    const own = [...path, name];
    const reason = reasons[own.join(".")];
    const comment = reason === undefined ? "" : `${indent}// ${reason}\n`;
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    const text = isObject ? printObject(value, reasons, own) : JSON.stringify(value);
    return `${comment}${indent}${JSON.stringify(name)}: ${text}${i < fields.length - 1 ? "," : ""}`;
  });
  return `{\n${lines.join("\n")}\n${"  ".repeat(path.length)}}`;
}

/** Read a recipe with comments. Throws an InputProblem that names the line, the field, its value and what is allowed. */
export function parseRecipe(file: string, text: string): Recipe {
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error !== undefined) {
    const line = lineAt(text, error.offset);
    throw problemAt({ file, line }, `not JSON here (${printParseErrorCode(error.error)})`);
  }
  const result = recipeSchema.safeParse(value);
  if (result.success) return result.data;
  const { path, text: found } = describeIssue(value, result.error.issues[0]!);
  const tree = parseTree(text);
  const node =
    tree && (findNodeAtLocation(tree, path) ?? findNodeAtLocation(tree, path.slice(0, -1)));
  const line = node === undefined ? undefined : lineAt(text, node.offset);
  throw problemAt({ file, line }, path.length === 0 ? `the recipe${found}` : found);
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}
