"""Writes tests/data/catalogue.txt: activations, special functions and others of the catalogue to 40 digits, by mpmath.

A line `formula name parameters...` opens a formula; each line after it is the inputs, the value, and the derivative in each
input, as bit patterns of f64. Derivatives are taken of the definitions here, away from kinks. Two thirds of the inputs are
exact in f32. Usage: python3 tools/catalogue.py [path]
"""

import random
import struct
import sys

import mpmath
from mpmath import acosh, asinh, atanh, cbrt, diff, digamma, erfc, exp, expm1, log, log1p, mp, mpf, pi, sin, sqrt, tanh

mp.dps = 50
ROWS = 72


def sigmoid(x):
    return 1 / (1 + exp(-x))


def softplus(x):
    return log1p(exp(x)) if x < 0 else x + log1p(exp(-x))


def phi(x):
    return erfc(-x / sqrt(mpf(2))) / 2


def real_cbrt(x):
    return cbrt(x) if x >= 0 else -cbrt(-x)


def erfc_inv(z):
    """By Newton's method on the logarithm, which is all but a parabola far out."""
    if z > 1:
        return -erfc_inv(2 - z)
    x = sqrt(-log(z)) if z < mpf("0.2") else (1 - z) * sqrt(pi) / 2
    for _ in range(12):
        x += (log(erfc(x)) - log(z)) * erfc(x) * exp(x * x) * sqrt(pi) / 2
    return x


def quantile(p):
    return -sqrt(mpf(2)) * erfc_inv(2 * p)


def ln_gamma(x):
    return log(abs(mpmath.gamma(x)))


def soft_exponential(x, a):
    if a < 0:
        return -log(1 - a * (x + a)) / a
    return x if a == 0 else expm1(a * x) / a + a


def soboleva(x, a, b, c, d):
    return (exp(a * x) - exp(-b * x)) / (exp(c * x) + exp(-d * x))


def isru(x, a):
    return x / sqrt(1 + a * x * x)


def hinge(x, slope, at):
    return slope * max(at - x, 0)


def srelu(x, left, left_slope, right, right_slope):
    if x <= left:
        return left + left_slope * (x - left)
    return right + right_slope * (x - right) if x > right else x


def clamp(x, low, high):
    return min(max(x, low), high)


def swish(x, slope):
    return x * sigmoid(slope * x)


def elu(x, a):
    return x if x > 0 else a * expm1(x)


def squareplus(x, b):
    return (x + sqrt(x * x + b)) / 2


def sharp_softplus(x, k):
    return softplus(k * x) / k


def isrlu(x, a):
    return x if x > 0 else isru(x, a)


def usual(generator):
    """Both signs, every size from 1e-6 to 80."""
    kind = generator.random()
    if kind < 0.7:
        return generator.uniform(-5, 5)
    size = generator.uniform(5, 80) if kind < 0.85 else 10 ** generator.uniform(-6, 0)
    return size * generator.choice((-1, 1))


def moderate(generator):
    return generator.uniform(-12, 12)


def positive(generator):
    return generator.choice((generator.uniform(0, 10), 10 ** generator.uniform(-30, 30)))


def any_size(generator):
    return positive(generator) * generator.choice((-1, 1))


def unit(generator):
    """Between -1 and 1, and close to either end."""
    kind = generator.random()
    x = generator.uniform(0, 1) if kind < 0.6 else 1 - 2 ** generator.uniform(-22, -1) if kind < 0.8 else 10 ** generator.uniform(-20, 0)
    return x * generator.choice((-1, 1))


def probability(generator):
    return generator.choice((generator.uniform(0, 1), 10 ** generator.uniform(-35, 0), 1 - 2 ** generator.uniform(-22, -1)))


def gamma_argument(generator):
    x = generator.choice((generator.uniform(0, 4), generator.uniform(0, 34), 10 ** generator.uniform(-20, 0), -generator.uniform(0, 20)))
    return x if x > 0 or abs(x - round(x)) > 0.05 else x + 0.3


def ln_gamma_argument(generator):
    x = generator.choice((generator.uniform(0, 4), generator.uniform(0, 100), 10 ** generator.uniform(-30, 30), -generator.uniform(0, 20)))
    return x if x > 0 or abs(x - round(x)) > 0.05 else x + 0.3


