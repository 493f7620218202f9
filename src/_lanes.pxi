# Float results by table: the fast road of the smooth activations, on processors with AVX-512.
#
# a) The axis is cut into 32 segments. Each has a polynomial of degree 6, or 5 where that is as good, and the
#    coefficients of all 32 fit into two vector registers per degree, where one instruction (vpermt2ps) finds 16 of
#    them: no exponential and no division.
# b) Symmetry halves the work: where f(-x) follows from f(x), the segments lie on one side only.
# c) The value at the centre of a segment is kept as high + low, and what is added to it is at most a third of it:
#    the result is rounded little more than once. The error is measured at every float.
# d) Strays, that is inputs outside the segments, NaN, and factors that are infinite or tiny, take the formula.
#    A result never depends on its neighbours.
# e) No table is stored anywhere: it is computed at import, from the double kernel of the same function.

from libc.math cimport M_PI, cos

cdef extern from *:
    """
    enum { SEGMENTS = 32, DEGREE = 6, STRAYS = 256, TOGETHER = 1024 };

    /* How the other side follows from the side of the segments. */
    enum { WHOLE,           /* it does not: the segments lie on both sides of 0 */
           EVEN,            /* g(-x) = g(x) */
           COMPLEMENT,      /* g(-x) = 1 - g(x) */
           CONSTANT,        /* g is constant there */
           RAMP };          /* g(-x) = g(x) - x */

    /* What g is multiplied by: the result is g, x g or x^3 g, grad g or grad x^2 g, and of gated units value g,
       x value g or grad value g. Where grad stands for GRADIENT or SLOPE, g is a derivative and may have zeros.
       RESIDUAL is grad (g - target). */
    enum { ONE, INPUT, CUBE, GRADIENT, SQUARE, VALUE, PRODUCT, SLOPE, RESIDUAL };

    typedef struct Lookup Lookup;
    typedef void (*Formula)(void **operands, const double *params, Py_ssize_t n);
    typedef void (*Lanes)(const Lookup *lookup, Formula formula, const double *params, void **operands, Py_ssize_t n);

    struct Lookup {
        Lanes lanes;                    /* the loop that uses the table, or NULL */
        int inputs, outputs;            /* of the formula */
        int x, first, second, out;      /* operands: the input, what g is multiplied by, the result */
        float centre[SEGMENTS], high[SEGMENTS], slope[SEGMENTS], low[SEGMENTS], c[DEGREE][SEGMENTS];
        float per_unit;                 /* segments per unit of x */
        float reach;                    /* from this |x| on the formula is used */
        float other_high, other_low;    /* the constant */
        unsigned side;                  /* sign bit of the segments' side */
    };

    #if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__GNUC__)
    #include <immintrin.h>

    #define ROW(name, row) const __m512 name##_0 = _mm512_loadu_ps(row), name##_1 = _mm512_loadu_ps(row + 16)
    #define FIND(name) _mm512_permutex2var_ps(name##_0, k, name##_1)

    /* Elements that the table does not reach, collected until the formula is worth a call. */
    typedef struct {
        float x[STRAYS], first[STRAYS], second[STRAYS], exact[STRAYS], other[STRAYS];
        int place[STRAYS], count;
    } Strays;

    static void compute_strays(Strays *s, const Lookup *t, Formula formula, const double *params, float *out) {
        void *operands[5];
        int i, padded = (s->count + 15) & ~15;
        if (s->count == 0)
            return;
        for (i = s->count; i < padded; i++) {
            s->x[i] = s->x[0];
            s->first[i] = s->first[0];
            s->second[i] = s->second[0];
        }
        for (i = 0; i < t->inputs + t->outputs; i++)    /* an operand that makes no difference to this output */
            operands[i] = i < t->inputs ? s->x : s->other;
        operands[t->first] = s->first;
        operands[t->second] = s->second;
        operands[t->x] = s->x;
        operands[t->out] = s->exact;
        formula(operands, params, padded);
        for (i = 0; i < s->count; i++)
            out[s->place[i]] = s->exact[i];
        s->count = 0;
    }

    CYTHON_INLINE static void look_up(const Lookup *t, Formula formula, const double *params, void **at, Py_ssize_t n,
                                      int form, int factor, int degree) {
        const int zero = (factor == GRADIENT || factor == SLOPE) && form <= COMPLEMENT && form != EVEN;
        const int multiplied = factor >= GRADIENT, gated = factor >= VALUE;
        const int power = factor == CUBE || factor == SQUARE, two = factor >= PRODUCT;
        const int product = factor == PRODUCT || factor == SLOPE || power;
        const float *in = (const float *)at[t->x];
        const float *first = (const float *)at[t->first], *second = (const float *)at[t->second];
        float *out = (float *)at[t->out];
        const __m512 sign = _mm512_set1_ps(-0.0f), side = _mm512_castsi512_ps(_mm512_set1_epi32((int)t->side));
        const __m512 per_unit = _mm512_set1_ps(t->per_unit), reach = _mm512_set1_ps(t->reach);
        const __m512 rounder = _mm512_set1_ps(12582912.0f); /* 1.5 * 2^23: leaves the nearest integer in the low bits */
        const __m512 one = _mm512_set1_ps(1.0f), tiny = _mm512_set1_ps(1e-30f), zeros = _mm512_setzero_ps();
        const __m512 other_high = _mm512_set1_ps(t->other_high), other_low = _mm512_set1_ps(t->other_low);
        const __m512 infinite = _mm512_set1_ps(INFINITY), half = _mm512_set1_ps(0.5f);
        ROW(centre, t->centre); ROW(high, t->high); ROW(slope, t->slope); ROW(low, t->low);
        ROW(c1, t->c[0]); ROW(c2, t->c[1]); ROW(c3, t->c[2]); ROW(c4, t->c[3]); ROW(c5, t->c[4]); ROW(c6, t->c[5]);
        Strays strays;
        Py_ssize_t i, block = 0;
        strays.count = 0;
        for (i = 0; i < n; i += 16) {
            const __m512 x = _mm512_loadu_ps(in + i), m1 = multiplied ? _mm512_loadu_ps(first + i) : x;
            const __m512 m2 = two ? _mm512_loadu_ps(second + i) : power ? _mm512_mul_ps(x, x) : one;
            const __m512 m = product ? _mm512_mul_ps(m1, m2) : m1;
            const __m512 a = _mm512_andnot_ps(sign, x), p = form == WHOLE ? x : a;
            const __m512i k = _mm512_castps_si512(_mm512_fmadd_ps(p, per_unit, rounder));
            const __m512 r = _mm512_sub_ps(p, FIND(centre));
            const __mmask16 other = _mm512_cmp_ps_mask(_mm512_xor_ps(x, side), zeros, _CMP_LT_OQ);
            __mmask16 out_of_reach = _mm512_cmp_ps_mask(a, reach, _CMP_NLT_UQ);
            __m512 h = FIND(high), q = degree < DEGREE ? FIND(c5) : _mm512_fmadd_ps(FIND(c6), r, FIND(c5)), y;
            q = _mm512_fmadd_ps(q, r, FIND(c4));
            q = _mm512_fmadd_ps(q, r, FIND(c3));
            q = _mm512_fmadd_ps(q, r, FIND(c2));
            q = _mm512_fmadd_ps(q, _mm512_mul_ps(r, r), FIND(low));
            q = _mm512_fmadd_ps(FIND(c1), r, q);            /* g = h + q */
            if (zero) {                                     /* h + slope r as a sum and its error */
                const __m512 s = FIND(slope), sum = _mm512_mask3_fmadd_ps(s, r, h, form == WHOLE ? 0xFFFF : ~other);
                q = _mm512_add_ps(q, _mm512_fmadd_ps(s, r, _mm512_sub_ps(h, sum)));
                h = sum;
            }
            if (form == COMPLEMENT) {
                h = _mm512_mask_sub_ps(h, other, one, h);   /* exact */
                q = _mm512_mask_xor_ps(q, other, q, sign);
            }
            if (factor == RESIDUAL) {                       /* h - target as a sum and its error */
                const __m512 s = _mm512_sub_ps(h, m2), v = _mm512_sub_ps(s, h), left = _mm512_andnot_ps(sign, s);
                q = _mm512_add_ps(q, _mm512_sub_ps(_mm512_sub_ps(h, _mm512_sub_ps(s, v)), _mm512_add_ps(m2, v)));
                out_of_reach |= _mm512_cmp_ps_mask(left, infinite, _CMP_NLT_UQ)
                    | _mm512_cmp_ps_mask(left, _mm512_mul_ps(half, FIND(high)), _CMP_LT_OQ);    /* q is too short */
                h = s;
            }
            if (form == CONSTANT) {
                h = _mm512_mask_mov_ps(h, other, other_high);
                q = _mm512_mask_mov_ps(q, other, other_low);
            }
            if (form == RAMP) {                             /* x + h as a sum and its error */
                const __m512 line = _mm512_maskz_mov_ps(other, x), s = _mm512_add_ps(line, h);
                const __m512 v = _mm512_sub_ps(s, line);
                const __m512 lost = _mm512_add_ps(_mm512_sub_ps(line, _mm512_sub_ps(s, v)), _mm512_sub_ps(h, v));
                y = _mm512_add_ps(s, _mm512_add_ps(lost, q));
            } else if (factor == ONE)
                y = _mm512_add_ps(h, q);
            else if (product) {                             /* the product as m and its error */
                __m512 lost = _mm512_fmsub_ps(m1, m2, m);
                lost = power ? _mm512_fmadd_ps(m1, _mm512_fmsub_ps(x, x, m2), lost) : lost;
                y = _mm512_fmadd_ps(m, h, _mm512_fmadd_ps(m, q, _mm512_mul_ps(_mm512_add_ps(h, q), lost)));
            } else
                y = _mm512_fmadd_ps(m, h, _mm512_mul_ps(m, q));
            if (factor == INPUT || factor == CUBE)          /* zeros keep their sign */
                y = _mm512_or_ps(_mm512_andnot_ps(sign, y), _mm512_and_ps(sign, x));
            if (multiplied || power || (factor == INPUT && (form == WHOLE || form == CONSTANT))) {
                /* Next to the subnormals m q would round once more than the result. */
                const __m512 b = _mm512_andnot_ps(sign, m);
                const __mmask16 some = _mm512_cmp_ps_mask(b, zeros, _CMP_NEQ_UQ);
                out_of_reach |= _mm512_cmp_ps_mask(b, infinite, _CMP_NLT_UQ)
                    | _mm512_mask_cmp_ps_mask(some, b, tiny, _CMP_LT_OQ);
                if (factor == SQUARE)
                    out_of_reach |= _mm512_mask_cmp_ps_mask(_mm512_cmp_ps_mask(x, zeros, _CMP_NEQ_UQ), m2, tiny,
                                                            _CMP_LT_OQ);
                if (gated || factor == SQUARE)              /* zeros keep their sign here too */
                    y = _mm512_mask_mul_ps(y, ~some, m, h);
            }
            if (zero)                                       /* g is all in q there, and q is a float: too short */
                out_of_reach |= _mm512_cmp_ps_mask(h, zeros, _CMP_EQ_OQ);
            _mm512_storeu_ps(out + i, y);
            if (out_of_reach) {
                /* Compressed in a register: the instruction's form that writes to memory is slow on some processors. */
                const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
                const __m512i place = _mm512_add_epi32(_mm512_set1_epi32((int)(i - block)), lane);
                _mm512_storeu_ps(strays.x + strays.count, _mm512_maskz_compress_ps(out_of_reach, x));
                if (multiplied)
                    _mm512_storeu_ps(strays.first + strays.count, _mm512_maskz_compress_ps(out_of_reach, m1));
                if (two)
                    _mm512_storeu_ps(strays.second + strays.count, _mm512_maskz_compress_ps(out_of_reach, m2));
                _mm512_storeu_si512(strays.place + strays.count, _mm512_maskz_compress_epi32(out_of_reach, place));
                strays.count += __builtin_popcount(out_of_reach);
            }
            if (strays.count > STRAYS - 32 || i - block > 1 << 20) {
                compute_strays(&strays, t, formula, params, out + block);
                block = i + 16;
            }
        }
        compute_strays(&strays, t, formula, params, out + block);
    }

    #define LOOP_OF(form, factor, degree) \\
        static void lanes_##form##_##factor##_##degree(const Lookup *t, Formula formula, const double *params, \\
                                                       void **at, Py_ssize_t n) { \\
            look_up(t, formula, params, at, n, form, factor, degree); \\
        }
    #define LANES_OF(form, factor) LOOP_OF(form, factor, 5) LOOP_OF(form, factor, 6)
    LANES_OF(WHOLE, ONE) LANES_OF(EVEN, ONE) LANES_OF(COMPLEMENT, ONE) LANES_OF(CONSTANT, ONE) LANES_OF(RAMP, ONE)
    LANES_OF(WHOLE, INPUT) LANES_OF(EVEN, INPUT) LANES_OF(COMPLEMENT, INPUT) LANES_OF(CONSTANT, INPUT)
    LANES_OF(WHOLE, GRADIENT) LANES_OF(EVEN, GRADIENT) LANES_OF(COMPLEMENT, GRADIENT) LANES_OF(CONSTANT, GRADIENT)

    LANES_OF(EVEN, CUBE) LANES_OF(EVEN, SQUARE) LANES_OF(EVEN, SLOPE) LANES_OF(COMPLEMENT, VALUE)
    LANES_OF(COMPLEMENT, PRODUCT) LANES_OF(COMPLEMENT, SLOPE) LANES_OF(COMPLEMENT, RESIDUAL)

    static Lanes lanes_of(int form, int factor, int degree) {
        #define LANES(form, factor) {lanes_##form##_##factor##_5, lanes_##form##_##factor##_6}
        static const Lanes all[][9][2] = {
            [WHOLE] = {[ONE] = LANES(WHOLE, ONE), [INPUT] = LANES(WHOLE, INPUT), [GRADIENT] = LANES(WHOLE, GRADIENT)},
            [EVEN] = {[ONE] = LANES(EVEN, ONE), [INPUT] = LANES(EVEN, INPUT), [CUBE] = LANES(EVEN, CUBE),
                      [GRADIENT] = LANES(EVEN, GRADIENT), [SQUARE] = LANES(EVEN, SQUARE), [SLOPE] = LANES(EVEN, SLOPE)},
            [COMPLEMENT] = {[ONE] = LANES(COMPLEMENT, ONE), [INPUT] = LANES(COMPLEMENT, INPUT),
                            [GRADIENT] = LANES(COMPLEMENT, GRADIENT), [VALUE] = LANES(COMPLEMENT, VALUE),
                            [PRODUCT] = LANES(COMPLEMENT, PRODUCT), [SLOPE] = LANES(COMPLEMENT, SLOPE),
                            [RESIDUAL] = LANES(COMPLEMENT, RESIDUAL)},
            [CONSTANT] = {[ONE] = LANES(CONSTANT, ONE), [INPUT] = LANES(CONSTANT, INPUT),
                          [GRADIENT] = LANES(CONSTANT, GRADIENT)},
            [RAMP] = {[ONE] = LANES(RAMP, ONE)}};
        return all[form][factor][degree - 5];
    }
    #else
    static Lanes lanes_of(int form, int factor, int degree) { return NULL; }
    #endif

    /* Two outputs, a table each: block by block, so that the inputs come from the cache the second time. An output may
       lie where an input does, so the first waits until the second is there. */
    static void look_up_both(const Lookup *t, Formula formula, const double *params, void **at, Py_ssize_t n) {
        const int operands = t->inputs + 2;
        float results[TOGETHER];
        void *part[5];
        Py_ssize_t i, count;
        int k;
        for (i = 0; i < n; i += TOGETHER) {
            count = n - i < TOGETHER ? n - i : TOGETHER;
            for (k = 0; k < operands; k++)
                part[k] = (float *)at[k] + i;
            part[t[0].out] = results;
            t[0].lanes(&t[0], formula, params, part, count);
            part[t[0].out] = (float *)at[t[0].out] + i;
            t[1].lanes(&t[1], formula, params, part, count);
            memcpy(part[t[0].out], results, count * sizeof(float));
        }
    }
    """
    enum:
        SEGMENTS
        DEGREE
        WHOLE
        EVEN
        COMPLEMENT
        CONSTANT
        RAMP
        ONE
        INPUT
        CUBE
        GRADIENT
        SQUARE
        VALUE
        PRODUCT
        SLOPE
        RESIDUAL
    ctypedef void (*Formula)(void **operands, const double *params, Py_ssize_t n) noexcept nogil
    ctypedef struct Lookup
    ctypedef void (*Lanes)(const Lookup *lookup, Formula formula, const double *params, void **operands,
                           Py_ssize_t n) noexcept nogil
    ctypedef struct Lookup:
        Lanes lanes
        int inputs
        int outputs
        int x
        int first
        int second
        int out
        float centre[32]
        float high[32]
        float slope[32]
        float low[32]
        float c[6][32]
        float per_unit
        float reach
        float other_high
        float other_low
        unsigned int side
    Lanes lanes_of(int form, int factor, int degree) nogil
    void look_up_both(const Lookup *lookups, Formula formula, const double *params, void **operands,
                      Py_ssize_t n) noexcept nogil


