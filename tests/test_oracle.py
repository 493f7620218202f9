"""The oracle itself: a second opinion on its values, and proof of what the catalog states about each row."""

from __future__ import annotations

import ast
import importlib.util
import math
import re
import sys
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from flint import arb, ctx, fmpq

from . import measure, oracle, processes
from .test_values import PARAMETERS

ROWS = oracle.ROWS
GATED = [name for name, row in ROWS.items() if row.kind == "gated"]
# Between kinks, near zeros of derivatives, where things saturate; all exact in float64.
POINTS = (-800.0, -105.5, -38.25, -14.0, -6.0, -3.5, -2.25, -1.25, -0.75, -0.3, -1e-3, -1e-9, 1e-9, 0.01, 0.3, 0.7,
          1.25, 2.75, 4.5, 7.0, 17.5, 40.0, 110.0, 750.0)  # fmt: skip
NAMESPACE: dict[str, Any] = {
    "exp": mpmath.exp, "log": mpmath.log, "sqrt": mpmath.sqrt, "tanh": mpmath.tanh, "erfc": mpmath.erfc,
    "sin": mpmath.sin, "cos": mpmath.cos, "atan": mpmath.atan, "pi": mpmath.pi, "Abs": abs, "Max": max, "Min": min,
}  # fmt: skip


def inside(row: Any, values: Any, ends: bool = False) -> Any:
    """Those of the values that lie in the row's domain."""
    low, high = oracle.domain_of(row)
    return [v for v in values if low < v < high or (ends and v in (low, high))]


def growing_slowly(row: Any) -> bool:
    """Whether f has no bound on the right although its slope tends to 0, as a logarithm or a square root."""
    return bool((row.limits[1], row.slopes[1]) == ("oo", "0"))


def second_opinion(text: str, values: dict[str, Fraction]) -> Any:
    """The formula's text by Python's own parser and mpmath: shares neither SymPy nor Arb with the oracle."""

    def number(value: Fraction) -> Any:
        return mpmath.mpf(value.numerator) / value.denominator

    def named(definition: str) -> Any:
        return lambda x: eval(_decimals(definition), {**scope, "x": x})

    def piecewise(*pieces: Any) -> Any:
        return next(value() for value, condition in pieces if condition)

    scope: dict[str, Any] = {**NAMESPACE, "mpf": mpmath.mpf, "Piecewise": piecewise}
    scope.update({name: named(definition) for name, definition in oracle.facts.FUNCTIONS.items()})
    scope.update({name: number(value) for name, value in values.items()})
    tree = ast.fix_missing_locations(_OnePiece().visit(ast.parse(_decimals(text), mode="eval")))
    return mpmath.mpf(eval(compile(tree, text, "eval"), scope))


class _OnePiece(ast.NodeTransformer):
    """Makes functions of the values of pieces, of which others than the wanted one may divide by 0."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "Piecewise":
            for piece in node.args:
                assert isinstance(piece, ast.Tuple)
                nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
                piece.elts[0] = ast.Lambda(nothing, piece.elts[0])
        return node


def _decimals(text: str) -> str:
    """Numbers as mpf of the text, so that no decimal or quotient passes through a double."""
    return re.sub(r"(?<![\w.])(?<!\*\*)(\d+(?:\.\d+)?)(?![\w.])", r'mpf("\1")', text)


def exact_params(row: Any) -> dict[str, Fraction]:
    return {name: oracle.default_value(value) for name, value in oracle.default_params(row).items()}


@pytest.mark.parametrize("direction", measure.DIRECTIONS)
def test_the_oracle_agrees_with_mpmath(name: str, direction: str) -> None:
    """50 digits and more of mpmath give the same float64, to 2^-20 of its spacing."""
    row = ROWS[name]
    text = row.formula if direction == "forward" else row.derivative
    points = inside(row, POINTS)
    got = oracle.elementwise(name, direction, "float64", points)
    with mpmath.workdps(800):
        for k, x in enumerate(points):
            wanted = second_opinion(text, {"x": Fraction(x), **exact_params(row)})
            if math.isinf(got.nearest[k]):
                assert abs(wanted) > sys.float_info.max
                continue
            spacing = mpmath.mpf(2) ** int(got.quantum[k])
            ours = mpmath.mpf(float(got.nearest[k])) + mpmath.mpf(float(got.rest[k])) * spacing
            assert abs(ours - wanted) <= spacing * mpmath.mpf(2) ** -20, (x, got.nearest[k], wanted)


@pytest.mark.parametrize("name", [n for n in ROWS if ROWS[n].kind in ("elementwise", "gated", "pointwise loss")])
def test_the_derivative_is_that_of_the_formula(name: str) -> None:
    """SymPy's derivative of the formula and the textbook form overlap, as 1200-bit balls, at points and parameters."""
    row = ROWS[name]
    first = row.inputs[0]
    theirs, ours = oracle.partial(row.formula, first), oracle.formula(row.derivative)
    sets = [oracle.default_params(row), *PARAMETERS.get(name, [])] if row.kind == "elementwise" else [
        dict.fromkeys([*row.inputs[1:], *row.params], v) for v in (0.7, -1.3, 2.0)]  # fmt: skip
    was = ctx.prec
    try:
        ctx.prec = 1200
        for params in sets:
            if any(value and abs(value) < 1e-20 for value in params.values()):
                continue
            for x in inside(row, POINTS) if row.kind == "elementwise" else POINTS:
                env = {key: oracle.rational(value) for key, value in params.items()} | {first: oracle.rational(x)}
                if 0 not in params.values() and any(oracle.formula(point)(env) == env[first] for point in row.kinks):
                    continue
                a, b = oracle.ball(theirs(env)), oracle.ball(ours(env))
                assert a.overlaps(b), (params, x, a.str(20), b.str(20))
                assert a.rad() <= abs(a.mid()) / 2**30 + arb(2) ** -400, "the comparison says nothing here"
    finally:
        ctx.prec = was


