"""Tiny models as Hugging Face's programs leave them on a disk, with the logits that PyTorch computes of them.

Writes data/hf/<case>/: config.json, the weights (safetensors, written here by hand from the format's description) and
expected.safetensors with ids (as F32) and logits; and data/hf/tokenizer.json, which all of them share: a byte-level
BPE of 256 bytes, some merges and a special token. Each case has some of the quirks that are met in the wild. Weights
are rounded to the type that they are stored in before PyTorch computes with them in float32.
"""

import json
import math
import struct
from pathlib import Path

import torch

from models import GPT2, GPT2Config, Llama, LlamaConfig

DATA = Path(__file__).parent / "data" / "hf"
SEED = 5
T = 7
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def write_safetensors(path, tensors, dtype):
    """u64 length, JSON header, data; tensors in the order that they come in, masks in types of their own."""
    header, blobs, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in tensors.items():
        own = "BOOL" if tensor.dtype == torch.bool else dtype
        flat = tensor.detach().contiguous().flatten()
        if own == "BOOL":
            blob = bytes(flat.to(torch.uint8).tolist())
        elif own == "F32":
            blob = flat.numpy().tobytes()
        else:
            bits = flat.to(DTYPES[own]).view(torch.int16).numpy()
            blob = bits.tobytes()
        header[name] = {"dtype": own, "shape": list(tensor.shape), "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def write_model(folder, tensors, dtype, shards):
    if shards == 1:
        return write_safetensors(folder / "model.safetensors", tensors, dtype)
    names = list(tensors)
    size = math.ceil(len(names) / shards)
    weight_map = {}
    for i in range(shards):
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        part = {name: tensors[name] for name in names[i * size : (i + 1) * size]}
        write_safetensors(folder / file, part, dtype)
        weight_map.update({name: file for name in part})
    index = {"metadata": {"total_size": 0}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, separators=(",", ":")))


