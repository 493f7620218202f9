"""The bridge to PyTorch: the numbers of actfn's functions, in PyTorch's names, shapes, gradients and graphs."""

from __future__ import annotations

import copy
import inspect
import io
import pickle
import re
import shutil
from typing import Any

import numpy as np
import pytest

import actfn

from . import oracle, processes
from .test_docs import run_examples
from .test_layers import OTHER_IN_TORCH, inputs_of, settings_of

torch = pytest.importorskip("torch", reason="PyTorch is not installed, and actfn.torch is nothing without it")

from torch.autograd import forward_ad  # noqa: E402

import actfn.torch as ours  # noqa: E402

nn, functional = torch.nn, torch.nn.functional
bce = ours.binary_cross_entropy_with_logits
ROWS = [name for name, row in oracle.ROWS.items() if row.kind != "sampled rows"]
# Their gradient is 0 or jumps: nothing to differentiate numerically.
LOSSES = [name for name in ROWS if "loss" in oracle.ROWS[name].kind]
WORDS = {"axis": "dim"}
DTYPES = {"float16": torch.float16, "float32": torch.float32, "float64": torch.float64}


def function_of(name: str) -> Any:
    if name == "binary_cross_entropy":
        return ours.binary_cross_entropy_with_logits
    spelled = {n.replace("_", ""): n for n in ours.__all__ if n == n.lower()}
    return getattr(ours, spelled[name.replace("_", "")])


def tensors_of(name: str, dtype: str = "float64", *, grad: bool = True) -> tuple[Any, ...]:
    """The inputs of the layers' tests, then what is learned."""
    tensors = [torch.tensor(a) for a in inputs_of(name, dtype)]
    if name == "prelu":
        tensors.append(torch.tensor([0.3, -0.2, 0.7], dtype=DTYPES[dtype]))
    elif oracle.ROWS[name].trains:
        tensors += [torch.tensor(settings_of(name)[p], dtype=DTYPES[dtype]) for p in oracle.ROWS[name].trains]
    for k, tensor in enumerate(tensors):
        if grad and tensor.is_floating_point() and (k == 0 or name not in LOSSES):
            tensor.requires_grad_()
    return tuple(tensors)


def others_of(name: str) -> dict[str, Any]:
    """Settings that are no tensors, other than the defaults."""
    if name in LOSSES:
        return {}
    return {WORDS.get(k, k): v for k, v in settings_of(name).items() if k not in oracle.ROWS[name].trains}


def arrays_of(name: str, tensors: tuple[Any, ...]) -> tuple[Any, ...]:
    arrays = [t.detach().numpy() for t in tensors]
    if name == "prelu":
        arrays[1] = arrays[1].reshape(3, 1)
    return tuple(arrays)


