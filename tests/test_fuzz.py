"""Calls that nobody thought of: on any layout, against contiguous copies and twins; with arguments of every kind."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reliability import boundary

from . import fuzzing, hostile, processes
from .situations import situation

EXAMPLES = 50


@situation("strides")
@situation("misaligned")
@situation("byte order")
@situation("overlap")
@pytest.mark.parametrize("function", fuzzing.NAMES)
def test_any_call_gives_what_contiguous_copies_give(function: str) -> None:
    """The same bits for any layout and any `out`; in a few places the exact values; nothing else is written."""

    @settings(max_examples=EXAMPLES, derandomize=True, database=None, deadline=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.data())
    def examined(data: Any) -> None:
        fuzzing.examine(function, fuzzing.Drawn(data))

    examined()


@situation("wrong out")
@situation("subclasses")
def test_arguments_of_every_kind_do_no_harm() -> None:
    """The calls that the long run has found to go different ways: an ordinary error at most, nothing else written."""
    processes.output("""
        import faulthandler
        from pathlib import Path
        from reliability import boundary
        from tests import hostile

        faulthandler.enable()
        for data in boundary.corpus():
            hostile.check(data)
        """)


def test_bytes_as_calls_reach_every_function_and_every_kind_of_argument() -> None:
    """What the long run draws from is all there is."""
    names = {hostile.a_call(bytes([k // 256, k % 256]))[0] for k in range(len(hostile.NAMES))}
    assert names == set(fuzzing.NAMES)
    outcomes = {hostile.check(data)[0] for data in boundary.corpus()}
    assert {"done", "TypeError", "ValueError"} <= outcomes
