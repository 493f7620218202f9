"""Layers: every class does what its functions do, learns what they learn, and agrees with PyTorch's class."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from typing import Any

import numpy as np
import pytest

import actfn
from actfn import layers

from . import oracle
from .test_docs import run_examples

# Without those that draw random numbers anew in each call.
ROWS = [name for name, row in oracle.ROWS.items() if row.kind != "sampled rows"]
LEARNED = [name for name, row in oracle.ROWS.items() if row.trains]
LEARNED_PARAMETERS = [(name, param) for name in LEARNED for param in oracle.ROWS[name].trains]
# PyTorch's class of that name is a linear map of two inputs.
OTHER_IN_TORCH = {"bilinear"}


def class_of(name: str) -> Any:
    return getattr(layers, oracle.ROWS[name].class_name)


def inputs_of(name: str, dtype: str = "float64") -> tuple[Any, ...]:
    """Arrays of 4 x 3 x 6 (images where it must be), far from kinks for the step of a difference quotient."""
    rng = np.random.default_rng(7)
    row = oracle.ROWS[name]
    shape = (2, 3, 4, 6) if row.kind == "spatial" else (4, 3, 6)
    x, other = (rng.normal(0, 2, shape).astype(dtype) for _ in range(2))
    if row.domain != "[-oo, oo]":
        # Inside of every domain there is.
        x = rng.uniform(0.1, 0.9, shape).astype(dtype)
    if name == "cross_entropy":
        return x, rng.integers(0, 3, (4, 6))
    if row.kind == "pointwise loss":
        return x, (other > 0).astype(dtype)
    return (x, other) if row.kind == "gated" and name != "glu" else (x,)


def settings_of(name: str) -> dict[str, Any]:
    """Other values than the defaults, for whatever a row has parameters for."""
    row = oracle.ROWS[name]
    if name == "maxout":
        return {"pieces": 3, "axis": 1}
    if name == "funnel_relu":
        return {"window": np.random.default_rng(8).normal(size=(3, 3, 3))}
    chosen = {
        param: 0.8 * default if default else 0.3 + 0.4 * k for k, (param, default) in enumerate(row.params.items())
    }
    return chosen | (
        {"axis": 1} if row.kind in ("rows", "row loss", "pieces") else {"axis": -3} if name == "glu" else {}
    )


def layer_of(name: str) -> Any:
    if name == "prelu":
        return layers.PReLU(init=settings_of(name)["weight"])
    return class_of(name)(**settings_of(name))


def as_tuple(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


# ---- Every class ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_it_computes_what_its_functions_compute(name: str, dtype: str) -> None:
    """Forward and backward, bit for bit, with settings that are not the defaults; float stays what it was."""
    layer, settings, inputs = layer_of(name), settings_of(name), inputs_of(name, dtype)
    function, function_backward = getattr(actfn, name), getattr(actfn, f"{name}_backward")
    y = layer(*inputs)
    wanted = function(*inputs, **settings)
    np.testing.assert_array_equal(y, wanted, strict=True)
    assert y.dtype == dtype
    grad = np.random.default_rng(9).normal(size=np.shape(y)).astype(dtype)
    remembered = (wanted,) if "y" in inspect.signature(function_backward).parameters else inputs
    got, gradients = as_tuple(layer.backward(grad)), as_tuple(function_backward(grad, *remembered, **settings))
    learned = oracle.ROWS[name].trains
    for one, other in zip(got, gradients[: len(gradients) - len(learned)], strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    assert set(layer.grad) == set(learned)
    for param, total in zip(learned, gradients[1:], strict=False):
        np.testing.assert_array_equal(np.squeeze(layer.grad[param]), total)


@pytest.mark.parametrize("name", ROWS)
def test_defaults_are_those_of_the_function(name: str) -> None:
    """A layer made without arguments is the function called without them."""
    row = oracle.ROWS[name]
    if None in row.params.values():
        pytest.skip("a parameter has no default")
    inputs = tuple(a[..., 0] for a in inputs_of(name)) if name == "cross_entropy" else inputs_of(name)
    np.testing.assert_array_equal(class_of(name)()(*inputs), getattr(actfn, name)(*inputs))


@pytest.mark.parametrize("name", ROWS)
def test_gradients_are_those_of_the_layer(name: str) -> None:
    """Central differences of the layer's own output, for every input and for whatever it learns."""
    layer, inputs = layer_of(name), inputs_of(name)
    weights = np.random.default_rng(10).normal(size=np.shape(layer(*inputs)))
    gradients = as_tuple(layer.backward(weights))
    operands = [*inputs[: len(gradients)], *(getattr(layer, param) for param in oracle.ROWS[name].trains)]
    step = 1e-6
    for array, gradient in zip(operands, [*gradients, *layer.grad.values()], strict=True):
        assert np.shape(gradient) == array.shape
        quotients = np.empty(array.shape)
        for index in np.ndindex(array.shape):
            before = array[index]
            array[index] = before + step
            above = np.sum(weights * layer(*inputs))
            array[index] = before - step
            below = np.sum(weights * layer(*inputs))
            array[index] = before
            quotients[index] = (above - below) / (2 * step)
        np.testing.assert_allclose(gradient, quotients, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ROWS)