@pytest.mark.parametrize("name", measure.elementwise_names())
def test_limits_and_slopes(name: str) -> None:
    """Far out, f and f' come as near to the catalog's limits as they should, from mathematics alone."""
    row = ROWS[name]
    params = {key: oracle.rational(value) for key, value in exact_params(row).items()}
    was = ctx.prec
    try:
        ctx.prec = 4096
        for side, sign in ((0, -1), (1, 1)):
            end = oracle.domain_of(row)[side]
            # The slope of a root falls as slowly as 1 / sqrt(x): it is 5e-4 at 10^6.
            powers = (3, 12 if growing_slowly(row) else 6)
            far = [{**params, "x": fmpq(sign * 10**k) if math.isinf(end) else fmpq(int(end)) - fmpq(sign, 10**k)}
                   for k in powers]  # fmt: skip
            for text, stated in ((row.formula, row.limits[side]), (row.derivative, row.slopes[side])):
                values = [oracle.ball(oracle.formula(text)(env)) for env in far]
                if stated == "nan":
                    continue
                if stated in ("oo", "-oo"):
                    direction = -1 if stated.startswith("-") else 1
                    assert direction * values[0] > 1 and direction * (values[1] - values[0]) > 1, (text, side)
                else:
                    wanted = oracle.ball(oracle.formula(stated)({}))
                    near, nearer = (abs(v - wanted) for v in values)
                    assert nearer < fmpq(1, 10**5) and (nearer <= near or near < fmpq(1, 10**100)), (text, side)
    finally:
        ctx.prec = was


def interval(text: str) -> tuple[float, float, bool, bool]:
    """Ends of "[a, b)" and whether they belong to it; a set "{a, b}" by its ends."""
    low, high = text.strip("[](){}").split(",")
    return float(sympy.sympify(low)), float(sympy.sympify(high)), text[0] in "[{", text[-1] in "]}"


@pytest.mark.parametrize("name", measure.elementwise_names())
def test_range(name: str) -> None:
    """No exact value lies outside the range, and values come close to both of its ends."""
    row = ROWS[name]
    low, high, low_in, high_in = interval(row.range)
    x = np.concatenate([np.linspace(-9, 9, 2001), -np.logspace(1, 3, 40), np.logspace(1, 3, 40), [-1e9, 1e9]])
    # The ends of domains, which logarithms approach: 1e300, and the doubles next to 0 and 1.
    x = np.array(inside(row, [*x, *np.linspace(0, 1, 99), 1e-300, 1 - 2**-53, 1e300]))
    exact = oracle.elementwise(name, "forward", "float64", x.tolist())
    values = exact.nearest
    # An end that is written with five decimals is the minimum, rounded.
    digits = 5e-6 if re.search(r"\.\d{5}", row.range) else 0.0
    assert values.min() >= low - digits and values.max() <= high + digits
    # An exact value may be nearer to an open end than any double is; then enclosures say on which side of it.
    params = {key: oracle.rational(value) for key, value in exact_params(row).items()}
    left, right = row.range.strip("[](){}").split(", ")
    for text, end, closed, side in ((left, low, low_in, 1), (right, high, high_in, -1)):
        for point in [] if closed or math.isinf(end) else x[(values == end) & (np.abs(x) < 20)]:
            with ctx.workprec(4096):
                value = oracle.formula(row.formula)({**params, "x": oracle.rational(float(point))})
                assert side * (value - oracle.ball(oracle.formula(text)({}))) > 0, point
    # The largest logarithm of a double is 710, and the largest logit 36.7.
    large = 36 if row.family == "logarithmic" or growing_slowly(row) else 1e6
    assert values.min() < -large if low == -np.inf else values.min() <= low + 1e-4
    assert values.max() > large if high == np.inf else values.max() >= high - 1e-4
    if row.range.startswith("{"):
        assert set(values) == {low, high}


