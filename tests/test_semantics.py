"""What every function promises besides accuracy: NaN, limits, zeros, kinks, dtypes, layouts, threads, processes."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import actfn

from . import calls, measure, oracle, samples
from .row_oracle import REDUCED
from .situations import situation
from .test_rows import layouts
from .test_values import PARAMETERS

PUBLIC = [name for name in actfn.__all__ if callable(getattr(actfn, name))]
# Element-wise functions, forward and backward, as (public name, number of array operands).
CALLS = [
    (name + suffix, len(row.inputs) + extra)
    for name, row in oracle.ROWS.items()
    if row.kind == "elementwise" or (row.kind == "gated" and name != "glu")
    for suffix, extra in (("", 0), ("_backward", 1))
]
each_call = pytest.mark.parametrize(("call", "operands"), CALLS, ids=[name for name, _ in CALLS])


def function_of(call: str) -> Callable[..., Any]:
    """The public function with required parameters filled in; backward returns the input's gradient only."""
    name = call.removesuffix("_backward")
    row, function = oracle.ROWS[name], getattr(actfn, call)
    given = {p: oracle.GIVEN[p] for p, value in row.params.items() if value is None}
    if row.trains and call.endswith("_backward"):
        return lambda *args, **kwargs: function(*args, **given, **kwargs)[0]
    return lambda *args, **kwargs: function(*args, **given, **kwargs)


def outputs(result: Any) -> list[NDArray[Any]]:
    """One array per output: gated backward functions have two."""
    return [np.asarray(r) for r in (result if isinstance(result, tuple) else (result,))]


def same_bits(a: Any, b: Any) -> bool:
    """Of every result, signs of zero included."""
    return all(calls.same_bits(x, y) for x, y in zip(outputs(a), outputs(b), strict=True))


def random_operands(count: int, shape: Any, dtype: str, seed: int = 0) -> list[NDArray[Any]]:
    """Ordinary numbers."""
    return list((np.random.default_rng(seed).normal(size=(count, *np.atleast_1d(shape))) * 3).astype(dtype))


# ---- NaN ------------------------------------------------------------------------------------------------------


def nans(dtype: str) -> NDArray[Any]:
    """Quiet, negative, with payload, signalling."""
    bits = {
        "float16": (np.uint16, [0x7E00, 0xFE00, 0x7E01, 0x7C01, 0xFFFF]),
        "float32": (np.uint32, [0x7FC00000, 0xFFC00000, 0x7FC00001, 0x7F800001, 0xFFFFFFFF]),
        "float64": (np.uint64, [0x7FF8 << 48, 0xFFF8 << 48, (0x7FF8 << 48) + 1, (0x7FF0 << 48) + 1, 2**64 - 1]),
    }[dtype]
    return np.array(bits[1], bits[0]).view(dtype)


@situation("nan")
def test_nan_in_nan_out(name: str, dtype: str, build: str, kernels: ModuleType) -> None:
    """A NaN of any kind, in x or in grad, forward or backward, comes out as NaN."""
    params = oracle.default_params(oracle.ROWS[name]).values()
    bad = nans(dtype)
    assert np.isnan(kernels.ufuncs[name](bad, *params)).all()
    backward = kernels.ufuncs[f"{name}_backward"]
    for grad in (0.0, 1.0, -2.0, np.inf):
        assert np.isnan(backward(np.array(grad, dtype), bad, *params)).all(), f"x is NaN, grad {grad}"
    x = samples.values(dtype)
    for grad in bad:
        got = backward(np.full_like(x, grad), x, *params)
        assert np.isnan(got).all(), f"grad is NaN, x = {x[~np.isnan(got)][0]!r}"


@situation("nan")
def test_learned_gradients_propagate_nan(learned: str, build: str, kernels: ModuleType) -> None:
    """The same for gradients with respect to parameters."""
    name, param = learned.split("-")
    ufunc = kernels.ufuncs[f"{name}_backward_{param}"]
    for x in (-2.0, 0.0, 3.0, np.inf, -np.inf):
        assert np.isnan(ufunc(np.nan, x, *[0.5] * len(oracle.ROWS[name].params))), x
    for grad in (0.0, 1.0, np.inf):
        assert np.isnan(ufunc(grad, np.nan, *[0.5] * len(oracle.ROWS[name].params))), grad


