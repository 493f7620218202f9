"""The catalog in other libraries: the best implementation that each of them has, forward and backward.

`peers_of(name, direction)` returns them for the libraries that are installed. A library with functions of its own is a
table: name -> the calls, as one types them. The others (numexpr, numba, NumPy for most rows) get the catalog's formula.

In the calls g is the gradient from above, x the input, y the output of the forward function; parameters have the
catalog's names and defaults.
"""

import ast
import importlib.util
import inspect
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np

from tests import oracle

from .speed_formulas import Text, text_of

Call = Callable[[], Any]
# Name -> forward and backward call; "" where there is none.
Table = Mapping[str, tuple[str, str]]
DIRECTIONS = ("forward", "backward")
DTYPES = ("float16", "float32", "float64")
# Names in calls that stand for what the forward function has computed.
SAVED = {"y", "buffer", "scores", "total"}


@dataclass(frozen=True)
class Implementation:
    """One function of one library."""

    name: str
    direction: str
    # prepare(*arrays, out=None, axis=-1, **params) -> a function of no arguments that does the work once. The arrays
    # are those of `operands`; by then they are on the library's side. NotImplementedError for a dtype that it lacks.
    prepare: Callable[..., Call]
    # Whether it can write into `out`; otherwise it returns a fresh result.
    writes_out: bool
    # Whether it works on the memory of arrays of any strides.
    strided: bool
    # Whether it starts from more than the operands: from what the forward function left behind.
    saved: bool

    def apply(self, *arrays: Any) -> Any:
        """The result for arrays, at default parameters; in the backward direction for a gradient of 1."""
        gradient = () if self.direction == "forward" else (np.ones_like(arrays[0]),)
        result = self.prepare(*gradient, *arrays)()
        return np.asarray(result[0] if isinstance(result, tuple | list) else result).copy()


@dataclass(frozen=True)
class Library:
    """How one library is asked for a function."""

    # All (name, direction) that it has, known without importing it.
    names: Callable[[], set[tuple[str, str]]]
    # As Implementation.prepare, after name and direction.
    prepare: Callable[..., Call]
    # Whether a function can write into `out`.
    writes_out: Callable[[str, str], bool]
    # Whether it starts from what the forward function left behind.
    saved: Callable[[str, str], bool]
    strided: bool = False
    dtypes: tuple[str, ...] = DTYPES
    needs: tuple[str, ...] = ()
    # Whether benchmarks.sweep measures its errors too.
    swept: bool = True


def peers_of(name: str, direction: str, dtype: str = "float32") -> dict[str, Implementation]:
    """What the installed libraries have for a row of the catalog."""
    return {
        peer: implementation(library, name, direction)
        for peer, library in LIBRARIES.items()
        if dtype in library.dtypes and (name, direction) in library.names() and installed(peer)
    }


def implementation(library: Library, name: str, direction: str) -> Implementation:
    prepare = partial(library.prepare, name, direction)
    writes_out, saved = library.writes_out(name, direction), library.saved(name, direction)
    return Implementation(name, direction, prepare, writes_out, library.strided, saved)


def installed(peer: str) -> bool:
    return all(importable(module) for module in (peer, *LIBRARIES[peer].needs))


