"""Every test is asked of every row, dtype and build that its arguments name: `name`, `dtype`, `build`."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from . import measure, oracle

ELEMENTWISE = measure.elementwise_names()
BUILDS = measure.builds()
ARGUMENTS = {
    "name": ELEMENTWISE,
    "gated": [name for name, row in oracle.ROWS.items() if row.kind == "gated"],
    "learned": [f"{name}-{p}" for name in ELEMENTWISE for p in oracle.ROWS[name].trains],
    "dtype": list(measure.DTYPES),
    "build": list(BUILDS),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrise a test over what its arguments stand for, unless it says itself over what."""
    own = {
        argument.strip()
        for mark in metafunc.definition.iter_markers("parametrize")
        for argument in (mark.args[0].split(",") if isinstance(mark.args[0], str) else mark.args[0])
    }
    for argument, values in ARGUMENTS.items():
        if argument in metafunc.fixturenames and argument not in own:
            metafunc.parametrize(argument, values)


@pytest.fixture
def kernels(build: str) -> ModuleType:
    """The compiled module of a build."""
    module: ModuleType = BUILDS[build]
    return module


@pytest.fixture(autouse=True)
def nothing_leaks() -> object:
    """Neither a limit on threads nor a changed floating-point error state outlives a test."""
    import actfn

    state = np.geterr()
    yield
    actfn.set_num_threads(0)
    assert np.geterr() == state


@pytest.fixture
def with_build(build: str, kernels: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The package's functions of rows, losses and planes, run on a build of the test's choice."""
    from actfn import _ufuncs, losses, pieces, rows, spatial

    for module in (rows, losses, spatial, pieces):
        monkeypatch.setattr(module, "kernels", kernels)
    for name, ufunc in kernels.ufuncs.items():
        monkeypatch.setattr(_ufuncs, name, ufunc)
    return kernels
