"""A GPT-2 (Radford et al., 2019): learned positions, layer norm, GELU.

Parameters carry the names and layouts of Hugging Face's GPT-2. None are drawn here: all lie in checkpoint.safetensors.
Dims: B batch, T time, C width, H heads, D head width, V vocabulary.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

VOCABULARY = 65  # V
CONTEXT = 64  # T at most
LAYERS = 4
HEADS = 4  # H
WIDTH = 128  # C
HIDDEN = 512  # width of the MLP
NORM_EPSILON = 1e-05
#: if dropout
DROPOUT = 0.2
#: end


class Linear(nn.Module):
    """y = x W + b with W as (in, out): the transpose of nn.Linear's."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(inputs, outputs))
        #: if bias
        self.bias = nn.Parameter(torch.zeros(outputs))
        #: end

    def forward(self, x):
        #: if bias
        return x @ self.weight + self.bias
        #: else
        return x @ self.weight
        #: end


class LayerNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(WIDTH))
        #: if bias
        self.bias = nn.Parameter(torch.zeros(WIDTH))
        #: end

    def forward(self, x):
        #: if bias
        return F.layer_norm(x, (WIDTH,), self.weight, self.bias, NORM_EPSILON)
        #: else
        return F.layer_norm(x, (WIDTH,), self.weight, None, NORM_EPSILON)
        #: end


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.c_attn = Linear(WIDTH, 3 * WIDTH)
        self.c_proj = Linear(WIDTH, WIDTH)

    def forward(self, x):
        B, T, C = x.shape
        heads = [part.view(B, T, HEADS, C // HEADS).transpose(1, 2) for part in self.c_attn(x).split(WIDTH, dim=-1)]
        return self.c_proj(attend(*heads).transpose(1, 2).reshape(B, T, C))  # (B, T, C)


def attend(q, k, v):
    """softmax(q k^T / sqrt(D)) v, each token seeing itself and those before it: (B, H, T, D) each.

    PyTorch 2 has it as one fast call: F.scaled_dot_product_attention(q, k, v, is_causal=True).
    """
    T, D = q.shape[-2:]
    future = torch.ones(T, T, dtype=torch.bool, device=q.device).triu(1)
    scores = (q @ k.transpose(-2, -1) / math.sqrt(D)).masked_fill(future, -math.inf)  # (B, H, T, T)
    return scores.softmax(dim=-1) @ v  # (B, H, T, D)


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.c_fc = Linear(WIDTH, HIDDEN)
        self.c_proj = Linear(HIDDEN, WIDTH)

    def forward(self, x):
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))  # (B, T, C)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1 = LayerNorm()
        self.attn = Attention()
        self.ln_2 = LayerNorm()
        self.mlp = MLP()

    def forward(self, x):
        #: if dropout
        x = x + F.dropout(self.attn(self.ln_1(x)), DROPOUT, self.training)  # (B, T, C)
        return x + F.dropout(self.mlp(self.ln_2(x)), DROPOUT, self.training)  # (B, T, C)
        #: else
        x = x + self.attn(self.ln_1(x))  # (B, T, C)
        return x + self.mlp(self.ln_2(x))  # (B, T, C)
        #: end


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.transformer = nn.ModuleDict(
            {
                "wte": nn.Embedding(VOCABULARY, WIDTH),
                "wpe": nn.Embedding(CONTEXT, WIDTH),
                "h": nn.ModuleList(Block() for _ in range(LAYERS)),
                "ln_f": LayerNorm(),
            }
        )
        #: if untied
        self.lm_head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        #: end

    def forward(self, ids):
        """Scores of every token as the next one: (B, T) -> (B, T, V)."""
        positions = torch.arange(ids.shape[1], device=ids.device)
        x = self.transformer.wte(ids) + self.transformer.wpe(positions)  # (B, T, C)
        #: if dropout
        x = F.dropout(x, DROPOUT, self.training)
        #: end
        for block in self.transformer.h:
            x = block(x)  # (B, T, C)
        #: if untied
        return self.lm_head(self.transformer.ln_f(x))
        #: else
        return self.transformer.ln_f(x) @ self.transformer.wte.weight.t()
        #: end
