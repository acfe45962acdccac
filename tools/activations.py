"""Writes tests/data/activations.txt: every activation of one number at its usual parameters, by mpmath.

A line `formula name parameters...` opens an activation; each line after it is x, the value and the derivative, as bit patterns
of f64. The definitions are those of tools/catalogue.py. Usage: python3 tools/activations.py [path]
"""

import random
import sys

from mpmath import atan, findroot, mp, mpf, sin
from catalogue import FORMULAS, bits

# Enough for x - tanh(x) at the smallest x, and differences of it.
mp.dps = 250
DEFINITIONS = {name: function for name, _, function, *_ in FORMULAS} | {
    "step": lambda x: mpf(0 if x < 0 else 1),
    "linear": lambda x: x,
    "relu": lambda x: max(x, mpf(0)),
    "atan": atan,
    "sin": sin,
}
# name: parameters, kinks, zeros of the value or the derivative to look closely at
ACTIVATIONS = {
    "step": ((), (0,), ()),
    "linear": ((), (), ()),
    "relu": ((), (0,), ()),
    "leaky_relu": ((0.01,), (0,), ()),
    "sigmoid": ((), (), ()),
    "tanh": ((), (), ()),
    "softplus": ((), (), ()),
    "elu": ((1,), (0,), ()),
    "gelu": ((), (), (-0.75,)),
    "gelu_tanh": ((), (-10, 10), (-0.75,)),
    "silu": ((), (), (-1.28,)),
    "clipped_relu": ((6,), (0, 6), ()),
    "shifted_relu": ((1,), (1,), ()),
    "threshold": ((1, 0), (1,), ()),
    "hard_shrink": ((0.5,), (-0.5, 0.5), ()),
    "soft_shrink": ((0.5,), (-0.5, 0.5), ()),
    "tanh_shrink": ((), (), ()),
    "hard_sigmoid": ((), (-3, 3), ()),
    "hard_tanh": ((), (-1, 1), ()),
    "hard_swish": ((), (-3, 3), (-1.5,)),
    "srelu": ((-1, 0.1, 1, 0.1), (-1, 1), (9, -9)),
    "apl": ((0.2, 0, 0.1, -1), (0, -1), ()),
    "atan": ((), (), ()),
    "softsign": ((), (), ()),
    "sqnl": ((), (-2, 0, 2), ()),
    "isru": ((1,), (), ()),
    "soboleva": ((1, 1, 1, 1), (), ()),
    "gaussian": ((), (), ()),
    "sin": ((), (), (3.14159, 1.5708, 314.159)),
    "sinc": ((), (-1, 1), (3.14159, 4.49341)),
    "selu": ((), (0,), ()),
    "celu": ((1,), (0,), ()),
    "delu": ((1, 2, 1.25643), (1.25643,), ()),
    "mish": ((), (), (-1.19,)),
    "elish": ((), (0,), (-0.88,)),
    "swish": ((1,), (), (-1.28,)),
    "sharp_softplus": ((1,), (), ()),
    "squareplus": ((4,), (), ()),
    "isrlu": ((1,), (0,), ()),
    "soft_exponential": ((0.5,), (), (-0.575,)),
    "bent_identity": ((), (-1e9, 1e9), ()),
    "log_sigmoid": ((), (), ()),
    "lisht": ((), (), ()),
}


def signs(numbers):
    return [sign * number for number in numbers for sign in (1, -1)]


def places(kinks, zeros, function, generator):
    """Numbers of every size, most where functions bend, and some on both sides of what is special."""
    yield from (generator.uniform(-6, 6) for _ in range(60))
    yield from signs(10 ** generator.uniform(-6, 0) for _ in range(10))
    yield from signs(10 ** generator.uniform(-35, -6) for _ in range(6))
    yield from signs(generator.uniform(6, 40) for _ in range(12))
    yield from signs(generator.uniform(40, 720) for _ in range(6))
    yield from signs(10 ** generator.uniform(3, 30) for _ in range(4))
    # Where gates saturate: e^-37 and e^-709 are the last numbers that f64 has beside 1 and beside 0.
    yield from signs(near * (1 + generator.uniform(-1, 1) / 64) for near in (1, 5, 8, 17, 37, 709))
    for at in kinks:
        size = abs(at) or 1
        yield from (at + side * size * 2.0**-power for power in (2, 8, 20, 30, 44, 52) for side in (1, -1))
    for near in zeros:
        # Twice: the first may be a zero of the value, the second of the derivative.
        for wanted in (function, lambda x: mp.diff(function, x)):
            try:
                at = float(findroot(wanted, near))
            except (ValueError, ZeroDivisionError):
                continue
            yield from (at * (1 + side * 2.0**-power) for power in (10, 25, 40, 51) for side in (1, -1))


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "tests/data/activations.txt"
    with open(path, "w", encoding="ascii") as file:
        for name, (parameters, kinks, zeros) in ACTIVATIONS.items():
            print(" ".join(["formula", name, *map(str, parameters)]), file=file)
            exact, definition = [mpf(p) for p in parameters], DEFINITIONS[name]
            places_here = places(kinks, zeros, lambda x: definition(x, *exact), random.Random(name))
            for x in sorted({float(x) for x in places_here} - set(map(float, kinks)) - {0.0}):
                step = mpf(2) ** -200 * max(abs(x), mpf(10) ** -45)
                slope = mp.diff(lambda at: definition(at, *exact), mpf(x), h=step)
                print(" ".join(map(bits, (x, definition(mpf(x), *exact), slope))), file=file)


if __name__ == "__main__":
    main()
