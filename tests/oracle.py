"""What the functions should return, from the catalog's formulas alone.

The formula is parsed by SymPy, turned into nested Python closures and evaluated exactly (rational numbers, where the
formula is rational) or in ball arithmetic (python-flint's Arb, whose results are rigorous enclosures), the precision
being raised until the answer is known to 2^-32 of a unit in the last place of the wanted dtype. No kernel is ever
called here: the module does not even import the package.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sympy
from flint import arb, ctx, fmpq
from numpy.typing import NDArray
from sympy.logic.boolalg import ITE, And, BooleanFalse, BooleanTrue, Not, Or
from sympy.parsing.sympy_parser import parse_expr, rationalize, standard_transformations

Number = Any  # fmpq or arb
Closure = Callable[[Mapping[str, Number]], Number]

PRECISIONS = (64, 128, 256, 512, 1024, 2048, 4096, 8192, 20480)
EXTRA_BITS = 32


def _load_catalog() -> Any:
    """The catalog by its path, without importing `actfn` and so without any compiled code."""
    package = importlib.util.find_spec("actfn")
    assert package is not None and package.origin is not None, "actfn is neither installed nor on the path"
    spec = importlib.util.spec_from_file_location("actfn_facts", Path(package.origin).with_name("catalog.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["actfn_facts"] = module
    spec.loader.exec_module(module)
    return module


facts = _load_catalog()
ROWS: dict[str, Any] = dict(facts.catalog)


# ---- Formats --------------------------------------------------------------------------------------------------


class Format(NamedTuple):
    """A binary floating-point format: digits, exponent of the smallest subnormal, exponent of the last binade."""

    digits: int
    smallest: int
    last: int

    @property
    def max(self) -> Fraction:
        return Fraction(2) ** (self.last + 1) - Fraction(2) ** (self.last + 1 - self.digits)


FORMATS = {
    "float16": Format(11, -24, 15), "bfloat16": Format(8, -133, 127), "float32": Format(24, -149, 127),
    "float64": Format(53, -1074, 1023),
}  # fmt: skip


# ---- From text to closures ------------------------------------------------------------------------------------


@cache
def parse(text: str) -> sympy.Expr:
    """The text as SymPy reads it, nothing rearranged, decimals as the exact rationals they are written as."""
    reserved = {"exp", "log", "sqrt", "erfc", "tanh", "sin", "cos", "atan", "pi", "Max", "Min", "Abs", "Piecewise",
                "True", "oo", "nan"}  # fmt: skip
    names: dict[str, Any] = {name: sympy.Function(name) for name in facts.FUNCTIONS}
    for word in _words(text):
        if word not in reserved and word not in names:
            names[word] = sympy.Symbol(word, real=True)
    transformations = (*standard_transformations, rationalize)
    return parse_expr(text, local_dict=names, transformations=transformations, evaluate=False)


def _words(text: str) -> set[str]:
    return {
        word for word in "".join(c if c.isalnum() or c == "_" else " " for c in text).split() if word.isidentifier()
    }


def expanded(expression: sympy.Expr) -> sympy.Expr:
    """The expression with the catalog's named functions replaced by their definitions."""
    for name, definition in facts.FUNCTIONS.items():
        inner = expanded(parse(definition)) if any(f in definition for f in facts.FUNCTIONS) else parse(definition)
        x = sympy.Symbol("x", real=True)
        expression = expression.replace(sympy.Function(name), lambda argument, f=inner, x=x: f.subs(x, argument))
    return expression


def ball(value: Number) -> Any:
    return value if isinstance(value, arb) else arb(value)


class UndecidedError(ArithmeticError):
    """A comparison of balls that overlap: more precision is needed."""


def _sign(value: Number) -> int:
    if isinstance(value, fmpq):
        return (value > 0) - (value < 0)
    if value > 0:
        return 1
    if value < 0:
        return -1
    if value.is_zero():
        return 0
    raise UndecidedError


