"""What transformers' GPT-2, Llama, Qwen 2, Qwen 3 and ViT compute, in plain PyTorch, from the dict of a config.json and the tensors
of a model.safetensors under their saved names. Written after transformers' modeling files, not after this project's code. In f64.
Needs PyTorch, such as Debian's python3-torch.
"""

import json
import math
import pathlib
import struct

import torch
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)


def attend(q, k, v, causal):
    """q, k, v [heads, time, channels of a head]; keys and values are repeated for their groups."""
    groups = q.shape[0] // k.shape[0]
    k, v = k.repeat_interleave(groups, 0), v.repeat_interleave(groups, 0)
    scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])
    if causal:
        mask = torch.ones_like(scores[0], dtype=torch.bool).triu(1)
        scores = scores.masked_fill(mask, -math.inf)
    return scores.softmax(-1) @ v


def split(x, heads):
    return x.reshape(x.shape[0], heads, -1).transpose(0, 1)


def merge(x):
    return x.transpose(0, 1).reshape(x.shape[1], -1)


def gelu_new(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


ACTIVATIONS = {"gelu": F.gelu, "gelu_new": gelu_new, "gelu_pytorch_tanh": gelu_new, "silu": F.silu}


def gpt2_shapes(c):
    C, wide = c["n_embd"], c["n_inner"] or 4 * c["n_embd"]
    shapes = {"transformer.wte.weight": [c["vocab_size"], C], "transformer.wpe.weight": [c["n_positions"], C]}
    shapes.update({"transformer.ln_f.weight": [C], "transformer.ln_f.bias": [C]})
    if not c["tie_word_embeddings"]:
        shapes["lm_head.weight"] = [c["vocab_size"], C]
    for i in range(c["n_layer"]):
        p = f"transformer.h.{i}."
        for norm in ("ln_1", "ln_2"):
            shapes.update({p + norm + ".weight": [C], p + norm + ".bias": [C]})
        for name, inputs, outputs in (("attn.c_attn", C, 3 * C), ("attn.c_proj", C, C), ("mlp.c_fc", C, wide), ("mlp.c_proj", wide, C)):
            shapes.update({p + name + ".weight": [inputs, outputs], p + name + ".bias": [outputs]})
    return shapes


def gpt2(c, w, tokens):
    C, heads, epsilon = c["n_embd"], c["n_head"], c["layer_norm_epsilon"]
    conv = lambda x, name: x @ w[name + ".weight"] + w[name + ".bias"]
    norm = lambda x, name: F.layer_norm(x, [C], w[name + ".weight"], w[name + ".bias"], epsilon)
    x = w["transformer.wte.weight"][tokens] + w["transformer.wpe.weight"][: len(tokens)]
    for i in range(c["n_layer"]):
        p = f"transformer.h.{i}."
        q, k, v = conv(norm(x, p + "ln_1"), p + "attn.c_attn").split(C, 1)
        x = x + conv(merge(attend(split(q, heads), split(k, heads), split(v, heads), True)), p + "attn.c_proj")
        x = x + conv(ACTIVATIONS[c["activation_function"]](conv(norm(x, p + "ln_2"), p + "mlp.c_fc")), p + "mlp.c_proj")
    return norm(x, "transformer.ln_f") @ w["transformer.wte.weight" if c["tie_word_embeddings"] else "lm_head.weight"].T


def frequencies(D, base, scaling):
    f = 1.0 / base ** (torch.arange(0, D, 2) / D)
    if scaling is None:
        return f, 1.0
    kind, factor = scaling["rope_type"], scaling["factor"]
    if kind == "linear":
        return f / factor, 1.0
    original = scaling["original_max_position_embeddings"]
    if kind == "llama3":
        low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
        length = 2 * math.pi / f
        smooth = (original / length - low) / (high - low)
        mixed = (1 - smooth) * f / factor + smooth * f
        scaled = torch.where(length > original / low, f / factor, mixed)
        return torch.where(length < original / high, f, scaled), 1.0
    assert kind == "yarn"
    fast, slow = scaling.get("beta_fast") or 32, scaling.get("beta_slow") or 1
    dim = lambda turns: D * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(base))
    first, last = max(math.floor(dim(fast)), 0), min(math.ceil(dim(slow)), D - 1)
    ramp = ((torch.arange(D // 2) - first) / max(last - first, 0.001)).clamp(0, 1)
    return f / factor * ramp + f * (1 - ramp), scaling.get("attention_factor") or 0.1 * math.log(factor) + 1


def llama_shapes(c):
    C, D, wide, heads, kv_heads = (c[k] for k in ("hidden_size", "head_dim", "intermediate_size", "num_attention_heads", "num_key_value_heads"))
    kind = c["model_type"]
    in_bias = kind == "qwen2" or c["attention_bias"]
    out_bias = kind != "qwen2" and c["attention_bias"]
    shapes = {"model.embed_tokens.weight": [c["vocab_size"], C], "model.norm.weight": [C]}
    if not c["tie_word_embeddings"]:
        shapes["lm_head.weight"] = [c["vocab_size"], C]
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        shapes.update({p + "input_layernorm.weight": [C], p + "post_attention_layernorm.weight": [C]})
        lines = [("self_attn.q_proj", C, heads * D, in_bias), ("self_attn.k_proj", C, kv_heads * D, in_bias), ("self_attn.v_proj", C, kv_heads * D, in_bias)]
        lines += [("self_attn.o_proj", heads * D, C, out_bias)]
        lines += [("mlp.gate_proj", C, wide, c.get("mlp_bias")), ("mlp.up_proj", C, wide, c.get("mlp_bias")), ("mlp.down_proj", wide, C, c.get("mlp_bias"))]
        for name, inputs, outputs, bias in lines:
            shapes[p + name + ".weight"] = [outputs, inputs]
            if bias:
                shapes[p + name + ".bias"] = [outputs]
        if kind == "qwen3":
            shapes.update({p + "self_attn.q_norm.weight": [D], p + "self_attn.k_norm.weight": [D]})
    return shapes


def llama(c, w, tokens):
    D, heads, kv_heads, epsilon = (c[k] for k in ("head_dim", "num_attention_heads", "num_key_value_heads", "rms_norm_eps"))
    line = lambda x, name: F.linear(x, w[name + ".weight"], w.get(name + ".bias"))
    rms = lambda x, name: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon) * w[name + ".weight"]
    f, factor = frequencies(D, c["rope_theta"], c["rope_scaling"])
    angles = torch.outer(torch.arange(len(tokens), dtype=torch.float64), f)
    cos, sin = (torch.cat([t, t], -1) * factor for t in (angles.cos(), angles.sin()))
    turn = lambda x: x * cos + torch.cat([-x[..., D // 2 :], x[..., : D // 2]], -1) * sin
    x = w["model.embed_tokens.weight"][tokens]
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        normal = rms(x, p + "input_layernorm")
        q, k, v = (split(line(normal, p + f"self_attn.{n}_proj"), count) for n, count in (("q", heads), ("k", kv_heads), ("v", kv_heads)))
        if c["model_type"] == "qwen3":
            q, k = rms(q, p + "self_attn.q_norm"), rms(k, p + "self_attn.k_norm")
        x = x + line(merge(attend(turn(q), turn(k), v, True)), p + "self_attn.o_proj")
        normal = rms(x, p + "post_attention_layernorm")
        active = ACTIVATIONS[c["hidden_act"]](line(normal, p + "mlp.gate_proj")) * line(normal, p + "mlp.up_proj")
        x = x + line(active, p + "mlp.down_proj")
    return rms(x, "model.norm") @ w["model.embed_tokens.weight" if c["tie_word_embeddings"] else "lm_head.weight"].T


def vit_shapes(c):
    C, patch, wide = c["hidden_size"], c["patch_size"], c["intermediate_size"]
    height, width = c["image_size"] if isinstance(c["image_size"], list) else [c["image_size"]] * 2
    e = "vit.embeddings."
    shapes = {e + "cls_token": [1, 1, C], e + "position_embeddings": [1, (height // patch) * (width // patch) + 1, C]}
    shapes.update({e + "patch_embeddings.projection.weight": [C, c["num_channels"], patch, patch], e + "patch_embeddings.projection.bias": [C]})
    lines = {"classifier": (C, len(c["id2label"]), True)}
    norms = ["vit.layernorm"]
    for i in range(c["num_hidden_layers"]):
        p = f"vit.encoder.layer.{i}."
        lines.update({p + f"attention.attention.{n}": (C, C, c["qkv_bias"]) for n in ("query", "key", "value")})
        lines.update({p + "attention.output.dense": (C, C, True), p + "intermediate.dense": (C, wide, True), p + "output.dense": (wide, C, True)})
        norms += [p + "layernorm_before", p + "layernorm_after"]
    for norm in norms:
        shapes.update({norm + ".weight": [C], norm + ".bias": [C]})
    for name, (inputs, outputs, bias) in lines.items():
        shapes[name + ".weight"] = [outputs, inputs]
        if bias:
            shapes[name + ".bias"] = [outputs]
    return shapes


def vit(c, w, image):
    """image [height, width, planes], already normalised."""
    C, heads, epsilon = c["hidden_size"], c["num_attention_heads"], c["layer_norm_eps"]
    line = lambda x, name: F.linear(x, w[name + ".weight"], w.get(name + ".bias"))
    norm = lambda x, name: F.layer_norm(x, [C], w[name + ".weight"], w[name + ".bias"], epsilon)
    name = "vit.embeddings.patch_embeddings.projection"
    planes = image.permute(2, 0, 1)[None]
    patches = F.conv2d(planes, w[name + ".weight"], w[name + ".bias"], stride=c["patch_size"]).flatten(2).transpose(1, 2)
    x = (torch.cat([w["vit.embeddings.cls_token"], patches], 1) + w["vit.embeddings.position_embeddings"])[0]
    for i in range(c["num_hidden_layers"]):
        p = f"vit.encoder.layer.{i}."
        normal = norm(x, p + "layernorm_before")
        q, k, v = (split(line(normal, p + f"attention.attention.{n}"), heads) for n in ("query", "key", "value"))
        x = x + line(merge(attend(q, k, v, False)), p + "attention.output.dense")
        x = x + line(ACTIVATIONS[c["hidden_act"]](line(norm(x, p + "layernorm_after"), p + "intermediate.dense")), p + "output.dense")
    return line(norm(x, "vit.layernorm")[0], "classifier")


SHAPES = {"gpt2": gpt2_shapes, "llama": llama_shapes, "qwen2": llama_shapes, "qwen3": llama_shapes, "vit": vit_shapes}
LOGITS = {"gpt2": gpt2, "llama": llama, "qwen2": llama, "qwen3": llama, "vit": vit}


def state_shapes(config):
    """Shapes by name of what the class of transformers' saves: exactly these load without a warning."""
    return SHAPES[config["model_type"]](config)


def logits(config, weights, inputs):
    """Of tokens [T], or of a normalised image [height, width, planes]."""
    return LOGITS[config["model_type"]](config, weights, inputs)


DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def read_safetensors(path):
    """Tensors by name, in f64, and the metadata."""
    data = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + at for at in entry["data_offsets"])
        flat = torch.frombuffer(bytearray(data[begin:end]), dtype=DTYPES[entry["dtype"]])
        tensors[name] = flat.double().reshape(entry["shape"])
    return tensors, metadata