def tuple_of(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


def keywords_of(name: str) -> dict[str, Any]:
    return (
        settings_of(name)
        if name in LOSSES
        else {k: v for k, v in settings_of(name).items() if k not in oracle.ROWS[name].trains}
    )


# ---- Functions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("dtype", list(DTYPES))
def test_the_numbers_are_those_of_actfn(name: str, dtype: str) -> None:
    """Forward and backward, bit for bit; dtype and shape of each gradient are those of its input."""
    tensors = tensors_of(name, dtype)
    arrays, keywords = arrays_of(name, tensors), keywords_of(name)
    if name == "binary_cross_entropy":
        keywords = {}
    y = function_of(name)(*tensors, **others_of(name))
    wanted = getattr(actfn, name)(*arrays, **keywords)
    np.testing.assert_array_equal(y.detach().numpy(), wanted)
    assert y.dtype == DTYPES[dtype] and y.shape == np.shape(wanted)
    grad = torch.tensor(np.random.default_rng(9).normal(size=y.shape), dtype=y.dtype)
    y.backward(grad)
    backward = getattr(actfn, f"{name}_backward")
    kept = (wanted,) if "y" in inspect.signature(backward).parameters else arrays
    for tensor, gradient in zip(
        tensors, tuple_of(backward(grad.numpy(), *kept, **keywords)), strict=name not in LOSSES
    ):
        assert tensor.grad.dtype == tensor.dtype and tensor.grad.shape == tensor.shape
        np.testing.assert_array_equal(tensor.grad.numpy(), np.reshape(gradient, tensor.shape))


@pytest.mark.parametrize("name", ROWS)
def test_opcheck(name: str) -> None:
    """PyTorch's own test of a custom operator: its schema, its fake kernel, and its gradient traced with both."""
    operator = getattr(torch.ops.actfn, name).default
    tensors = list(tensors_of(name, "float32"))
    if name == "prelu":
        tensors[1] = tensors[1].detach().reshape(3, 1).requires_grad_()
    settings = {
        "keepdims": True, "mask": None, "weight": None, "ignore_index": -100, "label_smoothing": 0.1,
        "reduction": "mean", **settings_of(name), "pos_weight": torch.tensor(2.0),
    }  # fmt: skip
    others = [argument.name for argument in operator._schema.arguments[len(tensors) :]]
    torch.library.opcheck(operator, (*tensors, *(settings[other] for other in others)))


@pytest.mark.parametrize("name", ROWS)
def test_gradcheck(name: str) -> None:
    """The gradients are those of the function, by PyTorch's own difference quotients in float64."""
    assert torch.autograd.gradcheck(lambda *given: function_of(name)(*given, **others_of(name)), tensors_of(name))


@pytest.mark.parametrize("name", [n for n in ROWS if n not in {*OTHER_IN_TORCH, "identity"}])
def test_it_agrees_with_torch(name: str) -> None:
    """Values and gradients of PyTorch's function of the same name, with the same positional arguments."""
    function = function_of(name)
    theirs = getattr(functional, function.__name__, getattr(torch, function.__name__, None))
    if theirs is None:
        pytest.skip(f"PyTorch has no {function.__name__}")
    # PyTorch's hard sigmoid and sine have no parameters.
    plain = name in ("hard_sigmoid", "sin")
    others = [] if plain else [v for k, v in others_of(name).items() if k != "temperature"]
    results = []
    for f in (function, theirs):
        tensors = tensors_of(name)
        y = f(*tensors, *others)
        y.backward(torch.linspace(-1, 1, y.numel(), dtype=y.dtype).reshape(y.shape))
        results.append([y.detach(), *(t.grad for t in tensors if t.requires_grad)])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-8)


def layouts() -> dict[str, Any]:
    x = torch.randn(4, 3, 6, 5, generator=torch.Generator().manual_seed(1))
    return {
        "contiguous": x, "transposed": x.transpose(0, 2), "reversed": x.permute(3, 2, 1, 0),
        "channels last": x.contiguous(memory_format=torch.channels_last), "every other": x[..., ::2],
        "expanded": x[:1].expand(4, 3, 6, 5), "offset": x.flatten()[1:], "one element": x[:1, :1, :1, :1],
        "negated": torch.complex(x, x).conj().imag,
        "0-d": x[0, 0, 0, 0], "empty": x[:0], "empty inside": x[:, :0],
    }  # fmt: skip


@pytest.mark.parametrize("layout", list(layouts()))
def test_layouts(layout: str) -> None:
    """Same values, and the same strides as PyTorch's own functions: what follows in a graph counts on them."""
    x = layouts()[layout]
    for function, theirs in (
        (ours.gelu, functional.gelu),
        (ours.elu, functional.elu),
        (ours.softmax, functional.softmax),
    ):
        keywords = {"dim": -1} if function is ours.softmax else {}
        if keywords and layout == "0-d":
            # Without an axis there is no row.
            continue
        one, other = (x.detach().clone(memory_format=torch.preserve_format) for _ in range(2))
        source, target = one.requires_grad_(), other.requires_grad_()
        y, wanted = function(source, **keywords), theirs(target, **keywords)
        torch.testing.assert_close(y, wanted)
        plain = function(x, **keywords)
        torch.testing.assert_close(plain, theirs(x, **keywords))
        assert plain.stride() == torch.empty_like(x).stride()
        # The gradient of a sum is one number, expanded.
        (gradient,), (expected,) = torch.autograd.grad(y.sum(), source), torch.autograd.grad(wanted.sum(), target)
        torch.testing.assert_close(gradient, expected)
        assert gradient.stride() == torch.empty_like(source).stride()


