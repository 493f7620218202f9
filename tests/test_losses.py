"""Cross-entropy and binary cross-entropy against PyTorch's definitions, written out in exact arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from numpy.typing import NDArray

import actfn

from . import oracle, row_oracle
from .oracle import ball, rational
from .situations import situation

EPS = 2.0**-53
BOUND = {"float16": 0.51, "float32": 1.0, "float64": 3.0}
IGNORED = -100


# ---- The definition -------------------------------------------------------------------------------------------


def target_weights(
    target: Any, classes: int, weight: Sequence[float] | None, ignore: int, smoothing: float
) -> list[fmpq]:
    """a of a row, whose loss is sum(a_c * -log p_c): w_c ((1 - s) y_c + s / C), 0 for an ignored label."""
    w = [fmpq(1)] * classes if weight is None else [rational(v) for v in weight]
    s = rational(smoothing)
    if isinstance(target, int):
        if target == ignore:
            return [fmpq(0)] * classes
        y = [fmpq(int(c == target)) for c in range(classes)]
    else:
        y = [rational(v) for v in target]
    return [wc * ((1 - s) * yc + s / classes) for wc, yc in zip(w, y, strict=True)]


def denominator(targets: Sequence[Any], weight: Sequence[float] | None, ignore: int) -> fmpq:
    """What 'mean' divides by: the weights of the labels that count; the number of rows for probabilities."""
    if not isinstance(targets[0], int):
        return fmpq(len(targets))
    counted = [t for t in targets if t != ignore]
    return sum((fmpq(1) if weight is None else rational(weight[t]) for t in counted), fmpq(0))


def row_losses(rows: Sequence[Sequence[float]], a: Sequence[Sequence[fmpq]]) -> list[Any]:
    """Exact losses of the rows at the precision of now."""
    out = []
    for row, weights in zip(rows, a, strict=True):
        logs = row_oracle.log_softmax([rational(v) for v in row])
        out.append(-sum((v * log for v, log in zip(weights, logs, strict=True) if v != 0), fmpq(0)))
    return out


def case(
    dtype: str, n: int, classes: int, kind: str, weighted: bool, smoothing: float, seed: int = 0, scale: float = 2.0
) -> tuple[NDArray[Any], Any, dict[str, Any], list[list[fmpq]], fmpq]:
    """Logits, target, keywords, and exact a and denominator."""
    rng = np.random.default_rng([seed, n, classes])
    logits = (rng.normal(size=(n, classes)) * scale).astype(dtype)
    weight = rng.uniform(0.25, 2, classes) if weighted else None
    if kind == "labels":
        labels = rng.integers(0, classes, n)
        labels[:: max(n // 3, 2)] = IGNORED
        labels[-1] = classes - 1
        target: Any = labels
        targets: list[Any] = labels.tolist()
    else:
        target = rng.dirichlet(np.ones(classes), n).astype(dtype)
        targets = target.astype(float).tolist()
    keywords = {"weight": weight, "label_smoothing": smoothing}
    listed = None if weight is None else weight.tolist()
    a = [target_weights(t, classes, listed, IGNORED, smoothing) for t in targets]
    return logits, target, keywords, a, denominator(targets, listed, IGNORED)


GRID = [
    pytest.param(kind, weighted, smoothing, id=f"{kind}{'-weight' * weighted}-smoothing {smoothing}")
    for kind in ("labels", "probabilities")
    for weighted in (False, True)
    for smoothing in (0.0, 0.1, 1.0)
]  # fmt: skip


def assert_close(exact: oracle.Reference, got: Any, bound: float, terms: Any) -> None:
    """Within `bound` ULP plus the float64 rounding of terms of the given size."""
    got = np.atleast_1d(got)
    with np.errstate(all="ignore"):
        allowed = bound + np.nan_to_num(EPS * np.asarray(terms, float) / np.ldexp(1.0, exact.quantum))
    errors = exact.errors(got)
    worst = int(np.argmax(errors - allowed))
    assert errors[worst] <= np.broadcast_to(allowed, errors.shape)[worst], (
        f"{errors[worst]:.4g} ULP at {worst}: got {got[worst]!r}, exact {exact.nearest[worst]!r}"
    )


# ---- Cross-entropy --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("classes", [2, 10, 70])
@pytest.mark.parametrize(("kind", "weighted", "smoothing"), GRID)
def test_cross_entropy(kind: str, weighted: bool, smoothing: float, classes: int, dtype: str) -> None:
    """All three reductions agree with PyTorch's definition."""
    logits, target, keywords, a, count = case(dtype, 7, classes, kind, weighted, smoothing)
    rows = logits.astype(float).tolist()
    each = row_oracle.resolve_row(lambda: row_losses(rows, a), dtype)
    largest = 40 * (classes + 7)
    got = actfn.cross_entropy(logits, target, reduction="none", **keywords)
    assert got.shape == (7,) and got.dtype == logits.dtype
    assert_close(each, got, BOUND[dtype], largest)
    for reduction, divisor in (("sum", fmpq(1)), ("mean", count)):
        got = actfn.cross_entropy(logits, target, reduction=reduction, **keywords)
        assert got.dtype == logits.dtype and np.ndim(got) == 0
        whole = row_oracle.resolve_row(lambda d=divisor: [sum(row_losses(rows, a), fmpq(0)) / d], dtype)
        assert_close(whole, got, BOUND[dtype], largest)


