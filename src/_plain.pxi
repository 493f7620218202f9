# The short way into the functions of rows, for operands that the kernels can read where they lie.
#
# a) Plain operands are arrays of one dtype, float32 or float64, C-contiguous and aligned, whatever the axis; labels
#    are int32 or int64. A call on three numbers takes 0.7 us this way and 20 by rows.py.
# b) Whatever is not plain, and every mistake, is answered by None: rows.py and losses.py then convert the operands,
#    or say what is wrong. Nothing has been written by then.


cdef extern from "Python.h":
    long PyLong_AsLongAndOverflow(object number, int *overflow) except? -1
    const Py_ssize_t PY_SSIZE_T_MAX


cdef bint plain_geometry(object array, object axis, int *place, Py_ssize_t *outer, Py_ssize_t *n,
                         Py_ssize_t *inner) except -1:
    """How rows along the axis lie in a plain array; False where one of them is not plain. `place` is the axis."""
    cdef int k, overflow = 0, dimensions
    cdef long at
    cdef cnp.npy_intp *shape
    if not (is_plain(array, cnp.NPY_FLOAT) or is_plain(array, cnp.NPY_DOUBLE)) or type(axis) is not int:
        return False
    dimensions = cnp.PyArray_NDIM(array)
    at = PyLong_AsLongAndOverflow(axis, &overflow)
    if overflow != 0 or not -dimensions <= at < dimensions:
        return False
    place[0] = <int>(at + dimensions if at < 0 else at)
    shape = cnp.PyArray_DIMS(array)
    outer[0] = inner[0] = 1
    for k in range(place[0]):
        outer[0] *= shape[k]
    n[0] = shape[place[0]]
    for k in range(place[0] + 1, dimensions):
        inner[0] *= shape[k]
    return True


cdef bint start_plain(RowCall *call, str name, object array, object axis, int *place) except -1:
    """Kernel, geometry and first operand of a call; False where array or axis are not plain."""
    cdef Py_ssize_t outer, n, inner
    if not plain_geometry(array, axis, place, &outer, &n, &inner):
        return False
    prepare_call(call, name, cnp.PyArray_TYPE(<cnp.ndarray>array) == cnp.NPY_DOUBLE)
    call.rows.outer, call.rows.n, call.rows.inner = outer, n, inner
    call.rows.at[0] = cnp.PyArray_DATA(array)
    return True


cdef bint has_shape_of_rows(object array, object rows_of, int axis, bint kept) noexcept:
    """Whether it has an entry per row: the other's shape without the axis, or with length 1 there if `kept`."""
    cdef int k, j = 0
    if cnp.PyArray_NDIM(array) != cnp.PyArray_NDIM(rows_of) - (0 if kept else 1):
        return False
    for k in range(cnp.PyArray_NDIM(rows_of)):
        if k == axis and not kept:
            continue
        if cnp.PyArray_DIM(array, j) != (1 if k == axis else cnp.PyArray_DIM(rows_of, k)):
            return False
        j += 1
    return True


cdef object empty_per_row(object array, int axis, bint kept):
    cdef cnp.npy_intp shape[64]
    cdef int k, j = 0
    for k in range(cnp.PyArray_NDIM(array)):
        if k != axis or kept:
            shape[j] = 1 if k == axis else cnp.PyArray_DIM(array, k)
            j += 1
    return cnp.PyArray_EMPTY(j, shape, cnp.PyArray_TYPE(<cnp.ndarray>array), 0)


cdef bint is_plain_out(object out, object array, object other, tuple apart=()) noexcept:
    """Whether a result of the array's shape can be written there: as far as the operands overlap it, they are it.

    What has an entry per row or per class is read between the rows, and must lie `apart`.
    """
    if not (is_plain(out, cnp.PyArray_TYPE(<cnp.ndarray>array)) and cnp.PyArray_ISWRITEABLE(out)
            and same_shape(out, array) and not half_overlap(out, array)
            and (other is None or not half_overlap(out, other))):
        return False
    for beside in apart:
        if cnp.PyArray_CheckExact(beside) and overlap(out, beside):
            return False
    return True