def test_nothing_is_copied() -> None:
    """Operators read the tensor's memory and return the memory that NumPy allocated."""
    x = torch.randn(3, 4)
    assert np.shares_memory(ours._array(x), x.numpy())
    result = actfn.gelu(x.numpy())
    assert np.shares_memory(ours._tensor(result, torch.empty_like(x)).numpy(), result)
    assert ours._tensor(result.T, torch.empty(4, 3)).is_contiguous()


@pytest.mark.parametrize("name", ["relu", "gelu", "prelu", "swiglu", "softmax", "logsumexp", "cross_entropy"])
def test_bfloat16_is_computed_in_float32(name: str) -> None:
    """And rounded at the end: the result next to that of the widened input."""
    wide = tensors_of(name, "float32")
    narrow = tuple(t.detach().bfloat16() if t.is_floating_point() else t for t in wide)
    again = tuple(t.float().requires_grad_() if t.is_floating_point() else t for t in narrow)
    narrow = tuple(t.requires_grad_() if t.is_floating_point() else t for t in narrow)
    y, wanted = (function_of(name)(*given, **others_of(name)) for given in (narrow, again))
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y, wanted.bfloat16(), rtol=0, atol=0)
    y.square().sum().backward()
    wanted.square().sum().backward()
    for one, other in zip(narrow, again, strict=True):
        if one.requires_grad:
            # A gradient from a rounded output, or of one, has its rounding error.
            torch.testing.assert_close(one.grad, other.grad.bfloat16(), rtol=0.03, atol=0.01)