def exact_gradients(rows: list[list[float]], a: list[list[fmpq]], scale: list[fmpq]) -> list[Any]:
    """(p sum(a) - a) * scale, row by row."""
    out: list[Any] = []
    for row, weights, factor in zip(rows, a, scale, strict=True):
        total = sum(weights, fmpq(0))
        p = row_oracle.softmax([rational(v) for v in row])
        out += [(q * total - w) * factor for q, w in zip(p, weights, strict=True)]
    return out


@pytest.mark.usefixtures("with_build")
@pytest.mark.parametrize("classes", [2, 10, 70])
@pytest.mark.parametrize(("kind", "weighted", "smoothing"), GRID)
def test_cross_entropy_backward(kind: str, weighted: bool, smoothing: float, classes: int, dtype: str) -> None:
    """The gradients of all three reductions are the derivatives of that definition."""
    logits, target, keywords, a, count = case(dtype, 6, classes, kind, weighted, smoothing, seed=1)
    rows = logits.astype(float).tolist()
    grads = np.random.default_rng(3).normal(size=6).astype(dtype)
    each = [rational(float(g)) for g in grads]
    sizes = {"none": each, "sum": [each[0]] * 6, "mean": [each[0] / count] * 6}
    for reduction, scale in sizes.items():
        grad = grads if reduction == "none" else grads[0]
        got = actfn.cross_entropy_backward(grad, logits, target, reduction=reduction, **keywords)
        assert got.dtype == logits.dtype and got.shape == logits.shape
        exact = row_oracle.resolve_row(lambda s=scale: exact_gradients(rows, a, s), dtype)
        terms = np.repeat([abs(float(s.p) / float(s.q)) * 4 * (classes + 8) for s in scale], classes)
        assert_close(exact, got.ravel(), BOUND[dtype] + (16 if dtype == "float64" else 0), terms)


