"""Two small reference models in plain PyTorch: GPT-2 style and Llama style.

Parameters carry the names and layouts of the Hugging Face checkpoints, so that `named_parameters()` is already the
file format. GPT-2's four projections are Conv1D, (in, out) with y = x @ W + b; all of Llama's are Linear, (out, in).

Sources: Hugging Face's modeling_gpt2.py and modeling_llama.py for names, layouts and conventions; Karpathy's nanoGPT
(https://github.com/karpathy/nanoGPT, MIT licence) for the options `bias=False` and the erf GELU and for the shape
of the whole. Dims: B batch, T time, C width, H heads, D head width, V vocabulary.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

IGNORED = -1  # target that counts neither in the loss nor in its mean


def cross_entropy(logits, targets):
    """Mean over the targets that are not IGNORED, in nats. logits (B, T, V), targets (B, T)."""
    return F.cross_entropy(logits.flatten(0, -2), targets.flatten(), ignore_index=IGNORED)


def causal_attention(q, k, v):
    """softmax(q k^T / sqrt(D) + mask) v.  q (B, H, T, D); k, v (B, G, T, D) with G dividing H.

    Query head h reads key-value head floor(h / (H / G)), as Hugging Face's repeat_kv has it.
    """
    group = q.shape[1] // k.shape[1]
    k = k.repeat_interleave(group, dim=1)  # (B, H, T, D)
    v = v.repeat_interleave(group, dim=1)  # (B, H, T, D)
    T, D = q.shape[2:]
    future = torch.ones(T, T, dtype=torch.bool).triu(1)
    scores = (q @ k.transpose(-2, -1) / math.sqrt(D)).masked_fill(future, -math.inf)  # (B, H, T, T)
    return scores.softmax(dim=-1) @ v  # (B, H, T, D)


def split_heads(x, heads):
    B, T, C = x.shape
    return x.view(B, T, heads, C // heads).transpose(1, 2)  # (B, H, T, D)


def merge_heads(x):
    return x.transpose(1, 2).flatten(2)  # (B, T, H * D)


# ---------------------------------------------------------------------------------------------------------- GPT-2


@dataclass
class GPT2Config:
    """Field names of Hugging Face's GPT-2 config.json; `bias` is nanoGPT's.

    activation_function is "gelu_new" (the tanh approximation) or "gelu" (erf, as in nanoGPT).
    """

    vocab_size: int
    n_positions: int
    n_embd: int
    n_layer: int
    n_head: int
    activation_function: str = "gelu_new"
    layer_norm_epsilon: float = 1e-5
    bias: bool = True


class LayerNorm(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.epsilon = config.layer_norm_epsilon
        self.weight = nn.Parameter(torch.ones(config.n_embd))
        self.bias = nn.Parameter(torch.zeros(config.n_embd)) if config.bias else None

    def forward(self, x):
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.epsilon)


class Conv1D(nn.Module):
    """y = x @ W + b with W (in, out): GPT-2's layout, the transpose of nn.Linear's."""

    def __init__(self, inputs, outputs, bias):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, x):
        y = x @ self.weight
        return y if self.bias is None else y + self.bias


class GPT2Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.heads = config.n_head
        self.c_attn = Conv1D(config.n_embd, 3 * config.n_embd, config.bias)
        self.c_proj = Conv1D(config.n_embd, config.n_embd, config.bias)

    def forward(self, x):
        q, k, v = (split_heads(part, self.heads) for part in self.c_attn(x).chunk(3, dim=-1))  # each (B, H, T, D)
        return self.c_proj(merge_heads(causal_attention(q, k, v)))  # (B, T, C)


class GPT2MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.approximate = {"gelu_new": "tanh", "gelu": "none"}[config.activation_function]
        self.c_fc = Conv1D(config.n_embd, 4 * config.n_embd, config.bias)
        self.c_proj = Conv1D(4 * config.n_embd, config.n_embd, config.bias)

    def forward(self, x):
        return self.c_proj(F.gelu(self.c_fc(x), approximate=self.approximate))  # (B, T, C)


class GPT2Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.ln_1 = LayerNorm(config)
        self.attn = GPT2Attention(config)
        self.ln_2 = LayerNorm(config)
        self.mlp = GPT2MLP(config)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))  # (B, T, C)
        return x + self.mlp(self.ln_2(x))  # (B, T, C)


class GPT2(nn.Module):
    """GPT-2 with the head tied to the token embedding, and no dropout."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.transformer = nn.ModuleDict(
            {
                "wte": nn.Embedding(config.vocab_size, config.n_embd),
                "wpe": nn.Embedding(config.n_positions, config.n_embd),
                "h": nn.ModuleList(GPT2Block(config) for _ in range(config.n_layer)),
                "ln_f": LayerNorm(config),
            }
        )

    def forward(self, ids):
        x = self.transformer.wte(ids) + self.transformer.wpe.weight[: ids.shape[1]]  # (B, T, C)
        for block in self.transformer.h:
            x = block(x)  # (B, T, C)
        return self.transformer.ln_f(x) @ self.transformer.wte.weight.t()  # (B, T, V)

    def initialize(self):
        """GPT-2's start: N(0, 0.02), residual projections N(0, 0.02 / sqrt(2 layers)), norms 1, biases 0."""
        for name, parameter in self.named_parameters():
            if parameter.dim() >= 2:
                shrink = math.sqrt(2 * self.config.n_layer) if name.endswith("c_proj.weight") else 1
                nn.init.normal_(parameter, std=0.02 / shrink)


