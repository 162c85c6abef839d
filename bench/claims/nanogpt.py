"""nanoGPT's CPU setting on Moby Dick in PyTorch, as test/golden/nano.py has it, with a line of JSON for each validation; or one
with a note, where PyTorch would be far slower than it can be.

Usage: nanogpt.py <steps between two validations> <batches of a validation>
"""

import json
import os
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2] / folder) for folder in ("test/golden", "bench/peers")]

import torch  # noqa: E402
from blas import blas_note  # noqa: E402
from models import GPT2, GPT2Config, adamw, train_step  # noqa: E402
from nano import (  # noqa: E402
    BATCH,
    BETAS,
    CONTEXT,
    LR,
    MAX_NORM,
    SEEDS,
    STEPS,
    VARIANTS,
    WEIGHT_DECAY,
    encode,
    learning_rate,
    random_batch,
    read_corpus,
    validation_loss,
)


def held_out(tokens, batches):
    """Batches of consecutive windows, spread evenly over the text: what `validation_loss` takes, and as dawnlm does."""
    length = BATCH * CONTEXT
    starts = [i * (len(tokens) - length - 1) // (batches - 1) for i in range(batches)]
    return [tokens[start : start + length + 1] for start in starts]


def main():
    every, batches = int(sys.argv[1]), int(sys.argv[2])
    if note := blas_note():
        return print(json.dumps({"note": note}), flush=True)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.manual_seed(SEEDS[0])
    text, _ = read_corpus()
    alphabet, train_tokens, val_tokens = encode(text)
    parts = held_out(val_tokens, batches)
    model = GPT2(GPT2Config(len(alphabet), CONTEXT, n_embd=128, n_layer=4, n_head=4, **VARIANTS["nanogpt"]))
    model.initialize()
    optimizer = adamw(model, LR, BETAS, WEIGHT_DECAY)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        train_step(model, optimizer, *random_batch(train_tokens), MAX_NORM)
        if (step + 1) % every == 0:
            loss = sum(validation_loss(model, part) for part in parts) / len(parts)
            print(json.dumps({"step": step + 1, "validationLoss": loss}), flush=True)


main()
