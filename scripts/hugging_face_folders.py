"""Small models in the layouts that transformers and tokenizers write, as tests/fixtures/hugging-face/: python3 scripts/hugging_face_folders.py

Written after transformers' configuration and modeling files and the safetensors format, not after this project's code. Needs numpy.
Folders named after a case of transformer-logits.json have its weights: value p of all tensors in the order of their names is
sin(0.7 p + 0.3) / 2, of norms 1 more. "llama-bpe" is a whole model of text in bf16, in two files. tokens.json has what three kinds of
tokenizer make of some texts, by the plain algorithm below.
"""

import json
import math
import pathlib
import re
import struct

import numpy

TARGET = pathlib.Path(__file__).parent.parent / "tests/fixtures/hugging-face"
TEXT = """Four score and seven years ago our fathers brought forth on this continent, a new nation, conceived in Liberty, and dedicated to the
proposition that all men are created equal. Now we are engaged in a great civil war, testing whether that nation, or any nation so conceived
and so dedicated, can long endure. We are met on a great battle-field of that war. We have come to dedicate a portion of that field, as a
final resting place for those who here gave their lives that that nation might live. It is altogether fitting and proper that we should do this."""
SAMPLES = ["We are met here.", " the nation's 42 fathers\n\n  and so", "Café Zürich: 5 € — 漢字!", "ends<|end|>begins"]


def half(values):
    return values.astype("<f2").tobytes()


def brain_half(values):
    """To nearest, ties to even."""
    bits = values.astype("<f4").view("<u4").astype("<u8")
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()


ENCODE = {"F32": lambda values: values.astype("<f4").tobytes(), "F16": half, "BF16": brain_half}


def write_safetensors(path, tensors):
    """tensors: name → (dtype, shape, bytes)."""
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data for _, _, data in tensors.values()))


def placed_weights(shapes):
    at, made = 0, {}
    for name in sorted(shapes):
        size = math.prod(shapes[name])
        values = numpy.float32([math.sin(0.7 * p + 0.3) / 2 for p in range(at, at + size)])
        is_norm = ("norm" in name.split(".")[-2] or ".ln_" in "." + name) and name.endswith("weight")
        made[name] = (values + numpy.float32(1) if is_norm else values).reshape(shapes[name])
        at += size
    return made


