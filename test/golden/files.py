"""How the golden figures are written: compact JSON, a tensor as {shape, data} with data flat in row-major order."""

import json
from pathlib import Path

import torch

DATA = Path(__file__).parent / "data"


def rounded(value):
    """Nine significant digits, which is enough to give back any float32 exactly."""
    return float(f"{value:.9g}")


def packed(tensor):
    """{shape, data} of a tensor; integers stay integers, floats get nine digits."""
    flat = tensor.detach().flatten().tolist()
    data = [rounded(value) for value in flat] if tensor.is_floating_point() else flat
    return {"shape": list(tensor.shape), "data": data}


def packed_all(named):
    return {name: packed(tensor) for name, tensor in named}


def normal(*shape, generator):
    """Standard normal numbers in float64 that are exact in float32, so that a float32 reader gets the same inputs."""
    return torch.randn(*shape, generator=generator, dtype=torch.float32).double()


def write(name, content):
    path = DATA / name
    path.write_text(json.dumps(content, separators=(",", ":"), allow_nan=False) + "\n")
    print(f"{path.relative_to(DATA.parent)}: {path.stat().st_size:,} bytes")