def importable(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def operands(name: str, direction: str) -> tuple[str, ...]:
    """Names of the arrays that `prepare` takes."""
    row = oracle.ROWS[name]
    inputs = {"row loss": ("x", "target")}.get(row.kind, ("x",) if name == "glu" else row.inputs)
    return inputs if direction == "forward" else ("g", *inputs)


def scope_of(name: str, direction: str, arrays: tuple[Any, ...], axis: int, params: dict[str, Any]) -> dict[str, Any]:
    """What the names in a call stand for."""
    row, values = oracle.ROWS[name], dict(zip(operands(name, direction), arrays, strict=True))
    x = values[operands(name, "forward")[0]]
    scope = oracle.default_params(row) | params
    # Parameters that are learned are arrays.
    scope |= {p: np.asarray(scope[p], x.dtype) for p in row.trains}
    return scope | values | {"axis": axis % max(x.ndim, 1), "one": np.ones((), x.dtype)}


# ---- Calls as text --------------------------------------------------------------------------------------------


def bind(text: str, scope: dict[str, Any], states: Mapping[str, str]) -> Call:
    """The text as a function of no arguments; whatever can be looked up or computed beforehand is."""
    tree = ast.parse(text, mode="eval").body
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in states and node.id not in scope:
            scope[node.id] = bind(states[node.id], scope | {"out": None}, states)()
    # Not a method of something that is computed anew in each call.
    if isinstance(tree, ast.Call) and not any(isinstance(node, ast.Call) for node in ast.walk(tree.func)):
        into = next((k.arg or "" for k in tree.keywords if ast.unparse(k.value) == "out"), "")
        if scope["out"] is None:
            tree.keywords = [k for k in tree.keywords if k.arg != into]
            into = "default"
        # ATen's functions have an overload of the name of the keyword; others have none.
        function = eval(ast.unparse(tree.func), scope)
        scope = scope | {"function": getattr(function, into, function)}
        tree.func = ast.Name("function")
    return eval(f"lambda: {ast.unparse(tree)}", scope)


@dataclass(frozen=True)
class Calls:
    """A library whose functions are called one by one."""

    table: Table
    # What the scope of a call needs, imported when first needed.
    modules: Callable[[], dict[str, Any]]
    # What is computed beforehand when a call names it, besides y.
    states: Mapping[str, str] = field(default_factory=dict)
    # An array on the library's side.
    convert: Callable[[Any], Any] = np.asarray

    def names(self) -> set[tuple[str, str]]:
        return {(name, direction) for name in self.table for direction in DIRECTIONS if self.text(name, direction)}

    def text(self, name: str, direction: str) -> str:
        return self.table[name][DIRECTIONS.index(direction)]

    def writes_out(self, name: str, direction: str) -> bool:
        return "=out)" in self.text(name, direction)

    def saved(self, name: str, direction: str) -> bool:
        return direction == "backward" and not SAVED.isdisjoint(re.findall(r"\w+", self.text(name, direction)))

    def prepare(self, name: str, direction: str, *arrays: Any, out: Any = None, axis: int = -1, **params: Any) -> Call:
        scope = {"out": out} | scope_of(name, direction, arrays, axis, params)
        scope = {k: self.convert(v) if isinstance(v, np.ndarray) else v for k, v in scope.items()}
        states = {"y": self.text(name, "forward"), **self.states}
        return bind(self.text(name, direction), self.modules() | scope, states)


# ---- torch ----------------------------------------------------------------------------------------------------

# Python bindings where there are any: torch.ops.aten.<name> costs another microsecond. ATen's own out= is used through
# the functions that write there; relu, selu, celu and relu6 do through the functions that they are made of.
TORCH: Table = {
    "identity": ("torch.clone(x)", "torch.clone(g)"),
    "step": ("torch.heaviside(x, one, out=out)", ""),
    "relu": ("torch.clamp_min(x, 0, out=out)", "aten.threshold_backward(g, x, 0, grad_input=out)"),
    "relu6": ("nn.hardtanh(x, 0, 6, out=out)", "aten.hardtanh_backward(g, x, 0, 6, grad_input=out)"),
    "leaky_relu": (
        "nn.leaky_relu(x, negative_slope, out=out)",
        "aten.leaky_relu_backward(g, x, negative_slope, False, grad_input=out)",
    ),
    "prelu": (
        "torch._prelu_kernel(x, weight)",
        "((r := aten._prelu_kernel_backward(g, x, weight))[0], r[1].sum_to_size(weight.shape))",
    ),
    "rrelu": ("nn.leaky_relu(x, 11 / 48, out=out)", "aten.leaky_relu_backward(g, x, 11 / 48, False, grad_input=out)"),
    "threshold": (
        "torch.threshold(x, threshold, value, out=out)",
        "aten.threshold_backward(g, x, threshold, grad_input=out)",
    ),
    "hard_tanh": (
        "nn.hardtanh(x, min_val, max_val, out=out)",
        "aten.hardtanh_backward(g, x, min_val, max_val, grad_input=out)",
    ),
    "hard_sigmoid": ("nn.hardsigmoid(x, out=out)", "aten.hardsigmoid_backward(g, x, grad_input=out)"),
    "soft_shrink": ("nn.softshrink(x, lambd, out=out)", "aten.softshrink_backward(g, x, lambd, grad_input=out)"),
    "hard_shrink": ("torch.hardshrink(x, lambd, out=out)", "aten.hardshrink_backward(g, x, lambd, grad_input=out)"),
    "hard_swish": ("nn.hardswish(x, out=out)", "aten.hardswish_backward(g, x, out=out)"),
    "sigmoid": ("torch.sigmoid(x, out=out)", "aten.sigmoid_backward(g, y, grad_input=out)"),
    "log_sigmoid": ("nn.log_sigmoid(x, out=out)", "aten.log_sigmoid_backward(g, x, buffer, grad_input=out)"),
    "tanh": ("torch.tanh(x, out=out)", "aten.tanh_backward(g, y, grad_input=out)"),
    "tanh_shrink": ("x - torch.tanh(x)", "g * torch.tanh(x).square_()"),
    "softsign": ("x / (1 + x.abs())", "g / (1 + x.abs()).square_()"),
    "elu": ("nn.elu(x, alpha, out=out)", "aten.elu_backward(g, alpha, 1, 1, False, x, grad_input=out)"),
    "selu": (
        "nn.elu(x, 1.6732632423543772, 1.0507009873554805, out=out)",
        "aten.elu_backward(g, 1.6732632423543772, 1.0507009873554805, 1, False, x, grad_input=out)",
    ),
    "celu": (
        "nn.elu(x, alpha, 1, 1 / alpha, out=out)",
        "aten.elu_backward(g, alpha, 1, 1 / alpha, False, x, grad_input=out)",
    ),
    "softplus": ("nn.softplus(x, beta, out=out)", "aten.softplus_backward(g, x, beta, 20, grad_input=out)"),
    "silu": ("nn.silu(x, out=out)", "aten.silu_backward(g, x, grad_input=out)"),
    "gelu_tanh": (
        "nn.gelu(x, approximate='tanh', out=out)",
        "aten.gelu_backward(g, x, approximate='tanh', grad_input=out)",
    ),
    "gelu": ("nn.gelu(x, out=out)", "aten.gelu_backward(g, x, grad_input=out)"),
    "mish": ("nn.mish(x, out=out)", "aten.mish_backward(g, x)"),
    "bilinear": ("torch.mul(gate, value, out=out)", "(g * value, g * gate)"),
    "reglu": (
        "torch.relu(gate).mul_(value)",
        "(aten.threshold_backward(g * value, gate, 0), torch.relu(gate).mul_(g))",
    ),
    "geglu": ("nn.gelu(gate).mul_(value)", "(aten.gelu_backward(g * value, gate), nn.gelu(gate).mul_(g))"),
    "swiglu": ("nn.silu(gate).mul_(value)", "(aten.silu_backward(g * value, gate), nn.silu(gate).mul_(g))"),
    "glu": ("nn.glu(x, axis, out=out)", "aten.glu_backward(g, x, axis, grad_input=out)"),
    "softmax": (
        "torch._softmax(x, axis, False, out=out)",
        "torch._softmax_backward_data(g, y, axis, x.dtype, grad_input=out)",
    ),
    "log_softmax": (
        "torch._log_softmax(x, axis, False, out=out)",
        "torch._log_softmax_backward_data(g, y, axis, x.dtype, out=out)",
    ),
    "softmin": ("torch._softmax(-x, axis, False, out=out)", "-torch._softmax_backward_data(g, y, axis, x.dtype)"),
    "logsumexp": (
        "torch.logsumexp(x, axis, out=out)", "(x - y.unsqueeze(axis)).exp_().mul_(g.unsqueeze(axis))",
    ),
    "cross_entropy": (
        "nn.cross_entropy_loss(x.movedim(axis, 1), target, None, 1)",
        "torch._log_softmax_backward_data(nll_backward(g, scores, rows, None, 1, -100, total), scores, 1, x.dtype)",
    ),
    "binary_cross_entropy": (
        "torch.binary_cross_entropy_with_logits(x, target, None, None, 1)",
        "torch.sigmoid(x).sub_(target).mul_(g / x.numel())",
    ),
}  # fmt: skip
TORCH_STATES = {
    "buffer": "aten.log_sigmoid_forward(x)[1]",
    # The loss of images takes the rows of a third axis.
    "images": "x.ndim > 2",
    "scores": "torch._log_softmax(x.movedim(axis, 1).unsqueeze(2) if images else x.movedim(axis, 1), 1, False)",
    "rows": "target.unsqueeze(1) if images else target",
    "total": "(aten.nll_loss2d_forward if images else aten.nll_loss_forward)(scores, rows, None, 1, -100)[1]",
    "nll_backward": "aten.nll_loss2d_backward.default if images else aten.nll_loss_backward.default",
}


@cache
def torch_modules() -> dict[str, Any]:
    import torch

    torch.set_grad_enabled(False)
    return {"torch": torch, "nn": torch._C._nn, "aten": torch.ops.aten}


def torch_tensor(array: Any) -> Any:
    return torch_modules()["torch"].from_numpy(np.asarray(array))


# ---- onnxruntime ----------------------------------------------------------------------------------------------

# The operator with its attributes; what stands in "inputs" are further operands, as constants of the model.
ONNX: Table = {
    "relu": ("Relu()", ""),
    "relu6": ("Clip(inputs=(0, 6))", ""),
    "leaky_relu": ("LeakyRelu(alpha=negative_slope)", ""),
    "prelu": ("PRelu(inputs=(weight,))", ""),
    "rrelu": ("LeakyRelu(alpha=11 / 48)", ""),
    "threshold": ("ThresholdedRelu(alpha=threshold)", ""),
    "hard_tanh": ("Clip(inputs=(min_val, max_val))", ""),
    "hard_sigmoid": ("HardSigmoid(alpha=slope, beta=offset)", ""),
    "soft_shrink": ("Shrink(lambd=lambd, bias=lambd)", ""),
    "hard_shrink": ("Shrink(lambd=lambd)", ""),
    "hard_swish": ("HardSwish()", ""),
    "sigmoid": ("Sigmoid()", ""),
    "tanh": ("Tanh()", ""),
    "softsign": ("Softsign()", ""),
    "elu": ("Elu(alpha=alpha)", ""),
    "selu": ("Selu()", ""),
    "celu": ("Celu(alpha=alpha)", ""),
    "softplus": ("Softplus()", ""),
    "silu": ("QuickGelu(domain='com.microsoft', alpha=1.0)", ""),
    "swish": ("QuickGelu(domain='com.microsoft', alpha=float(beta))", ""),
    "quick_gelu": ("QuickGelu(domain='com.microsoft', alpha=1.702)", ""),
    "gelu_tanh": ("Gelu(approximate='tanh')", ""),
    "gelu": ("Gelu()", ""),
    "mish": ("Mish()", ""),
    "softmax": ("Softmax(axis=axis)", ""),
    "log_softmax": ("LogSoftmax(axis=axis)", ""),
    "hardmax": ("Hardmax(axis=axis)", ""),
    "logsumexp": ("ReduceLogSumExp(inputs=(np.array([axis]),), keepdims=0)", ""),
}


def onnx_session(operator: str, dtype: Any, inputs: tuple[Any, ...] = (), domain: str = "", **attributes: Any) -> Any:
    """A model of one node, loaded."""
    import onnxruntime
    from onnx import helper, numpy_helper

    element = helper.np_dtype_to_tensor_dtype(dtype)
    constants = {f"x{k}": v if isinstance(v, np.ndarray) else np.array(v, dtype) for k, v in enumerate(inputs)}
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", *constants], ["y"], domain=domain, **attributes)],
        operator,
        [helper.make_tensor_value_info("x", element, None)],
        [helper.make_tensor_value_info("y", element, None)],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    versions = [helper.make_opsetid("", 22), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=versions, ir_version=10)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "0"))
    errors = onnxruntime.capi.onnxruntime_pybind11_state
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except (errors.NotImplemented, errors.InvalidGraph) as error:
        raise NotImplementedError(str(error)) from None