@pytest.mark.parametrize("name", measure.elementwise_names())
def test_monotonic_zero_centered_saturates_smooth(name: str) -> None:
    """The row's adjectives are true, and the absent ones are false."""
    row = ROWS[name]
    x = np.concatenate([-np.logspace(3, 1, 30), np.linspace(-9, 9, 1801), np.logspace(1, 3, 30)])
    x = np.array(inside(row, x))
    value = oracle.elementwise(name, "forward", "float64", x.tolist()).nearest
    slope = oracle.elementwise(name, "backward", "float64", x.tolist()).nearest
    kink_points = {"threshold": 1.0}
    assert row.monotonic == bool(np.all(slope >= 0)), "monotonic"
    assert not row.monotonic or np.all(np.diff(value[np.isfinite(value)]) >= 0)
    sides = {(False, False): "", (True, False): "left", (False, True): "right", (True, True): "both"}
    assert row.saturates == sides[row.slopes[0] == "0", row.slopes[1] == "0"], "saturates"
    low, high, _, _ = interval(row.range)
    centred = row.odd and low == -high and oracle.elementwise(name, "forward", "float64", [0.0]).nearest[0] == 0
    assert row.zero_centered == centred, "zero_centered"
    # Smooth: infinitely differentiable. A formula with pieces or an absolute value is not, here.
    assert row.smooth == (not any(word in row.formula for word in ("Piecewise", "Max", "Min", "Abs"))), "smooth"
    assert not (row.smooth and row.kinks) and kink_points


@pytest.mark.parametrize("name", measure.elementwise_names())
def test_odd(name: str) -> None:
    """odd says whether f(-x) = -f(x)."""
    x = np.linspace(0, 9, 200)
    if oracle.domain_of(ROWS[name])[0] == 0:
        assert not ROWS[name].odd
        return
    left = oracle.elementwise(name, "forward", "float64", (-x).tolist())
    right = oracle.elementwise(name, "forward", "float64", x.tolist())
    same = np.array_equal(left.nearest, -right.nearest) and np.allclose(left.rest, -right.rest, atol=1e-6)
    # Straight lines through 0 are odd too; only one slope for both sides makes a row so.
    assert ROWS[name].odd == same


@pytest.mark.parametrize("name", [n for n in measure.elementwise_names() if ROWS[n].kinks])
def test_kinks_are_where_the_derivative_jumps(name: str) -> None:
    """At each kink the two one-sided derivatives (or values) differ, and the row's value is the derivative's there."""
    row = ROWS[name]
    params = {key: oracle.rational(value) for key, value in exact_params(row).items()}
    ours = oracle.formula(row.derivative)
    step = fmpq(1, 10**12)
    kinks = [oracle.formula(point)(params) for point in row.kinks]
    for point, stated in zip(kinks, row.kinks.values(), strict=True):
        left, here, right = (oracle.ball(ours({**params, "x": point + d})) for d in (-step, fmpq(0), step))
        gap = abs(oracle.ball(oracle.formula(row.formula)({**params, "x": point + step}))
                  - oracle.ball(oracle.formula(row.formula)({**params, "x": point - step})))  # fmt: skip
        # elu with alpha = 1 and srelu with a right slope of 1 have a kink for all other values only.
        assert abs(left - right) > fmpq(1, 1000) or gap > fmpq(1, 1000) or name in ("elu", "srelu"), "no jump here"
        assert here.overlaps(oracle.ball(oracle.formula(stated)(params)))
    for x in np.linspace(-7, 7, 1401):
        point = oracle.rational(Fraction(round(x * 100), 100))
        if all(abs(point - k) > fmpq(1, 10**6) for k in kinks):
            near = [oracle.ball(ours({**params, "x": point + d})) for d in (-step, step)]
            assert abs(near[0] - near[1]) < fmpq(1, 10**6), f"the derivative jumps at {x}, which is no kink of the row"


