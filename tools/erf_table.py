"""The table of the error function in f32 (src/formula/math/erf_table.rs): prints it, and how far off results are.

Needs mpmath. Around each of sixteen centres, a step apart, erf is a polynomial in the distance to the centre. Coefficients are rounded
to f32 one after the other, lowest power first, each before the rest is fitted, so that what one loses the next make up for.
"""

import struct

from mpmath import cos, erf, lu_solve, matrix, mp, mpf, pi

mp.dps = 40
STEP = mpf(67) / 256
CENTRES = 16
TERMS = 5
POINTS = 60


def rounded(x):
    """The nearest f32."""
    return mpf(struct.unpack("f", struct.pack("f", float(x)))[0])


def shortest(x):
    """The fewest digits that are read back as the same f32."""
    return next(text for text in (f"{float(x):.{digits}g}" for digits in range(6, 10)) if rounded(mpf(text)) == x)


def points(low, high):
    return [(low + high) / 2 + (high - low) / 2 * cos(pi * (i + mpf(1) / 2) / POINTS) for i in range(POINTS)]


def fit(samples, powers):
    """Coefficients of these powers for samples of (x, value, weight)."""
    found = []
    for i, _ in enumerate(powers):
        system, right = matrix(POINTS, len(powers) - i), matrix(POINTS, 1)
        for row, (x, value, weight) in enumerate(samples):
            right[row] = weight * (value - sum(c * x**power for c, power in zip(found, powers)))
            for column, power in enumerate(powers[i:]):
                system[row, column] = weight * x**power
        found.append(rounded(lu_solve(system, right)[0]))
    return found


def column(index):
    """The value at a centre, and the coefficients around it: at 0, those of erf(x) / x - 1."""
    centre = index * STEP
    reach = STEP / 2 * mpf("1.001")
    if index == 0:
        samples = [(r, erf(r) / r - 1, r / erf(r)) for r in points(mpf(0), reach)]
        return [mpf(0), *fit(samples, range(TERMS))]
    value = rounded(erf(centre))
    # What is beyond the last centre is brought back to it.
    high = mpf(0) if index == CENTRES - 1 else reach
    samples = [(r, erf(centre + r) - value, 1 / erf(centre + r)) for r in points(-reach, high)]
    return [value, *fit(samples, range(1, TERMS + 1))]


def result(table, x):
    """What the lanes compute, each step rounded once."""
    x = min(x, (CENTRES - 1) * STEP)
    index = int(x / STEP + mpf(1) / 2)
    r = rounded(x - index * STEP)
    value, *coefficients = table[index]
    total = mpf(0)
    for coefficient in reversed(coefficients):
        total = rounded(total * r + coefficient)
    return rounded(total * r + max(value, r))


def main():
    table = [column(index) for index in range(CENTRES)]
    worst = mpf(0)
    for i in range(1, 200_001):
        x = rounded(mpf(i) * 4 / 200_000)
        want = erf(x)
        unit = mpf(2) ** (int(mp.floor(mp.log(want, 2))) - 23)
        worst = max(worst, abs(result(table, x) - want) / unit)
    print(f"error {float(worst):.2f} ULP")
    for row in zip(*table):
        print("    [" + ", ".join(shortest(c) for c in row) + "],")


if __name__ == "__main__":
    main()
