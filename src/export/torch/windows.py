"""The text as tokens, and the order in which training sees it.

The order is dawnlm's, so that each batch is the one that it would have had next.
"""

import os
from pathlib import Path

import torch
from torch.nn.utils.rnn import pad_sequence

from model import CONTEXT

TOKEN = torch.int16  # of the numbers in train.bin and validation.bin
SEED = 1337


def read(name):
    """The tokens of a file beside this one, which are read when they are needed."""
    path = str(Path(__file__).parent / name)
    size = os.path.getsize(path) // torch.empty(0, dtype=TOKEN).element_size()
    return torch.from_file(path, size=size, dtype=TOKEN)


class Windows:
    """CONTEXT + 1 tokens every CONTEXT tokens.

    Each epoch sees every window once, in an order and from an offset of its own. Where a window lies depends on the
    seed and its number alone: nothing is stored between steps.
    """

    def __init__(self, tokens):
        self.tokens = tokens
        self.per_epoch = max(1, len(tokens) // CONTEXT - 1)
        self.offsets = min(CONTEXT, len(tokens) - self.per_epoch * CONTEXT)

    def batch(self, numbers):
        """Windows by their numbers in the whole training: inputs and the tokens that follow them, (B, T) each."""
        starts = [self.start(number) for number in numbers]
        windows = torch.stack([self.tokens[start : start + CONTEXT + 1] for start in starts]).long()
        return windows[:, :-1], windows[:, 1:]

    def start(self, number):
        epoch, index = divmod(number, self.per_epoch)
        key = mix(SEED, epoch)
        return mix(key, epoch) % self.offsets + permute(index, self.per_epoch, key) * CONTEXT


def stretches(tokens, size, wanted):
    """So many stretches of `size` windows (0: all), spread over a text: inputs, targets, and how many of them count.

    The last one may be shorter: what fills its last window up is -100, which cross_entropy passes over.
    """
    stretch = size * CONTEXT
    total = -(-(len(tokens) - 1) // stretch)
    wanted = min(wanted or total, total)
    for i in range(wanted):
        start = i * total // wanted * stretch
        end = min(start + stretch, len(tokens) - 1)
        inputs = tokens[start:end].long().split(CONTEXT)
        targets = tokens[start + 1 : end + 1].long().split(CONTEXT)
        yield pad_sequence(inputs, True), pad_sequence(targets, True, -100), end - start


def mix(a, b):
    """Murmur3's 32-bit finalizer over two words: every bit of both moves every bit of the result."""
    h = (a * 0x9E3779B1 ^ (b + 0x7F4A7C15) * 0x85EBCA77) & 0xFFFFFFFF
    h = (h ^ h >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    h = (h ^ h >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return h ^ h >> 16


def permute(index, size, key):
    """The image of index under the permutation of 0 ... size - 1 that key picks.

    A Feistel network permutes the smallest square power of two that holds size; an image outside is permuted again
    until it falls inside (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002).
    """
    bits = max(1, ((size - 1).bit_length() + 1) // 2)
    low = (1 << bits) - 1
    while True:
        left, right = index >> bits, index & low
        for turn in range(6):
            left, right = right, (left ^ mix(key + turn, right)) & low
        index = left << bits | right
        if index < size:
            return index
