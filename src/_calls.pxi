# The short way into a ufunc: NumPy's own costs several times what a small array needs.
#
# a) A ufunc object holds the address of the function that Python calls; `register` puts call_ufunc there.
# b) call_ufunc knows arrays of one float dtype and one shape, native and aligned, in any layout; parameters that are
#    numbers, or for contiguous arrays a number per channel; and at most an `out` of the same kind. Whatever else comes
#    goes on to NumPy untouched, and nothing has been written by then.
# c) Where NumPy finds nobody to take the operands of a ufunc of several results, `take_over` is asked. An error of
#    NumPy's is put into our words by `mistake`, which looks for what is wrong once it is known that something is.

from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE

cdef extern from *:
    """
    static vectorcallfunc numpy_call = NULL;
    static void take_calls(PyObject *ufunc, void *ours) {
        numpy_call = ((PyUFuncObject *)ufunc)->vectorcall;
        ((PyUFuncObject *)ufunc)->vectorcall = (vectorcallfunc)ours;
    }
    """
    object numpy_call(object ufunc, PyObject **args, size_t flagged_count, PyObject *names)
    void take_calls(object ufunc, void *ours)

cdef extern from "Python.h":
    Py_ssize_t PyVectorcall_NARGS(size_t flagged_count)
    int PyUnicode_CompareWithASCIIString(object text, const char *other)
    bint PyFloat_Check(object number)
    bint PyFloat_CheckExact(object number)
    double PyFloat_AS_DOUBLE(object number)

cdef enum:
    WORTH_RELEASING = 1000      # elements from which on other Python threads may run meanwhile
    LARGEST_HALF = 65504        # of float16


cdef inline bint is_plain(object array, int dtype) noexcept:
    return (cnp.PyArray_CheckExact(array) and cnp.PyArray_TYPE(<cnp.ndarray>array) == dtype
            and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>array))


cdef inline bint same_shape(object a, object b) noexcept:
    return cnp.PyArray_SAMESHAPE(<cnp.ndarray>a, <cnp.ndarray>b)


cdef bint overlap(object a, object b) noexcept:
    cdef char *p = cnp.PyArray_BYTES(a)
    cdef char *q = cnp.PyArray_BYTES(b)
    return p < q + cnp.PyArray_NBYTES(b) and q < p + cnp.PyArray_NBYTES(a)


cdef bint half_overlap(object a, object b) noexcept:
    cdef bint same = cnp.PyArray_BYTES(a) == cnp.PyArray_BYTES(b) and cnp.PyArray_NBYTES(a) == cnp.PyArray_NBYTES(b)
    return not same and overlap(a, b)


cdef inline const Loop *loop_for(object ufunc, int dtype) noexcept:
    """The loop for data of the dtype and double parameters; NULL if there is none."""
    if dtype == bfloat16_number:
        return bfloat16_loop(ufunc)
    cdef char wanted = b'f' if dtype == cnp.NPY_FLOAT else b'd' if dtype == cnp.NPY_DOUBLE else b'e'
    cdef const Loop *loop
    cdef int k
    if dtype == cnp.NPY_FLOAT or dtype == cnp.NPY_DOUBLE or dtype == cnp.NPY_FLOAT16:
        for k in range((<cnp.ufunc>ufunc).ntypes):
            loop = <const Loop *>(<cnp.ufunc>ufunc).data[k]
            if loop.data_type == wanted and loop.param_type == b'd':
                return loop
    return NULL


# ---- Parameters -----------------------------------------------------------------------------------------------

cdef bint lies_along_one_axis(cnp.ndarray param, cnp.ndarray x, int *axis) noexcept:
    """Whether an array of parameters is a number per entry of one axis of x, the given one unless that is -1."""
    cdef int k, missing = cnp.PyArray_NDIM(x) - cnp.PyArray_NDIM(param)
    if missing < 0 or not (is_plain(param, cnp.NPY_DOUBLE) or is_plain(param, cnp.NPY_FLOAT)):
        return False
    for k in range(cnp.PyArray_NDIM(param)):
        if cnp.PyArray_DIM(param, k) != 1:
            if cnp.PyArray_DIM(param, k) != cnp.PyArray_DIM(x, missing + k) or axis[0] not in (-1, missing + k):
                return False
            axis[0] = missing + k
    return True


