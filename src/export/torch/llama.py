"""A Llama (Touvron et al., 2023): rotary positions, RMS norm, SwiGLU, queries that share keys and values.

Parameters carry the names and layouts of Hugging Face's Llama. None are drawn here: all lie in checkpoint.safetensors.
Dims: B batch, T time, C width, H heads, K key-value heads, D head width, V vocabulary.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

VOCABULARY = 65  # V
CONTEXT = 64  # T at most
LAYERS = 4
HEADS = 4  # H
KEY_VALUE_HEADS = 2  # K
WIDTH = 128  # C
HIDDEN = 344  # width of the MLP
NORM_EPSILON = 1e-05
ROPE_BASE = 10000
#: if dropout
DROPOUT = 0.2
#: end

HEAD_WIDTH = WIDTH // HEADS  # D


class RMSNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + NORM_EPSILON) * self.weight


def linear(inputs, outputs):
    return nn.Linear(inputs, outputs, bias=False)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q_proj = linear(WIDTH, WIDTH)
        self.k_proj = linear(WIDTH, KEY_VALUE_HEADS * HEAD_WIDTH)
        self.v_proj = linear(WIDTH, KEY_VALUE_HEADS * HEAD_WIDTH)
        self.o_proj = linear(WIDTH, WIDTH)

    def forward(self, x):
        q, k, v = (heads(layer(x)) for layer in (self.q_proj, self.k_proj, self.v_proj))
        y = attend(rotate(q), rotate(k), v)  # (B, H, T, D)
        return self.o_proj(y.transpose(1, 2).flatten(2))  # (B, T, C)


def heads(x):
    """(B, T, heads D) -> (B, heads, T, D)"""
    return x.view(*x.shape[:2], -1, HEAD_WIDTH).transpose(1, 2)


def rotate(x):
    """Rotary positions (Su et al., 2021): (B, heads, T, D) -> the same.

    The pair (i, i + D / 2) of a head turns by position * ROPE_BASE^(-2i / D) radians.
    """
    T, D = x.shape[-2:]
    frequencies = ROPE_BASE ** (-torch.arange(0, D, 2, device=x.device) / D)  # (D / 2)
    angles = torch.outer(torch.arange(T, device=x.device), frequencies)  # (T, D / 2)
    a, b = x.chunk(2, dim=-1)  # (B, heads, T, D / 2)
    return torch.cat((a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()), dim=-1)


def attend(q, k, v):
    """softmax(q k^T / sqrt(D)) v, each token seeing itself and those before it: q (B, H, T, D); k, v (B, K, T, D).

    PyTorch 2 has what follows the first line as one fast call: F.scaled_dot_product_attention(q, k, v, is_causal=True).
    """
    k, v = (x.repeat_interleave(HEADS // KEY_VALUE_HEADS, dim=1) for x in (k, v))  # (B, H, T, D)
    T, D = q.shape[-2:]
    future = torch.ones(T, T, dtype=torch.bool, device=q.device).triu(1)
    scores = (q @ k.transpose(-2, -1) / math.sqrt(D)).masked_fill(future, -math.inf)  # (B, H, T, T)
    return scores.softmax(dim=-1) @ v  # (B, H, T, D)


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate_proj = linear(WIDTH, HIDDEN)
        self.up_proj = linear(WIDTH, HIDDEN)
        self.down_proj = linear(HIDDEN, WIDTH)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))  # (B, T, C)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.input_layernorm = RMSNorm()
        self.self_attn = Attention()
        self.post_attention_layernorm = RMSNorm()
        self.mlp = MLP()

    def forward(self, x):
        #: if dropout
        x = x + F.dropout(self.self_attn(self.input_layernorm(x)), DROPOUT, self.training)  # (B, T, C)
        return x + F.dropout(self.mlp(self.post_attention_layernorm(x)), DROPOUT, self.training)  # (B, T, C)
        #: else
        x = x + self.self_attn(self.input_layernorm(x))  # (B, T, C)
        return x + self.mlp(self.post_attention_layernorm(x))  # (B, T, C)
        #: end


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.ModuleDict(
            {
                "embed_tokens": nn.Embedding(VOCABULARY, WIDTH),
                "layers": nn.ModuleList(Block() for _ in range(LAYERS)),
                "norm": RMSNorm(),
            }
        )
        #: if untied
        self.lm_head = linear(WIDTH, VOCABULARY)
        #: end

    def forward(self, ids):
        """Scores of every token as the next one: (B, T) -> (B, T, V)."""
        x = self.model.embed_tokens(ids)  # (B, T, C)
        #: if dropout
        x = F.dropout(x, DROPOUT, self.training)
        #: end
        for block in self.model.layers:
            x = block(x)  # (B, T, C)
        #: if untied
        return self.lm_head(self.model.norm(x))
        #: else
        return self.model.norm(x) @ self.model.embed_tokens.weight.t()
        #: end