# ---------------------------------------------------------------------------------------------------------- Llama


@dataclass
class LlamaConfig:
    """Field names of Hugging Face's Llama config.json."""

    vocab_size: int
    max_position_embeddings: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0


def rms_norm(x, weight, epsilon):
    """x / sqrt(mean(x^2) + epsilon) * weight, over the last axis."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + epsilon) * weight


def rope(x, base, offset=0):
    """Rotary positions in Hugging Face's rotate_half convention. x (..., T, D), D even.

    Channel i < D/2 turns together with channel i + D/2, by the angle position * base^(-2i / D). The first of the T
    positions is `offset`.
    """
    T, D = x.shape[-2:]
    frequencies = base ** (-torch.arange(0, D, 2, dtype=x.dtype) / D)  # (D/2)
    angles = torch.outer(torch.arange(offset, offset + T, dtype=x.dtype), frequencies)  # (T, D/2)
    angles = torch.cat((angles, angles), dim=-1)  # (T, D)
    low, high = x.chunk(2, dim=-1)
    return x * angles.cos() + torch.cat((-high, low), dim=-1) * angles.sin()  # (..., T, D)


class RMSNorm(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.epsilon = config.rms_norm_eps
        self.weight = nn.Parameter(torch.ones(config.hidden_size))

    def forward(self, x):
        return rms_norm(x, self.weight, self.epsilon)


class LlamaAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        head_dim = config.hidden_size // config.num_attention_heads
        kv_size = config.num_key_value_heads * head_dim
        self.q_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.k_proj = nn.Linear(config.hidden_size, kv_size, bias=False)
        self.v_proj = nn.Linear(config.hidden_size, kv_size, bias=False)
        self.o_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=False)

    def forward(self, x):
        config = self.config
        q = split_heads(self.q_proj(x), config.num_attention_heads)  # (B, H, T, D)
        k = split_heads(self.k_proj(x), config.num_key_value_heads)  # (B, G, T, D)
        v = split_heads(self.v_proj(x), config.num_key_value_heads)  # (B, G, T, D)
        y = causal_attention(rope(q, config.rope_theta), rope(k, config.rope_theta), v)  # (B, H, T, D)
        return self.o_proj(merge_heads(y))  # (B, T, C)


class LlamaMLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))  # (B, T, C)


class LlamaBlock(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.input_layernorm = RMSNorm(config)
        self.self_attn = LlamaAttention(config)
        self.post_attention_layernorm = RMSNorm(config)
        self.mlp = LlamaMLP(config)

    def forward(self, x):
        x = x + self.self_attn(self.input_layernorm(x))  # (B, T, C)
        return x + self.mlp(self.post_attention_layernorm(x))  # (B, T, C)


class Llama(nn.Module):
    """Llama with an untied head and no biases."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.model = nn.ModuleDict(
            {
                "embed_tokens": nn.Embedding(config.vocab_size, config.hidden_size),
                "layers": nn.ModuleList(LlamaBlock(config) for _ in range(config.num_hidden_layers)),
                "norm": RMSNorm(config),
            }
        )
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    def forward(self, ids):
        x = self.model.embed_tokens(ids)  # (B, T, C)
        for block in self.model.layers:
            x = block(x)  # (B, T, C)
        return self.lm_head(self.model.norm(x))  # (B, T, V)


# ------------------------------------------------------------------------------------------------------- training


def adamw(model, lr, betas, weight_decay=0.1, eps=1e-8):
    """torch.optim.AdamW with weight decay on tensors of two or more dimensions and none on the others."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=betas, eps=eps)


def train_step(model, optimizer, inputs, targets, max_norm=1.0):
    """One step with the gradient clipped at the global norm max_norm. Returns (loss, norm before clipping)."""
    optimizer.zero_grad()
    loss = cross_entropy(model(inputs), targets)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimizer.step()
    return loss.item(), norm.item()