cdef bint are_plain_params(PyObject **params, int count, cnp.ndarray x, int *axis) noexcept:
    """Whether parameters are numbers, or numbers per entry of one and the same axis, if any."""
    cdef int k
    axis[0] = -1
    for k in range(count):
        if not PyFloat_Check(<object>params[k]) and not (
                cnp.PyArray_CheckExact(<object>params[k])
                and lies_along_one_axis(<cnp.ndarray>params[k], x, axis)):
            return False
    return True


cdef inline double number_at(object param, Py_ssize_t k) noexcept:
    cdef cnp.ndarray array
    if PyFloat_Check(param):
        return PyFloat_AS_DOUBLE(param)
    array = <cnp.ndarray>param
    k = k if cnp.PyArray_SIZE(array) > 1 else 0
    if cnp.PyArray_TYPE(array) == cnp.NPY_FLOAT:
        return (<const float *>cnp.PyArray_DATA(array))[k]
    return (<const double *>cnp.PyArray_DATA(array))[k]


cdef int lay_out_channels(Channels *c, PyObject **params, int count, cnp.ndarray x, int axis) except -1:
    """Geometry, and the values of the parameters as the kernels take them; c.values must be freed."""
    cdef Py_ssize_t k, j, wanted
    c.size = cnp.PyArray_SIZE(x)
    c.count = 1 if axis < 0 else cnp.PyArray_DIM(x, axis)
    c.inner = c.size if axis < 0 else 1
    for k in range(axis + 1 if axis >= 0 else cnp.PyArray_NDIM(x), cnp.PyArray_NDIM(x)):
        c.inner *= cnp.PyArray_DIM(x, k)
    choose_run(c)
    wanted = values_of_parameter(c)
    c.values = <double *>malloc(count * wanted * sizeof(double))
    if c.values == NULL:
        raise MemoryError()
    for k in range(count):
        for j in range(wanted):
            c.values[k * wanted + j] = number_at(<object>params[k], channel_of(c, j) if c.periodic else j)
    return 0


# ---- The way in -----------------------------------------------------------------------------------------------

cdef struct Operands:
    const Loop *loop
    PyObject **params
    PyObject *inputs[MAX_OPERANDS]
    PyObject *outputs[MAX_OPERANDS]     # NULL where there is no `out`
    int axis                            # of the channels, or -1
    bint contiguous


cdef bint is_usable(object array, cnp.ndarray like) noexcept:
    return (cnp.PyArray_CheckExact(array) and cnp.PyArray_TYPE(<cnp.ndarray>array) == cnp.PyArray_TYPE(like)
            and cnp.PyArray_ISBEHAVED_RO(<cnp.ndarray>array) and same_shape(array, like))


cdef bint take_inputs(Operands *o, object ufunc, PyObject **args) noexcept:
    """Whether the inputs and parameters can go the short way."""
    cdef cnp.ndarray x
    cdef int k
    if not cnp.PyArray_CheckExact(<object>args[0]):
        return False
    x = <cnp.ndarray>args[0]
    o.loop = loop_for(ufunc, cnp.PyArray_TYPE(x))
    if o.loop == NULL or cnp.PyArray_SIZE(x) == 0 or not 0 < cnp.PyArray_NDIM(x) <= MAX_AXES:
        return False
    o.contiguous = True
    for k in range(o.loop.inputs):
        if not is_usable(<object>args[k], x):
            return False
        o.inputs[k] = args[k]
        o.contiguous = o.contiguous and cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray>args[k])
    o.params = args + o.loop.inputs
    return are_plain_params(o.params, o.loop.params, x, &o.axis)