@pytest.mark.parametrize("n", [2, 3, 10, 48, 300, 5000])
@pytest.mark.parametrize("gap", [1, 10, 20, 37, 50, 90])
def test_gradient_of_a_dominating_class_keeps_its_digits(gap: float, n: int) -> None:
    """p - 1 of a class with nearly all probability is computed without subtracting from 1."""
    for dtype in ("float32", "float64"):
        x = np.zeros((1, n), dtype)
        x[0, n // 2] = gap
        a = [[fmpq(int(c == n // 2)) for c in range(n)]]
        rows = x.astype(float).tolist()
        got = actfn.cross_entropy_backward(1.0, x, np.array([n // 2]))
        exact = row_oracle.resolve_row(lambda r=rows, t=a: exact_gradients(r, t, [fmpq(1)]), dtype)
        assert_close(exact, got.ravel(), 1.0 if dtype == "float32" else 3 + n / 16, 0.0)
        loss = actfn.cross_entropy(x, np.array([n // 2]))
        exact = row_oracle.resolve_row(lambda r=rows, t=a: row_losses(r, t), dtype)
        assert_close(exact, loss, 1.0 if dtype == "float32" else 3 + n / 16, 0.0)


@situation("targets")
@pytest.mark.parametrize("kind", ["labels", "probabilities"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_cross_entropy_along_axis_1_of_images(kind: str, order: Any) -> None:
    """Segmentation: logits (N, C, H, W), labels (N, H, W); the same as rows of classes."""
    rng = np.random.default_rng(8)
    logits = np.array(rng.normal(size=(2, 5, 3, 4)), order=order)
    last = np.ascontiguousarray(np.moveaxis(logits, 1, -1)).reshape(-1, 5)
    if kind == "labels":
        target: Any = rng.integers(0, 5, (2, 3, 4))
        target[0, 0, 0] = IGNORED
        flat = target.ravel()
    else:
        target = np.moveaxis(rng.dirichlet(np.ones(5), (2, 3, 4)), -1, 1)
        flat = np.ascontiguousarray(np.moveaxis(target, 1, -1)).reshape(-1, 5)
    weight = rng.uniform(0.5, 2, 5)
    for reduction in ("none", "sum", "mean"):
        keywords: dict[str, Any] = {"reduction": reduction, "weight": weight, "label_smoothing": 0.1}
        got = actfn.cross_entropy(logits, target, 1, **keywords)
        wanted = actfn.cross_entropy(last, flat, **keywords)
        np.testing.assert_allclose(np.ravel(got), np.ravel(wanted), rtol=1e-14)
        assert np.shape(got) == ((2, 3, 4) if reduction == "none" else ())
        g = rng.normal(size=(2, 3, 4)) if reduction == "none" else 0.7
        got = actfn.cross_entropy_backward(g, logits, target, 1, **keywords)
        wanted = actfn.cross_entropy_backward(np.ravel(g) if reduction == "none" else g, last, flat, **keywords)
        np.testing.assert_allclose(np.moveaxis(got, 1, -1).reshape(-1, 5), wanted, rtol=1e-13, atol=1e-17)


@pytest.mark.parametrize("n", [1, 2, 16, 17, 47, 48, 49, 257, 4097])
@pytest.mark.parametrize(("kind", "weighted", "smoothing"), GRID)
def test_gradients_agree_with_finite_differences(kind: str, weighted: bool, smoothing: float, n: int) -> None:
    """A second opinion that shares nothing with the definition above."""
    logits, target, keywords, _, _ = case("float64", 5, n, kind, weighted, smoothing, seed=2)
    step = np.random.default_rng(n).normal(size=logits.shape)
    step *= 1e-5 / np.abs(step).max()
    for reduction in ("sum", "mean"):
        gradient = actfn.cross_entropy_backward(1.0, logits, target, reduction=reduction, **keywords)
        change = actfn.cross_entropy(logits + step, target, reduction=reduction, **keywords) - actfn.cross_entropy(
            logits - step, target, reduction=reduction, **keywords
        )
        assert change == pytest.approx(2 * np.sum(gradient * step), rel=1e-5, abs=1e-12)


@situation("targets")
@pytest.mark.parametrize(
    ("bad", "kind"), [(5, "int32"), (-1, "int32"), (-99, "int64"), (2**40, "int64"), (-(2**40), "int64"), (5, "int64")]
)
def test_labels_out_of_range(bad: int, kind: str) -> None:
    """ValueError that names function and label, and nothing is written."""
    logits, labels = np.ones((3, 5)), np.array([0, bad, 1], kind)
    with pytest.raises(ValueError, match=rf"^cross_entropy: target must hold class labels from 0 to 4.*got {bad}$"):
        actfn.cross_entropy(logits, labels)
    out = np.full((3, 5), 7.0)
    with pytest.raises(ValueError, match=rf"^cross_entropy_backward: target .*got {bad}$"):
        actfn.cross_entropy_backward(1.0, logits, labels, out=out)
    assert np.all(out == 7)


@situation("targets")
@pytest.mark.parametrize("kind", ["uint8", "int8", "uint64", "int16"])
def test_labels_of_any_integer_dtype(kind: str) -> None:
    """Labels are labels, however wide; an unsigned label beyond int64 does not wrap around to a valid one."""
    logits = np.random.default_rng(0).normal(size=(3, 5))
    labels = np.array([0, 4, 2])
    assert actfn.cross_entropy(logits, labels.astype(kind)) == actfn.cross_entropy(logits, labels)
    if kind == "uint64":
        for bad in (2**64 - 100, 2**63 + 1):
            with pytest.raises(ValueError, match="target"):
                actfn.cross_entropy(logits, np.array([0, bad, 1], kind))


@pytest.mark.parametrize("classes", [3, 10, 60])
def test_plain_arrays_and_others_give_the_same_bits(classes: int, dtype: str) -> None:
    """Arrays that the kernels read where they lie take a short way in; lists and other integers a longer one."""
    rng = np.random.default_rng(classes)
    x, labels = (rng.normal(size=(50, classes)) * 3).astype(dtype), rng.integers(0, classes, 50)
    labels[::7] = IGNORED
    weight = rng.uniform(0.5, 2, classes)
    for reduction in ("mean", "sum", "none"):
        for w in (None, weight):
            keywords: dict[str, Any] = {"weight": w, "reduction": reduction}
            g = rng.normal(size=50).astype(dtype) if reduction == "none" else np.asarray(0.7, dtype)
            loss = actfn.cross_entropy(x, labels, **keywords)
            gradient = actfn.cross_entropy_backward(g, x, labels, **keywords)
            assert loss.dtype == gradient.dtype == dtype
            for other in (labels.astype(np.int32), labels.astype(np.int16), labels.tolist()):
                assert actfn.cross_entropy(x, other, **keywords).tobytes() == loss.tobytes()
                assert actfn.cross_entropy_backward(g, x, other, **keywords).tobytes() == gradient.tobytes()
            listed = {**keywords, "weight": None if w is None else w.tolist()}
            assert actfn.cross_entropy(x, labels, **listed).tobytes() == loss.tobytes()
            if reduction != "none":
                for scalar in (float(g), g[()]):
                    assert actfn.cross_entropy_backward(scalar, x, labels, **keywords).tobytes() == gradient.tobytes()


def test_ignored_rows() -> None:
    """No loss and no gradient, even where the row is NaN; the mean of nothing is NaN, as in PyTorch."""
    logits = np.random.default_rng(0).normal(size=(4, 5))
    logits[1] = np.nan
    labels = np.array([0, 9, 4, 9])
    got = actfn.cross_entropy(logits, labels, ignore_index=9, reduction="none")
    assert got[1] == 0 and got[3] == 0
    kept = [0, 2]
    alone = actfn.cross_entropy(logits[kept], labels[kept])
    assert actfn.cross_entropy(logits, labels, ignore_index=9) == pytest.approx(alone, rel=1e-15)
    gradient = actfn.cross_entropy_backward(1.0, logits, labels, ignore_index=9)
    assert np.all(gradient[[1, 3]] == 0)
    np.testing.assert_allclose(
        gradient[kept], actfn.cross_entropy_backward(1.0, logits[kept], labels[kept]), rtol=1e-15
    )
    nothing = np.full(4, 9)
    assert np.isnan(actfn.cross_entropy(logits, nothing, ignore_index=9))
    assert actfn.cross_entropy(logits, nothing, ignore_index=9, reduction="sum") == 0
    # A class may be the one to ignore.
    assert actfn.cross_entropy(logits[kept], labels[kept], ignore_index=4) == pytest.approx(
        actfn.cross_entropy(logits[:1], labels[:1]), rel=1e-15
    )


@situation("infinity")
def test_infinite_logits() -> None:
    """A class at -inf is impossible: it costs infinity as the label, nothing as another class."""
    x = np.array([[-np.inf, 0.0, 1.0]])
    assert actfn.cross_entropy(x, [0]) == np.inf
    assert actfn.cross_entropy(x, [1]) == pytest.approx(actfn.cross_entropy(x[:, 1:], [0]), rel=1e-15)
    assert actfn.cross_entropy_backward(1.0, x, [1])[0, 0] == 0
    assert actfn.cross_entropy(x, np.array([[0.0, 0.5, 0.5]])) == pytest.approx(0.813261687518223, rel=1e-15)
    for bad in ([[np.nan, 0.0, 1.0]], [[np.inf, 0.0, 1.0]], [[-np.inf] * 3]):
        for label in range(3):
            assert np.isnan(actfn.cross_entropy(np.array(bad), [label])), (bad, label)
            assert np.isnan(actfn.cross_entropy_backward(1.0, np.array(bad), [label])).any(), (bad, label)


@pytest.mark.parametrize("classes", [3, 60])
def test_zero_weight_is_no_loss(classes: int) -> None:
    """A class of weight 0 has neither loss nor gradient, even at -inf."""
    x = np.zeros((1, classes))
    x[0, 0] = -np.inf
    weight = np.ones(classes)
    weight[0] = 0.0
    assert actfn.cross_entropy(x, [0], weight=weight, reduction="sum") == 0
    assert np.all(actfn.cross_entropy_backward(1.0, x, [0], weight=weight, reduction="sum") == 0)
    assert np.isfinite(actfn.cross_entropy(x, [1], weight=weight, label_smoothing=0.1))


@situation("overlap")
def test_cross_entropy_out() -> None:
    """In place, or into any array of the right shape; wrong ones are refused untouched."""
    x = np.random.default_rng(0).normal(size=(20, 30)).astype(np.float32)
    labels = np.arange(20)
    wanted = actfn.cross_entropy_backward(1.0, x, labels)
    for out in (np.empty_like(x), np.empty_like(x, order="F"), np.empty(x.shape), x.copy()):
        assert actfn.cross_entropy_backward(1.0, x, labels, out=out) is out
        np.testing.assert_array_equal(out, wanted)
    inside = x.copy()
    actfn.cross_entropy_backward(1.0, inside, labels, out=inside)
    np.testing.assert_array_equal(inside, wanted)
    base = np.concatenate([x, x[:1]])
    actfn.cross_entropy_backward(1.0, base[:-1], labels, out=base[1:])
    np.testing.assert_array_equal(base[1:], wanted)
    wrong = np.full((30, 20), 7.0)
    with pytest.raises(ValueError, match="cross_entropy_backward: out must have shape"):
        actfn.cross_entropy_backward(1.0, x, labels, out=wrong)
    assert np.all(wrong == 7)


@situation("overlap")
@pytest.mark.parametrize("classes", [1, 2, 6, 60])
@pytest.mark.parametrize("short_way", [True, False], ids=["short way", "long way"])
def test_out_over_labels_weights_and_gradients(classes: int, dtype: str, short_way: bool) -> None:
    """What lies beside the rows is read before the result is written over it."""
    rng = np.random.default_rng(classes)
    n = 40
    x, labels = rng.normal(size=(n, classes)).astype(dtype), rng.integers(0, classes, n)
    weight, grad = rng.uniform(0.5, 2, classes), rng.normal(size=n)
    if not short_way:
        x = np.asfortranarray(x)
    for beside, name in ((labels, "target"), (weight, "weight"), (grad, "grad")):
        for offset in (0, 8, beside.nbytes // 16 * 8, beside.nbytes - 8):
            buffer = np.zeros(x.nbytes + beside.nbytes + 8, np.uint8)
            arguments = {"grad": grad, "target": labels, "weight": weight}
            arguments[name] = np.ndarray(beside.shape, beside.dtype, buffer)
            arguments[name][...] = beside
            for smoothing in (0.0, 0.1):
                wanted = actfn.cross_entropy_backward(
                    grad, x, labels, weight=weight, reduction="none", label_smoothing=smoothing
                )
                arguments[name][...] = beside
                out = np.ndarray(x.shape, x.dtype, buffer, offset, order="C" if short_way else "F")
                actfn.cross_entropy_backward(
                    logits=x, **arguments, reduction="none", label_smoothing=smoothing, out=out
                )
                np.testing.assert_array_equal(out, wanted, err_msg=f"{name} {offset}")


@situation("targets")
def test_cross_entropy_errors() -> None:
    """Each message names the function and what was given."""
    x, labels = np.ones((3, 5)), np.array([0, 1, 2])
    for function, head in ((actfn.cross_entropy, ()), (actfn.cross_entropy_backward, (1.0,))):
        name = "cross_entropy_backward" if head else "cross_entropy"
        for message, error, keywords in (
            ("reduction must be", ValueError, {"reduction": "average"}),
            ("label_smoothing must lie", ValueError, {"label_smoothing": -0.1}),
            ("label_smoothing must lie", ValueError, {"label_smoothing": 1.1}),
            ("label_smoothing must lie", ValueError, {"label_smoothing": np.nan}),
            ("label_smoothing must be a number .* got 'some'", TypeError, {"label_smoothing": "some"}),
            ("label_smoothing must be a number .* got None", TypeError, {"label_smoothing": None}),
            (".* ignore_index an integer, got 0.0 and None", TypeError, {"ignore_index": None}),
            (".* ignore_index an integer, got 0.0 and 1.5", TypeError, {"ignore_index": 1.5}),
            ("weight must have shape", ValueError, {"weight": np.ones(4)}),
            ("weight must hold", TypeError, {"weight": np.ones(5, complex)}),
            ("axis must be an integer", TypeError, {"axis": 1.5}),
            ("axis 2 is out of bounds", np.exceptions.AxisError, {"axis": 2}),
        ):
            with pytest.raises(error, match=f"{name}: {message}"):
                function(*head, x, labels, **keywords)
        for target in (np.array([0, 1]), np.array([0.0, 1.0, 2.0]), np.ones((3, 5), int), np.ones((5, 3))):
            with pytest.raises(ValueError, match=f"{name}: target must hold"):
                function(*head, x, target)
        for bad in (np.ones((3, 5), complex), np.full((3, 5), "a")):
            with pytest.raises(TypeError, match=f"{name}: logits must hold"):
                function(*head, bad, labels)


@situation("empty")
def test_losses_of_nothing() -> None:
    """No rows: the sum is 0, the mean NaN, the gradient empty; no warning."""
    x, labels = np.ones((0, 5)), np.zeros(0, int)
    assert actfn.cross_entropy(x, labels, reduction="sum") == 0
    assert np.isnan(actfn.cross_entropy(x, labels))
    assert actfn.cross_entropy(x, labels, reduction="none").shape == (0,)
    assert actfn.cross_entropy_backward(1.0, x, labels).shape == (0, 5)
    assert actfn.binary_cross_entropy(np.ones(0), np.ones(0), reduction="sum") == 0
    assert np.isnan(actfn.binary_cross_entropy(np.ones(0), np.ones(0)))
    assert actfn.binary_cross_entropy_backward(1.0, np.ones(0), np.ones(0)).shape == (0,)


def test_threads_do_not_change_losses() -> None:
    """The same bits for any number of threads."""
    x = np.random.default_rng(0).normal(size=(500, 200)).astype(np.float32)
    labels = np.random.default_rng(1).integers(0, 200, 500)
    results = []
    for threads in (1, 2, 0):
        actfn.set_num_threads(threads)
        results.append(
            actfn.cross_entropy(x, labels).tobytes()
            + actfn.cross_entropy_backward(1.0, x, labels).tobytes()
            + actfn.binary_cross_entropy(x, np.float32(0.25)).tobytes()
        )
    assert results[0] == results[1] == results[2]


# ---- Binary cross-entropy -------------------------------------------------------------------------------------

TARGETS = (0.0, 1.0, 0.5, 0.25)


def binary_inputs(dtype: str) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Logits of all sizes against targets and weights of the positive class."""
    x = np.array(
        [0, 1e-6, -1e-6, 0.3, -0.3, 1, -1, 3, -3, 10, -10, 17.4, -17.4, 40, -40, 88, -88, 100, -100, 3e4, -3e4]
    )
    if dtype == "float64":
        x = np.concatenate([x, [700, -700, 740, -740, 1e300, -1e300]])
    grid = np.meshgrid(x, TARGETS, [1.0, 0.5, 3.0], indexing="ij")
    return tuple(a.ravel().astype(dtype if k < 2 else float) for k, a in enumerate(grid))  # type: ignore[return-value]


def test_binary_cross_entropy(dtype: str, build: str, kernels: Any) -> None:
    """Each loss is the formula's; both of its terms are positive, so nothing cancels."""
    x, target, pos_weight = binary_inputs(dtype)
    row = oracle.ROWS["binary_cross_entropy"]
    columns = [a.astype(float).tolist() for a in (x, target, pos_weight)]
    exact = oracle.evaluate(oracle.formula(row.formula), dtype, ["x", "target", "pos_weight"], columns)
    got = kernels.ufuncs["binary_cross_entropy"](x, target, pos_weight)
    assert_close(exact, got, BOUND[dtype], 0.0)


def test_binary_cross_entropy_backward(dtype: str, build: str, kernels: Any) -> None:
    """Each gradient is the formula's, up to float64 rounding of its two terms."""
    x, target, pos_weight = binary_inputs(dtype)
    row = oracle.ROWS["binary_cross_entropy"]
    names, columns = ["x", "target", "pos_weight"], [a.astype(float).tolist() for a in (x, target, pos_weight)]
    exact = oracle.evaluate(oracle.formula(row.derivative), dtype, names, columns)
    terms = "Abs((1 - target)*sigmoid(x)) + Abs(pos_weight*target*sigmoid(-x))"
    sizes = oracle.evaluate(oracle.formula(terms), "float64", names, columns).nearest
    got = kernels.ufuncs["binary_cross_entropy_backward"](np.array(1, dtype), x, target, pos_weight)
    assert_close(exact, got, BOUND[dtype], 4 * sizes)


@pytest.mark.parametrize("targets", ["labels", "smoothed", "any", "predicted", "nearly predicted"])
def test_binary_gradients_of_float32_everywhere(targets: str, build: str, kernels: Any) -> None:
    """The bound in float32 wherever float64 can tell, above all where the target is what the model says."""
    n, rng = 1 << 16, np.random.default_rng(len(targets))
    x = np.concatenate([rng.normal(0, 2, n // 2), rng.uniform(-20, 20, n // 2)]).astype(np.float32)
    grad = rng.normal(size=n).astype(np.float32)
    sigmoid = 1 / (1 + np.exp(-x.astype(np.float64)))
    target = {
        "labels": lambda: rng.integers(0, 2, n),
        "smoothed": lambda: rng.choice([0.05, 0.95], n),
        "any": lambda: rng.normal(size=n),
        "predicted": lambda: sigmoid,
        "nearly predicted": lambda: sigmoid + rng.normal(size=n) * np.exp2(rng.uniform(-30, 0, n)) * sigmoid,
    }[targets]().astype(np.float32)
    wide = x.astype(np.float64)
    one = np.float64(1)
    exact = kernels.ufuncs["binary_cross_entropy_backward"](one, wide, target.astype(np.float64), one) * grad
    got = kernels.ufuncs["binary_cross_entropy_backward"](grad, x, target, one)
    terms = np.abs((1.0 - target) * sigmoid) + np.abs(target / (1 + np.exp(wide)))
    unit = np.ldexp(1.0, np.maximum(np.frexp(exact)[1] - 24, -149))
    excess = np.abs(got - exact) / unit - 8 * EPS * terms * np.abs(grad) / unit
    worst = int(np.argmax(excess))
    assert excess[worst] <= BOUND["float32"], (x[worst], target[worst], grad[worst], got[worst], exact[worst])
    for special in (np.nan, np.inf, -np.inf):
        # One of the three at a time, and not where the sign of the slope is in doubt.
        sound = (rng.random(n) > 0.03) | (np.abs(exact) < 1e-3)
        mixed = np.stack([grad, x, target])
        mixed[rng.integers(0, 3, n), np.arange(n)] = np.float32(special)
        mixed = np.where(sound, np.stack([grad, x, target]), mixed)
        got = kernels.ufuncs["binary_cross_entropy_backward"](*mixed, one)
        endless = kernels.ufuncs["binary_cross_entropy_backward"](*mixed.astype(np.float64), one)
        assert np.array_equal(got[~sound], endless[~sound].astype(np.float32), equal_nan=True)


@pytest.mark.usefixtures("with_build")
def test_binary_reductions(dtype: str) -> None:
    """sum and mean are those of the exact losses, and gradients are scaled alike."""
    x, target, _ = binary_inputs(dtype)
    small = np.abs(x.astype(float)) < 1e5
    x, target = x[small], target[small]
    closure = oracle.formula(oracle.ROWS["binary_cross_entropy"].formula)
    columns = list(zip(x.astype(float).tolist(), target.astype(float).tolist(), strict=True))
    for weight in (1.0, 2.5):
        for reduction, count in (("sum", 1), ("mean", x.size)):

            def total(weight: float = weight, count: int = count) -> list[Any]:
                environments = [
                    {"x": rational(a), "target": rational(t), "pos_weight": rational(weight)} for a, t in columns
                ]
                return [ball(sum((closure(e) for e in environments), fmpq(0))) / count]

            got = actfn.binary_cross_entropy(x, target, weight, reduction=reduction)
            assert got.dtype == x.dtype and np.ndim(got) == 0
            assert_close(
                row_oracle.resolve_row(total, dtype), got, BOUND[dtype] + (x.size if dtype == "float64" else 0), 0
            )
            grad = np.array(0.7, dtype)
            each = actfn.binary_cross_entropy_backward(np.ones_like(x), x, target, weight, reduction="none")
            got = actfn.binary_cross_entropy_backward(grad, x, target, weight, reduction=reduction)
            assert got.dtype == x.dtype
            smallest = float(np.finfo(dtype).smallest_subnormal)
            np.testing.assert_allclose(
                got, each.astype(float) * float(grad) / count, rtol=2 * np.finfo(dtype).eps, atol=2 * smallest
            )


@pytest.mark.parametrize("out", [False, True], ids=["fresh", "out"])
def test_binary_mean_gradients_of_float16_are_rounded_once(out: bool) -> None:
    """The share of one of 450 elements, which float16 cannot hold, is not rounded to it on the way."""
    x, target = np.random.default_rng(0).normal(size=(2, 50, 9)).astype(np.float16)
    got = actfn.binary_cross_entropy_backward(1.0, x, target, out=np.empty_like(x) if out else None)
    wide = actfn.binary_cross_entropy_backward(1.0, x.astype(np.float32), target.astype(np.float32))
    np.testing.assert_array_equal(got, wide.astype(np.float16))


def test_binary_gradients_agree_with_finite_differences() -> None:
    """The second opinion, with a weight per class."""
    rng = np.random.default_rng(0)
    x, target, weight = rng.normal(size=(40, 6)), rng.random((40, 6)), rng.uniform(0.5, 3, 6)
    step = 1e-6
    gradient = actfn.binary_cross_entropy_backward(1.0, x, target, weight, reduction="sum")
    up = actfn.binary_cross_entropy(x + step, target, weight, reduction="none")
    down = actfn.binary_cross_entropy(x - step, target, weight, reduction="none")
    np.testing.assert_allclose(gradient, (up - down) / (2 * step), rtol=1e-7, atol=1e-9)


@situation("parameters")
def test_binary_dtype_is_that_of_the_logits() -> None:
    """Neither target, pos_weight nor grad widen it."""
    x = np.ones(3, np.float32)
    for target in (np.ones(3), 1, 1.0, np.ones(3, bool), np.ones(3, int)):
        for reduction in ("none", "sum", "mean"):
            assert actfn.binary_cross_entropy(x, target, np.ones(3), reduction=reduction).dtype == np.float32
            g = np.ones(3) if reduction == "none" else 1.0
            got = actfn.binary_cross_entropy_backward(g, x, target, np.float64(2), reduction=reduction)
            assert got.dtype == np.float32


def test_binary_errors() -> None:
    """Each message names the function."""
    x = np.ones((2, 3))
    for function, head in ((actfn.binary_cross_entropy, ()), (actfn.binary_cross_entropy_backward, (1.0,))):
        name = "binary_cross_entropy_backward" if head else "binary_cross_entropy"
        with pytest.raises(ValueError, match=f"{name}: reduction must be"):
            function(*head, x, x, reduction="average")
        with pytest.raises(ValueError, match=f"{name}: logits, target and pos_weight must broadcast"):
            function(*head, x, np.ones(4))
        with pytest.raises(TypeError, match=f"{name}: logits must hold"):
            function(*head, x.astype(complex), x)
        with pytest.raises(TypeError, match=f"{name}: target must hold"):
            function(*head, x, x.astype(str))


@situation("nan")
@situation("infinity")
def test_binary_cross_entropy_propagates_nan_and_takes_limits() -> None:
    """NaN anywhere is NaN; a certain and right answer costs nothing, a wrong one infinity."""
    for operands in ((np.nan, 1.0, 1.0), (0.0, np.nan, 1.0), (0.0, 1.0, np.nan)):
        assert np.isnan(actfn.binary_cross_entropy(*operands))
        assert np.isnan(actfn.binary_cross_entropy_backward(1.0, *operands))
    assert np.isnan(actfn.binary_cross_entropy_backward(np.nan, 0.0, 1.0))
    for x, target, loss, slope in (
        (np.inf, 1.0, 0.0, 0.0), (-np.inf, 0.0, 0.0, 0.0), (np.inf, 0.0, np.inf, 1.0), (-np.inf, 1.0, np.inf, -1.0),
        (np.inf, 0.5, np.inf, 0.5), (-np.inf, 0.5, np.inf, -0.5),
    ):  # fmt: skip
        assert actfn.binary_cross_entropy(x, target) == loss, (x, target)
        assert actfn.binary_cross_entropy_backward(1.0, x, target) == slope, (x, target)
