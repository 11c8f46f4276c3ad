import { FormatError } from "../errors.ts";
import type { TOKENIZER_FILES } from "../protocol/schemas/recipe.ts";

/** One of a tokenizer's files, as it is in a Hugging Face folder. */
export type TokenizerFile = {
  readonly name: (typeof TOKENIZER_FILES)[number];
  readonly bytes: Uint8Array<ArrayBuffer>;
};

/** How a model's text becomes tokens, and tokens become text. */
export type TextTokenizer = {
  /** Without tokens that begin or end a text. */
  encode(text: string): Uint32Array;
  /** Without special tokens; a character whose bytes are not all there ends as U+FFFD. */
  decode(tokens: readonly number[]): string;
  /** One more than its largest token. */
  readonly size: number;
};

const BYTES: TextTokenizer = {
  size: 256,
  encode: (text) => Uint32Array.from(new TextEncoder().encode(text)),
  decode: (tokens) => new TextDecoder().decode(Uint8Array.from(tokens)),
};

/**
 * The tokenizer of `files`; without any, each byte of UTF-8 is a token. Its library is loaded here, when a text is to be read.
 * Throws a FormatError for files that are no tokenizer's, or whose tokens are not all below `vocabulary`.
 */
export async function openTokenizer(
  files: readonly TokenizerFile[],
  vocabulary: number,
): Promise<TextTokenizer> {
  const main = parseFile(files, "tokenizer.json");
  if (main === null) return BYTES;
  const tokenizer = await createTokenizer(main, parseFile(files, "tokenizer_config.json") ?? {});
  if (tokenizer.size <= vocabulary) return tokenizer;
  throw new FormatError(
    `tokenizer.json: token ${tokenizer.size - 1}, and the embedding has ${vocabulary} rows`,
  );
}

async function createTokenizer(main: object, config: object): Promise<TextTokenizer> {
  const { Tokenizer } = await import("@huggingface/tokenizers"); // 37 kB that a model of bytes never loads
  let tokenizer: InstanceType<typeof Tokenizer>;
  let size = 0;
  try {
    tokenizer = new Tokenizer(main, config);
    for (const token of tokenizer.get_vocab().values()) {
      if (!Number.isSafeInteger(token) || token < 0) throw new Error(`a token ${token}`);
      size = Math.max(size, token + 1);
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error); // whatever the library stumbles over
    throw new FormatError(`tokenizer.json: no tokenizer that can be read (${why})`);
  }
  return {
    size,
    encode(text) {
      const { ids } = tokenizer.encode(text, { add_special_tokens: false });
      return Uint32Array.from(ids.filter((token) => token !== undefined)); // no token stands for it, nor for the unknown
    },
    decode(tokens) {
      if (tokens.length === 0) return "";
      const how = { skip_special_tokens: true, clean_up_tokenization_spaces: false };
      return tokenizer.decode([...tokens], how);
    },
  };
}

function parseFile(files: readonly TokenizerFile[], wanted: TokenizerFile["name"]): object | null {
  const file = files.find(({ name }) => name === wanted);
  if (file === undefined) return null;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(file.bytes));
  } catch {
    throw new FormatError(`${wanted}: not JSON in UTF-8`);
  }
  if (typeof value === "object" && value !== null) return value;
  throw new FormatError(`${wanted}: no JSON object`);
}