cdef bint take_outputs(Operands *o, object out) noexcept:
    """Whether `out`, an array or a tuple, can be written the short way: apart from all operands, or in place."""
    cdef PyObject *array
    cdef int k, j
    cdef bint several = type(out) is tuple
    if (PyTuple_GET_SIZE(out) if several else 1) != o.loop.outputs:
        return False
    for k in range(o.loop.outputs):
        array = PyTuple_GET_ITEM(out, k) if several else <PyObject *>out
        if not is_usable(<object>array, <cnp.ndarray>o.inputs[0]) or not cnp.PyArray_ISWRITEABLE(<cnp.ndarray>array):
            return False
        o.outputs[k] = array
        if not cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray>array):
            o.contiguous = False
            if not has_own_places(<cnp.ndarray>array):
                return False
        for j in range(o.loop.inputs + k):
            other = <cnp.ndarray>(o.inputs[j] if j < o.loop.inputs else o.outputs[j - o.loop.inputs])
            if not (are_apart(<cnp.ndarray>array, other)
                    or j < o.loop.inputs and is_same_place(<cnp.ndarray>array, other)):
                return False
        for j in range(o.loop.params):
            if cnp.PyArray_CheckExact(<object>o.params[j]) and half_overlap(<object>array, <object>o.params[j]):
                return False
    return True


cdef bint share_strides(const Operands *o) noexcept:
    """Whether the layout of a new result can be that of the first input: it is the layout of all."""
    cdef int k, axis
    for k in range(1, o.loop.inputs):
        for axis in range(cnp.PyArray_NDIM(<cnp.ndarray>o.inputs[0])):
            if cnp.PyArray_STRIDE(<cnp.ndarray>o.inputs[k], axis) != cnp.PyArray_STRIDE(<cnp.ndarray>o.inputs[0], axis):
                return False
    return True


cdef int run_contiguous(const Operands *o) except -1:
    cdef cnp.ndarray x = <cnp.ndarray>o.inputs[0]
    cdef cnp.npy_intp steps[MAX_OPERANDS]
    cdef cnp.npy_intp size = cnp.PyArray_SIZE(x)
    cdef char *args[MAX_OPERANDS]
    cdef double params[MAX_PARAMS]
    cdef int k, j = 0
    for k in range(o.loop.inputs):
        args[j] = cnp.PyArray_BYTES(<cnp.ndarray>o.inputs[k])
        steps[j] = cnp.PyArray_ITEMSIZE(x)
        j += 1
    for k in range(o.loop.params):
        params[k] = number_at(<object>o.params[k], 0)
        args[j] = <char *>&params[k]
        steps[j] = 0
        j += 1
    for k in range(o.loop.outputs):
        args[j] = cnp.PyArray_BYTES(<cnp.ndarray>o.outputs[k])
        steps[j] = cnp.PyArray_ITEMSIZE(x)
        j += 1
    if size < WORTH_RELEASING:
        drive(args, &size, steps, <void *>o.loop)
    else:
        with nogil:
            drive(args, &size, steps, <void *>o.loop)
    return 0


cdef int run_per_channel(const Operands *o) except -1:
    cdef cnp.ndarray x = <cnp.ndarray>o.inputs[0]
    cdef ChannelCall call
    cdef Channels channels
    cdef int k
    lay_out_channels(&channels, o.params, o.loop.params, x, o.axis)
    call.loop = o.loop
    call.channels = &channels
    call.itemsize = cnp.PyArray_ITEMSIZE(x)
    for k in range(o.loop.inputs):
        call.operands[k] = cnp.PyArray_BYTES(<cnp.ndarray>o.inputs[k])
    call.operands[o.loop.inputs] = cnp.PyArray_BYTES(<cnp.ndarray>o.outputs[0])
    with nogil:
        drive_channels(&call)
        free(channels.values)
    return 0


cdef int run_lattice(const Operands *o) except -1:
    cdef cnp.ndarray array
    cdef Lattice lattice
    cdef double params[MAX_PARAMS]
    cdef int k, axis, inputs = o.loop.inputs, first_output = o.loop.inputs + o.loop.params
    lattice.loop = o.loop
    for k in range(first_output + o.loop.outputs):
        if inputs <= k < first_output:
            params[k - inputs] = number_at(<object>o.params[k - inputs], 0)
            lattice.args[k] = <char *>&params[k - inputs]
            for axis in range(MAX_AXES):
                lattice.strides[k][axis] = 0
            continue
        array = <cnp.ndarray>(o.inputs[k] if k < inputs else o.outputs[k - first_output])
        lattice.args[k] = cnp.PyArray_BYTES(array)
        for axis in range(cnp.PyArray_NDIM(array)):
            lattice.strides[k][axis] = cnp.PyArray_STRIDE(array, axis)
    lay_out_lattice(&lattice, <cnp.ndarray>o.outputs[0])
    with nogil:
        drive_lattice(&lattice)
    return 0