def llama_shapes(c):
    C, D = c["hidden_size"], c.get("head_dim", c["hidden_size"] // c["num_attention_heads"])
    shapes = {"model.embed_tokens.weight": [c["vocab_size"], C], "model.norm.weight": [C]}
    if not c["tie_word_embeddings"]:
        shapes["lm_head.weight"] = [c["vocab_size"], C]
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        shapes.update({p + "input_layernorm.weight": [C], p + "post_attention_layernorm.weight": [C]})
        for name, heads in (("q", c["num_attention_heads"]), ("k", c["num_key_value_heads"]), ("v", c["num_key_value_heads"])):
            shapes[p + f"self_attn.{name}_proj.weight"] = [heads * D, C]
            if c["model_type"] == "qwen2":
                shapes[p + f"self_attn.{name}_proj.bias"] = [heads * D]
        shapes[p + "self_attn.o_proj.weight"] = [C, c["num_attention_heads"] * D]
        wide = c["intermediate_size"]
        shapes.update({p + "mlp.gate_proj.weight": [wide, C], p + "mlp.up_proj.weight": [wide, C], p + "mlp.down_proj.weight": [C, wide]})
        if c["model_type"] == "qwen3":
            shapes.update({p + "self_attn.q_norm.weight": [D], p + "self_attn.k_norm.weight": [D]})
    return shapes


def gpt2_shapes(c):
    C = c["n_embd"]
    shapes = {"wte.weight": [c["vocab_size"], C], "wpe.weight": [c["n_positions"], C], "ln_f.weight": [C], "ln_f.bias": [C]}
    for i in range(c["n_layer"]):
        for norm in ("ln_1", "ln_2"):
            shapes.update({f"h.{i}.{norm}.weight": [C], f"h.{i}.{norm}.bias": [C]})
        for name, inputs, outputs in (("attn.c_attn", C, 3 * C), ("attn.c_proj", C, C), ("mlp.c_fc", C, 4 * C), ("mlp.c_proj", 4 * C, C)):
            shapes.update({f"h.{i}.{name}.weight": [inputs, outputs], f"h.{i}.{name}.bias": [outputs]})
    return shapes


def vit_shapes(c, classes):
    C, P, e = c["hidden_size"], (c["image_size"] // c["patch_size"]) ** 2, "vit.embeddings."
    shapes = {e + "cls_token": [1, 1, C], e + "position_embeddings": [1, P + 1, C]}
    side = c["patch_size"]
    shapes.update({e + "patch_embeddings.projection.weight": [C, 3, side, side], e + "patch_embeddings.projection.bias": [C]})
    linear = {"classifier": (C, classes)}
    for i in range(c["num_hidden_layers"]):
        p = f"vit.encoder.layer.{i}."
        linear.update({p + f"attention.attention.{n}": (C, C) for n in ("query", "key", "value")})
        linear.update({p + "attention.output.dense": (C, C), p + "intermediate.dense": (C, 4 * C), p + "output.dense": (4 * C, C)})
        for norm in ("layernorm_before", "layernorm_after"):
            shapes.update({p + norm + ".weight": [C], p + norm + ".bias": [C]})
    shapes.update({"vit.layernorm.weight": [C], "vit.layernorm.bias": [C]})
    for name, (inputs, outputs) in linear.items():
        shapes.update({name + ".weight": [outputs, inputs], name + ".bias": [outputs]})
    return shapes


# ---- tokenizers: byte pair encoding, Sennrich et al. 2016

GPT2_WORDS = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
QWEN_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def words(pattern, text):
    """Python's own module has no \\p: letters are [^\\W\\d_] to it, numbers \\d."""
    outside = pattern.replace(r"[^\s\p{L}\p{N}]", r"(?:_|[^\s\w])").replace(r"[^\r\n\p{L}\p{N}]", r"(?:_|[^\r\n\w])")
    return re.findall(outside.replace(r"\p{L}", r"[^\W\d_]").replace(r"\p{N}", r"\d"), text)


def byte_characters():
    """GPT-2's bytes_to_unicode."""
    prints = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in prints]
    return {**{byte: chr(byte) for byte in prints}, **{byte: chr(256 + i) for i, byte in enumerate(others)}}


CHARACTERS = byte_characters()
spell = lambda text: [CHARACTERS[byte] for byte in text.encode()]


def join(pieces, pair):
    joined, i = [], 0
    while i < len(pieces):
        whole = tuple(pieces[i : i + 2]) == pair
        joined.append("".join(pair) if whole else pieces[i])
        i += 2 if whole else 1
    return joined


def learn(spelled, count):
    """The most frequent pair becomes one, `count` times."""
    merges = []
    for _ in range(count):
        seen = {}
        for pieces in spelled:
            for pair in zip(pieces, pieces[1:]):
                seen[pair] = seen.get(pair, 0) + 1
        best = max(seen, key=lambda pair: (seen[pair], pair))
        merges.append(best)
        spelled = [join(pieces, best) for pieces in spelled]
    return merges


def merged(pieces, merges):
    for pair in merges:
        pieces = join(pieces, pair)
    return pieces


def tokenizer_json(vocab, merges, end, parts, pairs_as_lists, **model):
    added = {"id": len(vocab), "content": end, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    written = [list(pair) if pairs_as_lists else " ".join(pair) for pair in merges]
    bpe = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False}
    none = {"normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [added], **none, **parts,
        "model": {**bpe, "byte_fallback": False, "ignore_merges": False, **model, "vocab": vocab, "merges": written},
    }  # fmt: skip


def byte_level(pattern, count, end):
    """GPT-2's kind, and with another pattern Qwen's. Returns the file, and what turns text into tokens."""
    merges = learn([spell(word) for word in words(pattern, TEXT)], count)
    vocab = {token: i for i, token in enumerate([*CHARACTERS.values(), *("".join(pair) for pair in merges)])}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": pattern is GPT2_WORDS}
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    before = level if pattern is GPT2_WORDS else {"type": "Sequence", "pretokenizers": [split, level]}
    parts = {"pre_tokenizer": before, "post_processor": level, "decoder": level}
    if pattern is QWEN_WORDS:
        parts["normalizer"] = {"type": "NFC"}

    def encode(text):
        tokens = []
        for i, part in enumerate(text.split(end)):
            tokens += [len(vocab)] if i > 0 else []
            tokens += [vocab[token] for word in words(pattern, part) for token in merged(spell(word), merges)]
        return tokens

    return tokenizer_json(vocab, merges, end, parts, pattern is QWEN_WORDS), encode


def sentence_piece(count, end):
    """Llama's first kind: spaces are ▁, and what is in no merge falls back to its bytes."""
    plain = lambda text: list(("▁" + text).replace(" ", "▁"))
    merges = learn([plain(word) for word in TEXT.split()], count)
    characters = sorted({character for word in TEXT.split() for character in plain(word)})
    tokens = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), *characters, *("".join(pair) for pair in merges)]
    vocab = {token: i for i, token in enumerate(tokens)}
    space = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    back = [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]
    parts = {
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, space]},
        "decoder": {"type": "Sequence", "decoders": [*back, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
    }

    def encode(text):
        found = []
        for i, part in enumerate(text.split(end)):
            found += [len(vocab)] if i > 0 else []
            for token in merged(plain(part), merges):
                found += [vocab[token]] if token in vocab else [1 + byte for byte in token.encode()]
        return found

    return tokenizer_json(vocab, merges, end, parts, False, byte_fallback=True, unk_token="<unk>"), encode


def letters(count):
    """As few tokens as a case's vocabulary has."""
    vocab = {CHARACTERS[byte]: i for i, byte in enumerate(b" \netaoinshrdlucmfwgypbvk"[: count - 1])}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return tokenizer_json(vocab, [], "<|end|>", {"pre_tokenizer": level, "decoder": level}, False)


# ---- folders


def write_folder(name, config, files, dtype, tokenizer=None, extra=()):
    """files: file name → its tensors; more than one get an index."""
    folder = TARGET / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    for file, tensors in files.items():
        written = {key: (dtype, value.shape, ENCODE[dtype](value)) for key, value in tensors.items()}
        write_safetensors(folder / file, {**written, **dict(extra)})
    if len(files) > 1:
        where = {key: file for file, tensors in files.items() for key in tensors}
        index = {"metadata": {"total_size": sum(2 * v.size for t in files.values() for v in t.values())}, "weight_map": where}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")
    if tokenizer is not None:
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False) + "\n")


