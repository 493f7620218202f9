"""Derive the polynomial coefficients of src/_scalars.pxi and print them with their errors.

Each polynomial interpolates at Chebyshev points with 60 digits, which is within a small factor of the minimax
polynomial; the error printed is measured after the coefficients are rounded to double.

Run it with the test dependencies installed: python tools/coefficients.py
"""

from collections.abc import Callable

from mpmath import mp, mpf

mp.dps = 60

Function = Callable[[mpf], mpf]


def fit(f: Function, low: mpf, high: mpf, degree: int) -> list[mpf]:
    """Coefficients, lowest first, of the polynomial through the Chebyshev points of [low, high]."""
    nodes = [
        (low + high) / 2 + (high - low) / 2 * mp.cos(mp.pi * (2 * k + 1) / (2 * degree + 2))
        for k in range(degree + 1)
    ]
    rows = mp.matrix([[node**power for power in range(degree + 1)] for node in nodes])
    return list(mp.lu_solve(rows, mp.matrix([f(node) for node in nodes])))


def report(name: str, f: Function, low: float, high: float, degree: int) -> None:
    """Print the coefficients as doubles and the largest relative error on 2,000 points."""
    coefficients = [float(c) for c in fit(f, mpf(low), mpf(high), degree)]
    points = [mpf(low) + (mpf(high) - mpf(low)) * k / 2000 for k in range(2001)]
    error = max(abs(mp.polyval([mpf(c) for c in coefficients[::-1]], p) / f(p) - 1) for p in points)
    print(f"{name}: degree {degree} on [{low}, {high}], relative error 2^{float(mp.log(error, 2)):.1f}")
    for power, coefficient in enumerate(coefficients):
        print(f"  {power:2d}  {coefficient!r}")


def exponential(r: mpf) -> mpf:
    """(e^r - 1 - r) / r^2, so that the leading terms stay exact."""
    return (mp.expm1(r) - r) / r**2 if abs(r) > mpf(10) ** -20 else mpf(1) / 2 + r / 6


def logarithm(z: mpf) -> mpf:
    """(log((1 + s) / (1 - s)) - 2 s) / s^3 as a function of z = s^2."""
    s = mp.sqrt(z)
    return (2 * mp.atanh(s) - 2 * s) / s**3 if z > mpf(10) ** -20 else mpf(2) / 3 + 2 * z / 5


def tanh_gap(z: mpf) -> mpf:
    """(x - tanh x) / x^3 as a function of z = x^2."""
    x = mp.sqrt(z)
    return (x - mp.tanh(x)) / x**3 if z > mpf(10) ** -20 else mpf(1) / 3 - 2 * z / 15


def normal_tail(t: mpf) -> mpf:
    """(1 + a) Phi(-a) / exp(-a^2 / 2) as a function of t = (a - 4) / (a + 4)."""
    a = 4 * (1 + t) / (1 - t)
    return (1 + a) * mp.exp(a * a / 2) * mp.erfc(a / mp.sqrt(2)) / 2


if __name__ == "__main__":
    half_log2 = float(mp.log(2) / 2) * 1.0001
    report("EXP", exponential, -half_log2, half_log2, 10)
    report("LOG", logarithm, 0.0, float((mp.sqrt(2) - 1) ** 4) * 1.0001, 7)
    report("TANH_GAP", tanh_gap, 0.0, 1.0, 16)
    report("NORMAL_TAIL", normal_tail, -1.0, 35 / 43, 23)
