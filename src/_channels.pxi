# Parameters that differ per channel, and the sums that are their gradients.
#
# a) Channels lie along one axis. Elements that share a channel are neighbours, `inner` of them, and channels follow
#    each other over and over. Long neighbourhoods get a kernel each, with one value of the parameter; short ones are
#    run together, over an array that holds the parameter of each element for a period of the pattern or more.
# b) Sums are taken over chunks and groups whose limits depend on the array alone, and then in pairs: the number of
#    threads makes no difference.

from libc.stdlib cimport calloc

cdef enum:
    LONG = 64           # neighbours from which on a kernel of their own pays
    PERIOD = 1024       # elements of a period at least, by repetition
    LONGEST = 65536     # elements of a period of short neighbourhoods at most
    SUMMED = 4096       # elements whose results are added up one after the other, in LANES sums
    GROUPS = 64         # of periods at most, for sums

cdef struct Channels:
    Py_ssize_t size         # elements of the array
    Py_ssize_t count        # channels
    Py_ssize_t inner        # neighbours that share a channel
    Py_ssize_t run          # elements of one run of a kernel: those of a neighbourhood or of a period
    bint periodic
    double *values          # the first parameter's of all channels, or of all elements of a run, then the second's

cdef struct ChannelCall:
    const Loop *loop
    const Channels *channels
    char *operands[MAX_OPERANDS]    # the inputs, the output
    Py_ssize_t itemsize


