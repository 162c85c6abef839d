"""Golden figures of Muon's step, to anchor its float64 reference.

Writes data/muon.json: {note, torch, seed, cases}, a case being {inputs, attributes, output, momentum}. The step is that of Keller
Jordan's muon.py (zeropower_via_newtonschulz5, Nesterov momentum as first published), in float64 in place of bfloat16, with
Moonlight's size of the update in place of its own.
"""

import torch

from files import normal, packed, write

SEED = 1337
NOTE = (
    "Made by test/golden/muon.py, float64. gradient is (steps, R, C); output is the parameter after the last step, momentum the "
    "buffer there."
)


def orthogonalized(G, steps=5, eps=1e-7):
    a, b, c = (3.4445, -4.7750, 2.0315)
    X = G / (G.norm() + eps)
    if G.size(0) > G.size(1):
        X = X.T
    for _ in range(steps):
        A = X @ X.T
        B = b * A + c * A @ A
        X = a * X + B @ X
    return X.T if G.size(0) > G.size(1) else X


def case(shape, steps, g):
    start = normal(*shape, generator=g)
    gradient = normal(steps, *shape, generator=g) * torch.logspace(-2, 1, 3, dtype=torch.float64)[:steps, None, None]
    gradient = gradient.float().double()
    lr, momentum, weight_decay = 0.01, 0.95, 0.1
    parameter, buffer = start.clone(), torch.zeros(shape, dtype=torch.float64)
    for grad in gradient:
        buffer = momentum * buffer + grad
        update = orthogonalized(grad + momentum * buffer)
        parameter = parameter * (1 - lr * weight_decay) - lr * 0.2 * max(shape) ** 0.5 * update
    return {
        "inputs": {"parameter": packed(start), "gradient": packed(gradient)},
        "attributes": {"lr": lr, "momentum": momentum, "weightDecay": weight_decay},
        "output": packed(parameter),
        "momentum": packed(buffer),
    }


def main():
    g = torch.Generator().manual_seed(SEED)
    cases = [case(shape, steps, g) for shape in ((5, 9), (8, 4), (7, 7)) for steps in (1, 3)]
    note = f"{NOTE} torch {torch.__version__}, seed {SEED}."
    write("muon.json", {"note": note, "torch": torch.__version__, "seed": SEED, "cases": cases})


if __name__ == "__main__":
    main()