def prepare_onnx(name: str, direction: str, x: Any, out: Any = None, axis: int = -1, **params: Any) -> Call:
    from onnxruntime import OrtValue

    operator, arguments = ONNX[name][0].split("(", 1)
    scope = scope_of(name, direction, (x,), axis, params)
    session = eval(f"session({operator!r}, dtype, {arguments}",
                   scope | {"session": onnx_session, "dtype": x.dtype, "np": np})  # fmt: skip
    if out is None:
        return partial(session.run, None, {"x": x})
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", OrtValue.ortvalue_from_numpy(x))
    binding.bind_ortvalue_output("y", OrtValue.ortvalue_from_numpy(out))
    return partial(session.run_with_iobinding, binding)


# ---- thinc ----------------------------------------------------------------------------------------------------

THINC: Table = {
    "relu": ("ops.relu(x)", "ops.backprop_relu(g, y)"),
    "relu6": ("ops.clipped_linear(x, max_val=6.0)", "ops.backprop_clipped_linear(g, x, max_val=6.0)"),
    "hard_tanh": ("ops.hard_tanh(x)", "ops.backprop_hard_tanh(g, x)"),
    "hard_sigmoid": (
        "ops.clipped_linear(x, slope=slope, offset=offset)",
        "ops.backprop_clipped_linear(g, x, slope=slope, offset=offset)",
    ),
    "hard_swish": ("ops.hard_swish_mobilenet(x)", "ops.backprop_hard_swish_mobilenet(g, x)"),
    "sigmoid": ("ops.sigmoid(x)", "ops.backprop_sigmoid(g, y)"),
    "silu": ("ops.swish(x)", "ops.backprop_swish(g, x, y)"),
    "gelu_tanh": ("ops.gelu_approx(x)", "ops.backprop_gelu_approx(g, x)"),
    "gelu": ("ops.gelu(x)", "ops.backprop_gelu(g, x)"),
    "mish": ("ops.mish(x)", "ops.backprop_mish(g, x)"),
    "softmax": ("ops.softmax(x, axis=axis)", "ops.backprop_softmax(y, g, axis=axis)"),
}


