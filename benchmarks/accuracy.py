"""Errors side by side: this library's from the sweep, other libraries' from `python -m benchmarks.sweep --peers`.

    python -m benchmarks.accuracy            a table in Markdown
    python -m benchmarks.accuracy gelu silu

A cell is the largest error in float32, in ULP, of results that should be normal numbers; "inf" is an infinity or NaN
in place of a number, or a number in place of NaN. Peers are measured at every 257th input, this library at all of them.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def rows_of(file: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((RESULTS / file).read_text())
    return [row for row in rows if row["dtype"] == "float32"]


def table(names: list[str]) -> Iterator[str]:
    """Its lines."""
    ours, theirs = rows_of("sweep.json"), rows_of("peers.json")
    peers = list(dict.fromkeys(row["peer"] for row in theirs))
    errors = {(row["name"], row["direction"], row["peer"]): float(row["normal ulp"]) for row in theirs}
    largest: dict[tuple[str, str], float] = {}
    for row in ours:
        key = row["name"], row["direction"]
        largest[key] = max(largest.get(key, 0.0), row["ulp"])
    yield "| function | direction | actfn | " + " | ".join(peers) + " |"
    yield "|---|---|" + "---:|" * (len(peers) + 1)
    for (name, direction), error in largest.items():
        if not names or name in names:
            found = [errors.get((name, direction, peer)) for peer in peers]
            cells = ["" if e is None else f"{e:.3g}" for e in found]
            yield f"| {name} | {direction} | {error:.3g} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="activations; all by default")
    for line in table(parser.parse_args().names):
        print(line)


if __name__ == "__main__":
    main()
