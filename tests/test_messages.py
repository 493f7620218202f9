"""Every wrong argument of every function and layer gets one error that a user can act on, and nothing is written.

The error names the function and the argument, says what was expected and what came, and hides no other error behind
it. The cases are made from signatures: each argument of each function meets each kind of wrong value.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import actfn

from . import calls, oracle
from .situations import situation

RAGGED = [[1.0, 2.0], [3.0]]
# A shape that goes with none of the others.
ODD = np.ones((2, 7, 11))
RNG = np.random.default_rng(5)
IMAGE = RNG.normal(size=(2, 4, 5, 6))
EXTRA = [
    calls.Call("funnel_relu", {"x": IMAGE, "window": RNG.normal(size=(4, 3, 3))}, {}),
    calls.Call("funnel_relu_backward", {"x": IMAGE, "window": RNG.normal(size=(4, 3, 3)), "grad": IMAGE}, {}),
    calls.Call("softmax2d", {"x": IMAGE}, {}),
    calls.Call("softmax2d_backward", {"y": actfn.softmax2d(IMAGE), "grad": IMAGE}, {}),
    calls.Call("crelu", {"x": IMAGE}, {}),
    calls.Call("crelu_backward", {"x": IMAGE, "grad": np.concatenate([IMAGE, IMAGE], axis=-1)}, {}),
    calls.Call("maxout", {"x": IMAGE}, {}),
    calls.Call("maxout_backward", {"x": IMAGE, "grad": IMAGE[..., ::2]}, {}),
    calls.Call("gumbel_softmax", {"x": IMAGE}, {}),
    calls.Call("gumbel_softmax_backward", {"y": actfn.softmax(IMAGE), "grad": IMAGE}, {}),
]
CALLS = [*calls.CALLS, *EXTRA]
each_call = pytest.mark.parametrize("call", CALLS, ids=[call.name for call in CALLS])
FLAGS = ("keepdims", "hard", "return_soft", "training", "return_slope")
POSITIVE = ("temperature", "tau", "epsilon")


def test_every_function_is_called() -> None:
    """Whatever is added to the catalog must be here too."""
    names = {name for row in oracle.ROWS for name in (row, f"{row}_backward")}
    assert {call.name for call in CALLS} == names


class Refusing:
    """What NumPy cannot make numbers of."""

    def __repr__(self) -> str:
        return "<Refusing>"


def wrong_numbers() -> Iterator[Any]:
    """What no operand and no parameter may be."""
    yield from ("spam", None, Refusing(), 1j, RAGGED, {"a": 1}, b"spam", [None, 1.0], ["a", "b"])
    yield np.array(["2020-01-01"], "datetime64[D]")
    yield np.zeros(3, [("a", "f8"), ("b", "i4")])
    if np.dtype(np.longdouble).itemsize > 8:
        yield np.ones(10, np.longdouble)


def wrong_values(call: calls.Call, name: str) -> Iterator[Any]:
    """Of one argument of a call."""
    row = oracle.ROWS[call.name.removesuffix("_backward")]
    along = next(iter(call.operands.values())).shape[-1]
    if name == "target":
        yield from ("spam", None, Refusing(), 1j, RAGGED, ODD)
        if row.kind == "row loss":
            for label in (along, -1, -(2**40), 2**40):
                target = call.operands["target"].copy()
                target.flat[-1] = label
                yield target
            yield from (call.operands["target"][:-1], call.operands["target"] * 1.0, call.operands["target"] > 0)
    elif name in call.operands or name == "grad":
        yield from wrong_numbers()
        if len(call.operands) > 1:
            yield ODD
        if name == "window":
            yield from (np.ones((3, 3)), np.ones((4, 3, 4)))
        if call.kind == "spatial" and name != "grad":
            yield np.ones(3)
        if name == "x" and row.name == "glu":
            yield np.ones((3, 12, 9))
    elif name in POSITIVE:
        yield from (0, -1.0, np.nan, np.inf, -np.inf, "spam", None, Refusing(), [1.0, 2.0], 1j)
    elif name == "axis":
        yield from (99, -99, 2**70, 1.5, "spam", None, (0, 1), Refusing())
    elif name == "mask":
        yield from ("spam", Refusing(), RAGGED, [1.0], np.ones((3, 12, 10), np.int64), np.ones((2, 7, 11), bool))
    elif name == "reduction":
        yield from ("average", None, 1, ["mean"], Refusing(), np.array(["mean", "sum"]))
    elif name == "weight" and row.kind == "row loss":
        yield from ("spam", 1j, RAGGED, 2.0, np.ones(along + 1), np.ones((along, 1)))
    elif name == "ignore_index":
        yield from ("spam", None, 1.5, [1], Refusing())
    elif name == "label_smoothing":
        yield from ("spam", None, -0.1, 1.1, np.nan, np.inf, [0.1, 0.2], Refusing())
    elif name == "pieces":
        yield from (0, -1, 1.5, "spam", None, 4 if along == 6 else 7, Refusing())
    elif name == "rng":
        yield from ("spam", -1, 1.5, Refusing())
    elif name in FLAGS:
        # What counts as False is taken for False by functions; layers refuse it too.
        yield from ("no", 2, Refusing())
    elif name == "slope":
        yield from (v for v in (*wrong_numbers(), ODD) if v is not None)
    elif name in row.params or name == "pos_weight":
        yield from (*wrong_numbers(), ODD)
    else:
        raise AssertionError(f"which values are wrong for {name} of {call.name}?")


def complaint(run: Callable[[], Any], function: str, argument: str) -> str:
    """What is wrong with the error that comes, if anything."""
    try:
        result = run()
    except (TypeError, ValueError) as error:
        text = str(error)
        faults = [
            fault
            for fault, found in {
                "does not begin with the function": re.match(rf"{function}(: |\(\) )", text),
                "does not name the argument": not argument or re.search(rf"(?<!\w)({argument})(?!\w)", text),
                "does not say what came": re.search("got|given|missing|axis -?[0-9]+ is out", text),
                "does not say what was expected": re.search("must|takes|missing|unexpected|out of bounds", text),
                "stands on another error": error.__context__ is None or error.__suppress_context__,
                "has several lines": "\n" not in text,
                "is long": len(text) < 500,
            }.items()
            if not found
        ]
        return f"{', '.join(faults)}: {type(error).__name__}: {text}" if faults else ""
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return f"no error, but {str(result)[:100]!r}"


def signature_of(name: str) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(getattr(actfn, name)).parameters)


def outputs(call: calls.Call) -> Any:
    """Arrays to write into, full of sevens; None where the function takes none."""
    if "out" not in signature_of(call.name):
        return None
    learned = len(oracle.ROWS[call.name.removesuffix("_backward")].trains) if "_backward" in call.name else 0
    results = call.run()
    wanted = [np.full_like(result, 7.0) for result in results[: len(results) - learned]]
    return tuple(wanted) if isinstance(getattr(actfn, call.name), np.ufunc) and len(wanted) > 1 else wanted[0]


def untouched(call: calls.Call, out: Any) -> bool:
    return all((array == 7).all() for array in (out if isinstance(out, tuple) else (out,)) if array is not None)


def collect(call: calls.Call, cases: Iterator[tuple[str, str, Callable[[Any], Any]]]) -> None:
    """Run cases (argument, what it is, call with an out) and list all complaints at once."""
    out, before = outputs(call), {name: array.copy() for name, array in call.operands.items()}
    found, count = [], 0
    for argument, value, run in cases:
        for target in (None, out) if out is not None else (None,):
            count += 1
            text = complaint(lambda run=run, target=target: run(target), call.name, argument)
            if not untouched(call, out):
                text += "; out was written"
                out = outputs(call)
            if text:
                found.append(f"{argument}={value}{'' if target is None else ', out'}: {text}")
    assert count and not found, f"{len(found)} of {count}\n" + "\n".join(found)
    assert all(np.array_equal(before[name], array) for name, array in call.operands.items())


@each_call
@situation("wrong arguments")
def test_a_wrong_value_gets_one_clear_error(call: calls.Call) -> None:
    """Of every argument that the function has."""

    def cases() -> Iterator[tuple[str, str, Callable[[Any], Any]]]:
        for name in signature_of(call.name):
            if name in ("out", "kwargs", "where", "casting", "order", "dtype", "subok"):
                continue
            for value in wrong_values(call, name):
                given = {name: value}
                if name == "rng":
                    given |= {"training": True} if call.name == "rrelu" else {}
                # Of two shapes that do not go together either may be called wrong.
                odd = np.shape(value) == ODD.shape if isinstance(value, np.ndarray) else False
                named = "|".join((name, *call.operands, "pieces", "out")) if odd else name
                yield (
                    named,
                    repr(value)[:60],
                    lambda out, given=given: call.run(**given, **({} if out is None else {"out": out})),
                )

    collect(call, cases())


@each_call
@situation("wrong out")
def test_a_wrong_out_gets_one_clear_error(call: calls.Call) -> None:
    """Of another type, shape, dtype, or read-only: nothing of it is written."""
    out = outputs(call)
    if out is None:
        assert "out" not in signature_of(call.name)
        return
    several = isinstance(out, tuple)
    model = out[-1] if several else out
    locked = model.copy()
    locked.flags.writeable = False
    wrong: list[Any] = [
        [7.0], "spam", 7.0, Refusing(), np.full((2, 7, 11), 7.0), np.full(model.shape, 7), locked, model.astype(bool),
        np.full((*model.shape, 2), 7.0),
    ]  # fmt: skip
    if several:
        wrong = [(*out[:-1], array) for array in wrong] + [out[0], out[:1], [*out]]
    found = []
    for value in wrong:
        if text := complaint(lambda value=value: call.run(out=value), call.name, "out"):
            found.append(f"out={str(value)[:60]}: {text}")
        assert untouched(call, out)
        for array in value if isinstance(value, tuple) else (value,):
            if isinstance(array, np.ndarray):
                assert (array == (7 if array.dtype != bool else True)).all()
    assert not found, "\n".join(found)


@each_call
@situation("keywords")
def test_a_wrong_keyword_gets_one_clear_error(call: calls.Call) -> None:
    """One that does not exist, and NumPy's own with a wrong value."""
    parameters = signature_of(call.name)

    def cases() -> Iterator[tuple[str, str, Callable[[Any], Any]]]:
        def other(name: str, value: Any) -> tuple[str, str, Callable[[Any], Any]]:
            return (
                name,
                repr(value)[:60],
                lambda out: call.run(**{name: value}, **({} if out is None else {"out": out})),
            )

        def with_out(name: str, value: Any) -> tuple[str, str, Callable[[Any], Any]]:
            return (
                name,
                repr(value)[:60],
                lambda out: call.run(**{name: value, "out": outputs(call) if out is None else out}),
            )

        yield other("spam", 1)
        if isinstance(getattr(actfn, call.name), np.ufunc) or "kwargs" in parameters:
            # NumPy takes anything for a mask that has truth values, and warns of a mask without out.
            if "out" in parameters:
                yield from (with_out("where", value) for value in ([1, 2], np.ones((2, 7, 11), bool), RAGGED))
            yield from (other("dtype", value) for value in ("spam", "int32", complex, object, Refusing()))
            yield from (other("casting", value) for value in ("spam", 1))
            yield from (other("order", value) for value in ("Z", 1))
            yield other("subok", "spam")

    collect(call, cases())


