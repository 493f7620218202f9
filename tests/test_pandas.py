"""pandas: the same type, index and columns come out, rows are rows, and NA takes no part and stays NA."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import actfn

from .calls import LENGTH, ROWS, Call, assert_same, each_call, each_row_call
from .row_oracle import REDUCED
from .situations import situation

pytestmark = situation("labels")

pd = pytest.importorskip("pandas", reason="pandas is not installed")

INDEX = [f"r{k}" for k in range(ROWS)]
COLUMNS = [f"c{k}" for k in range(LENGTH)]


def frame(array: Any) -> Any:
    if array.ndim == 1:
        return pd.Series(array, index=INDEX, name="z")
    return pd.DataFrame(array, index=INDEX, columns=COLUMNS[: array.shape[1]])


@each_call
def test_every_function(call: Call) -> None:
    """With all operands pandas objects, or only the first, the result has their labels, and NumPy's values."""
    for some in (list(call.operands), list(call.operands)[:1]):
        results = call.run(**{n: frame(call.operands[n]) for n in some})
        for got, wanted in zip(results, call.run(), strict=True):
            assert_same(got, wanted, exact=np.ndim(wanted) > 0)
            if np.ndim(wanted):
                like = frame(np.asarray(wanted))
                assert type(got) is type(like) and got.index.equals(like.index)
                assert got.ndim == 1 or got.columns.equals(like.columns)


@each_row_call
def test_rows_are_rows_however_the_frame_is_stored(call: Call) -> None:
    """Frames keep columns together, in blocks per dtype; along the last axis or along the index, mixed or not."""
    blocks = {n: pd.concat([frame(a).iloc[:, :4], frame(a).iloc[:, 4:]], axis=1) if a.ndim == 2 else frame(a)
              for n, a in call.operands.items()}  # fmt: skip
    by_column = {n: pd.DataFrame({c: frame(a)[c] for c in COLUMNS}) if a.ndim == 2 else frame(a)
                 for n, a in call.operands.items()}  # fmt: skip
    (wanted,) = call.run()
    for operands in (blocks, by_column):
        for axis in (-1, 1, "columns"):
            assert_same(call.run(**operands, axis=axis)[0], wanted, exact=True)
    if call.name not in [f"{name}_backward" for name in REDUCED]:
        plain = {n: a.to_numpy() for n, a in by_column.items()}
        (wanted,) = call.run(**plain, axis=0)
        for axis in (0, -2, "index"):
            (got,) = call.run(**by_column, axis=axis)
            assert_same(got, wanted, exact=True)
            assert got.index.equals(by_column[next(iter(plain))].index) or list(got.index) == COLUMNS


@pytest.mark.parametrize("stored", ["by column", "by row", "a block per column"])
def test_elements_do_not_care_how_a_frame_is_stored(stored: str) -> None:
    """pandas hands its blocks over transposed: order, results given, parameters per column, operands stored apart."""
    x = np.random.default_rng(0).normal(size=(ROWS, LENGTH))
    given = frame(np.asfortranarray(x) if stored == "by column" else x)
    given = pd.DataFrame({c: given[c] for c in COLUMNS}) if stored == "a block per column" else given
    slope = np.linspace(0, 1, LENGTH)
    for got, wanted in (
        (actfn.gelu(given, order="K"), actfn.gelu(x)),
        (actfn.gelu(given, dtype=np.float32), actfn.gelu(x, dtype=np.float32)),
        (actfn.leaky_relu(given, slope), actfn.leaky_relu(x, slope)),
        (actfn.prelu_backward(frame(x), given, slope)[0], actfn.prelu_backward(x, x, slope)[0]),
        (actfn.gelu_backward(frame(x), given), actfn.gelu_backward(x, x)),
        (actfn.swiglu_backward(given, frame(x), given)[1], actfn.swiglu_backward(x, x, x)[1]),
    ):
        assert type(got) is pd.DataFrame and got.columns.equals(given.columns)
        assert_same(got, wanted, exact=True)
    assert_same(actfn.prelu_backward(given, given, slope)[1], actfn.prelu_backward(x, x, slope)[1], exact=False)
    assert_same(actfn.gelu(given.T), actfn.gelu(x.T), exact=True)
    for result in (given.copy(), frame(np.empty_like(x)), np.empty_like(x), np.empty_like(x, order="F")):
        actfn.leaky_relu(given, 0.2, out=result)
        assert_same(result, actfn.leaky_relu(x, 0.2), exact=True)
    actfn.gelu(given, out=given)
    assert_same(given, actfn.gelu(x), exact=True)


