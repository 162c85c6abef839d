"""AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019)."""

import torch

BETAS = (0.9, 0.99)
EPSILON = 1e-08
WEIGHT_DECAY = 0.1


def optimizers_of(model):
    """What moves the parameters of a model: matrices and embeddings decay, norms and biases do not."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() == 2], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    return [torch.optim.AdamW(groups, betas=BETAS, eps=EPSILON)]