_COMPARE: dict[Any, Callable[[int], bool]] = {
    sympy.StrictGreaterThan: lambda s: s > 0,
    sympy.GreaterThan: lambda s: s >= 0,
    sympy.StrictLessThan: lambda s: s < 0,
    sympy.LessThan: lambda s: s <= 0,
    sympy.Equality: lambda s: s == 0,
    sympy.Unequality: lambda s: s != 0,
}
_FUNCTIONS: dict[Any, Callable[[Any], Any]] = {
    sympy.exp: lambda v: v.exp(),
    sympy.log: lambda v: v.log(),
    sympy.tanh: lambda v: v.tanh(),
    sympy.erfc: lambda v: v.erfc(),
    sympy.erf: lambda v: v.erf(),
    sympy.sin: lambda v: v.sin(),
    sympy.cos: lambda v: v.cos(),
    sympy.atan: lambda v: v.atan(),
}


def _power(base: Number, exponent: Fraction) -> Number:
    if exponent.denominator == 2:
        return _power(ball(base).sqrt(), 2 * exponent)
    if exponent.denominator != 1:
        raise NotImplementedError(f"power {exponent}")
    # Not arb's own **, which is NaN for a ball around 0.
    product = base if exponent else fmpq(1)
    for _ in range(abs(int(exponent)) - 1):
        product = product * base
    return product if exponent >= 0 else 1 / product


def close(node: Any) -> Closure:
    """A closure that evaluates one SymPy node: exactly where only rational operations are involved."""
    if isinstance(node, sympy.Symbol):
        name = node.name
        return lambda env: env[name]
    if isinstance(node, sympy.Rational):
        constant = fmpq(int(node.p), int(node.q))
        return lambda env: constant
    if node is sympy.pi:
        return lambda env: arb.pi()
    if node is sympy.E:
        return lambda env: arb(1).exp()
    if isinstance(node, BooleanTrue | BooleanFalse):
        truth = bool(node)
        return lambda env: truth
    if isinstance(node, sympy.Piecewise):
        pieces = [(close(value), close(condition)) for value, condition in node.args]
        return lambda env: next(value(env) for value, condition in pieces if condition(env))
    if isinstance(node, sympy.log) and isinstance(node.args[0], sympy.Add) and sympy.S.One in node.args[0].args:
        # log(1 + u), of which roots and quotients of a tiny u need all digits.
        small = close(sympy.Add(*(term for term in node.args[0].args if term != 1), evaluate=False))
        return lambda env: ball(small(env)).log1p()
    arguments = [close(argument) for argument in node.args]
    if isinstance(node, sympy.Add):
        first, *others = arguments

        def add(env: Mapping[str, Number]) -> Number:
            total = first(env)
            for term in others:
                total = total + term(env)
            return total

        return add
    if isinstance(node, sympy.Mul):
        first, *others = arguments

        def multiply(env: Mapping[str, Number]) -> Number:
            total = first(env)
            for factor in others:
                total = total * factor(env)
            return total

        return multiply
    if isinstance(node, sympy.Pow) and isinstance(node.args[1], sympy.Rational):
        exponent = Fraction(int(node.args[1].p), int(node.args[1].q))
        return lambda env: _power(arguments[0](env), exponent)
    if type(node) in _FUNCTIONS:
        function = _FUNCTIONS[type(node)]
        return lambda env: function(ball(arguments[0](env)))
    if isinstance(node, sympy.Abs):
        return lambda env: abs(arguments[0](env))
    if isinstance(node, sympy.sign):
        return lambda env: fmpq(_sign(arguments[0](env)))
    if isinstance(node, sympy.Max | sympy.Min):
        wanted = 1 if isinstance(node, sympy.Max) else -1

        def extreme(env: Mapping[str, Number]) -> Number:
            best = arguments[0](env)
            for other in arguments[1:]:
                value = other(env)
                best = value if _sign(value - best) == wanted else best
            return best

        return extreme
    if type(node) in _COMPARE:
        test = _COMPARE[type(node)]
        return lambda env: test(_sign(arguments[0](env) - arguments[1](env)))
    if isinstance(node, And):
        return lambda env: all(argument(env) for argument in arguments)
    if isinstance(node, Or):
        return lambda env: any(argument(env) for argument in arguments)
    if isinstance(node, ITE):
        return lambda env: arguments[1](env) if arguments[0](env) else arguments[2](env)
    if isinstance(node, Not):
        return lambda env: not arguments[0](env)
    if node.func.__name__ in facts.FUNCTIONS:
        body = formula(facts.FUNCTIONS[node.func.__name__])
        return lambda env: body({"x": arguments[0](env)})
    raise NotImplementedError(f"the oracle cannot evaluate {node.func} in {node}")


