"""Run the tests of every hostile situation and keep how many there are: `python -m reliability.situations`."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.situations import SITUATIONS

from . import record


class Count:
    """A plugin of pytest's: outcomes by situation."""

    def __init__(self) -> None:
        self.situations: dict[str, list[str]] = {}
        self.passed: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            self.situations[item.nodeid] = [mark.args[0] for mark in item.iter_markers("situation")]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        names = self.situations[report.nodeid]
        if report.skipped:
            self.skipped.update(names)
        elif report.failed:
            self.failed.update(names)
        elif report.when == "call":
            self.passed.update(names)


def main() -> None:
    count = Count()
    # Here for what the tests are marked with, which workers do not tell.
    pytest.main(["-q", "-m", "situation", "--collect-only", "--no-header", "--no-summary", "-qq"], plugins=[count])
    pytest.main(["-q", "-m", "situation", "-n", "auto"], plugins=[count])
    figures = {name: count.passed[name] for name in SITUATIONS}
    if count.failed:
        raise SystemExit(f"not recorded, because tests failed: {json.dumps(count.failed)}")
    record.save("situations", "python -m reliability.situations", figures)


if __name__ == "__main__":
    main()
