"""The race's cells are all there, and its report says whom it compares with what. Nothing is timed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from benchmarks import peers, speed, speed_report

from . import oracle


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("which", ["quick", "full"])
def test_every_function_is_raced(which: str, threads: int) -> None:
    """Forward and backward of each row, each cell once."""
    cells = list(speed.cells(which, list(oracle.ROWS), threads))
    assert len(set(cells)) == len(cells)
    raced = {(cell.name, cell.direction) for cell in cells}
    for name, row in oracle.ROWS.items():
        assert row.kind == "spatial" or {(name, direction) for direction in peers.DIRECTIONS} <= raced


# What other libraries warn of is theirs.
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", [name for name, row in oracle.ROWS.items() if row.kind != "spatial"])
def test_contenders_start(name: str) -> None:
    """Every installed library, into an existing array and fresh, on the smallest cells."""
    cells = [cell for cell in speed.cells("quick", [name], 2) if cell.size <= 20_000]
    assert cells
    for cell in cells:
        calls = speed.contenders(cell).calls
        assert "actfn" in calls
        for call in calls.values():
            call()


def record(cell: speed.Cell, notes: dict[str, list[str]], **seconds: float) -> dict[str, Any]:
    known = {"threads": 2, "seconds": seconds, "errors": dict.fromkeys(seconds, 0.0), "disturbed": 0.0}
    return asdict(cell) | known | {"fresh": [], "saved": []} | notes | {"shape": list(cell.shape)}


def test_report_names_what_is_unequal() -> None:
    """A copy is no rival, a cell without one has no ratio, and a rival that saves work is marked."""
    cells = [
        record(speed.Cell("tanh", "backward", (10,), into=True), {"saved": ["torch"]}, actfn=2.0, torch=1.0, jax=3.0),
        record(speed.Cell("tanh", "forward", (10,), into=True), {"fresh": ["jax"]}, actfn=1.0, jax=8.0),
        record(speed.Cell("sparsemax", "forward", (2, 5), into=True), {}, actfn=1.0, **{"copy by numpy": 0.1}),
    ]
    assert speed_report.geometric(speed.ratio(r) for r in cells) == pytest.approx(2.0)
    text = speed_report.text({"runs": {}, "cells": cells})
    alone, means, worst = (
        text[text.index(title) :].split("\n\n")[0]
        for title in ("Without another", "Best other library's", "The 10 worst")
    )
    assert "sparsemax forward" in alone and "tanh" not in alone
    totals = [line.split() for line in means.splitlines() if line.startswith("all")]
    assert totals == [
        ["all,", "from", "the", "same", "operands", "float32", "2", "3.46", "100%"],
        ["all", "float32", "2", "2.00", "50%"],
        ["all", "2", "2.00", "50%"],
    ]
    assert "torch (from saved output)" in worst and "jax (fresh)" in worst and "sparsemax" not in worst