@pytest.mark.parametrize("name", [n for n in measure.elementwise_names() if ROWS[n].kinks])
def test_kinks_follow_the_minimum_norm_rule(name: str) -> None:
    """At a convex corner the one-sided derivative nearest to 0, at a jump 0."""
    row = ROWS[name]
    params = {key: oracle.rational(value) for key, value in exact_params(row).items()}
    step = fmpq(1, 10**12)
    for point, stated in row.kinks.items():
        at = oracle.formula(point)(params)
        sides = [
            float(oracle.ball(oracle.formula(row.derivative)({**params, "x": at + d})).mid()) for d in (-step, step)
        ]
        used = float(oracle.ball(oracle.formula(stated)(params)).mid())
        nearest = min(sides, key=abs)
        if name in ("hard_swish", "selu"):  # neither convex nor concave at its corners: one of the sides
            assert min(abs(used - s) for s in sides) < 1e-9
        else:
            assert used == pytest.approx(nearest, abs=1e-9)


def test_derivatives_of_rows_and_losses() -> None:
    """The catalog's derivative strings of the row functions, evaluated by SymPy for three entries, equal diff."""
    n = sympy.Symbol("n", integer=True)
    i, j, t = sympy.symbols("i j t", integer=True)
    x, y, g, temperature = (sympy.IndexedBase(s) for s in ("x", "y", "g", "T"))
    del x, y, g, temperature
    values = [sympy.Rational(3, 10), sympy.Rational(-7, 5), sympy.Rational(9, 4)]
    grads = [sympy.Rational(1, 2), sympy.Rational(-2), sympy.Rational(5, 3)]
    xs = sympy.symbols("x1:4", real=True)
    heat = sympy.Symbol("temperature", positive=True)

    def evaluate(text: str, at: int, **functions: Any) -> Any:
        names = {"i": i, "j": j, "n": n, "t": t, "temperature": heat, "tau": heat, "epsilon": heat,
                 **{f: sympy.Function(f) for f in "xygG"}}  # fmt: skip
        expression = sympy.parse_expr(text, local_dict=names).subs({n: 3, i: at, t: 2}).doit()
        for key, entries in functions.items():
            expression = expression.subs({sympy.Function(key)(k + 1): entries[k] for k in range(3)})
        return expression

    point = {**dict(zip(xs, values, strict=True)), heat: sympy.Rational(3, 2)}
    point |= {sympy.Function("G")(k): sympy.Rational(k * k, 7) for k in (1, 2, 3)}
    for name in ("softmax", "log_softmax", "softmin", "softmax1", "softmax2d", "gumbel_softmax", "logsumexp",
                 "logmeanexp", "standardize", "cross_entropy"):  # fmt: skip
        row = ROWS[name]
        scalar = "(i)" not in row.formula
        outputs = [evaluate(row.formula, k, x=xs) for k in (1, 2, 3)]
        for k in (1, 2, 3):
            if scalar:
                wanted = sympy.diff(outputs[0], xs[k - 1])
                got = evaluate(row.derivative, k, x=xs)
            else:
                wanted = sympy.diff(sum(a * b for a, b in zip(grads, outputs, strict=True)), xs[k - 1])
                got = evaluate(row.derivative, k, x=xs, y=outputs, g=grads)
            difference = sympy.N((got - wanted).subs(point), 40)
            assert abs(difference) < 1e-30, (name, k)


# ---- The machinery --------------------------------------------------------------------------------------------