# ---- Making a table -------------------------------------------------------------------------------------------

cdef struct Subject:
    Formula formula             # in double
    const double *params
    const Lookup *lookup        # which operand is what
    int factor
    double side                 # -1 or 1: x = side * a
    double width                # of a segment


cdef void tabled(const Subject *f, const double *a, int count, double *g) noexcept nogil:
    """g, the function without its factor, at up to 16 points."""
    cdef double ones[16]
    cdef double zeros[16]
    cdef double x[16]
    cdef double y[16]
    cdef double other[16]
    cdef void *at[5]
    cdef int i
    for i in range(16):
        ones[i] = 1.0
        zeros[i] = 0.0
        x[i] = f.side * a[i if i < count else 0]
        x[i] = 1e-30 if x[i] == 0.0 else x[i]
    for i in range(f.lookup.inputs + f.lookup.outputs):
        at[i] = <void *>ones if i < f.lookup.inputs else <void *>other
    if f.factor == RESIDUAL:
        at[f.lookup.second] = <void *>zeros
    at[f.lookup.x] = <void *>x
    at[f.lookup.out] = <void *>y
    f.formula(at, f.params, 16)
    for i in range(count):
        g[i] = y[i] / x[i] if f.factor == INPUT or f.factor == PRODUCT or f.factor == CUBE else y[i]
        g[i] = g[i] / x[i] / x[i] if f.factor == CUBE or f.factor == SQUARE else g[i]