@each_call
@situation("keywords")
def test_missing_arguments_and_too_many(call: calls.Call) -> None:
    """Python's and NumPy's own words, which name the function and say how many there must be."""
    function, parameters = getattr(actfn, call.name), signature_of(call.name)
    names = [name for name, p in parameters.items() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    values = call.operands | call.options
    required = [name for name in names if parameters[name].default is inspect.Parameter.empty]
    for count in range(len(required)):
        missing = "" if isinstance(function, np.ufunc) else required[count]
        given = [values[name] for name in required[:count]]
        assert not complaint(lambda given=given: function(*given), call.name, missing)
    most = function.nargs if isinstance(function, np.ufunc) else len(names)
    many = [values[name] for name in required] + [None] * (most - len(required) + 1)
    assert not complaint(lambda: function(*many), call.name, "")


# ---- Layers ---------------------------------------------------------------------------------------------------

LAYERS = [name for name in actfn.layers.__all__ if name not in ("Layer", "Sequential")]


@pytest.mark.parametrize("name", LAYERS)
@situation("wrong arguments")
def test_a_wrong_setting_of_a_layer_gets_one_clear_error(name: str) -> None:
    """At the latest when the layer is called; the error begins with the layer, or with its function."""
    made = getattr(actfn.layers, name)
    row = made.row
    call = next(call for call in CALLS if call.name == row.name)
    settings = dict(inspect.signature(made).parameters)
    needed = {k: (call.operands | call.options)[k] for k, p in settings.items() if p.default is p.empty}
    found = []
    for setting in settings:
        if setting == "num_parameters":
            values: Any = (0, -1, 1.5, "spam", None, Refusing(), [1])
        elif setting == "init":
            values = ("spam", None, 1j, [1.0], True, Refusing())
        elif setting == "approximate":
            values = ("erf", None, 1, Refusing())
        elif setting == "axis" and settings["axis"].default is None:
            values = (99, 1.5, "spam", Refusing())
        else:
            values = wrong_values(call, setting)
        for value in values:
            given = needed | ({"training": True} if name == "RReLU" else {}) | {setting: value}

            def run(given: dict[str, Any] = given) -> Any:
                return made(**given)(*(array for k, array in call.operands.items() if k not in settings))

            text = complaint(run, f"({name}|{row.name})", setting)
            if text:
                found.append(f"{setting}={repr(value)[:60]}: {text}")
    assert not complaint(lambda: made(**needed, spam=1), name, "spam")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_says_what_it_needs(name: str) -> None:
    """The number of inputs, and a forward before a backward."""
    made = getattr(actfn.layers, name)
    needed = {k: 0.5 for k, p in inspect.signature(made).parameters.items() if p.default is p.empty}
    layer = made(**needed)
    with pytest.raises(TypeError, match=rf"^{name}: forward takes .*, got 0 arguments$"):
        layer()
    with pytest.raises(RuntimeError, match=rf"^{name}: backward needs a forward before it"):
        layer.backward(1.0)


# ---- The rest of the package ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "argument", "value"),
    [("get", "name", value) for value in (None, 1, b"gelu", "", "geluu", "x" * 10_000, ["gelu"])]
    + [(f, "n", value) for f in ("set_num_threads", "threads") for value in (-1, 1.5, "2", None, True, [2])],
)
@situation("wrong arguments")
def test_the_other_functions(function: str, argument: str, value: Any) -> None:
    """Names and numbers of threads."""

    def run() -> None:
        result = getattr(actfn, function)(value)
        if function == "threads":
            with result:
                pass

    assert not complaint(run, function, argument)
    assert actfn.get_num_threads() >= 1


@situation("wrong arguments")
def test_errors_of_others_stay_theirs() -> None:
    """What an operand's own code raises is passed on as it is, even where it looks like NumPy's."""

    class Angry:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            raise ValueError("no shape today")

    class Picky(np.ndarray):
        def __array_ufunc__(self, *args: Any, **kwargs: Any) -> Any:
            raise TypeError("not with me")

    with pytest.raises(ValueError, match=r"^no shape today$"):
        actfn.relu(Angry())
    with pytest.raises(TypeError, match=r"^not with me$"):
        actfn.swiglu(np.ones(3), np.ones(4).view(Picky))