def test_decimals_are_read_as_they_are_written() -> None:
    """1.702 is 851/500, not the double nearest to it."""
    assert oracle.formula("1.702")({}) == fmpq(851, 500)
    assert oracle.formula("0.044715*x**3")({"x": fmpq(2)}) == fmpq(44715, 10**6) * 8
    assert oracle.default_value(0.16666666666666666) == Fraction(1, 6)
    assert oracle.default_value(0.01) == Fraction(1, 100) and oracle.default_value(0.3333333333333333) == Fraction(1, 3)
    assert oracle.default_value(0.1234567891234) == Fraction(0.1234567891234)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_rounding_to_a_format(dtype: str) -> None:
    """Exact numbers round as NumPy rounds them, and what is left over is measured in their spacing."""
    form = oracle.FORMATS[dtype]
    rng = np.random.default_rng(0)
    info = np.finfo(dtype)
    assert form.max == Fraction(float(info.max)) and 2.0**form.smallest == float(info.smallest_subnormal)
    values = np.concatenate([
        rng.normal(size=200), rng.normal(size=50) * float(info.tiny), rng.uniform(-1, 1, 50) * float(info.max),
        [0, float(info.max), float(info.smallest_subnormal), float(info.smallest_subnormal) * 0.75],
    ])  # fmt: skip
    for value in values.tolist():
        rounded = oracle.exact(oracle.rational(value), form)
        assert rounded is not None
        with np.errstate(all="ignore"):
            nearest = np.array(value).astype(dtype)
        assert rounded.nearest == nearest or abs(rounded.rest) == 0.5, value
        if math.isfinite(rounded.nearest):
            left = (Fraction(value) - Fraction(rounded.nearest)) / Fraction(2) ** rounded.quantum
            assert abs(left - Fraction(rounded.rest)) < Fraction(1, 2**30)
    beyond = form.max + Fraction(2) ** (form.last - form.digits)
    assert oracle.exact(oracle.rational(beyond), form).nearest == math.inf  # type: ignore[union-attr]
    assert oracle.exact(oracle.rational(-beyond * 2), form).nearest == -math.inf  # type: ignore[union-attr]
    assert oracle.exact(oracle.rational(beyond - 1), form).nearest == float(form.max)  # type: ignore[union-attr]


def test_errors_are_measured_in_the_spacing_of_the_exact_value() -> None:
    """One step away is 1, half of a subnormal 0.5, a wrong infinity or NaN never small."""
    one = oracle.Reference.of("float32", [oracle.Rounded(1.0, 0.25, -23)] * 6)
    step = np.float32(2**-23)
    got = np.array([1, 1 + step, 1 - step, np.nan, np.inf, 0], np.float32)
    errors = one.errors(got)
    assert list(errors[:3]) == [0.25, 0.75, 1.25] and errors[3] == np.inf and errors[4] > 1e6 and errors[5] > 1e6
    tiny = oracle.Reference.of("float64", [oracle.Rounded(0.0, 0.5, -1074), oracle.Rounded(5e-324, -0.5, -1074)])
    assert list(tiny.errors(np.array([5e-324, 0.0]))) == [0.5, 0.5]
    # Neighbours among the subnormal numbers, of which every other one has no half.
    odd = oracle.Reference.of("float64", [oracle.Rounded(3 * 5e-324, 0.25, -1074)] * 2)
    assert list(odd.errors(np.array([3, 4]) * 5e-324)) == [0.25, 0.75]
    limits = [oracle.limit("oo", "float64"), oracle.limit("-oo", "float64")]
    ends = oracle.Reference.of(
        "float64", [*limits, oracle.Rounded(math.inf, -0.5, 971), oracle.Rounded(math.nan, 0.0, 0)]
    )
    largest = np.finfo(float).max
    assert list(ends.errors(np.array([np.inf, -np.inf, np.inf, np.nan]))) == [0, 0, 0, 0]
    assert list(ends.errors(np.array([largest, np.inf, largest, 0.0]))) == [np.inf, np.inf, 0.5, np.inf]
    with pytest.raises(AssertionError, match="expected float64"):
        ends.errors(np.zeros(4, np.float32))


def test_a_wrong_kernel_would_be_found() -> None:
    """One ULP too much anywhere fails, and so do a lost sign, a flushed subnormal and a naive tail."""
    x = np.array([-20.0, -1.0, 1e-310, 3.0])
    exact = oracle.elementwise("gelu", "forward", "float64", x.tolist())
    right = exact.rounded
    assert exact.errors(right).max() <= 0.5
    assert np.all(exact.errors(np.nextafter(np.nextafter(right, np.inf), np.inf)) > 1)
    assert np.all(exact.errors(-right) > 1e9)
    naive = 0.5 * x * (1 + np.array([math.erf(v / math.sqrt(2)) for v in x]))
    assert exact.errors(naive)[0] > 1e9
    flushed = np.where(np.abs(right) < 1e-308, 0.0, right)
    assert exact.errors(flushed)[2] > 1e9


def test_the_oracle_touches_no_kernel() -> None:
    """Importing and using it does not even import the package."""
    printed = processes.output(
        """
        import sys
        from tests import oracle, samples, row_oracle
        oracle.elementwise("gelu", "forward", "float32", [1.0])
        row_oracle.forward("softmax", [1.0, 2.0], "float32")
        print([name for name in sys.modules if name.split(".")[0] == "actfn"])
        """
    )
    assert printed == "[]"
    assert importlib.util.find_spec("actfn") and "actfn_facts" in sys.modules