cdef inline bint is_derivative(const Subject *f) noexcept nogil:
    return f.factor == GRADIENT or f.factor == SLOPE


cdef inline bint close(double a, double b) noexcept nogil:
    return c_fabs(a - b) <= 1e-13 * c_fabs(b)


cdef int form_of(Subject *f, double far) noexcept nogil:
    """The symmetry, seen at three points; turns f to the side of the segments."""
    cdef double near[3]
    cdef double across[3]
    cdef double a[3]
    cdef bint even = True, complement = True, ramp = f.factor == ONE, constant = True
    cdef int i
    a[0] = 0.1 * far
    a[1] = 0.37 * far
    a[2] = 0.9 * far
    f.side = 1.0
    tabled(f, a, 3, near)
    f.side = -1.0
    tabled(f, a, 3, across)
    # The side where g is smaller needs the digits.
    if c_fabs(near[2]) < c_fabs(across[2]):
        f.side = 1.0
        for i in range(3):
            near[i], across[i] = across[i], near[i]
    for i in range(3):
        even = even and close(near[i], across[i])
        complement = complement and close(near[i], 1.0 - across[i])
        ramp = ramp and close(c_fabs(near[i]), a[i] + c_fabs(across[i]))
        constant = constant and close(near[i], near[0])
    if even:
        return EVEN
    if constant:
        return CONSTANT
    if complement:
        return COMPLEMENT
    if ramp:
        return RAMP
    f.side = 1.0
    return WHOLE


