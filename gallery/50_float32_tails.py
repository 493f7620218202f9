r"""
Where a textbook formula loses every digit
==========================================

In float32 a formula can be right on paper and wrong in every digit.
On this page you put textbook formulas next to actfn and the exact value, find the subtraction that is to blame each
time, and see from where on the digits are gone.

You should know that a float32 has about seven digits.
"""

# sphinx_gallery_tags = ["advanced", "accuracy", "functions"]

import math

import matplotlib.pyplot as plt
import numpy as np

import actfn

one, two, half = np.float32(1), np.float32(2), np.float32(0.5)

# %%
# One minus nearly one
# --------------------
#
# A float32 near 1 knows its neighbours at a distance of 6e-8.
# Whatever is smaller vanishes when it is added to 1, or is left over as noise when 1 is taken away.
#
# >>> one + np.float32(1e-8)
# np.float32(1.0)
# >>> one - np.tanh(np.float32(10)) ** 2
# np.float32(0.0)
#
# The derivative of tanh at 10 is not 0, it is 8.24e-9, and float32 has no trouble with such a number.
# It was lost on the way, in the subtraction.

# %%
# Five formulas
# -------------
#
# Each is what books and many programs use, in float32 from beginning to end.


def erf(x):
    """The error function, rounded to float32."""
    return np.float32([math.erf(v) for v in np.atleast_1d(x)])


FORMULAS = {
    "gelu": lambda x: half * x * (one + erf(x / np.sqrt(two))),
    "sigmoid": lambda x: half * (one + np.tanh(x * half)),
    "log_sigmoid": lambda x: np.log(one / (one + np.exp(-x))),
    "softplus": lambda x: np.log(one + np.exp(x)),
    "tanh_backward": lambda x: one - np.tanh(x) ** 2,
}

# %%
# - GELU is :math:`x\,\Phi(x) = \tfrac12 x\,(1 + \mathrm{erf}(x/\sqrt2))`; on the left, erf is nearly -1.
# - The sigmoid is :math:`\tfrac12 (1 + \tanh(x/2))`, which needs no exponential of its own; tanh is nearly -1.
# - The logarithm of the sigmoid is the logarithm of nearly 1 on the right.
# - Softplus is :math:`\log(1 + e^x)`; on the left, :math:`e^x` is added to 1 and gone.
# - The derivative of tanh is :math:`1 - \tanh^2 x`.
#
# The exact values were computed with mpmath to 50 digits.
# Where mpmath is installed, they are computed again.

exact = {
    ("gelu", -6.0): -5.9195258702261885e-09,
    ("sigmoid", -20.0): 2.0611536181902037e-09,
    ("log_sigmoid", 20.0): -2.061153620314381e-09,
    ("softplus", -20.0): 2.061153620314381e-09,
    ("tanh_backward", 10.0): 8.244614455767397e-09,
}
try:
    import mpmath
except ImportError:
    print("mpmath is not installed; the values above are used as they are")
else:
    mpmath.mp.dps = 50
    definitions = {
        "gelu": lambda x: x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
        "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
        "log_sigmoid": lambda x: -mpmath.log1p(mpmath.exp(-x)),
        "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
        "tanh_backward": lambda x: mpmath.sech(x) ** 2,
    }
    for (name, at), value in exact.items():
        assert float(definitions[name](mpmath.mpf(at))) == value, name


def ours(name, x):
    """The function of actfn; a backward with the gradient 1."""
    function = getattr(actfn, name)
    return function(one, x) if name.endswith("_backward") else function(x)


print(f"{'':22} textbook         actfn            exact")
for (name, at), value in exact.items():
    x = np.float32(at)
    with np.errstate(all="ignore"):
        naive = np.float32(np.squeeze(FORMULAS[name](x)))
    result = ours(name, x)
    print(f"{name:13}({at:5.0f})   {naive:<15.9g}  {result:<15.9g}  {value:.9e}")
    # No digit of the textbook's result is right; that of actfn is the nearest float32.
    assert abs(naive - value) > 0.1 * abs(value)
    assert result == np.float32(value)

# %%
# How the digits go
# -----------------
#
# The error relative to the exact value, along the axis.
# A relative error of 6e-8 is as good as float32 can be; 1 means that no digit is right.
# The exact values are float64 results here, which have nine digits more than can be seen.

# Beyond -12, the values of GELU are too small for a normal float32.
ENDS = {"gelu": -12, "sigmoid": -20, "log_sigmoid": 20, "softplus": -20, "tanh_backward": 20}


def relative_error(values, name, x):
    """Distance from the float64 result, as a share of it."""
    reference = ours(name, x.astype(np.float64))
    return np.abs(values.astype(np.float64) / reference - 1)


figure, grid = plt.subplots(2, 3, figsize=(10, 5.4), layout="constrained", sharey=True)
for axes, (name, formula) in zip(grid.flat, FORMULAS.items(), strict=False):
    x = np.linspace(0, ENDS[name], 401, dtype=np.float32)[1:]
    with np.errstate(all="ignore"):
        naive_error = relative_error(formula(x), name, x)
    error = relative_error(ours(name, x), name, x)
    # Nothing is right beyond 1, and a logarithm has no place for 0.
    axes.plot(x, np.clip(naive_error, 1e-9, 1), "C1", linewidth=1, label="textbook")
    axes.plot(x, np.clip(error, 1e-9, 1), "C0", linewidth=1, label="actfn")
    axes.set(title=name, xlabel="x", yscale="log", ylim=(1e-9, 3))
    assert naive_error.max() > 0.5, name
    assert error.max() < 1.2e-7, name
for axes in grid[:, 0]:
    axes.set_ylabel("relative error")
grid.flat[-1].set_axis_off()
grid.flat[-1].legend(*grid[0, 0].get_legend_handles_labels(), loc="center")

# %%
# Does it matter?
# ---------------
#
# A gradient that is 0 instead of 1e-9 is often no loss.
# It matters where small numbers are divided by each other, or their logarithm is taken, or many of them add up: in the
# probability of a rare event, in the loss of a network that is nearly always right, in attention over many words.
# Here is one such case: the odds of two rare events, from the logarithm of their probabilities.

scores = np.array([-30.0, -31.0], dtype=np.float32)
with np.errstate(divide="ignore"):
    textbook = np.log(FORMULAS["sigmoid"](scores))

# %%
# >>> textbook
# array([-inf, -inf], dtype=float32)
# >>> actfn.log_sigmoid(scores)
# array([-30., -31.], dtype=float32)
# >>> print(f"{np.exp(np.subtract(*actfn.log_sigmoid(scores))):.4f}")
# 2.7183

# %%
# At the other end nothing overflows
# ----------------------------------
#
# >>> huge = np.array([-np.inf, -1e30, 1e30, np.inf], dtype=np.float32)
# >>> actfn.gelu(huge)
# array([-0.e+00, -0.e+00,  1.e+30,     inf], dtype=float32)
# >>> actfn.softplus(huge)
# array([0.e+00, 0.e+00, 1.e+30,    inf], dtype=float32)
# >>> actfn.tanh_backward(one, huge)
# array([0., 0., 0., 0.], dtype=float32)

plt.show()
