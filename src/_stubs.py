"""What editors and type checkers know of the functions that are made from the catalog: the parts of _functions.pyi.

setup.py renders them with src/_functions.pyi.in before anything is compiled. Nothing of the package is imported but its
facts; the signatures of functions written by hand are read from their source.
"""

import ast
import importlib
import inspect
import re
import sys
import textwrap
from pathlib import Path
from types import ModuleType, SimpleNamespace

PACKAGE = Path(__file__).parent / "actfn"


def facts():
    """The catalog and the maker of docstrings, which need no compiled module, under a name that hides no package."""
    package = ModuleType("_actfn_facts")
    package.__path__ = [str(PACKAGE)]
    before = set(sys.modules)
    sys.modules[package.__name__] = package
    try:
        rows = importlib.import_module("_actfn_facts.catalog").ROWS
        docstring = importlib.import_module("_actfn_facts._docstrings").docstring
    finally:
        for name in set(sys.modules) - before:
            if name.startswith(package.__name__):
                del sys.modules[name]
    return rows, docstring


def documentation(row, name, docstring, parameters):
    """The docstring as an indented literal; `parameters` is the list of parameters without types."""
    scope = {}
    exec(f"def {name}({parameters}): pass", scope)
    text = docstring(row, scope[name], backward=name != row.name)
    return repr_block(text)


def repr_block(text):
    quoted = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'"""{textwrap.indent(quoted, "    ").strip()}\n    """'


# ---- Functions that are made from rows --------------------------------------------------------------------------

ARRAY, ANY_ARRAY = "np.ndarray[_S, np.dtype[_F]]", "NDArray[_F]"


def overloads(row, backward, ufunc):
    """(parameters, result) of every way to call, from the most precise to the most general."""
    inputs = [*(("grad",) if backward else ()), *row.inputs]
    # A gradient is often a plain number. Arrays of one type keep it; two types, or a list, give Any.
    grads = {name: " | _F | float" if name == "grad" else "" for name in inputs}

    def given(params, annotation="_Number"):
        return [f"{name}: {annotation}" + ("" if value is None else f" = {value!r}") for name, value in params.items()]

    def call(types, params=None, out="out: None = None", dtype="dtype: None = None"):
        positional = [f"{name}: {kind}" for name, kind in zip(inputs, types, strict=True)]
        positional += given(row.params) if params is None else params
        # A ufunc takes its operands by position and out by either; a function over one takes out by keyword.
        positional += ["/", out, "*"] if ufunc else ["*", out]
        return ", ".join(["self", *positional] if ufunc else positional) + f", {dtype}, **kwargs: Unpack[_Keywords]"

    def result(value, learned=None):
        if backward and row.kind == "gated":
            return f"tuple[{value}, {value}]"
        results = [value] + [learned or value] * len(row.trains)
        return f"tuple[{', '.join(results)}]" if backward and row.trains else value

    anything = ["ArrayLike"] * len(inputs)
    any_params = given(row.params, "ArrayLike")
    # First, because a float64 is a float.
    yield call(["float"] * len(inputs)), result("np.float64")
    yield call(["_F" + ("" if not grads[n] else " | float") for n in inputs]), result("_F")
    yield call([ARRAY + grads[n] for n in inputs]), result(ARRAY, "_F")
    if row.params:
        # The gradient of an array is an array, of a number a number: here the parameter is no number, nor left out.
        learned = backward and row.trains
        arrays = given(dict.fromkeys(row.params), "NDArray[Any]") if learned else given(row.params, "ArrayLike")
        yield call([ANY_ARRAY + grads[n] for n in inputs], arrays), result(ANY_ARRAY)
    if len(inputs) == 1:
        for integers, computed in (("_Small", "np.float32"), ("_Wide", "np.float64")):
            yield call([f"np.ndarray[_S, np.dtype[{integers}]]"]), result(f"np.ndarray[_S, np.dtype[{computed}]]")
    typed = ["np.ndarray[_S, np.dtype[Any]]" + ("" if not grads[n] else " | float") for n in inputs]
    yield call(typed, dtype="dtype: type[_F] | np.dtype[_F]"), result(ARRAY, "_F")
    if ufunc and backward and row.kind == "gated":
        yield call(anything, out="out: tuple[_A, _B]", dtype="dtype: DTypeLike | None = None"), "tuple[_A, _B]"
    else:
        written = result("_A", "Any")
        yield call(anything, any_params, "out: _A | tuple[_A]", "dtype: DTypeLike | None = None"), written
    # To pyright a Dataset of xarray is no ArrayLike.
    labelled = ["ArrayLike | _Labelled"] * len(inputs)
    yield call(labelled, any_params, dtype="dtype: DTypeLike | None = None"), result("Any")


# ---- Functions that are written by hand --------------------------------------------------------------------------


def statements(module):
    return ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8")).body


def written():
    """The functions in the sources of the modules that _functions.py publishes, by name."""
    imports = [node for node in statements("_functions") if isinstance(node, ast.ImportFrom) and not node.module]
    modules = [module.name for node in imports for module in node.names]
    return {node.name: node for module in modules for node in statements(module) if isinstance(node, ast.FunctionDef)}


def parameters(node, changes, required=()):
    """The parameters of a definition with other types for some, and without the default of some."""
    node = ast.parse(ast.unparse(node)).body[0]
    arguments = node.args
    for argument, defaults in [
        *((a, None) for a in arguments.args),
        *((a, k) for k, a in enumerate(arguments.kwonlyargs)),
    ]:
        if argument.arg in changes:
            argument.annotation = ast.parse(changes[argument.arg], mode="eval").body
        if argument.arg in required and defaults is not None:
            arguments.kw_defaults[defaults] = None
    return ast.unparse(arguments)