def spell():
    """GPT-2's alphabet: a printable character a byte."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {byte: chr(byte) for byte in printable} | {byte: chr(0x100 + i) for i, byte in enumerate(others)}
    return [letters[byte] for byte in printable + others]  # GPT-2's order


MERGES = "Ġ t|h e|Ġt he|i n|a n|Ġ w|Ġw h|a l|al e|Ġwh ale|an d".split("|")


def write_tokenizer():
    tokens = spell() + [pair.replace(" ", "") for pair in MERGES]
    vocab = {token: i for i, token in enumerate(tokens)} | {"<|endoftext|>": len(tokens)}
    added = {"id": len(tokens), "content": "<|endoftext|>", "single_word": False, "lstrip": False, "rstrip": False}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [added | {"normalized": True, "special": True}],
        "normalizer": None,
        "pre_tokenizer": level,
        "post_processor": level | {"trim_offsets": False},
        "decoder": level,
        # without a type, as the tokenizer.json of GPT-2 itself has it
        "model": {"dropout": None, "unk_token": None, "continuing_subword_prefix": "", "end_of_word_suffix": "",
                  "fuse_unk": False, "vocab": vocab, "merges": MERGES},
    }
    (DATA / "tokenizer.json").write_text(json.dumps(content, separators=(",", ":"), ensure_ascii=False) + "\n")
    return len(vocab)


def randomize(model, dtype):
    """Lively weights that are exact in the type that they are stored in."""
    generator = torch.Generator().manual_seed(SEED)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        value = 0.3 * noise if parameter.dim() >= 2 else 0.1 * noise + (0 if name.endswith("bias") else 1)
        parameter.data.copy_(value.to(DTYPES[dtype]).float())


class OwnHead(torch.nn.Module):
    """GPT-2 with a head that is not the token embedding, or Llama with one that is."""

    def __init__(self, model, head):
        super().__init__()
        self.model, self.head = model, head

    def forward(self, ids):
        hidden = []
        model = self.model.transformer.ln_f if isinstance(self.model, GPT2) else self.model.model.norm
        hook = model.register_forward_hook(lambda module, inputs, output: hidden.append(output))
        self.model(ids)
        hook.remove()
        return hidden[0] @ self.head.t()


def write_case(name, model, tensors, config, dtype, shards, V):
    folder = DATA / name
    folder.mkdir(parents=True, exist_ok=True)
    ids = torch.randint(V, (1, T), generator=torch.Generator().manual_seed(SEED))
    with torch.no_grad():
        logits = model(ids)[0]
    write_model(folder, tensors, dtype, shards)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    write_safetensors(folder / "expected.safetensors", {"ids": ids[0].float(), "logits": logits}, "F32")
    print(f"{name}: {sum(file.stat().st_size for file in folder.iterdir()):,} bytes, logits to {logits.abs().max():.2f}")


def gpt2(V, dtype, epsilon=1e-5):
    sizes = {"vocab_size": V, "n_positions": 12, "n_embd": 8, "n_layer": 2, "n_head": 2, "layer_norm_epsilon": epsilon}
    model = GPT2(GPT2Config(**sizes))
    randomize(model, dtype)
    config = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_ctx": 12, "n_inner": None, **sizes}
    more = {"activation_function": "gelu_new", "attn_pdrop": 0.1, "bos_token_id": V - 1, "eos_token_id": V - 1}
    return model, dict(model.named_parameters()), config | more


def llama(V, dtype, heads=4, groups=2, theta=10000.0):
    sizes = {"vocab_size": V, "max_position_embeddings": 12, "hidden_size": 8, "intermediate_size": 20,
             "num_hidden_layers": 2, "num_attention_heads": heads, "num_key_value_heads": groups,
             "rms_norm_eps": 1e-6, "rope_theta": theta}
    model = Llama(LlamaConfig(**sizes))
    randomize(model, dtype)
    config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_act": "silu", **sizes}
    return model, dict(model.named_parameters()), config | {"rope_scaling": None, "attention_bias": False}


def main():
    DATA.mkdir(parents=True, exist_ok=True)
    V = write_tokenizer()

    # GPT-2 as OpenAI's checkpoint is: no prefix, masks beside the weights, no head; and a vocabulary that is padded
    model, tensors, config = gpt2(V + 12, "F32")
    tensors = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
    for layer in range(2):
        tensors[f"h.{layer}.attn.bias"] = torch.ones(12, 12).tril().bool().view(1, 1, 12, 12)
        tensors[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    write_case("gpt2-bare", model, tensors, config, "F32", 1, V)

    # with the prefix, in two files, in bfloat16, and a head that is another matrix though the config says nothing of it
    model, tensors, config = gpt2(V, "BF16", epsilon=1e-6)
    head = (0.3 * torch.randn(V, 8, generator=torch.Generator().manual_seed(SEED + 1))).bfloat16().float()
    write_case("gpt2-own-head", OwnHead(model, head), tensors | {"lm_head.weight": head}, config, "BF16", 2, V)

    # Llama in three files of halves, its frequencies among them, keys shared by pairs of heads
    model, tensors, config = llama(V, "F16", theta=500000.0)
    for layer in range(2):
        tensors[f"model.layers.{layer}.self_attn.rotary_emb.inv_freq"] = torch.ones(1)
    write_case("llama-halves", model, tensors, config, "F16", 3, V)

    # tied, and the head written all the same; no prefix elsewhere; as many keys as heads goes without saying
    model, tensors, config = llama(V, "BF16", heads=2, groups=2)
    tied = tensors["model.embed_tokens.weight"]
    tensors = {name.removeprefix("model."): tensor for name, tensor in tensors.items()} | {"lm_head.weight": tied}
    config = config | {"tie_word_embeddings": True, "head_dim": 4}
    del config["num_key_value_heads"]
    write_case("llama-tied", OwnHead(model, tied), tensors, config, "BF16", 1, V)


if __name__ == "__main__":
    main()
