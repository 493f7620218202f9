r"""
In PyTorch: the same names, the same gradients
==============================================

``actfn.torch`` has the functions and modules of PyTorch under their own names, computed by actfn.
On this page you put both side by side, replace the activations of a model in one call, train it, and see where the
results differ: where PyTorch loses digits.

You should know PyTorch's modules; :doc:`/guides/torch` shows a small model of them.
Where PyTorch is not installed, the page shows what was recorded where it is, and says when that was.
"""

# sphinx_gallery_tags = ["intermediate", "pytorch", "accuracy"]

import datetime
import json
import platform
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import erf
from sklearn.datasets import load_digits

import actfn

try:
    import torch
    from torch import nn

    import actfn.torch
except ImportError:
    torch = None

RECORD = Path("52_pytorch.json")
record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
if torch:
    record["made"] = f"with torch {torch.__version__}, Python {platform.python_version()}, {datetime.date.today()}"
elif record:
    print(f"PyTorch is not installed here. What it computes on this page was recorded\n{record['made']}")
    print("by the command: python 52_pytorch.py --record")
else:
    sys.exit("This page needs PyTorch, or the file 52_pytorch.json beside it.")


def result(compute):
    """What compute() returns, and without PyTorch what it returned then."""
    if torch:
        record[compute.__name__] = compute()
    return record[compute.__name__]


# %%
# The same names
# --------------
#
# Who knows PyTorch's arguments knows these: ``nn.LeakyReLU(0.2)``, ``nn.Softmax(dim=-1)``, ``torch.relu(x)``.
# The results agree, forward, and backward through autograd.


def both(theirs, ours, x):
    """The result and the gradient of the input, by PyTorch and by actfn.torch."""
    results = []
    for function in (theirs, ours):
        leaf = x.clone().requires_grad_()
        y = function(leaf)
        y.backward(torch.ones_like(y))
        results.append((y.detach(), leaf.grad))
    return results


def differences():
    """The largest difference of results, and of gradients, by name."""
    x = torch.linspace(-4, 4, 9, dtype=torch.float64).reshape(3, 3)
    pairs = {
        "torch.relu": (torch.relu, actfn.torch.relu),
        "torch.sigmoid": (torch.sigmoid, actfn.torch.sigmoid),
        "torch.tanh": (torch.tanh, actfn.torch.tanh),
        "nn.ReLU()": (nn.ReLU(), actfn.torch.ReLU()),
        "nn.Sigmoid()": (nn.Sigmoid(), actfn.torch.Sigmoid()),
        "nn.Tanh()": (nn.Tanh(), actfn.torch.Tanh()),
        "nn.LeakyReLU(0.2)": (nn.LeakyReLU(0.2), actfn.torch.LeakyReLU(0.2)),
        "nn.ELU()": (nn.ELU(), actfn.torch.ELU()),
        "nn.SiLU()": (nn.SiLU(), actfn.torch.SiLU()),
        "nn.GELU()": (nn.GELU(), actfn.torch.GELU()),
        "nn.Softmax(dim=1)": (nn.Softmax(dim=1), actfn.torch.Softmax(dim=1)),
    }
    found = {}
    for name, (theirs, ours) in pairs.items():
        (y, grad), (our_y, our_grad) = both(theirs, ours, x)
        assert torch.allclose(y, our_y, rtol=1e-12, atol=1e-15)
        assert torch.allclose(grad, our_grad, rtol=1e-12, atol=1e-15)
        found[name] = (y - our_y).abs().max().item(), (grad - our_grad).abs().max().item()
    return found


print(f"{'':18} largest difference of results, and of gradients")
for name, (of_results, of_gradients) in result(differences).items():
    print(f"{name:18} {of_results:.0e}   {of_gradients:.0e}")

# %%
# A model, its activations replaced
# ---------------------------------
#
# ``actfn.torch.replace`` goes through a model and computes its activations by actfn from then on.
# Weights, hooks, settings and names stay as they are.