@pytest.mark.parametrize("compiled", [False, True])
def test_gates_broadcast(compiled: bool) -> None:
    """The gradient of a broadcast operand is summed to its shape."""
    gate = torch.randn(2, 1, 4, dtype=torch.float64, requires_grad=True)
    value = torch.randn(3, 1, dtype=torch.float64, requires_grad=True)
    torch.compiler.reset()
    swiglu = torch.compile(ours.swiglu, fullgraph=True, backend="aot_eager") if compiled else ours.swiglu
    swiglu(gate, value).sum().backward()
    mine = gate.grad.clone(), value.grad.clone()
    gate.grad = value.grad = None
    (functional.silu(gate) * value).sum().backward()
    for one, other in zip(mine, (gate.grad, value.grad), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("keepdim", [False, True])
def test_logsumexp_keeps_its_axis(dim: int, keepdim: bool) -> None:
    """Or drops it, as PyTorch does; gradients included."""
    found = []
    for function in (ours.logsumexp, torch.logsumexp):
        x = torch.linspace(-3, 3, 24).reshape(2, 3, 4).requires_grad_()
        y = function(x, dim, keepdim)
        y.square().sum().backward()
        found.append((y.detach(), x.grad))
    torch.testing.assert_close(*found)


@pytest.mark.parametrize("dtypes", [("float32", "float64"), ("float64", "float32"), ("float16", "bfloat16")])
def test_gates_of_two_dtypes(dtypes: tuple[str, str]) -> None:
    """The product has the dtype of PyTorch's products, and each gradient that of its operand."""
    found = []
    for swiglu in (ours.swiglu, lambda gate, value: functional.silu(gate) * value):
        gate, value = (torch.linspace(-1, 2, 4).to(getattr(torch, dtype)).requires_grad_() for dtype in dtypes)
        y = swiglu(gate, value)
        y.sum().backward()
        assert gate.grad.dtype == gate.dtype and value.grad.dtype == value.dtype
        found.append((y.detach(), gate.grad, value.grad))
    torch.testing.assert_close(*found, rtol=0.01, atol=0.01)


def test_masks_and_temperatures() -> None:
    """What PyTorch's softmax does not have."""
    x, mask = torch.randn(3, 5), torch.rand(3, 5) > 0.4
    wanted = actfn.softmax(x.numpy(), 1, mask=mask.numpy(), temperature=0.5)
    np.testing.assert_array_equal(ours.softmax(x, 1, mask=mask, temperature=0.5).numpy(), wanted)
    with pytest.raises(TypeError, match="positional"):
        ours.softmax(x, 1, mask)


def test_softplus_takes_a_threshold() -> None:
    """Below 20 as in PyTorch; from there on the exact value, which does not differ in float32."""
    x = torch.linspace(-5, 40, 1000)
    for threshold in (0.5, 5.0, 20.0, 30.0):
        torch.testing.assert_close(ours.softplus(x, 1.5, threshold), functional.softplus(x, 1.5, threshold))
    assert ours.softplus(torch.tensor(3.0), 1.0, 2.0) == 3.0 < ours.softplus(torch.tensor(3.0))


def test_rrelu_draws_while_training() -> None:
    """From PyTorch's generator; the gradient is the slope that was drawn."""
    x = -torch.ones(1000, requires_grad=True)
    x.retain_grad()
    torch.manual_seed(1)
    y = ours.rrelu(x, 0.1, 0.3, training=True)
    torch.manual_seed(1)
    assert torch.equal(y, ours.rrelu(x, 0.1, 0.3, training=True))
    assert 0.1 <= -y.max() < 0.15 < 0.25 < -y.min() <= 0.3
    y.sum().backward()
    assert torch.equal(x.grad, -y)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_take_what_torchs_take(reduction: str) -> None:
    """Weights, ignored labels, smoothing, probabilities, weights of losses and of the positive class."""
    logits = torch.randn(6, 3, 4, dtype=torch.float64)
    labels = torch.randint(0, 3, (6, 4))
    labels[0] = -100
    weight = torch.tensor([0.2, 1.0, 3.0], dtype=torch.float64)
    probabilities = torch.softmax(torch.randn(6, 3, 4, dtype=torch.float64), 1)
    positive = torch.tensor([0.5, 1.0, 2.0, 4.0], dtype=torch.float64)
    cases: list[tuple[Any, Any, Any, dict[str, Any]]] = [
        (nn.CrossEntropyLoss, ours.CrossEntropyLoss, labels, {"weight": weight, "label_smoothing": 0.1}),
        (nn.CrossEntropyLoss, ours.CrossEntropyLoss, labels, {"ignore_index": 2}),
        (nn.CrossEntropyLoss, ours.CrossEntropyLoss, probabilities, {"weight": weight}),
        (nn.BCEWithLogitsLoss, ours.BCEWithLogitsLoss, probabilities, {"pos_weight": positive}),
        (nn.BCEWithLogitsLoss, ours.BCEWithLogitsLoss, probabilities, {"weight": positive}),
    ]
    for theirs, mine, target, settings in cases:
        target = torch.where(target == -100, -100 if "ignore_index" not in settings else 2, target)
        found = []
        for cls in (theirs, mine):
            x = logits.clone().requires_grad_()
            loss = cls(reduction=reduction, **settings)(x, target=target)
            loss.backward(torch.ones_like(loss))
            found.append((loss.detach(), x.grad))
        torch.testing.assert_close(*found)


# ---- Errors ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROWS)
def test_what_is_no_tensor_on_the_cpu_is_named(name: str) -> None:
    """The function, the argument, what came: another device, no tensor, integers."""
    function = function_of(name)
    called = re.escape(f"actfn.torch.{function.__name__}: ")
    tensors = tensors_of(name, "float32")
    for k in range(len(tensors)):
        for wrong, message in (
            (tensors[k].to("meta"), "a dense tensor on the CPU, got one on meta"),
            ([0.5], "a tensor, got list"),
        ):
            with pytest.raises(TypeError, match=called + rf"\w+ must be {message}"):
                function(*tensors[:k], wrong, *tensors[k + 1 :], **others_of(name))
    with pytest.raises(TypeError, match=called + r"\w+ must be float16, .* got torch.int64"):
        function(tensors[0].detach().long(), *tensors[1:], **others_of(name))
    with pytest.raises(TypeError, match=r"dense tensor on the CPU, got one on cpu of layout torch.sparse_coo"):
        function(torch.ones(3).to_sparse(), *tensors[1:], **others_of(name))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: ours.gelu(x, "fast"), ValueError, "gelu: approximate must be 'none' or 'tanh', got 'fast'"),
        (lambda x: ours.prelu(x, torch.ones(3)), ValueError, "prelu: weight must have one slope"),
        (lambda x: ours.swish(x, torch.ones(7)), ValueError, r"beta must broadcast to shape \(2, 4\), got \(7,\)"),
        (lambda x: ours.flexible_relu(x, torch.ones(1, 2, 4)), ValueError, "flexible_relu: bias must broadcast"),
        (lambda x: ours.softmax(x, 2), ValueError, "axis 2 is out of bounds"),
        (lambda x: ours.glu(x[:, :3]), ValueError, "glu: x must have an even length"),
        (lambda x: ours.softmax(x, temperature=-1.0), ValueError, "softmax: temperature must be positive"),
        (lambda x: ours.cross_entropy(x, torch.tensor([0, 9])), ValueError, "target must hold class labels"),
        (lambda x: ours.cross_entropy(x, x.clone().requires_grad_()), ValueError, "target must not require a gradient"),
        (lambda x: ours.cross_entropy(x, [0, 1]), TypeError, "target must be a tensor, got list"),
        (lambda x: ours.cross_entropy(x, None), TypeError, "target must be a tensor, got NoneType"),
        (lambda x: ours.binary_cross_entropy_with_logits(x, x, pos_weight=2.0), TypeError, "got float"),
        (lambda x: ours.binary_cross_entropy_with_logits(x, x, pos_weight=x[None]), ValueError, "must broadcast"),
        (lambda x: ours.softmax(x, mask=[True]), TypeError, "softmax: mask must be a tensor, got list"),
        (lambda x: ours.softmax(x, None), TypeError, "softmax: dim must be an integer, got None"),
        (lambda x: ours.Softmax()(x), TypeError, "softmax: dim must be an integer, got None"),
        (lambda x: ours.logsumexp(x, 0, 1), TypeError, "logsumexp: keepdim must be True or False, got 1"),
        (lambda x: ours.hardsigmoid(x, True), TypeError, "hardsigmoid: slope must be a number, got True"),
        (lambda x: ours.swish(x, True), TypeError, "swish: beta must be a number, got True"),
        (lambda x: ours.elu(x, torch.ones(())), TypeError, "elu: alpha must be a number, got tensor"),
        (lambda x: ours.softplus(x, "1"), TypeError, "softplus: beta must be a number, got '1'"),
        (lambda x: ours.rrelu(x, None), TypeError, "rrelu: lower must be a number, got None"),
        (lambda x: ours.binary_cross_entropy_with_logits(x, x[:1]), ValueError, "target must have the shape of input"),
        (lambda x: ours.LeakyReLU("steep")(x), Exception, "negative_slope"),
        (lambda x: bce(x, x, x, reduction="max"), ValueError, "with_logits: reduction must be 'mean', .* got 'max'"),
        (lambda x: bce(x, x, reduction=None), ValueError, "with_logits: reduction must be 'mean', .* got None"),
        (lambda x: bce(x, x, x[None]), ValueError, r"weight must broadcast to shape \(2, 4\), got \(1, 2, 4\)"),
        (lambda x: ours.cross_entropy(x, x, reduction=None), ValueError, "cross_entropy: reduction must be"),
        (lambda x: ours.cross_entropy(x, x, ignore_index=1.5), TypeError, "ignore_index must be an integer, got 1.5"),
        (lambda x: ours.cross_entropy(x, x, label_smoothing="1"), TypeError, "label_smoothing must be a number"),
        (lambda x: ours.softplus(x, 1.0, "1"), TypeError, "softplus: threshold must be a number, got '1'"),
        (lambda x: ours.rrelu(x, training="no"), TypeError, "rrelu: training must be True or False, got 'no'"),
        (lambda x: ours.rrelu(x, 0.5, 0.1, True), ValueError, "rrelu: lower must not exceed upper, got lower=0.5"),
        (lambda x: ours.gelu(x.to(torch.float8_e5m2)), TypeError, "input must be float16, .* got torch.float8_e5m2"),
        (lambda _: ours.replace(torch.relu), TypeError, "replace: model must be a torch.nn.Module, got builtin"),
    ],
)  # fmt: skip
def test_wrong_arguments(call: Any, error: type[Exception], message: str) -> None:
    """One error that says what is wrong."""
    with pytest.raises(error, match=message):
        call(torch.randn(2, 4))


