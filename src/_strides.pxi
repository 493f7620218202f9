# Arrays in any layout of memory: slices, transposes, halves.
#
# A lattice is what is left when axes that follow each other in all operands are one. Its last axis is the one along
# which the results lie closest. It is cut into tiles, and ABREAST rows of the axis before it are worked on at once:
# where a float32 operand is transposed, contiguous along that other axis, their tiles are transposed in registers, and
# a cache line is read once instead of once per element.

cdef extern from *:
    """
    #if defined(__SSE2__) || defined(_M_X64)
    #include <xmmintrin.h>
    #endif
    enum { ABREAST = 16 };     /* rows: as many floats as a cache line has */

    /* to[r * pitch + c] = from[c * stride + r] for r < ABREAST. */
    static void transpose_rows(float *to, Py_ssize_t pitch, const char *from, Py_ssize_t stride, Py_ssize_t columns) {
        Py_ssize_t c = 0, r;
    #if defined(_MM_TRANSPOSE4_PS)
        for (; c + 4 <= columns; c += 4)
            for (r = 0; r < ABREAST; r += 4) {
                __m128 a = _mm_loadu_ps((const float *)(from + c * stride) + r);
                __m128 b = _mm_loadu_ps((const float *)(from + (c + 1) * stride) + r);
                __m128 d = _mm_loadu_ps((const float *)(from + (c + 2) * stride) + r);
                __m128 e = _mm_loadu_ps((const float *)(from + (c + 3) * stride) + r);
                _MM_TRANSPOSE4_PS(a, b, d, e);
                _mm_storeu_ps(to + r * pitch + c, a);
                _mm_storeu_ps(to + (r + 1) * pitch + c, b);
                _mm_storeu_ps(to + (r + 2) * pitch + c, d);
                _mm_storeu_ps(to + (r + 3) * pitch + c, e);
            }
    #endif
        for (; c < columns; c++)
            for (r = 0; r < ABREAST; r++)
                to[r * pitch + c] = ((const float *)(from + c * stride))[r];
    }
    """
    enum:
        ABREAST
    void transpose_rows(float *to, Py_ssize_t pitch, const char *source, Py_ssize_t stride, Py_ssize_t columns) nogil

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
    Py_ssize_t tile
    Py_ssize_t groups_of_rows   # along the axis before the last
    Py_ssize_t groups           # all of them
    bint transposed[2]          # inputs whose tiles are


cdef void run_tiles(const void *context, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Tasks: for each tile of the last axis all groups of rows."""
    cdef const Lattice *l = <const Lattice *>context
    cdef int operands = l.loop.inputs + l.loop.params + l.loop.outputs, inner = l.axes - 1, k, axis
    cdef float turned[2][ABREAST * TILE]
    cdef char *args[MAX_OPERANDS]
    cdef cnp.npy_intp steps[MAX_OPERANDS]
    cdef cnp.npy_intp strides[MAX_OPERANDS]
    cdef Py_ssize_t task, group, start, count, index, row, rows
    for task in range(first, last):
        start = task // l.groups * l.tile
        count = lesser(l.tile, l.shape[inner] - start)
        group = task % l.groups
        rows = 1
        for k in range(operands):
            steps[k] = l.strides[k][inner]
            args[k] = l.args[k] + start * steps[k]
        for axis in range(inner - 1, -1, -1):
            if axis == inner - 1:
                index = group % l.groups_of_rows * ABREAST
                rows = lesser(ABREAST, l.shape[axis] - index)
                group = group // l.groups_of_rows
            else:
                index = group % l.shape[axis]
                group = group // l.shape[axis]
            for k in range(operands):
                args[k] += index * l.strides[k][axis]
        for k in range(operands):
            strides[k] = l.strides[k][inner - 1] if inner > 0 else 0
            if rows == ABREAST and k < 2 and l.transposed[k]:
                transpose_rows(turned[k], TILE, args[k], steps[k], count)
                args[k] = <char *>turned[k]
                steps[k] = sizeof(float)
                strides[k] = TILE * sizeof(float)
        for row in range(rows):
            run_span(l.loop, args, steps, 0, count, False)
            for k in range(operands):
                args[k] += strides[k]


cdef void drive_lattice(Lattice *l) noexcept nogil:
    cdef int inner = l.axes - 1, axis, k
    cdef Py_ssize_t itemsize = 8 if l.loop.data_type == b'd' else 4 if l.loop.data_type == b'f' else 2, size = 1, tasks
    cdef int threads
    cdef bint gaps
    cdef status_t status = status_save()
    l.tile = LONG_TILE
    for k in range(l.loop.inputs + l.loop.params + l.loop.outputs):
        gaps = l.strides[k][inner] not in (itemsize, 0)
        if gaps:
            l.tile = TILE
        if k < 2:
            # Only these tiles are no longer than what is turned at once.
            l.transposed[k] = (gaps and l.loop.data_type == b'f' and k < l.loop.inputs and inner > 0
                               and l.strides[k][inner - 1] == itemsize)
    l.groups_of_rows = (l.shape[inner - 1] + ABREAST - 1) // ABREAST if inner > 0 else 1
    l.groups = l.groups_of_rows
    for axis in range(inner - 1):
        l.groups *= l.shape[axis]
    for axis in range(l.axes):
        size *= l.shape[axis]
    tasks = l.groups * ((l.shape[inner] + l.tile - 1) // l.tile)
    threads = <int>lesser(threads_for(size, l.loop.grain), tasks)
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