def test_learned_gradients() -> None:
    """Summed to a plain parameter's shape; a parameter with labels of its own has a gradient per element."""
    x = frame(np.random.default_rng(0).normal(size=(ROWS, LENGTH)))
    plain = x.to_numpy()
    for param in (0.25, np.full(LENGTH, 0.25), np.full(x.shape, 0.25)):
        grad, learned = actfn.prelu_backward(x, x, param)
        wanted = actfn.prelu_backward(plain, plain, param)
        assert_same(grad, wanted[0], exact=True)
        assert_same(learned, wanted[1], exact=False)
    _, learned = actfn.prelu_backward(x, x, x * 0 + 0.25)
    assert type(learned) is pd.DataFrame
    assert_same(learned, wanted[1], exact=True)


def test_mixed_columns() -> None:
    """A row's numbers get the type that NumPy gives them together; elements, column by column, their own."""
    x = pd.DataFrame({"a": np.float32([1, 2]), "b": [1, 2], "c": [True, False], "d": np.int8([3, 4])})
    wanted = actfn.softmax(np.column_stack([x[c].to_numpy().astype(float) for c in x]))
    assert_same(actfn.softmax(x), wanted, exact=True)
    assert actfn.softmax(x[["a", "c", "d"]]).dtypes.unique().tolist() == [np.float32]
    kinds = actfn.gelu(x).dtypes
    assert [str(kinds[c]) for c in "abcd"] == ["float32", "float64", "float32", "float32"]
    for bad in ("text", pd.Timestamp("2026-01-01")):
        with pytest.raises(TypeError, match="softmax: x must hold"):
            actfn.softmax(x.assign(e=bad))


def test_series_are_one_row() -> None:
    """With its name; the sum over it is a number."""
    x = pd.Series([2.0, 1.0, 0.1], index=["a", "b", "c"], name="scores")
    y = actfn.softmax(x)
    assert isinstance(y, pd.Series) and y.name == "scores" and list(y.index) == ["a", "b", "c"]
    assert_same(y, actfn.softmax(x.to_numpy()), exact=True)
    assert actfn.logsumexp(x) == actfn.logsumexp(x.to_numpy())


@pytest.mark.parametrize("dtype", ["Float32", "Float64", "Int64", "boolean"])
def test_na_takes_no_part_and_stays_na(dtype: str) -> None:
    """In rows as a masked entry does; in elements by pandas' own rules."""
    raw = np.random.default_rng(0).integers(0, 2, (6, 4))
    there = np.random.default_rng(1).uniform(size=raw.shape) < 0.7
    x = pd.DataFrame(raw).astype(dtype).where(there)
    kind = np.float32 if dtype in ("Float32", "boolean") else np.float64
    plain = raw.astype(kind)
    y = actfn.softmax(x)
    assert (y.dtypes == ("Float32" if kind is np.float32 else "Float64")).all()
    assert np.array_equal(y.isna().to_numpy(), ~there)
    wanted = actfn.softmax(plain, mask=there)
    assert_same(y.to_numpy(dtype=kind, na_value=0), np.where(there, wanted, 0), exact=True)
    sums = actfn.logsumexp(x)
    lost = ~there.any(axis=1)
    assert np.array_equal(sums.isna(), lost)
    assert_same(sums.to_numpy(kind, na_value=0), np.where(lost, 0, actfn.logsumexp(plain, mask=there)), exact=True)
    gradient = actfn.softmax_backward(x.astype("Float64"), y.astype("Float64"))
    assert np.array_equal(gradient.isna(), ~there)
    # NaN in a column of NumPy's is a value, and spreads, as it does in an array.
    assert actfn.softmax(pd.Series([1.0, np.nan, 2.0])).isna().all()
    column = x[0]
    assert np.array_equal(actfn.gelu(column).isna(), ~there[:, 0])
    assert np.array_equal(actfn.leaky_relu(column, 0.2).isna(), ~there[:, 0])


