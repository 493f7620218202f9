# Gradients of softmax and log-softmax for float32, 16 lanes at a time.
#
# a) Sums over a row are in double, and then split into two floats. What is subtracted from g loses nothing.
# b) g - exp(y) sum(g) cancels. exp(y) = h (1 + v) is right to 2^-28, which is enough where the difference is at least
#    an eighth of g. Elsewhere, and where something overflows or is NaN, the formula in double is asked, for many such
#    entries at a time.
# c) Of up to 16 rows that lie along all sums come first: what is horizontal would keep the next row waiting.

cdef extern from *:
    """
    enum { PLAIN_SUM,       /* the gradient's sum over the row, and g - exp(y) sum */
           PRODUCT_SUM };   /* the sum of g y, and y (g - sum) */
    /* Gradients by the formulas in double, in place of g, with a sum for each. */
    typedef void (*GradientFormula)(int rule, float sign, float *g, const float *y, const double *total, int n);

    #if HAS_FLOAT_ROWS
    typedef struct { __m512d lower, upper; } Doubles;

    /* A sum per lane: as doubles, and as two floats. */
    typedef struct { double sum[16]; Floats high, low; } Total;

    /* Entries that are left to the formula, collected until it is worth a call. */
    enum { ENOUGH = 256, ROOM = 512 };
    typedef struct { float g[ROOM], y[ROOM], *place[ROOM]; double total[ROOM]; int count; } Rest;

    static __attribute__((noinline)) void compute_rest(int rule, float sign, Rest *rest, GradientFormula formula) {
        formula(rule, sign, rest->g, rest->y, rest->total, rest->count);
        for (int i = 0; i < rest->count; i++)
            *rest->place[i] = rest->g[i];
        rest->count = 0;
    }

    /* The first `lanes` of 16 floats, and 0 for the others. */
    PACKED Floats load_lanes(const float *x, __mmask16 lanes) {
        return lanes == 0xFFFF ? _mm512_loadu_ps(x) : _mm512_maskz_loadu_ps(lanes, x);
    }

    PACKED Doubles widened(const float *x, __mmask16 lanes) {
        if (lanes != 0xFFFF) {
            Floats f = load_lanes(x, lanes);
            return (Doubles){lower(f), upper(f)};
        }
        return (Doubles){_mm512_cvtps_pd(_mm256_loadu_ps(x)), _mm512_cvtps_pd(_mm256_loadu_ps(x + 8))};
    }

    PACKED void add_products(const int rule, const float *g, const float *y, __mmask16 lanes, Doubles *sum) {
        Doubles a = widened(g, lanes);
        if (rule == PRODUCT_SUM) {
            Doubles b = widened(y, lanes);
            sum->lower = _mm512_fmadd_pd(a.lower, b.lower, sum->lower);
            sum->upper = _mm512_fmadd_pd(a.upper, b.upper, sum->upper);
        } else {
            sum->lower = _mm512_add_pd(sum->lower, a.lower);
            sum->upper = _mm512_add_pd(sum->upper, a.upper);
        }
    }

    PACKED Total total_of(const int rule, __m512d a, __m512d b) {
        Total t;
        _mm512_storeu_pd(t.sum, a);
        _mm512_storeu_pd(t.sum + 8, b);
        t.high = narrowed(a, b);
        t.low = narrowed(_mm512_sub_pd(a, lower(t.high)), _mm512_sub_pd(b, upper(t.high)));
        if (rule == PLAIN_SUM) {
            /* Products with so small a sum may be subnormal: they are left to the formula. */
            Floats size = _mm512_abs_ps(t.high);
            __mmask16 tiny = _mm512_cmp_ps_mask(size, all_of(1e-30f), _CMP_LT_OQ)
                & _mm512_cmp_ps_mask(size, _mm512_setzero_ps(), _CMP_NEQ_OQ);
            t.high = _mm512_mask_mov_ps(t.high, tiny, all_of(NAN));
        }
        return t;
    }

    /* a - b, and what rounding took from it. */
    PACKED Floats exact_difference(Floats a, Floats b, Floats *lost) {
        Floats difference = _mm512_sub_ps(a, b), back = _mm512_sub_ps(difference, a);
        *lost = _mm512_sub_ps(_mm512_sub_ps(a, _mm512_sub_ps(difference, back)), _mm512_add_ps(b, back));
        return difference;
    }

    PACKED Floats gradient_16(const int rule, const float *g, const float *y, __mmask16 lanes, const Total *t,
                              Floats factor, Rest *rest, float *out) {
        const Floats sign_bit = all_of(-0.0f);
        Floats a = load_lanes(g, lanes), b = load_lanes(y, lanes), result;
        __mmask16 stray;
        if (rule == PRODUCT_SUM) {
            /* With 2^64 what is next to the subnormals is rounded once. */
            Floats lost, difference = exact_difference(a, t->high, &lost);
            b = _mm512_mul_ps(b, all_of(18446744073709551616.0f));
            result = _mm512_fmadd_ps(b, difference, _mm512_mul_ps(b, _mm512_sub_ps(lost, t->low)));
            stray = _mm512_cmp_ps_mask(_mm512_andnot_ps(sign_bit, result), all_of(INFINITY), _CMP_NLT_UQ);
            result = _mm512_mul_ps(result, factor);
        } else {
            Floats h, v, lost, difference;
            /* Below -85 exp(y) sum is nothing beside what the sum was rounded to. */
            __mmask16 there = _mm512_cmp_ps_mask(b, all_of(-85.0f), _CMP_NLE_UQ);
            power_of_e(_mm512_max_ps(all_of(-85.0f), b), powers_table(),
                       _mm512_add_ps(_mm512_loadu_ps(POWERS_REST), all_of(1.15e-9f)), 4, &h, &v);
            h = _mm512_maskz_mov_ps(there, h);
            /* p + q = exp(y) sum. */
            Floats p = _mm512_mul_ps(h, t->high), q = _mm512_fmsub_ps(h, t->high, p);
            q = _mm512_fmadd_ps(h, _mm512_fmadd_ps(v, t->high, t->low), q);
            difference = exact_difference(a, p, &lost);
            result = _mm512_add_ps(difference, _mm512_sub_ps(lost, q));
            stray = _mm512_cmp_ps_mask(_mm512_mul_ps(_mm512_andnot_ps(sign_bit, a), all_of(0.125f)),
                                       _mm512_andnot_ps(sign_bit, result), _CMP_NLE_UQ)
                | _mm512_cmp_ps_mask(b, all_of(8.0f), _CMP_NLT_UQ);
        }
        for (unsigned left = stray & lanes; left; left &= left - 1) {
            int l = __builtin_ctz(left), i = rest->count++;
            rest->g[i] = g[l];
            rest->y[i] = y[l];
            rest->total[i] = t->sum[l];
            rest->place[i] = out + l;
        }
        return result;
    }

    /* The sum over a row, in 8 parts. */
    PACKED __m512d sum_of_row(const int rule, const float *g, const float *y, Py_ssize_t n) {
        const __m512d none = _mm512_setzero_pd();
        Doubles sum[2] = {{none, none}, {none, none}};
        Py_ssize_t j = 0;
        for (; j + 32 <= n; j += 32) {
            add_products(rule, g + j, y + j, 0xFFFF, &sum[0]);
            add_products(rule, g + j + 16, y + j + 16, 0xFFFF, &sum[1]);
        }
        for (; j < n; j += 16)
            add_products(rule, g + j, y + j, first_lanes(n - j), &sum[0]);
        return _mm512_add_pd(_mm512_add_pd(sum[0].lower, sum[1].lower), _mm512_add_pd(sum[0].upper, sum[1].upper));
    }

    /* Up to 16 rows, one after the other. */
    PACKED void gradients_along(const int rule, const float *g, const float *y, float *out, Py_ssize_t n,
                                int rows, float sign, GradientFormula formula) {
        const Floats factor = all_of(sign * 5.421010862427522e-20f);
        __m512d parts[16];
        double sums[16] = {0};
        float high[16], low[16];
        Rest rest;
        rest.count = 0;
        for (int row = 0; row < rows; row++)
            parts[row] = sum_of_row(rule, g + row * n, y + row * n, n);
        for (int row = 0; row < rows; row++)
            sums[row] = _mm512_reduce_add_pd(parts[row]);
        Total all = total_of(rule, _mm512_loadu_pd(sums), _mm512_loadu_pd(sums + 8));
        _mm512_storeu_ps(high, all.high);
        _mm512_storeu_ps(low, all.low);
        for (int row = 0; row < rows; row++, g += n, y += n, out += n) {
            Total t = {{0}, all_of(high[row]), all_of(low[row])};
            Py_ssize_t j = 0;
            for (int l = 0; l < 16; l++)
                t.sum[l] = sums[row];
            while (j + 16 <= n) {
                Py_ssize_t end = n - j > ENOUGH ? j + ENOUGH : n;
                for (; j + 16 <= end; j += 16)
                    _mm512_storeu_ps(out + j, gradient_16(rule, g + j, y + j, 0xFFFF, &t, factor, &rest, out + j));
                if (rest.count >= ENOUGH)
                    compute_rest(rule, sign, &rest, formula);
            }
            if (j < n) {
                __mmask16 lanes = first_lanes(n - j);
                _mm512_mask_storeu_ps(out + j, lanes,
                                      gradient_16(rule, g + j, y + j, lanes, &t, factor, &rest, out + j));
            }
        }
        compute_rest(rule, sign, &rest, formula);
    }

    /* `count` panels' worth of rows side by side, their entries `step` apart. What the first pass reads is kept for
       the second: steps of a power of two would throw each other out of the cache. */
    PACKED void gradients_beside(const int rule, const int count, const float *g, const float *y, float *out,
                                 Py_ssize_t n, Py_ssize_t step, float sign, GradientFormula formula, float *kept) {
        const Floats factor = all_of(sign * 5.421010862427522e-20f);
        Doubles sum[4];
        Total t[4];
        Rest rest;
        rest.count = 0;
        for (int k = 0; k < count; k++)
            sum[k].lower = sum[k].upper = _mm512_setzero_pd();
        for (Py_ssize_t j = 0; j < n; j++)
            for (int k = 0; k < count; k++) {
                const float *from_g = g + j * step + 16 * k, *from_y = y + j * step + 16 * k;
                float *keep = kept + (j * count + k) * 32;
                _mm_prefetch((const char *)(from_g + AHEAD * step), _MM_HINT_T0);
                _mm_prefetch((const char *)(from_y + AHEAD * step), _MM_HINT_T0);
                add_products(rule, from_g, from_y, 0xFFFF, &sum[k]);
                _mm512_storeu_ps(keep, _mm512_loadu_ps(from_g));
                _mm512_storeu_ps(keep + 16, _mm512_loadu_ps(from_y));
            }
        for (int k = 0; k < count; k++)
            t[k] = total_of(rule, sum[k].lower, sum[k].upper);
        for (Py_ssize_t j = 0; j < n; j++) {
            for (int k = 0; k < count; k++) {
                const float *keep = kept + (j * count + k) * 32;
                float *to = out + j * step + 16 * k;
                __builtin_prefetch(to + AHEAD * step, 1, 3);
                _mm512_storeu_ps(to, gradient_16(rule, keep, keep + 16, 0xFFFF, &t[k], factor, &rest, to));
            }
            if (rest.count >= ENOUGH)
                compute_rest(rule, sign, &rest, formula);
        }
        compute_rest(rule, sign, &rest, formula);
    }

    #define BOTH_RULES(CALL) if (rule == PRODUCT_SUM) CALL(PRODUCT_SUM); else CALL(PLAIN_SUM)

    static void row_gradients(int rule, const float *g, const float *y, float *out, Py_ssize_t n, int rows,
                              float sign, GradientFormula formula) {
        #define ALONG(r) gradients_along(r, g, y, out, n, rows, sign, formula)
        BOTH_RULES(ALONG);
    }

    static void panel_gradients(int rule, const float *g, const float *y, float *out, Py_ssize_t n, Py_ssize_t step,
                                Py_ssize_t count, float sign, GradientFormula formula, float *kept) {
        #define FOUR(r) gradients_beside(r, 4, g, y, out, n, step, sign, formula, kept)
        #define ONE(r) gradients_beside(r, 1, g, y, out, n, step, sign, formula, kept)
        for (; count >= 4; count -= 4, g += 64, y += 64, out += 64)
            BOTH_RULES(FOUR);
        for (; count > 0; count--, g += 16, y += 16, out += 16)
            BOTH_RULES(ONE);
    }
    #else
    #define row_gradients(rule, g, y, out, n, rows, sign, formula)
    #define panel_gradients(rule, g, y, out, n, step, count, sign, formula, kept)
    #endif
    """
    ctypedef void (*GradientFormula)(int rule, float sign, float *g, const float *y, const double *total,
                                     int n) noexcept nogil
    cdef enum:
        PLAIN_SUM
        PRODUCT_SUM
    void row_gradients(int rule, const float *g, const float *y, float *out, Py_ssize_t n, int rows, float sign,
                       GradientFormula formula) nogil
    void panel_gradients(int rule, const float *g, const float *y, float *out, Py_ssize_t n, Py_ssize_t step,
                         Py_ssize_t count, float sign, GradientFormula formula, float *kept) nogil
