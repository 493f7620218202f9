"""The sweep that proves the float32 bounds: its reference, and the same code on a sample."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import peers, sweep
from benchmarks.reference import reference

from . import measure, oracle, samples

NAMES = measure.elementwise_names()


@pytest.mark.parametrize("direction", sweep.DIRECTIONS)
@pytest.mark.parametrize("name", NAMES)
def test_reference_agrees_with_balls(name: str, direction: str) -> None:
    """The double reference is within 1/256 ULP of float32 of the exact value, so it can tell 0.51 from 0.5."""
    x = samples.values("float32")
    exact = measure.reference(name, direction, "float32")
    double = reference(name, direction)(x.astype(np.float64))
    with np.errstate(all="ignore"):
        quantum = np.ldexp(1.0, exact.quantum)
        error = np.abs((double - exact.nearest) / quantum - exact.rest)
    both_nan = np.isnan(double) & np.isnan(exact.nearest)
    equal = (double == exact.nearest) & np.isinf(double)
    overflow = np.isinf(exact.nearest) & (np.abs(double) > np.finfo(np.float32).max)
    # Next to a zero of the derivative the reference cancels; there the sweep turns to balls by itself.
    near_zero = np.min(np.abs(x[:, None] - np.array(samples.SLOPE_ZEROS)), axis=1) < 1e-3
    bad = ~((error < 1 / 256) | both_nan | equal | overflow | near_zero)
    assert not bad.any(), (x[bad][:5], double[bad][:5], exact.nearest[bad][:5])


@pytest.mark.parametrize("direction", sweep.DIRECTIONS)
@pytest.mark.parametrize("name", NAMES)
def test_sample_of_the_sweep(name: str, direction: str) -> None:
    """Every 4,099th float32 input on every build stays within the bound of the row."""
    builds = tuple(measure.builds())
    jobs = [sweep.Job(name, direction, "float32", builds, 4099, part) for part in range(sweep.PARTS)]
    parts = [sweep.sweep_part(job) for job in jobs]
    for build in builds:
        assert sum(part[build]["inputs"] for part in parts) == math.ceil(2**32 / 4099)
        worst = max((part[build] for part in parts), key=lambda part: part["ulp"])
        assert worst["ulp"] <= measure.bound_of(name, direction, "float32"), (build, worst)


def test_errors_at_zero_and_of_subnormals() -> None:
    """An exact result of zero is no number of the binade of 1: the smallest float is 1 ULP away."""
    got = np.array([1e-45, -1e-45, 1e-45, 1e-45, 0, 1.5], np.float32)
    exact = np.array([0, 0, 1e-60, -(2.0**-149), 2.0**-126, 1.5 + 2.0**-24])
    assert sweep.errors(got, exact) == pytest.approx([1, 1, 1, 2, 2.0**23, 0.5])


RESULTS = json.loads(sweep.RESULTS.read_text())
INPUTS = {"float16": 2**16, "float32": 2**32, "float64": sweep.HARD}


@pytest.mark.parametrize("dtype", measure.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_bounds_of_the_row_are_the_measured_ones(name: str, dtype: str) -> None:
    """`ulp` is the largest error that the committed sweep has seen in any build, rounded up to hundredths."""
    measured = []
    if not any((r["name"], r["dtype"]) == (name, dtype) for r in RESULTS):
        assert dtype not in oracle.ROWS[name].ulp, "a bound that was not measured"
        pytest.skip("not swept yet: the row states no bound, and other tests hold it to the goal")
    for direction in sweep.DIRECTIONS:
        rows = [r for r in RESULTS if (r["name"], r["direction"], r["dtype"]) == (name, direction, dtype)]
        assert {row["build"] for row in rows} == {"base", "v3", "v4"}
        assert all(row["inputs"] >= INPUTS[dtype] for row in rows)
        # What the double reference of float32 cannot resolve counts as error.
        worst = max(row["ulp"] for row in rows) + (1 / 256 if dtype == "float32" else 0.0)
        measured.append(math.ceil(100 * worst - 1e-9) / 100)
    assert oracle.ROWS[name].ulp[dtype] == tuple(measured)
    assert all(got <= goal for got, goal in zip(measured, measure.GOAL[dtype], strict=True))


def test_the_sweep_sees_a_wrong_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that is off by one float at one input in 50,000 is reported, with the place."""
    right = sweep.apply

    def off(build: str, name: str, direction: str, x: Any) -> Any:
        got = right(build, name, direction, x)
        return np.where(x == np.float32(1.5), np.nextafter(got, np.float32(9), dtype=np.float32), got)

    monkeypatch.setattr(sweep, "apply", off)
    bits = int(np.float32(1.5).view(np.uint32))
    monkeypatch.setattr(sweep.Job, "inputs", lambda job: [np.arange(bits - 25_000, bits + 25_000, dtype=np.uint32)
                                                          .view(np.float32)])  # fmt: skip
    found = sweep.sweep_part(sweep.Job("gelu", "forward", "float32", ("base",), 1, 0))["base"]
    assert found["at"] == 1.5
    assert 0.5 < found["ulp"] <= 1.5