def test_weights_of_losses_do_not_change_the_dtype() -> None:
    """As in PyTorch, where the losses are multiplied in place."""
    x = torch.randn(2, 4)
    weight = torch.rand(4, dtype=torch.float64)
    for reduction in ("mean", "sum", "none"):
        found = bce(x, torch.sigmoid(x), weight, reduction=reduction)
        wanted = functional.binary_cross_entropy_with_logits(x, torch.sigmoid(x), weight, reduction=reduction)
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("name", ROWS)
def test_second_derivatives_are_refused(name: str) -> None:
    """By an error, not by a wrong number or a silent zero."""
    tensors = tensors_of(name)
    y = function_of(name)(*tensors, **others_of(name))
    # Of the first, the gradient depends on the input by what comes from above too; of the second, only by itself.
    for loss in ((y * y).sum(), y.sum()):
        (gradient,) = torch.autograd.grad(loss, tensors[0], create_graph=True)
        with pytest.raises(RuntimeError, match=f"{name} has no second derivative"):
            gradient.sum().backward(retain_graph=True)


def test_constants_are_on_the_cpu_and_have_no_gradient() -> None:
    """Otherwise the result would be whatever was in memory, or a gradient that somebody waits for would be missing."""
    x, labels = torch.randn(2, 3), torch.tensor([0, 2])
    calls = {
        "mask": lambda t: ours.softmax(x, mask=t > 0), "weight": lambda t: ours.cross_entropy(x, labels, t),
        "pos_weight": lambda t: ours.binary_cross_entropy_with_logits(x, x.sigmoid(), pos_weight=t),
    }  # fmt: skip
    for name, call in calls.items():
        call(torch.ones(3))
        with pytest.raises(TypeError, match=f"{name} must be a dense tensor on the CPU, got one on meta"):
            call(torch.ones(3, device="meta"))
        if name != "mask":
            with pytest.raises(ValueError, match=f": {name} must not require a gradient"):
                call(torch.ones(3, requires_grad=True))
            with torch.no_grad():
                call(torch.ones(3, requires_grad=True))
    factor = torch.ones(3, requires_grad=True)
    ours.binary_cross_entropy_with_logits(x, x.sigmoid(), factor).backward()
    assert factor.grad.abs().sum() > 0


