"""Logits of small transformers by PyTorch, as tests/fixtures/transformer-logits.json, and the names and shapes that transformers saves
them with, as tests/fixtures/transformers-state.json: python3 scripts/transformer_logits.py

Weights follow from their place: all tensors in the order of their names without "transformer.", value p is sin(0.7 p + 0.3) / 2, rounded
to f32; of norms 1 is added. Needs PyTorch, such as Debian's python3-torch. Computed in f64.
"""

import json
import math
import pathlib

import torch
from torch_models import logits, state_shapes


def weights(shapes):
    at, made = 0, {}
    ours = lambda name: name.replace("transformer.", "")
    for name in sorted(shapes, key=ours):
        size = math.prod(shapes[name])
        values = [math.sin(0.7 * p + 0.3) / 2 for p in range(at, at + size)]
        made[name] = torch.tensor(values).float().double().reshape(shapes[name])
        if "norm" in name.split(".")[-2] or ".ln_" in "." + name:
            if name.endswith("weight"):
                made[name] = (made[name].float() + 1).double()
        at += size
    return made


def gpt2(**more):
    sizes = dict(vocab_size=19, n_positions=9, n_layer=2, n_embd=10, n_head=2, n_inner=40)
    return dict(model_type="gpt2", activation_function="gelu_new", layer_norm_epsilon=1e-5, tie_word_embeddings=True, **sizes, **more)


def llama(kind="llama", base=10_000, epsilon=1e-5, tied=True, scaling=None):
    sizes = dict(vocab_size=23, num_hidden_layers=2, hidden_size=18, num_attention_heads=6, num_key_value_heads=2, head_dim=4, intermediate_size=13)
    return dict(model_type=kind, hidden_act="silu", rope_theta=base, rope_scaling=scaling, rms_norm_eps=epsilon, attention_bias=False, tie_word_embeddings=tied, **sizes)


def vit():
    sizes = dict(image_size=6, patch_size=3, num_channels=3, num_hidden_layers=2, hidden_size=10, num_attention_heads=2, intermediate_size=40)
    return dict(model_type="vit", hidden_act="gelu", layer_norm_eps=1e-12, qkv_bias=True, id2label=dict(enumerate("abcde")), **sizes)


CASES = {
    "GPT-2": gpt2(),
    "Llama": llama(),
    "Llama, untied, scaled as Llama 3": llama(
        base=100, tied=False, scaling=dict(rope_type="llama3", factor=8, low_freq_factor=1, high_freq_factor=4, original_max_position_embeddings=20)
    ),
    "Qwen 2": llama("qwen2", base=1e6, epsilon=1e-6),
    "Qwen 2, scaled by YaRN": llama(
        "qwen2", base=100, epsilon=1e-6, scaling=dict(rope_type="yarn", factor=4, original_max_position_embeddings=40, beta_fast=32, beta_slow=1)
    ),
    "Qwen 3": llama("qwen3", base=1e6, epsilon=1e-6),
    "ViT": vit(),
}

TOKENS = torch.tensor([3, 17, 0, 8, 8, 12])
IMAGE = ((torch.tensor([(37 * p) % 256 for p in range(108)]) / 255 - 0.5) / 0.5).reshape(6, 6, 3)

fixtures = pathlib.Path(__file__).parent.parent / "tests/fixtures"
made = {}
for name, config in CASES.items():
    inputs = IMAGE if config["model_type"] == "vit" else TOKENS
    made[name] = [round(value, 9) for value in logits(config, weights(state_shapes(config)), inputs).flatten().tolist()]
(fixtures / "transformer-logits.json").write_text(json.dumps(made) + "\n")
states = {name: state_shapes(config) for name, config in CASES.items()}
(fixtures / "transformers-state.json").write_text(json.dumps(states) + "\n")
