# Memory for large results. A new one costs more than what is computed into it: the kernel clears every page first.
#
# Results of LARGE bytes or more come from a NumPy allocator that keeps the memory of the last ones freed, up to a
# limit, and tells the system that it may have the pages back (MADV_FREE): it takes them when it runs short, and until
# then the next result of that size finds them as they were. A lock that is taken is not waited for: the memory is
# then allocated or freed as everywhere.

from cpython.object cimport PyObject

cdef extern from *:
    """
    #if defined(__linux__)
    #include <malloc.h>
    #include <stdlib.h>
    #include <sys/mman.h>
    #endif
    #if defined(__linux__) && defined(MADV_FREE) && defined(MADV_HUGEPAGE)
    #define HUGE_PAGE ((size_t)1 << 21)
    enum { KEPT = 4 };
    static struct { void *block; size_t size; } kept[KEPT];
    static size_t kept_bytes = 0, most_kept_bytes = 0;
    static int next_kept = 0;
    static char kept_lock = 0;

    /* What is kept goes, where there is no room for a result beside it. */
    static void drop_kept(void) {
        void *dropped[KEPT] = {NULL};
        if (__atomic_test_and_set(&kept_lock, __ATOMIC_ACQUIRE))
            return;
        for (int k = 0; k < KEPT; k++) {
            dropped[k] = kept[k].block;
            kept[k].block = NULL;
        }
        kept_bytes = 0;
        __atomic_clear(&kept_lock, __ATOMIC_RELEASE);
        for (int k = 0; k < KEPT; k++)
            free(dropped[k]);
    }

    static void *aligned(size_t size) {
        void *block = NULL;
        return posix_memalign(&block, HUGE_PAGE, size) == 0 ? block : NULL;
    }

    static void *large_malloc(void *context, size_t size) {
        void *block = NULL;
        if (size <= most_kept_bytes && !__atomic_test_and_set(&kept_lock, __ATOMIC_ACQUIRE)) {
            for (int k = 0; k < KEPT && block == NULL; k++)
                if (kept[k].block != NULL && kept[k].size >= size && kept[k].size - size < size / 8 + HUGE_PAGE) {
                    block = kept[k].block;
                    kept_bytes -= kept[k].size;
                    kept[k].block = NULL;
                }
            __atomic_clear(&kept_lock, __ATOMIC_RELEASE);
        }
        if (block != NULL)
            return block;
        block = aligned(size);
        if (block == NULL) {
            drop_kept();
            block = aligned(size);
        }
        if (block != NULL)
            madvise(block, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
        return block;
    }

    static void large_free(void *context, void *block, size_t bytes) {
        /* Not the size that NumPy tells: the block may have been a larger one's. */
        const size_t size = block == NULL ? 0 : malloc_usable_size(block);
        void *dropped[KEPT] = {block};
        if (size >= HUGE_PAGE && size <= most_kept_bytes && (size_t)block % HUGE_PAGE == 0
                && madvise(block, size / HUGE_PAGE * HUGE_PAGE, MADV_FREE) == 0
                && !__atomic_test_and_set(&kept_lock, __ATOMIC_ACQUIRE)) {
            /* Places are filled in a circle, so that what has lain longest goes first. */
            dropped[0] = NULL;
            for (int k = 0; k < KEPT; k++) {
                next_kept = (next_kept + 1) % KEPT;
                if (kept[next_kept].block == NULL && kept_bytes + size <= most_kept_bytes)
                    break;
                if (kept[next_kept].block != NULL) {
                    dropped[k] = kept[next_kept].block;
                    kept_bytes -= kept[next_kept].size;
                    kept[next_kept].block = NULL;
                    if (kept_bytes + size <= most_kept_bytes)
                        break;
                }
            }
            kept[next_kept].block = block;
            kept[next_kept].size = size;
            kept_bytes += size;
            __atomic_clear(&kept_lock, __ATOMIC_RELEASE);
        }
        for (int k = 0; k < KEPT; k++)
            free(dropped[k]);
    }

    static void *large_calloc(void *context, size_t count, size_t size) { return calloc(count, size); }
    static void *large_realloc(void *context, void *block, size_t size) { return realloc(block, size); }
    static PyDataMem_Handler large_results = {
        "actfn", 1, {NULL, large_malloc, large_calloc, large_realloc, large_free}};
    static PyObject *handler_of_large_results(void) { return PyCapsule_New(&large_results, "mem_handler", NULL); }
    static void keep_bytes(size_t most) { most_kept_bytes = most; }
    #else
    static PyObject *handler_of_large_results(void) { Py_RETURN_NONE; }
    static void keep_bytes(size_t most) { (void)most; }
    #endif
    """
    object handler_of_large_results()
    void keep_bytes(size_t most)

cdef extern from "numpy/arrayobject.h":
    object PyArray_NewLikeArray(cnp.ndarray prototype, cnp.NPY_ORDER order, void *descr, int subok)
    object PyDataMem_SetHandler(object handler)
    PyObject *PyDataMem_DefaultHandler

cdef enum:
    LARGE = 1 << 25         # what the C library keeps by itself is smaller than this, and needs no system call

cdef object large_handler = handler_of_large_results()


cdef object empty_like(cnp.ndarray array):
    """A new array of its dtype and shape, in the order of its axes in memory."""
    if cnp.PyArray_NBYTES(array) >= LARGE and large_handler is not None:
        usual = PyDataMem_SetHandler(large_handler)
        try:
            if <PyObject *>usual == PyDataMem_DefaultHandler:
                return PyArray_NewLikeArray(array, cnp.NPY_KEEPORDER, NULL, 0)
        finally:
            PyDataMem_SetHandler(usual)
    if not cnp.PyArray_IS_C_CONTIGUOUS(array):
        return PyArray_NewLikeArray(array, cnp.NPY_KEEPORDER, NULL, 0)
    return cnp.PyArray_EMPTY(cnp.PyArray_NDIM(array), cnp.PyArray_DIMS(array), cnp.PyArray_TYPE(array), 0)


def keep_memory(size_t most) -> None:
    """How many bytes of freed results are kept for the next ones."""
    keep_bytes(most)