# ---- Infinities, zeros, kinks ---------------------------------------------------------------------------------


@situation("infinity")
def test_limits_are_exact(name: str, dtype: str, build: str, kernels: ModuleType) -> None:
    """At both ends of the domain f and f' are their limits, correctly rounded; beyond there is NaN."""
    row = oracle.ROWS[name]
    params = oracle.default_params(row).values()
    ends = np.array(oracle.domain_of(row), dtype)
    outside = np.array([x for x in (-np.inf, -1e-6, 1.001, np.inf) if not ends[0] <= x <= ends[1]], dtype)
    assert np.isnan(kernels.ufuncs[name](outside, *params)).all()
    assert np.isnan(kernels.ufuncs[f"{name}_backward"](np.ones_like(outside), outside, *params)).all()
    with np.errstate(all="ignore"):
        wanted = [np.array([oracle.limit(t, dtype).nearest for t in side], dtype) for side in (row.limits, row.slopes)]
    np.testing.assert_array_equal(kernels.ufuncs[name](ends, *params), wanted[0])
    for grad in (1.0, -2.0, 0.5):
        got = kernels.ufuncs[f"{name}_backward"](np.array(grad, dtype), ends, *params)
        scaled = [oracle.limit(t, dtype, Fraction(grad)).nearest for t in row.slopes]
        np.testing.assert_array_equal(got, np.array(scaled, dtype))


@situation("infinity")
def test_other_parameters_have_no_nan_at_infinity(build: str, kernels: ModuleType) -> None:
    """Limits exist for all parameters; the exceptions are products of 0 and infinity that have none."""
    for name, sets in PARAMETERS.items():
        for params in sets:
            for dtype in ("float32", "float64"):
                x = np.array([-np.inf, np.inf], dtype)
                row = oracle.ROWS[name]
                # Where the domain depends on the parameters, an infinity may lie outside of it; the values are tested.
                if "nan" in (*row.limits, *row.slopes) or row.defined:
                    continue
                got = kernels.ufuncs[name](x, *params.values())
                assert not np.isnan(got).any() or 0.0 in params.values(), (name, params, got)
                got = kernels.ufuncs[f"{name}_backward"](np.ones_like(x), x, *params.values())
                assert not np.isnan(got).any(), (name, params, got)


ODD = [name for name in measure.elementwise_names() if oracle.ROWS[name].odd]


@situation("signed zero")
@pytest.mark.parametrize("name", ODD)
def test_odd_functions_are_odd_bit_for_bit(name: str, dtype: str, build: str, kernels: ModuleType) -> None:
    """f(-x) is -f(x), the sign of zero included, and f' is even."""
    params = oracle.default_params(oracle.ROWS[name]).values()
    x = samples.values(dtype)
    x = x[~np.isnan(kernels.ufuncs[name](x, *params))]
    assert same_bits(kernels.ufuncs[name](-x, *params), -kernels.ufuncs[name](x, *params))
    one, backward = np.array(1, dtype), kernels.ufuncs[f"{name}_backward"]
    assert same_bits(backward(one, -x, *params), backward(one, x, *params))


def at_zero(name: str) -> tuple[float, float]:
    """Exact f(0) and f'(0) at default parameters."""
    return tuple(float(oracle.elementwise(name, d, "float64", [0.0]).nearest[0]) for d in measure.DIRECTIONS)  # type: ignore[return-value]


@situation("signed zero")
def test_sign_of_zero(name: str, dtype: str, build: str, kernels: ModuleType) -> None:
    """f(-0) is -0 where f passes through 0 with a slope; it is +0 where f is flat there, unless f is odd."""
    value, slope = at_zero(name)
    row = oracle.ROWS[name]
    got = kernels.ufuncs[name](np.array([0.0, -0.0], dtype), *oracle.default_params(row).values())
    if value == 0:
        assert np.all(got == 0)
        assert list(np.signbit(got)) == [False, slope != 0 or row.odd], got


