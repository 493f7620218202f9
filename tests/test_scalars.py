"""The functions for C: cimported by a real extension, called by Numba, and each of them by its address."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numpy as np
import pytest
from numba.extending import get_cython_function_address
from numpy.typing import NDArray

import actfn
from actfn import scalars
from actfn._build import kernels

from . import measure, oracle, processes, samples
from .test_gated import operands as gated_operands
from .test_values import PARAMETERS, UNWIELDY, assert_within

GUIDE = Path(__file__).parent.parent / "docs" / "guides" / "cython_numba.rst"
CAPSULES: dict[str, Any] = dict(scalars.__pyx_capi__)
TYPES = {"float": ctypes.c_float, "double": ctypes.c_double, "void": None}
SUFFIXES = {"float32": "f", "float64": ""}


def in_order(values: NDArray[np.float64]) -> float:
    """The sum as a loop computes it; Python's own loses less from 3.12 on."""
    return float(np.cumsum(values)[-1])


def signature(name: str) -> tuple[str, list[str]]:
    """Types of the result and of the arguments, as the capsule's name says them."""
    found = re.search(r'"(\w+) \((.*)\)"', repr(CAPSULES[name]))
    assert found, CAPSULES[name]
    return found[1], found[2].split(", ")


def function(name: str) -> Callable[..., Any]:
    """A function by its address."""
    result, arguments = signature(name)
    kinds: list[Any] = [TYPES[a.rstrip("* ")] for a in arguments]
    kinds = [ctypes.POINTER(kind) if a.endswith("*") else kind for kind, a in zip(kinds, arguments, strict=True)]
    return ctypes.CFUNCTYPE(TYPES[result], *kinds)(get_cython_function_address("actfn.scalars", name))


def each(name: str, *columns: Any) -> Any:
    """The function at every row of the columns, as arrays of its type."""
    f, (result, arguments) = function(name), signature(name)
    rows = zip(*[np.asarray(c).tolist() for c in np.broadcast_arrays(*columns)], strict=True)
    if result != "void":
        return np.array([f(*row) for row in rows], np.dtype(TYPES[result]))
    kind: Any = TYPES[arguments[0]]
    first, second, out = kind(), kind(), []
    for row in rows:
        f(*row, ctypes.byref(first), ctypes.byref(second))
        out.append((first.value, second.value))
    return tuple(np.array(out, np.dtype(kind)).T)


def needed() -> Iterator[str]:
    """The functions that the catalog asks for: those for float have an f at their end."""
    for name, row in oracle.ROWS.items():
        if row.kind in ("elementwise", "gated", "pointwise loss"):
            yield from (name, f"{name}f", f"{name}_backward", f"{name}_backwardf")
            yield from (f"{name}_backward_{p}" for p in row.trains)


def test_every_activation_is_there() -> None:
    """In the module and in the .pxd beside it, with the same types."""
    assert sorted(CAPSULES) == sorted(needed())
    declarations = Path(scalars.__file__).with_name("scalars.pxd").read_text(encoding="utf-8")
    declared = re.findall(r"^cdef (\w+) (\w+)\((.*)\) noexcept nogil$", declarations, re.MULTILINE)
    types = {name: (result, re.findall(r"(float|double) (\*?)", arguments)) for result, name, arguments in declared}
    assert types == {
        name: (result, [(a.rstrip("* "), "*" if a.endswith("*") else "") for a in arguments])
        for name in CAPSULES
        for result, arguments in [signature(name)]
    }


