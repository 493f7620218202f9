# CReLU and maxout: the result is twice as long along an axis as the operand, or a fraction as long.
#
# a) crelu sees an array as (outer, n): all that follows an index of the axes before is one stretch. maxout sees it as
#    (outer, pieces, inner), the pieces of a unit next to each other, and its result as (outer, inner).
# b) Long stretches are cut into tiles, so that there is work for all threads whatever the axis.
# c) Arrays that need nothing arranged take a short way in: a call on eight numbers takes 0.4 us instead of 20.

from libc.string cimport memcmp

cdef enum:
    STRETCH = 2048      # elements of a tile; the largest entries of one lie on the stack

cdef struct Pieces:
    void *at[3]             # x, out; backward: grad, x, out
    Py_ssize_t outer
    Py_ssize_t pieces       # 0 for crelu
    Py_ssize_t inner        # n of crelu
    bint wide
    bint backward


# ---- CReLU ----------------------------------------------------------------------------------------------------

cdef inline void crelu_tile(const T *x, T *out, const Pieces *p, Py_ssize_t o, Py_ssize_t first,
                            Py_ssize_t stop) noexcept nogil:
    cdef const T *a = x + o * p.inner
    cdef T *right = out + 2 * o * p.inner
    cdef T *left = right + p.inner
    cdef Py_ssize_t i
    for i in range(first, stop):
        right[i] = relu(<T>a[i])
    for i in range(first, stop):
        left[i] = relu(<T>(-a[i]))


cdef inline void crelu_tile_backward(const T *grad, const T *x, T *out, const Pieces *p, Py_ssize_t o,
                                     Py_ssize_t first, Py_ssize_t stop) noexcept nogil:
    cdef const T *a = x + o * p.inner
    cdef const T *right = grad + 2 * o * p.inner
    cdef const T *left = right + p.inner
    cdef T *b = out + o * p.inner
    cdef Py_ssize_t i
    for i in range(first, stop):
        # At most one of the two is neither 0 nor NaN.
        b[i] = relu_backward(<T>right[i], <T>a[i]) - relu_backward(<T>left[i], <T>(-a[i]))


# ---- Maxout ---------------------------------------------------------------------------------------------------

cdef inline T larger(T a, T b) noexcept nogil:
    """The first of equals, and the first NaN."""
    return b if (b > a) | ((b != b) & (a == a)) else a


cdef inline void maxout_tuples(const T *x, T *out, Py_ssize_t pieces, Py_ssize_t first,
                               Py_ssize_t stop) noexcept nogil:
    cdef Py_ssize_t o, k
    cdef T top
    for o in range(first, stop):
        top = x[o * pieces]
        for k in range(1, pieces):
            top = larger(top, <T>x[o * pieces + k])
        out[o] = top


cdef inline void maxout_tuples_backward(const T *grad, const T *x, T *out, Py_ssize_t pieces, Py_ssize_t first,
                                        Py_ssize_t stop) noexcept nogil:
    cdef Py_ssize_t o, k, best
    cdef T top, value
    for o in range(first, stop):
        top = x[o * pieces]
        best = 0
        for k in range(1, pieces):
            value = x[o * pieces + k]
            best = k if (value > top) | ((value != value) & (top == top)) else best
            top = larger(top, value)
        for k in range(pieces):
            out[o * pieces + k] = <T>0 if k != best else (grad[o] if top == top else top)


cdef inline void maxout_tile(const T *x, T *out, const Pieces *p, Py_ssize_t o, Py_ssize_t first,
                             Py_ssize_t stop) noexcept nogil:
    cdef const T *a = x + o * p.pieces * p.inner
    cdef T *b = out + o * p.inner
    cdef Py_ssize_t i, k
    for i in range(first, stop):
        b[i] = a[i]
    for k in range(1, p.pieces):
        a += p.inner
        for i in range(first, stop):
            b[i] = larger(b[i], <T>a[i])


cdef inline void maxout_tile_backward(const T *grad, const T *x, T *out, const Pieces *p, Py_ssize_t o,
                                      Py_ssize_t first, Py_ssize_t stop) noexcept nogil:
    cdef T top[STRETCH]
    cdef T due[STRETCH]     # 1 until the piece is found that has the gradient
    cdef const T *a = x + o * p.pieces * p.inner + first
    cdef const T *g = grad + o * p.inner + first
    cdef T *b = out + o * p.pieces * p.inner + first
    cdef T value
    cdef Py_ssize_t i, k, count = stop - first
    for i in range(count):
        top[i] = a[i]
        due[i] = <T>1
    for k in range(1, p.pieces):
        for i in range(count):
            top[i] = larger(top[i], <T>a[k * p.inner + i])
    for k in range(p.pieces):
        for i in range(count):
            value = a[k * p.inner + i]
            # The first NaN, where there is one, is top.
            value = due[i] if (value == top[i]) | (value != value) else <T>0
            due[i] -= value
            b[k * p.inner + i] = <T>0 if value == <T>0 else (g[i] if top[i] == top[i] else top[i])


