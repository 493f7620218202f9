"""PyTorch: the same kernels as functions and modules under PyTorch's names, for tensors on the CPU.

Operators, functions and modules are made from the catalog; by hand only what a row cannot say. Every function is a
custom operator: autograd differentiates it by our backward kernels, and `torch.compile` keeps it within one graph.
"""

import inspect
from collections.abc import Callable
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

try:
    import torch
except ImportError as error:
    raise ImportError("actfn.torch needs PyTorch: pip install 'actfn[torch]'") from error
from torch import Tensor, nn
from torch.autograd import forward_ad

import actfn

from ._docstrings import torch_docstring
from .catalog import Activation, catalog
from .layers import constructor, operands_of, parameters_of
from .losses import _valid_reduction

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...


# ---- Operators ------------------------------------------------------------------------------------------------

# Types of the arguments that are no parameter of an activation, and of the one parameter that is not a number.
_TYPES = {
    "axis": "int", "keepdims": "bool", "mask": "Tensor?", "weight": "Tensor?", "ignore_index": "int",
    "label_smoothing": "float", "reduction": "str", "pos_weight": "Tensor",
}  # fmt: skip


def _others(row: Activation) -> dict[str, str]:
    """What an operator takes after its operands, with the types of PyTorch's schemas."""
    types = (
        {name: "int" if isinstance(value, int) else "float" for name, value in row.params.items()}
        | _TYPES
        | dict.fromkeys(row.trains, "Tensor")
    )
    return {name: types[name] for name in parameters_of(row.name) if name in types}


def _array(value: Any) -> Any:
    """A tensor's memory as an array; bfloat16, which NumPy does not have, is widened to float32."""
    if not isinstance(value, Tensor):
        return value
    value = value.detach().resolve_neg()
    return (value.float() if value.dtype is torch.bfloat16 else value).numpy()


def _tensor(result: Any, like: Tensor) -> Tensor:
    """An array's memory as a tensor; copied only where PyTorch expects another dtype or order in memory.

    NumPy allocates because it is quicker: a GELU of 20 million float32 takes 16 ms so, and 45 ms with torch.empty.
    """
    tensor = torch.from_numpy(np.asarray(result))
    if (tensor.dtype, tensor.shape, tensor.stride()) == (like.dtype, like.shape, like.stride()):
        return tensor
    return like.copy_(tensor.reshape(like.shape))