@cache
def formula(text: str) -> Closure:
    """The closure of a formula as the catalog writes it."""
    return close(parse(text))


@cache
def partial(text: str, name: str) -> Closure:
    """The derivative of a formula with respect to one of its names, by SymPy."""
    expression = expanded(parse(text)).rewrite(sympy.Piecewise)
    return close(sympy.diff(expression.doit(), sympy.Symbol(name, real=True)))


# ---- From closures to floats ----------------------------------------------------------------------------------


class Rounded(NamedTuple):
    """value = (nearest + rest * 2^quantum), 2^quantum being the spacing of the format at the value."""

    nearest: float
    rest: float
    quantum: int


def _rounded(numerator: int, denominator: int, exponent: int, form: Format) -> Rounded:
    """numerator / denominator * 2^exponent in a format."""
    if numerator == 0:
        return Rounded(0.0, 0.0, form.smallest)
    n = abs(numerator)
    top = n.bit_length() - denominator.bit_length()  # floor(log2(n / denominator)) or one more
    if (n << max(-top, 0)) < (denominator << max(top, 0)):
        top -= 1
    top += exponent
    sign = -1.0 if numerator < 0 else 1.0
    if top > form.last:
        return Rounded(sign * math.inf, 0.0, form.last - form.digits + 1)
    quantum = max(top - form.digits + 1, form.smallest)
    shift = exponent - quantum + EXTRA_BITS
    if top < form.smallest - 2 * EXTRA_BITS:
        units = 0
    else:
        units = (n << shift) // denominator if shift >= 0 else n // (denominator << -shift)
    whole = (units + (1 << (EXTRA_BITS - 1))) >> EXTRA_BITS
    rest = math.ldexp(units - (whole << EXTRA_BITS), -EXTRA_BITS)
    if whole.bit_length() > form.digits and top == form.last:
        return Rounded(sign * math.inf, sign * rest, quantum)
    return Rounded(sign * math.ldexp(whole, quantum), sign * rest, quantum)


def exact(value: Number, form: Format) -> Rounded | None:
    """The value in a format, or None where the ball is too wide to say."""
    if isinstance(value, fmpq):
        return _rounded(int(value.p), int(value.q), 0, form)
    if not value.is_finite():
        return None
    mantissa, power = (int(part) for part in value.mid().man_exp())
    if value.is_exact():
        radius = None
    else:
        r_mantissa, r_power = (int(part) for part in value.rad().man_exp())
        radius = r_mantissa.bit_length() + r_power  # the radius is below 2^radius
    top = mantissa.bit_length() + power if mantissa else -(1 << 62)
    if radius is not None:
        quantum = max(min(top, form.last + 1) - form.digits, form.smallest)
        if radius > quantum - EXTRA_BITS and not (top > form.last + 2 and radius < top - 2):
            return None
    if top > form.last + 2:
        return Rounded(math.inf if mantissa > 0 else -math.inf, 0.0, form.last - form.digits + 1)
    if top < form.smallest - 2 * EXTRA_BITS:
        return Rounded(0.0, 0.0, form.smallest)
    return _rounded(mantissa, 1, power, form)