def test_na_where_nothing_can_be_left_out() -> None:
    """A loss would have to invent something."""
    x = pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, None]}).astype("Float64")
    with pytest.raises(TypeError, match="cross_entropy: logits must not have missing entries"):
        actfn.cross_entropy(x, np.zeros(2, int))
    with pytest.raises(TypeError, match="binary_cross_entropy: logits must not have missing entries"):
        actfn.binary_cross_entropy(x, 1.0)
    # pandas hands a function of several arguments a frame of nullable columns as objects.
    with pytest.raises(TypeError, match=r"leaky_relu: x must hold .* got object"):
        actfn.leaky_relu(x)
    grad, learned = actfn.prelu_backward(x["b"], x["b"], 0.25)
    assert list(grad.isna()) == [False, True] and learned == 0.0
    value = actfn.glu(x)
    assert list(value.columns) == ["a"] and list(value["a"].isna()) == [False, True]


def test_na_in_a_mask_takes_no_part() -> None:
    """As a masked entry of a mask does; nobody has said whether it does."""
    x = frame(np.ones((ROWS, LENGTH)))
    mask = (x > 0).astype("boolean")
    mask.iloc[0, 1] = pd.NA
    mask.iloc[1, 2] = False
    y = actfn.softmax(x, mask=mask)
    assert np.argwhere(y.isna().to_numpy()).tolist() == [[0, 1]]
    wanted = actfn.softmax(np.ones((ROWS, LENGTH)), mask=mask.fillna(False).to_numpy(bool))
    assert np.array_equal(y.fillna(0.0).to_numpy(float), wanted)
    assert actfn.softmax(mask["c1"])[1:].notna().all() and actfn.softmax(mask["c1"]).isna().iloc[0]


def test_labels_must_agree() -> None:
    """Nothing is matched by position where labels say something else."""
    x = frame(np.ones((ROWS, LENGTH)))
    for other in (x.iloc[::-1], x.rename(columns={"c0": "d"}), x.reset_index(drop=True)):
        with pytest.raises(ValueError, match="softmax_backward: grad must have the labels"):
            actfn.softmax_backward(other, x)
    with pytest.raises(ValueError, match="cross_entropy: target must have the labels"):
        actfn.cross_entropy(x, pd.Series(np.zeros(ROWS, int)))
    assert actfn.cross_entropy(x, np.zeros(ROWS, int)) == np.log(LENGTH)
    with pytest.raises(TypeError, match="logsumexp: keepdims must be False for pandas objects"):
        actfn.logsumexp(x, keepdims=True)
    with pytest.raises(TypeError, match="softmax: out must be None for objects of pandas"):
        actfn.softmax(x, out=np.ones((ROWS, LENGTH)))
    with pytest.raises(TypeError, match="softmax: axis must be an integer, got 'sample'"):
        actfn.softmax(x, "sample")


def test_a_result_has_the_labels_of_the_frame() -> None:
    """It can not where an array beside it is larger."""
    x, column = np.ones((ROWS, LENGTH)), pd.Series(np.ones(LENGTH))
    for call in (
        lambda: actfn.softmax(x, mask=column > 0),
        lambda: actfn.softmax(x, mask=frame(x)[:1] > 0),
        lambda: actfn.binary_cross_entropy(x, column, reduction="none"),
        lambda: actfn.binary_cross_entropy_backward(1.0, column, x),
    ):
        with pytest.raises(ValueError, match=r"^(softmax|binary_cross_entropy\w*): \w+ must .* the pandas object, \("):
            call()


def test_no_masked_arrays_beside_a_frame() -> None:
    """Nobody could say which of the two knows what is missing."""
    x = frame(np.ones((ROWS, LENGTH)))
    masked = np.ma.masked_less(x.to_numpy(), 0)
    for grad, y in ((masked, x), (x, masked)):
        with pytest.raises(TypeError, match=r"^softmax_backward: \w+ must be an array in memory, got MaskedArray"):
            actfn.softmax_backward(grad, y)


def test_attributes_stay() -> None:
    """A frame's attrs, as functions of elements keep them."""
    x = frame(np.ones((ROWS, LENGTH)))
    x.attrs["unit"] = "1"
    assert actfn.softmax(x).attrs == actfn.gelu(x).attrs == {"unit": "1"}


def test_random_slopes() -> None:
    """In training the slopes have the labels of x."""
    x = frame(np.random.default_rng(0).normal(size=(ROWS, LENGTH)))
    y, slope = actfn.rrelu(x, training=True, rng=1, return_slope=True)
    assert type(slope) is pd.DataFrame and slope.index.equals(x.index)
    assert_same(y, actfn.rrelu(x.to_numpy(), training=True, rng=1), exact=True)
    assert_same(actfn.rrelu_backward(x, x, slope=slope), np.where(x > 0, x, x * slope), exact=True)
    assert actfn.rrelu(x, return_slope=True)[1] == 11 / 48
