"""`python -m actfn` as a user runs it: a process of its own, with its output, its errors and its exit status."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

import actfn
from actfn import _machine
from actfn.__main__ import main
from actfn._build import kernels

from . import oracle, processes
from .situations import situation

ROOT = Path(__file__).parent.parent
PACKAGE = Path(actfn.__file__).parent
DRAWN = [n for n, row in oracle.ROWS.items() if row.kind == "elementwise" and None not in row.params.values()]


def run(*arguments: str, path: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process; `path` takes the place of the tests' own."""
    searched = os.pathsep.join(p for p in sys.path if p) if path is None else str(path)
    clean = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR", "PYTHONIOENCODING")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "actfn", *arguments],
        env={**clean, "PYTHONPATH": searched, "PYTHONUTF8": "1", **environment},
        capture_output=True, text=True, encoding="utf-8", timeout=300, check=False,
    )  # fmt: skip


def output(*arguments: str, **environment: str) -> str:
    """What a command prints when all is well."""
    done = run(*arguments, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def error(*arguments: str, **environment: str) -> str:
    """The one line with which a command refuses."""
    done = run(*arguments, **environment)
    assert done.returncode == 2 and done.stdout == "" and "Traceback" not in done.stderr, done
    return done.stderr.strip().splitlines()[-1]


# ---- Facts ----------------------------------------------------------------------------------------------------


def test_version_and_help() -> None:
    """The version, and every command in the help."""
    assert output("--version").strip() == f"actfn {actfn.__version__}"
    text = output("--help")
    assert all(command in text for command in ("list", "show", "plot", "bench", "doctor"))


def test_without_a_command() -> None:
    """The configuration and the examples, as ever."""
    text = output()
    assert text.startswith(f"actfn    {actfn.__version__}") and "Softmax turns scores" in text


def test_list_has_every_row() -> None:
    """A line per row, in the catalog's order, with its facts whole where nothing cuts them."""
    head, *lines = output("list").splitlines()
    assert head.split() == ["name", "title", "family", "kind", "aliases"]
    assert [line.split()[0] for line in lines] == list(oracle.ROWS)
    for line, row in zip(lines, oracle.ROWS.values(), strict=True):
        assert all(fact in line for fact in (row.title, row.family, row.kind, *row.aliases))


def test_list_filters() -> None:
    """By family, by kind, by words, and by all of them."""
    rows = oracle.ROWS.values()

    def names(*arguments: str) -> list[str]:
        return [line.split()[0] for line in output("list", *arguments).splitlines()[1:]]

    assert names("--family", "self-gated") == [r.name for r in rows if r.family == "self-gated"]
    assert names("--kind", "rows") == [r.name for r in rows if r.kind == "rows"]
    assert names("swish_1") == [r.name for r in rows if "swish_1" in r.aliases] or "swish_1" not in str(rows)
    assert names("GELU", "tanh") == ["gelu_tanh", "phish"]
    assert "no activation fits" in error("list", "--kind", "rows", "gelu")
    assert "invalid choice: 'nothing'" in error("list", "--family", "nothing")


def test_show_says_what_the_catalog_knows() -> None:
    """Every fact of every row, all in one call."""
    text = output("show", *oracle.ROWS, COLUMNS="400")
    for row in oracle.ROWS.values():
        facts = [
            row.title,
            row.summary,
            row.formula,
            row.derivative,
            row.source,
            row.range,
            f"{row.name}_backward(grad, ",
        ]
        facts += [*row.aliases, *row.param_docs.values(), *row.kinks.values(), *(row.limits or ())]
        for fact in facts:
            assert fact in text, (row.name, fact)
        assert all(line in text for line in row.example.splitlines())
    assert "Phi(x) = erfc(-x/sqrt(2))/2" in text


def test_show_takes_aliases_and_draws() -> None:
    """The row for an alias, and both curves; stars where the console knows ASCII only."""
    text = output("show", "Swish-1") if "swish_1" in oracle.ROWS["silu"].aliases else output("show", "silu")
    assert "(silu)" in text and "derivative of silu" in text
    assert len(set(re.findall("[\u2801-\u28ff]", text))) > 10
    plain = output("show", "silu", PYTHONUTF8="0", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert plain.isascii() and plain.count("*") > 60


def test_show_draws_the_curve_itself() -> None:
    """The middle of ReLU's curve is a straight line from the lower middle to the upper right corner."""
    text = output("show", "relu", COLUMNS="40", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    lines = text.splitlines()
    start = next(k for k, line in enumerate(lines) if line.strip() == "relu")
    top, bottom = lines[start + 1], lines[start + 10]
    assert top.split()[0] == "4" and top.rstrip().endswith("*") and len(top.rstrip()) == 40
    assert bottom.split()[0] == "0" and re.search(r"\*{12,}", bottom)
    assert lines[start + 11].split() == ["-4", "4"]


def test_parameters_are_set() -> None:
    """A required parameter is asked for; a given one changes the curve; an unknown one is refused."""
    assert "With --set weight=..." in output("show", "prelu")
    assert "derivative of prelu" in output("show", "prelu", "--set", "weight=0.25")
    assert output("show", "elu") != output("show", "elu", "--set", "alpha=3")
    assert "parameters here are alpha, got 'beta=1'" in error("show", "elu", "--set", "beta=1")
    assert "NAME=VALUE with a number, got 'alpha=big'" in error("show", "elu", "--set", "alpha=big")


@pytest.mark.parametrize(
    ("setting", "scales"),
    [("elu alpha=nan", ["4", "0.0"]), ("softplus beta=0", ["nan", "nan"]), ("elu alpha=-1.7e308", ["1.6"])],
)
def test_curves_with_gaps(setting: str, scales: list[str]) -> None:
    """What a parameter makes NaN or infinite is not drawn; the scales are those of the rest."""
    name, value = setting.split()
    lines = output("show", name, "--set", value).splitlines()
    start = next(k for k, line in enumerate(lines) if f"derivative of {name}" in line)
    found = [lines[start + 1].split()[0], lines[start + 10].split()[0]]
    assert all(text.startswith(scale) for text, scale in zip(found, scales, strict=False)), found


@pytest.mark.parametrize("columns", ["1", "8", "9", "30"])
def test_show_in_a_narrow_terminal(columns: str) -> None:
    """A picture needs some room, and takes it."""
    lines = output("show", "gelu", COLUMNS=columns).splitlines()
    assert any("derivative of gelu" in line for line in lines) and lines[-1].split() == ["-4", "4"]


@pytest.mark.parametrize("command", [["show"], ["bench"], ["plot", "-o", "x.png"]], ids=lambda c: c[0])
def test_unknown_names_are_refused(command: list[str]) -> None:
    """With what was probably meant."""
    line = error(*command, "geluu")
    assert "got 'geluu'; did you mean 'gelu'" in line
    assert error(*command, "qqqqqq").endswith("got 'qqqqqq'")


def test_wrong_usage() -> None:
    """argparse's own errors have exit status 2 too."""
    assert "unrecognized arguments" in error("doctor", "now")
    assert "invalid choice" in error("paint")
    assert "required" in error("show")


# ---- Where it is printed --------------------------------------------------------------------------------------


def test_a_reader_may_stop_early() -> None:
    """As `head` does: no traceback, nothing on standard error."""
    path = os.pathsep.join(p for p in sys.path if p)
    command = [sys.executable, "-W", "error", "-m", "actfn", "show", *oracle.ROWS]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither /dev/full nor a shell that closes outputs")
@pytest.mark.parametrize("command", ["", "list", "doctor", "--help"])
def test_output_that_goes_nowhere(command: str) -> None:
    """A full disk is one line and status 1; a closed output is nothing to complain about, nor is a lazy reader."""
    program = f"{sys.executable} -W error -m actfn {command}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PYTHONUNBUFFERED": ""}

    def shell(line: str) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", "-c", line], env=environment, stderr=subprocess.PIPE, text=True, timeout=300, check=False
        )
        return done.returncode, done.stderr

    assert shell(f"{program} >&-") == (0, "")
    assert shell(f"{program} | true; exit ${{PIPESTATUS[0]}}") == (0, "")
    if Path("/dev/full").exists() and command != "--help":
        status, text = shell(f"{program} > /dev/full")
        assert status == 1 and text.endswith("error: cannot print: No space left on device\n") and text.count("\n") == 1


@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colour_and_width_on_a_terminal_only(environment: dict[str, str], coloured: bool) -> None:
    """Bold headings and lines cut to the width where someone looks; neither in a pipe."""
    pty = pytest.importorskip("pty", reason="there are no terminals of this kind on Windows", exc_type=ImportError)
    path = os.pathsep.join(p for p in sys.path if p)
    main, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "actfn", "list"],
        stdout=terminal, env={**os.environ, "PYTHONPATH": path, "TERM": "xterm", "COLUMNS": "60", **environment},
    ) as process:  # fmt: skip
        os.close(terminal)
        text = b"".join(iter(lambda: _read(main), b"")).decode()
        assert process.wait(60) == 0
    os.close(main)
    assert ("\x1b[" in text) == coloured
    lines = re.sub(r"\x1b\[\d*m", "", text).splitlines()
    assert len(lines) == len(oracle.ROWS) + 1 and max(map(len, lines)) == 60
    assert "\x1b" not in output("list")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        # Linux reports the end of a terminal's output as an error.
        return b""