@situation("signed zero")
def test_the_flat_side_of_the_relu_family_is_plus_0(dtype: str, build: str, kernels: ModuleType) -> None:
    """Where a function is exactly 0 on its left, it is +0."""
    found = 0
    for name in measure.elementwise_names():
        row, x = oracle.ROWS[name], samples.values(dtype)
        x = x[x < -3]
        if row.family.startswith("piecewise") and row.limits[0] == "0":
            found += 1
            got = kernels.ufuncs[name](x, *oracle.default_params(row).values())
            assert np.all(got == 0) and not np.signbit(got).any(), name
    assert found >= 8


KINKS = [(n, point) for n in measure.elementwise_names() for point in oracle.ROWS[n].kinks]


@pytest.mark.parametrize(("name", "point"), KINKS)
def test_kinks(name: str, point: str, dtype: str, build: str, kernels: ModuleType) -> None:
    """Where the derivative jumps, backward gives the value that the row promises, times grad."""
    row = oracle.ROWS[name]
    params = oracle.default_params(row)
    exact = {key: oracle.rational(oracle.default_value(value)) for key, value in params.items()}
    x = np.array([float(oracle.ball(oracle.formula(point)(exact)).mid())], dtype)
    value = oracle.formula(row.kinks[point])
    wanted = oracle.Reference.of(dtype, [oracle.resolve(value, exact, oracle.FORMATS[dtype])])
    got = kernels.ufuncs[f"{name}_backward"](np.ones_like(x), x, *params.values())
    assert wanted.errors(got)[0] <= measure.bound_of(name, "backward", dtype), (x, got, wanted.nearest)


@situation("subnormal")
def test_subnormals_are_kept(name: str, dtype: str, build: str, kernels: ModuleType) -> None:
    """Where f passes through 0 with slope 1/8 or more, subnormals stay what they are times that slope."""
    value, slope = at_zero(name)
    if value == 0 and abs(slope) >= 0.125:
        tiny = np.finfo(dtype).smallest_subnormal
        x = np.array([8, 80, 800], dtype) * tiny
        got = kernels.ufuncs[name](-x, *oracle.default_params(oracle.ROWS[name]).values())
        assert np.all(np.abs(got + slope * x.astype(float)) <= tiny), got / tiny


# ---- Floating-point status ------------------------------------------------------------------------------------


@situation("flags")
def test_no_floating_point_warnings(name: str, dtype: str, build: str, kernels: ModuleType) -> None:
    """Even where NumPy raises at every flag, no input sets one off."""
    x = samples.values(dtype)
    sets = [oracle.default_params(oracle.ROWS[name]), *PARAMETERS.get(name, [])]
    with np.errstate(all="raise"):
        for params in sets:
            kernels.ufuncs[name](x, *params.values())
            for grad in (1.0, 0.0, -1e-3, float(np.finfo(dtype).max), float(np.finfo(dtype).tiny), np.inf, np.nan):
                kernels.ufuncs[f"{name}_backward"](np.array(grad, dtype), x, *params.values())


@situation("flags")
def test_conversions_raise_no_flags() -> None:
    """Operands that are widened, narrowed or summed before a kernel or after it: a signalling NaN, 1e300, inf - inf."""
    signalling = np.full((2, 4), 0x7FA00000, np.uint32).view(np.float32)
    wide, large = np.ones((2, 4)), np.full((1, 3, 3), 1e300)
    image = np.ones((1, 1, 2, 4), np.float32)
    grad = np.array([[np.inf, 1.0], [-np.inf, 1.0]])
    rows = [name for name, row in oracle.ROWS.items() if row.kind == "rows" and name not in REDUCED]
    with np.errstate(all="raise"):
        for name in (*rows, "gumbel_softmax"):
            assert np.isnan(getattr(actfn, f"{name}_backward")(wide, signalling)).all()
        for name in REDUCED:
            assert np.isnan(getattr(actfn, f"{name}_backward")(signalling[:, 0], wide[:, ::-1])).all()
        assert np.isnan(actfn.crelu_backward(np.ones((2, 8)), signalling)).all()
        assert np.isnan(actfn.maxout_backward(np.ones((2, 2)), signalling)[:, ::2]).all()
        assert np.isinf(actfn.funnel_relu(image, large)).all()
        assert np.isinf(actfn.funnel_relu_backward(np.ones_like(image), image, large)[0]).any()
        assert np.isnan(actfn.cross_entropy(wide, [0, 1], weight=signalling[0]))
        assert np.isnan(actfn.binary_cross_entropy(signalling[:, ::2], wide[:, ::2]))
        for name in ("prelu", "swish", "flexible_relu"):
            total = getattr(actfn, f"{name}_backward")(grad, -wide[:, :2], wide[0, :2])[1]
            assert np.isnan(total[0]) and np.isfinite(total[1])