def within(low, high):
    return lambda generator: generator.uniform(low, high)


# name, parameters, definition of the inputs and parameters, generator of each input
FORMULAS = [
    ("leaky_relu", (0.25,), lambda x, s: x if x > 0 else s * x, usual),
    ("clipped_relu", (6,), lambda x, c: clamp(x, 0, c), usual),
    ("shifted_relu", (0.75,), lambda x, t: max(t, x) - t, usual),
    ("threshold", (0.5, -2), lambda x, t, v: x if x > t else v, usual),
    ("hard_shrink", (0.75,), lambda x, t: x if abs(x) > t else mpf(0), usual),
    ("soft_shrink", (0.75,), lambda x, t: x - t if x > t else x + t if x < -t else mpf(0), usual),
    ("tanh_shrink", (), lambda x: x - tanh(x), usual),
    ("hard_sigmoid", (), lambda x: clamp(x / 6 + mpf(1) / 2, 0, 1), usual),
    ("hard_tanh", (), lambda x: clamp(x, -1, 1), usual),
    ("hard_swish", (), lambda x: x * clamp(x + 3, 0, 6) / 6, usual),
    ("srelu", (-1.5, 0.125, 2, 0.25), srelu, usual),
    ("apl", (0.5, 1, -0.25, -2), lambda x, a, b, c, d: max(x, 0) + hinge(x, a, b) + hinge(x, c, d), usual),
    ("sigmoid", (), sigmoid, usual),
    ("tanh", (), tanh, usual),
    ("softsign", (), lambda x: x / (1 + abs(x)), usual),
    ("sqnl", (), lambda x: (2 * clamp(x, -2, 2) - clamp(x, -2, 2) * abs(clamp(x, -2, 2)) / 2) / 2, usual),
    ("isru", (0.5,), isru, usual),
    ("soboleva", (0.5, 1.25, 0.75, 1.5), soboleva, usual),
    ("gaussian", (), lambda x: exp(-x * x), within(-8, 8)),
    ("sinc", (), lambda x: sin(x) / x, usual),
    ("softplus", (), softplus, usual),
    ("elu", (1.5,), elu, usual),
    ("gelu", (), lambda x: x * phi(x), usual),
    ("gelu_tanh", (), lambda x: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + mpf("0.044715") * x**3))), usual),
    ("silu", (), lambda x: x * sigmoid(x), usual),
    ("selu", (), lambda x: mpf("1.0507009873554804934193349852946") * (x if x > 0 else mpf("1.6732632423543772848170429916717") * expm1(x)), usual),
    ("celu", (2.5,), lambda x, a: max(x, 0) + min(0, a * expm1(x / a)), usual),
    ("delu", (1, 2, 1.25), lambda x, a, b, c: x if x > c else expm1(a * x) / b, usual),
    ("mish", (), lambda x: x * tanh(softplus(x)), usual),
    ("elish", (), lambda x: x * sigmoid(x) if x >= 0 else expm1(x) * sigmoid(x), usual),
    ("bent_identity", (), lambda x: (sqrt(x * x + 1) - 1) / 2 + x, usual),
    ("log_sigmoid", (), lambda x: -softplus(-x), usual),
    ("lisht", (), lambda x: x * tanh(x), usual),
    ("swish", (1.75,), swish, usual),
    ("sharp_softplus", (2.5,), sharp_softplus, within(-30, 30)),
    ("squareplus", (4,), squareplus, usual),
    ("isrlu", (2.5,), isrlu, usual),
    ("soft_exponential", (0.5,), soft_exponential, moderate),
    ("soft_exponential", (-0.25,), soft_exponential, within(-3, 9)),
    ("prelu", (), lambda x, s: x if x > 0 else s * x, usual, moderate),
    ("threshold_relu", (), lambda x, t: max(t, x) - t, moderate, moderate),
    ("srelu_left", (), lambda x, t, a: x if x > t else t + a * (x - t), moderate, moderate, moderate),
    ("srelu_right", (), lambda x, t, a: x if x <= t else t + a * (x - t), moderate, moderate, moderate),
    ("apl_hinge", (), hinge, moderate, moderate, moderate),
    ("parametric_apl", (), lambda x, s, t: max(x, 0) + hinge(x, s, t), moderate, moderate, moderate),
    ("parametric_elu", (), elu, usual, within(0.5, 3)),
    ("parametric_swish", (), swish, usual, within(0.5, 3)),
    ("parametric_softplus", (), sharp_softplus, moderate, within(0.5, 3)),
    ("parametric_squareplus", (), squareplus, usual, within(0.5, 5)),
    ("parametric_isru", (), isru, usual, within(0.5, 3)),
    ("parametric_isrlu", (), isrlu, usual, within(0.5, 3)),
    ("parametric_soft_exponential", (), soft_exponential, within(-2, 2), within(-0.4, 2)),
    ("exp10", (), lambda x: mpf(10) ** x, within(-37, 37)),
    ("powx", (2.5,), lambda x, n: x**n, within(0, 100)),
    ("pow2o3", (), lambda x: real_cbrt(x) ** 2, any_size),
    ("pow3o2", (), lambda x: sqrt(x) ** 3, within(0, 1000)),
    ("inv_sqrt", (), lambda x: 1 / sqrt(x), positive),
    ("inv_cbrt", (), lambda x: 1 / real_cbrt(x), any_size),
    ("hypot", (), lambda a, b: sqrt(a * a + b * b), any_size, any_size),
    ("asinh", (), asinh, any_size),
    ("acosh", (), acosh, lambda generator: 1.001 + positive(generator)),
    ("atanh", (), atanh, unit),
    ("linear_fraction", (1.5, -0.25, 0.5, 2), lambda x, y, a, b, c, d: (a * x + b) / (c * y + d), within(0, 9), within(0, 9)),
    ("erf_inv", (), lambda y: erfc_inv(1 - y), unit),
    ("erfc_inv", (), erfc_inv, lambda generator: generator.choice((probability(generator), 1 + unit(generator)))),
    ("normal_cdf", (), phi, within(-12.5, 12.5)),
    ("normal_quantile", (), quantile, probability),
    ("gamma", (), mpmath.gamma, gamma_argument),
    ("ln_gamma", (), ln_gamma, ln_gamma_argument),
]
# Derivatives that a difference of values would not give to full precision, by formula.
DERIVATIVES = {
    "erf_inv": lambda y: sqrt(pi) / 2 * exp(erfc_inv(1 - y) ** 2),
    "erfc_inv": lambda z: -sqrt(pi) / 2 * exp(erfc_inv(z) ** 2),
    "normal_quantile": lambda p: sqrt(2 * pi) * exp(quantile(p) ** 2 / 2),
    "normal_cdf": lambda x: exp(-x * x / 2) / sqrt(2 * pi),
    "gamma": lambda x: mpmath.gamma(x) * digamma(x),
    "ln_gamma": digamma,
}


def bits(value):
    return f"{struct.unpack('<Q', struct.pack('<d', float(value)))[0]:016x}"


def in_single(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def derivative(name, function, inputs, parameters, place):
    if name in DERIVATIVES:
        return DERIVATIVES[name](*inputs)

    def along(value):
        return function(*inputs[:place], value, *inputs[place + 1 :], *parameters)

    at = inputs[place]
    return diff(along, at, h=mpf(2) ** -60 * max(abs(at), mpf(10) ** -45))


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "tests/data/catalogue.txt"
    generator = random.Random(11)
    with open(path, "w", encoding="ascii") as file:
        for name, parameters, function, *inputs in FORMULAS:
            print(" ".join(["formula", name, *map(str, parameters)]), file=file)
            for row in range(ROWS):
                drawn = [draw(generator) for draw in inputs]
                drawn = [mpf(in_single(x) if row % 3 else x) for x in drawn]
                exact = [mpf(p) for p in parameters]
                slopes = [derivative(name, function, drawn, exact, place) for place in range(len(drawn))]
                print(" ".join(map(bits, (*drawn, function(*drawn, *exact), *slopes))), file=file)


if __name__ == "__main__":
    main()
