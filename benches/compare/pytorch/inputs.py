"""Inputs that every side makes for itself, to the same bits: benches/protocol/inputs.rs in Python."""

import math

import torch

SCALE = math.sqrt(3) / 65536
CHUNK = 1 << 20


def values(sizes, key: int, factor: float | None = None) -> torch.Tensor:
    """Numbers of mean 0 and deviation 1, nearly normal, each times a factor: sums of four that are uniform, made odd."""
    count = math.prod(sizes)
    result = torch.empty(count, device="cpu")
    for start in range(0, count, CHUNK):
        places = torch.arange(start + 1, min(start + CHUNK, count) + 1, dtype=torch.int64, device="cpu")
        words = _mixed((places * _signed(0x9E3779B97F4A7C15)).add_(_signed((key << 32) * 0x9E3779B97F4A7C15)))
        sums = sum((words >> (16 * quarter)) & 0xFFFF for quarter in range(4))
        result[start : start + CHUNK] = ((sums - 2 * 0xFFFF) | 1).float() * SCALE
    if factor is not None:
        result *= factor
    return result.reshape(sizes).to(torch.get_default_device())


def labels(rows: int, classes: int) -> torch.Tensor:
    """Labels below `classes`."""
    return torch.arange(rows) * 7919 % classes


def _mixed(words: torch.Tensor) -> torch.Tensor:
    """The finalizer of SplitMix64 (Steele, Lea and Flood 2014): int64 wraps as u64 does, and shifts are made logical."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        words = (words ^ _shifted(words, shift)) * _signed(factor)
    return words ^ _shifted(words, 31)


def _shifted(words: torch.Tensor, places: int) -> torch.Tensor:
    return (words >> places) & ((1 << (64 - places)) - 1)


def _signed(word: int) -> int:
    word &= (1 << 64) - 1
    return word - (1 << 64) if word >> 63 else word
