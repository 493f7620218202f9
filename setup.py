"""Renders what the catalog says, then builds src/_kernels.pyx once per instruction set, actfn.scalars and OpenMP."""

import gzip
import os
import runpy
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from Cython import Tempita
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist
from setuptools.errors import CompileError, LinkError

GENERATED = Path("build/generated")
PACKAGE = Path("src/actfn")
MSVC = sys.platform == "win32"
# Never -ffast-math: it sets flush-to-zero for the whole process. See docs/decisions. Python's own flags ask for
# debug information, which would be 10 of the 12 MB of a module.
FLAGS = ["/O2"] if MSVC else ["-O3", "-g0", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"]
# The kernels ask to be told of a fork, which before glibc 2.34 was a library of its own.
LINKED = [] if MSVC else ["-pthread"]
# To compile and to link with. Apple's clang leaves OpenMP to a library that is installed beside it, libomp.
OPENMP = [(["/openmp"], [])] if MSVC else [(["-fopenmp"], ["-fopenmp"]), (["-Xclang", "-fopenmp"], ["-lomp"])]
MACROS = [
    ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"),
    ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION"),
    # A scalar that is not inlined leaves a call in its loop, and the loop scalar: 52 of 222 loops without this.
    ("CYTHON_INLINE", "__forceinline" if MSVC else "inline __attribute__((always_inline))"),
]
BUILDS = {"base": []}
# What is compiled for, which platform.machine() does not know when that is another machine.
if sysconfig.get_platform().endswith(("-x86_64", "-amd64")) and sys.platform != "darwin":
    BUILDS["v3"] = ["/arch:AVX2"] if MSVC else ["-march=x86-64-v3"]
    # gcc and clang keep to 256 bits unless told: half the speed of float64 on a Zen 4.
    BUILDS["v4"] = ["/arch:AVX512"] if MSVC else ["-march=x86-64-v4", "-mprefer-vector-width=512"]
if "ACTFN_BUILDS" in os.environ:
    BUILDS = {build: BUILDS[build] for build in os.environ["ACTFN_BUILDS"].split(",")}


def kernels(row):
    """What the table needs to know of one row: its forward, its backward, the gradients of learned parameters."""
    inputs, params, both = row.inputs, dict(row.params), ("float", "double")
    # Elements that are worth a thread: a line is bound by memory, a transcendental function by arithmetic.
    grain = 16384 if row.family.startswith("piecewise") else 8192

    def kernel(name, inputs, scalars, types=both, for_c=True):
        return SimpleNamespace(
            name=name,
            inputs=inputs,
            params=params,
            scalars=scalars,
            types=types,
            grain=grain,
            segment=row.segment if types == both else 0.0,
            arrays=len(inputs) + len(scalars),
            for_c=for_c,
        )

    backward = f"{row.name}_backward"
    gradients = [f"{backward}_{name}" for name in inputs] if row.kind == "gated" else [backward]
    yield kernel(row.name, inputs, [row.name])
    yield kernel(backward, ("grad", *inputs), gradients)
    if row.kind == "pointwise loss":
        yield kernel(f"{row.name}_term", inputs, [f"{row.name}_term"], types=("double",), for_c=False)
    for param in row.trains:
        yield kernel(f"{backward}_{param}", ("grad", *inputs), [f"{backward}_{param}"], types=("double",))


def variants(kernel):
    """A loop for parameters that are one value, and where there are parameters one for arrays of them."""
    return [("uniform", "p{}"), ("varying", "p{}[i]")] if kernel.params else [("uniform", "")]


def arguments(kernel, param):
    return ", ".join(
        [f"a{j}[i]" for j in range(len(kernel.inputs))] + [param.format(j) for j in range(len(kernel.params))]
    )


def pointers(kernel):
    present = {(variant, T) for variant, _ in variants(kernel) for T in kernel.types}
    return ", ".join(
        f"{variant}_{kernel.name}_{T}" if (variant, T) in present else "NULL"
        for T in ("float", "double")
        for variant in ("uniform", "varying")
    )


def c_functions(kernels):
    """What C code can call: a function per kernel and type, that for float with an f at its end, as in <math.h>.

    Two results go where the last two arguments point to.
    """
    for k in kernels:
        results = [] if len(k.scalars) == 1 else [scalar.removeprefix(f"{k.name}_") for scalar in k.scalars]
        for kind in k.types:
            arguments = [f"{kind} {name}" for name in k.inputs] + [f"double {name}" for name in k.params]
            yield SimpleNamespace(
                kernel=k,
                name=k.name + {"float": "f", "double": ""}[kind],
                type=kind,
                result="void" if results else kind,
                results=[f"grad_{name}" for name in results],
                arguments=", ".join(arguments + [f"{kind} *grad_{name}" for name in results]),
            )


def write(target, text):
    """Only what is new: nothing is compiled again without a reason."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or target.read_text() != text:
        target.write_text(text)


def render():
    rows = runpy.run_path("src/actfn/catalog.py", run_name="catalog")["ROWS"]
    scalars = [k for row in rows if row.kind in ("elementwise", "gated", "pointwise loss") for k in kernels(row)]
    mathematics = Path("src/_kernels.pyx").read_text()
    for scalar in (s for k in scalars for s in k.scalars):
        if f" {scalar}(" not in mathematics:
            raise SystemExit(f"setup.py: the catalog needs a scalar {scalar!r}, which src/_kernels.pyx does not define")
    names = [row.name for row in rows if row.kind in ("rows", "row loss")]
    table = Tempita.sub(
        Path("src/_table.pxi.in").read_text(),
        kernels=scalars,
        variants=variants,
        arguments=arguments,
        pointers=pointers,
        rows=names,
    )
    write(GENERATED / "_table.pxi", table)
    functions = list(c_functions(k for k in scalars if k.for_c))
    # The declarations are for users' compilers, and lie where those look for them.
    for source, target in (("scalars.pxd", PACKAGE), ("scalars.pyx", GENERATED)):
        write(target / source, Tempita.sub(Path("src", f"{source}.in").read_text(), functions=functions))


def render_stubs():
    """Beside the package's sources, for editable installs, wheels and source distributions all take them from there."""
    stubs = runpy.run_path("src/_stubs.py")
    functions = list(stubs["functions"]())
    ufuncs = {f.ufunc: f.overloads for f in functions if f.ufunc}
    for name, parts in {
        "_functions.pyi": {"functions": functions, "ufuncs": ufuncs},
        "_layers.pyi": {"layers": list(stubs["layers"]())},
    }.items():
        write(PACKAGE / name, Tempita.sub(Path("src", f"{name}.in").read_text(), **parts))


class BuildExt(build_ext):
    """Builds actfn._openmp where the compiler has OpenMP; without it, or with ACTFN_OPENMP=0, all else is serial."""

    def build_extensions(self):
        ways = OPENMP if os.environ.get("ACTFN_OPENMP", "1") != "0" else []
        compiling, linking = next(filter(self.links, ways), ([], []))
        openmp = next(extension for extension in self.extensions if extension.name == "actfn._openmp")
        openmp.extra_compile_args += compiling
        openmp.extra_link_args += linking
        if not compiling:
            self.warn("built without OpenMP: actfn will run in one thread")
            self.extensions.remove(openmp)
        super().build_extensions()

    def links(self, flags):
        """Whether a program that asks OpenMP for its threads can be made with these flags."""
        compiling, linking = flags
        with tempfile.TemporaryDirectory() as folder:
            probe = Path(folder, "probe.c")
            probe.write_text("#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n")
            try:
                objects = self.compiler.compile([str(probe)], output_dir=folder, extra_postargs=compiling)
                self.compiler.link_executable(objects, "probe", output_dir=folder, extra_postargs=linking)
            except (CompileError, LinkError):
                return False
        return True


class Sdist(sdist):
    """With SOURCE_DATE_EPOCH, as a release has it, the bytes depend on the sources alone: not on clock, user, umask."""

    def make_archive(self, base_name, format, root_dir=None, base_dir=None, **others):  # noqa: A002
        when = os.environ.get("SOURCE_DATE_EPOCH")
        if format != "gztar" or when is None:
            return super().make_archive(base_name, format, root_dir, base_dir, **others)

        def impersonal(member):
            member.mtime, member.uid, member.gid, member.uname, member.gname = int(when), 0, 0, "", ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            return member

        Path(base_name).parent.mkdir(parents=True, exist_ok=True)
        with (
            gzip.GzipFile(f"{base_name}.tar.gz", "wb", mtime=int(when)) as packed,
            tarfile.open(fileobj=packed, mode="w") as archive,
        ):
            archive.add(base_dir, filter=impersonal)
        return f"{base_name}.tar.gz"


def extensions():
    render()
    render_stubs()
    sources = [str(path) for path in (*Path("src").glob("*.pxi"), GENERATED / "_table.pxi", Path("setup.py"))]
    for build, flags in BUILDS.items():
        extension = Extension(
            f"actfn._kernels_{build}",
            ["src/_kernels.pyx"],
            include_dirs=[np.get_include()],
            depends=sources,
            define_macros=MACROS,
        )
        # One call and one folder per build: Cython refuses the same source twice in one call, and would hand the
        # flags of one build on to the next.
        for built in cythonize([extension], build_dir=f"build/cython/{build}", include_path=[str(GENERATED)]):
            built.extra_compile_args = [*FLAGS, *flags]
            # glibc then refuses to load it on a lesser processor, where it would end the process.
            needs = [f"-Wl,-z,x86-64-{build}"] if flags and sys.platform == "linux" else []
            built.extra_link_args = [*LINKED, *needs]
            yield built
    scalars = Extension("actfn.scalars", [str(GENERATED / "scalars.pyx")], extra_compile_args=FLAGS)
    openmp = Extension("actfn._openmp", ["src/_openmp.pyx"], depends=["src/_team.pxi"], extra_compile_args=[*FLAGS])
    yield from cythonize([scalars, openmp], build_dir="build/cython", include_path=["src"])


setup(
    ext_modules=list(extensions()),
    cmdclass={"build_ext": BuildExt, "sdist": Sdist},
    options={"build_ext": {"parallel": os.cpu_count()}},
)
