r"""
An activation of your own: first in Python, then in two edits
=============================================================

You have an idea for an activation, or read about one.
On this page cubed ReLU is tried out in a few lines of Python, and then added to actfn, which takes a function in one
file and a row in another.

You should know what a derivative is; for the second half, a C compiler is needed.
"""

# sphinx_gallery_tags = ["advanced", "functions"]

import doctest
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import actfn

# %%
# First try: put together what there is
# -------------------------------------
#
# Cubed ReLU is :math:`\max(x, 0)^3`.
# By the chain rule its backward is :math:`3\,\max(x, 0)^2` times the backward of ReLU.
# Any function whose pieces actfn has can be made like this.


def relu3(x):
    """Cubed ReLU."""
    return actfn.relu(x) ** 3


def relu3_backward(grad, x):
    """The gradient from above, times the derivative."""
    return actfn.relu_backward(3 * grad * actfn.relu(x) ** 2, x)


# %%
# >>> relu3(np.array([-1.0, 0.0, 3.0]))
# array([ 0.,  0., 27.])
# >>> relu3_backward(1.0, np.array([-1.0, 0.0, 3.0]))
# array([ 0.,  0., 27.])

x = np.linspace(-2, 2, 401)
figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
axes.plot(x, relu3(x), "C0", linewidth=2, label="cubed ReLU")
axes.plot(x, relu3_backward(1.0, x), "C1--", linewidth=2, label="its derivative")
axes.plot(x, actfn.relu(x), color="0.5", linestyle=":", label="ReLU")
axes.set(xlabel="x", ylabel="f(x)")
axes.legend()

# %%
# Check the backward before you trust it
# --------------------------------------
#
# Move the input a little to both sides and look at the slope.
# This catches nearly every mistake in a derivative.

half = 1e-5
slope = (relu3(x + half) - relu3(x - half)) / (2 * half)
print(f"largest difference: {np.abs(slope - relu3_backward(1.0, x)).max():.0e}")
assert np.allclose(slope, relu3_backward(1.0, x), atol=1e-4)

# %%
# Then compile it
# ---------------
#
# In Python it takes a pass through memory for each piece.
# Compiled it is one pass, uses all processors, takes ``out=`` and ``where=``, and is tested against its formula.
# Two edits are all it takes; the ufuncs, the public functions with their documentation, and the tests follow from
# them.
# ``CONTRIBUTING.md`` shows both for cubed ReLU, and here they are, read from that file.

here = Path.cwd()
path = next((p / "CONTRIBUTING.md" for p in (here, *here.parents) if (p / "src" / "actfn").exists()), None)
if path is None:
    print("CONTRIBUTING.md is in the source tree of actfn, and this program runs somewhere else")
else:
    text = path.read_text(encoding="utf-8")
    mathematics = re.search(r"```cython\n(.*?)```", text, re.DOTALL)[1]
    facts = re.search(r"```python\n( *Activation\(.*?)```", text, re.DOTALL)[1]

# %%
# **First edit**, in ``src/_kernels.pyx``: the mathematics.
# ``T`` is float or double; a test compiles it for both.

if path:
    print(mathematics)

# %%
# **Second edit**, in ``src/actfn/catalog.py``: the facts.
# The formula is what the tests hold the kernel against.

if path:
    print(facts)

# %%
# What the row says can be tried before anything is compiled.
# Its formula is mathematics in a string, and its example is a doctest; both must agree with the Python version above.

if path:
    row = eval(facts.strip().rstrip(","), {"Activation": actfn.Activation})
    assert np.array_equal(eval(row.formula, {"Max": np.maximum, "x": x}), relu3(x))
    assert np.array_equal(eval(row.derivative, {"Max": np.maximum, "x": x}), relu3_backward(1.0, x))

    class Trial:
        """What the example calls actfn."""

        relu3, relu3_backward = staticmethod(relu3), staticmethod(relu3_backward)

    example = doctest.DocTestParser().get_doctest(row.example, {"np": np, "actfn": Trial}, row.name, None, 0)
    outcome = doctest.DocTestRunner().run(example)
    print(f"{outcome.attempted} examples of the row were tried, {outcome.failed} of them failed")
    assert outcome.attempted == 2 and outcome.failed == 0

# %%
# After both edits, ``make test`` builds actfn with the new function and runs every test that the others pass: each of
# the three types, the edges at infinity and NaN, and the error in units of the last place.

plt.show()
