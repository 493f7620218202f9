"""What a run has found, kept as a file of its own, which the documentation prints."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.sweep import processor

RESULTS = Path(__file__).parent / "results"


def save(run: str, command: str, figures: Mapping[str, int | float | str], fixed: Iterable[str] = ()) -> None:
    """Replace the record of a run.

    `figures` are what was counted, by what it is ("calls", "errors found"). `fixed` are sentences of faults that the
    run has found, now or earlier, and that were mended; those already in the record stay.
    """
    path = RESULTS / f"{run}.json"
    before = json.loads(path.read_text(encoding="utf-8"))["fixed"] if path.exists() else []
    record = {
        "run": run,
        "command": command,
        "date": str(datetime.date.today()),
        "processor": processor(),
        "figures": dict(figures),
        "fixed": list(dict.fromkeys([*before, *fixed])),
    }
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