@cache
def thinc_modules() -> dict[str, Any]:
    from thinc.api import NumpyOps

    return {"ops": NumpyOps()}


# ---- Formulas: NumPy and SciPy --------------------------------------------------------------------------------


# Functions in formulas that numexpr and the likes of NumPy have under these names.
FUNCTIONS = ("abs", "where", "exp", "expm1", "log", "log1p", "tanh", "sqrt", "sin", "cos", "sinh", "cosh", "maximum",
             "minimum")  # fmt: skip


def has_formula(name: str, direction: str, functions: tuple[str, ...], known: tuple[str, ...] = ()) -> bool:
    """Whether the row is arithmetic on its operands with these functions.

    Gradients of learned parameters have no formula in the catalog: those rows are left out.
    """
    row = oracle.ROWS[name]
    several = direction == "backward" and (row.trains or row.kind == "gated")
    if row.kind not in ("elementwise", "gated") or name == "glu" or several:
        return False
    text = text_of(name, direction, known=known)
    whole = " ".join((*text.steps.values(), text.result))
    used = set(re.findall(r"\b([A-Za-z]\w*)\(", whole))
    return used <= set(functions) and bool(re.search(r"\b(x|g|gate)\b", whole))


def formulas(functions: tuple[str, ...] = FUNCTIONS, known: tuple[str, ...] = ()) -> set[tuple[str, str]]:
    return {(n, d) for n in oracle.ROWS for d in DIRECTIONS if has_formula(n, d, functions, known)}


