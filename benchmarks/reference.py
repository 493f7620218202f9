"""Every activation and derivative in double, for float32 inputs: fast enough for all 2^32, and no kernel in sight.

The catalog's formulas are evaluated by NumPy and SciPy as they stand. Where a textbook formula cancels even in
double, STABLE has the same function in another form. The tests hold all of it against ball arithmetic.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from scipy import special

from tests import oracle

Doubles = NDArray[np.float64]


def sigmoid(x: Doubles) -> Doubles:
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1.0) / (1.0 + e)


def softplus(x: Doubles) -> Doubles:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def _elu(x: Doubles) -> Doubles:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0.0)))


@cache
def _tanh_series() -> list[float]:
    """Of odd powers; 14 terms leave 2^-50 at 1/2."""
    series = sympy.series(sympy.tanh(sympy.Symbol("t")), n=30).removeO()
    return [float(c) for c in sympy.Poly(series).coeffs()[::-1]]


def _tanh_shrink(x: Doubles) -> Doubles:
    z = x * x
    near = -x * z * np.polynomial.polynomial.polyval(z, _tanh_series()[1:])
    return np.where(np.abs(x) < 0.5, near, x - np.tanh(x))


def _bell(x: Doubles) -> Doubles:
    e = np.exp(-np.abs(x))
    return e / ((1.0 + e) * (1.0 + e))


def _squareplus(x: Doubles) -> Doubles:
    r = np.sqrt(x * x + 4.0)
    return np.where(x < 0, 2.0 / (r - x), (x + r) / 2)


# NumPy's x**3 takes half a microsecond where the result is tiny.
def _gelu_tanh(x: Doubles) -> Doubles:
    return x * sigmoid(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x * x * x))


def _gelu_tanh_slope(x: Doubles) -> Doubles:
    z = 2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x * x * x)
    return sigmoid(z) * (1.0 + 2 * np.sqrt(2 / np.pi) * (x + 0.134145 * x * x * x) * sigmoid(-z))


def _gate_of_dish(x: Doubles) -> Doubles:
    """(1 + x / r) / 2."""
    r = np.sqrt(x * x + 1)
    return np.where(x < 0, 0.5 / (r * (r + np.abs(x))), 0.5 + 0.5 * x / r)


def _dish_slope(x: Doubles) -> Doubles:
    u = x / np.sqrt(x * x + 1)
    return _gate_of_dish(x) * (1 + u - u * u)


def _logcosh(x: Doubles) -> Doubles:
    return np.where(
        np.abs(x) < 1, np.log1p(2 * np.sinh(x / 2) ** 2), np.abs(x) + np.log1p(np.exp(-2 * np.abs(x))) - np.log(2)
    )


def _elish_slope(x: Doubles) -> Doubles:
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e * (e * e + 2 * e - 1), 1 + e * (1 + x)) / (1 + e) ** 2


def _serf_slope(x: Doubles) -> Doubles:
    p = softplus(x)
    return special.erf(p) + x * 2 / np.sqrt(np.pi) * np.exp(-p * p) * sigmoid(x)


def _smish_slope(x: Doubles) -> Doubles:
    s = sigmoid(x)
    t = np.log1p(s)
    return np.tanh(t) + x * 4 * _bell(2 * t) * s * sigmoid(-x) / (1 + s)


def _phish_slope(x: Doubles) -> Doubles:
    g = x * special.ndtr(x)
    return np.tanh(g) + x * 4 * _bell(2 * g) * (special.ndtr(x) + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi))


STABLE: dict[tuple[str, str], Callable[[Doubles], Doubles]] = {
    ("hard_sigmoid", "forward"): lambda x: np.clip((x + 3) / 6, 0, 1),
    ("softplus", "forward"): softplus,
    ("elu", "forward"): _elu,
    ("celu", "forward"): _elu,
    ("selu", "forward"): lambda x: np.where(x > 0, x, 1.6732632423543772848 * _elu(x)) * 1.0507009873554804935,
    ("tanh_shrink", "forward"): _tanh_shrink,
    ("squareplus", "forward"): _squareplus,
    ("elliott", "forward"): lambda x: np.where(x < 0, 0.5 / (1 - x), 1 - 0.5 / (1 + np.abs(x))),
    ("bent_identity", "forward"): lambda x: x + x * x / (2 * np.sqrt(x * x + 1) + 2),
    ("dish", "forward"): lambda x: x * _gate_of_dish(x),
    ("dish", "backward"): _dish_slope,
    ("gelu_tanh", "forward"): _gelu_tanh,
    ("stanh", "backward"): lambda x: 4 * 0.67 * 1.7159 * _bell(2 * 0.67 * x),
    ("softcap", "backward"): lambda x: 4 * _bell(2 * x / 30),
    ("dynamic_tanh", "backward"): lambda x: 2 * _bell(x),
    ("xielu", "forward"): lambda x: np.where(
        x > 0, 0.8 * x * x + 0.5 * x, 0.8 * (np.expm1(np.minimum(x, 0)) - x) + 0.5 * x
    ),
    ("lisht", "backward"): lambda x: np.tanh(x) + x * 4 * _bell(2 * x),
    ("logcosh", "forward"): _logcosh,
    ("pelu", "forward"): _elu,
    ("sqrt_softplus", "forward"): lambda x: np.sqrt(softplus(x)),
    ("sqrt_softplus", "backward"): lambda x: np.where(
        x < -40, np.exp(x / 2) / 2, sigmoid(x) / (2 * np.sqrt(softplus(np.maximum(x, -40))))
    ),
    ("nl_relu", "forward"): lambda x: np.log1p(np.maximum(x, 0)),
    ("elish", "forward"): lambda x: np.where(x < 0, np.expm1(np.minimum(x, 0)), x) * sigmoid(x),
    ("elish", "backward"): _elish_slope,
    ("telu", "backward"): lambda x: (
        np.tanh(np.exp(x)) + np.clip(x, -999, 9) * 4 * np.exp(np.minimum(x, 9)) * _bell(2 * np.exp(np.minimum(x, 9)))
    ),
    ("serf", "forward"): lambda x: x * special.erf(softplus(x)),
    ("serf", "backward"): _serf_slope,
    ("smish", "forward"): lambda x: x * np.tanh(np.log1p(sigmoid(x))),
    ("smish", "backward"): _smish_slope,
    ("logish", "forward"): lambda x: x * np.log1p(sigmoid(x)),
    ("logish", "backward"): lambda x: np.log1p(sigmoid(x)) + x * sigmoid(-x) * sigmoid(x) / (1 + sigmoid(x)),
    ("phish", "backward"): _phish_slope,
    ("logit", "forward"): lambda x: np.where(x < 0.5, np.log(x) - np.log1p(-x), np.log1p((2 * x - 1) / (1 - x))),
    ("log1mexp", "forward"): lambda x: np.where(x < 0.5, np.log(-np.expm1(-x)), np.log1p(-np.exp(-x))),
    ("log1mexp", "backward"): lambda x: 1 / np.expm1(x),
    ("snake", "backward"): lambda x: (np.sin(x) + np.cos(x)) ** 2,
    ("snake_beta", "backward"): lambda x: (np.sin(x) + np.cos(x)) ** 2,
    ("sigmoid", "backward"): _bell,
    ("gelu_tanh", "backward"): _gelu_tanh_slope,
    # In double the GELU of 10 is not below 10.
    ("gelu_10", "backward"): lambda x: np.where(x > 10, 0.0, reference("gelu", "backward")(x)),
    ("tanh", "backward"): lambda x: 4 * _bell(2 * x),
    ("squareplus", "backward"): lambda x: _squareplus(x) / np.sqrt(x * x + 4.0),
}

NAMES = {
    "sigmoid": sigmoid,
    "softplus": softplus,
    "Phi": special.ndtr,
    "phi": lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi),
    "erfc": special.erfc,
    "atan": np.arctan,
}


@cache
def reference(name: str, direction: str) -> Callable[[Doubles], Doubles]:
    """The function of x at default parameters, limits at infinity included."""
    row = oracle.ROWS[name]
    params = oracle.default_params(row)
    x = sympy.Symbol("x", real=True)
    text = row.formula if direction == "forward" else row.derivative
    tree = oracle.parse(text).subs({sympy.Symbol(p, real=True): value for p, value in params.items()})
    plain = sympy.lambdify(x, tree, modules=[NAMES, "numpy"])
    evaluate = STABLE.get((name, direction), plain)
    low, high = (float(sympy.sympify(limit)) for limit in (row.limits if direction == "forward" else row.slopes))
    left, right = oracle.domain_of(row)

    def complete(values: Doubles) -> Doubles:
        with np.errstate(all="ignore"):
            result: Any = np.asarray(evaluate(values), np.float64) + np.zeros(())
            result = np.broadcast_to(result, values.shape)
            # Most chunks have neither an end in them nor what lies beyond.
            if not ((values > left) & (values < right)).all():
                result = np.where(values == right, high, np.where(values == left, low, result))
                result = np.where((values < left) | (values > right), np.nan, result)
            return np.where(np.isnan(values), values, result)

    return complete
