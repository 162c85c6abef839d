"""Goes on training from checkpoint.safetensors, and saves there: run it again to go on. PyTorch is all it needs.

    python3 train.py
    torchrun --nproc_per_node=2 train.py

Under torchrun, processes share the windows of each batch, and DistributedDataParallel averages their gradients:
the steps are those of one process.
"""

#: if cosine
import math
#: end
import os
import sys
import time
#: if accumulates
from contextlib import nullcontext
#: end

import torch
import torch.distributed as dist
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

import checkpoint
from model import CONTEXT, Model
from optimizer import optimizers_of
#: if dropout
from windows import SEED, Windows, read, stretches
#: else
from windows import Windows, read, stretches
#: end

STEPS = 2000  # of the whole training
BATCH = 12  # windows in a batch, of all processes together
#: if grows
CONTEXT_GROWTH = 0.6  # first share of the steps, in which the context grows from a quarter over a half to all of it
#: end
#: if accumulates
ACCUMULATION = 2  # batches in a step
#: end
LEARNING_RATE = 0.001
#: if decays
MIN_LEARNING_RATE = 0.0001  # at the end
#: end
#: if warmup
WARMUP_STEPS = 100
#: end
#: if stable
DECAY_FRACTION = 0.2  # last share of the steps, in which the rate falls
#: end
#: if clips
CLIP_NORM = 1  # gradients are scaled down to this norm of all of them
#: end
LOG_EVERY = 10
VALIDATE_EVERY = 250
VALIDATION_BATCHES = 20  # spread over the held-out text
SAVE_EVERY = 250

RANK = int(os.environ.get("RANK", 0))  # which process this is, and of how many: torchrun says it
WORLD = int(os.environ.get("WORLD_SIZE", 1))
DEVICE = torch.device(f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if torch.cuda.is_available() else "cpu")


def learning_rate(step):
    """Of a step, counted from 0."""
    #: if warmup
    if step < WARMUP_STEPS:
        return LEARNING_RATE * (step + 1) / (WARMUP_STEPS + 1)
    #: end
    #: if constant
    return LEARNING_RATE
    #: end
    #: if progresses
    #: if warmup
    done = min(1, (step - WARMUP_STEPS) / max(1, STEPS - WARMUP_STEPS))
    #: else
    done = min(1, step / STEPS)
    #: end
    #: end
    #: if linear
    share = 1 - done
    #: end
    #: if cosine
    share = 0.5 * (1 + math.cos(math.pi * done))
    #: end
    #: if stable
    share = min(1, max(0, (STEPS - step) / max(1, DECAY_FRACTION * STEPS)))
    #: end
    #: if decays
    return MIN_LEARNING_RATE + share * (LEARNING_RATE - MIN_LEARNING_RATE)
    #: end


def loss_of(model, inputs, targets):
    """Mean cross-entropy in nats a token: (B, T) each -> ()."""
    logits = model(inputs.to(DEVICE))  # (B, T, V)
    return F.cross_entropy(logits.flatten(0, 1), targets.to(DEVICE).flatten())


#: if grows
def cut(batch, step):
    """Each window as several, one after the other, while the context grows: (B, T) each -> (B n, T / n)."""
    pieces = 2 ** max(0, 2 - int(2 * step / (CONTEXT_GROWTH * STEPS)))
    return [tokens.reshape(-1, CONTEXT // pieces) for tokens in batch]


#: end
def averaged(values):
    """The mean of each value over all processes."""
    means = torch.tensor(values, device=DEVICE) / WORLD
    if WORLD > 1:
        dist.all_reduce(means)
    return means.tolist()


@torch.no_grad()
def validation_loss(model, tokens):
    model.eval()
    total, count = 0.0, 0
    for i, (inputs, targets, counted) in enumerate(stretches(tokens, BATCH, VALIDATION_BATCHES)):
        if i % WORLD == RANK:
            total += loss_of(model, inputs, targets).item() * counted
            count += counted
    model.train()
    total, count = averaged([total, count])
    return total / count


def train(model, optimizers, state):
    windows, held_out = Windows(read("train.bin")), read("validation.bin")
    parallel = DistributedDataParallel(model) if WORLD > 1 else model
    share = BATCH // WORLD
    losses, since = [], time.perf_counter()
    for step in range(state["step"], STEPS):
        for optimizer in optimizers:
            optimizer.zero_grad()
        #: if accumulates
        for i in range(ACCUMULATION):
            first = (step * ACCUMULATION + i) * BATCH + RANK * share
            # processes average their gradients once, when the last batch has added its own
            with parallel.no_sync() if WORLD > 1 and i < ACCUMULATION - 1 else nullcontext():
                #: if grows
                loss = loss_of(parallel, *cut(windows.batch(range(first, first + share)), step))
                #: else
                loss = loss_of(parallel, *windows.batch(range(first, first + share)))
                #: end
                (loss / ACCUMULATION).backward()
            losses.append(loss.detach())
        #: else
        first = step * BATCH + RANK * share
        #: if grows
        loss = loss_of(parallel, *cut(windows.batch(range(first, first + share)), step))
        #: else
        loss = loss_of(parallel, *windows.batch(range(first, first + share)))
        #: end
        loss.backward()
        losses.append(loss.detach())
        #: end
        #: if clips
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
        #: end
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step)
            optimizer.step()

        state["step"] = done = step + 1
        if done % LOG_EVERY == 0 or done == STEPS:
            [loss] = averaged([torch.stack(losses).mean().item()])
            speed = len(losses) * BATCH * CONTEXT / (time.perf_counter() - since)
            report(f"step {done}/{STEPS}  loss {loss:.6f}  {speed:,.0f} tokens/s")
            losses, since = [], time.perf_counter()
        if done % VALIDATE_EVERY == 0 or done == STEPS:
            report(f"step {done}/{STEPS}  validation loss {validation_loss(model, held_out):.6f}")
        if RANK == 0 and (done % SAVE_EVERY == 0 or done == STEPS):
            checkpoint.save(model, optimizers, state)


def report(line):
    if RANK == 0:
        print(line, flush=True)


def main():
    if BATCH % WORLD != 0:
        sys.exit(f"{WORLD} processes cannot share {BATCH} windows evenly: choose a number of them that divides it.")
    if DEVICE.type == "cuda":
        torch.cuda.set_device(DEVICE)
    if WORLD > 1:
        dist.init_process_group("nccl" if DEVICE.type == "cuda" else "gloo")
    model = Model().to(DEVICE)
    optimizers = optimizers_of(model)
    state = checkpoint.restore(model, optimizers)
    if state["step"] >= STEPS:
        sys.exit(f"All of the {STEPS} steps are done: raise STEPS in train.py to train on.")
    #: if dropout
    torch.manual_seed(SEED + WORLD * state["step"] + RANK)
    #: end
    train(model, optimizers, state)
    if WORLD > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