def test_repr_shows_its_settings(name: str) -> None:
    """Class and settings, as the constructor takes them."""
    layer = layer_of(name)
    text = repr(layer)
    assert text.startswith(f"{oracle.ROWS[name].class_name}(") and text.endswith(")")
    for setting, value in settings_of(name).items():
        if setting == "window":
            assert "window=<array of shape (3, 3, 3)>" in text
        elif name != "prelu":
            assert f"{setting}={value!r}" in text
    if name not in ("funnel_relu", "prelu"):
        assert repr(eval(text, vars(layers))) == text


@pytest.mark.parametrize("name", ROWS)
def test_pickle_and_copy(name: str) -> None:
    """Settings, weights and gradients travel; the remembered input stays behind."""
    layer, inputs = layer_of(name), inputs_of(name)
    y = layer(*inputs)
    layer.backward(np.ones_like(y))
    for other in (pickle.loads(pickle.dumps(layer)), copy.deepcopy(layer), copy.copy(layer)):
        assert type(other) is type(layer) and repr(other) == repr(layer)
        np.testing.assert_equal(other.grad, layer.grad)
        with pytest.raises(RuntimeError, match="backward needs a forward"):
            other.backward(np.ones_like(y))
        np.testing.assert_array_equal(other(*inputs), y)


@pytest.mark.parametrize("name", ROWS)
def test_misuse_is_named(name: str) -> None:
    """Backward before forward, too many or too few inputs, unknown arguments: one error that names the class."""
    layer, inputs, called = layer_of(name), inputs_of(name), oracle.ROWS[name].class_name
    with pytest.raises(RuntimeError, match=rf"^{called}: backward needs a forward before it, and there was none$"):
        layer.backward(1.0)
    for wrong in ((*inputs, inputs[0]), inputs[1:]):
        with pytest.raises(TypeError, match=rf"^{called}: forward takes .*, got {len(wrong)} arguments$"):
            layer(*wrong)
    with pytest.raises(TypeError, match=rf"{called}.*inplace"):
        class_of(name)(**settings_of(name) if name != "prelu" else {}, inplace=True)


@pytest.mark.parametrize("name", ["Layer", "Sequential", *ROWS])
def test_examples(name: str) -> None:
    """Every class has documentation of its own, a description of every argument, and an example that runs."""
    cls = getattr(layers, name) if name not in ROWS else class_of(name)
    text = inspect.cleandoc(cls.__doc__)
    assert run_examples(text, cls.__name__) >= 3
    if name in ROWS:
        for parameter in inspect.signature(cls).parameters:
            assert re.search(rf"^{parameter} : .+\n    \S.+", text, re.MULTILINE), parameter


def test_every_row_has_a_class() -> None:
    """One class per row, each under its own name, in the catalog's order."""
    assert layers.__all__ == ["Layer", "Sequential", *(row.class_name for row in oracle.ROWS.values())]
    assert len(set(layers.__all__)) == len(layers.__all__)
    for name in ROWS:
        assert issubclass(class_of(name), layers.Layer)
        assert class_of(name).row is actfn.catalog[name] and class_of(name).__name__.isidentifier()