# ---- plot -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not find_spec("matplotlib"), reason="needs matplotlib")
def test_plot_draws_into_files(tmp_path: Path) -> None:
    """Every activation that has a curve, in the three formats; nothing is overwritten unasked."""
    for suffix, start in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")):
        target = tmp_path / f"curves.{suffix}"
        names = DRAWN if suffix == "svg" else ["gelu", "SiLU"]
        assert output("plot", *names, "--derivative", "-o", str(target)).strip() == str(target)
        assert target.read_bytes().startswith(start)
    before = target.read_bytes()
    assert "exists; --force overwrites it" in error("plot", "elu", "-o", str(target))
    assert target.read_bytes() == before
    output("plot", "elu", "--set", "alpha=2", "--range", "-2", "2", "--force", "-o", str(target))
    assert target.read_bytes() != before


@pytest.mark.skipif(not find_spec("matplotlib"), reason="needs matplotlib")
def test_plot_takes_a_range_however_it_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Negative numbers in every notation of Python, apart or after "=", before names and behind them."""
    target = tmp_path / "x.png"

    def drawn(*arguments: str) -> bytes:
        assert main(["plot", *arguments, "--force", "-o", str(target)]) == 0, capsys.readouterr().err
        return target.read_bytes()

    wanted = drawn("gelu", "--range", "-0.5", "-0.25")
    assert wanted != drawn("gelu", "--range", "-0.5", "0.25")
    for low in ("-.5", "-5e-1", "-5.E-1", "-0_0.5", "-.05e+1"):
        assert drawn("gelu", "--range", low, "-25e-2") == wanted
        assert drawn("--range", low, "-.25", "gelu") == wanted
        assert drawn("gelu", f"--range={low}", "-2.5e-1") == wanted
    assert drawn("elu", "--set", "alpha=-1e-1") == drawn("elu", "--set=alpha=-.1") != drawn("elu")
    assert "x.png" in output("plot", "gelu", "--range", "-1e-3", "1", "--force", "-o", str(target))
    for low, high in (("-inf", "0"), ("-nan", "1e0"), ("-1e-3", "-1e-2")):
        assert main(["plot", "gelu", "-o", str(target), f"--range={low}", high]) == 2
        assert "--range must be" in capsys.readouterr().err
    for few in (("--range", "-1e-3"), ("--range=-1e-3",)):
        assert "--range: expected 2 arguments" in error("plot", "gelu", "-o", str(target), "--force", *few)


@pytest.mark.skipif(not find_spec("matplotlib"), reason="needs matplotlib")
def test_plot_refuses(tmp_path: Path) -> None:
    """What cannot be drawn, or not there, in one sentence and before anything is written."""
    there = str(tmp_path / "x.png")
    assert "there is no directory" in error("plot", "gelu", "-o", str(tmp_path / "none" / "x.png"))
    assert "must end in one of" in error("plot", "gelu", "-o", str(tmp_path / "x.doc"))
    assert "must end in one of" in error("plot", "gelu", "-o", str(tmp_path))
    assert "no function of one number" in error("plot", "softmax", "-o", there)
    assert "--set weight=VALUE" in error("plot", "prelu", "-o", there)
    # Even root may not create files there.
    if Path("/proc/self").exists():
        assert "cannot write '/proc/x.png'" in error("plot", "gelu", "-o", "/proc/x.png")
    for low, high in (("1", "-1"), ("0", "inf"), ("nan", "1"), ("0", "1e301")):
        assert "--range must be" in error("plot", "gelu", "-o", there, "--range", low, high)
    assert "cannot write" in error("plot", "gelu", "-o", str(tmp_path / f"{'x' * 300}.png"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="there is no limit on the size of files on Windows")
@pytest.mark.skipif(not find_spec("matplotlib"), reason="needs matplotlib")
@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_plot_leaves_no_half_of_a_file(tmp_path: Path, suffix: str) -> None:
    """One sentence where the disk is full."""
    target = tmp_path / f"x.{suffix}"
    program = f"ulimit -f 1; exec {sys.executable} -m actfn plot gelu -o {target}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(["bash", "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "cannot write" in done.stderr and "Traceback" not in done.stderr, done
    assert not target.exists()


def test_plot_without_matplotlib(tmp_path: Path) -> None:
    """One sentence that says what to install."""
    (tmp_path / "matplotlib.py").write_text("raise ImportError\n")
    done = run("plot", "gelu", "-o", str(tmp_path / "x.png"), path=Path(f"{tmp_path}{os.pathsep}{PACKAGE.parent}"))
    assert done.returncode == 2 and done.stderr.endswith("not installed: pip install 'actfn[cli]'\n"), done.stderr


# ---- bench ----------------------------------------------------------------------------------------------------


def test_bench_measures_every_function() -> None:
    """Forward and backward of every row at every size, below NumPy's copy."""
    lines = output("bench", "--sizes", "1", "200", "--threads", "1").splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("elements"))
    assert f"build {actfn.build}, threads: 1, float32" in lines[0]
    assert lines[start].split() == ["elements", "1", "200"]
    table = {line.split()[0]: line.split()[1:] for line in lines[start + 1 :]}
    assert list(table) == ["copy", *(n + s for n in oracle.ROWS for s in ("", "_backward"))]
    assert all(len(cells) == 2 and all(0 < float(cell) < 1e8 for cell in cells) for cells in table.values())


