# Arrays in any layout of memory: slices, transposes, halves.
#
# A lattice is what is left when axes that follow each other in all operands are one. Its last axis is the one along
# which the results lie closest; it is cut into tiles, and a tile is worked on for all other indices before the next.
# So a transposed operand, of which a tile touches as many cache lines as it has elements, finds them in the cache.

cdef enum:
    MAX_AXES = 8
    TILE = 256              # elements, where an operand is not contiguous: as many as are staged
    LONG_TILE = 16384

cdef struct Lattice:
    const Loop *loop
    int axes
    Py_ssize_t shape[MAX_AXES]
    char *args[MAX_OPERANDS]                        # as for `drive`
    cnp.npy_intp strides[MAX_OPERANDS][MAX_AXES]
    Py_ssize_t rows         # indices of all axes but the last
    Py_ssize_t tile


cdef void run_tiles(const void *context, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    cdef const Lattice *l = <const Lattice *>context
    cdef int operands = l.loop.inputs + l.loop.params + l.loop.outputs, inner = l.axes - 1, k, axis
    cdef char *args[MAX_OPERANDS]
    cdef cnp.npy_intp steps[MAX_OPERANDS]
    cdef Py_ssize_t task, row, start, index
    for k in range(operands):
        steps[k] = l.strides[k][inner]
    for task in range(first, last):
        start = task // l.rows * l.tile
        row = task % l.rows
        for k in range(operands):
            args[k] = l.args[k] + start * steps[k]
        for axis in range(inner - 1, -1, -1):
            index = row % l.shape[axis]
            row = row // l.shape[axis]
            for k in range(operands):
                args[k] += index * l.strides[k][axis]
        run_span(l.loop, args, steps, 0, lesser(l.tile, l.shape[inner] - start))


cdef void drive_lattice(Lattice *l) noexcept nogil:
    cdef int inner = l.axes - 1, axis, k
    cdef Py_ssize_t itemsize = 8 if l.loop.data_type == b'd' else 4 if l.loop.data_type == b'f' else 2, tasks
    cdef int threads
    cdef status_t status = status_save()
    l.rows = 1
    for axis in range(inner):
        l.rows *= l.shape[axis]
    l.tile = LONG_TILE
    for k in range(l.loop.inputs + l.loop.params + l.loop.outputs):
        if l.strides[k][inner] not in (itemsize, 0):
            l.tile = TILE
    tasks = l.rows * ((l.shape[inner] + l.tile - 1) // l.tile)
    threads = <int>lesser(threads_for(l.rows * l.shape[inner], l.loop.grain), tasks)
    if threads > 1:
        in_parallel(run_tiles, l, tasks, 1, threads)
    else:
        run_tiles(l, 0, tasks)
    status_restore(status)


cdef inline cnp.npy_intp absolute(cnp.npy_intp a) noexcept nogil:
    return -a if a < 0 else a


cdef void lay_out_lattice(Lattice *l, cnp.ndarray leader) noexcept:
    """The axes of `l.strides`, which are those of the arrays, in the order of the leader's strides, and merged."""
    cdef int operands = l.loop.inputs + l.loop.params + l.loop.outputs, axis, k, j, last = -1, found = 0
    cdef int order[MAX_AXES]
    cdef cnp.npy_intp strides[MAX_OPERANDS][MAX_AXES]
    cdef cnp.npy_intp *by = cnp.PyArray_STRIDES(leader)
    cdef bint follows
    for axis in range(cnp.PyArray_NDIM(leader)):
        if cnp.PyArray_DIM(leader, axis) == 1:
            continue
        j = found
        while j > 0 and absolute(by[order[j - 1]]) < absolute(by[axis]):
            order[j] = order[j - 1]
            j -= 1
        order[j] = axis
        found += 1
    for k in range(operands):
        for axis in range(found):
            strides[k][axis] = l.strides[k][order[axis]]
    for axis in range(found):
        follows = last >= 0
        for k in range(operands):
            follows = follows and l.strides[k][last] == strides[k][axis] * cnp.PyArray_DIM(leader, order[axis])
        if not follows:
            last += 1
            l.shape[last] = 1
        l.shape[last] *= cnp.PyArray_DIM(leader, order[axis])
        for k in range(operands):
            l.strides[k][last] = strides[k][axis]
    if last < 0:
        # A single element.
        last = 0
        l.shape[0] = 1
    l.axes = last + 1


# ---- Overlaps -------------------------------------------------------------------------------------------------

cdef void limits_of(cnp.ndarray a, int first_axis, char **low, char **high) noexcept:
    """The first byte of the array's memory and the one after its last; axes before the given one stay at 0."""
    cdef int axis
    cdef cnp.npy_intp reach
    low[0] = high[0] = cnp.PyArray_BYTES(a)
    for axis in range(first_axis, cnp.PyArray_NDIM(a)):
        reach = (cnp.PyArray_DIM(a, axis) - 1) * cnp.PyArray_STRIDE(a, axis)
        if reach < 0:
            low[0] += reach
        else:
            high[0] += reach
    high[0] += cnp.PyArray_ITEMSIZE(a)


cdef bint are_apart(cnp.ndarray a, cnp.ndarray b) noexcept:
    """Whether arrays of one shape surely share no memory: one ends before the other, or they are slices along all
    but the first axis of the same larger rows, each in its own part of them."""
    cdef char *low_a
    cdef char *high_a
    cdef char *low_b
    cdef char *high_b
    cdef cnp.npy_intp row, offset
    cdef int axis
    limits_of(a, 0, &low_a, &high_a)
    limits_of(b, 0, &low_b, &high_b)
    if high_a <= low_b or high_b <= low_a:
        return True
    for axis in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_STRIDE(a, axis) != cnp.PyArray_STRIDE(b, axis):
            return False
    if cnp.PyArray_NDIM(a) < 2:
        return False
    row = absolute(cnp.PyArray_STRIDE(a, 0))
    limits_of(a, 1, &low_a, &high_a)
    limits_of(b, 1, &low_b, &high_b)
    if row == 0:
        return False
    offset = (low_b - low_a) % row
    offset = offset + row if offset < 0 else offset
    return high_a - low_a <= offset and offset + (high_b - low_b) <= row


cdef bint is_same_place(cnp.ndarray a, cnp.ndarray b) noexcept:
    """Whether arrays of one shape are the same elements in the same order."""
    cdef int axis
    for axis in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_STRIDE(a, axis) != cnp.PyArray_STRIDE(b, axis) and cnp.PyArray_DIM(a, axis) != 1:
            return False
    return cnp.PyArray_BYTES(a) == cnp.PyArray_BYTES(b)


cdef bint has_own_places(cnp.ndarray a) noexcept:
    """Whether its elements surely lie apart: each stride steps over all that smaller ones reach."""
    cdef int axis, other
    cdef cnp.npy_intp reach
    for axis in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_DIM(a, axis) == 1:
            continue
        reach = cnp.PyArray_ITEMSIZE(a)
        for other in range(cnp.PyArray_NDIM(a)):
            if other != axis and absolute(cnp.PyArray_STRIDE(a, other)) <= absolute(cnp.PyArray_STRIDE(a, axis)):
                reach += (cnp.PyArray_DIM(a, other) - 1) * absolute(cnp.PyArray_STRIDE(a, other))
        if absolute(cnp.PyArray_STRIDE(a, axis)) < reach:
            return False
    return True