class _Operator:
    """The custom operator of a row, and that of its gradient."""

    def __init__(self, row: Activation) -> None:
        self.row = row
        self.operands = operands_of(row.name)
        self.others = _others(row)
        self.backward_takes = parameters_of(f"{row.name}_backward")
        # What the gradient is computed from, and what there is a gradient of.
        self.kept = ("y",) if "y" in self.backward_takes else self.operands
        self.differentiable = (*(self.operands[:1] if "loss" in row.kind else self.operands), *row.trains)

        self.call = self._define(row.name, self.operands, 1, self._forward, self._like)
        self.call_backward = self._define(
            f"{row.name}_backward", ("grad", *self.kept), len(self.differentiable), self._backward, self._gradients_like
        )
        self.call.register_autograd(self._differentiate, setup_context=self._remember)
        self.call_backward.register_autograd(self._refuse)

    def _define(
        self,
        name: str,
        tensors: tuple[str, ...],
        results: int,
        function: Callable[..., Any],
        like: Callable[..., tuple[Tensor, ...]],
    ) -> Any:
        def unpacked(tensors: tuple[Tensor, ...]) -> Any:
            return tensors if results > 1 else tensors[0]

        def compute(*values: Any) -> Any:
            found = function(*map(_array, values))
            return unpacked(tuple(map(_tensor, found if results > 1 else (found,), like(*values))))

        arguments = [*(f"Tensor {tensor}" for tensor in tensors), *(f"{t} {other}" for other, t in self.others.items())]
        returned = ", ".join(["Tensor"] * results)
        schema = f"({', '.join(arguments)}) -> {returned if results == 1 else f'({returned})'}"
        made = torch.library.custom_op(f"actfn::{name}", compute, mutates_args=(), device_types="cpu", schema=schema)
        made.register_fake(lambda *values: unpacked(like(*values)))
        return made

    def _settings(self, values: tuple[Any, ...]) -> dict[str, Any]:
        named = dict(zip(self.others, values, strict=True))
        for name in self.row.trains:
            # For a learned number there is a quicker way than for an array.
            if isinstance(named[name], np.ndarray) and named[name].size == 1:
                named[name] = named[name].item()
        return named

    def _forward(self, *values: Any) -> Any:
        n = len(self.operands)
        return getattr(actfn, self.row.name)(*values[:n], **self._settings(values[n:]))

    def _backward(self, grad: Any, *values: Any) -> Any:
        n = len(self.kept)
        settings = {name: v for name, v in self._settings(values[n:]).items() if name in self.backward_takes}
        return getattr(actfn, f"{self.row.name}_backward")(grad, *values[:n], **settings)

    def _like(self, *values: Any) -> tuple[Tensor, ...]:
        """An empty tensor, laid out as PyTorch's functions lay out their result."""
        n = len(self.operands)
        x, settings = values[0], self._settings(values[n:])
        axis: Any = settings.get("axis")
        shape: Any = list(x.shape)
        if settings.get("reduction", "none") != "none":
            return (x.new_empty(()),)
        if self.row.kind == "gated":
            if axis is None:
                shape, dtype = torch.broadcast_shapes(x.shape, values[1].shape), torch.result_type(x, values[1])
                return (x.new_empty(shape, dtype=dtype),)
            shape[axis] //= 2
            return (x.new_empty(shape),)
        if self.row.kind == "pieces":
            shape[axis] = shape[axis] // settings["pieces"] if "pieces" in settings else 2 * shape[axis]
            return (x.new_empty(shape),)
        if self.row.kind == "row loss" or "keepdims" in settings:
            shape[axis : axis % len(shape) + 1] = [1] * settings.get("keepdims", False)
            return (x.new_empty(shape),)
        return (torch.empty_like(x),)

    def _gradients_like(self, _: Tensor, *values: Any) -> tuple[Tensor, ...]:
        settings = self._settings(values[len(self.kept) :])
        if len(self.operands) == len(self.differentiable) == 2:
            # Of gate and value before broadcasting is undone.
            return tuple(self._like(*values)[0] for _ in self.operands)
        return torch.empty_like(values[0]), *(torch.empty_like(settings[name]) for name in self.row.trains)

    def _remember(self, ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        kept = (output, *inputs[1:]) if self.kept == ("y",) else inputs
        ctx.save_for_backward(*(value if isinstance(value, Tensor) else None for value in kept))
        ctx.others = [None if isinstance(value, Tensor) else value for value in kept]

    def _differentiate(self, ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        kept = [
            other if tensor is None else tensor for tensor, other in zip(ctx.saved_tensors, ctx.others, strict=True)
        ]
        gradients = self.call_backward(grad, *kept)
        found: dict[str, Tensor | None] = dict.fromkeys((*self.operands, *self.others))
        if not isinstance(gradients, tuple | list):
            gradients = (gradients,)
        # Autograd sums the gradient of an operand that was broadcast.
        found |= zip(self.differentiable, gradients, strict=True)
        return tuple(found.values())

    def _refuse(self, *_: Any) -> None:
        raise RuntimeError(f"actfn.torch: {self.row.name} has no second derivative here; use the function of torch")


# Random numbers come from PyTorch's own generators: what draws them is left to it.
_rows = [row for row in catalog.values() if row.kind != "sampled rows"]
_operators = {row.name: _Operator(row).call for row in _rows}


# ---- Functions ------------------------------------------------------------------------------------------------


def _check_place(function: str, name: str, tensor: Any) -> None:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"actfn.torch.{function}: {name} must be a tensor, got {type(tensor).__name__}")
    if tensor.device.type != "cpu" or tensor.layout is not torch.strided:
        layout = "" if tensor.layout is torch.strided else f" of layout {tensor.layout}"
        raise TypeError(
            f"actfn.torch.{function}: {name} must be a dense tensor on the CPU, got one on {tensor.device}{layout}"
        )


def _check(function: str, **tensors: Any) -> None:
    """What is differentiated: floating-point tensors on the CPU."""
    for name, tensor in tensors.items():
        _check_place(function, name, tensor)
        if not tensor.dtype.is_floating_point or tensor.dtype.itemsize == 1:
            raise TypeError(
                f"actfn.torch.{function}: {name} must be float16, bfloat16, float32 or float64, got {tensor.dtype}"
            )
        # Custom operators would drop the tangent without a word.
        if not torch.compiler.is_compiling() and forward_ad.unpack_dual(tensor).tangent is not None:
            raise RuntimeError(f"actfn.torch.{function}: there is no forward-mode derivative here; use backward")


def _constant(function: str, name: str, tensor: Any) -> Any:
    """What there is no gradient of, and may be left out."""
    if tensor is not None:
        _check_place(function, name, tensor)
        if tensor.requires_grad and torch.is_grad_enabled():
            raise ValueError(f"actfn.torch.{function}: {name} must not require a gradient, there is none")
    return tensor


def _check_broadcast(function: str, name: str, tensor: Tensor, like: Tensor) -> None:
    # From the last axis on, each length must be 1 or the input's.
    pairs = zip(reversed(tensor.shape), reversed(like.shape), strict=False)
    if tensor.ndim > like.ndim or any(n not in (1, m) for n, m in pairs):
        raise ValueError(
            f"actfn.torch.{function}: {name} must broadcast to shape {tuple(like.shape)}, got {tuple(tensor.shape)}"
        )


def _learned(function: str, name: str, value: Any, like: Tensor | None) -> Tensor:
    """A learned parameter as a tensor that broadcasts; a number in float64, where it keeps its digits."""
    if isinstance(value, Real):
        return torch.full((), _setting(function, name, value, "float"), dtype=torch.float64)
    _check(function, **{name: value})
    if like is not None:
        _check_broadcast(function, name, value, like)
    return value


_NUMBERS = {"int": (Integral, "an integer"), "float": (Real, "a number"), "bool": (bool, "True or False")}


def _setting(function: str, name: str, value: Any, kind: str) -> Any:
    wanted, text = _NUMBERS[kind]
    # In the place of a number, a bool is most likely PyTorch's `inplace`.
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise TypeError(f"actfn.torch.{function}: {name} must be {text}, got {value!r}")
    return value


# PyTorch's words for what the functions of arrays call otherwise.
_WORDS = {"x": "input", "axis": "dim", "keepdims": "keepdim"}


def _function(row: Activation, name: str) -> Any:
    """A function with a real signature; compiled from text made of the catalog's identifiers, as dataclasses do."""
    operands = [_WORDS.get(operand, operand) for operand in operands_of(row.name)]
    given, named, passed = list(operands), ["*"], list(operands)
    scope = {
        "operator": _operators[row.name], "check": _check, "constant": _constant, "learned": _learned,
        "setting": _setting,
    }  # fmt: skip
    for key, kind in _others(row).items():
        word, parameter = _WORDS.get(key, key), parameters_of(row.name)[key]
        # What PyTorch has no word for does not get in the way of its positional arguments.
        by_name = parameter.kind is parameter.KEYWORD_ONLY and key not in _WORDS
        (named if by_name else given).append(word if parameter.default is parameter.empty else f"{word}=_{word}")
        scope[f"_{word}"] = parameter.default
        if key in row.trains:
            passed.append(f"learned({name!r}, {word!r}, {word}, {operands[0] if row.kind == 'elementwise' else None})")
        elif kind.startswith("Tensor"):
            passed.append(f"constant({name!r}, {word!r}, {word})")
        else:
            passed.append(f"setting({name!r}, {word!r}, {word}, {kind!r})")
    text = f"def {name}({', '.join(given + named * (len(named) > 1))}):\n"
    text += f"    check({name!r}, {', '.join(f'{operand}={operand}' for operand in operands)})\n"
    exec(f"{text}    return operator({', '.join(passed)})", scope)
    function = scope[name]
    function.__module__ = __name__
    function.__doc__ = torch_docstring(row, function, name)
    return function


def gelu(input: Tensor, approximate: str = "none") -> Any:
    """GELU, exact or by the approximation with tanh.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    approximate : {'none', 'tanh'}, default 'none'
        'none' computes `actfn.gelu`, 'tanh' computes `actfn.gelu_tanh`.

    Examples
    --------
    >>> import torch
    >>> import actfn.torch
    >>> actfn.torch.gelu(torch.tensor([-6.0, 1.0], dtype=torch.float64))
    tensor([-5.9195e-09,  8.4134e-01], dtype=torch.float64)
    """
    _check("gelu", input=input)
    if approximate not in ("none", "tanh"):
        raise ValueError(f"actfn.torch.gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
    return _operators["gelu" if approximate == "none" else "gelu_tanh"](input)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """The logarithm of 1 + exp(beta*x), divided by beta.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    beta : float, default 1.0
        How sharp the bend is.
    threshold : float, default 20.0
        PyTorch returns the input itself where beta*x lies above it. So does this function for a threshold below 20;
        from there on it is exact, and the difference from the input below 2.1e-9/beta.

    Examples
    --------
    >>> import torch
    >>> import actfn.torch
    >>> actfn.torch.softplus(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([0.3133, 0.6931, 1.3133])
    """
    _check("softplus", input=input)
    _setting("softplus", "threshold", threshold, "float")
    y = _operators["softplus"](input, _setting("softplus", "beta", beta, "float"))
    return y if threshold >= 20 else torch.where(input * beta > threshold, input, y)


def prelu(input: Tensor, weight: Tensor) -> Any:
    """Leaky ReLU whose slopes are learned.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    weight : Tensor
        One slope, or one for each channel; the channels are axis 1 of the input.

    Examples
    --------
    >>> import torch
    >>> import actfn.torch
    >>> actfn.torch.prelu(torch.tensor([[-2.0, -2.0]]), torch.tensor([0.5, 0.1]))
    tensor([[-1.0000, -0.2000]])
    """
    _check("prelu", input=input, weight=weight)
    if weight.numel() != 1:
        if input.ndim < 2 or weight.shape != input.shape[1:2]:
            raise ValueError(
                f"actfn.torch.prelu: weight must have one slope, or one per channel along axis 1 of an input of shape "
                f"{tuple(input.shape)}, got shape {tuple(weight.shape)}"
            )
        weight = weight.reshape(-1, *(1,) * (input.ndim - 2))
    return _operators["prelu"](input, weight)


def rrelu(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Any:
    """Leaky ReLU whose slope is drawn for every element while training, and is the middle of the interval otherwise.

    Parameters
    ----------
    input : Tensor
        Of any shape.
    lower : float, default 1/8
        Smallest slope.
    upper : float, default 1/3
        Largest slope.
    training : bool, default False
        Draw slopes, from PyTorch's generator; after the same seed they are not those that PyTorch would draw.

    Examples
    --------
    >>> import torch
    >>> import actfn.torch
    >>> actfn.torch.rrelu(torch.tensor([-8.0, 3.0]), 0.25, 0.5)
    tensor([-3.,  3.])
    """
    _check("rrelu", input=input)
    for name, value in (("lower", lower), ("upper", upper)):
        _setting("rrelu", name, value, "float")
    if not _setting("rrelu", "training", training, "bool"):
        return _operators["rrelu"](input, lower, upper)
    if not lower <= upper:
        raise ValueError(f"actfn.torch.rrelu: lower must not exceed upper, got lower={lower!r} and upper={upper!r}")
    return _operators["prelu"](input, torch.empty_like(input).uniform_(lower, upper))


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """Cross-entropy of scores and the right classes, or their probabilities.

    Parameters
    ----------
    input : Tensor
        Scores; the classes are axis 1, or axis 0 of a single row.
    target : Tensor
        Labels, or probabilities in the shape of the input.
    weight : Tensor, optional
        Factor per class, of shape (classes,).
    ignore_index : int, default -100
        Label of rows that have neither loss nor gradient.
    reduction : {'mean', 'sum', 'none'}, default 'mean'
        What becomes of the losses of the rows.
    label_smoothing : float, default 0.0
        Share of the target that is spread evenly over all classes, in [0, 1].

    Examples
    --------
    >>> import torch
    >>> import actfn.torch
    >>> actfn.torch.cross_entropy(torch.tensor([[2.0, 1.0, 0.1]]), torch.tensor([0]))
    tensor(0.4170)
    """
    _check("cross_entropy", input=input)
    _check_place("cross_entropy", "target", _constant("cross_entropy", "target", target))
    _constant("cross_entropy", "weight", weight)
    _setting("cross_entropy", "ignore_index", ignore_index, "int")
    _setting("cross_entropy", "label_smoothing", label_smoothing, "float")
    _valid_reduction("actfn.torch.cross_entropy", reduction)
    axis = min(1, input.ndim - 1)
    return _operators["cross_entropy"](input, target, axis, weight, ignore_index, label_smoothing, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Any:
    """Binary cross-entropy of scores and the probabilities that are wanted.

    Parameters
    ----------
    input : Tensor
        Scores of any shape.
    target : Tensor
        Probabilities, of the same shape.
    weight : Tensor, optional
        Factor of each loss; broadcasts.
    reduction : {'mean', 'sum', 'none'}, default 'mean'
        What becomes of the losses of the elements.
    pos_weight : Tensor, optional
        Factor for the positive part of the loss; broadcasts.

    Examples
    --------
    >>> import torch
    >>> import actfn.torch
    >>> actfn.torch.binary_cross_entropy_with_logits(torch.tensor([2.0]), torch.tensor([1.0]))
    tensor(0.1269)
    """
    name = "binary_cross_entropy_with_logits"
    _check(name, input=input)
    _valid_reduction(f"actfn.torch.{name}", reduction)
    _check_place(name, "target", _constant(name, "target", target))
    if target.shape != input.shape:
        raise ValueError(
            f"actfn.torch.{name}: target must have the shape of input, {tuple(input.shape)}, got {tuple(target.shape)}"
        )
    if _constant(name, "pos_weight", pos_weight) is None:
        pos_weight = torch.ones((), dtype=input.dtype)
    _check_broadcast(name, "pos_weight", pos_weight, input)
    operator = _operators["binary_cross_entropy"]
    if weight is None:
        return operator(input, target, pos_weight, reduction)
    _check(name, weight=weight)
    _check_broadcast(name, "weight", weight, input)
    losses = (operator(input, target, pos_weight, "none") * weight).to(input.dtype)
    return losses if reduction == "none" else losses.mean() if reduction == "mean" else losses.sum()


# PyTorch's functions by their letters alone: some of its names have underscores that ours lack, and the reverse.
_spellings = {name.replace("_", ""): name for name in dir(nn.functional) if name.strip("_") == name}
# By these letters it has one that takes probabilities.
_spellings["binarycrossentropy"] = "binary_cross_entropy_with_logits"


def _publish(row: Activation) -> str:
    """The name of the function of a row, which is there from now on."""
    name = _spellings.get(row.name.replace("_", ""), row.name)
    if name not in globals():
        globals()[name] = _function(row, name)
    return name


# ---- Modules --------------------------------------------------------------------------------------------------


def _module_like(row: Activation, theirs: type[nn.Module], function: Any) -> type[nn.Module]:
    """A class of PyTorch with another forward: its arguments, its text and its place in a saved model stay."""
    known = (*inspect.signature(theirs).parameters, *row.trains, "training")
    shared = [name for name in inspect.signature(function).parameters if name in known]

    def forward(self: Any, input: Tensor, *target: Tensor, **named: Tensor) -> Any:
        settings = {name: getattr(self, name) for name in shared}
        if getattr(self, "inplace", False):
            # The gradient needs the input, so what is overwritten is not what it is computed from.
            return input.copy_(function(input.clone(), **settings))
        return function(input, *target, **named, **settings)

    text = f"`torch.nn.{row.class_name}`, computed by actfn."
    return type(row.class_name, (theirs,), {"forward": forward, "__doc__": text, "__module__": __name__})


def _module_of(row: Activation, function: Any) -> type[nn.Module]:
    """A class for what PyTorch has none for."""
    operands = len(operands_of(row.name))
    settings = [p for p in list(inspect.signature(function).parameters.values())[operands:] if p.name != "mask"]

    def start(self: Any, **given: Any) -> None:
        nn.Module.__init__(self)
        for name, value in given.items():
            if name in row.trains:
                value = nn.Parameter(torch.as_tensor(value, dtype=torch.get_default_dtype()).clone())
            setattr(self, name, value)

    def forward(self: Any, *inputs: Tensor) -> Any:
        return function(*inputs, **{setting.name: getattr(self, setting.name) for setting in settings})

    def extra_repr(self: Any) -> str:
        values = {setting.name: getattr(self, setting.name) for setting in settings}
        values |= {name: v.item() if v.ndim == 0 else tuple(v.shape) for name, v in self.named_parameters()}
        return ", ".join(f"{name}={value!r}" for name, value in values.items())

    content = {
        "__init__": constructor(row.class_name, inspect.Signature(settings), start), "forward": forward,
        "extra_repr": extra_repr, "__doc__": f"`actfn.torch.{function.__name__}` as a module.", "__module__": __name__,
    }  # fmt: skip
    return type(row.class_name, (nn.Module,), content)


# PyTorch's class: ours.
_replacements: dict[type, type] = {}


def replace(model: nn.Module) -> int:
    """Compute all activations of a model by actfn from now on, in place.

    Parameters
    ----------
    model : torch.nn.Module
        It keeps its weights, hooks and settings, and the names of all modules. A second call finds nothing to do.

    Returns
    -------
    int
        How many modules were replaced. 0 may mean that the model calls functions such as `torch.relu`, which are no
        modules.

    Notes
    -----
    Modules of a class derived from PyTorch's are left alone, and so are softmaxes without a `dim`.
    Losses are no activations. A model that was replaced works on the CPU only.

    Examples
    --------
    >>> import torch
    >>> import actfn.torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.GELU(), torch.nn.Softmax(dim=-1))
    >>> actfn.torch.replace(model)
    2
    >>> type(model[1])
    <class 'actfn.torch.GELU'>
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"actfn.torch.replace: model must be a torch.nn.Module, got {type(model).__name__}")
    found = [m for m in model.modules() if type(m) in _replacements and getattr(m, "dim", 0) is not None]
    for module in found:
        # Nothing but the class changes: whoever holds the module, or a hook of it, still holds the right one.
        module.__class__ = _replacements[type(module)]
    return len(found)


__all__ = ["replace"]
for _row in _rows:
    _name = _publish(_row)
    __all__ += [_name, _row.class_name]
    # Not those of all modules: Identity computes nothing, and its Bilinear is another thing.
    if _row.class_name not in (*nn.modules.activation.__all__, *nn.modules.loss.__all__):
        globals()[_row.class_name] = _module_of(_row, globals()[_name])
        continue
    _theirs = getattr(nn, _row.class_name)
    globals()[_row.class_name] = _module_like(_row, _theirs, globals()[_name])
    if "loss" not in _row.kind:
        _replacements[_theirs] = globals()[_row.class_name]
