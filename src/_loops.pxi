# From scalars to ufuncs: one driver for every activation.
#
# a) A kernel is a plain loop over contiguous operands of one type; its length is always a multiple of LANES, so a
#    value meets the same vector instructions wherever it stands in an array.
# b) run_span feeds kernels. Contiguous operands go in as they are; everything else (strides, broadcasting, 16 bits,
#    parameters that vary, the last few elements) is staged through buffers of BLOCK elements on the stack.
# c) drive is the inner loop that NumPy calls. The lanes that a select throws away may raise floating-point flags
#    that NumPy would report, so it restores the flags it found. Rounding, flush-to-zero and traps are the processor's
#    usual ones meanwhile, whatever somebody has set.

from libc.stdlib cimport free, malloc
from cpython.pycapsule cimport PyCapsule_New
from cpython.ref cimport Py_INCREF
cimport numpy as cnp

import reprlib
import sys

import numpy as np

cnp.import_array()
cnp.import_ufunc()

cdef extern from "numpy/ufuncobject.h":
    int PyUFunc_AddPromoter(object ufunc, object dtypes, object promoter) except -1

cdef extern from *:
    """
    #if defined(__SSE2__) || defined(_M_X64)
    #include <xmmintrin.h>
    typedef unsigned status_t;
    static status_t status_save(void) {
        const status_t was = _mm_getcsr();
        if ((was & ~0x3Fu) != 0x1F80)   /* all but the flags */
            _mm_setcsr(0x1F80);
        return was;
    }
    static void status_restore(status_t was) { if (_mm_getcsr() != was) _mm_setcsr(was); }
    #else
    #include <fenv.h>
    typedef fenv_t status_t;
    static status_t status_save(void) { status_t was; fegetenv(&was); fesetenv(FE_DFL_ENV); return was; }
    static void status_restore(status_t was) { fesetenv(&was); }
    #endif
    """
    ctypedef unsigned int status_t
    status_t status_save() nogil
    void status_restore(status_t was) nogil

cdef enum:
    LANES = 16
    BLOCK = 256
    MAX_OPERANDS = 8
    MAX_PARAMS = 4

ctypedef Formula Kernel

cdef struct Loop:
    Kernel uniform      # takes one value per parameter
    Kernel varying      # takes an array of doubles per parameter, after the inputs and outputs
    int inputs
    int params
    int outputs
    char data_type      # 'e', 'b' for bfloat16, 'f' or 'd': inputs and outputs in memory; 16 bits compute as 'f'
    char param_type     # 'f' or 'd'
    Py_ssize_t grain    # fewest elements that are worth a thread
    Lanes lanes         # the loop over a table instead of `uniform`, or NULL
    Lookup *lookup      # its tables, one per output
    double defaults[MAX_PARAMS]     # the parameters that the table is for
    const Loop *wide    # for float data: the loop in double, for parameters that are not ordinary; or NULL


# ---- Staging --------------------------------------------------------------------------------------------------