cdef void expand(const double *a, const double *g, int count, double centre, double zero, double *c) noexcept nogil:
    """The polynomial of x - centre that equals g[i] at count points a[i], by Newton's divided differences.

    With a zero it is x - zero times a polynomial through the others, and so of one degree more.
    """
    cdef double d[7]
    cdef int i, j
    for i in range(count):
        d[i] = g[i] if zero == 0.0 else g[i] / (a[i] - zero)
    for j in range(1, count):
        for i in range(count - 1, j - 1, -1):
            d[i] = (d[i] - d[i - 1]) / (a[i] - a[i - j])
    # Multiplied out, from the innermost factor on.
    for i in range(DEGREE + 1):
        c[i] = 0.0
    for i in range(count - 1, -1, -1):
        multiply(c, a[i] - centre)
        c[0] += d[i]
    if zero != 0.0:
        multiply(c, zero - centre)


cdef inline void multiply(double *c, double root) noexcept nogil:
    """A polynomial times (r - root)."""
    cdef int j
    for j in range(DEGREE, 0, -1):
        c[j] = c[j - 1] - root * c[j]
    c[0] = -root * c[0]


cdef double zero_between(const Subject *f, double low, double high) noexcept nogil:
    """A zero of g, or 0.0 if its sign does not change."""
    cdef double ends[2]
    cdef double g[2]
    cdef double first
    cdef int step
    ends[0] = low
    ends[1] = high
    tabled(f, ends, 2, g)
    first = g[0]
    if not is_derivative(f) or not first * g[1] < 0.0:
        return 0.0
    for step in range(80):
        ends[0] = 0.5 * (low + high)
        tabled(f, ends, 1, g)
        if first * g[0] > 0.0:
            low = ends[0]
        else:
            high = ends[0]
    return high