def model():
    """Three linear layers, always with the same start."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 32), nn.GELU(), nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 10))


def replacement():
    """How many activations were replaced, and the model then."""
    replaced = model()
    return actfn.torch.replace(replaced), str(replaced)


count, text = result(replacement)
print("activations replaced:", count)
print(text)

# %%
# Both models are trained in the same way.
# The losses lie on top of each other.


def train(network):
    """The loss and the length of the gradient in each step."""
    images, labels = load_digits(return_X_y=True)
    x = torch.tensor(images / 16, dtype=torch.float32)
    t = torch.tensor(labels)
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    losses, lengths = [], []
    for _ in range(150):
        loss = nn.functional.cross_entropy(network(x), t)
        optimiser.zero_grad()
        loss.backward()
        lengths.append(torch.cat([p.grad.flatten() for p in network.parameters()]).norm().item())
        optimiser.step()
        losses.append(loss.item())
    return losses, lengths


def trained():
    """The losses and lengths of the original, and of the model whose activations were replaced."""
    original, replaced = model(), model()
    actfn.torch.replace(replaced)
    return train(original), train(replaced)


(losses, lengths), (our_losses, our_lengths) = result(trained)
print(f"last loss: PyTorch {losses[-1]:.4f}, actfn.torch {our_losses[-1]:.4f}")
assert np.allclose(losses, our_losses, rtol=1e-2)
assert losses[-1] < 0.2

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
for axes, theirs, ours, text in ((left, losses, our_losses, "loss"), (right, lengths, our_lengths, "gradient")):
    axes.plot(theirs, "C0", linewidth=6, alpha=0.4, label="torch.nn")
    axes.plot(ours, "C1--", linewidth=2, label="actfn.torch")
    axes.set(xlabel="step", ylabel=text if text == "loss" else "length of the gradient", yscale="log")
left.legend()

# %%
# Where they differ
# -----------------
#
# In the tails, in float32.
# The exact value of GELU at -6 is -5.9195e-09:
#
# >>> print(f"{actfn.gelu(np.float32(-6.0)):.4e}")
# -5.9195e-09
#
# PyTorch computes :math:`x\,(1 + \mathrm{erf}(x/\sqrt2))/2`, as the textbook has it.
# On the left the 1 and the error function nearly cancel, and all digits go with them.
# The same formula in NumPy shows where:

tail = np.linspace(-8, 0, 201, dtype=np.float32)[:-1]


def tails():
    """GELU at -6 and left of 0, by PyTorch and by actfn.torch."""
    x = torch.tensor(np.append(np.float32(-6), tail))
    return nn.functional.gelu(x).tolist(), actfn.torch.gelu(x).tolist()


(theirs, *theirs_left), (ours, *ours_left) = result(tails)
print(f"torch.nn.functional.gelu(-6) = {theirs:.4e}")
print(f"actfn.torch.gelu(-6)         = {ours:.4e}")

exact = actfn.gelu(tail.astype(np.float64))
half, root = np.float32(0.5), np.float32(np.sqrt(0.5))
errors = {
    name: np.abs(result / exact - 1)
    for name, result in {
        "the formula in NumPy": half * tail * (np.float32(1) + erf(tail * root)),
        "actfn.gelu": actfn.gelu(tail),
        "torch.nn.functional.gelu": np.array(theirs_left),
        "actfn.torch.gelu": np.array(ours_left),
    }.items()
}
assert all((error.max() < 1e-7) == ("actfn" in name) for name, error in errors.items())

figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
for k, (name, error) in enumerate(errors.items()):
    axes.plot(tail, np.clip(error, 1e-9, None), f"C{k}", linestyle=("-", "--")[k // 2], linewidth=1, label=name)
axes.set(xlabel="x", ylabel="relative error", yscale="log", title="Digits of GELU in float32, left of 0")
axes.legend()

if "--record" in sys.argv:
    RECORD.write_text(json.dumps(record, indent=1) + "\n")

plt.show()