def test_bench_refuses() -> None:
    """Sizes and threads that cannot be."""
    assert "--sizes must be 1 or more, got 0" in error("bench", "gelu", "--sizes", "0")
    for size in (10**15, 10**30):
        assert f"--sizes must fit into memory, got {size}" in error("bench", "gelu", "--sizes", "1", str(size))
    assert "--threads must be 0 or positive, got -1" in error("bench", "gelu", "--threads", "-1")


# ---- doctor ---------------------------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A directory with a copy of the package that has no compiled build."""
    shutil.copytree(PACKAGE, tmp_path / "actfn", ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
    return tmp_path


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A directory with a copy of the package that works, to be broken."""
    shutil.copytree(PACKAGE, tmp_path / "actfn", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def built(path: Path, module: str) -> Path:
    """The file of a compiled module in a copy of the package."""
    (found,) = (file for file in (path / "actfn").glob(f"{module}.*") if file.suffix in (".so", ".pyd"))
    return found


def test_doctor_finds_nothing_wrong() -> None:
    """Everything that it looks at, and status 0."""
    text = output("doctor", COLUMNS="200")
    assert text.endswith("All is well.\n") and "Wrong" not in text
    for label in ("actfn", "Python", "NumPy", "processor", "builds", "ACTFN_BUILD", "OpenMP", "threads", "memory"):
        assert re.search(rf"^{label} ", text, re.MULTILINE), label
    for build in _machine.available():
        assert re.search(rf"{build} +works", text)
    assert re.search(rf"{actfn.build} +works, in use", text)
    if sys.platform == "linux":
        assert re.search(r"OpenMP .*lib\w*omp", text)


def test_doctor_says_where_the_threads_come_from() -> None:
    """OMP_NUM_THREADS, and that a wrong one is ignored."""
    assert re.search(r"threads +1: .*OMP_NUM_THREADS is '1'", output("doctor", COLUMNS="200", OMP_NUM_THREADS="1"))
    assert "OpenMP ignores it" in run("doctor", OMP_NUM_THREADS="many").stdout


def test_doctor_notes_a_slower_build() -> None:
    """Not wrong, but worth knowing."""
    done = run("doctor", ACTFN_BUILD="base", COLUMNS="200")
    assert done.returncode == 0 and re.search("base +works, in use", done.stdout)
    assert ("which is faster, but ACTFN_BUILD asks for base" in done.stdout) == (_machine.runnable()[-1] != "base")


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [("ACTFN_BUILD", "none", "set it to one of base"), ("ACTFN_KEEP_MIB", "much", "set it to a number")],
)
def test_doctor_finds_a_wrong_setting(name: str, value: str, advice: str) -> None:
    """With what to do; every other command says that the package cannot be imported, and who knows more."""
    done = run("doctor", COLUMNS="200", **{name: value})
    assert done.returncode == 1 and done.stderr == "", done.stderr
    assert re.search(rf"^Wrong: {name}.*{value}.*{advice}", done.stdout, re.MULTILINE)
    assert len(re.findall(r"(base|v3|v4) +works", done.stdout)) == len(_machine.available())
    other = run("list", **{name: value})
    assert other.returncode == 1 and other.stdout == "" and "Traceback" not in other.stderr
    assert name in other.stderr and "doctor` says more" in other.stderr
    assert run("--version", **{name: value}).returncode == 0


def test_doctor_without_a_build(copy: Path) -> None:
    """The package has no compiled module: doctor says so, and import says who knows more."""
    done = run("doctor", path=copy, COLUMNS="200")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "Wrong: No compiled build is in" in done.stdout and "install actfn again" in done.stdout
    imported = processes.run("import actfn", PYTHONPATH=str(copy))
    assert "ImportError: actfn: no compiled build" in imported.stderr
    assert "`python -m actfn doctor` says what is wrong" in imported.stderr


def test_doctor_with_a_broken_build(copy: Path) -> None:
    """A file that is no module is named with the loader's own words."""
    (built,) = PACKAGE.glob("_kernels_base.*")
    (copy / "actfn" / built.name).write_bytes(b"not a module")
    done = run("doctor", path=copy, COLUMNS="300")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert re.search(r"base +fails: .*_kernels_base", done.stdout)
    assert "Wrong: The build base fails" in done.stdout


def test_doctor_without_numpy(copy: Path) -> None:
    """It says what to install."""
    (copy / "numpy.py").write_text("raise ImportError('No module named numpy')\n")
    done = run("doctor", path=copy, COLUMNS="200")
    assert (
        done.returncode == 1 and "Wrong: NumPy cannot be imported (No module named numpy): pip install" in done.stdout
    )
    imported = processes.run("import actfn", PYTHONPATH=str(copy))
    assert "ImportError: actfn: NumPy cannot be imported (No module named numpy): pip install --up" in imported.stderr


@pytest.mark.parametrize("version", ["1.26.4", "2.2.6"])
def test_doctor_with_an_old_numpy(installed: Path, version: str) -> None:
    """Whose compiled interface is another (1.x), or which lacks what the functions call."""
    (installed / "numpy.py").write_text(f"__version__ = {version!r}\n")
    advice = rf"NumPy must be 2\.3 or later, got {re.escape(version)}: pip install --upgrade 'numpy>=2\.3'"
    done = run("doctor", path=installed, COLUMNS="200")
    assert done.returncode == 1 and re.search(f"^Wrong: {advice}", done.stdout, re.MULTILINE), done
    imported = processes.run("import actfn", PYTHONPATH=str(installed))
    assert re.search(f"ImportError: actfn: {advice}", imported.stderr)


@situation("broken installation")
def test_doctor_with_one_build_missing(installed: Path) -> None:
    """The next one runs, and the doctor says that there was a faster one."""
    if len(_machine.available()) == 1:
        pytest.skip("there is one build here")
    *_, slower, fastest = _machine.available()
    built(installed, f"_kernels_{fastest}").unlink()
    done = run("doctor", path=installed, COLUMNS="300", ACTFN_BUILD="")
    assert done.returncode == 1 and "ACTFN_BUILD is ''" in done.stdout
    environment = {k: v for k, v in os.environ.items() if k != "ACTFN_BUILD"}
    done = subprocess.run(
        [sys.executable, "-m", "actfn", "doctor"], env={**environment, "PYTHONPATH": str(installed), "COLUMNS": "300"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and re.search(f"{slower} +works, in use", done.stdout), done
    assert f"could run {fastest}, which is faster, but {fastest} is not installed" in done.stdout


@situation("broken installation")
@pytest.mark.parametrize("size", [0, 100, 0.5], ids=["empty", "cut early", "cut in the middle"])
def test_doctor_with_a_corrupted_build(installed: Path, size: float) -> None:
    """Named with the loader's own words, or with the signal that it ended with; and what works until it is mended."""
    if len(_machine.available()) == 1:
        pytest.skip("there is one build here")
    *_, slower, fastest = _machine.available()
    file = built(installed, f"_kernels_{fastest}")
    whole = file.read_bytes()
    file.write_bytes(whole[: int(size * len(whole)) if size < 1 else int(size)])
    done = run("doctor", path=installed, COLUMNS="300")
    assert done.returncode == 1 and "Traceback" not in done.stderr, done
    assert re.search(rf"{fastest} +fails: .*(_kernels_{fastest}|signal)", done.stdout)
    assert f"Wrong: The build {fastest} fails" in done.stdout and "install actfn again" in done.stdout
    assert f"Until then, set ACTFN_BUILD={slower}." in done.stdout
    assert run("list", path=installed, ACTFN_BUILD=slower).returncode == 0


@situation("broken installation")
def test_doctor_with_modules_for_another_python(installed: Path) -> None:
    """A package that was copied from another Python, or that lies in the path of one."""
    for file in (installed / "actfn").glob("_kernels_*"):
        file.rename(file.with_name(f"{file.name.partition('.')[0]}.cpython-399-x86_64-linux-gnu.so"))
    done = run("doctor", path=installed, COLUMNS="300")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert re.search(r"Wrong: No compiled build for this Python, .*, got _kernels_base\.cpython-399", done.stdout)
    imported = processes.run("import actfn", PYTHONPATH=str(installed))
    assert re.search(
        r"ImportError: actfn: no compiled build is installed for this Python, .*cpython-399", imported.stderr
    )


@situation("broken installation")
def test_doctor_with_a_build_for_another_interface(installed: Path) -> None:
    """A file that has the right name, and is a library without a module in it."""
    fastest = _machine.available()[-1]
    shutil.copy(built(installed, "scalars"), built(installed, f"_kernels_{fastest}"))
    done = run("doctor", path=installed, COLUMNS="300")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert re.search(
        rf"Wrong: The build {fastest} fails \(.*PyInit__kernels_{fastest}.*\): install actfn again", done.stdout
    )


@situation("broken installation")
def test_doctor_with_two_copies(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Both are named, the one in use first."""
    second = tmp_path_factory.mktemp("second")
    shutil.copytree(installed / "actfn", second / "actfn")
    done = run("doctor", path=Path(f"{installed}{os.pathsep}{second}"), COLUMNS="300")
    assert done.returncode == 0, done
    assert re.search(rf"^actfn +\S+ in {re.escape(str(installed / 'actfn'))}$", done.stdout, re.MULTILINE)
    assert f"Note: Another copy of actfn is in {second / 'actfn'}" in done.stdout


# ---- OpenMP ---------------------------------------------------------------------------------------------------

needs_openmp = pytest.mark.skipif(bool(kernels.why_serial), reason="there is no OpenMP to be taken away")
SERIAL = """
import numpy as np
import actfn
actfn.show_config()
x = np.linspace(-8, 8, 1 << 20, dtype=np.float32)
assert (actfn.gelu(x)[::4096] == actfn.gelu(x[::4096].copy())).all() and actfn.softmax(x.reshape(-1, 64)).sum() > 0
actfn.set_num_threads(4)
print(actfn.get_num_threads())
"""


@situation("import order")
@needs_openmp
@pytest.mark.skipif(sys.platform != "linux", reason="the loader's search path is set as on Linux")
@pytest.mark.parametrize("how", ["an empty file", "another library"])
def test_without_the_runtime_of_openmp(tmp_path: Path, how: str) -> None:
    """The package is imported and serial, says so, and says why; the doctor says what to install."""
    name = runtime_name()
    if how == "an empty file":
        (tmp_path / name).write_bytes(b"")
    else:
        # A library that loads, and has none of the functions.
        shutil.copy(built(PACKAGE.parent, "scalars"), tmp_path / name)
    printed = processes.output(SERIAL, LD_LIBRARY_PATH=str(tmp_path)).splitlines()
    assert re.fullmatch(rf"threads  1 \(OpenMP cannot be loaded: .*({re.escape(name)}|omp_).*\)", printed[2]), printed
    assert printed[-1] == "1"
    done = run("doctor", COLUMNS="300", LD_LIBRARY_PATH=str(tmp_path))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert re.search(r"^Wrong: OpenMP cannot be loaded: .*\. Install its runtime \(libgomp1", done.stdout, re.MULTILINE)
    assert re.search(r"^threads +1: ", done.stdout, re.MULTILINE)


def runtime_name() -> str:
    """Of the OpenMP runtime, as the module asks the loader for it."""
    found = re.search(rb"lib(gomp|omp|iomp5)[\w.-]*\.so[\w.]*", built(PACKAGE.parent, "_openmp").read_bytes())
    if found is None or b"-" in found[0]:
        pytest.skip("the runtime is a copy in the wheel, which the loader does not search for")
    return found[0].decode()


@situation("import order")
@needs_openmp
@pytest.mark.parametrize("how", ["not built", "broken"])
def test_without_the_module_of_openmp(installed: Path, how: str) -> None:
    """As a compiler without OpenMP leaves it, or ACTFN_OPENMP=0: serial, and no mistake."""
    file = built(installed, "_openmp")
    if how == "broken":
        file.write_bytes(b"not a module")
    else:
        file.unlink()
    printed = processes.output(SERIAL, PYTHONPATH=str(installed)).splitlines()
    assert printed[2].startswith(
        "threads  1 (OpenMP cannot be loaded: " if how == "broken" else "threads  1 (built without"
    )
    assert printed[-1] == "1"
    done = run("doctor", path=installed, COLUMNS="300")
    assert done.returncode == (how == "broken") and "Traceback" not in done.stderr, done
    assert "uses one processor" in done.stdout


@needs_openmp
@pytest.mark.skipif(sys.platform != "linux", reason="libraries are preloaded as on Linux")
def test_doctor_with_two_runtimes(tmp_path: Path) -> None:
    """A copy of the runtime that somebody else has loaded, as PyTorch's wheel does."""
    printed = processes.output(
        "import actfn, re; print(re.findall(r'/\\S*lib(?:g|i)?omp\\S*', open('/proc/self/maps').read())[0])"
    )
    # Under its own name the loader would take the one for the other.
    library = Path(printed).read_bytes().replace(b"libgomp.so.1\0", b"libgomp.so.9\0")
    (tmp_path / "libgomp-other.so.1").write_bytes(library)
    done = run("doctor", COLUMNS="300", LD_PRELOAD=str(tmp_path / "libgomp-other.so.1"))
    assert done.returncode == 0, done
    assert "More than one OpenMP runtime is loaded" in done.stdout and "libgomp-other" in done.stdout


@needs_openmp
@pytest.mark.parametrize("odd", ["0", "-2", "many", "1.5", "2,", ",", " ", "99999999999999999999"])
def test_doctor_with_an_odd_number_of_threads(odd: str) -> None:
    """A call works whatever is there, and the doctor notes what OpenMP ignores."""
    counted = processes.run("import actfn; print(actfn.get_num_threads())", OMP_NUM_THREADS=odd)
    assert counted.returncode == 0 and int(counted.stdout) >= 1, counted
    done = run("doctor", COLUMNS="300", OMP_NUM_THREADS=odd)
    assert done.returncode == 0, done
    assert "OpenMP ignores it" in done.stdout and f"OMP_NUM_THREADS is {odd!r}" in done.stdout


def test_importing_never_runs_a_command(tmp_path: Path) -> None:
    """Another program that fails to import actfn gets the error, whatever its own arguments."""
    (tmp_path / "other.py").write_text("import actfn\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("import actfn\n")
    (tmp_path / "package" / "__main__.py").write_text("")
    for arguments in (["-m", "other", "doctor"], ["-m", "package", "doctor"], [str(tmp_path / "other.py"), "doctor"]):
        done = subprocess.run(
            [sys.executable, *arguments],
            env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{PACKAGE.parent}", "ACTFN_BUILD": "none"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1 and "ImportError: actfn: ACTFN_BUILD must be one of" in done.stderr
        assert done.stdout == ""


def test_the_oldest_numpy_is_the_one_of_the_metadata() -> None:
    """What doctor compares with is what pip installs."""
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("needs the source tree")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"numpy>={'.'.join(map(str, _machine.OLDEST_NUMPY))}" in project["dependencies"]
    assert project["scripts"] == {"actfn": "actfn.__main__:main"}


@pytest.fixture
def guide() -> str:
    """The page about the command line."""
    page = ROOT / "docs" / "guides" / "command_line.rst"
    if not page.exists():
        pytest.skip("needs the source tree")
    return page.read_text(encoding="utf-8")


def test_the_guide_shows_what_is_printed(guide: str) -> None:
    """Of an activation, all that `show` says; its errors are measured, and may be others by now."""
    printed = "\n".join(f"   {line}".rstrip() for line in output("show", "LeakyReLU", COLUMNS="88").splitlines())
    expected, found = (
        re.sub(r"[\d.]+ (forward|backward)", r"# \1", text)
        for text in (f"   $ python -m actfn show LeakyReLU\n{printed}\n", guide)
    )
    assert expected.count("# forward") == 3 and expected in found


def test_the_guide_lists_what_is_there(guide: str) -> None:
    """Each line of the table in the guide is one of the table here, which may have more of them and be wider."""
    shown = guide.partition("$ python -m actfn list hard\n")[2].partition("\n\n")[0].splitlines()
    assert len(shown) > 1
    assert {" ".join(line.split()) for line in shown} <= {
        " ".join(line.split()) for line in output("list", "hard").splitlines()
    }


def test_the_guide_names_the_options(guide: str) -> None:
    """Every option that the guide speaks of is in the help of a command."""
    helps = "".join(output(*command, "--help") for command in ([], ["list"], ["show"], ["plot"], ["bench"]))
    named = set(re.findall(r"(?<![\w-])--[a-z]+", guide))
    assert len(named) > 5 and all(option in helps for option in named), named
