"""Docstrings in numpydoc form, made from the rows of the catalog."""

import inspect
import textwrap
from collections.abc import Callable

from .catalog import Activation

_REAL = (
    "float16, float32, float64 or the bfloat16 of ml_dtypes; bool and small integers compute in float32, wider "
    "integers in float64"
)

# What the parameters mean that are the same everywhere; those of one activation are explained in its row.
PARAMETERS = {
    "x": ("array_like", f"Input of any shape, {_REAL}."),
    "gate": ("array_like", f"The input that is activated, {_REAL}."),
    "value": ("array_like", "The input that is gated; broadcasts with the gate."),
    "logits": ("array_like", f"Unnormalised scores, {_REAL}."),
    "target": ("array_like", ""),
    "grad": ("array_like", "Gradient with respect to the output; broadcasts with it."),
    "y": ("array_like", "The output of the forward function."),
    "window": ("array_like", "Weights of shape (channels, 3, 3)."),
    "axis": (
        "int or str",
        "Axis along which a row lies. Of an xarray object it may be the name of a dimension, of which a Dataset needs "
        "one; of a pandas object 'index' or 'columns'.",
    ),
    "keepdims": ("bool", "Keep the reduced axis with length 1."),
    "mask": ("array_like of bool, optional", "True where an entry takes part; broadcasts with the input."),
    "temperature": ("float", "Positive number that the input is divided by."),
    "weight": ("array_like, optional", "Factor per class, of shape (classes,)."),
    "ignore_index": ("int", "Label of rows that have neither loss nor gradient."),
    "label_smoothing": ("float", "Share of the target that is spread evenly over all classes, in [0, 1]."),
    "reduction": ("{'mean', 'sum', 'none'}", "What becomes of the losses of the rows."),
    "pos_weight": ("array_like", "Factor for the positive part of the loss."),
    "pieces": ("int", ""),
    "training": ("bool", "Draw a slope per element; otherwise use the middle of the interval."),
    "rng": ("numpy.random.Generator or seed, optional", "Source of the random numbers."),
    "tau": ("float", ""),
    "hard": ("bool", "Return 1 for the largest entry of the sample and 0 for the others."),
    "return_soft": ("bool", "Return the sample before `hard` too: what the backward function takes as y."),
    "return_slope": ("bool", "Return the slopes too, for the backward function."),
    "slope": ("array_like, optional", "Slopes that the forward function returned."),
    "input": ("Tensor", "Of any shape: float16, bfloat16, float32 or float64, on the CPU."),
    "dim": ("int", "Axis along which a row lies."),
    "keepdim": ("bool", "Keep the reduced axis with length 1."),
    "out": ("ndarray, optional", "Where to write the result."),
    "kwargs": ("optional", "`where`, `dtype`, `casting`, `order` and `subok`, as for every NumPy ufunc."),
}


def _parameters(row: Activation, signature: inspect.Signature) -> str:
    lines = []
    for name, parameter in signature.parameters.items():
        if name in ("where", "casting", "order", "dtype", "subok", "signature"):
            continue
        kind, text = PARAMETERS.get(name, ("float or array_like", ""))
        if name == "axis" and row.kind in ("sampled rows", "pieces"):
            # Of arrays in memory only.
            kind, text = PARAMETERS["dim"]
        if name == "target":
            text = row.target
        if name in row.param_docs:
            text = row.param_docs[name]
            # In some rows the name means an array that broadcasts, in others a number.
            kind = kind if row.kind in ("rows", "sampled rows", "pieces", "spatial") else "float or array_like"
        head = f"**{name}" if parameter.kind is parameter.VAR_KEYWORD else f"{name} : {kind}"
        if parameter.default is not parameter.empty and parameter.default is not None:
            head += f", default {parameter.default!r}"
        lines += [head, textwrap.indent(textwrap.fill(text, 100), "    ")]
    return "\n".join(lines)


def _section(title: str, body: str) -> str:
    return f"\n\n{title}\n{'-' * len(title)}\n{body}" if body else ""


def _returns(row: Activation, backward: bool) -> str:
    if row.kind in ("row loss", "pointwise loss") and not backward:
        return "ndarray or scalar\n    The loss, reduced as `reduction` says."
    if row.name == "gumbel_softmax" and not backward:
        return "ndarray or tuple of ndarray\n    The sample; with `return_soft` also the soft sample, after it."
    if not backward:
        return "ndarray or scalar\n    Same dtype as the float input; parameters never change it."
    if row.kind == "gated" and row.name != "glu":
        return "tuple of ndarray\n    Gradients with respect to gate and value."
    if row.name == "funnel_relu":
        return "tuple of ndarray\n    Gradients with respect to x and the window."
    extra = "".join(f", and with respect to {name}, summed to its shape" for name in row.trains)
    return f"{'tuple of ' if extra else ''}ndarray or scalar\n    Gradient with respect to the input{extra}."


def _raises(row: Activation) -> str:
    text = "TypeError\n    For input that is not real numbers: complex, object, string, datetime, longdouble."
    if row.kind not in ("elementwise", "gated", "pointwise loss") or row.name == "glu":
        text += (
            "\nValueError\n    For an axis that does not exist, shapes that do not fit, a parameter outside its range."
        )
    if row.kind == "row loss":
        text += "\n    For a label out of range, before anything is written."
    return text