# Set by the package. Dask refuses every ufunc of several results that it does not know by name.
take_over = None
mistake = None


cdef object long_way(object ufunc, PyObject **args, size_t flagged_count, PyObject *names):
    cdef Py_ssize_t k, given = PyVectorcall_NARGS(flagged_count)
    cdef bint large = False
    for k in range(given):
        large |= PyFloat_CheckExact(<object>args[k]) and c_fabs(PyFloat_AS_DOUBLE(<object>args[k])) > LARGEST_HALF
    try:
        if not large:
            return numpy_call(ufunc, args, flagged_count, names)
        # NumPy makes numbers follow the arrays' dtype, where they may overflow.
        with np.errstate(over="ignore"):
            return numpy_call(ufunc, args, flagged_count, names)
    except (TypeError, ValueError) as error:
        operands = [<object>args[k] for k in range(given)]
        keywords = {} if names == NULL else {name: <object>args[given + k] for k, name in enumerate(<object>names)}
        if (<cnp.ufunc>ufunc).nout > 1 and isinstance(error, TypeError) and not keywords and take_over is not None:
            found = take_over(ufunc, operands)
            if found is not None:
                return found
        clearer = None if mistake is None else mistake(ufunc, operands, keywords, error)
        if clearer is None:
            raise
        raise clearer from None


cdef object call_ufunc(object ufunc, PyObject **args, size_t flagged_count, PyObject *names):
    """What Python calls for ufunc(...)."""
    cdef Py_ssize_t given = PyVectorcall_NARGS(flagged_count)
    cdef Operands o
    cdef int k
    cdef bint short_way = given == (<cnp.ufunc>ufunc).nin and (names == NULL or PyTuple_GET_SIZE(<object>names) == 1)
    short_way = short_way and take_inputs(&o, ufunc, args)
    out = None
    if short_way and names != NULL:
        short_way = PyUnicode_CompareWithASCIIString(<object>PyTuple_GET_ITEM(<object>names, 0), b"out") == 0
        out = <object>args[given]
    if short_way and out is not None:
        short_way = take_outputs(&o, out)
    short_way = short_way and (o.contiguous or o.axis < 0 and (out is not None or share_strides(&o)))
    if not short_way or o.axis >= 0 and o.loop.outputs > 1:
        return long_way(ufunc, args, flagged_count, names)
    if out is None and o.loop.outputs == 1:
        out = empty_like(<cnp.ndarray>o.inputs[0])
        o.outputs[0] = <PyObject *>out
    elif out is None:
        out = tuple([empty_like(<cnp.ndarray>o.inputs[0]) for k in range(o.loop.outputs)])
        for k in range(o.loop.outputs):
            o.outputs[k] = PyTuple_GET_ITEM(out, k)
    if not o.contiguous:
        run_lattice(&o)
    elif o.axis >= 0:
        run_per_channel(&o)
    else:
        run_contiguous(&o)
    return <object>o.outputs[0] if o.loop.outputs == 1 else out


# ---- Sums -----------------------------------------------------------------------------------------------------

