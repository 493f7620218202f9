# float16 or bfloat16 in memory, float32 in the kernels.

from libc.string cimport memcpy

cdef extern from *:
    """
    #if defined(__F16C__)
    #include <immintrin.h>
    #define HAVE_F16C 1

    /* Eight at a time; n is a multiple of 8. */
    static void widen(float *to, const unsigned short *from, Py_ssize_t n) {
        Py_ssize_t i = 0;
    #if defined(__AVX512F__)
        for (; i + 16 <= n; i += 16)
            _mm512_storeu_ps(to + i, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(from + i))));
    #endif
        for (; i < n; i += 8)
            _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(from + i))));
    }
    static void narrow(unsigned short *to, const float *from, Py_ssize_t n) {
        Py_ssize_t i = 0;
    #if defined(__AVX512F__)
        for (; i + 16 <= n; i += 16)
            _mm256_storeu_si256((__m256i *)(to + i),
                                _mm512_cvtps_ph(_mm512_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
    #endif
        for (; i < n; i += 8)
            _mm_storeu_si128((__m128i *)(to + i),
                             _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
    }
    #else
    #define HAVE_F16C 0
    static void widen(float *to, const unsigned short *from, Py_ssize_t n) {}
    static void narrow(unsigned short *to, const float *from, Py_ssize_t n) {}
    #endif
    """
    const bint HAVE_F16C
    void widen(float *to, const unsigned short *source, Py_ssize_t n) nogil
    void narrow(unsigned short *to, const float *source, Py_ssize_t n) nogil

cdef enum:
    HALVES = 256        # as many as a block has


cdef inline float float_from_half(unsigned short half) noexcept nogil:
    cdef unsigned int shifted = (<unsigned int>half & 0x7FFF) << 13
    # Multiplying by 2^112 moves the exponent's bias and makes subnormals normal; infinities and NaN keep theirs.
    cdef float value = float_from_bits(shifted) * <float>5.192296858534828e33
    cdef unsigned int bits = bits_from_float(value) if shifted < 0x0F800000 else (shifted | 0x7F800000)
    return float_from_bits(bits | (<unsigned int>half & 0x8000) << 16)


cdef inline unsigned short half_from_float(float x) noexcept nogil:
    cdef unsigned int bits = bits_from_float(x), a = bits & 0x7FFFFFFF
    # Round to nearest even: by adding to the bits, or for subnormal results by adding 0.5, whose ULP is theirs.
    cdef unsigned int normal = ((a + 0xFFF + ((a >> 13) & 1)) >> 13) - 0x1C000
    cdef unsigned int tiny = bits_from_float(float_from_bits(a) + <float>0.5) - 0x3F000000
    cdef unsigned int half = tiny if a < 0x38800000 else normal
    half = 0x7C00 if a >= 0x477FF000 else half
    half = (0x7E00 | (a >> 13 & 0x3FF)) if a > 0x7F800000 else half
    return <unsigned short>(half | (bits >> 16 & 0x8000))


cdef inline Py_ssize_t convertible(Py_ssize_t step, Py_ssize_t count) noexcept nogil:
    """How many float16 the processor can convert where they lie."""
    return count // 8 * 8 if HAVE_F16C and step == sizeof(short) else 0


cdef void load_halves(float *buffer, const char *source, Py_ssize_t step, Py_ssize_t count) noexcept nogil:
    """Up to HALVES of them, and zeros up to a multiple of 8."""
    cdef unsigned short halves[HALVES]
    cdef Py_ssize_t i, first = convertible(step, count), padded = (count + 7) // 8 * 8
    widen(buffer, <const unsigned short *>source, first)
    if first == padded:
        return
    for i in range(first, count):
        halves[i] = (<const unsigned short *>(source + i * step))[0]
    for i in range(count, padded):
        halves[i] = 0
    if HAVE_F16C:
        widen(buffer + first, halves + first, padded - first)
    else:
        for i in range(padded):
            buffer[i] = float_from_half(halves[i])


cdef void store_halves(char *target, Py_ssize_t step, const float *buffer, Py_ssize_t count) noexcept nogil:
    """The buffer has room for a multiple of 8."""
    cdef unsigned short halves[HALVES]
    cdef Py_ssize_t i, first = convertible(step, count), padded = (count + 7) // 8 * 8
    narrow(<unsigned short *>target, buffer, first)
    if first == padded:
        return
    if HAVE_F16C:
        narrow(halves + first, buffer + first, padded - first)
    else:
        for i in range(padded):
            halves[i] = half_from_float(buffer[i])
    for i in range(first, count):
        (<unsigned short *>(target + i * step))[0] = halves[i]


# ---- bfloat16 -------------------------------------------------------------------------------------------------
# The upper half of a float32. Integers round, because the processor's own conversion flushes subnormals.

cdef inline unsigned short brain_from_float(float x) noexcept nogil:
    cdef unsigned int bits = bits_from_float(x), rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
    return <unsigned short>((bits >> 16 | 0x40) if (bits & 0x7FFFFFFF) > 0x7F800000 else rounded)


cdef void load_brains(float *buffer, const char *source, Py_ssize_t step, Py_ssize_t count) noexcept nogil:
    cdef const unsigned short *brains = <const unsigned short *>source
    cdef Py_ssize_t i
    if step == sizeof(short):
        for i in range(count):
            buffer[i] = float_from_bits(<unsigned int>brains[i] << 16)
    else:
        for i in range(count):
            buffer[i] = float_from_bits(<unsigned int>(<const unsigned short *>(source + i * step))[0] << 16)


cdef void store_brains(char *target, Py_ssize_t step, const float *buffer, Py_ssize_t count) noexcept nogil:
    cdef unsigned short *brains = <unsigned short *>target
    cdef Py_ssize_t i
    if step == sizeof(short):
        for i in range(count):
            brains[i] = brain_from_float(buffer[i])
    else:
        for i in range(count):
            (<unsigned short *>(target + i * step))[0] = brain_from_float(buffer[i])