# ---- Arguments ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: layers.LeakyReLU("steep"), TypeError, "LeakyReLU: negative_slope must be a number.*got 'steep'"),
        (lambda: layers.Hardsigmoid(True), TypeError, "Hardsigmoid: slope must be a number.*got True"),
        (lambda: layers.ReLU(True), TypeError, r"ReLU: too many positional arguments, expected ReLU\(\)"),
        (lambda: layers.Softplus(1.0, 20.0), TypeError, r"Softplus: too many .*, expected Softplus\(beta=1.0\)"),
        (lambda: layers.Threshold(1.0), TypeError, r"Threshold: missing a required argument: 'value'"),
        (lambda: layers.Softmax(0.5), TypeError, "Softmax: axis must be an integer, got 0.5"),
        (lambda: layers.ReLU(dim=1), TypeError, "ReLU: .*'dim'"),
        (lambda: layers.GumbelSoftmax(eps=1), TypeError, r"GumbelSoftmax: .*'eps', expected GumbelSoftmax\(tau=1"),
        (lambda: layers.GumbelSoftmax(rng="x"), TypeError, "GumbelSoftmax: rng must be .*Generator or a seed, got 'x'"),
        (lambda: layers.RReLU(rng=-1), TypeError, "RReLU: rng must be .*Generator or a seed, got -1"),
        (lambda: layers.RReLU(training="no"), TypeError, "RReLU: training must be True or False, got 'no'"),
        (lambda: layers.GumbelSoftmax(hard=1), TypeError, "GumbelSoftmax: hard must be True or False, got 1"),
        (lambda: layers.LogSumExp(keepdims="no"), TypeError, "LogSumExp: keepdims must be True or False, got 'no'"),
        (lambda: layers.Maxout(1.5), TypeError, "Maxout: pieces must be an integer, got 1.5"),
        (lambda: layers.Maxout(0), ValueError, "Maxout: pieces must be positive, got 0"),
        (lambda: layers.GELU("fast"), ValueError, "GELU: approximate must be 'none' or 'tanh', got 'fast'"),
        (lambda: layers.PReLU(0), ValueError, "PReLU: num_parameters must be at least 1, got 0"),
        (lambda: layers.PReLU(1.5), TypeError, "PReLU: num_parameters must be an integer, got 1.5"),
        (lambda: layers.PReLU(init="x"), TypeError, "PReLU: init must be a number, got 'x'"),
        (lambda: layers.CrossEntropyLoss(reduction="all"), ValueError, "CrossEntropyLoss: reduction must be .*'all'"),
        (lambda: layers.BCEWithLogitsLoss(reduction=""), ValueError, "BCEWithLogitsLoss: reduction must be"),
        (lambda: layers.BCEWithLogitsLoss(2.0), TypeError, "BCEWithLogitsLoss"),
        (lambda: layers.Sequential([layers.ReLU()]), TypeError, "Sequential: layer 0 must be .* got list"),
        (lambda: layers.Sequential(layers.ReLU(), layers.ReLU), TypeError, "Sequential: layer 1 must be .* got type"),
    ],
)  # fmt: skip
def test_wrong_arguments(make: Any, error: type[Exception], message: str) -> None:
    """Found when the layer is made, not when it first runs."""
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    "called", [c for c in layers.__all__ if "axis" in inspect.signature(getattr(layers, c)).parameters]
)
def test_dim_is_axis(called: str) -> None:
    """PyTorch's name of the axis, for every class that has one; not beside the other name."""
    cls = getattr(layers, called)
    assert repr(cls(dim=0)) == repr(cls(axis=0)) and cls(dim=0).axis == 0
    with pytest.raises(TypeError, match=rf"^{called}: .*'dim', expected {called}\(.*axis="):
        cls(axis=0, dim=1)


def test_gelu_by_approximation() -> None:
    """PyTorch's spelling of two functions."""
    (x,) = inputs_of("gelu")
    for approximate, function, backward in (
        ("none", actfn.gelu, actfn.gelu_backward),
        ("tanh", actfn.gelu_tanh, actfn.gelu_tanh_backward),
    ):
        layer = layers.GELU(approximate=approximate)
        np.testing.assert_array_equal(layer(x), function(x))
        np.testing.assert_array_equal(layer.backward(x), backward(x, x))
        assert repr(layer) == f"GELU(approximate={approximate!r})"