cdef bint take_grad(RowCall *call, object grad, object array, int axis, bint per_row, bint kept) except -1:
    """The gradient from above: a number, or where it may differ per row an array with the rows' shape."""
    if type(grad) in (float, np.float32, np.float64):
        call.rows.scale = grad
        return True
    call.rows.grad = cnp.PyArray_DATA(grad) if cnp.PyArray_CheckExact(grad) else NULL
    call.rows.grad_type = b'f' if is_plain(grad, cnp.NPY_FLOAT) else b'd'
    if not (is_plain(grad, cnp.NPY_FLOAT) or is_plain(grad, cnp.NPY_DOUBLE)):
        return False
    if cnp.PyArray_NDIM(grad) == 0:
        call.rows.scale = row_grad(&call.rows, 0)
        call.rows.grad = NULL
        return True
    return per_row and (has_shape_of_rows(grad, array, axis, False)
                        or kept and has_shape_of_rows(grad, array, axis, True))


def run_plain(str name, tuple operands, axis, temperature, out):
    """A function whose result has the shape of its operands, of which there are one or two."""
    cdef RowCall call
    cdef int place, count = len(operands)
    array, last = operands[0], operands[count - 1]
    if not start_plain(&call, name, array, axis, &place):
        return None
    if type(temperature) is not float or not 0.0 < <double>temperature < INFINITY:
        return None
    call.rows.temperature = temperature
    if not (is_plain(last, cnp.PyArray_TYPE(<cnp.ndarray>array)) and same_shape(last, array)):
        return None
    if out is None:
        out = empty_like(array)
    elif not is_plain_out(out, array, last):
        return None
    call.rows.at[1] = cnp.PyArray_DATA(last)
    call.rows.at[count] = cnp.PyArray_DATA(out)
    run_all_rows(&call, False)
    return out


def run_plain_reduced(str name, array, axis, keepdims, out):
    """A function that makes a number of every row."""
    cdef RowCall call
    cdef int place
    if not start_plain(&call, name, array, axis, &place) or type(keepdims) is not bool:
        return None
    if out is None:
        result = empty_per_row(array, place, keepdims)
    elif (is_plain(out, cnp.PyArray_TYPE(<cnp.ndarray>array)) and cnp.PyArray_ISWRITEABLE(out)
          and has_shape_of_rows(out, array, place, keepdims) and not half_overlap(out, array)):
        result = out
    else:
        return None
    call.rows.at[1] = cnp.PyArray_DATA(result)
    run_all_rows(&call, False)
    return result if out is not None else result[()]


def run_plain_reduced_backward(str name, grad, array, axis, out):
    cdef RowCall call
    cdef int place
    if not (start_plain(&call, name, array, axis, &place)
            and take_grad(&call, grad, array, place, True, True)):
        return None
    if out is None:
        out = empty_like(array)
    elif not is_plain_out(out, array, None, (grad,)):
        return None
    call.rows.at[1] = cnp.PyArray_DATA(out)
    run_all_rows(&call, False)
    return out


# ---- Cross-entropy --------------------------------------------------------------------------------------------

cdef double weight_of_labels(const Rows *rows, bint *valid) noexcept nogil:
    """The sum of the weights of the labels that count, and whether all labels are classes."""
    cdef Py_ssize_t row, count = rows.outer * rows.inner, first, last, counted = 0
    cdef double total = 0.0, part
    cdef unsigned long long bad = 0
    cdef long long label
    for row in range(count):
        label = given_label(rows, row)
        counted += label != rows.ignore
        bad |= (label != rows.ignore) & (<unsigned long long>label >= <unsigned long long>rows.n)
    valid[0] = bad == 0
    if rows.weight == NULL or bad != 0:
        return <double>counted
    for first in range(0, count, 256):
        part = 0.0
        last = first + 256 if first + 256 < count else count
        for row in range(first, last):
            label = label_at(rows, row)
            part += rows.weight[label] if label != rows.ignore else 0.0
        total += part
    return total


