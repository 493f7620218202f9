"""Look for data races in how work is shared out between threads: `python -m reliability.races`.

GCC's OpenMP is not compiled for the thread sanitizer, which would then see a race in whatever OpenMP keeps in order. So
src/_threads.pxi and src/_openmp.pyx alone, which hold the only parallel region there is, are compiled with clang, whose
OpenMP tells the sanitizer what it orders (Archer), into a program: three threads at once share out work that writes
every element once, while another one changes the limit. Needs clang, its OpenMP and its sanitizers: on Debian clang-14,
libomp-14-dev and libclang-rt-14-dev.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from . import record, scratch

FOLDER = scratch.ROOT / "build" / "races"
HARNESS = """
# cython: language_level=3
cdef extern from *:
    '''
    typedef unsigned status_t;
    static status_t status_save(void) { return 0; }
    static void status_restore(status_t was) { (void)was; }
    '''
    ctypedef unsigned int status_t
    status_t status_save() nogil
    void status_restore(status_t was) nogil

include "_threads.pxi"
OPENMP

cdef public void begin() noexcept:
    global team
    own.run, own.most_threads, own.is_at_work = run, most_threads, is_at_work
    team = &own
    watch_threads()

cdef void write_all(const void *context, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    cdef int *counts = <int *>context
    cdef Py_ssize_t i
    for i in range(start, stop):
        counts[i] += 1

cdef public void share_out(int *counts, Py_ssize_t n, Py_ssize_t multiple) noexcept nogil:
    cdef int threads = threads_for(n, 10)
    if threads > 1:
        in_parallel(write_all, counts, n, multiple, threads)
    else:
        write_all(counts, 0, n)

cdef public void limit(int n) noexcept nogil:
    write_shared(&thread_limit, n)
"""
PROGRAM = """
#include "harness.c"
#include <stdio.h>
#include <stdlib.h>

static int calls;

static void *work(void *unused) {
    for (int k = 0; k < calls; k++) {
        const int n = 1000 + 37 * (k % 100);
        int *counts = calloc(n, sizeof(int));
        share_out(counts, n, 1 + k % 5);
        for (int i = 0; i < n; i++)
            if (counts[i] != 1) {
                printf("element %d written %d times\\n", i, counts[i]);
                exit(1);
            }
        free(counts);
    }
    return NULL;
}

int main(int count, char **arguments) {
    pthread_t threads[3];
    calls = atoi(arguments[1]);
    Py_InitializeEx(0);
    PyEval_SaveThread();
    begin();
    for (int t = 0; t < 3; t++)
        pthread_create(&threads[t], NULL, work, NULL);
    for (int k = 0; k < calls; k++)
        limit(k % 5);
    for (int t = 0; t < 3; t++)
        pthread_join(threads[t], NULL);
    limit(0);
    printf("%d threads\\n", __pyx_f_7harness_usable_threads());
    return 0;
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=2000, help="of each of three threads")
    parser.add_argument("--clang", default="clang-14")
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    openmp = (scratch.ROOT / "src" / "_openmp.pyx").read_text()
    openmp = openmp.replace('include "_team.pxi"\n', "").partition("\nteam = ")[0]
    (FOLDER / "harness.pyx").write_text(HARNESS.replace("OPENMP", openmp))
    (FOLDER / "program.c").write_text(PROGRAM)
    for name in ("_threads.pxi", "_team.pxi"):
        shutil.copyfile(scratch.ROOT / "src" / name, FOLDER / name)
    subprocess.run([sys.executable, "-m", "cython", "harness.pyx"], cwd=FOLDER, check=True)
    libraries = sysconfig.get_config_var("LIBDIR")
    flags = [
        "-O1", "-g", "-fsanitize=thread", "-fopenmp", f"-I{sysconfig.get_paths()['include']}", f"-L{libraries}",
        f"-Wl,-rpath,{libraries}", f"-lpython{sysconfig.get_config_var('VERSION')}",
    ]  # fmt: skip
    subprocess.run([options.clang, "program.c", "-o", "program", *flags], cwd=FOLDER, check=True)
    library = subprocess.run(
        [options.clang, "-print-file-name=libomp.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "4",
        "OMP_TOOL_LIBRARIES": str(Path(library).resolve().with_name("libarcher.so")),
        # OpenMP itself is not compiled for the sanitizer and not looked at.
        "TSAN_OPTIONS": "ignore_noninstrumented_modules=1:exitcode=0",
    }
    # Where addresses are random in more bits than the sanitizer knows, it does not start.
    run = ["setarch", "-R", str(FOLDER / "program"), str(options.calls)]
    result = subprocess.run(run, env=environment, capture_output=True, text=True, check=False)
    print(result.stdout, result.stderr[-20000:])
    if result.returncode != 0 or "4 threads" not in result.stdout:
        raise SystemExit(f"not recorded: exit status {result.returncode}")
    races = result.stderr.count("WARNING: ThreadSanitizer")
    record.save(
        "races", "python -m reliability.races", {"calls": 3 * options.calls, "threads of each": 4, "races": races}
    )


if __name__ == "__main__":
    main()