# ---- dtypes ---------------------------------------------------------------------------------------------------

RESULT = {
    "float16": "float16", "float32": "float32", "float64": "float64", "bool": "float32", "int8": "float32",
    "uint8": "float32", "int16": "float32", "uint16": "float32", "int32": "float64", "uint32": "float64",
    "int64": "float64", "uint64": "float64",
}  # fmt: skip


@situation("integers")
@each_call
def test_result_dtypes(call: str, operands: int) -> None:
    """Floats stay what they are; bool and integers to 16 bits give float32, wider ones float64."""
    f = function_of(call)
    for kind, wanted in RESULT.items():
        for shape in ((3,), (), (2, 0)):
            results = outputs(f(*[np.ones(shape, kind)] * operands))
            assert [r.dtype for r in results] == [wanted] * len(results), kind
            assert all(r.shape == shape for r in results)
    for numbers in (1, 1.0, [1, 2], [1.0, 2.0], True and [[1]]):
        assert all(r.dtype == np.float64 for r in outputs(f(*[numbers] * operands))), numbers
    # Values too: integers are converted, not reinterpreted, and the smallest int8 does not overflow.
    assert same_bits(f(*[np.array([-128, 127], np.int8)] * operands),
                     f(*[np.array([-128, 127], np.float32)] * operands))  # fmt: skip
    assert same_bits(f(*[np.array([-(2**63), 2**62])] * operands),
                     f(*[np.array([-(2.0**63), 2.0**62])] * operands))  # fmt: skip


@situation("scalars")
@each_call
def test_scalars_come_back_as_scalars(call: str, operands: int) -> None:
    """Of a Python number, NumPy scalar or 0-d array: a NumPy scalar of the dtype."""
    f = function_of(call)
    for number, kind in ((1.0, np.float64), (np.float32(1), np.float32), (np.array(1, np.float16), np.float16)):
        result = f(*[number] * operands)
        assert all(isinstance(r, kind) for r in (result if isinstance(result, tuple) else (result,)))
    kept = f(*[np.array(1.0)] * operands, out=...) if not isinstance(f(*[1.0] * operands), tuple) else None
    assert kept is None or isinstance(kept, np.ndarray)


@situation("parameters")
@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_never_change_the_dtype(name: str) -> None:
    """Python numbers, NumPy scalars and arrays of any width, in every position."""
    params = PARAMETERS[name][1]
    for dtype in ("float16", "float32", "float64"):
        x = np.ones(3, dtype)
        kinds: tuple[Callable[[float], Any], ...] = (
            float, np.float64, np.float32, lambda v: np.full(3, v), lambda v: np.full(3, v, np.float32),
            lambda v: np.ones(3, int), lambda v: np.int64(1), lambda v: 1, lambda v: np.array(v),
            lambda v: np.ones(3, bool), lambda v: [v, v, v],
        )  # fmt: skip
        for convert in kinds:
            values = {key: convert(value) for key, value in params.items()}
            for suffix, grad in (("", ()), ("_backward", (x,))):
                results = outputs(getattr(actfn, name + suffix)(*grad, x, **values))
                assert results[0].dtype == dtype, (suffix, values)
            assert same_bits(getattr(actfn, name)(x, *values.values()), getattr(actfn, name)(x, **values))


BAD = {
    "complex64": np.ones(3, np.complex64), "complex128": np.ones(3, complex), "object": np.array([None] * 3),
    "str": np.array(["a"] * 3), "bytes": np.array([b"a"] * 3), "datetime64": np.ones(3, "M8[s]"),
    "timedelta64": np.ones(3, "m8[s]"), "longdouble": np.ones(3, np.longdouble), "void": np.zeros(3, "V4"),
    "structured": np.zeros(3, "i4,i4"), "StringDType": np.array(["a"] * 3, np.dtypes.StringDType()),
}  # fmt: skip