# The first dual number makes PyTorch load what it deprecates itself.
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize("name", ROWS)
def test_forward_mode_is_refused(name: str) -> None:
    """PyTorch drops the tangent of a custom operator without a word, and takes it for 0."""
    x, *others = tensors_of(name, grad=False)
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, x)
        with pytest.raises(RuntimeError, match=f"{function_of(name).__name__}: there is no forward-mode derivative"):
            function_of(name)(dual, *others, **others_of(name))


def test_without_torch() -> None:
    """The error says what to install; the rest of actfn does not ask for it."""
    code = (
        "import sys; sys.modules['torch'] = None; import actfn\n"
        "try: import actfn.torch\nexcept ImportError as e: print(e)"
    )
    assert processes.output(code) == "actfn.torch needs PyTorch: pip install 'actfn[torch]'"
    assert processes.output("import actfn, sys; print('torch' in sys.modules)") == "False"


# ---- Modules --------------------------------------------------------------------------------------------------


def module_of(name: str) -> Any:
    cls = getattr(ours, oracle.ROWS[name].class_name)
    if name == "prelu":
        return cls(3)
    settings = {WORDS.get(k, k): v for k, v in settings_of(name).items() if k != "temperature"}
    return cls() if name in (*LOSSES, "hard_sigmoid") else cls(**settings)