def run_plain_sum(term, tuple operands, tuple params):
    """The sum of `term`, a ufunc, over arrays of one shape, some perhaps 0-d; None where they are not plain."""
    cdef Sum sum
    cdef double result
    cdef double values[MAX_PARAMS]
    cdef cnp.ndarray array, largest = operands[0]
    cdef int k
    for array in operands:
        largest = array if cnp.PyArray_NDIM(array) else largest
    sum.data_type = b'd' if cnp.PyArray_TYPE(largest) == cnp.NPY_DOUBLE else b'f'
    if cnp.PyArray_SIZE(largest) == 0 or sum.data_type == b'f' and cnp.PyArray_TYPE(largest) != cnp.NPY_FLOAT:
        return None
    for k, array in enumerate(operands):
        if not is_plain(array, cnp.PyArray_TYPE(largest)) or cnp.PyArray_NDIM(array) and not same_shape(array, largest):
            return None
        sum.args[k] = cnp.PyArray_BYTES(array)
        sum.steps[k] = cnp.PyArray_ITEMSIZE(array) if cnp.PyArray_NDIM(array) else 0
    for k in range(len(params)):
        values[k] = params[k]
    sum.term = loop_for(term, cnp.NPY_DOUBLE)
    sum.beside = NULL
    sum.channels.size = sum.channels.inner = cnp.PyArray_SIZE(largest)
    sum.channels.count = 1
    sum.channels.values = values
    choose_run(&sum.channels)
    sum_all(&sum, &result)
    return result


def run_plain_learned(ufunc, term, grad, x, param, out):
    """The gradients of x and of a learned parameter, by two ufuncs; None where operands are not plain."""
    cdef Sum sum
    cdef PyObject *learned = <PyObject *>param
    cdef cnp.ndarray array, result
    cdef cnp.npy_intp *shape = NULL
    cdef cnp.npy_intp itemsize
    cdef status_t status
    cdef Py_ssize_t k
    cdef double *sums
    cdef int axis, dtype, dimensions = 0
    if not cnp.PyArray_CheckExact(x):
        return None
    array = x
    dtype = cnp.PyArray_TYPE(array)
    if (dtype != cnp.NPY_FLOAT and dtype != cnp.NPY_DOUBLE) or not is_plain(array, dtype):
        return None
    if cnp.PyArray_NDIM(array) == 0 or cnp.PyArray_SIZE(array) == 0 or not are_plain_params(&learned, 1, array, &axis):
        return None
    if type(grad) is float:
        if dtype == cnp.NPY_FLOAT and c_fabs(<double>grad) > FLT_MAX:
            return None
        grad = np.array(grad, array.dtype)
    if not (is_plain(grad, dtype) and (cnp.PyArray_NDIM(<cnp.ndarray>grad) == 0 or same_shape(grad, array))):
        return None
    if not PyFloat_Check(param):
        dimensions = cnp.PyArray_NDIM(<cnp.ndarray>param)
        shape = cnp.PyArray_DIMS(<cnp.ndarray>param)
    if out is None:
        out = empty_like(array)
    elif not (is_plain(out, dtype) and cnp.PyArray_ISWRITEABLE(<cnp.ndarray>out) and same_shape(out, array)
              and not half_overlap(out, array) and not half_overlap(out, grad)
              and (PyFloat_Check(param) or not half_overlap(out, param))):
        return None
    result = cnp.PyArray_EMPTY(dimensions, shape, dtype, 0)
    itemsize = cnp.PyArray_ITEMSIZE(array)
    sum.term = loop_for(term, cnp.NPY_DOUBLE)
    sum.beside = loop_for(ufunc, dtype)
    sum.data_type = sum.beside.data_type
    sum.args[0] = cnp.PyArray_BYTES(<cnp.ndarray>grad)
    sum.steps[0] = 0 if cnp.PyArray_NDIM(<cnp.ndarray>grad) == 0 else itemsize
    sum.args[1] = cnp.PyArray_BYTES(array)
    sum.args[2] = cnp.PyArray_BYTES(<cnp.ndarray>out)
    sum.steps[1] = sum.steps[2] = itemsize
    lay_out_channels(&sum.channels, &learned, 1, array, axis)
    sums = <double *>malloc(sum.channels.count * sizeof(double))
    try:
        if sums == NULL:
            raise MemoryError()
        sum_all(&sum, sums)
        status = status_save()
        for k in range(sum.channels.count):
            if dtype == cnp.NPY_DOUBLE:
                (<double *>cnp.PyArray_DATA(result))[k] = sums[k]
            else:
                (<float *>cnp.PyArray_DATA(result))[k] = <float>sums[k]
        status_restore(status)
    finally:
        free(sum.channels.values)
        free(sums)
    return out, result if dimensions else result[()]
