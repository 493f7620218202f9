# cython: language_level=3
"""OpenMP in a module of its own, so that the kernels load, and run on one thread, where its runtime is missing."""

from cpython.pycapsule cimport PyCapsule_New
from cython.parallel cimport parallel, threadid

include "_team.pxi"

cdef extern from "omp.h":
    int omp_get_max_threads() noexcept nogil
    int omp_get_num_threads() noexcept nogil
    int omp_in_parallel() noexcept nogil


cdef void run(Task task, void *context, int threads) noexcept nogil:
    with parallel(num_threads=threads):
        task(context, threadid(), omp_get_num_threads())


cdef int most_threads() noexcept nogil:
    return omp_get_max_threads()


cdef int is_at_work() noexcept nogil:
    return omp_in_parallel()


cdef Team own = Team(run, most_threads, is_at_work)

team = PyCapsule_New(&own, "actfn.team", NULL)