@pytest.mark.parametrize("name", ROWS)
def test_modules(name: str) -> None:
    """Each is the function of its name, with PyTorch's class above it where there is one; weights are learned."""
    module, row = module_of(name).eval(), oracle.ROWS[name]
    theirs = getattr(nn, row.class_name, None)
    assert isinstance(module, nn.Module) and type(module).__name__ == row.class_name
    if theirs is not None and name not in {*OTHER_IN_TORCH, "identity"}:
        assert isinstance(module, theirs)
        assert inspect.signature(type(module)) == inspect.signature(theirs)
    tensors = tensors_of(name, "float32")[: len(inputs_of(name))]
    others = {k: v for k, v in others_of(name).items() if k != "temperature" and name != "hard_sigmoid"}
    weights = dict(module.named_parameters())
    assert list(weights) == list(row.trains)
    y = module(*tensors)
    torch.testing.assert_close(y, function_of(name)(*tensors, *weights.values(), **others), rtol=0, atol=0)
    y.sum().backward()
    assert all(w.grad is not None and w.grad.shape == w.shape and w.dtype == torch.float32 for w in weights.values())
    assert repr(module).startswith(f"{row.class_name}(")
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert repr(other) == repr(module)
        torch.testing.assert_close(other(*tensors), y, rtol=0, atol=0)


def test_modules_of_our_own_take_settings() -> None:
    """A generated constructor, its errors and its text."""
    assert repr(ours.Swish(beta=2)) == "Swish(beta=2.0)" and repr(ours.Squareplus()) == "Squareplus(b=4.0)"
    assert repr(ours.FunnelReLU(torch.ones(3, 3, 3))) == "FunnelReLU(window=(3, 3, 3))"
    assert repr(ours.LogSumExp(0, keepdim=True)) == "LogSumExp(dim=0, keepdim=True)"
    with pytest.raises(TypeError, match=r"QuickGELU: too many positional arguments, expected QuickGELU\(\)"):
        ours.QuickGELU(True)
    given = torch.ones(3, 3, 3)
    module = ours.FunnelReLU(given)
    module.window.data.zero_()
    assert given.sum() == 27


@pytest.mark.parametrize(
    ("name", "param"), [(n, param) for n in ROWS if n != "prelu" for param in oracle.ROWS[n].trains]
)
def test_weights_of_another_shape_after_forward(name: str, param: str) -> None:
    """Autograd does not see what is written past it; the error names function, parameter and shapes."""
    x, *weights = tensors_of(name)
    module = getattr(ours, oracle.ROWS[name].class_name)(*(weight.detach() for weight in weights))
    y = module(x).sum()
    getattr(module, param).data = torch.ones(7)
    with pytest.raises(ValueError, match=rf"^{name}_backward: .*{param} .*\(7,\)"):
        y.backward()


@pytest.mark.parametrize("name", [n for n in ours.__all__ if n == n.lower()])
def test_examples(name: str) -> None:
    """Each function has documentation with an example that runs."""
    text = getattr(ours, name).__doc__
    assert run_examples(text, name) >= 3
    for parameter in inspect.signature(getattr(ours, name)).parameters:
        assert re.search(rf"^ *{parameter} : .+\n +\S.+", text, re.MULTILINE), parameter


def test_every_row_is_there() -> None:
    """A function and a class each, without doubles."""
    assert len(set(ours.__all__)) == len(ours.__all__) and all(hasattr(ours, name) for name in ours.__all__)
    for name in ROWS:
        assert function_of(name).__name__ in ours.__all__ and oracle.ROWS[name].class_name in ours.__all__
        assert function_of(name).__name__ in (name, *(n for n in dir(functional)))


# ---- Graphs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROWS)
def test_compiled_in_one_graph(name: str) -> None:
    """Forward and backward are traced without a break, and compute the same."""
    function, others = function_of(name), others_of(name)
    # All rows share the code of one lambda, which may be compiled a few times only.
    torch.compiler.reset()
    compiled = torch.compile(lambda *given: function(*given, **others), fullgraph=True, backend="aot_eager")
    found = []
    for call in (compiled, lambda *given: function(*given, **others)):
        tensors = tensors_of(name, "float32")
        y = call(*tensors)
        y.sum().backward()
        found.append([y.detach(), *(t.grad for t in tensors if t.requires_grad)])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def block() -> Any:
    """The feed-forward half of a transformer block, with a PReLU and a softmax for the sake of it."""
    return nn.Sequential(
        nn.LayerNorm(16), nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 32), nn.PReLU(), nn.Linear(32, 16), nn.Softmax(-1)
    )