def typed(text: Text, dtype: Any) -> dict[str, Any]:
    """The constants in the dtype of x: in any other they would widen the result."""
    return {name: dtype.type(value) for name, value in text.constants.items()}


NUMPY: Table = {
    "step": ("np.heaviside(x, one, out=out)", ""),
    "relu6": ("np.clip(x, 0, 6, out=out)", ""),
    "hard_tanh": ("np.clip(x, min_val, max_val, out=out)", ""),
    # The plain logarithm of 1 + exp(x) overflows.
    "softplus": ("np.logaddexp(x, 0, out=out)", ""),
}
# SciPy adds functions to NumPy's; rows whose formula has one of them are its own.
SCIPY_FUNCTIONS = ("sigmoid", "Phi")
SCIPY: Table = {
    "sigmoid": ("special.expit(x, out=out)", ""),
    "log_sigmoid": ("special.log_expit(x, out=out)", ""),
    "softmax": ("special.softmax(x, axis=axis)", ""),
    "log_softmax": ("special.log_softmax(x, axis=axis)", ""),
    "logsumexp": ("special.logsumexp(x, axis=axis)", ""),
}


@cache
def numpy_modules() -> dict[str, Any]:
    return {"np": np} | {name: getattr(np, name) for name in FUNCTIONS}