# ---- Running them ---------------------------------------------------------------------------------------------

cdef inline void run_pieces_of(const T *x, const Pieces *p, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    """Tiles start ... stop - 1; where inner is 1, units."""
    cdef Py_ssize_t tiles = (p.inner + STRETCH - 1) // STRETCH, tile, first, last
    cdef const T *second = <const T *>p.at[1]
    cdef T *out = <T *>p.at[2 if p.backward else 1]
    if p.pieces > 0 and p.inner == 1:
        # A number that the compiler knows makes SIMD of the usual ones.
        if p.backward and p.pieces == 2:
            maxout_tuples_backward(x, second, out, 2, start, stop)
        elif p.backward:
            maxout_tuples_backward(x, second, out, p.pieces, start, stop)
        elif p.pieces == 2:
            maxout_tuples(x, out, 2, start, stop)
        elif p.pieces == 4:
            maxout_tuples(x, out, 4, start, stop)
        else:
            maxout_tuples(x, out, p.pieces, start, stop)
        return
    for tile in range(start, stop):
        first = tile % tiles * STRETCH
        last = first + STRETCH if first + STRETCH < p.inner else p.inner
        if p.pieces > 0 and p.backward:
            maxout_tile_backward(x, second, out, p, tile // tiles, first, last)
        elif p.pieces > 0:
            maxout_tile(x, out, p, tile // tiles, first, last)
        elif p.backward:
            crelu_tile_backward(x, second, out, p, tile // tiles, first, last)
        else:
            crelu_tile(x, out, p, tile // tiles, first, last)


cdef void run_stretches(const void *context, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    cdef const Pieces *p = <const Pieces *>context
    if p.wide:
        run_pieces_of(<const double *>p.at[0], p, start, stop)
    else:
        run_pieces_of(<const float *>p.at[0], p, start, stop)


def run_pieces(tuple arrays, tuple geometry, bint backward):
    """Forward (x, out) or backward (grad, x, out), C-contiguous and of one dtype; geometry is as in Pieces."""
    cdef Pieces p
    cdef int k
    for k in range(len(arrays)):
        p.at[k] = <void *>address(arrays[k])
    p.outer, p.pieces, p.inner = geometry
    p.wide = arrays[0].dtype == np.float64
    p.backward = backward
    run_all_pieces(&p)


def run_plain_pieces(tuple operands, axis, pieces, out):
    """run_pieces of (x,) or (grad, x), where they can be read as they lie (see _plain.pxi); otherwise None."""
    cdef Pieces p
    cdef cnp.npy_intp shape[64]     # of the forward function's result
    cdef Py_ssize_t outer, n, inner
    cdef int k, place, dtype, last = len(operands) - 1
    x = operands[last]
    if not plain_geometry(x, axis, &place, &outer, &n, &inner) or pieces > n or (pieces and n % pieces):
        return None
    dtype = cnp.PyArray_TYPE(<cnp.ndarray>x)
    p.pieces = pieces
    p.outer, p.inner = (outer * (n // p.pieces), inner) if p.pieces > 0 else (outer, n * inner)
    p.wide = dtype == cnp.NPY_DOUBLE
    p.backward = last == 1
    for k in range(cnp.PyArray_NDIM(x)):
        shape[k] = cnp.PyArray_DIM(x, k)
    shape[place] = n // p.pieces if p.pieces > 0 else 2 * n
    if p.backward and not (is_plain(operands[0], dtype) and has_shape(operands[0], cnp.PyArray_NDIM(x), shape)):
        return None
    if out is None:
        out = empty_like(x) if p.backward else cnp.PyArray_EMPTY(cnp.PyArray_NDIM(x), shape, dtype, 0)
    elif not (is_plain(out, dtype) and cnp.PyArray_ISWRITEABLE(out) and not half_overlap(out, x)
              and has_shape(out, cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x) if p.backward else shape)
              and not half_overlap(out, operands[0])):
        return None
    for k in range(last + 1):
        p.at[k] = cnp.PyArray_DATA(operands[k])
    p.at[last + 1] = cnp.PyArray_DATA(out)
    run_all_pieces(&p)
    return out


cdef bint has_shape(object array, int dimensions, const cnp.npy_intp *shape) noexcept:
    return (cnp.PyArray_NDIM(array) == dimensions
            and memcmp(cnp.PyArray_DIMS(array), shape, dimensions * sizeof(cnp.npy_intp)) == 0)


cdef void run_all_pieces(const Pieces *p) noexcept:
    cdef status_t status
    cdef Py_ssize_t tiles
    cdef int threads
    tiles = p.outer * ((p.inner + STRETCH - 1) // STRETCH)
    with nogil:
        status = status_save()
        threads = threads_for(p.outer * p.inner * (p.pieces + 1), 65536)
        threads = <int>tiles if tiles < threads else threads
        if threads > 1:
            in_parallel(run_stretches, p, tiles, 1, threads)
        else:
            run_stretches(p, 0, tiles)
        status_restore(status)
