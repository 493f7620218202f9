r"""
In PyTorch: the same names, the same gradients
==============================================

``actfn.torch`` has the functions and modules of PyTorch under their own names, computed by actfn.
On this page you put both side by side, replace the activations of a model in one call, train it, and see where the
results differ: where PyTorch loses digits.

You should know PyTorch's modules.
The page runs without PyTorch too, and then says so.
"""

# sphinx_gallery_tags = ["intermediate", "pytorch", "accuracy"]

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import actfn

try:
    import torch
    from torch import nn

    import actfn.torch
except ImportError as missing:
    torch = None
    print(f"Nothing is computed on this page, because something is not installed: {missing}")

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


if torch:
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
    print(f"{'':18} largest difference of results, and of gradients")
    for name, (theirs, ours) in pairs.items():
        (y, grad), (our_y, our_grad) = both(theirs, ours, x)
        print(f"{name:18} {(y - our_y).abs().max():.0e}   {(grad - our_grad).abs().max():.0e}")
        assert torch.allclose(y, our_y, rtol=1e-12, atol=1e-15)
        assert torch.allclose(grad, our_grad, rtol=1e-12, atol=1e-15)

# %%
# A model, its activations replaced
# ---------------------------------
#
# ``actfn.torch.replace`` goes through a model and computes its activations by actfn from then on.
# Weights, hooks, settings and names stay as they are.

if torch:

    def model():
        """Three linear layers, always with the same start."""
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(64, 32), nn.GELU(), nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 10))

    original, replaced = model(), model()
    print("activations replaced:", actfn.torch.replace(replaced))
    print(replaced)

# %%
# Both models are trained in the same way.
# The losses lie on top of each other.

if torch:
    images, labels = load_digits(return_X_y=True)
    x = torch.tensor(images / 16, dtype=torch.float32)
    t = torch.tensor(labels)

    def train(network):
        """The loss in each step."""
        optimiser = torch.optim.Adam(network.parameters(), 3e-3)
        losses = []
        for _ in range(150):
            loss = nn.functional.cross_entropy(network(x), t)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        return np.array(losses)

    losses, our_losses = train(original), train(replaced)
    print(f"last loss: PyTorch {losses[-1]:.4f}, actfn.torch {our_losses[-1]:.4f}")
    assert np.allclose(losses, our_losses, rtol=1e-2)
    assert losses[-1] < 0.2

    figure, axes = plt.subplots(figsize=(8, 3.4), layout="constrained")
    axes.plot(losses, "C0", linewidth=6, alpha=0.4, label="torch.nn")
    axes.plot(our_losses, "C1--", linewidth=2, label="actfn.torch")
    axes.set(xlabel="step", ylabel="loss", yscale="log")
    axes.legend()

# %%
# Where they differ
# -----------------
#
# In the tails, in float32.
# The exact value of GELU at -6 is -5.9195e-09.

if torch:
    at = torch.tensor([-6.0])
    print(f"torch.nn.functional.gelu(-6) = {nn.functional.gelu(at).item():.4e}")
    print(f"actfn.torch.gelu(-6)         = {actfn.torch.gelu(at).item():.4e}")
    assert f"{actfn.torch.gelu(at).item():.4e}" == "-5.9195e-09"

    tail = torch.linspace(-8, 0, 801)[:-1]
    exact = actfn.gelu(tail.numpy().astype(np.float64))
    error = np.abs(nn.functional.gelu(tail).numpy() / exact - 1)
    our_error = np.abs(actfn.torch.gelu(tail).numpy() / exact - 1)
    assert our_error.max() < 1e-7

    figure, axes = plt.subplots(figsize=(8, 3.4), layout="constrained")
    axes.plot(tail, np.clip(error, 1e-9, None), "C0", linewidth=1, label="torch.nn.functional.gelu")
    axes.plot(tail, np.clip(our_error, 1e-9, None), "C1", linewidth=1, label="actfn.torch.gelu")
    axes.set(xlabel="x", ylabel="relative error", yscale="log")
    axes.legend()

plt.show()