def test_classes_of_cross_entropy_are_axis_1() -> None:
    """As in PyTorch, whatever the number of axes; another axis on request."""
    logits, target = inputs_of("cross_entropy")
    for x, t, axis in ((logits, target, 1), (logits[..., 0], target[..., 0], 1), (logits[0, :, 0], target[0, 0], 0)):
        loss = layers.CrossEntropyLoss()
        assert loss(x, t) == actfn.cross_entropy(x, t, axis)
        np.testing.assert_array_equal(loss.backward(), actfn.cross_entropy_backward(1.0, x, t, axis))
    last = layers.CrossEntropyLoss(axis=-1)
    assert last(np.moveaxis(logits, 1, -1), target) == actfn.cross_entropy(logits, target, 1)


def test_gumbel_softmax_remembers_its_soft_sample() -> None:
    """A seed starts one generator for all calls; the gradient of a hard sample is that of the soft one."""
    x, grad = np.random.default_rng(14).normal(size=(2, 3, 5))
    for hard in (False, True):
        layer, rng = layers.GumbelSoftmax(0.5, 0, hard=hard, rng=3), np.random.default_rng(3)
        for _ in range(2):
            y, soft = actfn.gumbel_softmax(x, 0.5, 0, hard=hard, rng=rng, return_soft=True)
            np.testing.assert_array_equal(layer(x), y)
            np.testing.assert_array_equal(layer.backward(grad), actfn.gumbel_softmax_backward(grad, soft, 0.5, 0))
    assert repr(layers.GumbelSoftmax(axis=1, hard=True)) == "GumbelSoftmax(tau=1.0, axis=1, hard=True)"


def test_rrelu_remembers_the_slopes_it_drew() -> None:
    """Another slope for every element and call while training; the middle, without any draw, otherwise."""
    x = -np.ones(1000)
    layer = layers.RReLU(0.1, 0.3, training=True, rng=3)
    first, second = -layer(x), -layer(x)
    assert 0.1 <= first.min() < 0.15 < 0.25 < first.max() <= 0.3 and not np.array_equal(first, second)
    np.testing.assert_array_equal(layer.backward(2.0), 2 * second)
    np.testing.assert_array_equal(layers.RReLU(0.1, 0.3, training=True, rng=3)(x), -first)
    assert not np.array_equal(layers.RReLU(0.1, 0.3, training=True)(x), layers.RReLU(0.1, 0.3, training=True)(x))
    layer.training = False
    np.testing.assert_array_equal(layer(x), actfn.rrelu(x, 0.1, 0.3))
    np.testing.assert_array_equal(layer.backward(x), actfn.rrelu_backward(x, x, 0.1, 0.3))


# ---- What is learned ------------------------------------------------------------------------------------------


def test_prelu_per_channel() -> None:
    """Axis 1 has the channels, and the gradient is summed over all the others."""
    rng = np.random.default_rng(11)
    for shape in ((5, 3), (5, 3, 4), (5, 3, 4, 2)):
        x, grad = rng.normal(size=shape), rng.normal(size=shape)
        layer = layers.PReLU(3)
        layer.weight[:] = 0.1, 0.2, 0.3
        column = layer.weight.reshape(-1, *(1,) * (len(shape) - 2))
        np.testing.assert_array_equal(layer(x), np.where(x > 0, x, column * x))
        np.testing.assert_array_equal(layer.backward(grad), np.where(x > 0, grad, column * grad))
        axes = tuple(k for k in range(len(shape)) if k != 1)
        np.testing.assert_allclose(layer.grad["weight"], np.sum(grad * np.minimum(x, 0), axis=axes), rtol=1e-13)
    for shape in ((), (3,), (3, 5), (5, 4, 3)):
        with pytest.raises(
            ValueError, match=rf"PReLU: x must have 3 channels along axis 1, got shape {re.escape(str(shape))}"
        ):
            layer(np.ones(shape))
    assert layers.PReLU()(np.float32(-1)).shape == ()


@pytest.mark.parametrize("name", LEARNED)
def test_gradients_accumulate_until_cleared(name: str) -> None:
    """Two calls of backward add up; clearing starts anew; the array of the first sum is left alone."""
    layer, inputs = layer_of(name), inputs_of(name)
    layer(*inputs)
    layer.backward(1.0)
    first = dict(layer.grad)
    kept = {param: total.copy() for param, total in first.items()}
    assert set(kept) == set(oracle.ROWS[name].trains)
    layer.backward(1.0)
    for param, total in kept.items():
        np.testing.assert_array_equal(layer.grad[param], 2 * total)
        np.testing.assert_array_equal(first[param], total)
    layer.grad.clear()
    layer.backward(1.0)
    for param, total in kept.items():
        np.testing.assert_array_equal(layer.grad[param], total)
        assert layer.grad[param].dtype == getattr(layer, param).dtype == np.float64