@cache
def scipy_modules() -> dict[str, Any]:
    from scipy import special

    return numpy_modules() | {"special": special, "sigmoid": special.expit, "Phi": special.ndtr}


NUMPY_CALLS = Calls(NUMPY, numpy_modules)
SCIPY_CALLS = Calls(SCIPY, scipy_modules)


def numpy_names() -> set[tuple[str, str]]:
    return NUMPY_CALLS.names() | formulas()


def scipy_names() -> set[tuple[str, str]]:
    own = formulas((*FUNCTIONS, *SCIPY_FUNCTIONS), SCIPY_FUNCTIONS) - formulas(known=SCIPY_FUNCTIONS)
    return SCIPY_CALLS.names() | own


def prepare_numpy(
    calls: Calls, known: tuple[str, ...], name: str, direction: str,
    *arrays: Any, out: Any = None, axis: int = -1, **params: Any,
) -> Call:  # fmt: skip
    """The formula, one statement per name; the last operation writes into `out`."""
    if (name, direction) in calls.names():
        return calls.prepare(name, direction, *arrays, out=out, axis=axis, **params)
    text = text_of(name, direction, known=known, free=tuple(params))
    tree: Any = ast.parse(text.result, mode="eval").body
    operators = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power",
                 ast.USub: "negative"}  # fmt: skip
    match tree:
        case ast.BinOp(left, operator, right):
            last = f"np.{operators[type(operator)]}({ast.unparse(left)}, {ast.unparse(right)})"
        case ast.UnaryOp(operator, operand):
            last = f"np.{operators[type(operator)]}({ast.unparse(operand)})"
        case ast.Call():
            last = text.result
        case _:
            last = f"np.positive({text.result})"
    if out is not None:
        last = f"np.copyto(out, {last})" if last.startswith("where") else f"{last[:-1]}, out=out)"
    body = [*(f"{name} = {value}" for name, value in text.steps.items()), f"return {last}"]
    scope = calls.modules() | scope_of(name, direction, arrays, axis, params) | typed(text, arrays[-1].dtype)
    scope |= {"out": out}
    exec("def call():\n " + "\n ".join(body), scope)
    return scope["call"]


# ---- Formulas: numexpr ----------------------------------------------------------------------------------------


def prepare_numexpr(name: str, direction: str, *arrays: Any, out: Any = None, axis: int = -1, **params: Any) -> Call:
    import numexpr

    # Its maximum and minimum are double.
    text = text_of(name, direction, free=tuple(params), steps=False, extremes=False)
    dtype = arrays[-1].dtype
    values = scope_of(name, direction, arrays, axis, params) | typed(text, dtype)
    names = [n for n in (*operands(name, direction), *params, *text.constants)
             if re.search(rf"\b{n}\b", text.result)]  # fmt: skip
    # Single precision is numexpr's float, as it is C's.
    kind = float if dtype == np.float32 else numexpr.necompiler.double
    compiled = numexpr.NumExpr(text.result, signature=[(n, kind) for n in names])
    into = {} if out is None else {"out": out}
    return partial(compiled, *(values[n] for n in names), ex_uses_vml=False, **into)


# ---- Formulas: numba ------------------------------------------------------------------------------------------

# Python's math and JAX have one more.
MATH = (*FUNCTIONS, "erfc")
# Elements from which a loop runs on all threads; starting them costs about as much as so many elements.
PARALLEL = 16384


@cache
def numba_kernel(name: str, direction: str, *, parallel: bool) -> Any:
    import math

    import numba

    text, names = text_of(name, direction, branches=True), operands(name, direction)
    lines = [
        f"def kernel(out, {', '.join((*(f'{n}_' for n in names), *text.constants))}):",
        " for i in prange(out.size):",
        *(f"  {n} = {n}_[i]" for n in names),
        *(f"  {n} = {value}" for n, value in text.steps.items()),
        f"  out[i] = {text.result}",
    ]
    scope = {n: f for n, f in vars(math).items() if n in MATH} | {"prange": numba.prange}
    exec("\n".join(lines), scope)
    # Without NumPy's error model every division is tested for zero, and no loop vectorised.
    return numba.njit(parallel=parallel, fastmath=False, error_model="numpy")(scope["kernel"])


