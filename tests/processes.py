"""Running a few lines of Python in a fresh process, for what one process cannot show."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

# Ends what hangs. Each takes a few at most; a machine that others use may need many times as long.
SECONDS = 600


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
