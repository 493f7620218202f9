"""The race against other libraries: time per call, side by side, in one run.

    python -m benchmarks                          a few sizes of every function
    python -m benchmarks gelu softmax             a few functions
    python -m benchmarks --cells full --resume    everything, from where an interrupted run stopped
    python -m benchmarks --cells full --plots build/plots

Results are appended to the JSON file as they come. With --report nothing is measured and the file is read again.
Cells of other code, libraries or processors than today's are measured again when a run is resumed.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from tests import oracle

from . import speed, speed_report


def main() -> None:
    available = speed.processors()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="functions; all by default")
    parser.add_argument("--cells", choices=("quick", "full"), default="quick")
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, len(available)}, reverse=True))
    parser.add_argument("--limit", type=float, default=1.0, help="seconds per cell, warm-up not counted")
    parser.add_argument("--json", type=Path, default=Path("build/speed.json"), help="where results go")
    parser.add_argument("--plots", type=Path, help="directory for the figures")
    parser.add_argument("--resume", action="store_true", help="keep the cells that the JSON file has")
    parser.add_argument("--redo", action="store_true", help="the same, but measure again those that were disturbed")
    parser.add_argument("--report", action="store_true", help="measure nothing")
    parser.add_argument("--pinned", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.names) - set(oracle.ROWS):
        parser.error(f"not in the catalog: {', '.join(sorted(unknown))}")
    if bad := [n for n in options.threads if not 1 <= n <= len(available)]:
        parser.error(f"this process may use 1 to {len(available)} threads, not {bad[0]}")
    if options.pinned:
        names, (threads,) = options.names or list(oracle.ROWS), options.threads
        speed.run(options.cells, names, threads, options.limit, options.json, redo=options.redo)
        return
    if not (options.resume or options.redo or options.report):
        options.json.unlink(missing_ok=True)
    for threads in [] if options.report else options.threads:
        # A process per number of threads, because libraries read it when they are imported.
        command = [sys.executable, "-m", "benchmarks", *options.names, "--pinned", "--threads", str(threads)]
        command += ["--cells", options.cells, "--limit", str(options.limit), "--json", str(options.json)]
        command += ["--redo"] if options.redo else []
        speed.confine(available[:threads])
        subprocess.run(command, env=os.environ | speed.environment(threads), check=True)
        speed.confine(available)
    state = json.loads(options.json.read_text())
    print(speed_report.text(state))
    if options.plots:
        for path in speed_report.plots(state["cells"], options.plots):
            print(path)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("interrupted; with --resume the race goes on from here")