def prepare_numba(name: str, direction: str, *arrays: Any, out: Any = None, axis: int = -1) -> Call:  # noqa: ARG001
    x = arrays[-1]
    kernel = numba_kernel(name, direction, parallel=x.size >= PARALLEL)
    constants = typed(text_of(name, direction, branches=True), x.dtype).values()
    arguments = *(a.reshape(-1) for a in arrays), *constants
    if out is not None:
        return partial(kernel, out.reshape(-1), *arguments)
    shape, dtype = x.shape, x.dtype

    def fresh() -> Any:
        result = np.empty(shape, dtype)
        kernel(result.reshape(-1), *arguments)
        return result

    return fresh


# ---- JAX ------------------------------------------------------------------------------------------------------

# Forward only: JAX makes the backward functions. Rows that jax.nn lacks by formula, which XLA fuses.
JAX: Mapping[str, str] = {
    "relu": "nn.relu(x)",
    "relu6": "nn.relu6(x)",
    "leaky_relu": "nn.leaky_relu(x, negative_slope)",
    "hard_tanh": "nn.hard_tanh(x)",
    "hard_sigmoid": "nn.hard_sigmoid(x)",
    "sparse_sigmoid": "nn.sparse_sigmoid(x)",
    "hard_swish": "nn.hard_swish(x)",
    "sparse_plus": "nn.sparse_plus(x)",
    "sigmoid": "nn.sigmoid(x)",
    "log_sigmoid": "nn.log_sigmoid(x)",
    "tanh": "nn.tanh(x)",
    "softsign": "nn.soft_sign(x)",
    "elu": "nn.elu(x, alpha)",
    "selu": "nn.selu(x)",
    "celu": "nn.celu(x, alpha)",
    "softplus": "nn.softplus(x)",
    "squareplus": "nn.squareplus(x, b)",
    "silu": "nn.silu(x)",
    "gelu_tanh": "nn.gelu(x, approximate=True)",
    "gelu": "nn.gelu(x, approximate=False)",
    "mish": "nn.mish(x)",
    "glu": "nn.glu(x, axis)",
    "softmax": "nn.softmax(x, axis)",
    "log_softmax": "nn.log_softmax(x, axis)",
    "softmin": "nn.softmax(-x, axis)",
    "logsumexp": "nn.logsumexp(x, axis)",
    "cross_entropy": (
        "-jnp.take_along_axis(nn.log_softmax(x, axis), jnp.expand_dims(target, axis), axis).mean()"
    ),
    "binary_cross_entropy": "(nn.softplus(x) - x * target).mean()",
}  # fmt: skip


@cache
def jax_modules() -> dict[str, Any]:
    import jax
    from jax import numpy as jnp

    # float64 is an option of JAX; without it results are float32.
    jax.config.update("jax_enable_x64", True)
    functions = {name: getattr(jnp, name) for name in FUNCTIONS}
    return functions | {"jax": jax, "nn": jax.nn, "jnp": jnp, "erfc": jax.scipy.special.erfc}


def jax_names() -> set[tuple[str, str]]:
    """Without the identity, which XLA has nothing to do for."""
    forward = {name for name, d in formulas(MATH) if d == "forward" and name != "identity"} | set(JAX)
    return {(name, d) for name in forward for d in DIRECTIONS}


def jax_saved(name: str, direction: str) -> bool:
    return direction == "backward" and oracle.ROWS[name].kind in ("rows", "row loss")


def prepare_jax(
    name: str, direction: str, *arrays: Any, out: Any = None, axis: int = -1, **params: Any  # noqa: ARG001
) -> Call:  # fmt: skip
    modules, row = jax_modules(), oracle.ROWS[name]
    jax = modules["jax"]
    dtype = arrays[operands(name, direction).index(operands(name, "forward")[0])].dtype
    trained = {p: np.asarray(v, dtype) for p, v in (oracle.default_params(row) | params).items() if p in row.trains}
    text = Text(JAX[name]) if name in JAX else text_of(name, "forward", free=tuple(trained), steps=False)
    scope = scope_of(name, direction, arrays, axis, params | trained) | typed(text, dtype)
    scope |= {n: jax.device_put(scope[n]) for n in (*operands(name, direction), *trained)}
    differentiated = [n for n in (*operands(name, "forward"), *trained) if n != "target"]
    function = eval(f"lambda {', '.join(differentiated)}: {text.result}", modules | scope)
    arguments = [scope[n] for n in differentiated]
    if direction == "forward":
        compiled = jax.jit(function)
    elif jax_saved(name, direction):
        # What the forward function leaves behind is not computed again.
        y, pull = jax.vjp(function, *arguments)
        compiled, arguments = jax.jit(lambda pull, g: pull(g)), [pull, scope["g"].astype(y.dtype)]
    else:
        compiled, arguments = jax.jit(lambda g, *x: jax.vjp(function, *x)[1](g)), [scope["g"], *arguments]
    ready = jax.block_until_ready
    return lambda: ready(compiled(*arguments))


