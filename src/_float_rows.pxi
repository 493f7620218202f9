# Rows of float32, 16 lanes at a time: exponentials as exact as the bound needs, at half the width of double's cost.
#
# a) e^d = 2^(n/16) e^r with |r| <= log(2)/32. Of 2^(n/16) a permutation looks up the rounded value h and its relative
#    error; e^r - 1 is a cubic. So e^d = h (1 + v) with |v| < 0.022: v may be wrong by 2^-28 of e^d, and is never added
#    to h before the last operation, an FMA that rounds once.
# b) Values are scaled by 2^40 / 2^k, k next to the logarithm of the row's largest entry, which moves exponents only.
# c) d is x itself, or x - top where |top| > 256: what matters then lies within a factor of 2 of top, and the
#    difference is exact. Entries more than 110 below the top count as 0.
# d) A row whose top is not finite, or that has a NaN, is left to the kernels in double, as are masks and temperatures.
# e) Only processors with AVX-512 permute and convert that cheaply: the other builds do everything in double.

cdef extern from *:
    """
    typedef struct { double top[16]; double sum[16]; unsigned sound; } Survey;

    /* The first float of a cache line; vectors that straddle two lines take twice as long to store. */
    static inline float *line_start(float *buffer) { return buffer + (64 - (size_t)buffer % 64) % 64 / 4; }

    #if defined(__AVX512DQ__) && defined(__GNUC__)
    #include <immintrin.h>
    #define HAS_FLOAT_ROWS 1
    typedef __m512 Floats;
    #define PACKED static inline __attribute__((always_inline))
    #define all_of(x) _mm512_set1_ps(x)

    static const float POWERS[16] = {
        1.0f, 1.0442737340927124f, 1.0905077457427979f, 1.1387885808944702f, 1.1892070770263672f, 1.2418577671051025f,
        1.2968395948410034f, 1.3542555570602417f, 1.4142135381698608f, 1.4768261909484863f, 1.5422108173370361f,
        1.610490322113037f, 1.6817928552627563f, 1.7562521696090698f, 1.8340080976486206f, 1.9152065515518188f};
    /* 2^(j/16) / POWERS[j] - 1, less 1.15e-9: so much the cubic would be too large where it errs most. */
    static const float POWERS_REST[16] = {
        -1.1465703e-09f, 4.5138900e-08f, -1.3138727e-08f, 4.6151253e-08f, 3.0787610e-08f, 3.5064003e-08f,
        -3.2137291e-08f, -8.6217835e-09f, 1.5967701e-08f, -3.1623405e-08f, 4.0867639e-09f, 4.9610213e-09f,
        -1.5866176e-08f, -6.4053655e-09f, -7.2748302e-09f, 3.9940389e-09f};

    typedef struct { Floats sign, top, shift, low, rest; __m512i powers, exponent; } Anchor;

    /* POWERS without what power_of_e adds: n << 19 moves the exponent by n / 16 and leaves n % 16 in the fraction. */
    PACKED __m512i powers_table(void) {
        __m512i j = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
        return _mm512_sub_epi32(_mm512_castps_si512(_mm512_loadu_ps(POWERS)), _mm512_slli_epi32(j, 19));
    }

    PACKED Anchor anchor_at(Floats top, float sign) {
        Anchor a;
        __mmask16 far = _mm512_cmp_ps_mask(_mm512_abs_ps(top), all_of(256.0f), _CMP_GT_OQ);
        a.sign = all_of(sign);
        a.top = top;
        a.shift = _mm512_maskz_mov_ps(far, top);
        Floats t = _mm512_sub_ps(top, a.shift);
        a.low = _mm512_sub_ps(t, all_of(110.0f));
        __m512i k = _mm512_cvtps_epi32(_mm512_mul_ps(t, all_of(1.44269504f)));
        a.exponent = _mm512_slli_epi32(_mm512_sub_epi32(_mm512_set1_epi32(40), k), 23);
        a.powers = powers_table();
        a.rest = _mm512_loadu_ps(POWERS_REST);
        return a;
    }

    /* e^y = h (1 + v), with a polynomial of degree 3 or 4 for v. */
    PACKED void power_of_e(Floats y, __m512i powers, Floats rest, const int degree, Floats *h, Floats *v) {
        Floats rounder = all_of(12582912.0f), t = _mm512_fmadd_ps(y, all_of(23.083120654f), rounder);
        Floats n = _mm512_sub_ps(t, rounder);
        Floats r = _mm512_fnmadd_ps(n, all_of(0.043321698904037476f), y);
        r = _mm512_fmadd_ps(n, all_of(1.1904088825787085e-10f), r);
        Floats p = degree == 3 ? _mm512_fmadd_ps(r, all_of(0.16666667f), all_of(0.50001955f))
            : _mm512_fmadd_ps(_mm512_fmadd_ps(r, all_of(0.041666668f), all_of(0.16666667f)), r, all_of(0.5f));
        p = _mm512_fmadd_ps(p, r, all_of(1.0f));
        __m512i i = _mm512_castps_si512(t);
        *v = _mm512_fmadd_ps(p, r, _mm512_permutexvar_ps(i, rest));
        *h = _mm512_castsi512_ps(_mm512_add_epi32(_mm512_permutexvar_epi32(i, powers), _mm512_slli_epi32(i, 19)));
    }

    PACKED void exponential(Floats d, const Anchor *a, Floats *h, Floats *v) {
        /* max returns its second operand where one is NaN. */
        power_of_e(_mm512_max_ps(a->low, d), a->powers, a->rest, 3, h, v);
        *h = _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(*h), a->exponent));
    }

    PACKED Floats distance(Floats x, const Anchor *a) { return _mm512_fmsub_ps(x, a->sign, a->shift); }
    PACKED __m512d lower(Floats x) { return _mm512_cvtps_pd(_mm512_castps512_ps256(x)); }
    PACKED __m512d upper(Floats x) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1)); }

    typedef struct { __m512d lower, upper; Floats small; __m512d ties[2]; } Sum;

    /* Adds h (1 + v); `apart` without the entries that are the top, which are counted, and with 0 for those too low. */
    PACKED void add(Sum *s, Floats x, Floats d, Floats h, Floats v, const Anchor *a, int apart) {
        if (apart) {
            Floats signed_x = _mm512_mul_ps(x, a->sign);
            __mmask16 tie = _mm512_cmp_ps_mask(signed_x, a->top, _CMP_EQ_OQ);
            __mmask16 other = _mm512_cmp_ps_mask(d, a->low, _CMP_NLE_UQ) & ~tie;
            h = _mm512_maskz_mov_ps(other, h);
            s->ties[0] = _mm512_mask_add_pd(s->ties[0], (__mmask8)tie, s->ties[0], _mm512_set1_pd(1.0));
            s->ties[1] = _mm512_mask_add_pd(s->ties[1], (__mmask8)(tie >> 8), s->ties[1], _mm512_set1_pd(1.0));
        }
        s->lower = _mm512_add_pd(s->lower, lower(h));
        s->upper = _mm512_add_pd(s->upper, upper(h));
        s->small = _mm512_fmadd_ps(h, v, s->small);
    }

    PACKED __mmask16 first_lanes(Py_ssize_t count) { return count >= 16 ? 0xFFFF : (__mmask16)((1u << count) - 1); }

    /* Lane by lane into memory, `unit` being the top's exponential. */
    PACKED void settle(const Sum *s, const Anchor *a, int apart, Survey *found) {
        Floats h, v;
        __m512d halves[2] = {_mm512_add_pd(s->lower, lower(s->small)), _mm512_add_pd(s->upper, upper(s->small))};
        if (apart) {
            exponential(_mm512_sub_ps(a->top, a->shift), a, &h, &v);
            __m512d units[2] = {_mm512_fmadd_pd(lower(h), lower(v), lower(h)),
                                _mm512_fmadd_pd(upper(h), upper(v), upper(h))};
            for (int k = 0; k < 2; k++)
                halves[k] = _mm512_add_pd(_mm512_div_pd(halves[k], units[k]),
                                          _mm512_sub_pd(s->ties[k], _mm512_set1_pd(1.0)));
        }
        _mm512_storeu_pd(found->sum, halves[0]);
        _mm512_storeu_pd(found->sum + 8, halves[1]);
        _mm512_storeu_pd(found->top, lower(a->top));
        _mm512_storeu_pd(found->top + 8, upper(a->top));
    }

    PACKED unsigned sound_lanes(const Survey *found) {
        __mmask8 sound[2];
        for (int k = 0; k < 2; k++) {
            __m512d top = _mm512_loadu_pd(found->top + 8 * k), sum = _mm512_loadu_pd(found->sum + 8 * k);
            sound[k] = _mm512_cmp_pd_mask(_mm512_abs_pd(top), _mm512_set1_pd(INFINITY), _CMP_LT_OQ)
                     & _mm512_cmp_pd_mask(sum, _mm512_set1_pd(-1.0), _CMP_GT_OQ);
        }
        return sound[0] | (unsigned)sound[1] << 8;
    }

    /* Steps of 16 floats: along one row, or `step` apart with a row per lane. */
    typedef struct { const float *x; Py_ssize_t count, step; __mmask16 lanes, last; int along; float sign; } Steps;

    /* How many steps take all lanes, and need no mask. */
    PACKED Py_ssize_t whole_steps(Steps s, unsigned sound) {
        return (s.lanes & sound) != 0xFFFF ? 0 : s.count - (s.last != 0xFFFF);
    }

    /* Runs ONE(j, whole) for every step. */
    #define EACH_STEP(s, sound, ONE) do { \
        Py_ssize_t j_ = 0, whole_ = whole_steps(s, sound); \
        for (; j_ < whole_; j_++) ONE(j_, 1); \
        for (; j_ < (s).count; j_++) ONE(j_, 0); \
    } while (0)

    PACKED Floats load_step(Steps s, Py_ssize_t j, int whole) {
        if (whole)
            return _mm512_loadu_ps(s.x + j * s.step);
        return _mm512_mask_loadu_ps(all_of(-INFINITY * s.sign), j + 1 < s.count ? s.lanes : s.last, s.x + j * s.step);
    }

    PACKED void store_step(Steps s, float *y, Py_ssize_t j, int whole, unsigned sound, Floats value) {
        if (whole) {
            _mm512_storeu_ps(y + j * s.step, value);
            return;
        }
        /* Zen 4 is slow at masked stores. */
        float lanes[16];
        unsigned take = (j + 1 < s.count ? s.lanes : s.last) & sound;
        _mm512_storeu_ps(lanes, value);
        for (int l = 0; take >> l; l++)
            if (take >> l & 1)
                y[j * s.step + l] = lanes[l];
    }

    PACKED Anchor find_anchor(Steps s) {
        Floats top[4] = {all_of(-INFINITY), all_of(-INFINITY), all_of(-INFINITY), all_of(-INFINITY)};
        Floats sign = all_of(s.sign);
        Py_ssize_t j = 0;
        #define RAISE(k, j, whole) top[k] = _mm512_max_ps(_mm512_mul_ps(load_step(s, j, whole), sign), top[k])
        for (; j + 4 <= whole_steps(s, 0xFFFF); j += 4) {
            RAISE(0, j, 1);
            RAISE(1, j + 1, 1);
            RAISE(2, j + 2, 1);
            RAISE(3, j + 3, 1);
        }
        for (; j < s.count; j++)
            RAISE(0, j, 0);
        top[0] = _mm512_max_ps(_mm512_max_ps(top[0], top[1]), _mm512_max_ps(top[2], top[3]));
        return anchor_at(s.along ? all_of(_mm512_reduce_max_ps(top[0])) : top[0], s.sign);
    }

    PACKED void survey_step(Steps s, Py_ssize_t j, int whole, const Anchor *a, int apart, float *parts, Sum *sum) {
        Floats x = load_step(s, j, whole), d = distance(x, a), h, v;
        exponential(d, a, &h, &v);
        add(sum, x, d, h, v, a, apart);
        if (parts != NULL) {
            _mm512_storeu_ps(parts + 32 * j, h);
            _mm512_storeu_ps(parts + 32 * j + 16, v);
            if (s.along)    /* the next row */
                _mm_prefetch((const char *)(s.x + (s.count + j) * s.step), _MM_HINT_T0);
        }
    }

    PACKED void survey_steps(Steps s, int apart, float *parts, Survey *found) {
        Anchor a = find_anchor(s);
        Sum sum = {_mm512_setzero_pd(), _mm512_setzero_pd(), _mm512_setzero_ps(),
                   {_mm512_setzero_pd(), _mm512_setzero_pd()}};
        #define SURVEY(j, whole) survey_step(s, j, whole, &a, apart, parts, &sum)
        if (parts != NULL)
            EACH_STEP(s, 0xFFFF, SURVEY);
        else
            EACH_STEP(s, 0xFFFF, SURVEY);
        if (s.along) {
            sum.lower = _mm512_set1_pd(_mm512_reduce_add_pd(_mm512_add_pd(sum.lower, sum.upper))
                                       + _mm512_reduce_add_pd(_mm512_add_pd(lower(sum.small), upper(sum.small))));
            sum.upper = sum.lower;
            sum.small = _mm512_setzero_ps();
            sum.ties[0] = _mm512_set1_pd(_mm512_reduce_add_pd(_mm512_add_pd(sum.ties[0], sum.ties[1])));
            sum.ties[1] = sum.ties[0];
        }
        settle(&sum, &a, apart, found);
        found->sound = sound_lanes(found);
    }

    static void survey_total(const Steps *s, float *parts, Survey *found) { survey_steps(*s, 0, parts, found); }
    static void survey_rest(const Steps *s, float *parts, Survey *found) { survey_steps(*s, 1, parts, found); }

    /* A number per lane times a factor, as a float and what that leaves; the row that lies along has one number. */
    PACKED Floats per_lane(Steps s, const double *value, double factor, Floats *error) {
        __m512d a = _mm512_mul_pd(s.along ? _mm512_set1_pd(*value) : _mm512_loadu_pd(value), _mm512_set1_pd(factor));
        __m512d b = s.along ? a : _mm512_mul_pd(_mm512_loadu_pd(value + 8), _mm512_set1_pd(factor));
        Floats v = _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(a)), _mm512_cvtpd_ps(b), 1);
        a = _mm512_sub_pd(a, lower(v));
        b = _mm512_sub_pd(b, upper(v));
        *error = _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(a)), _mm512_cvtpd_ps(b), 1);
        return v;
    }

    PACKED void scale_step(Steps s, Py_ssize_t j, int whole, const Anchor *a, Floats factor, Floats error,
                           const float *parts, unsigned sound, float *y) {
        Floats h, v;
        if (parts != NULL) {
            h = _mm512_loadu_ps(parts + 32 * j);
            v = _mm512_loadu_ps(parts + 32 * j + 16);
        } else {
            exponential(distance(load_step(s, j, whole), a), a, &h, &v);
        }
        Floats w = _mm512_mul_ps(h, _mm512_fmadd_ps(v, factor, error));
        w = _mm512_mul_ps(_mm512_fmadd_ps(h, factor, w), all_of(5.421010862427522e-20f));
        store_step(s, y, j, whole, sound, w);
    }

    /* y = scale e^(x - ...), from the parts that a survey left or anew. 2^64 keeps subnormal results from rounding
       in the middle. */
    static void scale_steps(const Steps *steps, const Survey *found, const double *scale, const float *parts,
                            float *y) {
        Steps s = *steps;
        unsigned sound = found->sound;
        Floats error, factor = per_lane(s, scale, 18446744073709551616.0, &error), unused;
        Anchor a = anchor_at(per_lane(s, found->top, 1.0, &unused), s.sign);
        #define SCALE_KEPT(j, whole) scale_step(s, j, whole, &a, factor, error, parts, sound, y)
        #define SCALE_ANEW(j, whole) scale_step(s, j, whole, &a, factor, error, NULL, sound, y)
        if (parts != NULL)
            EACH_STEP(s, sound, SCALE_KEPT);
        else
            EACH_STEP(s, sound, SCALE_ANEW);
    }

    /* What the top's exponential is scaled to: sum + 1 times it is the sum of all, in units of scale_steps. */
    static void find_units(const Steps *s, const Survey *found, double *units) {
        Floats unused, top = per_lane(*s, found->top, 1.0, &unused), h, v;
        Anchor a = anchor_at(top, s->sign);
        exponential(_mm512_sub_ps(top, a.shift), &a, &h, &v);
        _mm512_storeu_pd(units, _mm512_fmadd_pd(lower(h), lower(v), lower(h)));
        _mm512_storeu_pd(units + 8, _mm512_fmadd_pd(upper(h), upper(v), upper(h)));
    }

    PACKED void subtract_step(Steps s, Py_ssize_t j, int whole, const __m512d *top, const __m512d *log, unsigned sound,
                              float *y) {
        Floats x = _mm512_mul_ps(load_step(s, j, whole), all_of(s.sign));
        __m512d a = _mm512_sub_pd(_mm512_sub_pd(lower(x), top[0]), log[0]);
        __m512d b = _mm512_sub_pd(_mm512_sub_pd(upper(x), top[1]), log[1]);
        x = _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(a)), _mm512_cvtpd_ps(b), 1);
        store_step(s, y, j, whole, sound, x);
    }

    static void subtract_steps(const Steps *steps, const Survey *found, const double *logs, float *y) {
        Steps s = *steps;
        unsigned sound = found->sound;
        __m512d top[2] = {_mm512_loadu_pd(found->top), _mm512_loadu_pd(found->top + 8)};
        __m512d log[2] = {_mm512_loadu_pd(logs), _mm512_loadu_pd(logs + 8)};
        if (s.along)
            log[0] = log[1] = _mm512_set1_pd(*logs);
        #define SUBTRACT(j, whole) subtract_step(s, j, whole, top, log, sound, y)
        EACH_STEP(s, sound, SUBTRACT);
    }

    /* r[i] lane j to r[j] lane i. */
    PACKED void transpose(Floats *r) {
        Floats a[16];
        __m512d b[16];
        for (int i = 0; i < 16; i += 2) {
            a[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
            a[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
        }
        for (int i = 0; i < 16; i += 4)
            for (int k = 0; k < 2; k++) {
                b[i + 2 * k] = _mm512_unpacklo_pd(_mm512_castps_pd(a[i + k]), _mm512_castps_pd(a[i + k + 2]));
                b[i + 2 * k + 1] = _mm512_unpackhi_pd(_mm512_castps_pd(a[i + k]), _mm512_castps_pd(a[i + k + 2]));
            }
        for (int c = 0; c < 4; c++) {
            Floats q0 = _mm512_castpd_ps(b[c]), q1 = _mm512_castpd_ps(b[4 + c]);
            Floats q2 = _mm512_castpd_ps(b[8 + c]), q3 = _mm512_castpd_ps(b[12 + c]);
            Floats even = _mm512_shuffle_f32x4(q0, q1, 0x88), odd = _mm512_shuffle_f32x4(q0, q1, 0xdd);
            Floats even2 = _mm512_shuffle_f32x4(q2, q3, 0x88), odd2 = _mm512_shuffle_f32x4(q2, q3, 0xdd);
            r[c] = _mm512_shuffle_f32x4(even, even2, 0x88);
            r[4 + c] = _mm512_shuffle_f32x4(odd, odd2, 0x88);
            r[8 + c] = _mm512_shuffle_f32x4(even, even2, 0xdd);
            r[12 + c] = _mm512_shuffle_f32x4(odd, odd2, 0xdd);
        }
    }

    /* 16 rows of n entries, one after the other, into a panel and back: tiles of 16 entries. */
    static void turn(const float *x, Py_ssize_t n, float *panel) {
        Floats r[16];
        for (Py_ssize_t first = 0; first < n; first += 16) {
            __mmask16 lanes = first_lanes(n - first);
            for (int l = 0; l < 16; l++)
                r[l] = _mm512_maskz_loadu_ps(lanes, x + l * n + first);
            transpose(r);
            for (int j = 0; j < 16; j++)
                if (first + j < n)
                    _mm512_storeu_ps(panel + (first + j) * 16, r[j]);
        }
    }

    static void turn_back(const float *panel, Py_ssize_t n, float *y) {
        Floats r[16];
        /* From the last tile on: what a row stores beyond its end the next one, or the tile before, writes again. */
        for (Py_ssize_t first = (n - 1) / 16 * 16; first >= 0; first -= 16) {
            for (int j = 0; j < 16; j++)
                r[j] = first + j < n ? _mm512_loadu_ps(panel + (first + j) * 16) : _mm512_setzero_ps();
            transpose(r);
            for (int l = 0; l < 16; l++)
                if (l * n + first + 16 <= 16 * n)
                    _mm512_storeu_ps(y + l * n + first, r[l]);
                else
                    _mm512_mask_storeu_ps(y + l * n + first, first_lanes(n - first), r[l]);
        }
    }

    /* `count` panels' worth of neighbours from each of n steps, and back. No prefetcher of the processor's follows
       such steps. */
    #define AHEAD 8
    static void gather_panels(const float *x, Py_ssize_t n, Py_ssize_t step, Py_ssize_t count, float *panels) {
        for (Py_ssize_t j = 0; j < n; j++)
            for (Py_ssize_t k = 0; k < count; k++) {
                _mm_prefetch((const char *)(x + (j + AHEAD) * step + 16 * k), _MM_HINT_T0);
                _mm512_storeu_ps(panels + (k * n + j) * 16, _mm512_loadu_ps(x + j * step + 16 * k));
            }
    }

    static void scatter_panels(const float *panels, Py_ssize_t n, Py_ssize_t step, Py_ssize_t count, float *y) {
        for (Py_ssize_t j = 0; j < n; j++)
            for (Py_ssize_t k = 0; k < count; k++) {
                __builtin_prefetch(y + (j + AHEAD) * step + 16 * k, 1, 3);
                _mm512_storeu_ps(y + j * step + 16 * k, _mm512_loadu_ps(panels + (k * n + j) * 16));
            }
    }

    static Steps steps_along(const float *x, Py_ssize_t n, float sign) {
        Py_ssize_t count = (n + 15) / 16;
        Steps s = {x, count, 16, 0xFFFF, first_lanes(n - 16 * (count - 1)), 1, sign};
        return s;
    }

    static Steps steps_beside(const float *x, Py_ssize_t n, Py_ssize_t step, Py_ssize_t live, float sign) {
        Steps s = {x, n, step, first_lanes(live), first_lanes(live), 0, sign};
        return s;
    }
    #else
    #define HAS_FLOAT_ROWS 0
    typedef struct { Py_ssize_t count; } Steps;
    #define survey_total(s, parts, found)
    #define survey_rest(s, parts, found)
    #define scale_steps(s, found, scale, parts, y)
    #define find_units(s, found, units)
    #define subtract_steps(s, found, logs, y)
    #define gather_panels(x, n, step, count, panels)
    #define scatter_panels(panels, n, step, count, y)
    #define turn(x, n, panel)
    #define turn_back(panel, n, y)
    static Steps steps_along(const float *x, Py_ssize_t n, float sign) { Steps s = {0}; return s; }
    static Steps steps_beside(const float *x, Py_ssize_t n, Py_ssize_t step, Py_ssize_t live, float sign) {
        Steps s = {0}; return s;
    }
    #endif
    """
    ctypedef struct Steps:
        Py_ssize_t count
    ctypedef struct Survey:
        double top[16]
        double sum[16]
        unsigned int sound
    const bint HAS_FLOAT_ROWS
    float *line_start(float *buffer) nogil
    Steps steps_along(const float *x, Py_ssize_t n, float sign) nogil
    Steps steps_beside(const float *x, Py_ssize_t n, Py_ssize_t step, Py_ssize_t live, float sign) nogil
    void survey_total(const Steps *s, float *parts, Survey *found) nogil
    void survey_rest(const Steps *s, float *parts, Survey *found) nogil
    void scale_steps(const Steps *s, const Survey *found, const double *scale, const float *parts, float *y) nogil
    void find_units(const Steps *s, const Survey *found, double *units) nogil
    void subtract_steps(const Steps *s, const Survey *found, const double *logs, float *y) nogil
    void gather_panels(const float *x, Py_ssize_t n, Py_ssize_t step, Py_ssize_t count, float *panels) nogil
    void scatter_panels(const float *panels, Py_ssize_t n, Py_ssize_t step, Py_ssize_t count, float *y) nogil
    void turn(const float *x, Py_ssize_t n, float *panel) nogil
    void turn_back(const float *panel, Py_ssize_t n, float *y) nogil
