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


STABLE: dict[tuple[str, str], Callable[[Doubles], Doubles]] = {
    ("hard_sigmoid", "forward"): lambda x: np.clip((x + 3) / 6, 0, 1),
    ("softplus", "forward"): softplus,
    ("elu", "forward"): _elu,
    ("celu", "forward"): _elu,
    ("selu", "forward"): lambda x: np.where(x > 0, x, 1.6732632423543772848 * _elu(x)) * 1.0507009873554804935,
    ("tanh_shrink", "forward"): _tanh_shrink,
    ("squareplus", "forward"): _squareplus,
    ("gelu_tanh", "forward"): _gelu_tanh,
    ("sigmoid", "backward"): _bell,
    ("gelu_tanh", "backward"): _gelu_tanh_slope,
    ("tanh", "backward"): lambda x: 4 * _bell(2 * x),
    ("squareplus", "backward"): lambda x: _squareplus(x) / np.sqrt(x * x + 4.0),
}

NAMES = {
    "sigmoid": sigmoid,
    "softplus": softplus,
    "Phi": special.ndtr,
    "phi": lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi),
    "erfc": special.erfc,
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

    def complete(values: Doubles) -> Doubles:
        with np.errstate(all="ignore"):
            result: Any = np.asarray(evaluate(values), np.float64) + np.zeros(())
            result = np.broadcast_to(result, values.shape)
            if np.isinf(values).any():
                result = np.where(values == np.inf, high, np.where(values == -np.inf, low, result))
            return np.where(np.isnan(values), values, result)

    return complete