cdef inline double leading_bits(double x, int bits) noexcept nogil:
    """x rounded to a mantissa of a few bits."""
    cdef long long half = 1LL << (52 - bits)
    return double_from_bits((bits_from_double(x) + half) >> (53 - bits) << (53 - bits))


cdef double fill(Lookup *t, const Subject *f, int form, int k, int degree) noexcept nogil:
    """Interpolate g at the Chebyshev points of segment k. Returns what the last degree adds there, relative to g."""
    cdef double width = f.width, middle = k * width, low = middle - 0.5 * width, high = middle + 0.5 * width
    cdef double zero, centre, error
    cdef double a[7]
    cdef double g[7]
    cdef double c[7]
    cdef double best = INFINITY
    cdef int slot = k & (SEGMENTS - 1), shift, i, count
    low = 0.0 if k == 0 and form != WHOLE else low
    zero = zero_between(f, low, high)
    count = degree if zero != 0.0 else degree + 1
    for i in range(count):
        # Rounded, because not every cosine has the same last bit, and the table is to be the same everywhere.
        a[i] = 0.5 * (low + high) + 0.5 * (high - low) * <float>cos((2 * i + 1) * M_PI / (2 * count))
    tabled(f, a, count, g)
    if zero != 0.0:
        # r is the distance from the float next to the zero, so that nothing cancels.
        centre = <float>zero
    else:
        # Of 33 centres near the middle the one whose c[1] is nearest to a float; 0 stays where it is.
        centre = middle
        for shift in range(-16, 17):
            if k != 0:
                expand(a, g, count, <float>(middle + shift * width / 256), 0.0, c)
                error = c_fabs(c[1] - <float>c[1]) / c_fabs(c[1])
                if error < best:
                    best = error
                    centre = <float>(middle + shift * width / 256)
    expand(a, g, count, centre, zero, c)
    t.centre[slot] = <float>centre
    # A multiple of 2^-23, so that 1 - high is exact.
    t.high[slot] = <float>(c[0] + 805306368.0 - 805306368.0 if form == COMPLEMENT else c[0])
    t.high[slot] = 0.0 if zero != 0.0 else t.high[slot]
    t.low[slot] = <float>(c[0] - t.high[slot])
    # To 3 bits, so that slope * r is a float: only then is the error of high + slope * r one.
    t.slope[slot] = <float>leading_bits(c[1], 3)
    for i in range(DEGREE):
        t.c[i][slot] = <float>c[i + 1]
    if is_derivative(f) and (form == WHOLE or form == COMPLEMENT):
        t.c[0][slot] = <float>(c[1] - t.slope[slot])
    # Of the Chebyshev polynomial, which is 2^(degree - 1) r^degree; where there is a zero, x - zero is divided out.
    error = c_fabs(c[degree])
    for i in range(count - 1):
        error *= 0.25 * width
    best = c_fabs(c[1] if zero != 0.0 else g[0])
    for i in range(1, count if zero == 0.0 else 0):
        best = min(best, c_fabs(g[i]))
    return 2.0 * error / best


