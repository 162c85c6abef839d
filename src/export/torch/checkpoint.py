"""checkpoint.safetensors: each parameter under its name, both moments of its optimizer, and how far the run is.

The format is a length, a header of JSON, and the numbers (https://github.com/huggingface/safetensors).
"""

import ctypes
import json
import os
from pathlib import Path

import torch

PATH = Path(__file__).parent / "checkpoint.safetensors"
FIRST, SECOND = "{} (first moment)", "{} (second moment)"


def restore(model, optimizers):
    """Puts a model and its optimizers where the run stopped. Returns how far that is: {"step": ..., ...}."""
    tensors, metadata = read(PATH)
    state = json.loads(metadata["state"])
    names = {parameter: name for name, parameter in model.named_parameters()}
    for optimizer in optimizers:
        for parameter in [p for group in optimizer.param_groups for p in group["params"]]:
            name = names[parameter]
            with torch.no_grad():
                parameter.copy_(tensors[name])
            optimizer.state[parameter] = {
                "step": torch.tensor(float(state["step"])),
                "exp_avg": tensors[FIRST.format(name)].to(parameter.device),
                "exp_avg_sq": tensors[SECOND.format(name)].to(parameter.device),
            }
    return state


def save(model, optimizers, state):
    """Writes where they are: the old file stays until the new one is whole."""
    moments = {p: moments for optimizer in optimizers for p, moments in optimizer.state.items()}
    tensors = {}
    for name, parameter in model.named_parameters():
        tensors[name] = parameter
        tensors[FIRST.format(name)] = moments[parameter]["exp_avg"]
        tensors[SECOND.format(name)] = moments[parameter]["exp_avg_sq"]
    write(f"{PATH}.new", tensors, {"format": "pt", "state": json.dumps(state)})
    os.replace(f"{PATH}.new", PATH)


def read(path):
    """The tensors of a file by their names, float32, and the texts in its header."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = bytearray(file.read())
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        numbers = torch.frombuffer(data, dtype=torch.float32, offset=begin, count=(end - begin) // 4)
        tensors[name] = numbers.view(entry["shape"])
    return tensors, metadata


def write(path, tensors, metadata):
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    header, end = {"__metadata__": metadata}, 0
    for name, tensor in tensors.items():
        begin, end = end, end + 4 * tensor.numel()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in tensors.values():
            file.write(ctypes.string_at(tensor.data_ptr(), 4 * tensor.numel()))
