"""Writes tests/data/activations.txt: every activation, by mpmath: of one number at its usual parameters, of more at some.

A line `formula name parameters...` opens an activation; each line after it is the inputs, the value and the derivative in each
input, as bit patterns of f64. The definitions are those of tools/catalogue.py. What is drawn for a line is what the crate draws
there under the seed 0. Usage: python3 tools/activations.py [path]
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
    "rrelu": lambda x, low, high, chance: x if x > 0 else (low + (high - low) * chance) * x,
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
    "rrelu": ((0.125, 1 / 3), (0,), ()),
}
DRAWING = {"rrelu"}
# The same of those whose parameters are inputs, for a few parameters each.
LEARNED = {
    "prelu": [((0.25,), (0,), ()), ((0.01,), (0,), ()), ((-1.5,), (0,), ())],
    "threshold_relu": [((1,), (1,), ()), ((0,), (0,), ()), ((-0.7,), (-0.7,), ())],
    "srelu_left": [((-1, 0.1), (-1,), (9,)), ((0.4, 0.5), (0.4,), (-0.4,)), ((-3, 1.5), (-3,), ())],
    "srelu_right": [((1, 0.1), (1,), (-9,)), ((-0.4, 0.5), (-0.4,), (0.4,)), ((3, 1.5), (3,), ())],
    "parametric_apl": [((0.2, 0), (0,), ()), ((0.1, -1), (0, -1), ()), ((-0.3, 1.5), (0, 1.5), (0.35,))],
    "apl_hinge": [((0.2, 0), (0,), ()), ((0.1, -1), (-1,), ()), ((-0.3, 1.5), (1.5,), ())],
    "parametric_elu": [((1,), (0,), ()), ((0.3,), (0,), ()), ((2.5,), (0,), ())],
    "parametric_swish": [((1,), (), (-1.28,)), ((0.3,), (), (-4.27,)), ((2.5,), (), (-0.51,))],
    "parametric_softplus": [((1,), (), ()), ((0.3,), (), ()), ((2.5,), (), ())],
    "parametric_squareplus": [((4,), (), ()), ((0.3,), (), ()), ((1,), (), ())],
    "parametric_isru": [((1,), (), ()), ((0.3,), (), ()), ((2.5,), (), ())],
    "parametric_isrlu": [((1,), (0,), ()), ((0.3,), (0,), ()), ((2.5,), (0,), ())],
    "parametric_soft_exponential": [((0.5,), (), (-0.575,)), ((1,), (), (-0.69,)), ((0,), (), ()), ((0.25,), (), (-0.26,))],
}


def signs(numbers):
    return [sign * number for number in numbers for sign in (1, -1)]


def anywhere(generator):
    """Numbers of every size, most where functions bend."""
    yield from (generator.uniform(-6, 6) for _ in range(60))
    yield from signs(10 ** generator.uniform(-6, 0) for _ in range(10))
    yield from signs(10 ** generator.uniform(-35, -6) for _ in range(6))
    yield from signs(generator.uniform(6, 40) for _ in range(12))
    yield from signs(generator.uniform(40, 720) for _ in range(6))
    yield from signs(10 ** generator.uniform(3, 30) for _ in range(4))
    # Where gates saturate: e^-37 and e^-709 are the last numbers that f64 has beside 1 and beside 0.
    yield from signs(near * (1 + generator.uniform(-1, 1) / 64) for near in (1, 5, 8, 17, 37, 709))


def close_to(kinks, zeros, function):
    """Numbers on both sides of what is special."""
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


def philox(block):
    """Four random words of the seed 0, as src/formula/philox.rs."""
    c0, c1, c2, c3 = block, 0, 0, 0
    k0, k1 = 0, 0
    for _ in range(10):
        a, b = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = b >> 32 ^ c1 ^ k0, b & 0xFFFFFFFF, a >> 32 ^ c3 ^ k1, a & 0xFFFFFFFF
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return c0, c1, c2, c3


def draw(row):
    return mpf(philox(row // 4)[row % 4]) / 2**32


def line(definition, inputs, others):
    """The inputs, the value and the derivative in each input."""

    def derivative(place):
        def along(at):
            return definition(*exact[:place], at, *exact[place + 1 :], *others)

        return mp.diff(along, exact[place], h=mpf(2) ** -200 * max(abs(exact[place]), mpf(10) ** -45))

    exact = [mpf(number) for number in inputs]
    slopes = map(derivative, range(len(exact)))
    return " ".join(map(bits, (*inputs, definition(*exact, *others), *slopes)))


def inputs(numbers, kinks, zeros, function):
    return sorted({float(x) for x in (*numbers, *close_to(kinks, zeros, function))} - set(map(float, kinks)) - {0.0})


def of_one_number():
    for name, (parameters, kinks, zeros) in ACTIVATIONS.items():
        yield " ".join(["formula", name, *map(str, parameters)])
        exact, definition = [mpf(p) for p in parameters], DEFINITIONS[name]
        numbers = anywhere(random.Random(name))
        for row, x in enumerate(inputs(numbers, kinks, zeros, lambda x: definition(x, *exact))):
            yield line(definition, (x,), [*exact, draw(row)] if name in DRAWING else exact)


def learned():
    for name, sets in LEARNED.items():
        yield f"formula {name}"
        definition, numbers = DEFINITIONS[name], list(anywhere(random.Random(name)))
        for place, (parameters, kinks, zeros) in enumerate(sets):
            exact, share = [mpf(p) for p in parameters], numbers[place :: len(sets)]
            for x in inputs(share, kinks, zeros, lambda x: definition(x, *exact)):
                yield line(definition, (x, *parameters), ())


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "tests/data/activations.txt"
    with open(path, "w", encoding="ascii") as file:
        for text in (*of_one_number(), *learned()):
            print(text, file=file)


if __name__ == "__main__":
    main()
