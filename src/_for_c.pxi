# One element at a time, for C code: what the functions of actfn.scalars call.
#
# They live in a module of their own, whatever build was chosen, and so reach a kernel by its address. Like those of
# <math.h> they leave floating-point flags behind: to put them back would take 10 ns, three times as long as a ReLU.

cdef void run_one(const Loop *loop, void **at, const double *params) noexcept nogil:
    """The kernel on one element per operand, each of the loop's type; a float never comes from a table."""
    if loop.wide == NULL or ordinary(params, loop.params):
        loop.uniform(at, params, 1)
    else:
        run_wide(loop, loop.wide.uniform, at, params, <float *>at[loop.inputs], 1)


def addresses() -> tuple:
    """Where run_one is, and by name where the loops for float and for double are, 0 for none."""
    return <size_t>&run_one, {
        name: (<size_t>loop_for(ufunc, cnp.NPY_FLOAT), <size_t>loop_for(ufunc, cnp.NPY_DOUBLE))
        for name, ufunc in ufuncs.items()
    }
