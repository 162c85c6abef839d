"""PyTorch, eager, on the CPU (on a GPU where torch sees one): the protocol of serve.ts and the model of job.ts.

Dims: B batch, T time, C width, H heads, D head width, V vocabulary.
"""

import json
import math
import sys
import time

import torch
from blas import blas_note
from torch.nn import functional as F

CALL_S = 0.2  # a call takes about this long
CHECKED = {"steps": 3, "tokens": 16}
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
fused = hasattr(F, "scaled_dot_product_attention")  # since torch 2


def finish():
    if device.type == "cuda":
        torch.cuda.synchronize()


class Model:
    """GPT-2 without biases. Weights keep their names and their (in, out) layout."""

    def __init__(self, job):
        self.sizes, self.settings = job["sizes"], job["settings"]
        with open(job["weights"], "rb") as file:
            flat = torch.frombuffer(bytearray(file.read()), dtype=torch.float32)
        self.weights, self.decay, offset = {}, {}, 0
        for parameter in job["parameters"]:
            name = parameter["name"].removeprefix("transformer.").removesuffix(".weight")
            size = math.prod(parameter["shape"])
            self.weights[name] = flat[offset : offset + size].view(parameter["shape"]).clone().to(device)
            self.decay[name] = parameter["decay"]
            offset += size
        window = (self.sizes["batchSize"], self.sizes["blockSize"])
        self.inputs, self.targets = (torch.tensor(job[key], device=device).view(window) for key in ("inputs", "targets"))

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.weights[name], None, 1e-5)

    def logits(self, ids, cache=None):
        """(B, T) -> (B, T, V). A cache is a list of (k, v) a layer, which grows by T."""
        w = self.weights
        start = cache[0][0].shape[2] if cache and cache[0] else 0
        x = F.embedding(ids, w["wte"]) + w["wpe"][start : start + ids.shape[1]]  # (B, T, C)
        for layer in range(self.sizes["nLayer"]):
            h = f"h.{layer}"
            heads = self.attend(self.norm(x, f"{h}.ln_1") @ w[f"{h}.attn.c_attn"], cache, layer)  # (B, T, C)
            x = x + heads @ w[f"{h}.attn.c_proj"]
            up = F.gelu(self.norm(x, f"{h}.ln_2") @ w[f"{h}.mlp.c_fc"], approximate="tanh")  # (B, T, 4 C)
            x = x + up @ w[f"{h}.mlp.c_proj"]
        return self.norm(x, "ln_f") @ w["wte"].t()

    def attend(self, qkv, cache, layer):
        """(B, T, 3 C) -> (B, T, C); causal, over the cache and itself."""
        B, T, _ = qkv.shape
        q, k, v = (part.view(B, T, self.sizes["nHead"], -1).transpose(1, 2) for part in qkv.chunk(3, dim=-1))  # (B, H, T, D)
        if cache is not None:
            if cache[layer]:
                k, v = (torch.cat(pair, dim=2) for pair in zip(cache[layer], (k, v)))
            cache[layer] = (k, v)
        if fused:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=T > 1)
        else:
            scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (B, H, T, S)
            if T > 1:
                scores = scores.masked_fill(self.future(T), -math.inf)
            y = scores.softmax(dim=-1) @ v
        return y.transpose(1, 2).reshape(B, T, -1)

    def future(self, T):
        if not hasattr(self, "mask"):
            self.mask = torch.ones(T, T, dtype=torch.bool, device=device).triu(1)
        return self.mask


def train(job):
    model = Model(job["model"])
    for weight in model.weights.values():
        weight.requires_grad_()
    settings = model.settings
    groups = [
        {"params": [w for name, w in model.weights.items() if model.decay[name] == with_decay], "weight_decay": amount}
        for with_decay, amount in ((True, settings["weightDecay"]), (False, 0.0))
    ]
    betas = (settings["beta1"], settings["beta2"])
    optimizer = torch.optim.AdamW(groups, lr=settings["learningRate"], betas=betas, eps=settings["epsilon"])

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model.logits(model.inputs).flatten(0, 1), model.targets.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.weights.values(), settings["clipNorm"])
        optimizer.step()
        return loss

    check = [step().item() for _ in range(CHECKED["steps"])]
    return {"amount": model.inputs.numel(), "unit": "tokens/s", "check": check, "step": step}


