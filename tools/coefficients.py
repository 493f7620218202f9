"""Derive the polynomial coefficients of src/_polynomials.pxi and src/_scalars.pxi and print them with their errors.

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
        (low + high) / 2 + (high - low) / 2 * mp.cos(mp.pi * (2 * k + 1) / (2 * degree + 2)) for k in range(degree + 1)
    ]
    rows = mp.matrix([[node**power for power in range(degree + 1)] for node in nodes])
    return list(mp.lu_solve(rows, mp.matrix([f(node) for node in nodes])))


def report(name: str, f: Function, low: float, high: float, degree: int) -> None:
    """Print the coefficients as doubles, the first one as hi + lo, and the largest relative error on 2,000 points."""
    exact = fit(f, mpf(low), mpf(high), degree)
    coefficients = [float(c) for c in exact]
    rest = float(exact[0] - coefficients[0])
    points = [mpf(low) + (mpf(high) - mpf(low)) * (k + mpf(1) / 2) / 2000 for k in range(2000)]
    error = max(abs((mp.polyval([mpf(c) for c in coefficients[::-1]], p) + rest) / f(p) - 1) for p in points)
    print(f"{name}: degree {degree} on [{low}, {high}], relative error 2^{float(mp.log(error, 2)):.1f}")
    print(f"   0  {rest!r} (low part)")
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


def erf(z: mpf) -> mpf:
    """The error function over p as a function of z = p^2."""
    p = mp.sqrt(z)
    return mp.erf(p) / p if z > mpf(10) ** -20 else 2 / mp.sqrt(mp.pi) * (1 - z / 3)


def sine(z: mpf) -> mpf:
    """(sin a - a) / a^3 as a function of z = a^2."""
    a = mp.sqrt(z)
    return (mp.sin(a) - a) / a**3 if z > mpf(10) ** -12 else -mpf(1) / 6 + z / 120 - z**2 / 5040


def cosine(z: mpf) -> mpf:
    """(cos a - 1 + a^2 / 2) / a^4 as a function of z = a^2."""
    a = mp.sqrt(z)
    return (mp.cos(a) - 1 + z / 2) / z**2 if z > mpf(10) ** -12 else mpf(1) / 24 - z / 720 + z**2 / 40320


def arc_tangent(z: mpf) -> mpf:
    """(atan u - u) / u^3 as a function of z = u^2."""
    u = mp.sqrt(z)
    return (mp.atan(u) - u) / u**3 if z > mpf(10) ** -12 else -mpf(1) / 3 + z / 5 - z**2 / 7


def sigmoid(x: mpf) -> mpf:
    return 1 / (1 + mp.exp(-x))


def swish_slope(z: mpf) -> mpf:
    return sigmoid(z) * (1 + z * sigmoid(-z))


def gelu_tanh_slope(x: mpf) -> mpf:
    z = 2 * mp.sqrt(2 / mp.pi) * (x + mpf("0.044715") * x**3)
    return sigmoid(z) * (1 + x * 2 * mp.sqrt(2 / mp.pi) * (1 + mpf("0.134145") * x**2) * sigmoid(-z))


def gelu_slope(x: mpf) -> mpf:
    return mp.ncdf(x) + x * mp.npdf(x)


def mish_slope(x: mpf) -> mpf:
    t = mp.tanh(mp.log1p(mp.exp(x)))
    return t + x * sigmoid(x) * (1 - t * t)


def dish_slope(x: mpf) -> mpf:
    r = mp.sqrt(1 + x * x)
    return (1 + 2 * x / r - (x / r) ** 3) / 2


def telu_slope(x: mpf) -> mpf:
    t = mp.tanh(mp.exp(x))
    return t + x * mp.exp(x) * (1 - t * t)


def smish_slope(x: mpf) -> mpf:
    s = sigmoid(x)
    t = mp.tanh(mp.log1p(s))
    return t + x * (1 - t * t) * s * (1 - s) / (1 + s)


def logish_slope(x: mpf) -> mpf:
    s = sigmoid(x)
    return mp.log1p(s) + x * s * (1 - s) / (1 + s)


def serf_slope(x: mpf) -> mpf:
    p = mp.log1p(mp.exp(x))
    return mp.erf(p) + x * 2 / mp.sqrt(mp.pi) * mp.exp(-p * p) * sigmoid(x)


def phish_slope(x: mpf) -> mpf:
    t = mp.tanh(x * mp.ncdf(x))
    return t + x * (1 - t * t) * gelu_slope(x)


def elish_slope(x: mpf) -> mpf:
    """For x < 0."""
    e = mp.exp(x)
    return e * (e * e + 2 * e - 1) / (1 + e) ** 2


def report_zero(name: str, slope: Function, near: str, reach: float, degree: int) -> None:
    """The zero of a derivative as hi + lo, and slope(zero + t) / t as a polynomial in t."""
    guess = mpf(near)
    zero = mp.findroot(slope, (guess, guess + mpf(10) ** -8))
    print(f"{name}: zero {float(zero)!r} + {float(zero - float(zero))!r}")
    report(name, lambda t: slope(zero + t) / t, -reach, reach, degree)


if __name__ == "__main__":
    half_log2 = float(mp.log(2) / 2) * 1.0001
    report("EXP", exponential, -half_log2, half_log2, 10)
    report("EXP_HALF", exponential, -half_log2, half_log2, 9)
    report("EXP_SHORT", exponential, -half_log2, half_log2, 6)
    report("LOG", logarithm, 0.0, float((mp.sqrt(2) - 1) ** 4) * 1.0001, 7)
    report("ATANH", logarithm, 0.0, 1 / 9, 9)
    report("TANH_GAP", tanh_gap, 0.0, 1.0, 16)
    report("NORMAL_TAIL", normal_tail, -1.0, 35 / 43, 23)
    report("NORMAL_TAIL_SHORT", normal_tail, -1.0, 35 / 43, 12)
    report("ERF", erf, 0.0, 0.36, 13)
    report("SINE", sine, 0.0, 0.62, 7)
    report("COSINE", cosine, 0.0, 0.62, 6)
    report("ARC_TANGENT", arc_tangent, 0.0, float((mp.sqrt(2) - 1) ** 2) * 1.0001, 11)
    report_zero("SWISH_SLOPE", swish_slope, "-1.27846454", 1 / 16, 9)
    report_zero("GELU_TANH_SLOPE", gelu_tanh_slope, "-0.75246142", 1 / 16, 11)
    report_zero("GELU_SLOPE", gelu_slope, "-0.75179152", 1 / 4, 15)
    report_zero("MISH_SLOPE", mish_slope, "-1.19243121", 1 / 16, 9)
    report_zero("DISH_SLOPE", dish_slope, "-0.78615137", 1 / 16, 13)
    report_zero("TELU_SLOPE", telu_slope, "-1.05", 1 / 16, 11)
    report_zero("SMISH_SLOPE", smish_slope, "-1.25", 1 / 16, 9)
    report_zero("LOGISH_SLOPE", logish_slope, "-1.25", 1 / 16, 9)
    report_zero("SERF_SLOPE", serf_slope, "-1.05", 1 / 16, 11)
    report_zero("PHISH_SLOPE", phish_slope, "-1.5", 1 / 4, 17)
    report_zero("ELISH_SLOPE", elish_slope, "-0.88137358", 1 / 16, 9)
