"""Golden figures of single ops, to anchor the float64 references that the kernels are tested against.

Writes data/ops.json: {note, torch, seed, cases}, a case being {op, inputs, attributes, output, dOutput, gradients},
where gradients[name] = d(sum(output * dOutput)) / d inputs[name]. Computed in float64 from float32-exact inputs.
"""

import torch
from torch.nn import functional as F

from files import normal, packed, packed_all, write
from models import IGNORED, causal_attention, cross_entropy, rms_norm, rope

SEED = 1337
NOTE = (
    "Made by test/golden/ops.py. Tensors are {shape, data}, row-major, nine significant digits, computed in float64 "
    "from float32-exact inputs. gradients[name] is the derivative of sum(output * dOutput) by inputs[name]. "
    "Ignored targets are -1. adamw: gradient is (steps, N), output is the parameter after the last step, moments "
    "are m and v there (without bias correction)."
)


def differentiable(name, tensor):
    return tensor.requires_grad_() if tensor.is_floating_point() else tensor


def case(op, function, inputs, attributes=None, d_output=None, generator=None):
    """Runs function(**inputs, **attributes) and its backward pass; d_output is random where it is not given."""
    attributes = attributes or {}
    leaves = {name: differentiable(name, tensor.clone()) for name, tensor in inputs.items()}
    output = function(**leaves, **attributes)
    if d_output is None:
        d_output = normal(*output.shape, generator=generator)
    output.backward(d_output)
    return {
        "op": op,
        "inputs": packed_all(inputs.items()),
        "attributes": attributes,
        "output": packed(output),
        "dOutput": packed(d_output),
        "gradients": packed_all((name, leaf.grad) for name, leaf in leaves.items() if leaf.requires_grad),
    }


def softmax(x):
    return x.softmax(dim=-1)


def layer_norm(x, weight, bias, epsilon):
    return F.layer_norm(x, weight.shape, weight, bias, epsilon)


def gelu(x):
    return F.gelu(x, approximate="tanh")


def swiglu(gate, up):
    return F.silu(gate) * up


def matmul(a, b, bias):
    """a (..., K) times b (K, N) plus bias (N)."""
    return a @ b + bias


def linear(x, weight, bias):
    """x (..., K) times weight (N, K) transposed, plus bias (N)."""
    return F.linear(x, weight, bias)


def embedding(table, ids):
    return table[ids]


def row_cases(g):
    wild = torch.tensor([[100.0, 99.0, -100.0], [-1e4, 0.0, 1e-3], [5.0, 5.0, 5.0]], dtype=torch.float64)
    yield case("softmax", softmax, {"x": 2 * normal(3, 7, generator=g)}, generator=g)
    yield case("softmax", softmax, {"x": wild.float().double()}, generator=g)
    norm_inputs = {"x": 3 * normal(5, 9, generator=g) + 1, "weight": normal(9, generator=g)}
    bias = {"bias": normal(9, generator=g)}
    yield case("layer_norm", layer_norm, {**norm_inputs, **bias}, {"epsilon": 1e-5}, generator=g)
    yield case("rms_norm", rms_norm, norm_inputs, {"epsilon": 1e-5}, generator=g)
    logits, targets = 3 * normal(6, 7, generator=g), torch.tensor([0, 6, IGNORED, 3, 3, IGNORED])
    for scale in (1.0, 0.25):
        d_output = torch.tensor(scale, dtype=torch.float64)
        inputs = {"logits": logits, "targets": targets}
        yield case("cross_entropy", cross_entropy, inputs, {}, d_output)


def elementwise_cases(g):
    tails = torch.tensor([-20.0, -6.0, -0.5, 0.0, 0.5, 6.0, 20.0], dtype=torch.float64)
    yield case("gelu", gelu, {"x": 2 * normal(3, 7, generator=g)}, generator=g)
    yield case("gelu", gelu, {"x": tails}, generator=g)
    yield case("swiglu", swiglu, {"gate": 3 * normal(5, 7, generator=g), "up": normal(5, 7, generator=g)}, generator=g)


def attention_cases(g):
    for heads, kv_heads, T, D in ((3, 3, 5, 4), (4, 2, 7, 6)):
        kv_shape = (2, kv_heads, T, D)
        inputs = {
            "q": 2 * normal(2, heads, T, D, generator=g),
            "k": normal(*kv_shape, generator=g),
            "v": normal(*kv_shape, generator=g),
        }
        yield case("causal_attention", causal_attention, inputs, generator=g)
    for offset in (0, 3):
        yield case("rope", rope, {"x": normal(2, 3, 5, 6, generator=g)}, {"base": 10000, "offset": offset}, generator=g)


def matrix_cases(g):
    for shape in ((3, 5), (2, 3, 5)):
        inputs = {"a": normal(*shape, generator=g), "b": normal(5, 7, generator=g), "bias": normal(7, generator=g)}
        yield case("matmul", matmul, inputs, generator=g)
    inputs = {"x": normal(3, 5, generator=g), "weight": normal(7, 5, generator=g), "bias": normal(7, generator=g)}
    yield case("linear", linear, inputs, generator=g)
    ids = torch.tensor([[4, 0, 4, 4, 1], [1, 4, 0, 6, 4]])
    yield case("embedding", embedding, {"table": normal(7, 3, generator=g), "ids": ids}, generator=g)


def adamw_case(steps, weight_decay, g):
    """One parameter of seven numbers; the last step's gradient is a thousand times the first's and one entry is 0."""
    start = normal(7, generator=g)
    gradient = normal(steps, 7, generator=g) * torch.logspace(-2, 1, 3, dtype=torch.float64)[:steps, None]
    gradient = gradient.float().double()
    gradient[:, 3] = 0
    settings = {"lr": 0.01, "betas": (0.9, 0.95), "eps": 1e-8, "weight_decay": weight_decay}
    parameter = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.AdamW([parameter], **settings)
    for row in gradient:
        parameter.grad = row.clone()
        optimizer.step()
    state = optimizer.state[parameter]
    return {
        "op": "adamw",
        "inputs": {"parameter": packed(start), "gradient": packed(gradient)},
        "attributes": {"lr": 0.01, "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "weightDecay": weight_decay},
        "output": packed(parameter),
        "moments": {"m": packed(state["exp_avg"]), "v": packed(state["exp_avg_sq"])},
    }


def main():
    g = torch.Generator().manual_seed(SEED)
    cases = [*row_cases(g), *elementwise_cases(g), *attention_cases(g), *matrix_cases(g)]
    cases += [adamw_case(steps, weight_decay, g) for steps in (1, 3) for weight_decay in (0.1, 0.0)]
    note = f"{NOTE} torch {torch.__version__}, seed {SEED}."
    write("ops.json", {"note": note, "torch": torch.__version__, "seed": SEED, "cases": cases})


if __name__ == "__main__":
    main()
