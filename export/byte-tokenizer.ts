/**
 * The files of a tokenizer whose tokens are the 256 bytes, id = byte, for transformers' AutoTokenizer. It is GPT-2's byte-level
 * BPE without merges: each byte stands as the character that GPT-2 gives it. Source: Radford et al. 2019, §2.2; the table is
 * openai/gpt-2's `bytes_to_unicode`.
 */
export function byteTokenizerFiles(context: number): Record<string, unknown> {
  const vocab = Object.fromEntries(byteCharacters().map((character, byte) => [character, byte]));
  const byteLevel = {
    type: "ByteLevel",
    add_prefix_space: false,
    trim_offsets: true,
    use_regex: false,
  };
  return {
    "tokenizer.json": {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: byteLevel,
      post_processor: null,
      decoder: byteLevel,
      model: {
        type: "BPE",
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        vocab,
        merges: [],
      },
    },
    "tokenizer_config.json": {
      tokenizer_class: "PreTrainedTokenizerFast",
      model_max_length: context,
      clean_up_tokenization_spaces: false,
    },
  };
}

/** The character of each byte [256]: itself where it prints, else the next one from U+0100 on. */
function byteCharacters(): string[] {
  const prints = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(prints(byte) ? byte : next++),
  );
}