def default_call(name: str, direction: str, dtype: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """What the function for C and the ufunc return at the samples, parameters at their defaults."""
    params = oracle.default_params(oracle.ROWS[name]).values()
    suffix, grad = ("", ()) if direction == "forward" else ("_backward", (1.0,))
    got = each(name + suffix + SUFFIXES[dtype], *grad, samples.values(dtype), *params)
    return got, measure.result(kernels, name, direction, dtype)


@pytest.mark.parametrize("direction", measure.DIRECTIONS)
@pytest.mark.parametrize("dtype", SUFFIXES)
def test_values(name: str, dtype: str, direction: str) -> None:
    """Within the row's bound of the exact value, and the bits of the ufunc where that has no table."""
    got, by_ufunc = default_call(name, direction, dtype)
    assert_within(measure.reference(name, direction, dtype), got, measure.bound_of(name, direction, dtype),
                  x=samples.values(dtype))  # fmt: skip
    if dtype == "float64" or not (actfn.build == "v4" and oracle.ROWS[name].segment):
        np.testing.assert_array_equal(got, by_ufunc)
        assert np.array_equal(np.signbit(got[got == 0]), np.signbit(by_ufunc[got == 0]))


@pytest.mark.parametrize("direction", measure.DIRECTIONS)
@pytest.mark.parametrize("dtype", SUFFIXES)
@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters(name: str, dtype: str, direction: str) -> None:
    """Any parameters, also those that no float holds, and in their order."""
    x = samples.values(dtype)[::7]
    suffix, grad = ("", ()) if direction == "forward" else ("_backward", (np.full_like(x, -0.75),))
    for params in [*(tuple(p.values()) for p in PARAMETERS[name]), *UNWIELDY.get(name, [])]:
        wanted = kernels.ufuncs[name + suffix](*grad, x, *params)
        if not (actfn.build == "v4" and oracle.ROWS[name].segment and dtype == "float32"):
            np.testing.assert_array_equal(each(name + suffix + SUFFIXES[dtype], *grad, x, *params), wanted)


def test_learned_gradients(learned: str) -> None:
    """Of doubles, as the ufuncs sum them."""
    name = learned.replace("-", "_backward_")
    x = samples.values("float64")
    params = [0.3] * len(oracle.ROWS[learned.split("-")[0]].params)
    np.testing.assert_array_equal(each(name, -0.75, x, *params), kernels.ufuncs[name](-0.75, x, *params))


@pytest.mark.parametrize("dtype", SUFFIXES)
def test_gated(gated: str, dtype: str) -> None:
    """Two results go where the last two arguments point to: with respect to the gate, then to the value."""
    gate, value, grad = gated_operands(dtype)
    got = [each(gated + SUFFIXES[dtype], gate, value), *each(f"{gated}_backward{SUFFIXES[dtype]}", grad, gate, value)]
    wanted = [kernels.ufuncs[gated](gate, value), *kernels.ufuncs[f"{gated}_backward"](grad, gate, value)]
    for mine, its in zip(got, wanted, strict=True):
        # A table may round otherwise.
        assert mine.dtype == its.dtype
        np.testing.assert_allclose(mine, its, rtol=2.0**-22 if dtype == "float32" and actfn.build == "v4" else 0)


@pytest.mark.parametrize("dtype", SUFFIXES)
def test_the_loss_of_two_classes(dtype: str) -> None:
    """Element by element, not reduced."""
    x, suffix = samples.values(dtype)[::5], SUFFIXES[dtype]
    f, backward = (kernels.ufuncs[f"binary_cross_entropy{s}"] for s in ("", "_backward"))
    target = np.linspace(0, 1, x.size).astype(dtype)
    np.testing.assert_allclose(each(f"binary_cross_entropy{suffix}", x, target, 2.0), f(x, target, 2.0), rtol=2.0**-22)
    np.testing.assert_allclose(each(f"binary_cross_entropy_backward{suffix}", 1.0, x, target, 2.0),
                               backward(np.ones_like(x), x, target, 2.0), rtol=2.0**-22)  # fmt: skip


def test_every_build_is_reached(build: str) -> None:
    """The functions are those of the build that was chosen: on base and v3 floats have the bits of the ufunc."""
    code = """
        import ctypes, numpy as np, actfn
        from numba.extending import get_cython_function_address as address
        x = np.linspace(-20, 20, 2001)
        for kind, suffix, c in (("f", "f", ctypes.c_float), ("d", "", ctypes.c_double)):
            f = ctypes.CFUNCTYPE(c, c)(address("actfn.scalars", "mish" + suffix))
            got = np.array([f(v) for v in x.astype(kind).tolist()], kind)
            if suffix == "" or actfn.build != "v4":
                assert np.array_equal(got, actfn.mish(x.astype(kind)))
            else:
                assert np.allclose(got, actfn.mish(x.astype(kind)), rtol=2e-7, atol=0)
        print(actfn.build)
    """
    assert processes.output(code, ACTFN_BUILD=build) == build


# ---- Cython ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The guide's example, compiled by Cython and the C compiler as a user's own project."""
    if not GUIDE.exists():
        pytest.skip("needs the source tree")
    if shutil.which(os.environ.get("CC", "cc")) is None:
        pytest.skip("needs a C compiler")
    folder = tmp_path_factory.mktemp("users")
    text = GUIDE.read_text(encoding="utf-8")
    for language, name in (("cython", "mine.pyx"), ("python", "setup.py")):
        (block,) = re.findall(rf"^\.\. code-block:: {language}\n\n((?:    .*\n|\n)+)", text, re.MULTILINE)
        (folder / name).write_text(re.sub("^    ", "", block, flags=re.MULTILINE), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"], cwd=folder, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    (built,) = [*folder.glob("mine*.so"), *folder.glob("mine*.pyd")]
    spec = importlib.util.spec_from_file_location("mine", built)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_guides_extension(users: ModuleType) -> None:
    """What it computes from doubles, floats, parameters and pointers."""
    x = np.linspace(-4, 4, 1001)
    assert users.total(x) == in_order(actfn.gelu(x))
    weight = np.full(1001, 0.2, np.float32)
    got = users.update(x.astype(np.float32), weight)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, weight * actfn.leaky_relu(x.astype(np.float32), 0.01))
    np.testing.assert_allclose(users.gradients(0.5, 1.5, -2.0), actfn.swiglu_backward(0.5, 1.5, -2.0), rtol=0)


# ---- Numba ----------------------------------------------------------------------------------------------------


def test_numba() -> None:
    """Doubles, floats, parameters and pointers, from compiled code without the GIL."""
    silu, siluf = function("silu"), function("siluf")
    elu_backward = function("elu_backward")

    @numba.njit(nogil=True)
    def sums(x: Any, y: Any) -> Any:
        total, single, slopes = 0.0, np.float32(0), 0.0
        for i in range(x.size):
            total += silu(x[i])
            single += siluf(y[i])
            slopes += elu_backward(1.0, x[i], 0.5)
        return total, single, slopes

    x = np.linspace(-4, 4, 1001)
    total, single, slopes = sums(x, x.astype(np.float32))
    assert total == in_order(actfn.silu(x))
    assert abs(single - total) < 1e-2 and isinstance(single, float)
    assert slopes == in_order(actfn.elu_backward(1.0, x, 0.5))