@pytest.mark.parametrize("peer", [peer for peer, library in peers.LIBRARIES.items() if library.swept])
def test_sample_of_a_peer(peer: str) -> None:
    """Every 4,099th input of another library: its largest errors are what balls say at those places."""
    if not peers.installed(peer):
        pytest.skip(f"{peer} not installed")
    name = "tanh" if peer in sweep.swept_peers("tanh", "forward") else "sigmoid"
    jobs = [sweep.Job(name, "forward", "float32", (peer,), 4099, part) for part in range(sweep.PARTS)]
    parts = [sweep.sweep_part(job) for job in jobs]
    assert sum(part[peer]["inputs"] for part in parts) == math.ceil(2**32 / 4099)
    for which in ("", "normal "):
        worst = max((part[peer] for part in parts), key=lambda part: part[f"{which}ulp"])
        x = np.full(64, worst[f"{which}at"], np.float32)
        balls = oracle.elementwise(name, "forward", "float32", x.tolist())
        error = balls.errors(peers.peers_of(name, "forward")[peer].apply(x))
        assert worst[f"{which}ulp"] > 0.51
        assert worst[f"{which}ulp"] == pytest.approx(error.max(), abs=1 / 256)


@pytest.mark.parametrize(
    ("at", "wrong", "ulp", "normal"),
    [
        (1.5, lambda y: y + np.spacing(y) * 3, (2.5, 3.5), (2.5, 3.5)),
        (-3e-39, lambda y: y * 0, (2140872, 2140872), (0.5, 0.5)),
        (20.0, lambda y: y * np.nan, (math.inf, math.inf), (math.inf, math.inf)),
        (-0.125, lambda y: y / np.float32(0), (math.inf, math.inf), (math.inf, math.inf)),
        (math.nan, lambda y: 1, (math.inf, math.inf), (0.5, 0.5)),
        (math.inf, lambda y: y * np.inf, (math.inf, math.inf), (math.inf, math.inf)),
    ],
    ids=["3-floats", "flushed", "nan", "inf", "nan-lost", "limit"],
)
def test_the_sweep_sees_a_wrong_peer(
    at: float, wrong: Any, ulp: Any, normal: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One wrong result among 50,000 that are correctly rounded is reported, with the place, in strict JSON."""

    def prepare(x: Any) -> Any:
        y = np.tanh(x.astype(np.float64)).astype(np.float32)
        return lambda: np.where(x.view(np.uint32) == bits, wrong(y), y).astype(np.float32)

    bits = int(np.float32(at).view(np.uint32))
    broken = peers.Implementation("tanh", "forward", prepare, writes_out=False, saved=False, strided=False)
    monkeypatch.setattr(peers, "peers_of", lambda *_: {"numpy": broken})
    monkeypatch.setattr(sweep.Job, "inputs", lambda job: [np.arange(bits - 25_000, bits + 25_000, dtype=np.uint32)
                                                          .view(np.float32)])  # fmt: skip
    monkeypatch.setattr(sweep, "STATE", tmp_path)
    job = sweep.Job("tanh", "forward", "float32", ("numpy",), 1, 0)
    job.path.parent.mkdir(parents=True)
    job.path.write_text(json.dumps(sweep.sweep_part(job)))
    sweep.save([sweep.result([job], "numpy")], "command", tmp_path / "results" / "peers.json")
    (row,) = json.loads((tmp_path / "results" / "peers.json").read_text(), parse_constant=pytest.fail)
    assert row["peer"] == "numpy" and row["version"] == np.__version__
    assert row["not correctly rounded"] == 1
    assert float(row["at"]) == np.float32(at) or str(at) == row["at"] == "nan"
    assert ulp[0] <= float(row["ulp"]) <= ulp[1]
    assert normal[0] <= float(row["normal ulp"]) <= normal[1]


def test_balls_decide_the_largest_errors_of_a_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that is right where the double reference is not has no error there."""
    monkeypatch.setattr(sweep, "reference", lambda *_: lambda x: np.maximum(x, 0) * np.where(x == 1.5, 1 + 1e-6, 1))
    monkeypatch.setattr(sweep.Job, "inputs", lambda job: [np.linspace(-3, 3, 49, dtype=np.float32)])
    found = sweep.sweep_part(sweep.Job("relu", "forward", "float32", ("numpy",), 1, 0))["numpy"]
    assert (found["ulp"], found["normal ulp"], found["wrong"]) == (0.5, 0.5, 0)


@pytest.mark.parametrize("dtype", measure.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_builds_return_the_same_bits_where_the_row_says_so(name: str, dtype: str) -> None:
    """`same_bits` is true of exactly those functions whose results are the same for every build."""
    builds = tuple(measure.builds())
    if dtype == "float32":
        x = np.arange(0, 2**32, 40_009, dtype=np.uint64).astype(np.uint32).view(np.float32)
    else:
        x = samples.values(dtype, 20_000)
    for direction in sweep.DIRECTIONS:
        first, *others = (sweep.apply(build, name, direction, x) for build in builds)
        same = all(np.array_equal(first.view(f"u{x.itemsize}"), o.view(f"u{x.itemsize}")) for o in others)
        assert same or not oracle.ROWS[name].same_bits, direction
