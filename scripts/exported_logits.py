"""Loads a folder that `commonweight export` wrote as transformers' from_pretrained does, and prints the logits of the inputs in a JSON
file: python3 scripts/exported_logits.py FOLDER INPUTS.json

Refused is what from_pretrained warns of or refuses: a tensor that the class in config.json does not have, one that is missing or of
another shape, and a file without "format": "pt". INPUTS.json is {"tokens": [T]} or {"image": [height, width, planes]}, in 0…1.
Needs PyTorch, such as Debian's python3-torch.
"""

import json
import pathlib
import sys

import torch
from torch_models import logits, read_safetensors, state_shapes

folder = pathlib.Path(sys.argv[1])
config = json.loads((folder / "config.json").read_text())
weights, metadata = read_safetensors(folder / "model.safetensors")
assert metadata == {"format": "pt"}, metadata
found = {name: list(tensor.shape) for name, tensor in weights.items()}
wanted = state_shapes(config)
assert found == wanted, {name: (found.get(name), wanted.get(name)) for name in found.keys() ^ wanted.keys()}

inputs = json.loads(pathlib.Path(sys.argv[2]).read_text())
if "image" in inputs:
    process = json.loads((folder / "preprocessor_config.json").read_text())
    mean, deviation = torch.tensor(process["image_mean"]), torch.tensor(process["image_std"])
    x = (torch.tensor(inputs["image"]) - mean) / deviation
else:
    x = torch.tensor(inputs["tokens"])
print(json.dumps(logits(config, weights, x).flatten().tolist()))