LLAMA = dict(vocab_size=23, hidden_size=18, intermediate_size=13, num_hidden_layers=2, num_attention_heads=6, num_key_value_heads=2, head_dim=4,
             hidden_act="silu", max_position_embeddings=40, bos_token_id=22, eos_token_id=22)  # fmt: skip
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=20)
YARN = dict(type="yarn", factor=4.0, original_max_position_embeddings=40)
CONFIGS = {
    "Llama": dict(LLAMA, model_type="llama", rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=True),
    "Llama, untied, scaled as Llama 3": dict(LLAMA, model_type="llama", rms_norm_eps=1e-5, rope_theta=100.0, tie_word_embeddings=False, rope_scaling=LLAMA3),
    "Qwen 2": dict(LLAMA, model_type="qwen2", rms_norm_eps=1e-6, rope_theta=1e6, tie_word_embeddings=True),
    "Qwen 2, scaled by YaRN": dict(LLAMA, model_type="qwen2", rms_norm_eps=1e-6, tie_word_embeddings=True, rope_parameters=dict(YARN, rope_theta=100.0)),
    "Qwen 3": dict(LLAMA, model_type="qwen3", rms_norm_eps=1e-6, rope_theta=1e6, tie_word_embeddings=True),
}
for name, config in CONFIGS.items():
    folder = name.lower().replace(",", "").replace(" ", "-")
    write_folder(folder, config, {"model.safetensors": placed_weights(llama_shapes(config))}, "F32", letters(23))

