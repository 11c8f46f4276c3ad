"""Logits of small transformers by PyTorch, as tests/fixtures/transformer-logits.json: python3 scripts/transformer_logits.py

Written after transformers' modeling files (GPT-2, Llama, Qwen 2 and 3, ViT), not after this project's code. Weights follow from their
place: all tensors in the order of their names, value p is sin(0.7 p + 0.3) / 2, rounded to f32; of norms 1 is added.
Needs PyTorch, such as Debian's python3-torch. Computed in f64.
"""

import json
import math
import pathlib

import torch
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)


def weights(shapes):
    at, made = 0, {}
    for name in sorted(shapes):
        size = math.prod(shapes[name])
        values = [math.sin(0.7 * p + 0.3) / 2 for p in range(at, at + size)]
        made[name] = torch.tensor(values).float().double().reshape(shapes[name])
        if "norm" in name.split(".")[-2] or ".ln_" in "." + name:
            if name.endswith("weight"):
                made[name] = (made[name].float() + 1).double()
        at += size
    return made


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


def gpt2(vocabulary, context, layers, channels, heads, tokens):
    C = channels
    shapes = {"wte.weight": [vocabulary, C], "wpe.weight": [context, C]}
    shapes.update({"ln_f.weight": [C], "ln_f.bias": [C]})
    for i in range(layers):
        for norm in ("ln_1", "ln_2"):
            shapes.update({f"h.{i}.{norm}.weight": [C], f"h.{i}.{norm}.bias": [C]})
        for name, inputs, outputs in (("attn.c_attn", C, 3 * C), ("attn.c_proj", C, C), ("mlp.c_fc", C, 4 * C), ("mlp.c_proj", 4 * C, C)):
            shapes.update({f"h.{i}.{name}.weight": [inputs, outputs], f"h.{i}.{name}.bias": [outputs]})
    w = weights(shapes)
    conv = lambda x, name: x @ w[name + ".weight"] + w[name + ".bias"]
    norm = lambda x, name: F.layer_norm(x, [C], w[name + ".weight"], w[name + ".bias"], 1e-5)
    x = w["wte.weight"][tokens] + w["wpe.weight"][: len(tokens)]
    for i in range(layers):
        q, k, v = conv(norm(x, f"h.{i}.ln_1"), f"h.{i}.attn.c_attn").split(C, 1)
        mixed = merge(attend(split(q, heads), split(k, heads), split(v, heads), True))
        x = x + conv(mixed, f"h.{i}.attn.c_proj")
        wide = conv(norm(x, f"h.{i}.ln_2"), f"h.{i}.mlp.c_fc")
        gelu = 0.5 * wide * (1 + torch.tanh(math.sqrt(2 / math.pi) * (wide + 0.044715 * wide**3)))
        x = x + conv(gelu, f"h.{i}.mlp.c_proj")
    return norm(x, "ln_f") @ w["wte.weight"].T