def plain(node):
    """The parameters without types."""
    node = ast.parse(ast.unparse(node)).body[0]
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    for argument in every + ([node.args.kwarg] if node.args.kwarg else []):
        argument.annotation = None
    return ast.unparse(node.args)


def takes_labels(node, row):
    """Whether the axis of a function that is written by hand may be a name, as objects of xarray and pandas know it."""
    names = [a.arg for a in (*node.args.args, *node.args.kwonlyargs)]
    return "axis" in names and row.kind not in ("pieces", "sampled rows")


def refined(node, row):
    """(parameters, result) of every way to call a function that is written by hand, its own last."""
    names = [a.arg for a in (*node.args.args, *node.args.kwonlyargs)]
    returns = ast.unparse(node.returns)
    data = [n for n in names if n in ("x", "y", "logits")]
    precise = dict.fromkeys(data, ARRAY) | ({"grad": f"{ANY_ARRAY} | _F | float"} if "grad" in names else {})
    no_out = {"out": "None"} if "out" in names else {}
    kind = "_L" if returns == "Array" else "_Labelled"
    labelled = parameters(node, dict.fromkeys(data, kind) | {"axis": "int | str"} | no_out)
    if returns == "Array":
        yield parameters(node, precise | no_out), ARRAY
        if takes_labels(node, row):
            yield labelled, "_L"
        if "out" in names:
            yield parameters(node, {"out": "_A"}, required=["out"]), "_A"
    elif returns == "tuple[Array, Array]":
        yield parameters(node, precise), f"tuple[{ARRAY}, {ANY_ARRAY}]"
    elif "reduction" in names and "grad" not in names:
        for literal, result, required in (
            ("Literal['mean', 'sum']", "_F", ()),
            ("Literal['none']", ANY_ARRAY, ["reduction"]),
        ):
            changes = dict.fromkeys(data, ANY_ARRAY) | {"reduction": literal}
            yield parameters(node, changes, required), result
    if takes_labels(node, row) and returns != "Array":
        yield labelled, returns
    yield parameters(node, {}), returns


# ---- Everything ---------------------------------------------------------------------------------------------------


def ways(pairs):
    # NumPy types int16 as a kind of int32, whose results are wider. The order decides, which mypy does not trust.
    ignore = {True: "  # type: ignore[overload-overlap]", False: ""}
    return [SimpleNamespace(parameters=p, result=r, comment=ignore["_Small" in p]) for p, r in pairs]


def functions():
    """Names and texts of all functions, in the order of the catalog."""
    rows, docstring = facts()
    by_hand = written()
    for row in rows:
        for name in (row.name, f"{row.name}_backward"):
            backward = name != row.name
            inputs = ", ".join([*(("grad",) if backward else ()), *row.inputs])
            if name in by_hand:
                node = by_hand[name]
                doc = documentation(row, name, docstring, plain(node))
                yield SimpleNamespace(name=name, ufunc="", overloads=ways(refined(node, row)), doc=doc)
            elif row.params:
                defaults = [f"{p}" if v is None else f"{p}={v!r}" for p, v in row.params.items()]
                doc = documentation(row, name, docstring, f"{inputs}, {', '.join(defaults)}, *, out=None, **kwargs")
                found = ways(overloads(row, backward, ufunc=False))
                yield SimpleNamespace(name=name, ufunc="", overloads=found, doc=doc)
            else:
                ufunc = "_Ufunc_" + inputs.replace(", ", "_")
                doc = documentation(row, name, docstring, f"{inputs}, /, out=None")
                doc = inspect.cleandoc(re.sub("^    ", "", doc, flags=re.MULTILINE))
                found = ways(overloads(row, backward, ufunc=True))
                yield SimpleNamespace(name=name, ufunc=ufunc, overloads=found, doc=doc)


def layers():
    """Names, parameters and texts of the classes of layers.py that are made from rows."""
    rows, _ = facts()
    by_hand = written()
    taken = {node.name for node in statements("layers") if isinstance(node, ast.ClassDef)}
    for row in rows:
        if row.class_name in taken:
            continue
        settings = [f"{p}: ArrayLike" + ("" if v is None else f" = {v!r}") for p, v in row.params.items()]
        if row.name in by_hand:
            settings = settings_of(by_hand[row.name], row)
        ways = [", ".join(["self", *way]) for way in (settings, *with_dim(settings))]
        yield SimpleNamespace(name=row.class_name, ways=ways, doc=row.summary)


def settings_of(node, row):
    """What a function takes beside operands, and beside what belongs to one call."""
    if takes_labels(node, row):
        node = ast.parse(f"def {node.name}({parameters(node, {'axis': 'int | str'})}): pass").body[0]
    arguments = node.args
    defaults = [None] * (len(arguments.args) - len(arguments.defaults)) + arguments.defaults
    positional, named = (
        [
            f"{a.arg}: {ast.unparse(a.annotation)}" + ("" if d is None else f" = {ast.unparse(d)}")
            for a, d in zip(given, values, strict=True)
            if a.arg not in ("out", "mask") and (d is not None or a.arg in row.params)
        ]
        for given, values in ((arguments.args, defaults), (arguments.kwonlyargs, arguments.kw_defaults))
    )
    return [*positional, *(["*"] if named else []), *named]


def with_dim(settings):
    """The same with PyTorch's name in the place of an axis, if there is one; it must then be given."""
    for k, setting in enumerate(settings):
        if setting.startswith("axis: "):
            dim = setting.replace("axis", "dim").partition(" = ")[0]
            yield [*settings[:k], "*", dim, *(s for s in settings[k + 1 :] if s != "*")]