@situation("other types")
@pytest.mark.parametrize("kind", BAD)
@each_call
def test_other_dtypes_are_refused(call: str, operands: int, kind: str) -> None:
    """TypeError that names the function, whichever operand it is, and out stays untouched."""
    if kind == "longdouble" and np.dtype(np.longdouble) == np.float64:
        pytest.skip("longdouble is float64 here")
    f = function_of(call)
    for position in range(operands):
        arguments: list[Any] = [np.ones(3)] * operands
        arguments[position] = BAD[kind]
        out = np.full(3, 7.0)
        count = len(outputs(f(*[np.ones(3)] * operands)))
        with pytest.raises(TypeError, match=rf"\b{call}\b"):
            f(*arguments, out=out if count == 1 else (out, out.copy()))
        assert np.all(out == 7.0)


@pytest.mark.parametrize("number", [1.0, 2], ids=["float", "int"])
def test_a_python_number_as_grad_follows_the_array(number: float) -> None:
    """Every gradient is of the dtype of the input, that of a learned parameter too."""
    x = np.array([[-1.5, 0.25, 1.0, 3.0]], np.float32)
    calls = [(call, count - 1) for call, count in CALLS if call.endswith("_backward")]
    for name, inputs in [*calls, *((f"{n}_backward", 1) for n in ("glu", "softmax", "log_softmax", "softmin"))]:
        row = oracle.ROWS[name.removesuffix("_backward")]
        given = [0.5 for p, default in row.params.items() if default is None or p in row.trains]
        for got in outputs(getattr(actfn, name)(number, *[x] * inputs, *given)):
            assert got.dtype == np.float32, name


@situation("parameters")
@situation("other types")
@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_of_other_dtypes_are_refused(name: str) -> None:
    """TypeError that names the function."""
    for position, key in enumerate(PARAMETERS[name][0]):
        for bad in (1j, np.ones(3, complex), np.array(["a"] * 3), None, "a"):
            values: dict[str, Any] = {**PARAMETERS[name][0], key: bad}
            with pytest.raises(TypeError, match=rf"\b{name}\b"):
                getattr(actfn, name)(np.ones(3), **values)
            assert position < 4


# ---- out, where, dtype ----------------------------------------------------------------------------------------


@each_call
def test_out_is_filled_and_returned(call: str, operands: int) -> None:
    """Any writable array of the right shape and a dtype at least as wide, in any layout."""
    f = function_of(call)
    for dtype in ("float16", "float32", "float64"):
        arguments = random_operands(operands, (5, 7), dtype)
        wanted = outputs(f(*arguments))
        several = len(wanted) > 1
        for arrangement in layouts(wanted[0]):
            outs = tuple(layouts(np.zeros_like(w))[arrangement] for w in wanted)
            if outs[0].flags.writeable:
                result = f(*arguments, out=outs if several else outs[0])
                assert (result if several else (result,)) == outs or all(
                    r is o for r, o in zip(result if several else (result,), outs, strict=True)
                )
                for o, w in zip(outs, wanted, strict=True):
                    np.testing.assert_array_equal(o, w, err_msg=arrangement)
        wider = tuple(np.zeros((5, 7)) for _ in wanted)
        f(*arguments, out=wider if several else wider[0])
        for o, w in zip(wider, wanted, strict=True):
            np.testing.assert_array_equal(o, w)


@situation("wrong out")
@situation("read-only")
@each_call
def test_wrong_out_is_refused_untouched(call: str, operands: int) -> None:
    """A shape that does not fit, a dtype that cannot hold floats, a read-only array."""
    f = function_of(call)
    arguments = random_operands(operands, (5, 7), "float64")
    several = len(outputs(f(*arguments))) > 1
    frozen = np.full((5, 7), 7.0)
    frozen.flags.writeable = False
    for wrong, error in ((np.full((7, 5), 7.0), ValueError), (np.full((5, 7), 7), TypeError), (frozen, ValueError),
                         (np.full((7,), 7.0), ValueError), ([7.0], TypeError)):  # fmt: skip
        with pytest.raises(error):
            f(*arguments, out=(wrong, np.empty((5, 7))) if several else wrong)
        assert np.all(np.asarray(wrong) == 7)


