import * as z from "zod/mini";
import { parseJson } from "../core/protocol/canonical-json.ts";
import { ExportRefused } from "./export-file.ts";
import type { GgufValue } from "./gguf-header.ts";

const split = z.object({ type: z.string(), pattern: z.optional(z.object({ Regex: z.string() })) });
const preTokenizer = z.object({
  ...split.shape,
  add_prefix_space: z.optional(z.boolean()),
  use_regex: z.optional(z.boolean()),
  individual_digits: z.optional(z.boolean()),
});

/** What is read of a tokenizer.json. */
const tokenizerJson = z.object({
  added_tokens: z._default(
    z.array(z.object({ id: z.int(), content: z.string(), special: z.boolean() })),
    [],
  ),
  normalizer: z._default(z.nullable(z.object({ type: z.string() })), null),
  pre_tokenizer: z._default(
    z.nullable(
      z.object({ ...preTokenizer.shape, pretokenizers: z.optional(z.array(preTokenizer)) }),
    ),
    null,
  ),
  post_processor: z._default(
    z.nullable(z.object({ type: z.string(), single: z.optional(z.unknown()) })),
    null,
  ),
  model: z.object({
    type: z.string(),
    vocab: z.record(z.string(), z.int().check(z.minimum(0))),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
    unk_token: z.optional(z.nullable(z.string())),
    byte_fallback: z.optional(z.boolean()),
    ignore_merges: z.optional(z.boolean()),
  }),
});
type TokenizerJson = z.infer<typeof tokenizerJson>;

const TOKEN = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const; // llama.cpp's numbers

/**
 * The tokenizer in `bytes`, a tokenizer.json, as a GGUF file's metadata: as many tokens as the embedding has rows. Throws an
 * Error for a tokenizer that llama.cpp would read otherwise than transformers does.
 */
export function ggufTokenizer(
  bytes: Uint8Array<ArrayBuffer>,
  vocabulary: number,
  { begin, end }: { readonly begin?: number | undefined; readonly end?: number | undefined },
): [key: string, value: GgufValue][] {
  const json = parseJson("tokenizer.json", tokenizerJson, bytes);
  const { model, added_tokens } = json;
  if (model.type !== "BPE") throw notWritten(`its model is ${model.type}`);
  const kind = kindOf(json);
  const merges = model.merges.map((pair) => (typeof pair === "string" ? pair : pair.join(" ")));
  const { tokens, types } = tokenList(json, vocabulary);
  const unknown = model.unk_token == null ? undefined : model.vocab[model.unk_token];
  const silent = added_tokens.find(({ special }) => special)?.id ?? 0; // llama.cpp knows no model without these two
  const ids: [string, number | undefined][] = [
    ["bos_token_id", begin ?? silent],
    ["eos_token_id", end ?? silent],
    ["unknown_token_id", unknown],
  ];
  const own: [string, GgufValue][] =
    kind === "llama"
      ? [
          ["scores", { f32s: scoresOf(tokens, merges) }],
          ["add_space_prefix", true],
        ]
      : [
          ["pre", kind],
          ["merges", { strings: merges }],
        ];
  const all: [string, GgufValue][] = [
    ["model", kind === "llama" ? "llama" : "gpt2"],
    ["tokens", { strings: tokens }],
    ["token_type", { i32s: types }],
    ...own,
    ...ids.flatMap(([name, id]): [string, GgufValue][] =>
      id === undefined ? [] : [[name, { u32: id }]],
    ),
    ["add_bos_token", beginsWithSpecial(json)],
    ["add_eos_token", false],
  ];
  return all.map(([name, value]) => [`tokenizer.ggml.${name}`, value]);
}

function notWritten(why: string): ExportRefused {
  return new ExportRefused(
    `llama.cpp has no tokenizer like this model's (${why}): export it for transformers instead.`,
  );
}

// Two kinds of tokenizer cut text with the expressions of their first models' authors
const WORDS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|";
const REST = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const CUTS: Readonly<Record<string, "qwen2" | "llama-bpe">> = {
  [`${WORDS}\\p{N}${REST}`]: "qwen2",
  [`${WORDS}\\p{N}{1,3}${REST}`]: "llama-bpe",
};

/** How llama.cpp cuts text into words before it merges: its name for that, or "llama" for SentencePiece's way. */
function kindOf({ normalizer, pre_tokenizer: pre, model }: TokenizerJson): string {
  if (model.byte_fallback === true) {
    if (normalizer?.type === "Sequence" && pre === null) return "llama";
    if (normalizer === null && pre?.type === "Metaspace") return "llama";
    throw notWritten("it falls back to bytes without SentencePiece's spaces");
  }
  if (normalizer !== null && normalizer.type !== "NFC") {
    throw notWritten(`it normalises by ${normalizer.type}`);
  }
  const steps = pre?.pretokenizers ?? (pre === null ? [] : [pre]);
  const [first, last] = [steps[0], steps.at(-1)];
  if (last?.type !== "ByteLevel" || last.add_prefix_space === true || steps.length > 2) {
    throw notWritten("its text is not cut at bytes");
  }
  const hasRegex = last.use_regex !== false;
  if (steps.length === 1 && (hasRegex || model.merges.length === 0)) return "gpt-2";
  if (first?.type === "Digits" && first.individual_digits === true && hasRegex) return "smollm";
  const cut = CUTS[first?.pattern?.Regex ?? ""];
  // llama.cpp takes whole words that are tokens without merging them exactly where it cuts as Llama 3 does
  const isSame = cut !== undefined && (model.ignore_merges === true) === (cut === "llama-bpe");
  if (!isSame || hasRegex) throw notWritten("its words are cut in a way of its own");
  return cut;
}

/** The text and the type of each token [vocabulary]; rows of the embedding without a token are padding. */
function tokenList({ model, added_tokens }: TokenizerJson, vocabulary: number) {
  const tokens = Array.from({ length: vocabulary }, (_, id) => `[PAD${id}]`);
  const types = new Array<number>(vocabulary).fill(TOKEN.unused);
  const put = (id: number, token: string, type: number) => {
    if (id >= vocabulary)
      throw new ExportRefused(`tokenizer.json: token ${id} ≥ vocabulary ${vocabulary}`);
    tokens[id] = token;
    types[id] = type;
  };
  for (const [token, id] of Object.entries(model.vocab)) {
    const isByte = model.byte_fallback === true && /^<0x[0-9A-F]{2}>$/.test(token);
    put(id, token, isByte ? TOKEN.byte : TOKEN.normal);
  }
  for (const { id, content, special } of added_tokens) {
    put(id, content, special ? TOKEN.control : TOKEN.userDefined);
  }
  const unknown = model.unk_token == null ? undefined : model.vocab[model.unk_token];
  if (unknown !== undefined) types[unknown] = TOKEN.unknown;
  return { tokens, types };
}

/** SentencePiece merges the pair with the best score first: minus the rank of the merge that makes a token. */
function scoresOf(tokens: readonly string[], merges: readonly string[]): number[] {
  const ranks = new Map<string, number>();
  for (const [rank, pair] of merges.entries()) {
    const made = pair.replace(" ", "");
    if (!ranks.has(made)) ranks.set(made, rank);
  }
  return tokens.map((token) => -(ranks.get(token) ?? merges.length));
}

/** Whether transformers puts a token before every text. */
function beginsWithSpecial({ post_processor: post }: TokenizerJson): boolean {
  if (post?.type !== "TemplateProcessing" || !Array.isArray(post.single)) return false;
  const first: unknown = post.single[0];
  return typeof first === "object" && first !== null && "SpecialToken" in first;
}
