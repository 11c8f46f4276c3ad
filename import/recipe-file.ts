import {
  findNodeAtLocation,
  type ParseError,
  parse,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import type * as z from "zod/mini";
import { type Recipe, recipe as recipeSchema } from "../core/protocol/schemas/recipe.ts";
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
  const issue = result.error.issues[0]!;
  const path = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
  const tree = parseTree(text);
  const node =
    tree && (findNodeAtLocation(tree, path) ?? findNodeAtLocation(tree, path.slice(0, -1)));
  const line = node === undefined ? undefined : lineAt(text, node.offset);
  const name = path.join(".") || "the recipe";
  throw problemAt({ file, line }, `${name}${foundAt(value, path)}: ${allowedBy(issue)}`);
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

function foundAt(value: unknown, path: readonly (string | number)[]): string {
  let found: unknown = value;
  for (const part of path) found = (found as Record<string | number, unknown> | undefined)?.[part];
  if (found === undefined) return " is missing";
  const text = JSON.stringify(found);
  return ` is ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`;
}

type Issue = z.core.$ZodIssue;

/** What a field may be, in words: the schema library's own say only "Invalid input" in its small build. */
function allowedBy(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `it must be a ${issue.expected.replace("int", "whole number")}`;
    case "too_small":
      return `it must be ${issue.inclusive === false ? "above" : "at least"} ${issue.minimum}${unitOf(issue.origin)}`;
    case "too_big":
      return `it must be ${issue.inclusive === false ? "below" : "at most"} ${issue.maximum}${unitOf(issue.origin)}`;
    case "invalid_value":
      return `it must be ${listOf(issue.values)}`;
    case "unrecognized_keys":
      return `there is no field ${listOf(issue.keys)}`;
    case "invalid_union":
      return "it must be one of the kinds that the documentation names";
    case "invalid_format":
      return `it must match ${issue.pattern ?? issue.format}`;
    default:
      return issue.message;
  }
}

function listOf(values: readonly unknown[]): string {
  return values.map((each) => JSON.stringify(each)).join(", ");
}

function unitOf(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " entries" : "";
}