@pytest.mark.parametrize("name", LEARNED)
def test_weights_may_change_between_forward_and_backward(name: str) -> None:
    """The gradient is that of the call that was made; the next call has the new weights."""
    layer, inputs = layer_of(name), inputs_of(name)
    for param in oracle.ROWS[name].trains:
        y = layer(*inputs)
        wanted = layer.backward(1.0)
        array = getattr(layer, param)
        array += 1.0
        np.testing.assert_array_equal(layer.backward(1.0), wanted)
        assert not np.array_equal(layer(*inputs), y)


@pytest.mark.parametrize(("name", "param"), LEARNED_PARAMETERS)
def test_weights_of_another_shape(name: str, param: str) -> None:
    """One error where the shape changed after forward, or after the gradients that a new one is added to."""
    layer, inputs = layer_of(name), inputs_of(name)
    called = type(layer).__name__
    layer(*inputs)
    layer.backward(1.0)
    before, kept = getattr(layer, param), layer.grad[param].copy()
    for other in (np.ones((5, *before.shape)), np.ones((3, 9)), [1.0] * 7):
        setattr(layer, param, other)
        shapes = [re.escape(str(np.shape(array))) for array in (before, other)]
        message = rf"^{called}: {param} must have shape {shapes[0]}, as in the last forward, got {shapes[1]}$"
        with pytest.raises(ValueError, match=message):
            layer.backward(1.0)
        np.testing.assert_array_equal(layer.grad[param], kept)
    setattr(layer, param, before)
    layer.grad[param] = np.ones((5, *before.shape))
    with pytest.raises(
        ValueError, match=rf"^{called}: grad\['{param}'\] must have shape .*, that of {param}, got \(5,"
    ):
        layer.backward(1.0)
    layer.grad.clear()
    layer.backward(1.0)
    np.testing.assert_array_equal(layer.grad[param], kept)


@pytest.mark.parametrize(("name", "param"), LEARNED_PARAMETERS)
def test_weights_that_are_set(name: str, param: str) -> None:
    """Integers and float32 serve too, and do not round the gradient; what is no number is named."""
    layer, inputs = layer_of(name), inputs_of(name)
    called = type(layer).__name__
    wanted = np.ones(np.shape(getattr(layer, param)))
    setattr(layer, param, wanted)
    y, gradient = layer(*inputs), layer.backward(0.3)
    for kind, kept in (("int64", "float64"), ("float32", "float32"), ("float16", "float16")):
        layer.grad = {}
        setattr(layer, param, wanted.astype(kind))
        np.testing.assert_array_equal(layer(*inputs), y)
        np.testing.assert_array_equal(layer.backward(0.3), gradient)
        assert layer.grad[param].dtype == kept and np.any(layer.grad[param] % 1 != 0)
    for wrong in (None, "steep", 1j, True):
        setattr(layer, param, wrong)
        with pytest.raises(TypeError, match=rf"^{called}: {param} must be a number or an array of numbers, got"):
            layer(*inputs)


@pytest.mark.parametrize("name", LEARNED)
def test_a_weight_belongs_to_its_layer(name: str) -> None:
    """What was given is copied: learning does not change the caller's array."""
    if name == "prelu":
        pytest.skip("takes a number")
    given = np.ones((3, 3, 3))
    layer = class_of(name)(given)
    getattr(layer, oracle.ROWS[name].trains[0])[:] = 2
    assert np.all(given == 1)


def test_the_last_forward_counts() -> None:
    """A layer that is called twice gives gradients of the second call, as often as it is asked."""
    layer = layers.Tanh()
    layer(np.array([0.0]))
    layer(np.array([1.0]))
    for _ in range(2):
        assert layer.backward(1.0) == actfn.tanh_backward(1.0, np.array([1.0]))
    with pytest.raises(TypeError):
        layer(np.array(["x"]))
    assert layer.backward(1.0) == actfn.tanh_backward(1.0, np.array([1.0]))


# ---- Sequential -----------------------------------------------------------------------------------------------


class Product:
    """What a user would write around the activations."""

    def __init__(self, weight: Any) -> None:
        self.weight = weight

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.weight

    def backward(self, grad: Any) -> Any:
        self.grad = self.x.T @ grad
        return grad @ self.weight.T