cdef bint choose_operands(Lookup *t, Subject *f, bint backward, int inputs, int outputs, int output) noexcept nogil:
    """Inputs are x; x and value of gated units, or x and target; or grad and these. Whether a table can be used."""
    cdef double *probe = [0.0, 1.0]
    cdef double at_origin, without
    cdef bint two = inputs == (3 if backward else 2)
    t.inputs = inputs
    t.outputs = outputs
    t.x = 1 if backward else 0
    t.first = 0 if backward else inputs - 1
    t.second = inputs - 1
    t.out = inputs + output
    f.lookup = t
    if two and output == 0:
        # Gated units are linear in value: nothing is left without it.
        f.factor = RESIDUAL
        tabled(f, &probe[1], 1, &without)
        if without != 0.0:
            return backward and is_residual(f)
    f.factor = SLOPE if two else GRADIENT
    if backward and output == 0:
        if not two:
            tabled(f, &probe[0], 1, &at_origin)
            f.factor = SQUARE if c_fabs(at_origin) < 1e-50 else GRADIENT
        return True
    t.second = t.x
    f.factor = ONE
    tabled(f, &probe[0], 1, &at_origin)
    if c_fabs(at_origin) < 1e-80:
        f.factor = CUBE
    elif c_fabs(at_origin) < 1e-20:
        f.factor = PRODUCT if two else INPUT
    elif two:
        f.factor = VALUE
    return True