def frequencies(D, base, scaling):
    f = 1.0 / base ** (torch.arange(0, D, 2) / D)
    if scaling is None:
        return f, 1.0
    factor, original = scaling["factor"], scaling["original"]
    if scaling["kind"] == "llama3":
        low, high = scaling["low"], scaling["high"]
        length = 2 * math.pi / f
        smooth = (original / length - low) / (high - low)
        mixed = (1 - smooth) * f / factor + smooth * f
        scaled = torch.where(length > original / low, f / factor, mixed)
        return torch.where(length < original / high, f, scaled), 1.0
    dim = lambda turns: D * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(base))
    first, last = max(math.floor(dim(scaling["fast"])), 0), min(math.ceil(dim(scaling["slow"])), D - 1)
    ramp = ((torch.arange(D // 2) - first) / (last - first)).clamp(0, 1)
    return f / factor * ramp + f * (1 - ramp), 0.1 * math.log(factor) + 1


def llama(vocabulary, layers, channels, heads, kv_heads, D, wide, base, epsilon, tokens, tied=True, bias=False, qk_norm=False, scaling=None):
    C = channels
    shapes = {"model.embed_tokens.weight": [vocabulary, C], "model.norm.weight": [C]}
    if not tied:
        shapes["lm_head.weight"] = [vocabulary, C]
    for i in range(layers):
        p = f"model.layers.{i}."
        shapes.update({p + "input_layernorm.weight": [C], p + "post_attention_layernorm.weight": [C]})
        for name, count in (("q", heads), ("k", kv_heads), ("v", kv_heads)):
            shapes[p + f"self_attn.{name}_proj.weight"] = [count * D, C]
            if bias:
                shapes[p + f"self_attn.{name}_proj.bias"] = [count * D]
        shapes[p + "self_attn.o_proj.weight"] = [C, heads * D]
        shapes.update({p + "mlp.gate_proj.weight": [wide, C], p + "mlp.up_proj.weight": [wide, C], p + "mlp.down_proj.weight": [C, wide]})
        if qk_norm:
            shapes.update({p + "self_attn.q_norm.weight": [D], p + "self_attn.k_norm.weight": [D]})
    w = weights(shapes)
    line = lambda x, name: F.linear(x, w[name + ".weight"], w.get(name + ".bias"))
    rms = lambda x, name: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon) * w[name + ".weight"]
    f, factor = frequencies(D, base, scaling)
    angles = torch.outer(torch.arange(len(tokens), dtype=torch.float64), f)
    cos, sin = (torch.cat([t, t], -1) * factor for t in (angles.cos(), angles.sin()))
    turn = lambda x: x * cos + torch.cat([-x[..., D // 2 :], x[..., : D // 2]], -1) * sin
    x = w["model.embed_tokens.weight"][tokens]
    for i in range(layers):
        p = f"model.layers.{i}."
        normal = rms(x, p + "input_layernorm")
        q, k, v = (split(line(normal, p + f"self_attn.{n}_proj"), c) for n, c in (("q", heads), ("k", kv_heads), ("v", kv_heads)))
        if qk_norm:
            q, k = rms(q, p + "self_attn.q_norm"), rms(k, p + "self_attn.k_norm")
        x = x + line(merge(attend(turn(q), turn(k), v, True)), p + "self_attn.o_proj")
        normal = rms(x, p + "post_attention_layernorm")
        active = F.silu(line(normal, p + "mlp.gate_proj")) * line(normal, p + "mlp.up_proj")
        x = x + line(active, p + "mlp.down_proj")
    return rms(x, "model.norm") @ w["model.embed_tokens.weight" if tied else "lm_head.weight"].T


def vit(side, patch, layers, channels, heads, classes, pixels):
    C, P = channels, (side // patch) ** 2
    e = "vit.embeddings."
    shapes = {e + "cls_token": [1, 1, C], e + "position_embeddings": [1, P + 1, C]}
    shapes.update({e + "patch_embeddings.projection.weight": [C, 3, patch, patch], e + "patch_embeddings.projection.bias": [C]})
    linear = {"classifier": (C, classes)}
    for i in range(layers):
        p = f"vit.encoder.layer.{i}."
        linear.update({p + f"attention.attention.{n}": (C, C) for n in ("query", "key", "value")})
        linear.update({p + "attention.output.dense": (C, C), p + "intermediate.dense": (C, 4 * C), p + "output.dense": (4 * C, C)})
        for norm in ("layernorm_before", "layernorm_after"):
            shapes.update({p + norm + ".weight": [C], p + norm + ".bias": [C]})
    shapes.update({"vit.layernorm.weight": [C], "vit.layernorm.bias": [C]})
    for name, (inputs, outputs) in linear.items():
        shapes.update({name + ".weight": [outputs, inputs], name + ".bias": [outputs]})
    w = weights(shapes)
    line = lambda x, name: F.linear(x, w[name + ".weight"], w[name + ".bias"])
    norm = lambda x, name: F.layer_norm(x, [C], w[name + ".weight"], w[name + ".bias"], 1e-12)
    image = (torch.tensor(pixels) / 255 - 0.5) / 0.5
    image = image.reshape(side, side, 3).permute(2, 0, 1)
    name = e + "patch_embeddings.projection"
    patches = F.conv2d(image[None], w[name + ".weight"], w[name + ".bias"], stride=patch).flatten(2).transpose(1, 2)
    x = (torch.cat([w[e + "cls_token"], patches], 1) + w[e + "position_embeddings"])[0]
    for i in range(layers):
        p = f"vit.encoder.layer.{i}."
        normal = norm(x, p + "layernorm_before")
        q, k, v = (split(line(normal, p + f"attention.attention.{n}"), heads) for n in ("query", "key", "value"))
        x = x + line(merge(attend(q, k, v, False)), p + "attention.output.dense")
        x = x + line(F.gelu(line(norm(x, p + "layernorm_after"), p + "intermediate.dense")), p + "output.dense")
    return line(norm(x, "vit.layernorm")[0], "classifier")


TOKENS = [3, 17, 0, 8, 8, 12]
SIZES = dict(vocabulary=23, layers=2, channels=18, heads=6, kv_heads=2, D=4, wide=13, tokens=TOKENS)
CASES = {
    "GPT-2": gpt2(19, 9, 2, 10, 2, TOKENS),
    "Llama": llama(**SIZES, base=10_000, epsilon=1e-5),
    "Llama, untied, scaled as Llama 3": llama(**SIZES, base=100, epsilon=1e-5, tied=False, scaling=dict(kind="llama3", factor=8, low=1, high=4, original=20)),
    "Qwen 2": llama(**SIZES, base=1e6, epsilon=1e-6, bias=True),
    "Qwen 2, scaled by YaRN": llama(**SIZES, base=100, epsilon=1e-6, bias=True, scaling=dict(kind="yarn", factor=4, original=40, fast=32, slow=1)),
    "Qwen 3": llama(**SIZES, base=1e6, epsilon=1e-6, qk_norm=True),
    "ViT": vit(6, 3, 2, 10, 2, 5, [(37 * p) % 256 for p in range(108)]),
}

target = pathlib.Path(__file__).parent.parent / "tests/fixtures/transformer-logits.json"
rounded = {name: [round(value, 9) for value in logits.flatten().tolist()] for name, logits in CASES.items()}
target.write_text(json.dumps(rounded) + "\n")