def test_sequential_is_the_chain_rule() -> None:
    """Through layers of its own and of others; against central differences."""
    rng = np.random.default_rng(12)
    net = layers.Sequential(
        Product(rng.normal(size=(3, 4))), layers.PReLU(4), Product(rng.normal(size=(4, 2))),
        layers.Sequential(layers.GELU(), layers.LogSoftmax()),
    )  # fmt: skip
    x, grad = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    net(x)
    gradient = net.backward(grad)
    for array, got in ((x, gradient), (net[0].weight, net[0].grad), (net[1].weight, net[1].grad["weight"])):
        quotients = np.empty(array.shape)
        for index in np.ndindex(array.shape):
            before = array[index]
            array[index] = before + 1e-6
            above = np.sum(grad * net(x))
            array[index] = before - 1e-6
            below = np.sum(grad * net(x))
            array[index] = before
            quotients[index] = (above - below) / 2e-6
        np.testing.assert_allclose(got, quotients, rtol=1e-6, atol=1e-8)


def test_sequential_is_a_sequence() -> None:
    """Length, iteration, indices from both ends, and the picture of what is in it."""
    first, second, third = layers.ReLU(), layers.ELU(0.5), layers.Softmax(1)
    net = layers.Sequential(first, layers.Sequential(second, third))
    assert len(net) == 2 and list(net) == [first, net[1]] and net[0] is first and net[-1][1] is third
    assert repr(net) == (
        "Sequential(\n  (0): ReLU()\n  (1): Sequential(\n    (0): ELU(alpha=0.5)\n    (1): Softmax(axis=1)\n  )\n)"
    )
    with pytest.raises(IndexError):
        net[2]
    empty = layers.Sequential()
    assert len(empty) == 0 and empty(3.0) == 3.0 and empty.backward(2.0) == 2.0 and repr(empty) == "Sequential()"
    again = pickle.loads(pickle.dumps(net))
    assert repr(again) == repr(net)
    with pytest.raises(RuntimeError, match=r"^ReLU: backward needs a forward"):
        layers.Sequential(first).backward(1.0)


def test_a_layer_is_in_a_sequence_once() -> None:
    """It remembers one input; the gradient of its first call would silently be wrong."""
    layer = layers.Tanh()
    with pytest.raises(ValueError, match=r"every layer must be an object of its own, got the same Tanh\(\) twice"):
        layers.Sequential(layer, layers.ReLU(), layer)
    with pytest.raises(ValueError, match="object of its own"):
        layers.Sequential(layer, layers.Sequential(layers.ReLU(), layer))
    layers.Sequential(layers.Tanh(), layers.Tanh())


# ---- PyTorch --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in ROWS if n not in OTHER_IN_TORCH])
def test_it_is_pytorchs_class(name: str) -> None:
    """Same name, same arguments in the same order, same values and gradients; also of what is learned."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with")
    called = oracle.ROWS[name].class_name
    theirs = getattr(torch.nn, called, None)
    if theirs is None:
        pytest.skip(f"PyTorch has no {called}")
    settings = settings_of(name) if "loss" not in oracle.ROWS[name].kind else {}
    given = [v for k, v in settings.items() if k != "temperature"] if name != "hard_sigmoid" else []
    if name == "prelu":
        given = [3, 0.3]
    ours, peer = class_of(name)(*given), theirs(*given)
    peer.eval()
    inputs = inputs_of(name)
    tensors = [torch.tensor(a) for a in inputs]
    tensors[0].requires_grad_()
    peer.to(torch.float64)
    y, wanted = ours(*inputs), peer(*tensors)
    np.testing.assert_allclose(y, wanted.detach().numpy(), rtol=1e-7, atol=1e-9)
    grad = np.random.default_rng(13).normal(size=np.shape(y))
    wanted.backward(torch.tensor(grad))
    np.testing.assert_allclose(ours.backward(grad), tensors[0].grad.numpy(), rtol=1e-6, atol=1e-9)
    for param, total in ours.grad.items():
        np.testing.assert_allclose(total, getattr(peer, param).grad.numpy(), rtol=1e-6)
    if name not in ("hard_sigmoid", "softplus"):
        # PyTorch leaves out the name of a shrink's only argument.
        assert re.sub(r"axis|lambd=", lambda m: "dim" * (m[0] == "axis"), repr(ours)) == repr(peer)
