# Funnel ReLU: max(x, t), where t is a 3x3 window over each channel's plane, zero outside it.

cdef struct Planes:
    void *at[5]             # x, window, out; backward: x, window, grad of t (scratch), grad, out
    double *window_grad     # 9 per plane
    Py_ssize_t channels
    Py_ssize_t height
    Py_ssize_t width
    bint wide
    bint backward


cdef inline double window_sum(const T *plane, const T *window, const Planes *shape, Py_ssize_t i,
                              Py_ssize_t j, int sign) noexcept nogil:
    """The window centred on (i, j), or for sign = -1 the window turned by 180 degrees: the transposed operation."""
    cdef double total = 0.0
    cdef Py_ssize_t r, c
    for r in range(-1, 2):
        for c in range(-1, 2):
            if 0 <= i + r < shape.height and 0 <= j + c < shape.width:
                total += <double>window[(sign * r + 1) * 3 + sign * c + 1] * plane[(i + r) * shape.width + j + c]
    return total


cdef void funnel_plane(const T *x, const Planes *shape, Py_ssize_t plane) noexcept nogil:
    cdef Py_ssize_t size = shape.height * shape.width, i, j, at
    cdef const T *p = x + plane * size
    cdef const T *window = <const T *>shape.at[1] + plane % shape.channels * 9
    cdef T *out = <T *>shape.at[2] + plane * size
    cdef double t
    for i in range(shape.height):
        for j in range(shape.width):
            at = i * shape.width + j
            t = window_sum(p, window, shape, i, j, 1)
            out[at] = p[at] if p[at] >= t else <T>t


cdef void funnel_plane_backward(const T *x, const Planes *shape, Py_ssize_t plane) noexcept nogil:
    # Where the window wins its whole gradient goes to t, elsewhere and in a tie to x.
    cdef Py_ssize_t size = shape.height * shape.width, i, j, at, r, c
    cdef const T *p = x + plane * size
    cdef const T *window = <const T *>shape.at[1] + plane % shape.channels * 9
    cdef T *through = <T *>shape.at[2] + plane * size
    cdef const T *grad = <const T *>shape.at[3] + plane * size
    cdef T *out = <T *>shape.at[4] + plane * size
    cdef double *window_grad = shape.window_grad + plane * 9
    cdef double t
    for i in range(9):
        window_grad[i] = 0.0
    for i in range(shape.height):
        for j in range(shape.width):
            at = i * shape.width + j
            t = window_sum(p, window, shape, i, j, 1)
            through[at] = grad[at] if t > p[at] else (<T>0 if p[at] >= t else <T>t)
            for r in range(-1, 2):
                for c in range(-1, 2):
                    if 0 <= i + r < shape.height and 0 <= j + c < shape.width:
                        window_grad[(r + 1) * 3 + c + 1] += <double>through[at] * p[(i + r) * shape.width + j + c]
    for i in range(shape.height):
        for j in range(shape.width):
            at = i * shape.width + j
            t = window_sum(<const T *>through, window, shape, i, j, -1)
            # Exactly one of the two gradients is grad.
            out[at] = <T>(t + (grad[at] - through[at]))


cdef void run_planes(const void *context, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    cdef const Planes *shape = <const Planes *>context
    cdef Py_ssize_t plane
    for plane in range(start, stop):
        if shape.wide and shape.backward:
            funnel_plane_backward(<const double *>shape.at[0], shape, plane)
        elif shape.wide:
            funnel_plane(<const double *>shape.at[0], shape, plane)
        elif shape.backward:
            funnel_plane_backward(<const float *>shape.at[0], shape, plane)
        else:
            funnel_plane(<const float *>shape.at[0], shape, plane)


def run_funnel(tuple arrays, window_grad=None):
    """Forward (x, window, out) or backward (x, window, scratch, grad, out); C-contiguous, of one dtype."""
    cdef Planes shape
    cdef status_t status
    cdef Py_ssize_t planes
    cdef int k, threads
    for k in range(len(arrays)):
        shape.at[k] = <void *>address(arrays[k])
    shape.window_grad = <double *>address(window_grad)
    shape.channels, shape.height, shape.width = arrays[0].shape[1:]
    shape.wide = arrays[0].dtype == np.float64
    shape.backward = window_grad is not None
    planes = arrays[0].shape[0] * shape.channels
    with nogil:
        status = status_save()
        threads = threads_for(planes * shape.height * shape.width, 8192)
        threads = <int>planes if planes < threads else threads
        if threads > 1:
            in_parallel(run_planes, &shape, planes, 1, threads)
        else:
            run_planes(&shape, 0, planes)
        status_restore(status)
