import type * as z from "zod/mini";

type Issue = z.core.$ZodIssue;

/** What of `value` a schema refuses, in words and with its path: the schema library's own say only "Invalid input" in its small build. */
export function describeIssue(
  value: unknown,
  issue: Issue,
): { path: (string | number)[]; text: string } {
  const path = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
  const name = path.join(".");
  return { path, text: `${name}${foundAt(value, path)}: ${allowedBy(issue)}` };
}

function foundAt(value: unknown, path: readonly (string | number)[]): string {
  let found: unknown = value;
  for (const part of path) found = (found as Record<string | number, unknown> | undefined)?.[part];
  if (found === undefined) return " is missing";
  const text = JSON.stringify(found);
  return ` is ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`;
}

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
