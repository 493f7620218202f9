"""One epoch of the digit classifier of gallery/train_digits.py, end to end, with what surrounds the activations.

The same network, batches and number of images; random pixels, because it is time that is measured, and plain gradient
descent.
"""

from typing import Any

import numpy as np

from . import peers

IMAGES, BATCHES, RATE = 1437, 45, 1e-3


def weights() -> list[Any]:
    rng = np.random.default_rng(0)
    shapes = ((64, 128), (128,), (128, 10), (10,))
    return [rng.normal(0, 0.1, shape).astype(np.float32) for shape in shapes]


def batches() -> list[tuple[Any, Any]]:
    rng = np.random.default_rng(1)
    pixels, labels = rng.normal(size=(IMAGES, 64)).astype(np.float32), rng.integers(0, 10, IMAGES)
    return list(zip(np.array_split(pixels, BATCHES), np.array_split(labels, BATCHES), strict=True))


def with_numpy() -> peers.Call:
    """NumPy, and this library for all that is not linear."""
    import actfn

    data, network = batches(), weights()
    w1, b1, w2, b2 = network

    def epoch() -> None:
        for x, labels in data:
            before = x @ w1 + b1
            hidden = actfn.gelu(before)
            logits = hidden @ w2 + b2
            actfn.cross_entropy(logits, labels)
            grad_logits = actfn.cross_entropy_backward(1.0, logits, labels)
            grad_before = actfn.gelu_backward(grad_logits @ w2.T, before)
            gradients = (x.T @ grad_before, grad_before.sum(axis=0), hidden.T @ grad_logits, grad_logits.sum(axis=0))
            for weight, gradient in zip(network, gradients, strict=True):
                weight -= RATE * gradient

    return epoch


def with_torch() -> peers.Call:
    """The same as PyTorch's users write it."""
    import torch
    from torch.nn import functional

    network = [torch.from_numpy(w).requires_grad_() for w in weights()]
    w1, b1, w2, b2 = network
    data = [(torch.from_numpy(x), torch.from_numpy(labels)) for x, labels in batches()]

    def epoch() -> None:
        for x, labels in data:
            with torch.enable_grad():
                logits = functional.gelu(x @ w1 + b1) @ w2 + b2
                gradients = torch.autograd.grad(functional.cross_entropy(logits, labels), network)
            with torch.no_grad():
                for weight, gradient in zip(network, gradients, strict=True):
                    weight -= RATE * gradient

    return epoch


def with_jax() -> peers.Call:
    """A step compiled as a whole, once for both sizes of batches."""
    modules = peers.jax_modules()
    jax, jnp, nn = modules["jax"], modules["jnp"], modules["nn"]

    def loss(network: list[Any], x: Any, labels: Any) -> Any:
        w1, b1, w2, b2 = network
        scores = nn.log_softmax(nn.gelu(x @ w1 + b1, approximate=False) @ w2 + b2)
        return -jnp.take_along_axis(scores, labels[:, None], 1).mean()

    @jax.jit
    def step(network: list[Any], x: Any, labels: Any) -> Any:
        return [w - RATE * g for w, g in zip(network, jax.grad(loss)(network, x, labels), strict=True)]

    start = [jax.device_put(w) for w in weights()]
    data = [(jax.device_put(x), jax.device_put(labels)) for x, labels in batches()]

    def epoch() -> None:
        network = start
        for x, labels in data:
            network = step(network, x, labels)
        jax.block_until_ready(network)

    return epoch


def epochs() -> dict[str, peers.Call]:
    found = {"torch": with_torch, "jax": with_jax}
    calls = {"actfn": with_numpy()} | {peer: make() for peer, make in found.items() if peers.installed(peer)}
    for call in calls.values():
        call()
    return calls