@situation("overlap")
@each_call
def test_in_place_and_overlapping_views(call: str, operands: int) -> None:
    """As if nothing overlapped: out is an operand, shifted by one or two elements, reversed, or half of it."""
    f = function_of(call)
    for dtype in ("float16", "float32", "float64"):
        for n in (1, 5, 16, 40, 300, 1000):
            start = random_operands(operands, n, dtype)
            wanted = outputs(f(*start))
            for position in range(operands):
                for view in (slice(0, n), slice(1, n + 1), slice(2, n + 2)):
                    for direction in (1, -1):
                        base = np.zeros(n + 2, dtype)
                        base[:n] = start[position]
                        arguments = [*start[:position], base[:n], *start[position + 1 :]]
                        outs = [base[view][::direction], *(np.empty_like(w) for w in wanted[1:])]
                        f(*arguments, out=tuple(outs) if len(outs) > 1 else outs[0])
                        assert all(np.array_equal(o, w, equal_nan=True) for o, w in zip(outs, wanted, strict=True)), (
                            dtype, n, position, view, direction)  # fmt: skip


@situation("keywords")
@each_call
def test_where_leaves_the_rest_alone(call: str, operands: int) -> None:
    """Elements that are not wanted keep what out held."""
    f = function_of(call)
    arguments = random_operands(operands, 300, "float32")
    wanted = outputs(f(*arguments))
    where = np.random.default_rng(0).random(300) < 0.4
    outs = tuple(np.full(300, 7, np.float32) for _ in wanted)
    f(*arguments, out=outs if len(outs) > 1 else outs[0], where=where)
    for o, w in zip(outs, wanted, strict=True):
        assert np.array_equal(o, np.where(where, w, np.float32(7)), equal_nan=True)


@situation("keywords")
@each_call
def test_dtype_says_in_what_to_compute(call: str, operands: int) -> None:
    """dtype= converts the operands first; only the three float dtypes are possible."""
    f = function_of(call)
    arguments = random_operands(operands, 50, "float32")
    for dtype in ("float32", "float64"):
        wanted = f(*[a.astype(dtype) for a in arguments])
        assert same_bits(f(*arguments, dtype=dtype), wanted)
        assert same_bits(f(*[a.astype(np.float16) for a in arguments], dtype=dtype),
                         f(*[a.astype(np.float16).astype(dtype) for a in arguments]))  # fmt: skip
    for bad in ("complex128", "int64", "longdouble"):
        if np.dtype(bad) != np.float64:
            with pytest.raises(TypeError, match=rf"\b{call}\b"):
                f(*arguments, dtype=bad)
    with pytest.raises(TypeError):
        f(*arguments, no_such_keyword=1)


# ---- Layouts, lengths, positions ------------------------------------------------------------------------------


@situation("strides")
@situation("misaligned")
@situation("byte order")
@situation("read-only")
@each_call
def test_layouts_give_the_same_bits(call: str, operands: int) -> None:
    """Strides of any sign, transposed, Fortran order, misaligned, byte-swapped, read-only, broadcast."""
    f = function_of(call)
    for dtype in ("float16", "float32", "float64"):
        for shape in ((13, 21), (400,), (2, 3, 4, 5)):
            plain = random_operands(operands, shape, dtype)
            wanted = f(*plain)
            for position in range(operands):
                for arrangement, array in layouts(plain[position]).items():
                    arguments = [*plain[:position], array, *plain[position + 1 :]]
                    assert same_bits(f(*arguments), wanted), (dtype, shape, position, arrangement)
        column, row = random_operands(operands, (300, 1), dtype), random_operands(operands, (1, 5), dtype, 1)
        mixed = [column[k] if k % 2 else row[k] for k in range(operands)]
        shape2 = np.broadcast_shapes(*(m.shape for m in mixed))
        assert same_bits(f(*mixed), f(*[np.broadcast_to(m, shape2).copy() for m in mixed]))
        repeated = [np.broadcast_to(a[:1], 500) for a in random_operands(operands, 3, dtype)]
        assert same_bits(f(*repeated), f(*[a.copy() for a in repeated]))


