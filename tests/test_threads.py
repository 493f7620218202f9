"""The number of threads changes no bit of any result."""

from __future__ import annotations

import pytest

from . import processes

# Every ufunc of the build and the functions of rows, on arrays large enough for all threads; a digest of each result.
DIGESTS = """
    import hashlib
    import numpy as np
    import actfn
    from actfn import _ufuncs
    from actfn._build import kernels

    rng = np.random.default_rng(1)

    def show(name, results):
        results = results if isinstance(results, tuple) else (results,)
        print(name, hashlib.sha256(b"".join(np.ascontiguousarray(r).tobytes() for r in results)).hexdigest()[:12])

    for name, ufunc in sorted(kernels.ufuncs.items()):
        inputs, params = kernels.operand_names[name]
        for dtype in ("float16", "float32", "float64"):
            x = [rng.normal(scale=3, size=600_011).astype(dtype) for _ in inputs]
            show(f"{name} {dtype}", ufunc(*x, *[0.3] * len(params)))
    x = rng.normal(scale=3, size=(50_000, 10)).astype(np.float32)
    g = rng.normal(size=x.shape).astype(np.float32)
    for axis in (0, 1):
        for name in ("softmax", "log_softmax", "softmin", "sparsemax"):
            y = getattr(actfn, name)(x, axis)
            show(f"{name} {axis}", (y, getattr(actfn, f"{name}_backward")(g, y, axis)))
        show(f"logsumexp {axis}", actfn.logsumexp(x, axis))
    labels = rng.integers(0, 10, 50_000)
    show("cross_entropy", actfn.cross_entropy(x, labels, reduction="none"))
    show("cross_entropy_backward", actfn.cross_entropy_backward(1, x, labels))
    show("prelu_backward", actfn.prelu_backward(g, x, rng.normal(size=10)))
    image = rng.normal(size=(4, 8, 100, 100)).astype(np.float32)
    show("funnel_relu", actfn.funnel_relu(image, rng.normal(size=(8, 3, 3))))
    assert actfn.get_num_threads() == THREADS
"""


@pytest.fixture(scope="module")
def serial() -> list[str]:
    return processes.output(DIGESTS.replace("THREADS", "1"), OMP_NUM_THREADS="1").splitlines()


@pytest.mark.parametrize("threads", [2, 3, 5, 8])
def test_results_do_not_depend_on_the_number_of_threads(threads: int, serial: list[str]) -> None:
    """One to eight threads, more than there may be processors, return the same bits from every function."""
    found = processes.output(DIGESTS.replace("THREADS", str(threads)), OMP_NUM_THREADS=str(threads)).splitlines()
    assert len(serial) > 240
    assert found == serial
