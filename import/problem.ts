import { FormatError } from "../core/errors.ts";

/** What is wrong with an owner's files or wishes: one sentence that names the place, what was found and what is allowed. */
export class InputProblem extends Error {
  override readonly name = "InputProblem";
}

/** Where in an owner's data something stands, for people: `people.csv, line 12, column "age"`. */
export type Place = {
  readonly file: string;
  /** From 1. */
  readonly line?: number | undefined;
  readonly column?: string | undefined;
};

export function describePlace({ file, line, column }: Place): string {
  const parts = [file];
  if (line !== undefined) parts.push(`line ${line}`);
  if (column !== undefined) parts.push(`column "${column}"`);
  return parts.join(", ");
}

/** The sentence that `place` does not hold what it should. */
export function problemAt(place: Place, what: string): InputProblem {
  return new InputProblem(`${describePlace(place)}: ${what}.`);
}

/** The first `most` characters of what an owner's file says, on one line. */
export function quote(value: unknown, most = 40): string {
  const text = String(value).replaceAll(/\s+/g, " ");
  return `"${text.length > most ? `${text.slice(0, most)}…` : text}"`;
}

/** Throw what a decoder refused as an owner's sentence, and anything else as it is. */
export function rethrowAsProblem(error: unknown): never {
  throw error instanceof FormatError ? new InputProblem(`${error.message}.`) : error;
}