@situation("other types")
@each_call
def test_dtypes_that_users_make_are_refused(call: str, operands: int) -> None:
    """NumPy's own example of one: it has no number, which is no reason to take it for another that has none yet."""
    scaled = np.ones(3).view(np._core._multiarray_umath._get_sfloat_dtype()(1.0))
    with pytest.raises(TypeError, match=rf"\b{call}\b"):
        function_of(call)(*[scaled] * operands)


@situation("strides")
@each_call
def test_repeated_columns_and_sliding_windows_give_the_same_bits(call: str, operands: int) -> None:
    """Neighbours at one place, or a step apart along two axes: rows longer than what is turned at once."""
    f = function_of(call)
    for dtype in ("float16", "float32", "float64"):
        columns = [np.broadcast_to(o[:, None], (40, 700)) for o in random_operands(operands, 40, dtype)]
        windows = [np.lib.stride_tricks.sliding_window_view(o, 300) for o in random_operands(operands, 340, dtype)]
        for views in (columns, windows, [o.T for o in columns], columns[:1] + [np.array(o) for o in columns[1:]]):
            wanted = outputs(f(*[np.array(view) for view in views]))
            assert same_bits(f(*views), tuple(wanted))
            outs = tuple(np.empty_like(w) for w in wanted)
            f(*views, out=outs if len(outs) > 1 else outs[0])
            assert same_bits(outs, tuple(wanted))


@situation("lengths")
@situation("positions")
@each_call
def test_lengths_and_positions_give_the_same_bits(call: str, operands: int) -> None:
    """A value's result depends on neither the array's length, 0 to 70, nor where in memory it stands."""
    f = function_of(call)
    for dtype in ("float16", "float32", "float64"):
        values = samples.values(dtype)
        picked = np.random.default_rng(0).permutation(values.size)[: 160 * operands].reshape(operands, 160)
        arguments = list(values[picked])
        whole = outputs(f(*arguments))
        for n in range(71):
            assert same_bits(tuple(outputs(f(*[a[:n] for a in arguments]))), tuple(w[:n] for w in whole)), (dtype, n)
            moved = outputs(f(*[a[n : n + 90] for a in arguments]))
            assert same_bits(tuple(moved), tuple(w[n : n + 90] for w in whole)), (dtype, n)


@situation("positions")
@situation("parameters")
@pytest.mark.parametrize("name", PARAMETERS)
def test_positions_with_varying_parameters_give_the_same_bits(name: str) -> None:
    """An array of parameters, any stride of it and one value throughout are the same function."""
    for dtype in ("float16", "float32", "float64"):
        x = samples.values(dtype)[::9]
        params = PARAMETERS[name][1]
        f = getattr(actfn, name)
        uniform = f(x, **params) if name != "rrelu" else actfn.rrelu(x, **params)
        full = [np.full(2 * x.size, v) for v in params.values()]
        repeated = [np.broadcast_to(v, x.size) for v in params.values()]
        for arrays in ([a[: x.size] for a in full], [a[::-2] for a in full], repeated):
            assert same_bits(getattr(actfn._ufuncs, name)(x, *arrays), uniform), dtype
        for n in range(0, 40, 3):
            arrays = [np.full(n, v) for v in params.values()]
            assert same_bits(getattr(actfn._ufuncs, name)(x[:n], *arrays), uniform[:n])


# ---- Threads and processes ------------------------------------------------------------------------------------


@situation("threads")
@each_call
def test_threads_give_the_same_bits(call: str, operands: int) -> None:
    """One thread or two, contiguous or not."""
    f = function_of(call)
    for dtype in ("float16", "float32", "float64"):
        arguments = random_operands(operands, 140_003, dtype)
        results = []
        for threads in (1, 2):
            actfn.set_num_threads(threads)
            results.append((f(*arguments), f(*[a[::-1] for a in arguments]), f(*arguments[:-1], arguments[-1][0])))
        for a, b in zip(*results, strict=True):
            assert same_bits(a, b), dtype


