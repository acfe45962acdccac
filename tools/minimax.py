"""Minimax polynomials of src/formula/math: prints each coefficient list, lowest power first, and its error in bits.

Needs mpmath. The error is that of the coefficients as rounded to the element type, relative to the function's value.
"""

import struct
import sys

from mpmath import asin, atan, cbrt, cos, erf, erfc, exp, expm1, log, lu_solve, matrix, mp, mpf, pi, sin, sqrt, tan, tanh

mp.dps = 90
TINY = mpf(10) ** -24


def rounded(value, bits):
    """The nearest number with `bits` bits of significand."""
    if bits == 53:
        return mpf(float(value))
    return mpf(struct.unpack("f", struct.pack("f", float(value)))[0])


def remez(target, weight, low, high, powers):
    """Coefficients of the given powers that minimise max |weight * (target - polynomial)| on [low, high], and the error."""
    count = len(powers)
    points = [(low + high) / 2 + (high - low) / 2 * cos(pi * (count - i) / count) for i in range(count + 1)]
    grid = [(low + high) / 2 - (high - low) / 2 * cos(pi * i / 600) for i in range(601)]
    values = [(x, target(x), weight(x)) for x in grid]
    for _ in range(12):
        rows, right = [], []
        for i, x in enumerate(points):
            rows.append([x**power for power in powers] + [(-1) ** i / weight(x)])
            right.append(target(x))
        solution = lu_solve(matrix(rows), matrix(right))
        coefficients = [solution[i] for i in range(count)]
        errors = [(x, w * (f - sum(c * x**p for c, p in zip(coefficients, powers)))) for x, f, w in values]
        points = alternation(errors, count + 1)
        worst = max(abs(error) for _, error in errors)
        if worst < abs(solution[count]) * mpf("1.001"):
            break
    return coefficients, worst


def alternation(errors, wanted):
    """The points of largest error between sign changes, `wanted` of them."""
    peaks = []
    for x, error in errors:
        if peaks and (peaks[-1][1] > 0) == (error > 0):
            if abs(error) > abs(peaks[-1][1]):
                peaks[-1] = (x, error)
        else:
            peaks.append((x, error))
    while len(peaks) > wanted:
        peaks.pop(0 if abs(peaks[0][1]) < abs(peaks[-1][1]) else -1)
    if len(peaks) < wanted:
        raise ValueError(f"{len(peaks)} alternations instead of {wanted}")
    return [x for x, _ in peaks]


def fit(name, target, weight, low, high, count, bits):
    """Prints a polynomial of `count` coefficients rounded to `bits` bits."""
    low, high = mpf(low), mpf(high)
    coefficients, _ = remez(target, weight, low, high, list(range(count)))
    fixed = [rounded(c, bits) for c in coefficients]
    grid = [low + (high - low) * i / 2000 for i in range(2001)]
    error = max(abs(weight(x) * (target(x) - sum(c * x**i for i, c in enumerate(fixed)))) for x in grid)
    text = ", ".join(repr(float(c)) if bits == 53 else short(c) for c in fixed)
    print(f"{name} {'f32' if bits == 24 else 'f64'} ({count} terms, error 2^{float(log(error, 2)):.1f})\n    [{text}]", flush=True)


def short(value):
    """The shortest decimal that names this f32."""
    for digits in range(6, 10):
        text = f"{float(value):.{digits}g}"
        if rounded(float(text), 24) == value:
            return text if any(mark in text for mark in ".e") else text + ".0"
    return repr(float(value))


def away(x):
    """`x`, kept from a removable singularity at zero."""
    return x if abs(x) > TINY else TINY


def log_ratio(z):
    """(log((1+s)/(1-s)) / s - 2) / z at z = s^2."""
    s = sqrt(away(z))
    return (log((1 + s) / (1 - s)) / s - 2) / (s * s)


def erfcx(x):
    """exp(x^2) erfc(x)."""
    return exp(x * x) * erfc(x)


HALF_LN2 = log(2) / 2 * mpf("1.0001")
LOG_Z = ((sqrt(2) - 1) / (sqrt(2) + 1)) ** 2 * mpf("1.001")
ERFC_CENTRE = {24: mpf(2), 53: mpf(4)}


def through_root(function):
    """`function` of sqrt(z), for polynomials in z = x^2."""
    return lambda z: function(sqrt(away(z)))


def functions(bits):
    """Name, target, weight, interval and number of terms of every polynomial."""
    single = bits == 24
    yield "EXP", lambda r: (expm1(away(r)) - away(r)) / away(r) ** 2, lambda r: abs(away(r)), -HALF_LN2, HALF_LN2, 5 if single else 12
    yield "LOG", log_ratio, lambda z: away(z) / 2, 0, LOG_Z, 4 if single else 7
    yield "LOG_TAIL", lambda z: (log_ratio(max(z, TINY)) - mpf(2) / 3) / max(z, TINY), lambda z: max(z, TINY) ** 2, 0, LOG_Z, 3 if single else 8
    yield "SIN", through_root(lambda x: (sin(x) - x) / x**3), away, 0, (pi / 4 * mpf("1.01")) ** 2, 3 if single else 6
    yield "COS", through_root(lambda x: (cos(x) - 1 + x * x / 2) / x**4), lambda z: away(z) ** 2, 0, (pi / 4 * mpf("1.01")) ** 2, 3 if single else 6
    yield "ATAN", through_root(lambda x: (atan(x) - x) / x**3), away, 0, tan(pi / 8) ** 2 * mpf("1.001"), 5 if single else 11
    yield "ASIN", through_root(lambda x: (asin(x) - x) / x**3), away, 0, mpf("0.2501"), 5 if single else 12
    yield "TANH", through_root(lambda x: (tanh(x) - x) / x**3), away, 0, mpf("0.5501") ** 2, 5 if single else 11
    yield "CBRT", cbrt, lambda m: 1 / cbrt(m), 1, 2, 4
    yield "ERF", through_root(lambda x: erf(x) / x - 1), lambda z: mpf(1), 0, ERF_SPLIT**2, 7 if single else 12
    last = mpf("3.93") if single else mpf("5.95")
    yield "ERF_TAIL", lambda u: log(erfc(u + ERF_CENTRE[bits])), lambda u: erfc(u + ERF_CENTRE[bits]), ERF_SPLIT - ERF_CENTRE[bits], last - ERF_CENTRE[bits], 8 if single else 20
    centre = ERFC_CENTRE[bits]
    position = lambda t: centre * (1 + t) / (1 - t)
    end = mpf("10.3") if single else mpf("27.4")
    scaled = lambda t: (position(t) + centre) * erfcx(position(t))
    yield "ERFC", scaled, lambda t: 1 / scaled(t), -1, (end - centre) / (end + centre), 11 if single else 24


ERF_SPLIT = mpf(1)
ERF_CENTRE = {24: mpf("1.5"), 53: mpf("1.25")}

if __name__ == "__main__":
    wanted = sys.argv[1:]
    for bits in (24, 53):
        for name, target, weight, low, high, count in functions(bits):
            if not wanted or name in wanted:
                fit(name, target, weight, low, high, count, bits)
