"""Writes tests/data/elementary.txt: elementary functions of f64 to 160 bits, by mpmath.

A line `function name` opens a function; each line after it is an argument (two for pow), the f64 nearest to the result, and
the f64 nearest to what that leaves, as bit patterns. Usage: python3 tools/elementary.py [points] [path]
"""

import random
import struct
import sys

from mpmath import acos, asin, atan, cbrt, cos, cosh, erf, erfc, exp, expm1, log, log1p, mp, mpf, pi, sin, sinh, sqrt, tan, tanh

mp.prec = 160
EDGE_EXPONENTS = (-1074, -1050, -1022, -600, -60, -54, -53, -30, -27, -10, -5, -2, -1, 0, 1, 2, 4, 6, 9)


def exact(function):
    """`function` at whatever precision it takes to get 160 bits of the result right."""

    def at_precision(*arguments):
        with mp.workprec(1400 if any(abs(x) > 2**53 or 0 < abs(x) < 2**-90 for x in arguments) else 320):
            return function(*arguments)

    return at_precision


def sigmoid(x):
    return 1 / (1 + exp(-x))


def softplus(x):
    return log1p(exp(x))


# name: function, the range where it varies, whether negative arguments are in its domain
FUNCTIONS = {
    "exp": (exp, 750, True),
    "exp2": (lambda x: mpf(2) ** x, 1080, True),
    "exp_m1": (expm1, 712, True),
    "sigmoid": (sigmoid, 750, True),
    "ln": (log, 1e308, False),
    "ln_1p": (log1p, 1e308, "above -1"),
    "log2": (lambda x: log(x) / log(2), 1e308, False),
    "log10": (lambda x: log(x) / log(10), 1e308, False),
    "sin": (sin, 1e308, True),
    "cos": (cos, 1e308, True),
    "tan": (tan, 1e308, True),
    "asin": (asin, 1, True),
    "acos": (acos, 1, True),
    "atan": (atan, 1e308, True),
    "sinh": (sinh, 712, True),
    "cosh": (cosh, 712, True),
    "tanh": (tanh, 30, True),
    "erf": (erf, 8, True),
    "erfc": (erfc, 28, True),
    "cbrt": (lambda x: cbrt(x) if x >= 0 else -cbrt(-x), 1e308, True),
    "softplus": (softplus, 740, True),
}


def arguments(limit, negative, points, generator):
    """Arguments of every size up to `limit`, denser where functions bend."""
    while points > 0:
        kind = generator.random()
        if kind < 0.45:
            x = generator.uniform(0, min(limit, 50))
        elif kind < 0.6:
            x = generator.uniform(0, min(limit, 2))
        elif kind < 0.7:
            x = 1 + generator.uniform(-1, 1) * 2.0 ** generator.uniform(-40, 0)
        elif kind < 0.85:
            x = generator.uniform(0, limit) if limit < 1e4 else 2.0 ** generator.uniform(0, 1023)
        else:
            x = 2.0 ** generator.choice(EDGE_EXPONENTS) * generator.uniform(1, 2)
        if negative and generator.random() < 0.5:
            x = -x
        if abs(x) <= limit and not (negative == "above -1" and x <= -1) and x != 0:
            points -= 1
            yield x


def pairs(points, generator):
    """Arguments of pow: results of every size, and bases near one with large exponents."""
    while points > 0:
        base = generator.choice((generator.uniform(0, 10), 2.0 ** generator.uniform(-1074, 1023), 1 + generator.uniform(-1, 1) * 2.0 ** -generator.uniform(1, 40)))
        size = float(log(mpf(base))) if base > 0 and base != 1 else 0
        if size == 0:
            continue
        exponent = generator.choice((generator.uniform(-745, 709.7) / size, generator.uniform(-3, 3), float(generator.randint(-9, 9))))
        if abs(exponent * size) > 744 or exponent * size > 709 or exponent == 0:
            continue
        if exponent == int(exponent) and abs(exponent) < 2**53 and generator.random() < 0.5:
            base = -base
        points -= 1
        yield base, exponent


def bits(value):
    return f"{struct.unpack('<Q', struct.pack('<d', value))[0]:016x}"


def line(inputs, result):
    """One line of the table; a result too large for f64 is infinite, and leaves nothing."""
    high = float(result)
    low = 0.0 if high in (float("inf"), float("-inf")) else float(result - mpf(high))
    return " ".join(bits(value) for value in (*inputs, high, low))


def main():
    points = int(sys.argv[1]) if len(sys.argv) > 1 else 160
    path = sys.argv[2] if len(sys.argv) > 2 else "tests/data/elementary.txt"
    generator = random.Random(7)
    with open(path, "w", encoding="ascii") as file:
        for name, (function, limit, negative) in FUNCTIONS.items():
            print(f"function {name}", file=file)
            for x in arguments(limit, negative, points, generator):
                print(line((x,), exact(function)(mpf(x))), file=file)
        print("function pow", file=file)
        for base, exponent in pairs(points, generator):
            print(line((base, exponent), exact(lambda b, e: b**int(e) if e == int(e) else b**e)(mpf(base), mpf(exponent))), file=file)


if __name__ == "__main__":
    main()
