# The short way into a ufunc: NumPy's own costs several times what a small array needs.
#
# a) A ufunc object holds the address of the function that Python calls; `register` puts call_ufunc there.
# b) call_ufunc knows one case: arrays of one float dtype and one shape, contiguous, native and aligned, parameters
#    that are numbers, and at most an `out` of the same kind. Whatever else comes goes on to NumPy untouched, and
#    nothing has been written by then.

from cpython.object cimport PyObject
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
    double PyFloat_AS_DOUBLE(object number)

cdef enum:
    WORTH_RELEASING = 1000      # elements from which on other Python threads may run meanwhile


cdef inline bint is_plain(object array, int dtype) noexcept:
    return (cnp.PyArray_CheckExact(array) and cnp.PyArray_TYPE(<cnp.ndarray>array) == dtype
            and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>array))


cdef inline bint same_shape(object a, object b) noexcept:
    return cnp.PyArray_SAMESHAPE(<cnp.ndarray>a, <cnp.ndarray>b)


cdef bint half_overlap(object a, object b) noexcept:
    cdef char *p = cnp.PyArray_BYTES(a)
    cdef char *q = cnp.PyArray_BYTES(b)
    cdef bint same = p == q and cnp.PyArray_NBYTES(a) == cnp.PyArray_NBYTES(b)
    return not same and p < q + cnp.PyArray_NBYTES(b) and q < p + cnp.PyArray_NBYTES(a)


cdef object empty_like(object array):
    return cnp.PyArray_EMPTY(cnp.PyArray_NDIM(array), cnp.PyArray_DIMS(array), cnp.PyArray_TYPE(<cnp.ndarray>array), 0)


cdef inline const Loop *loop_for(object ufunc, int dtype) noexcept:
    """The loop for data of the dtype and double parameters; NULL if there is none."""
    cdef char wanted = b'f' if dtype == cnp.NPY_FLOAT else b'd' if dtype == cnp.NPY_DOUBLE else b'e'
    cdef const Loop *loop
    cdef int k
    if dtype == cnp.NPY_FLOAT or dtype == cnp.NPY_DOUBLE or dtype == cnp.NPY_FLOAT16:
        for k in range((<cnp.ufunc>ufunc).ntypes):
            loop = <const Loop *>(<cnp.ufunc>ufunc).data[k]
            if loop.data_type == wanted and loop.param_type == b'd':
                return loop
    return NULL


cdef object call_ufunc(object ufunc, PyObject **args, size_t flagged_count, PyObject *names):
    """What Python calls for ufunc(...)."""
    cdef Py_ssize_t given = PyVectorcall_NARGS(flagged_count), nin = (<cnp.ufunc>ufunc).nin
    cdef char *operands[MAX_OPERANDS]
    cdef cnp.npy_intp steps[MAX_OPERANDS]
    cdef double params[MAX_PARAMS]
    cdef cnp.npy_intp size
    cdef const Loop *loop
    cdef int k, dtype
    cdef bint plain = given == nin and (names == NULL or PyTuple_GET_SIZE(<object>names) == 1)
    if not plain or not cnp.PyArray_CheckExact(<object>args[0]) or cnp.PyArray_NDIM(<object>args[0]) == 0:
        return numpy_call(ufunc, args, flagged_count, names)
    dtype = cnp.PyArray_TYPE(<object>args[0])
    loop = loop_for(ufunc, dtype)
    if loop == NULL or loop.outputs != 1:
        return numpy_call(ufunc, args, flagged_count, names)
    for k in range(loop.inputs):
        plain = plain and is_plain(<object>args[k], dtype) and same_shape(<object>args[k], <object>args[0])
        if plain:
            operands[k] = cnp.PyArray_BYTES(<object>args[k])
            steps[k] = cnp.PyArray_ITEMSIZE(<object>args[0])
    for k in range(loop.params):
        plain = plain and PyFloat_Check(<object>args[loop.inputs + k])
        if plain:
            params[k] = PyFloat_AS_DOUBLE(<object>args[loop.inputs + k])
            operands[loop.inputs + k] = <char *>&params[k]
            steps[loop.inputs + k] = 0
    out = None
    if plain and names != NULL:
        plain = PyUnicode_CompareWithASCIIString(<object>PyTuple_GET_ITEM(<object>names, 0), b"out") == 0
        out = <object>args[given]
        if plain and out is not None:
            plain = (is_plain(out, dtype) and cnp.PyArray_ISWRITEABLE(out) and same_shape(out, <object>args[0]))
            for k in range(loop.inputs):
                plain = plain and not half_overlap(out, <object>args[k])
    if not plain:
        return numpy_call(ufunc, args, flagged_count, names)
    if out is None:
        out = empty_like(<object>args[0])
    operands[nin] = cnp.PyArray_BYTES(out)
    steps[nin] = steps[0]
    size = cnp.PyArray_SIZE(out)
    if size < WORTH_RELEASING:
        drive(operands, &size, steps, <void *>loop)
    else:
        with nogil:
            drive(operands, &size, steps, <void *>loop)
    return out