cdef inline void gather(T *buffer, const char *source, Py_ssize_t step, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t i
    if step == sizeof(T):
        memcpy(buffer, source, count * sizeof(T))
    elif step == 2 * sizeof(T):
        # Every other element, known when compiled, is SIMD.
        for i in range(count):
            buffer[i] = (<const T *>source)[2 * i]
    elif step == 0:
        for i in range(count):
            buffer[i] = (<const T *>source)[0]
    else:
        for i in range(count):
            buffer[i] = (<const T *>(source + i * step))[0]


cdef inline void scatter(char *target, Py_ssize_t step, const T *buffer, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t i
    if step == sizeof(T):
        memcpy(target, buffer, count * sizeof(T))
    else:
        for i in range(count):
            (<T *>(target + i * step))[0] = buffer[i]


cdef void load(char data_type, char *buffer, const char *source, Py_ssize_t step, Py_ssize_t count) noexcept nogil:
    """`count` elements into the buffer, then copies of the last one up to a multiple of LANES."""
    cdef Py_ssize_t i, padded = round_up(count, LANES)
    if data_type == b'd':
        gather(<double *>buffer, source, step, count)
        for i in range(count, padded):
            (<double *>buffer)[i] = (<double *>buffer)[count - 1]
        return
    if data_type == b'f':
        gather(<float *>buffer, source, step, count)
    elif data_type == b'e':
        load_halves(<float *>buffer, source, step, count)
    else:
        load_brains(<float *>buffer, source, step, count)
    for i in range(count, padded):
        (<float *>buffer)[i] = (<float *>buffer)[count - 1]


cdef void load_param(char param_type, double *buffer, const char *source, Py_ssize_t step,
                     Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t i
    if param_type == b'd':
        load(b'd', <char *>buffer, source, step, count)
        return
    if step == sizeof(float):
        for i in range(count):
            buffer[i] = (<const float *>source)[i]
    else:
        for i in range(count):
            buffer[i] = (<const float *>(source + i * step))[0]
    for i in range(count, round_up(count, LANES)):
        buffer[i] = buffer[count - 1]


cdef void store(char data_type, char *target, Py_ssize_t step, const char *buffer, Py_ssize_t count) noexcept nogil:
    if data_type == b'd':
        scatter(target, step, <const double *>buffer, count)
    elif data_type == b'f':
        scatter(target, step, <const float *>buffer, count)
    elif data_type == b'e':
        store_halves(target, step, <const float *>buffer, count)
    else:
        store_brains(target, step, <const float *>buffer, count)


# ---- The driver -----------------------------------------------------------------------------------------------

cdef Py_ssize_t run_direct(const Loop *loop, char **args, const cnp.npy_intp *steps, const double *params,
                           Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    """Run the kernel on the operands where they lie, if they are contiguous; how many elements were done."""
    cdef Py_ssize_t size = 8 if loop.data_type == b'd' else 4, whole = (stop - start) // LANES * LANES
    cdef void *at[MAX_OPERANDS]
    cdef int k, first_output = loop.inputs + loop.params
    if loop.data_type in (b'e', b'b') or whole == 0:
        return 0
    for k in range(loop.inputs):
        if steps[k] != size:
            return 0
        at[k] = args[k] + start * size
    for k in range(loop.outputs):
        if steps[first_output + k] != size:
            return 0
        at[loop.inputs + k] = args[first_output + k] + start * size
    run_uniform(loop, at, params, whole)
    return whole


cdef inline bint in_place(const Loop *loop, char **args) noexcept nogil:
    """Whether an output lies where an input does, or within LANES elements of one."""
    cdef int k, j, first_output = loop.inputs + loop.params
    cdef bint near = False
    for k in range(loop.inputs):
        for j in range(first_output, first_output + loop.outputs):
            near |= -8 * LANES < args[j] - args[k] < 8 * LANES
    return near


cdef inline bint tabled_for(const Loop *loop, const double *params) noexcept nogil:
    """Whether there is a table for these parameters."""
    cdef bint yes = loop.lanes != NULL
    cdef int k
    for k in range(loop.params if yes else 0):
        yes &= params[k] == loop.defaults[k]
    return yes


cdef bint ordinary(const double *params, Py_ssize_t n) noexcept nogil:
    """Whether two floats stand for each of n parameters: float has no exponent for an infinite or a tiny one."""
    cdef bint yes = True
    cdef Py_ssize_t i
    for i in range(n):
        yes &= (params[i] == 0.0) | ((c_fabs(params[i]) > 1e-18) & (c_fabs(params[i]) < 1e18))
    return yes


cdef void run_wide(const Loop *loop, Kernel kernel, void **at, const double *params, float *out,
                   Py_ssize_t n) noexcept nogil:
    """Float data through a kernel for double, a block at a time; a varying one is given one block."""
    cdef double buffers[MAX_OPERANDS][BLOCK]
    cdef void *blocks[MAX_OPERANDS]
    cdef Py_ssize_t start, count, i
    cdef int k
    for k in range(loop.inputs + 1):
        blocks[k] = buffers[k]
    if params == NULL:
        for k in range(loop.inputs + 1, loop.inputs + 1 + loop.params):
            blocks[k] = at[k]
    for start in range(0, n, 256):
        count = n - start if n - start < BLOCK else BLOCK
        for k in range(loop.inputs):
            load_param(b'f', buffers[k], <char *>at[k] + start * sizeof(float), sizeof(float), count)
        kernel(blocks, params, count)
        for i in range(count):
            out[start + i] = <float>buffers[loop.inputs][i]


cdef inline void run_uniform(const Loop *loop, void **at, const double *params, Py_ssize_t n) noexcept nogil:
    if tabled_for(loop, params):
        loop.lanes(loop.lookup, loop.uniform, params, at, n)
    elif loop.wide == NULL or ordinary(params, loop.params):
        loop.uniform(at, params, n)
    else:
        run_wide(loop, loop.wide.uniform, at, params, <float *>at[loop.inputs], n)


cdef void run_varying(const Loop *loop, void **at, Py_ssize_t n) noexcept nogil:
    """Parameters per element. A value meets the formula that it would meet if all had its parameters."""
    cdef float by_table[BLOCK]
    cdef float by_double[BLOCK]
    cdef void *out = at[loop.inputs]
    cdef double params[MAX_PARAMS]
    cdef Py_ssize_t i
    cdef int k
    cdef bint strays = False, stray
    loop.varying(at, NULL, n)
    if loop.wide != NULL:
        for k in range(loop.params):
            strays |= not ordinary(<double *>at[loop.inputs + loop.outputs + k], n)
    if strays:
        run_wide(loop, loop.wide.varying, at, NULL, by_double, n)
    if loop.lanes != NULL:
        at[loop.inputs] = by_table
        loop.lanes(loop.lookup, loop.uniform, loop.defaults, at, n)
        at[loop.inputs] = out
    if not strays and loop.lanes == NULL:
        return
    for i in range(n):
        stray = False
        for k in range(loop.params):
            params[k] = (<double *>at[loop.inputs + loop.outputs + k])[i]
            stray |= not ordinary(&params[k], 1)
        if tabled_for(loop, params):
            (<float *>out)[i] = by_table[i]
        elif stray:
            (<float *>out)[i] = by_double[i]


cdef void run_span(const Loop *loop, char **args, const cnp.npy_intp *steps, Py_ssize_t start, Py_ssize_t stop,
                   bint staged) noexcept nogil:
    """Elements start ... stop - 1; staged throughout if asked for: a block is read before any of it is written."""
    cdef char buffers[MAX_OPERANDS][BLOCK * 8]
    cdef void *at[MAX_OPERANDS]
    cdef double params[MAX_PARAMS]
    cdef bint uniform = True
    cdef int k, j, first_output = loop.inputs + loop.params
    cdef Py_ssize_t count
    for k in range(loop.params):
        j = loop.inputs + k
        params[k] = one_param(loop.param_type, args[j] + start * steps[j])
        uniform = uniform and (steps[j] == 0 or stop - start == 1)
    if uniform and not staged:
        count = run_direct(loop, args, steps, params, start, stop)
        start += count
        if 0 < count and start < stop and not in_place(loop, args):
            # The last few together with some that are done: computed twice is cheaper than staged.
            start = stop - LANES + run_direct(loop, args, steps, params, stop - LANES, stop)
    for k in range(loop.inputs + loop.outputs + loop.params):
        at[k] = buffers[k]
    while start < stop:
        count = stop - start if stop - start < BLOCK else BLOCK
        for k in range(loop.inputs):
            load(loop.data_type, buffers[k], args[k] + start * steps[k], steps[k], count)
        if uniform:
            run_uniform(loop, at, params, round_up(count, LANES))
        else:
            for k in range(loop.params):
                j = loop.inputs + k
                load_param(loop.param_type, <double *>buffers[j + loop.outputs],
                           args[j] + start * steps[j], steps[j], count)
            run_varying(loop, at, round_up(count, LANES))
        for k in range(loop.outputs):
            j = first_output + k
            store(loop.data_type, args[j] + start * steps[j], steps[j], buffers[loop.inputs + k], count)
        start += count


cdef inline double one_param(char param_type, const char *source) noexcept nogil:
    return (<const double *>source)[0] if param_type == b'd' else (<const float *>source)[0]


cdef struct Call:
    const Loop *loop
    char **args
    const cnp.npy_intp *steps


cdef void run_call(const void *context, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    cdef const Call *call = <const Call *>context
    run_span(call.loop, call.args, call.steps, start, stop, False)


cdef inline Py_ssize_t size_of(char kind) noexcept nogil:
    return 8 if kind == b'd' else 4 if kind == b'f' else 2


cdef inline bint collide(const char *a, Py_ssize_t step_a, Py_ssize_t size_a, const char *b, Py_ssize_t step_b,
                         Py_ssize_t size_b, Py_ssize_t n) noexcept nogil:
    """Whether n elements, some steps apart, may share memory with n others; not if each is the other itself."""
    cdef Py_ssize_t reach_a = step_a * (n - 1), reach_b = step_b * (n - 1), apart
    if a == b and step_a == step_b and step_a != 0:
        return False
    if (a + (reach_a if reach_a > 0 else 0) + size_a <= b + (reach_b if reach_b < 0 else 0)
            or b + (reach_b if reach_b > 0 else 0) + size_b <= a + (reach_a if reach_a < 0 else 0)):
        return False
    if step_a != step_b or step_a == 0:
        return True
    # Neither do they if each falls between two of the others.
    step_a = step_a if step_a > 0 else -step_a
    apart = (b - a) % step_a
    apart = apart + step_a if apart < 0 else apart
    return not size_a <= apart <= step_a - size_b


cdef inline Py_ssize_t safe_ahead(const Loop *loop, char **args, const cnp.npy_intp *steps,
                                  Py_ssize_t n) noexcept nogil:
    """How many elements may be read before the first of them is written.

    NumPy copies nothing where every element is read before it is written if all are taken one after the other, which
    threads do not. Its `reduce` and `accumulate` even read what was written just before.
    """
    cdef Py_ssize_t ahead = n, size = size_of(loop.data_type), step, last, offset
    cdef int k, j, first_output = loop.inputs + loop.params
    for j in range(first_output, first_output + loop.outputs):
        for k in range(first_output):
            if not collide(args[k], steps[k], size if k < loop.inputs else size_of(loop.param_type),
                           args[j], steps[j], size, n):
                continue
            step, last, offset = steps[k], steps[j], args[k] - args[j]
            if step < 0:
                step, last, offset = -step, -last, -offset
            if step == 0 or step < last or offset < 0:
                return 1
            ahead = BLOCK if BLOCK < ahead else ahead
    return ahead


cdef void drive(char **args, const cnp.npy_intp *dimensions, const cnp.npy_intp *steps, void *data) noexcept nogil:
    cdef const Loop *loop = <const Loop *>data
    cdef status_t status = status_save()
    cdef Py_ssize_t n = dimensions[0], ahead, start = 0
    cdef Call call
    cdef int threads = threads_for(n, loop.grain)
    ahead = safe_ahead(loop, args, steps, n) if n > 1 else n
    if ahead < n:
        while start < n:
            run_span(loop, args, steps, start, start + ahead if n - start > ahead else n, True)
            start += ahead
    elif threads > 1:
        call.loop = loop
        call.args = args
        call.steps = steps
        in_parallel(run_call, &call, n, BLOCK, threads)
    elif n > 0:
        run_span(loop, args, steps, 0, n, False)
    status_restore(status)


# ---- Registration ---------------------------------------------------------------------------------------------

ufuncs = {}
operand_names = {}


def names_of(ufunc):
    """The names of a ufunc's inputs and parameters."""
    return [name for part in operand_names[ufunc.__name__] for name in part]


FLOATS = (np.dtypes.Float16DType, np.dtypes.Float32DType, np.dtypes.Float64DType)
# The number that NumPy gave to bfloat16, once a call has met it. Dtypes that users make have -1.
cdef int bfloat16_number = -2
bfloat16_ufuncs = set()


def bfloat16():
    """The dtype of ml_dtypes where somebody has imported that, or None: nothing here imports it."""
    global bfloat16_number
    scalar = getattr(sys.modules.get("ml_dtypes"), "bfloat16", None)
    if scalar is None:
        return None
    dtype = np.dtype(scalar)
    bfloat16_number = dtype.num
    return dtype


def array_of(function, name, operand):
    """The operand as an array; an error of lists that are none names the function and the operand, as NumPy cannot."""
    try:
        return np.asarray(operand)
    except ValueError:
        if not isinstance(operand, (list, tuple)):
            raise
        got = reprlib.repr(operand)
        raise ValueError(f"{function}: {name} must be an array or lists of equal length, got {got}") from None


def float_dtype(function, operands):
    """The dtype a function computes in: that of float operands; float32 for bool and integers of up to 16 bits,
    float64 for wider ones; Python numbers follow the arrays. Anything else is a TypeError.

    `operands` pairs each operand's name with its DType class.
    """
    dtypes = []
    brain = bfloat16()
    for name, kind in operands:
        if kind.__name__ in ("_PyFloatDType", "_PyLongDType"):
            continue
        if kind not in FLOATS and kind is not type(brain) and np.dtype(kind.type).kind not in "biu":
            raise TypeError(f"{function}: {name} must hold float16, float32, float64, integers or bool, "
                            f"got {kind.__name__.removesuffix('DType').strip('_').lower()}")
        dtypes.append(np.dtype(kind.type))
    try:
        common = np.result_type(*dtypes) if dtypes else np.dtype(np.float64)
    except TypeError:
        # ml_dtypes knows nothing that holds both bfloat16 and float16, or integers of more than 8 bits.
        common = np.result_type(*[np.float32 if dtype == brain else dtype for dtype in dtypes])
    if common.kind == "f" or type(common) is type(brain):
        return common
    return np.dtype(np.float32 if common.itemsize <= 2 else np.float64)


cdef int promote(object ufunc, void **given, void **signature, void **chosen) except -1:
    """NumPy asks which loop to use for a mixture of dtypes that has none of its own."""
    cdef int k, count = ufunc.nargs, inputs = len(operand_names[ufunc.__name__][0])
    names = names_of(ufunc)
    wanted = <object>signature[count - 1] if signature[count - 1] != NULL else None
    operands = list(zip(names, [<object>given[k] for k in range(ufunc.nin)]))
    computed = type(float_dtype(ufunc.__name__, operands[:inputs]))
    float_dtype(ufunc.__name__, operands[inputs:])
    if wanted is not None:
        if wanted not in FLOATS and wanted is not type(bfloat16()):
            raise TypeError(f"{ufunc.__name__}: dtype must be float16, float32 or float64, "
                            f"got {wanted.__name__.removesuffix('DType').lower()}")
        computed = wanted
    if computed not in FLOATS:
        add_bfloat16(ufunc)
    for k in range(count):
        kind = np.dtypes.Float64DType if inputs <= k < ufunc.nin else computed
        Py_INCREF(kind)
        chosen[k] = <void *>kind
    return 0


cdef inline const Loop *bfloat16_loop(object ufunc) noexcept:
    """It lies behind those that NumPy knows; only a ufunc with a loop for float16 has one."""
    cdef const Loop *first = <const Loop *>(<cnp.ufunc>ufunc).data[0]
    return first + (<cnp.ufunc>ufunc).ntypes if first.data_type == b'e' else NULL


cdef int add_bfloat16(object ufunc) except -1:
    """Give NumPy the loop for bfloat16, whose number it has at run time only."""
    cdef const Loop *loop = bfloat16_loop(ufunc)
    cdef int types[MAX_OPERANDS]
    cdef int k
    if loop == NULL or ufunc.__name__ in bfloat16_ufuncs:
        return 0
    for k in range(ufunc.nargs):
        types[k] = cnp.NPY_DOUBLE if loop.inputs <= k < ufunc.nin else bfloat16_number
    cnp.PyUFunc_RegisterLoopForType(ufunc, bfloat16_number, drive, types, <void *>loop)
    bfloat16_ufuncs.add(ufunc.__name__)
    return 0


cdef char *permanent(bytes text) except NULL:
    """A copy that is never freed: NumPy keeps pointers into a ufunc's name and tables for ever."""
    cdef char *copy = <char *>malloc(len(text) + 1)
    if copy == NULL:
        raise MemoryError()
    memcpy(copy, <char *>text, len(text) + 1)
    return copy


cdef int register(str name, tuple inputs, dict params, int outputs, Py_ssize_t grain, double segment,
                  Kernel uniform_float, Kernel varying_float,
                  Kernel uniform_double, Kernel varying_double) except -1:
    """Make the ufunc `name`. Without float kernels it has a float64 loop only.

    `params` holds the defaults. With a width of `segment`, float results at default parameters come from a table.
    """
    cdef status_t status
    kinds = [] if uniform_float == NULL else [("e", "d"), ("f", "d")] + ([("f", "f")] if params else [])
    kinds.append(("d", "d"))
    cdef Loop *loops = <Loop *>malloc((len(kinds) + 1) * sizeof(Loop))
    cdef void **data = <void **>malloc(len(kinds) * sizeof(void *))
    cdef cnp.PyUFuncGenericFunction *functions = <cnp.PyUFuncGenericFunction *>malloc(
        len(kinds) * sizeof(cnp.PyUFuncGenericFunction))
    if loops == NULL or data == NULL or functions == NULL:
        raise MemoryError()
    types = b""
    for k, (data_type, param_type) in enumerate(kinds):
        loops[k].uniform = uniform_float
        loops[k].varying = varying_float
        if data_type == "d":
            loops[k].uniform = uniform_double
            loops[k].varying = varying_double
        loops[k].inputs = len(inputs)
        loops[k].params = len(params)
        loops[k].outputs = outputs
        loops[k].data_type = ord(data_type)
        loops[k].param_type = ord(param_type)
        loops[k].grain = grain
        loops[k].lanes = NULL
        loops[k].wide = &loops[len(kinds) - 1] if params and data_type != "d" else NULL
        if segment and data_type != "d":
            for j, default in enumerate(params.values()):
                loops[k].defaults[j] = default
            loops[k].lookup = <Lookup *>malloc(outputs * sizeof(Lookup))
            if loops[k].lookup == NULL:
                raise MemoryError()
            status = status_save()
            loops[k].lanes = make_lookups(loops[k].lookup, uniform_double, loops[k].defaults, inputs[0] == "grad",
                                          len(inputs), outputs, segment)
            status_restore(status)
        data[k] = &loops[k]
        functions[k] = drive
        types += bytes([np.dtype(data_type).num] * len(inputs) + [np.dtype(param_type).num] * len(params)
                       + [np.dtype(data_type).num] * outputs)
    if uniform_float != NULL:
        loops[len(kinds)] = loops[1]
        loops[len(kinds)].data_type = b'b'
    ufunc = cnp.PyUFunc_FromFuncAndData(
        functions, data, permanent(types), len(kinds), len(inputs) + len(params), outputs,
        cnp.PyUFunc_None, permanent(name.encode()), b"", 0)
    operand_names[name] = (inputs, tuple(params))
    PyUFunc_AddPromoter(ufunc, (np.dtype,) * ufunc.nargs,
                        PyCapsule_New(<void *>promote, "numpy._ufunc_promoter", NULL))
    take_calls(ufunc, <void *>call_ufunc)
    ufuncs[name] = ufunc
    return 0


watch_threads()
