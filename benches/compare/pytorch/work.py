"""What PyTorch's side times, and in which of its forms."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

HOW = ("eager", "compiled", "out", "foreach")


class Absent(Exception):
    """PyTorch does not have this workload in this form, and why."""


@dataclass
class Work:
    """One operation, from inputs to a tensor or several."""

    run: Callable[[], Any]
    # From what `run` gives to the tensors that the other sides give, in their layout.
    shown: Callable[[Any], Any] = lambda results: results


def chosen(how: str, run: Callable) -> Callable:
    """The function itself, or compiled in the default mode."""
    return torch.compile(run) if how == "compiled" else run


def pick(how: str, run: Callable, *inputs: torch.Tensor, out: Callable | None = None) -> Work:
    """An operation that allocates its result, or that writes into tensors made beforehand."""
    if how == "out":
        if out is None:
            raise Absent("no form with out=")
        return Work(partial(out, *inputs))
    if how == "foreach":
        raise Absent("is for optimisers")
    return Work(partial(chosen(how, run), *inputs))


def only(how: str, *allowed: str) -> None:
    """Refuses every other form."""
    if how not in allowed:
        raise Absent("is for optimisers" if how == "foreach" else "no form with out=")