# ---- All of them ----------------------------------------------------------------------------------------------

TORCH_CALLS = Calls(TORCH, torch_modules, TORCH_STATES, torch_tensor)
THINC_CALLS = Calls(THINC, thinc_modules)


def always(*_: str) -> bool:
    return True


def never(*_: str) -> bool:
    return False


def scipy_writes_out(name: str, direction: str) -> bool:
    return (name, direction) not in SCIPY_CALLS.names() or SCIPY_CALLS.writes_out(name, direction)


LIBRARIES: dict[str, Library] = {
    "numpy": Library(numpy_names, partial(prepare_numpy, NUMPY_CALLS, ()), always, never, strided=True),
    "scipy": Library(
        scipy_names, partial(prepare_numpy, SCIPY_CALLS, SCIPY_FUNCTIONS), scipy_writes_out, never,
        strided=True, dtypes=DTYPES[1:],
    ),
    "numexpr": Library(formulas, prepare_numexpr, always, never, strided=True, dtypes=DTYPES[1:], swept=False),
    "numba": Library(partial(formulas, MATH), prepare_numba, always, never, dtypes=DTYPES[1:], swept=False),
    "torch": Library(TORCH_CALLS.names, TORCH_CALLS.prepare, TORCH_CALLS.writes_out, TORCH_CALLS.saved, strided=True),
    "jax": Library(jax_names, prepare_jax, never, jax_saved),
    "onnxruntime": Library(Calls(ONNX, dict).names, prepare_onnx, always, never, needs=("onnx",)),
    "thinc": Library(THINC_CALLS.names, THINC_CALLS.prepare, never, THINC_CALLS.saved, dtypes=DTYPES[1:2], swept=False),
}  # fmt: skip


def ours(name: str, direction: str) -> Implementation:
    """The function of this package, called as its users do: with defaults left out."""
    import actfn

    calls = Calls(
        {name: (own_call(getattr(actfn, name)), own_call(getattr(actfn, f"{name}_backward")))},
        lambda: {"actfn": actfn},
    )  # fmt: skip
    library = Library(calls.names, calls.prepare, calls.writes_out, calls.saved, strided=True)
    return implementation(library, name, direction)


def own_call(function: Any) -> str:
    parameters = inspect.signature(function).parameters
    named = {"grad": "g", "logits": "x"}
    needed = [named.get(n, n) for n, p in parameters.items() if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    needed += ["axis=axis"] if "axis" in parameters else []
    # Two outputs are raced fresh.
    several = getattr(function, "nout", 1) > 1
    needed += ["out=out"] if {"out", "kwargs"} & set(parameters) and not several else []
    return f"actfn.{function.__name__}({', '.join(needed)})"


def copies(streams: int) -> dict[str, Callable[..., Call]]:
    """The least that a function of 1 or 2 arrays costs: a copy or a sum, by NumPy and, on all threads, by torch."""

    def by_numpy(*arrays: Any, out: Any = None) -> Call:
        if streams == 2:
            return partial(np.add, *arrays, *([] if out is None else [out]))
        return arrays[0].copy if out is None else partial(np.copyto, out, arrays[0])

    def by_torch(*arrays: Any, out: Any = None) -> Call:
        tensors = [torch_tensor(a) for a in arrays]
        target = None if out is None else torch_tensor(out)
        if streams == 2:
            return partial(torch_modules()["torch"].add, *tensors, out=target)
        return tensors[0].clone if target is None else partial(target.copy_, tensors[0])

    return {"numpy": by_numpy} | ({"torch": by_torch} if installed("torch") else {})
