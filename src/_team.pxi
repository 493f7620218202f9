# What actfn._openmp offers to the kernels. The two are compiled apart: only the first needs the runtime of OpenMP.

ctypedef void (*Task)(void *context, int thread, int threads) noexcept nogil

cdef struct Team:
    void (*run)(Task task, void *context, int threads) noexcept nogil
    int (*most_threads)() noexcept nogil    # that OpenMP would use now
    int (*is_at_work)() noexcept nogil      # whether a thread of a parallel region asks