def test_setting_the_number_of_threads() -> None:
    """A limit, not a wish; wrong values are refused."""
    most = actfn.get_num_threads()
    actfn.set_num_threads(1)
    assert actfn.get_num_threads() == 1
    actfn.set_num_threads(10_000)
    assert actfn.get_num_threads() == most
    actfn.set_num_threads(0)
    assert actfn.get_num_threads() == most
    with pytest.raises(ValueError, match="set_num_threads: n must be"):
        actfn.set_num_threads(-1)
    for bad in (1.0, "2", None, True):
        with pytest.raises(TypeError, match="set_num_threads: n must be an integer"):
            actfn.set_num_threads(bad)  # type: ignore[arg-type]


# ---- NumPy's protocols ----------------------------------------------------------------------------------------


@situation("subclasses")
def test_subclasses_and_protocols() -> None:
    """Masked arrays keep their mask, other types are asked, and those that refuse ufuncs are refused."""
    masked = np.ma.masked_array([-1.0, 2.0, 3.0], mask=[False, True, False])
    result = actfn.relu(masked)
    assert isinstance(result, np.ma.MaskedArray) and list(np.ma.getmaskarray(result)) == [False, True, False]
    assert isinstance(actfn.leaky_relu(np.ma.masked_array([1.0])), np.ma.MaskedArray)

    class Custom:
        def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> str:
            return f"{ufunc.__name__} {method}"

    assert actfn.gelu(Custom()) == "gelu __call__"
    assert actfn.leaky_relu(Custom(), 0.2) == "leaky_relu __call__"
    assert actfn.gelu_backward(1.0, Custom()) == "gelu_backward __call__"

    class Refuses:
        __array_ufunc__ = None

    with pytest.raises(TypeError):
        actfn.gelu(Refuses())


# ---- rrelu ----------------------------------------------------------------------------------------------------


def test_rrelu_in_training() -> None:
    """Slopes are drawn from the interval, are reproducible, and the backward takes them."""
    x = np.random.default_rng(0).normal(size=2000).astype(np.float32)
    y, slope = actfn.rrelu(x, training=True, rng=5, return_slope=True)
    again = actfn.rrelu(x, training=True, rng=np.random.default_rng(5))
    assert same_bits(y, again) and y.dtype == slope.dtype == np.float32
    assert slope.min() >= 1 / 8 and slope.max() <= 1 / 3 + 1e-7 and slope.std() > 0.05
    assert np.array_equal(y, np.where(x > 0, x, x * slope.astype(float)).astype(np.float32))
    grad = actfn.rrelu_backward(np.float32(2), x, slope=slope)
    assert np.array_equal(grad, np.where(x > 0, np.float32(2), 2 * slope))
    assert not np.array_equal(y, actfn.rrelu(x, training=True, rng=6))
    with pytest.raises(ValueError, match="rrelu: lower must not exceed upper"):
        actfn.rrelu(x, 0.5, 0.25, training=True)
    y, slope = actfn.rrelu(x, return_slope=True)
    assert slope == np.float32(11 / 48) and slope.dtype == np.float32


@situation("overlap")
@situation("flags")
@situation("keywords")
def test_rrelu_returns_the_slope_whatever_out_is() -> None:
    """Read before out is written over it, without a warning, and only where the question has an answer."""
    x, lower = np.full(4, -1.0), np.full(4, 0.5)
    y, slope = actfn.rrelu(x, lower, 1.0, return_slope=True, out=lower)
    assert y is lower and np.all(y == -0.75) and np.all(slope == 0.75)
    with np.errstate(all="raise"):
        for training in (False, True):
            _, slope = actfn.rrelu(np.ones(3, "f"), 0.0, np.full(3, 1e300), training=training, rng=0, return_slope=True)
            assert np.all(np.isinf(slope)) and slope.dtype == np.float32
    for argument in ("training", "return_slope"):
        with pytest.raises(TypeError, match=f"rrelu: {argument} must be True or False"):
            actfn.rrelu(x, **{argument: np.ones(2)}, out=x)
    assert np.all(x == -1.0)


def test_rrelu_names_itself_in_errors() -> None:
    """In training as well."""
    with pytest.raises(TypeError, match=r"\brrelu\b"):
        actfn.rrelu(np.ones(3, complex), training=True)
    with pytest.raises(TypeError, match=r"\brrelu_backward\b"):
        actfn.rrelu_backward(1.0, np.ones(3, complex), slope=0.2)