def weight_of(labels, long long ignore, weight) -> float:
    """The sum of the weights of valid labels, int64 and contiguous, that are not the one to ignore."""
    cdef Rows rows
    cdef bint valid
    memset(&rows, 0, sizeof(Rows))
    rows.outer = cnp.PyArray_SIZE(labels)
    rows.inner = 1
    rows.n = PY_SSIZE_T_MAX
    rows.labels = address(labels)
    rows.ignore = ignore
    rows.weight = <const double *>address(weight)
    return weight_of_labels(&rows, &valid)


cdef bint start_plain_loss(RowCall *call, str name, object logits, object target, object axis, object weight,
                           object ignore, object smoothing, int *place, double *denominator) except -1:
    cdef bint valid
    cdef int overflow = 0
    if not start_plain(call, name, logits, axis, place):
        return False
    call.rows.short_labels = is_plain(target, cnp.NPY_INT32)
    if not (call.rows.short_labels or is_plain(target, cnp.NPY_INT64)):
        return False
    if not has_shape_of_rows(target, logits, place[0], False) or type(ignore) is not int:
        return False
    if type(smoothing) is not float or not 0.0 <= <double>smoothing <= 1.0:
        return False
    if weight is not None:
        if not (is_plain(weight, cnp.NPY_DOUBLE) and cnp.PyArray_NDIM(weight) == 1
                and cnp.PyArray_DIM(weight, 0) == call.rows.n):
            return False
        call.rows.weight = <const double *>cnp.PyArray_DATA(weight)
    call.rows.ignore = PyLong_AsLongAndOverflow(ignore, &overflow)
    if overflow != 0:
        return False
    call.rows.labels = cnp.PyArray_DATA(target)
    call.rows.smoothing = smoothing
    denominator[0] = weight_of_labels(&call.rows, &valid)
    return valid


def run_plain_cross_entropy(logits, target, axis, weight, ignore_index, label_smoothing, reduction):
    """The loss as sum or mean."""
    cdef RowCall call
    cdef status_t status
    cdef double total, denominator
    cdef int place
    cdef cnp.npy_intp nothing[1]
    cdef bint mean
    if type(reduction) is not str:
        return None
    mean = reduction == "mean"
    if not (mean or reduction == "sum"):
        return None
    if not start_plain_loss(&call, "cross_entropy", logits, target, axis, weight, ignore_index, label_smoothing,
                            &place, &denominator):
        return None
    total = run_all_rows(&call, True)
    result = cnp.PyArray_EMPTY(0, nothing, cnp.PyArray_TYPE(<cnp.ndarray>logits), 0)
    # As in PyTorch the mean is weighted, and NaN where no row counts.
    status = status_save()
    total = total / denominator if mean else total
    if call.wide:
        (<double *>cnp.PyArray_DATA(result))[0] = total
    else:
        (<float *>cnp.PyArray_DATA(result))[0] = <float>total
    status_restore(status)
    return result[()]


def run_plain_cross_entropy_backward(grad, logits, target, axis, weight, ignore_index, label_smoothing, reduction, out):
    cdef RowCall call
    cdef status_t status
    cdef double denominator
    cdef int place
    cdef bint mean, per_row
    if type(reduction) is not str:
        return None
    mean, per_row = reduction == "mean", reduction == "none"
    if not (mean or per_row or reduction == "sum"):
        return None
    if not start_plain_loss(&call, "cross_entropy_backward", logits, target, axis, weight, ignore_index,
                            label_smoothing, &place, &denominator):
        return None
    if not take_grad(&call, grad, logits, place, per_row, False):
        return None
    if mean:
        status = status_save()
        call.rows.scale *= 1.0 / denominator
        status_restore(status)
    if out is None:
        out = empty_like(logits)
    elif not is_plain_out(out, logits, None, (target, weight, grad)):
        return None
    call.rows.at[2] = cnp.PyArray_DATA(out)
    run_all_rows(&call, False)
    return out
