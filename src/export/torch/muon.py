"""Muon for the matrices of a model's blocks, and AdamW for the rest.

Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.
Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.
"""

import torch

BETAS = (0.9, 0.99)
EPSILON = 1e-08
WEIGHT_DECAY = 0.1
MOMENTUM = 0.95
FACTOR = 3  # Muon's learning rate in units of AdamW's
BLOCKS = ".h."  # in the names of what is in blocks


def optimizers_of(model):
    """What moves the parameters of a model: embeddings decay, as the matrices do; norms and biases do not."""
    hidden = {name: p for name, p in model.named_parameters() if p.dim() == 2 and BLOCKS in name}
    rest = [p for name, p in model.named_parameters() if name not in hidden]
    groups = [
        {"params": [p for p in rest if p.dim() == 2], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in rest if p.dim() < 2], "weight_decay": 0.0},
    ]
    #: if packed
    matrices = [  # queries, keys and values stand side by side in one
        {"params": [p for name, p in hidden.items() if "c_attn" in name], "parts": 3},
        {"params": [p for name, p in hidden.items() if "c_attn" not in name], "parts": 1},
    ]
    return [torch.optim.AdamW(groups, betas=BETAS, eps=EPSILON), Muon(matrices)]
    #: else
    return [torch.optim.AdamW(groups, betas=BETAS, eps=EPSILON), Muon(hidden.values())]
    #: end


class Muon(torch.optim.Optimizer):
    """With G the gradient of a matrix W of R rows and C columns:

        M = MOMENTUM M + G
        O = 0.2 sqrt(max(R, C)) orthogonalized(G + MOMENTUM M)
        W = W (1 - lr WEIGHT_DECAY) - lr O

    The size is Moonlight's (Liu et al., "Muon is scalable for LLM training", 2025).
    """

    def __init__(self, parameters):
        super().__init__(parameters, {"lr": 0.0})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            rate = FACTOR * group["lr"]
            for matrix in group["params"]:
                momentum = self.state[matrix]["exp_avg"]  # as AdamW calls its first moment
                momentum.mul_(MOMENTUM).add_(matrix.grad)
                update = matrix.grad + MOMENTUM * momentum
                #: if packed
                update = torch.cat([sized(part) for part in update.chunk(group["parts"], dim=1)], dim=1)
                #: else
                update = sized(update)
                #: end
                matrix.mul_(1 - rate * WEIGHT_DECAY).sub_(rate * update)


def sized(X):
    return 0.2 * max(X.shape) ** 0.5 * orthogonalized(X)


def orthogonalized(X):
    """U V^T, nearly, for X = U S V^T: a polynomial, five times over, takes singular values to between 0.68 and 1.21."""
    a, b, c = 3.4445, -4.7750, 2.0315
    is_tall = X.shape[0] > X.shape[1]
    X = X.t() if is_tall else X
    X = X / (X.norm() + 1e-7)
    for _ in range(5):
        A = X @ X.t()
        X = a * X + (b * A + c * A @ A) @ X
    return X.t() if is_tall else X