@torch.no_grad()
def forward(job):
    model = Model(job["model"])
    step = torch.no_grad()(lambda: model.logits(model.inputs))
    return {"amount": model.inputs.numel(), "unit": "tokens/s", "check": ends(step()), "step": step}


def decode(job):
    model = Model(job["model"])
    first = model.inputs[:1, :1]

    @torch.no_grad()
    def tokens():
        while True:
            cache = [None] * model.sizes["nLayer"]
            ids = first
            for _ in range(model.sizes["blockSize"]):
                ids = model.logits(ids, cache).argmax(dim=-1)  # (1, 1)
                yield ids.item()

    stream = tokens()
    check = [next(stream) for _ in range(CHECKED["tokens"])]
    return {"amount": 1, "unit": "tokens/s", "note": "cache", "check": check, "step": lambda: next(stream)}


def matmul(job):
    n = job["n"]
    i = torch.arange(n * n, dtype=torch.int64)
    a, b = ((i * factor % 1009 / 1009 - 0.5).float().view(n, n) for factor in (7919, 104729))
    step = torch.no_grad()(lambda: a.to(device) @ b.to(device))
    note = "with uploads" if device.type == "cuda" else None
    return {"amount": 2 * n**3 / 1e9, "unit": "GFLOP/s", "note": note, "check": ends(step()), "step": step}


def products(job):
    def matrix(rows, columns, seed):
        i = torch.arange(rows * columns, dtype=torch.int64)
        return (i * (7919 + 2 * seed) % 1009 / 1009 - 0.5).float().view(rows, columns)

    form = job["form"]
    pairs = []
    for i, (M, N, K) in enumerate(job["shapes"]):
        a = matrix(K, M, i).t() if form == "TN" else matrix(M, K, i)
        b = matrix(N, K, i + 1).t() if form == "NT" else matrix(K, N, i + 1)
        pairs.append((a, b))
    step = torch.no_grad()(lambda: [a.to(device) @ b.to(device) for a, b in pairs])
    note = "with uploads" if device.type == "cuda" else None
    check = [number for product in step() for number in ends(product)]
    amount = sum(2 * M * N * K for M, N, K in job["shapes"]) / 1e9
    return {"amount": amount, "unit": "GFLOP/s", "note": note, "check": check, "step": step}


def ends(tensor):
    flat = tensor.flatten()
    return torch.cat((flat[:4], flat[-4:])).tolist()


def call(work, count):
    start = time.perf_counter()
    for _ in range(count):
        work["step"]()
    finish()
    return time.perf_counter() - start


def warm_up(work):
    call(work, 1)
    work["count"] = max(1, round(CALL_S / call(work, 1)))
    return work


def measure(work, seconds):
    spent = done = 0
    while spent < seconds:
        spent += call(work, work["count"])
        done += work["count"]
    return work["amount"] * done / spent


def main():
    works = {"train": train, "forward": forward, "decode": decode, "matmul": matmul, "products": products}
    prepared = {}
    for line in sys.stdin:
        job = json.loads(line)
        name = job["name"]
        answer = {"work": job["work"], "version": torch.__version__}
        try:
            if name not in prepared:
                prepared[name] = warm_up(works[job["work"]](job))
            work = prepared[name]
            notes = [note for note in (work.get("note"), blas_note()) if note]
            answer |= {"unit": work["unit"], "note": "; ".join(notes) or None, "check": work["check"]}
            answer["value"] = measure(work, job["seconds"]) if job["seconds"] > 0 else None
            if device.type == "cuda":
                answer["adapter"] = {"name": torch.cuda.get_device_name(), "software": False, "driver": "cuda"}
        except Exception as error:  # the next work may do
            answer["error"] = str(error).split("\n")[0]
        print(json.dumps({key: value for key, value in answer.items() if value is not None or key == "value"}), flush=True)


main()
