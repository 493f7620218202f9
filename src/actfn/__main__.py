"""`python -m actfn`: the library's facts, pictures, speed and health, from the command line."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from . import __version__
from ._commands import UsageError
from .catalog import catalog


def is_running() -> bool:
    """Whether this command line is what imports the package: as `python -m actfn`, or as the script `actfn`."""
    # While Python looks for the module, "-m" is in the place of its file and the name is in the original arguments.
    if sys.argv[:1] == ["-m"]:
        return sys.orig_argv[-len(sys.argv)].removeprefix("-m") == "actfn"
    return bool(sys.argv) and Path(sys.argv[0]).stem == "actfn"


def _parser() -> argparse.ArgumentParser:
    script = Path(sys.argv[0]).stem == "actfn"
    parser = argparse.ArgumentParser(
        prog="actfn" if script else "python -m actfn",
        description="Activation functions for NumPy. Without a command: the configuration, and worked examples.",
    )
    parser.add_argument("--version", action="version", version=f"actfn {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command")

    command = commands.add_parser("list", help="the table of activations", description="The table of activations.")
    command.add_argument("words", nargs="*", help="only those whose facts contain all of these words")
    for what in ("family", "kind"):
        known = dict.fromkeys(getattr(row, what) for row in catalog.values())
        command.add_argument(f"--{what}", choices=known, metavar=what.upper(), help=f"one of: {', '.join(known)}")

    def parameters(command: argparse.ArgumentParser) -> None:
        command.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE", dest="parameters",
            help="draw with this value of a parameter",
        )  # fmt: skip

    command = commands.add_parser(
        "show", help="all that is known of an activation", description="All that is known of an activation."
    )
    command.add_argument("names", nargs="+", metavar="name", help="a name or an alias, as actfn.get takes it")
    parameters(command)

    command = commands.add_parser(
        "plot", help="curves in a file, with matplotlib", description="Draw curves into a file, with matplotlib."
    )
    command.add_argument("names", nargs="+", metavar="name", help="a name or an alias, as actfn.get takes it")
    command.add_argument("-o", "--output", required=True, type=Path, help="such as curves.png, .svg or .pdf")
    command.add_argument("--derivative", action="store_true", help="draw the derivatives too")
    command.add_argument("--range", nargs=2, type=float, metavar=("LOW", "HIGH"), help="of x")
    command.add_argument("--force", action="store_true", help="overwrite the file if it exists")
    parameters(command)

    command = commands.add_parser(
        "bench", help="how fast the functions are here", description="How fast the functions are on this machine."
    )
    command.add_argument("names", nargs="*", metavar="name", help="a name or an alias; all without any")
    command.add_argument(
        "--sizes", nargs="+", type=int, metavar="N", default=[1, 1000, 100_000, 4_000_000], help="elements per call"
    )
    command.add_argument("--dtype", choices=("float16", "float32", "float64"), default="float32")
    command.add_argument("--threads", type=int, default=0, metavar="N", help="at most so many")

    text = "What runs here and why, and what is wrong. The exit status is 0 if all is well, and 1 otherwise."
    commands.add_parser("doctor", help="what runs here and why, and what is wrong", description=text)
    return parser


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers_apart(arguments: Sequence[str]) -> list[str]:
    """The arguments as argparse understands them: it takes -1e-3 for an option, and one value after "=", not two.

    A number with a space in front is no option and the same number.
    """
    found = []
    for argument in arguments:
        option, _, value = argument.partition("=")
        if option.startswith("--") and _is_number(value):
            found += [option, f" {value}"]
        else:
            found.append(f" {argument}" if argument.startswith("-") and _is_number(argument) else argument)
    return found


def _run(parser: argparse.ArgumentParser, arguments: Sequence[str] | None, failure: Exception | None) -> int:
    options = parser.parse_args(_numbers_apart(sys.argv[1:] if arguments is None else arguments))
    if failure and options.command != "doctor":
        print(f"actfn cannot be imported: {failure}", file=sys.stderr)
        print(f"`{parser.prog} doctor` says more.", file=sys.stderr)
        return 1
    try:
        return _command(options)
    except UsageError as error:
        print(f"{parser.prog} {options.command}: error: {error}", file=sys.stderr)
        return 2


def _command(options: argparse.Namespace) -> int:
    match options.command:
        case "list":
            from ._commands import facts

            facts.list_activations(options.words, options.family, options.kind)
        case "show":
            from ._commands import facts

            facts.show(options.names, options.parameters)
        case "plot":
            from ._commands import plot

            plot.draw(options)
        case "bench":
            from ._commands import bench

            bench.run(options.names, options.sizes, options.dtype, options.threads)
        case "doctor":
            from ._commands import doctor

            return doctor.run()
        case _:
            from ._commands import examples

            examples.run()
    return 0


def main(arguments: Sequence[str] | None = None, *, failure: Exception | None = None) -> int:
    """Run a command; its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.
    failure : Exception, optional
        Why the package cannot be imported; then only `doctor` runs.

    Returns
    -------
    int
        0, or 1 where something is wrong with the installation, or 2 where it is with the arguments.
    """
    if sys.stdout is None:
        # As after `>&-`: there is nobody to print to, but the exit status is still of use.
        sys.stdout = io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        # A name such as Mańke must not stop a console that knows ASCII only.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    parser = _parser()
    try:
        try:
            return _run(parser, arguments, failure)
        finally:
            sys.stdout.flush()
    except OSError as error:
        # Python would complain again when it flushes what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            # The reader, such as `head`, has seen enough.
            return 0
        print(f"{parser.prog}: error: cannot print: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