@pytest.mark.skipif(not any(map(shutil.which, ("g++", "c++", "clang++"))), reason="torch.compile needs a C++ compiler")
# PyTorch's compiler imports what PyTorch itself deprecates.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_model_compiled_to_code() -> None:
    """By PyTorch's default backend, which writes and compiles C++ around our operators."""
    model = block()
    assert ours.replace(model) == 3
    x = torch.randn(5, 16)
    found = []
    for call in (torch.compile(model, fullgraph=True), model):
        model.zero_grad()
        y = call(x)
        y.square().sum().backward()
        found.append([y.detach(), *(p.grad.clone() for p in model.parameters())])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


# ---- Replacing ------------------------------------------------------------------------------------------------


def test_replace_in_a_transformer() -> None:
    """Every activation, wherever it is; outputs, gradients and the state of the model stay what they were."""
    torch.manual_seed(2)
    model = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, activation=nn.GELU(), batch_first=True)
    x = torch.randn(3, 7, 16)
    before, state = model(x), copy.deepcopy(model.state_dict())
    before.sum().backward()
    gradients = [p.grad.clone() for p in model.parameters()]
    calls = []
    model.activation.register_forward_hook(lambda module, *_: calls.append(type(module)))
    weights = list(model.parameters())
    assert ours.replace(model) == 1 and type(model.activation) is ours.GELU
    model.zero_grad()
    after = model(x)
    after.sum().backward()
    assert calls == [ours.GELU]
    assert all(one is other for one, other in zip(weights, model.parameters(), strict=True))
    torch.testing.assert_close(after, before)
    for p, gradient in zip(model.parameters(), gradients, strict=True):
        torch.testing.assert_close(p.grad, gradient, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(dict(model.state_dict()), dict(state), rtol=0, atol=0)
    assert ours.replace(model) == 0


def test_replace_knows_every_class_of_torch() -> None:
    """With its settings; what is no activation, is derived, or has no axis, is left alone."""
    classes = {n: getattr(nn, n) for n in nn.modules.activation.__all__ if n != "MultiheadAttention"}
    made = {
        "Threshold": (0.3, -2.0), "Softmax": (1,), "Softmin": (1,), "LogSoftmax": (1,), "ELU": (0.7,), "CELU": (0.7,),
        "GELU": ("tanh",), "LeakyReLU": (0.3,), "PReLU": (4,), "Hardtanh": (-0.5, 0.8), "Softplus": (2.0, 3.0),
        "Hardshrink": (0.9,), "Softshrink": (0.9,), "GLU": (1,),
    }  # fmt: skip
    x = torch.randn(3, 4, 8)
    for name, cls in classes.items():
        module = cls(*made.get(name, ())).eval()
        wanted = module(x)
        assert ours.replace(nn.ModuleList([module])) == 1, name
        assert type(module) is getattr(ours, name)
        torch.testing.assert_close(module(x), wanted)

    class Derived(nn.GELU):
        pass

    others = [nn.Identity(), nn.Bilinear(2, 2, 2), nn.Softmax(), nn.CrossEntropyLoss(), nn.Linear(2, 2), Derived()]
    assert ours.replace(nn.ModuleList(others)) == 0
    single = nn.ReLU()
    assert ours.replace(single) == 1 and type(single) is ours.ReLU


@pytest.mark.parametrize("name", ["ReLU", "ELU", "Hardtanh", "Hardswish", "SiLU", "LeakyReLU", "RReLU"])
def test_in_place_means_in_place(name: str) -> None:
    """What a network adds to its own overwritten input is the same after the replacement, gradient included."""
    found = []
    for replaced in (False, True):
        module = getattr(nn, name)(inplace=True).eval()
        assert ours.replace(module) == 1 if replaced else True
        leaf = torch.linspace(-2, 2, 9, requires_grad=True)
        x = leaf * 2
        y = module(x)
        assert y.data_ptr() == x.data_ptr()
        (x + y).sum().backward()
        found.append((x.detach(), leaf.grad))
    torch.testing.assert_close(*found)


def test_a_saved_model_loads_either_way() -> None:
    """The state of a model fits the replaced one and back."""
    model, other = block(), block()
    ours.replace(other)
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    buffer.seek(0)
    other.load_state_dict(torch.load(buffer))
    x = torch.randn(2, 16)
    torch.testing.assert_close(other(x), model(x))
    model.load_state_dict(other.state_dict())