def _notes(row: Activation) -> str:
    lines = [f"Derivative::\n\n    {row.derivative}"]
    if row.kinks:
        where = ", ".join(f"{value} at {point}" for point, value in row.kinks.items())
        lines.append(f"Where the derivative jumps it is taken as: {where}.")
    if row.edges:
        lines.append(row.edges)
    if row.limits:
        left, right = (f"{value} at {end}" for value, end in zip(row.limits, row.ends, strict=True))
        lines.append(f"Limits: {left} and {right}. Range: {row.range}.")
    if row.ulp:
        bounds = "; ".join(f"{dtype} {f:g} forward, {b:g} backward" for dtype, (f, b) in row.ulp.items())
        lines.append(f"Largest error in ULP: {bounds}.")
    return "\n\n".join(lines)


def docstring(row: Activation, function: Callable[..., object], *, backward: bool) -> str:
    """The text of `help(function)`."""
    signature = inspect.signature(function)
    if backward:
        head = f"Gradient of `{row.name}`: grad times the derivative, rounded once.\n\n{row.title}."
    else:
        head = f"{row.title}: {row.summary}"
    text = f"{head}\n\nDefinition::\n\n    {row.formula}"
    text += _section("Parameters", _parameters(row, signature))
    text += _section("Returns", _returns(row, backward))
    text += _section("Raises", _raises(row))
    text += _section("See Also", row.name if backward else f"{row.name}_backward")
    text += _section("Notes", _notes(row))
    text += _section("References", f".. [1] {row.source}" if row.source else "")
    text += _section("Examples", f">>> import numpy as np\n>>> import actfn\n{row.example}")
    return text + "\n"


# What a layer is tried on, where it is not one vector.
_INPUTS = {
    "gated": {"gate": "np.array([-1.0, 2.0])", "value": "np.array([3.0, 5.0])"},
    "spatial": {"x": "np.ones((1, 1, 2, 2))"},
}


def _numbers(row: Activation) -> str:
    """Two inputs that a row is defined for."""
    return "[-1.0, 2.0]" if row.domain == "[-oo, oo]" else "[0.25, 0.75]"


def class_docstring(row: Activation, layer: type, operands: tuple[str, ...]) -> str:
    """The text of `help(layer)`, for a class whose constructor takes what its function takes."""
    signature = inspect.signature(layer)
    described = _parameters(row, signature)
    if "axis" in signature.parameters:
        described = described.replace("a row lies.", "a row lies; PyTorch's name `dim` is accepted too.")
    inputs = {name: _INPUTS.get(row.kind, {}).get(name, f"np.array({_numbers(row)})") for name in operands}
    required = ["0.5" if row.kind == "elementwise" else "np.ones((1, 3, 3))"] * sum(
        parameter.default is parameter.empty for parameter in signature.parameters.values()
    )
    lines = [
        "import numpy as np",
        "import actfn",
        *(f"{name} = {value}" for name, value in inputs.items()),
        f"layer = actfn.layers.{row.class_name}({', '.join(required)})",
        f"bool(np.all(layer({', '.join(inputs)}) == actfn.{row.name}({', '.join([*inputs, *required])})))",
    ]
    text = f"{row.title} as an object: {row.summary}"
    text += _section("Parameters", described)
    text += _section("See Also", f"{row.name}\n{row.name}_backward")
    text += _section("Examples", "\n".join(f">>> {line}" for line in lines))
    return text + "\nTrue\n"


def torch_docstring(row: Activation, function: Callable[..., object], name: str) -> str:
    """The text of `help(function)`, for a function of tensors."""
    signature = inspect.signature(function)
    required = [p.name for p in signature.parameters.values() if p.default is p.empty]
    values = dict.fromkeys(("input", "gate"), f"torch.tensor({_numbers(row)})") | {"value": "torch.ones(2)"}
    if row.kind == "spatial":
        values = {"input": "torch.ones(1, 1, 2, 2)", "window": "torch.ones(1, 3, 3)"}
    numbers = row.params if row.kind == "elementwise" else {}
    given = [(parameter, "0.5" if parameter in numbers else values[parameter]) for parameter in required]
    call = ", ".join(value if parameter in numbers else parameter for parameter, value in given)
    arrays = ", ".join(value if parameter in numbers else f"{parameter}.numpy()" for parameter, value in given)
    lines = ["import torch", "import actfn.torch", *(f"{p} = {v}" for p, v in given if p not in numbers)]
    lines += [f"y = actfn.torch.{name}({call})", f"bool((y.numpy() == actfn.{row.name}({arrays})).all())"]
    text = f"{row.title}: {row.summary}"
    kind = "float or Tensor" if row.trains else "float"
    described = _parameters(row, signature).replace("float or array_like", kind).replace("array_like", "Tensor")
    text += _section("Parameters", described)
    text += _section("See Also", f"actfn.{row.name}")
    text += _section("Examples", "\n".join(f">>> {line}" for line in lines))
    return text + "\nTrue\n"
