"""In one process with libraries that bring an OpenMP runtime of their own, whichever of the two is imported first."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from . import processes
from .situations import situation

pytestmark = situation("import order")

# Large enough for all threads on both sides, and a fit that goes through the neighbour's own parallel code.
WORK = {
    "torch": "assert torch.softmax(torch.ones(2000, 500), 1).sum().round() == 2000",
    "sklearn.cluster": "sklearn.cluster.KMeans(3, n_init=1, random_state=0).fit(x[:20_000].reshape(-1, 4))",
}
ACTFN = """
x = np.linspace(-8, 8, 1 << 21, dtype=np.float32)
assert (actfn.gelu(x)[::4096] == actfn.gelu(x[::4096].copy())).all()
assert actfn.softmax(x.reshape(-1, 64)).sum().round() == x.size // 64
"""


@pytest.mark.parametrize("first", ["actfn", "neighbour"])
@pytest.mark.parametrize("neighbour", list(WORK))
def test_imports_in_both_orders(neighbour: str, first: str) -> None:
    """Both work, before and after one another, and actfn keeps its threads."""
    if not find_spec(neighbour.partition(".")[0]):
        pytest.skip(f"needs {neighbour}")
    modules = ["actfn", neighbour] if first == "actfn" else [neighbour, "actfn"]
    code = f"import {modules[0]}\nimport {modules[1]}\nimport numpy as np\n{ACTFN}{WORK[neighbour]}{ACTFN}"
    alone = processes.output("import actfn; print(actfn.get_num_threads())")
    # What the neighbour warns of is its own business.
    done = processes.output(f"import warnings; warnings.simplefilter('ignore')\n{code}print(actfn.get_num_threads())")
    assert done.splitlines()[-1] == alone
