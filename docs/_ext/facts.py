"""What a page says of a function that is computed while the page is made: nothing here is typed or stored."""

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import formulas
import mpmath
import numpy as np
import scipy.special
import sympy
from languages import _

import actfn
from actfn.catalog import Activation
from tests import oracle

DTYPES = ("float16", "float32", "float64")


def parameters(row: Activation) -> dict[str, float]:
    """The defaults, and values for parameters that have none."""
    return oracle.default_params(row)


def forward(row: Activation, x: Any) -> Any:
    return getattr(actfn, row.name)(x, **parameters(row))


def backward(row: Activation, x: Any) -> Any:
    """The derivative; without the gradients of learned parameters."""
    given = parameters(row)
    result = getattr(actfn, f"{row.name}_backward")(np.ones_like(x), x, **given)
    return result[0] if row.trains else result


def signature(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def kinks(row: Activation) -> list[float]:
    """Where the derivative jumps, at the defaults."""
    values = {sympy.Symbol(name): value for name, value in parameters(row).items()}
    return sorted(float(sympy.sympify(kink, locals={s.name: s for s in values}).subs(values)) for kink in row.kinks)


# ---- Saturation -----------------------------------------------------------------------------------------------


def edge(holds: Callable[[Any], bool], dtype: str, sign: int) -> float | None:
    """The number closest to 0 from which on something holds, up to the largest; None where it never does."""
    bits = np.dtype(dtype).str.replace("f", "u")
    last = int(np.finfo(dtype).max.view(bits))

    def at(k: int) -> Any:
        return np.array(k, bits).view(dtype)[()] * np.dtype(dtype).type(sign)

    if not holds(at(last)):
        return None
    low, high = -1, last
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(at(middle)) else (middle, high)
    return float(at(high))


@dataclass(frozen=True)
class Saturation:
    """Of one dtype on one side: from where on the value is the limit, and from where on the gradient is 0."""

    dtype: str
    side: str
    value: str
    gradient: str


def saturation(row: Activation) -> list[Saturation]:
    found = []
    sides = {"left": -1, "right": 1}
    for side, sign in sides.items():
        if row.kind != "elementwise" or row.saturates not in (side, "both"):
            continue
        for dtype in DTYPES:
            limit = forward(row, np.array(sign * np.inf, dtype))
            value = edge(lambda x, limit=limit: bool(forward(row, x) == limit), dtype, sign)
            gradient = edge(lambda x: bool(backward(row, x) == 0), dtype, sign)
            found.append(Saturation(dtype, side, *(written(x, sign, dtype) for x in (value, gradient))))
    return found


def written(x: float | None, sign: int, dtype: str) -> str:
    if x is None:
        return "nowhere"
    if abs(x) == np.finfo(dtype).smallest_subnormal:
        return "x < 0" if sign < 0 else "x > 0"
    return f"x {'≤' if sign < 0 else '≥'} {x + 0.0:.5g}".replace("-", "−")


# ---- The formula as it is written -----------------------------------------------------------------------------


def plain(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Constants stay Python's, which never widen a float32."""
    return lambda x: float(function(x)) if isinstance(x, int | float) else function(x)


NUMPY = {
    "exp": plain(np.exp), "log": plain(np.log), "sqrt": plain(np.sqrt), "tanh": plain(np.tanh), "Abs": abs,
    "erfc": plain(scipy.special.erfc), "erf": plain(scipy.special.erf), "sin": plain(np.sin), "cos": plain(np.cos),
    "atan": plain(np.arctan), "asinh": plain(np.arcsinh), "sinh": plain(np.sinh), "cosh": plain(np.cosh),
    "pi": math.pi,
}  # fmt: skip
# From small to large, so that the first of several bad ones is the closest to 0.
INPUTS = sorted(
    {s * a * 10.0**k for s in (-1, 1) for a in (1, 1.5, 2, 3, 5, 7) for k in range(-6, 2)}
    | {k / 2 for k in range(-40, 41)}
    | {s * x for s in (-1, 1) for x in (30, 50, 80, 85, 87, 89, 90, 95, 100)},
    key=abs,
)


@dataclass(frozen=True)
class Mishap:
    """One input at which the formula as written is far from the truth, in float32."""

    what: str
    x: str
    naive: str
    ours: str
    exact: str
    error: float


def as_written(row: Activation, text: str, x: np.ndarray) -> np.ndarray:
    """The formula in NumPy's float32, operation for operation."""
    given = parameters(row)
    names = ["x", *given]
    expression = oracle.expanded(oracle.parse(text))
    symbols = [sympy.Symbol(name, real=True) for name in names]
    function = sympy.lambdify(symbols, expression, modules=[NUMPY])
    with np.errstate(all="ignore"):
        return np.array([function(value, *given.values()) for value in x], np.float32)


def mishaps(row: Activation) -> list[Mishap]:
    """The worst input of the function and of its derivative, among those whose result is a normal number."""
    if row.kind != "elementwise":
        return [mishap for what in ("forward", "backward") if (mishap := worst(row, what))]
    found = []
    x = np.array(INPUTS, np.float32)
    for what, text, ours in (("forward", row.formula, forward(row, x)), ("backward", row.derivative, backward(row, x))):
        naive = as_written(row, text, x)
        exact = oracle.elementwise(row.name, what, "float32", x.tolist())
        errors = np.where(np.isfinite(naive), exact.errors(naive), np.inf)
        errors = np.where(np.abs(exact.rounded) >= np.finfo(np.float32).tiny, errors, 0)
        k = int(np.argmax(errors))
        found.append(
            Mishap(what, f"{INPUTS[k]:g}", *map(digits, (naive[k], ours[k], exact.rounded[k])), float(errors[k]))
        )
    return found


def digits(x: Any) -> str:
    return f"{float(x):.7g}"


# The other kinds have several inputs. What is tried is a row of scores that lie apart, near and far from 0, or a gate
# beside a value, or a score beside what it should be.
TRIED = {
    "gated": [(gate, 3.0) for gate in INPUTS],
    "rows": [tuple(o + s * x for x in (1.0, 0.5, 0.0)) for s in (1, 10, 50, 200) for o in (0, -100, 100, 1000)],
    "pointwise loss": [(x, target) for x in INPUTS for target in (0.0, 1.0)],
}
TRIED["row loss"] = TRIED["spatial"] = TRIED["rows"]


def closed(row: Activation, text: str) -> tuple[sympy.Expr, list[str]] | None:
    """A formula without indices, and the names in it; None where it needs more than inputs and parameters."""
    expression = oracle.expanded(formulas.parsed(text))
    entry, total = sympy.Function("x"), sympy.Function("total")
    i, t = (sympy.Symbol(name, real=True) for name in "it")
    x, right, one_hot = sympy.symbols("x right one_hot", real=True)
    expression = expression.replace(sympy.Sum, lambda summand, _limits: total(summand)).replace(
        sympy.KroneckerDelta, lambda *_arguments: one_hot
    )
    expression = expression.subs(entry(t), right).replace(entry, lambda _index: x)
    names = [*(("x", "right", "one_hot") if "row" in row.kind or row.kind == "spatial" else row.inputs), *row.params]
    known = {sympy.Symbol(name, real=True) for name in names}
    others = {f for f in expression.atoms(sympy.core.function.AppliedUndef) if f.func != total}
    return None if others or i in expression.free_symbols or expression.free_symbols - known else (expression, names)


def worst(row: Activation, what: str) -> Mishap | None:
    """As `mishaps`, for functions of several inputs; what is exact comes from 200 digits."""
    if row.kind not in TRIED:
        return None
    found = closed(row, row.formula if what == "forward" else row.derivative)
    if found is None:
        return None
    expression, names = found
    of_rows = names[0] == "x" and "right" in names
    symbols = [sympy.Symbol(name, real=True) for name in names]
    plain = sympy.lambdify(symbols, expression, modules=[NUMPY | {"total": lambda a: np.sum(a, keepdims=True)}])
    modules = [{"total": lambda a: np.sum(a, keepdims=True), "exp": EXACT_EXP, "log": EXACT_LOG}, "mpmath"]
    precise = sympy.lambdify(symbols, expression, modules=modules)
    results = []
    for tried in TRIED[row.kind]:
        entries = np.array(tried, np.float32)
        given = [entries, entries[:1], np.eye(1, len(tried))[0].astype(np.float32)] if of_rows else [*entries]
        with np.errstate(all="ignore"):
            naive = np.atleast_1d(np.asarray(plain(*given, *parameters(row).values()), np.float32))
        with mpmath.workdps(200):
            exact_inputs = [np.vectorize(mpmath.mpf, otypes=[object])(value.astype(float)) for value in given]
            exact_inputs = exact_inputs if of_rows else [value.item() for value in exact_inputs]
            exact = np.atleast_1d(np.array(precise(*exact_inputs, *parameters(row).values()), object))
            rounded = exact.astype(float).astype(np.float32)
            unit = np.spacing(np.maximum(np.abs(rounded), np.finfo(np.float32).tiny))
            errors = [float(abs(mpmath.mpf(float(a)) - b) / float(u)) if np.isfinite(a) else np.inf
                      for a, b, u in zip(naive, exact, unit, strict=True)]  # fmt: skip
        errors = np.where(np.abs(rounded) >= np.finfo(np.float32).tiny, errors, 0)
        k = int(np.argmax(errors))
        ours = np.ravel(called(row, what, entries))[k]
        shown = ", ".join(f"{x:g}" for x in tried)
        results.append(Mishap(what, f"({shown})", *map(digits, (naive[k], ours, rounded[k])), float(errors[k])))
    return max(results, key=lambda mishap: mishap.error)


EXACT_EXP, EXACT_LOG = (np.frompyfunc(f, 1, 1) for f in (mpmath.exp, mpmath.log))


def called(row: Activation, what: str, entries: np.ndarray) -> Any:
    """What actfn says of one of `TRIED`."""
    function = getattr(actfn, row.name if what == "forward" else f"{row.name}_backward")
    gradient = [] if what == "forward" else [np.float32(1)]
    if row.kind == "spatial":
        return function(*gradient, entries[:, None, None])
    if row.kind == "row loss":
        return function(*gradient, entries[None], [0])
    if row.kind == "gated" and "axis" in signature(function):  # one input, the value before the gate
        gradient = [] if what == "forward" else [np.ones(1, np.float32)]
        return np.atleast_1d(function(*gradient, entries[::-1].copy()))[-1]
    result = function(*gradient, *([entries] if row.kind == "rows" else entries))
    return result[0] if isinstance(result, tuple) else result


# ---- For those who choose -------------------------------------------------------------------------------------


def behaviour(row: Activation) -> list[str]:
    """Largest slope, slopes at -3 and 3, mean output for normally distributed inputs; at the defaults."""
    x = np.linspace(-10, 10, 20001)
    weights = np.exp(-(x**2) / 2)
    mean = float(np.nansum(weights * forward(row, x)) / np.sum(weights))
    values = np.nanmax(np.abs(backward(row, x))), *backward(row, np.array([-3.0, 3.0])), mean
    return [f"{round(float(value), 4) + 0.0:.3g}".replace("-", "−") for value in values]


def trouble(row: Activation) -> str:
    """What becomes of a gradient far from 0; where it is exactly 0 from near 0 on, a unit can die."""
    sides = {"both": ("left", "right"), "": ()}.get(row.saturates, (row.saturates,))
    ends = {side: edge(lambda x: bool(backward(row, x) == 0), "float32", -1 if side == "left" else 1) for side in sides}
    dead = [side for side, end in ends.items() if end is not None and abs(end) < 10]
    fades = [side for side in sides if side not in dead]
    said = {"left": (_("exactly 0 on the left"), _("vanishes on the left")),
            "right": (_("exactly 0 on the right"), _("vanishes on the right")),
            "left right": (_("exactly 0 on the left and the right"),
                           _("vanishes on the left and the right"))}  # fmt: skip
    found = [said[" ".join(which)][k] for k, which in enumerate((dead, fades)) if which]
    return ", ".join(found) or _("gets through")
