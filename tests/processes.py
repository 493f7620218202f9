"""Running a few lines of Python in a fresh process, for what one process cannot show."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import textwrap
from pathlib import Path

# Ends what hangs. Each takes a few at most; a machine that others use may need many times as long.
SECONDS = 600


def joined(*pieces: str) -> str:
    """Pieces of code, each indented in its own way, as one."""
    return "".join(textwrap.dedent(piece) for piece in pieces)


def free_mebibytes() -> float:
    """Memory that a test may take; infinite where the system does not say."""
    if not (path := Path("/proc/meminfo")).exists():
        return math.inf
    lines = path.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) / 1024


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the code with the tests' own path, and give it a limited time."""
    path = os.pathsep.join(p for p in sys.path if p)
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip


def output(code: str, **environment: str) -> str:
    """What the code prints; an assertion with its standard error where it fails."""
    result = run(code, **environment)
    assert result.returncode == 0, result.stderr or f"exit status {result.returncode}"
    return result.stdout.strip()