cdef inline Py_ssize_t lesser(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return a if a < b else b


cdef void choose_run(Channels *c) noexcept nogil:
    cdef Py_ssize_t period = c.count * c.inner
    c.periodic = c.count > 1 and (c.inner == 1 or (c.inner < LONG and period <= LONGEST))
    c.run = c.inner
    if c.periodic:
        c.run = period if period > PERIOD else PERIOD // period * period


cdef inline Py_ssize_t values_of_parameter(const Channels *c) noexcept nogil:
    return c.run if c.periodic else c.count


cdef inline Py_ssize_t channel_of(const Channels *c, Py_ssize_t element) noexcept nogil:
    return element // c.inner % c.count


cdef inline const double *values_at(const Channels *c, int param, Py_ssize_t run) noexcept nogil:
    return c.values + param * values_of_parameter(c) + (0 if c.periodic else run % c.count)


cdef void run_channels(const void *context, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Runs first to last of a forward or backward."""
    cdef const ChannelCall *call = <const ChannelCall *>context
    cdef const Channels *c = call.channels
    cdef char *args[MAX_OPERANDS]
    cdef cnp.npy_intp steps[MAX_OPERANDS]
    cdef Py_ssize_t run
    cdef int k, inputs = call.loop.inputs, params = call.loop.params
    for run in range(first, last):
        for k in range(inputs + 1):
            args[k if k < inputs else inputs + params] = call.operands[k] + run * c.run * call.itemsize
            steps[k if k < inputs else inputs + params] = call.itemsize
        for k in range(params):
            args[inputs + k] = <char *>values_at(c, k, run)
            steps[inputs + k] = sizeof(double) if c.periodic else 0
        run_span(call.loop, args, steps, 0, lesser(c.run, c.size - run * c.run), False)


cdef void drive_channels(const ChannelCall *call) noexcept nogil:
    cdef const Channels *c = call.channels
    cdef Py_ssize_t runs = (c.size + c.run - 1) // c.run
    cdef int threads = <int>lesser(threads_for(c.size, call.loop.grain), runs)
    cdef status_t status = status_save()
    if threads > 1:
        in_parallel(run_channels, call, runs, 1, threads)
    else:
        run_channels(call, 0, runs)
    status_restore(status)


# ---- Sums -----------------------------------------------------------------------------------------------------

cdef struct Sum:
    const Loop *term                # a kernel of doubles, whose results are added up
    const Loop *beside              # a kernel of the same operands whose results are wanted as well, or NULL
    char *args[MAX_OPERANDS]        # inputs, then what `beside` writes; parameters are those of the channels
    cnp.npy_intp steps[MAX_OPERANDS]
    char data_type
    Channels channels
    Py_ssize_t parts                # chunks of a run, or runs of a group
    double *totals                  # of each chunk, or for each group those of all elements of a period


cdef void term_of(const Sum *sum, double *results, Py_ssize_t run, Py_ssize_t start, Py_ssize_t count) noexcept nogil:
    """`count` results of the kernel from element `start` on, which lies in `run`, and beside them those of `beside`."""
    cdef double buffers[MAX_OPERANDS][BLOCK]
    cdef double params[MAX_PARAMS]
    cdef void *at[MAX_OPERANDS]
    cdef char *args[MAX_OPERANDS]
    cdef cnp.npy_intp steps[MAX_OPERANDS]
    cdef const Channels *c = &sum.channels
    cdef const double *values
    cdef int k, inputs = sum.term.inputs, last = inputs + sum.term.params
    for k in range(inputs):
        load_param(sum.data_type, buffers[k], sum.args[k] + start * sum.steps[k], sum.steps[k], count)
        at[k] = buffers[k]
        args[k] = sum.args[k] + start * sum.steps[k]
        steps[k] = sum.steps[k]
    at[inputs] = results
    for k in range(sum.term.params):
        values = values_at(c, k, run) + (start - run * c.run if c.periodic else 0)
        if c.periodic:
            load(b'd', <char *>buffers[inputs + k], <const char *>values, sizeof(double), count)
            at[inputs + 1 + k] = buffers[inputs + k]
        params[k] = values[0]
        args[inputs + k] = <char *>values
        steps[inputs + k] = sizeof(double) if c.periodic else 0
    if c.periodic:
        sum.term.varying(at, NULL, round_up(count, LANES))
    else:
        sum.term.uniform(at, params, round_up(count, LANES))
    if sum.beside != NULL:
        args[last] = sum.args[inputs] + start * sum.steps[inputs]
        steps[last] = sum.steps[inputs]
        run_span(sum.beside, args, steps, 0, count, False)


cdef void sum_chunks(const void *context, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """The totals of chunks: of neighbours, which share a channel."""
    cdef const Sum *sum = <const Sum *>context
    cdef double results[BLOCK]
    cdef double lanes[LANES]
    cdef Py_ssize_t chunk, run, start, stop, count, i
    cdef int k
    for chunk in range(first, last):
        run = chunk // sum.parts
        start = run * sum.channels.run + chunk % sum.parts * SUMMED
        stop = lesser(start + SUMMED, (run + 1) * sum.channels.run)
        for k in range(LANES):
            lanes[k] = 0.0
        while start < stop:
            count = lesser(stop - start, BLOCK)
            term_of(sum, results, run, start, count)
            for i in range(count, round_up(count, LANES)):
                results[i] = 0.0
            for i in range(0, round_up(count, LANES), 16):
                for k in range(LANES):
                    lanes[k] += results[i + k]
            start += count
        sum.totals[chunk] = sum_in_pairs(lanes, LANES)


cdef void sum_groups(const void *context, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """The totals of groups of periods, for every place in the period."""
    cdef const Sum *sum = <const Sum *>context
    cdef const Channels *c = &sum.channels
    cdef double results[BLOCK]
    cdef double *totals
    cdef Py_ssize_t group, run, start, stop, count, i
    for group in range(first, last):
        for run in range(group * sum.parts, lesser((group + 1) * sum.parts, (c.size + c.run - 1) // c.run)):
            start = run * c.run
            stop = lesser(start + c.run, c.size)
            while start < stop:
                count = lesser(stop - start, BLOCK)
                term_of(sum, results, run, start, count)
                totals = sum.totals + group * c.run + start - run * c.run
                for i in range(count):
                    totals[i] += results[i]
                start += count


cdef double sum_in_pairs(double *values, Py_ssize_t n) noexcept nogil:
    """Their sum; the values are overwritten."""
    cdef Py_ssize_t i, half
    while n > 1:
        half = n // 2
        for i in range(half):
            values[i] += values[n - half + i]
        n -= half
    return values[0] if n == 1 else 0.0


cdef int sum_all(Sum *sum, double *results) except -1:
    """The sum of each channel. Whatever the way of summing, totals lie as (blocks, channels, width)."""
    cdef Channels *c = &sum.channels
    cdef Py_ssize_t runs = (c.size + c.run - 1) // c.run, tasks, blocks, width, channel, block, i, n
    cdef double *scratch
    cdef status_t status
    cdef int threads
    if c.periodic:
        sum.parts = (runs + GROUPS - 1) // GROUPS
        sum.parts = sum.parts if sum.parts * c.run > LONGEST else LONGEST // c.run + 1
        tasks = (runs + sum.parts - 1) // sum.parts
        width = c.inner
        blocks = tasks * c.run // (c.count * width)
    else:
        sum.parts = width = (c.run + SUMMED - 1) // SUMMED
        tasks = runs * width
        blocks = runs // c.count
    sum.totals = <double *>calloc(blocks * width * (c.count + 1), sizeof(double))
    if sum.totals == NULL:
        raise MemoryError()
    scratch = sum.totals + blocks * width * c.count
    with nogil:
        status = status_save()
        threads = <int>lesser(threads_for(c.size, sum.term.grain), tasks)
        if threads > 1:
            in_parallel(sum_groups if c.periodic else sum_chunks, sum, tasks, 1, threads)
        elif c.periodic:
            sum_groups(sum, 0, tasks)
        else:
            sum_chunks(sum, 0, tasks)
        for channel in range(c.count):
            n = 0
            for block in range(blocks):
                for i in range(width):
                    scratch[n] = sum.totals[(block * c.count + channel) * width + i]
                    n += 1
            results[channel] = sum_in_pairs(scratch, n)
        status_restore(status)
        free(sum.totals)
    return 0
