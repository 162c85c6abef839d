"""Golden figures of two whole models, small enough to commit: logits, loss, every gradient, ten training steps.

Writes data/gpt2-small.json and data/llama-small.json. Everything is computed in float64 from parameters that are
exact in float32. Also prints how far the same ten steps in float32 stray, to help choose tolerances.
"""

import copy
from dataclasses import asdict

import torch

from files import packed, packed_all, rounded, write
from models import GPT2, IGNORED, GPT2Config, Llama, LlamaConfig, adamw, cross_entropy, train_step

# AdamW's first steps go by the gradient's sign, so an entry whose gradient is all but zero turns float32's rounding
# into a whole step. Of the seeds 1 to 24 this one has the fewest such entries: float32 stays closest.
SEED = 18
B, T, V = 3, 11, 19
BLOCK_SIZE = 12  # one more than T: the last position must get no gradient
STEPS = 10
OPTIMIZER = {"lr": 1e-2, "betas": (0.9, 0.95), "eps": 1e-8, "weight_decay": 0.1}
MAX_NORM = 1.0

NOTE = (
    "Made by test/golden/small.py. Tensors are {shape, data}, row-major, nine significant digits, computed in float64 "
    "from float32-exact parameters. Target -1 is ignored and does not count in the mean. gradients: of loss, before "
    "any clipping. training: starts from parameters, one AdamW step a batch; weight decay on tensors of two or more "
    "dimensions only; losses and gradientNorms (before clipping) belong to the parameters before each step."
)
GPT2_NOTE = (
    " Softmax does not see a shift of all keys, so the gradient of the middle third of attn.c_attn.bias is zero in "
    "exact arithmetic: what stands there is rounding noise, and a float32 AdamW may move that third at will (the loss "
    "does not feel it), so leave it out of comparisons."
)


def randomize(model, generator):
    """Weights wide enough that attention is far from uniform; norms and biases away from 1 and 0."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() >= 2:
            value = 0.25 * noise
        elif name.endswith("bias"):
            value = 0.1 * noise
        else:
            value = 1 + 0.2 * noise
        parameter.data.copy_(value)


def random_batch(generator):
    """Any tokens, with two targets ignored."""
    tokens = torch.randint(V, (B, T + 1), generator=generator)
    inputs, targets = tokens[:, :-1].clone(), tokens[:, 1:].clone()
    targets[0, 0] = targets[2, 7] = IGNORED
    return inputs, targets


def counting_batch(generator):
    """Tokens that count up by 1, 2 or 3 modulo V from anywhere: something that ten steps can begin to learn."""
    start = torch.randint(V, (B, 1), generator=generator)
    stride = torch.randint(1, 4, (B, 1), generator=generator)
    tokens = (start + stride * torch.arange(T + 1)) % V
    return tokens[:, :-1], tokens[:, 1:]


def train(model, batches):
    optimizer = adamw(model, **OPTIMIZER)
    records = [train_step(model, optimizer, *batch, max_norm=MAX_NORM) for batch in batches]
    losses, norms = zip(*records)
    return losses, norms


def packed_batch(batch):
    return {"inputs": packed(batch[0]), "targets": packed(batch[1])}


def snapshot(model, batch):
    """What one forward and backward pass gives."""
    logits = model(batch[0])
    loss = cross_entropy(logits, batch[1])
    loss.backward()
    gradients = packed_all((name, p.grad) for name, p in model.named_parameters())
    return {"logits": packed(logits), "loss": rounded(loss.item()), "gradients": gradients}


def history(model, batches):
    """What ten training steps give; changes the model."""
    losses, norms = train(model, batches)
    betas = OPTIMIZER["betas"]
    return {
        "optimizer": {
            "lr": OPTIMIZER["lr"],
            "beta1": betas[0],
            "beta2": betas[1],
            "eps": OPTIMIZER["eps"],
            "weightDecay": OPTIMIZER["weight_decay"],
            "maxNorm": MAX_NORM,
        },
        "batches": [packed_batch(batch) for batch in batches],
        "losses": [rounded(loss) for loss in losses],
        "gradientNorms": [rounded(norm) for norm in norms],
        "finalParameters": packed_all(model.named_parameters()),
    }


def report(name, training, single):
    """Compares float32's ten steps with the float64 ones that were written."""
    losses, norms = single
    stray = max(abs(a - b) / b for a, b in zip(losses, training["losses"]))
    stray_norm = max(abs(a - b) / b for a, b in zip(norms, training["gradientNorms"]))
    print(f"{name}: losses {training['losses']}")
    print(f"{name}: norms {training['gradientNorms']}")
    print(f"{name}: float32 strays by {stray:.1e} of the loss, {stray_norm:.1e} of the norm")


def make(name, model, note):
    generator = torch.Generator().manual_seed(SEED)
    randomize(model, generator)
    batch = random_batch(generator)
    batches = [counting_batch(generator) for _ in range(STEPS)]
    single = train(copy.deepcopy(model), batches)
    model.double()
    content = {
        "note": f"{note} torch {torch.__version__}, seed {SEED}.",
        "torch": torch.__version__,
        "seed": SEED,
        "config": asdict(model.config),
        "parameters": packed_all(model.named_parameters()),
        "batch": packed_batch(batch),
        **snapshot(model, batch),
        "training": history(model, batches),
    }
    report(name, content["training"], single)
    write(f"{name}.json", content)


def main():
    make("gpt2-small", GPT2(GPT2Config(V, BLOCK_SIZE, n_embd=24, n_layer=2, n_head=3)), NOTE + GPT2_NOTE)
    llama = LlamaConfig(
        V,
        BLOCK_SIZE,
        hidden_size=24,
        intermediate_size=40,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    make("llama-small", Llama(llama), NOTE)


if __name__ == "__main__":
    main()
