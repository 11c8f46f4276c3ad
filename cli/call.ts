import { parseArgs } from "node:util";
import { tagRequest } from "../core/protocol/schemas/admin.ts";

/** The command was called wrongly: its message says how, and the usage follows. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Where a maintainer's request goes, and the file with the token that it carries. */
type Maintaining = { readonly relay: string; readonly tokenFile: string };

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
    }
  | (Maintaining & { readonly command: "admin audit" })
  | (Maintaining & { readonly command: "admin pause" | "admin resume"; readonly model: string })
  | (Maintaining & {
      readonly command: "admin tag";
      readonly model: string;
      /** Number of the version. */
      readonly version: number;
      /** A semantic version. */
      readonly tag: string;
    })
  | (Maintaining & {
      readonly command: "admin ban";
      readonly contributor: string;
      readonly reason: string;
    })
  | (Maintaining & { readonly command: "admin unban"; readonly contributor: string })
  | (Maintaining & {
      readonly command: "admin revert";
      readonly model: string;
      readonly contribution: string;
      readonly reason: string;
      /** Whatever the gate says. */
      readonly insist: boolean;
    });

/** What the words after the command's name ask for; a UsageError if they ask for nothing it can do. */
export function parseCall(words: readonly string[], defaultFolder: string): Call {
  const { values, positionals } = parseWords(words);
  if (values.help === true) return { command: "help" };
  const command = positionals.join(" ");
  switch (command) {
    case "volunteer": {
      const { pieces, folder = defaultFolder } = values;
      const relay = relayOf(values);
      const model = modelOf(values);
      if (pieces !== undefined && !/^[1-9][0-9]{0,5}$/.test(pieces)) {
        throw new UsageError("--pieces wants a whole number, 1 or more.");
      }
      return {
        command,
        relay,
        model,
        pieces: pieces === undefined ? null : Number(pieces),
        folder,
      };
    }
    case "admin audit":
      return { command, ...maintainingOf(values) };
    case "admin pause":
    case "admin resume":
      return { command, ...maintainingOf(values), model: modelOf(values) };
    case "admin tag": {
      const { version = "", tag = "" } = values;
      const call = { command, ...maintainingOf(values), model: modelOf(values) } as const;
      if (!/^\d{1,9}$/.test(version)) {
        throw new UsageError("--version wants a version's number, such as 12.");
      }
      if (!tagRequest.shape.tag.safeParse(tag).success) {
        throw new UsageError("--tag wants a semantic version, such as 1.0.0.");
      }
      return { ...call, version: Number(version), tag };
    }
    case "admin revert": {
      const { contribution = "", insist = false } = values;
      const call = { command, ...maintainingOf(values), model: modelOf(values) } as const;
      if (!/^[0-9a-f]{64}$/.test(contribution)) {
        throw new UsageError("--contribution wants a contribution's id, 64 hexadecimal digits.");
      }
      return { ...call, contribution, reason: reasonOf(values), insist };
    }
    case "admin ban":
      return {
        command,
        ...maintainingOf(values),
        ...contributorOf(values),
        reason: reasonOf(values),
      };
    case "admin unban":
      return { command, ...maintainingOf(values), ...contributorOf(values) };
    default:
      throw new UsageError(`There is no command "${command}".`);
  }
}

type Values = ReturnType<typeof parseWords>["values"];

function relayOf({ relay }: Values): string {
  if (relay === undefined || !URL.canParse(relay) || !/^https?:/.test(relay)) {
    throw new UsageError("--relay wants the relay's address, such as https://example.org.");
  }
  return new URL(relay).origin;
}

function modelOf({ model }: Values): string {
  if (model === undefined || !/^[a-z][a-z0-9-]{0,31}$/.test(model)) {
    throw new UsageError("--model wants a model's name, such as digits.");
  }
  return model;
}

function contributorOf({ contributor = "" }: Values): { readonly contributor: string } {
  if (!/^[0-9a-f]{64}$/.test(contributor)) {
    throw new UsageError("--contributor wants a contributor's key, 64 hexadecimal digits.");
  }
  return { contributor };
}

function reasonOf({ reason = "" }: Values): string {
  if (reason.trim() === "") {
    throw new UsageError("--reason wants a sentence; its contributor reads it.");
  }
  return reason;
}

function maintainingOf(values: Values): Maintaining {
  const tokenFile = values["token-file"];
  const relay = relayOf(values);
  if (tokenFile === undefined || tokenFile === "") {
    throw new UsageError(
      "--token-file wants the file with a maintainer's token; the relay prints its path.",
    );
  }
  return { relay, tokenFile };
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
        "token-file": { type: "string" },
        contribution: { type: "string" },
        contributor: { type: "string" },
        reason: { type: "string" },
        insist: { type: "boolean" },
        version: { type: "string" },
        tag: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