cdef bint is_residual(Subject *f) noexcept nogil:
    """Whether a target of 1 takes 1 away, as far as two points show."""
    cdef double *probe = [0.3, -2.0]
    cdef double g[2]
    cdef double rest[2]
    f.factor = GRADIENT
    tabled(f, probe, 2, rest)
    f.factor = RESIDUAL
    tabled(f, probe, 2, g)
    return close(g[0] - 1.0, rest[0]) and close(g[1] - 1.0, rest[1])


cdef void make_lookup(Lookup *t, Subject *f) noexcept nogil:
    """Fill a table, and choose the loop that uses it."""
    cdef double value
    cdef double *probe = [1.0]
    cdef int form = form_of(f, (SEGMENTS - 0.5) * f.width), k, first = -16 if form == WHOLE else 0, degree = DEGREE
    cdef double last = 0.0
    for k in range(first, first + SEGMENTS):
        last = max(last, fill(t, f, form, k, DEGREE))
    if last < 1.2e-8:
        # At most 1/5 ULP: not worth the time that looking up another coefficient takes, 13 %.
        degree = DEGREE - 1
        for k in range(first, first + SEGMENTS):
            fill(t, f, form, k, degree)
    t.per_unit = <float>(1.0 / f.width)
    t.reach = <float>((first + SEGMENTS - 0.5) * f.width)
    t.side = 0x80000000U if f.side < 0 else 0
    f.side = -f.side
    tabled(f, probe, 1, &value)
    t.other_high = <float>value
    t.other_low = <float>(value - t.other_high)
    t.lanes = lanes_of(form, f.factor, degree)


cdef Lanes make_lookups(Lookup *t, Formula formula, const double *params, bint backward, int inputs, int outputs,
                        double width) noexcept nogil:
    """Fill the tables of a function with one or two outputs, and return the loop that uses them."""
    cdef Subject f
    cdef int k
    f.formula = formula
    f.params = params
    f.width = width
    for k in range(outputs):
        f.side = 1.0
        t[k].lanes = NULL
        if choose_operands(&t[k], &f, backward, inputs, outputs, k):
            make_lookup(&t[k], &f)
    if outputs == 1 or t[0].lanes == NULL or t[1].lanes == NULL:
        return t[0].lanes if outputs == 1 else NULL
    return look_up_both