GPT2 = dict(model_type="gpt2", architectures=["GPT2LMHeadModel"], activation_function="gelu_new", vocab_size=19, n_positions=9, n_ctx=9, n_embd=10,
            n_layer=2, n_head=2, layer_norm_epsilon=1e-5, bos_token_id=18, eos_token_id=18)  # fmt: skip
# the hub's own gpt2 has no "transformer." before its names, and each layer's causal mask among its tensors
masks = {f"h.{i}.attn.bias": ("F32", [1, 1, 9, 9], numpy.tril(numpy.ones((9, 9))).astype("<f4").tobytes()) for i in range(2)}
write_folder("gpt-2", GPT2, {"model.safetensors": placed_weights(gpt2_shapes(GPT2))}, "F32", letters(19), masks.items())
half_weights = {"transformer." + key: value for key, value in placed_weights(gpt2_shapes(GPT2)).items()}
write_folder("gpt-2-half", GPT2, {"model.safetensors": half_weights}, "F16", letters(19))

VIT = dict(model_type="vit", architectures=["ViTForImageClassification"], hidden_size=10, num_hidden_layers=2, num_attention_heads=2, intermediate_size=40,
           hidden_act="gelu", layer_norm_eps=1e-12, image_size=6, patch_size=3, num_channels=3, qkv_bias=True,
           id2label={str(i): label for i, label in enumerate(["sky", "sea", "sand", "rock", "wood"])})  # fmt: skip
write_folder("vit", VIT, {"model.safetensors": placed_weights(vit_shapes(VIT, 5))}, "F32")

END = "<|end|>"
bpe, encode = byte_level(GPT2_WORDS, 63, END)
WALK = dict(LLAMA, model_type="llama", architectures=["LlamaForCausalLM"], vocab_size=320, hidden_size=32, intermediate_size=64, num_attention_heads=4,
            head_dim=8, max_position_embeddings=64, rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=True, bos_token_id=319,
            eos_token_id=319, torch_dtype="bfloat16")  # fmt: skip
random = numpy.random.default_rng(1)
tensors = {key: numpy.float32(numpy.ones(shape) if "norm" in key else random.normal(0, 0.05, shape)) for key, shape in sorted(llama_shapes(WALK).items())}
first = {key: value for key, value in tensors.items() if ".layers.1." not in key}
second = {key: value for key, value in tensors.items() if ".layers.1." in key}
write_folder("llama-bpe", WALK, {"model-00001-of-00002.safetensors": first, "model-00002-of-00002.safetensors": second}, "BF16", bpe)

kinds = {"gpt2": (bpe, encode), "qwen": byte_level(QWEN_WORDS, 40, END), "llama": sentence_piece(40, END)}
for kind, (file, _) in kinds.items():
    if kind != "gpt2":
        (TARGET / f"tokenizer-{kind}.json").write_text(json.dumps(file, ensure_ascii=False) + "\n")
tokens = {kind: [{"text": text, "tokens": encode(text)} for text in SAMPLES] for kind, (_, encode) in kinds.items()}
(TARGET / "tokens.json").write_text(json.dumps(tokens, ensure_ascii=False) + "\n")