def resolve(closure: Closure, env: Mapping[str, Number], form: Format) -> Rounded:
    """Evaluate with as much precision as the answer needs."""
    was = ctx.prec
    try:
        for precision in PRECISIONS:
            ctx.prec = precision
            try:
                result = exact(closure(env), form)
            except UndecidedError:
                continue
            if result is not None:
                return result
    finally:
        ctx.prec = was
    raise ArithmeticError(f"{PRECISIONS[-1]} bits do not suffice at {dict(env)}")


def rational(value: float | Fraction | int) -> fmpq:
    ratio = value if isinstance(value, Fraction) else Fraction(value)
    return fmpq(ratio.numerator, ratio.denominator)


def default_value(value: float) -> Fraction:
    """What the default of a parameter stands for: 1/6 for the double nearest to it."""
    simple = Fraction(value).limit_denominator(10_000)
    return simple if float(simple) == value else Fraction(value)


# ---- Arrays of references -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reference:
    """Exact values of one function at an array of inputs, ready to measure results against."""

    dtype: str
    nearest: NDArray[np.float64]
    rest: NDArray[np.float64]
    quantum: NDArray[np.int64]

    @classmethod
    def of(cls, dtype: str, values: Iterable[Rounded]) -> Reference:
        nearest, rest, quantum = zip(*values, strict=True) if (values := list(values)) else ((), (), ())
        return cls(dtype, np.array(nearest, np.float64), np.array(rest, np.float64), np.array(quantum, np.int64))

    @property
    def rounded(self) -> NDArray[Any]:
        return self.nearest.astype(self.dtype)

    def errors(self, got: NDArray[Any]) -> NDArray[np.float64]:
        """|got - exact| in ULP of the dtype at the exact value; a wrong NaN or infinity is an infinite error.

        Beyond the largest number the next power of two stands for infinity: rounding to it is then 0.5 ULP off.
        """
        assert got.dtype == np.dtype(self.dtype), f"expected {self.dtype}, got {got.dtype}"
        form, got = FORMATS[self.dtype], got.astype(np.float64)
        largest = float(form.max)
        with np.errstate(all="ignore"):
            spacing = np.ldexp(1.0, self.quantum)

            def steps(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
                # (a - b) / spacing, with infinity one step beyond the largest number of its sign.
                plus = np.where(np.isinf(a), np.sign(a), 0.0) - np.where(np.isinf(b), np.sign(b), 0.0)
                a, b = np.clip(a, -largest, largest), np.clip(b, -largest, largest)
                # Halves only where the difference overflows: half of an odd subnormal number is rounded.
                difference = np.where(np.isinf(a - b), (a / 2 - b / 2) / spacing * 2, (a - b) / spacing)
                return difference + plus * np.ldexp(1.0, form.last - form.digits + 1) / spacing

            error = np.abs(steps(got, self.nearest) - self.rest)
        error = np.where(np.isinf(self.nearest) & (got == self.nearest), 0.0, error)
        error = np.where(np.isnan(self.nearest) & np.isnan(got), 0.0, error)
        # Where the exact value is infinite, not merely too large, nothing else will do.
        error = np.where(np.isinf(self.rest) & (got != self.nearest), np.inf, error)
        return np.where(np.isnan(error), np.inf, error)


def limit(text: str, dtype: str, scale: Fraction = Fraction(1)) -> Rounded:
    """A limit of the catalog times a factor; "oo" has an infinite rest, to tell it from overflow."""
    if text == "nan":
        return Rounded(math.nan, 0.0, FORMATS[dtype].smallest)
    expression = parse(text)
    if expression in (sympy.oo, -sympy.oo) or text in ("oo", "-oo"):
        if scale == 0:
            return Rounded(math.nan, 0.0, FORMATS[dtype].smallest)
        sign = (-1.0 if text.startswith("-") else 1.0) * (1 if scale > 0 else -1)
        return Rounded(sign * math.inf, math.inf, FORMATS[dtype].smallest)
    closure = close(expression)
    return resolve(lambda env: closure(env) * rational(scale), {}, FORMATS[dtype])


def evaluate(
    closure: Closure,
    dtype: str,
    names: Sequence[str],
    columns: Sequence[Iterable[float | Fraction]],
    limits: tuple[str, str] | None = None,
    factors: Iterable[float] | None = None,
    domain: tuple[float, float] = (-math.inf, math.inf),
    defined: Callable[[Mapping[str, Number]], bool] | None = None,
) -> Reference:
    """The closure at every row of the columns; the first column may hold the ends of the domain if `limits` are given.

    `factors`, as many as there are rows, multiply the exact value (the gradient that comes from above).
    """
    form, out = FORMATS[dtype], []
    memo: dict[Any, Rounded] = {}
    rows = list(zip(*columns, strict=True))
    scales = [1.0] * len(rows) if factors is None else list(factors)
    for row, scale in zip(rows, scales, strict=True):
        key = (row, scale)
        if key not in memo:
            memo[key] = _one(closure, dtype, form, names, row, limits, scale, domain, defined)
        out.append(memo[key])
    return Reference.of(dtype, out)


def _one(
    closure: Closure,
    dtype: str,
    form: Format,
    names: Sequence[str],
    row: tuple[Any, ...],
    limits: tuple[str, str] | None,
    scale: float,
    domain: tuple[float, float],
    defined: Callable[[Mapping[str, Number]], bool] | None,
) -> Rounded:
    if any(value != value for value in row) or scale != scale or not domain[0] <= row[0] <= domain[1]:
        return Rounded(math.nan, 0.0, form.smallest)
    if row[0] in domain:
        assert limits is not None, "no limit is known here"
        return limit(limits[domain.index(row[0])], dtype, Fraction(scale))
    env = dict(zip(names, map(rational, row), strict=True))
    if defined is not None and not defined(env):
        return Rounded(math.nan, 0.0, form.smallest)
    if scale == 1:
        return resolve(closure, env, form)
    factor = rational(scale)
    return resolve(lambda values: closure(values) * factor, env, form)


def domain_of(row: Any) -> tuple[float, float]:
    """The ends of a row's domain."""
    low, high = (float(end.replace("oo", "inf")) for end in row.ends)
    return low, high


# Values for parameters that have no default, those for which the catalog states limits.
GIVEN = {"weight": 0.25, "bias": 0.0, "threshold": 1.0, "value": 0.0}


def default_params(row: Any) -> dict[str, float]:
    return {name: GIVEN[name] if value is None else value for name, value in row.params.items()}


def elementwise(
    name: str,
    direction: str,
    dtype: str,
    x: Sequence[float],
    params: Mapping[str, float | Sequence[float]] | None = None,
    grad: Sequence[float] | None = None,
) -> Reference:
    """Reference of an element-wise row: direction "forward", "backward" or the name of a learned parameter."""
    row = ROWS[name]
    if params is None:
        values: dict[str, Any] = {key: default_value(value) for key, value in default_params(row).items()}
    else:
        values = dict(params)
    columns = [v if isinstance(v, Sequence | np.ndarray) else [v] * len(x) for v in values.values()]
    if direction == "forward":
        closure, limits = formula(row.formula), row.limits
    elif direction == "backward":
        closure, limits = formula(row.derivative), row.slopes
    else:
        closure, limits = partial(row.formula, direction), None
    ends = limits if params is None else None
    defined = formula(row.defined) if row.defined else None
    return evaluate(closure, dtype, ["x", *values], [x, *columns], ends, grad, domain_of(row), defined)
