"""Rational approximations of src/formula/catalogue/special: prints both coefficient lists, lowest power first, and the error.

Needs mpmath. A fit is a weighted least-squares one on Chebyshev points, linearised by the denominator of the round before it;
the error is that of the coefficients as rounded to f64, relative to the function's value.
"""

from mpmath import cos, erfc, exp, findroot, gamma, log, loggamma, lu_solve, matrix, mp, mpf, pi, sqrt

mp.dps = 60


def polynomial(coefficients, x):
    total = mpf(0)
    for coefficient in reversed(coefficients):
        total = total * x + coefficient
    return total


def fit(target, low, high, above, below, rounds=6):
    """Coefficients of degree `above` over degree `below`, whose lowest is 1, close to `target` in relative terms."""
    count = 6 * (above + below + 1)
    points = [(low + high) / 2 - (high - low) / 2 * cos(pi * (i + mpf(1) / 2) / count) for i in range(count)]
    values = [target(x) for x in points]
    denominator = [mpf(1)] + [mpf(0)] * below
    for _ in range(rounds):
        size = above + below + 1
        normal, right = matrix(size, size), matrix(size, 1)
        for x, value in zip(points, values):
            weight = 1 / (value * polynomial(denominator, x))
            row = [weight * x**i for i in range(above + 1)] + [-weight * value * x**i for i in range(1, below + 1)]
            for i in range(size):
                right[i] += row[i] * weight * value
                for j in range(size):
                    normal[i, j] += row[i] * row[j]
        solution = lu_solve(normal, right)
        numerator = [solution[i] for i in range(above + 1)]
        denominator = [mpf(1)] + [solution[above + i] for i in range(1, below + 1)]
    numerator, denominator = [[mpf(float(c)) for c in list] for list in (numerator, denominator)]
    fits = [polynomial(numerator, x) / polynomial(denominator, x) for x in points]
    worst = max(abs(fit / value - 1) for fit, value in zip(fits, values))
    return numerator, denominator, worst


def quantile(p):
    """-x with the standard normal distribution function p at x, for p up to 1/2."""
    if p == mpf(1) / 2:
        return mpf(0)
    start = sqrt(-2 * log(2 * p)) * mpf("0.8")
    return findroot(lambda x: log(erfc(x / sqrt(mpf(2))) / 2) - log(p), start if start > 0.05 else start + mpf("0.01"))


def central(r):
    q = sqrt(mpf("0.1875") - r)
    return quantile(mpf(1) / 2 - q) / q if q > mpf(10) ** -20 else sqrt(2 * pi)


def from_root(centre):
    return lambda r: quantile(exp(-((r + centre) ** 2)))


def between_zeros(t):
    """(gamma(1 + t) - 1) / (t (t - 1)), which keeps whole numbers exact."""
    return (gamma(1 + t) - 1) / (t * (t - 1))


def without_zeros(t):
    """ln gamma(1 + t) / (t (t - 1))."""
    return loggamma(1 + t) / (t * (t - 1))


FITS = {
    "CENTRE": (central, mpf("0.0068"), mpf("0.1875"), 7, 7),
    "NEAR_TAIL": (from_root(mpf("1.5")), mpf("0.1"), mpf("3.5"), 7, 7),
    "FAR_TAIL": (from_root(mpf(5)), mpf(0), mpf("22.4"), 7, 7),
    "GAMMA": (between_zeros, mpf(0), mpf(1), 7, 6),
    "LN_GAMMA": (without_zeros, mpf(0), mpf(7), 9, 9),
}


def main():
    for name, arguments in FITS.items():
        numerator, denominator, worst = fit(*arguments)
        print(f"{name}: error 2^{float(log(worst, 2)):.1f}")
        for side in (numerator, denominator):
            print("  [" + ", ".join(repr(float(c)) for c in side) + "]")


if __name__ == "__main__":
    main()
