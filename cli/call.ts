import { parseArgs } from "node:util";

/** The command was called wrongly: its message says how, and the usage follows. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export type Call =
  | { readonly command: "help" }
  | {
      readonly command: "volunteer";
      /** Origin of the relay. */
      readonly relay: string;
      readonly model: string;
      /** Null: until it is stopped. */
      readonly pieces: number | null;
      readonly folder: string;
    };

/** What the words after the command's name ask for; a UsageError if they ask for nothing it can do. */
export function parseCall(words: readonly string[], defaultFolder: string): Call {
  const { values, positionals } = parseWords(words);
  if (values.help === true) return { command: "help" };
  const command = positionals.join(" ");
  if (command !== "volunteer") throw new UsageError(`There is no command "${command}".`);
  const { relay, model, pieces, folder = defaultFolder } = values;
  if (relay === undefined || !URL.canParse(relay) || !/^https?:/.test(relay)) {
    throw new UsageError("--relay wants the relay's address, such as https://example.org.");
  }
  if (model === undefined || !/^[a-z][a-z0-9-]{0,31}$/.test(model)) {
    throw new UsageError("--model wants a model's name, such as digits.");
  }
  if (pieces !== undefined && !/^[1-9][0-9]{0,5}$/.test(pieces)) {
    throw new UsageError("--pieces wants a whole number, 1 or more.");
  }
  const count = pieces === undefined ? null : Number(pieces);
  return { command, relay: new URL(relay).origin, model, pieces: count, folder };
}

function parseWords(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        relay: { type: "string" },
        model: { type: "string" },
        pieces: { type: "string" },
        folder: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
