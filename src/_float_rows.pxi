# Rows of float32, 16 lanes at a time: exponentials as exact as the bound needs, at half the width of double's cost.
#
# a) e^d = 2^(n/16) e^r with |r| <= log(2)/32. Of 2^(n/16) a permutation looks up the rounded value h and its relative
#    error; e^r - 1 is a cubic. So e^d = h (1 + v) with |v| < 0.022: v may be wrong by 2^-28 of e^d, and is never added
#    to h before the last operation, an FMA that rounds once.
# b) Values are scaled by 2^40 / 2^k, k next to the logarithm of the row's largest entry, which moves exponents only.
# c) d is x itself, or x - top where |top| > 256: what matters then lies within a factor of 2 of top, and the
#    difference is exact. Entries more than 110 below the top count as 0.
# d) A sum in floats carries what rounding takes from it. Of a row that lies along, where exponentials are kept or not,
#    all is done for up to 16 rows at a time: what is horizontal for one would keep the next one waiting.
# e) A row whose top is not finite, or that has a NaN, is left to the kernels in double, as are masks and temperatures.
# f) Only processors with AVX-512 permute and convert that cheaply: the other builds do everything in double.

cdef extern from *:
    """
    typedef struct { double top[16]; double sum[16]; unsigned sound, near; } Survey;

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

    /* The anchors of up to 16 rows that lie along; one's own has the exponent in the table. */
    typedef struct { float top[16], shift[16], low[16]; int exponent[16]; } Anchors;

    PACKED Anchors anchors_at(const float *tops, float sign) {
        Anchors many;
        Anchor a = anchor_at(_mm512_loadu_ps(tops), sign);
        _mm512_storeu_ps(many.top, a.top);
        _mm512_storeu_ps(many.shift, a.shift);
        _mm512_storeu_ps(many.low, a.low);
        _mm512_storeu_si512(many.exponent, a.exponent);
        return many;
    }

    PACKED Anchor anchor_along(const Anchors *many, int row, float sign) {
        Anchor a;
        a.sign = all_of(sign);
        a.top = all_of(many->top[row]);
        a.shift = all_of(many->shift[row]);
        a.low = all_of(many->low[row]);
        a.powers = _mm512_add_epi32(powers_table(), _mm512_set1_epi32(many->exponent[row]));
        a.rest = _mm512_loadu_ps(POWERS_REST);
        return a;
    }

    /* `near` where all entries are so near the top that it needs no care: d is x. */
    PACKED void exponential_along(Floats x, const Anchor *a, const int near, Floats *h, Floats *v) {
        const Floats d = near ? x : _mm512_max_ps(a->low, _mm512_fmsub_ps(x, a->sign, a->shift));
        power_of_e(d, a->powers, a->rest, 3, h, v);
    }

    PACKED Floats distance(Floats x, const Anchor *a) { return _mm512_fmsub_ps(x, a->sign, a->shift); }
    PACKED __m512d lower(Floats x) { return _mm512_cvtps_pd(_mm512_castps512_ps256(x)); }
    PACKED __m512d upper(Floats x) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1)); }

    PACKED Floats narrowed(__m512d lower, __m512d upper) {
        return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(lower)), _mm512_cvtpd_ps(upper), 1);
    }

    PACKED __mmask16 first_lanes(Py_ssize_t count) { return count >= 16 ? 0xFFFF : (__mmask16)((1u << count) - 1); }

    PACKED unsigned sound_lanes(const Survey *found) {
        __mmask8 sound[2];
        for (int k = 0; k < 2; k++) {
            __m512d top = _mm512_loadu_pd(found->top + 8 * k), sum = _mm512_loadu_pd(found->sum + 8 * k);
            sound[k] = _mm512_cmp_pd_mask(_mm512_abs_pd(top), _mm512_set1_pd(INFINITY), _CMP_LT_OQ)
                     & _mm512_cmp_pd_mask(sum, _mm512_set1_pd(-1.0), _CMP_GT_OQ);
        }
        return sound[0] | (unsigned)sound[1] << 8;
    }

    /* Steps of 16 floats: `step` apart with a row per lane, or along each of up to 16 rows of n, a sheaf. */
    typedef struct {
        const float *x;
        Py_ssize_t count, step, n;
        __mmask16 lanes, last;
        int along, rows;
        float sign;
    } Steps;

    PACKED Steps row_of_sheaf(const Steps *s, int row) {
        Steps one = *s;
        one.x += row * s->n;
        one.rows = 1;
        return one;
    }

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

    PACKED Floats load_or(Steps s, Py_ssize_t j, int whole, Floats fill) {
        if (whole)
            return _mm512_loadu_ps(s.x + j * s.step);
        return _mm512_mask_loadu_ps(fill, j + 1 < s.count ? s.lanes : s.last, s.x + j * s.step);
    }

    PACKED Floats load_step(Steps s, Py_ssize_t j, int whole) {
        return load_or(s, j, whole, all_of(-INFINITY * s.sign));
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

    PACKED Floats find_top(Steps s) {
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
        return s.along ? all_of(_mm512_reduce_max_ps(top[0])) : top[0];
    }

    /* Sums of h (1 + v). What rounding takes from a sum that starts above every h is known exactly; together with h v
       it is added up in floats for a burst, and then in double, for many equal roundings would add up too. */
    enum { BURST = 16 };
    #define ABOVE 2199023255552.0   /* 2^41 */
    typedef struct { Floats sum, small; __m512d lower, upper; __m512i ties; } Sum;

    PACKED Sum no_sum(void) {
        return (Sum){all_of(ABOVE), _mm512_setzero_ps(), _mm512_setzero_pd(), _mm512_setzero_pd(),
                     _mm512_setzero_si512()};
    }

    PACKED void add(Sum *s, Floats h, Floats v) {
        Floats more = _mm512_add_ps(s->sum, h), lost = _mm512_sub_ps(h, _mm512_sub_ps(more, s->sum));
        s->small = _mm512_add_ps(s->small, _mm512_fmadd_ps(h, v, lost));
        s->sum = more;
    }

    PACKED void end_burst(Sum *s) {
        s->lower = _mm512_add_pd(s->lower, lower(s->small));
        s->upper = _mm512_add_pd(s->upper, upper(s->small));
        s->small = _mm512_setzero_ps();
    }

    PACKED void end_sum(Sum *s) {
        Floats above = _mm512_sub_ps(s->sum, all_of(ABOVE));
        s->lower = _mm512_add_pd(s->lower, lower(above));
        s->upper = _mm512_add_pd(s->upper, upper(above));
    }

    enum { ALL,             /* the sum of all entries */
           OTHERS,          /* without those that are the top, which are counted */
           SMALL_OTHERS };  /* and that in double, for sums too small beside the top, with 0 for entries too low */

    PACKED void survey_step(Steps s, Py_ssize_t j, int whole, const Anchor *a, const int how, float *parts, Sum *sum) {
        Floats x = load_step(s, j, whole), d = distance(x, a), h, v;
        exponential(d, a, &h, &v);
        if (parts != NULL) {
            _mm512_storeu_ps(parts + 32 * j, h);
            _mm512_storeu_ps(parts + 32 * j + 16, v);
        }
        if (how != ALL) {
            __mmask16 tie = _mm512_cmp_ps_mask(x, _mm512_mul_ps(a->top, a->sign), _CMP_EQ_OQ), other = ~tie;
            sum->ties = _mm512_mask_add_epi32(sum->ties, tie, sum->ties, _mm512_set1_epi32(1));
            if (how == SMALL_OTHERS)
                other = _mm512_mask_cmp_ps_mask(other, d, a->low, _CMP_NLE_UQ);
            h = _mm512_maskz_mov_ps(other, h);
        }
        if (how != SMALL_OTHERS) {
            add(sum, h, v);
            return;
        }
        sum->lower = _mm512_add_pd(sum->lower, lower(h));
        sum->upper = _mm512_add_pd(sum->upper, upper(h));
        sum->small = _mm512_fmadd_ps(h, v, sum->small);
    }

    /* A row per lane, or one row along. */
    PACKED void survey_steps(Steps s, const int how, float *parts, Survey *found) {
        Anchor a = anchor_at(find_top(s), s.sign);
        Sum sum = no_sum();
        for (Py_ssize_t first = 0, whole; first < s.count; first += BURST) {
            Py_ssize_t end = first + BURST < s.count ? first + BURST : s.count, j = first;
            whole = whole_steps(s, 0xFFFF);
            for (; j < end && j < whole; j++)
                survey_step(s, j, 1, &a, how, parts, &sum);
            for (; j < end; j++)
                survey_step(s, j, 0, &a, how, parts, &sum);
            end_burst(&sum);
        }
        end_sum(&sum);
        Floats h, v;
        __m512d halves[2] = {sum.lower, sum.upper};
        __m512d ties[2] = {_mm512_cvtepi32_pd(_mm512_castsi512_si256(sum.ties)),
                           _mm512_cvtepi32_pd(_mm512_extracti32x8_epi32(sum.ties, 1))};
        if (s.along) {
            halves[0] = halves[1] = _mm512_set1_pd(_mm512_reduce_add_pd(_mm512_add_pd(halves[0], halves[1])));
            ties[0] = ties[1] = _mm512_set1_pd(_mm512_reduce_add_pd(_mm512_add_pd(ties[0], ties[1])));
        }
        exponential(_mm512_sub_ps(a.top, a.shift), &a, &h, &v);
        __m512d units[2] = {_mm512_fmadd_pd(lower(h), lower(v), lower(h)),
                            _mm512_fmadd_pd(upper(h), upper(v), upper(h))};
        for (int k = 0; k < 2; k++) {
            if (how != ALL)
                halves[k] = _mm512_add_pd(_mm512_div_pd(halves[k], units[k]),
                                          _mm512_sub_pd(ties[k], _mm512_set1_pd(1.0)));
            _mm512_storeu_pd(found->sum + 8 * k, halves[k]);
        }
        _mm512_storeu_pd(found->top, lower(a.top));
        _mm512_storeu_pd(found->top + 8, upper(a.top));
        found->sound = sound_lanes(found);
    }

    static void survey_small_others(const Steps *s, Survey *found) { survey_steps(*s, SMALL_OTHERS, NULL, found); }

    /* A number per lane times a factor, as a float and what that leaves. */
    PACKED Floats per_lane(const double *value, double factor, Floats *error) {
        __m512d a = _mm512_mul_pd(_mm512_loadu_pd(value), _mm512_set1_pd(factor));
        __m512d b = _mm512_mul_pd(_mm512_loadu_pd(value + 8), _mm512_set1_pd(factor));
        Floats v = narrowed(a, b);
        *error = narrowed(_mm512_sub_pd(a, lower(v)), _mm512_sub_pd(b, upper(v)));
        return v;
    }

    /* The sum of a row in 8 parts; `later` and `out` are fetched meanwhile. */
    PACKED __m512d sum_along(Steps s, const Anchor *a, const int near, float *parts, const float *later,
                             const float *out) {
        const Floats fill = near ? a->low : all_of(-INFINITY * s.sign);
        Sum sum = no_sum();
        for (Py_ssize_t first = 0; first < s.count; first += BURST) {
            Py_ssize_t end = first + BURST < s.count ? first + BURST : s.count, j = first;
            Py_ssize_t whole = end < s.count ? end : whole_steps(s, 0xFFFF);
            #define ADD_UP(j, whole) do { \
                Floats h, v; \
                exponential_along(load_or(s, j, whole, fill), a, near, &h, &v); \
                if (parts != NULL) { \
                    _mm512_storeu_ps(parts + 32 * (j), h); \
                    _mm512_storeu_ps(parts + 32 * (j) + 16, v); \
                    _mm_prefetch((const char *)(later + 16 * (j)), _MM_HINT_T0); \
                    __builtin_prefetch(out + 16 * (j), 1, 3); \
                } \
                add(&sum, h, v); \
            } while (0)
            for (; j < whole; j++)
                ADD_UP(j, 1);
            for (; j < end; j++)
                ADD_UP(j, 0);
            end_burst(&sum);
        }
        end_sum(&sum);
        return _mm512_add_pd(sum.lower, sum.upper);
    }

    /* Per lane the largest and the least entry of a row; of NaN the sum knows. */
    PACKED void find_range(Steps s, Floats *most, Floats *least) {
        Floats high0 = all_of(-INFINITY), high1 = high0, high2 = high0, high3 = high0, one;
        Floats low0 = all_of(INFINITY), low1 = low0, low2 = low0, low3 = low0;
        Py_ssize_t j = 0, whole = whole_steps(s, 0xFFFF);
        #define WIDEN(high, low, j) do { \
            one = _mm512_loadu_ps(s.x + 16 * (j)); \
            high = _mm512_max_ps(one, high); \
            low = _mm512_min_ps(one, low); \
        } while (0)
        for (; j + 4 <= whole; j += 4) {
            WIDEN(high0, low0, j);
            WIDEN(high1, low1, j + 1);
            WIDEN(high2, low2, j + 2);
            WIDEN(high3, low3, j + 3);
        }
        for (; j < whole; j++)
            WIDEN(high0, low0, j);
        if (j < s.count) {
            one = _mm512_maskz_loadu_ps(s.last, s.x + 16 * j);
            high1 = _mm512_mask_max_ps(high1, s.last, one, high1);
            low1 = _mm512_mask_min_ps(low1, s.last, one, low1);
        }
        *most = _mm512_max_ps(_mm512_max_ps(high0, high1), _mm512_max_ps(high2, high3));
        *least = _mm512_min_ps(_mm512_min_ps(low0, low1), _mm512_min_ps(low2, low3));
    }

    static int find_nan(Steps s) {
        for (Py_ssize_t j = 0; j < s.count; j++)
            if (_mm512_mask_cmp_ps_mask(j + 1 < s.count ? 0xFFFF : s.last, load_step(s, j, 0), load_step(s, j, 0),
                                        _CMP_UNORD_Q))
                return 1;
        return 0;
    }

    /* The largest entries of a sheaf, and where every entry is so near it that it needs no care. All rows first, then
       all that is horizontal: a row's would keep the next one waiting. */
    PACKED unsigned find_tops(const Steps *sheaf, float *tops) {
        Floats most[16], least[16];
        unsigned near = 0;
        for (int row = 0; row < sheaf->rows; row++)
            find_range(row_of_sheaf(sheaf, row), &most[row], &least[row]);
        for (int row = 0; row < sheaf->rows; row++) {
            if (sheaf->sign < 0) {
                tops[row] = -_mm512_reduce_min_ps(least[row]);
                continue;
            }
            tops[row] = _mm512_reduce_max_ps(most[row]);
            near |= (unsigned)(_mm512_cmp_ps_mask(least[row], all_of(tops[row] - 80.0f), _CMP_LT_OQ) == 0
                               && fabsf(tops[row]) <= 256.0f) << row;
        }
        return near;
    }

    /* Lanes of a sheaf that have no row are not sound. */
    static void survey_sheaf(const Steps *sheaf, float *parts, const float *out, Survey *found) {
        float tops[16];
        __m512d sums[16];
        _mm512_storeu_ps(tops, all_of(-INFINITY));
        _mm512_storeu_pd(found->sum, _mm512_set1_pd(-2.0));
        _mm512_storeu_pd(found->sum + 8, _mm512_set1_pd(-2.0));
        found->near = find_tops(sheaf, tops);
        Anchors anchors = anchors_at(tops, sheaf->sign);
        for (int row = 0; row < sheaf->rows; row++) {
            Steps s = row_of_sheaf(sheaf, row);
            Anchor a = anchor_along(&anchors, row, s.sign);
            const float *later = s.x + sheaf->rows * s.n;
            float *kept = parts + row * 32 * s.count;
            if (parts == NULL)
                sums[row] = found->near >> row & 1 ? sum_along(s, &a, 1, NULL, NULL, NULL)
                    : sum_along(s, &a, 0, NULL, NULL, NULL);
            else
                sums[row] = found->near >> row & 1 ? sum_along(s, &a, 1, kept, later, out + row * s.n)
                    : sum_along(s, &a, 0, kept, later, out + row * s.n);
        }
        for (int row = 0; row < sheaf->rows; row++)
            found->sum[row] = _mm512_reduce_add_pd(sums[row]);
        _mm512_storeu_pd(found->top, lower(_mm512_loadu_ps(tops)));
        _mm512_storeu_pd(found->top + 8, upper(_mm512_loadu_ps(tops)));
        found->sound = sound_lanes(found);
    }

    /* What the top's exponential is scaled to: sum + 1 times it is the sum of all, in units of scale_steps. */
    static void find_units(const Steps *s, const Survey *found, double *units) {
        Floats unused, top = per_lane(found->top, 1.0, &unused), h, v;
        Anchor a = anchor_at(top, s->sign);
        exponential(_mm512_sub_ps(top, a.shift), &a, &h, &v);
        _mm512_storeu_pd(units, _mm512_fmadd_pd(lower(h), lower(v), lower(h)));
        _mm512_storeu_pd(units + 8, _mm512_fmadd_pd(upper(h), upper(v), upper(h)));
    }

    /* A row that no near cache holds is read once for its top and its sum: each block has its own. */
    enum { BLOCK = 4096 };

    static void survey_long(const Steps *s, Survey *found) {
        Survey block;
        double units[16], top = -INFINITY, lowest = INFINITY, sum = 0.0;
        Steps some = *s;
        found->near = 1;
        for (Py_ssize_t first = 0; first < s->count; first += BLOCK, some.x += 16 * BLOCK) {
            int last = first + BLOCK >= s->count;
            some.count = last ? s->count - first : BLOCK;
            some.last = last ? s->last : 0xFFFF;
            survey_sheaf(&some, NULL, NULL, &block);
            find_units(s, &block, units);
            double high = block.top[0], part = block.sum[0] / units[0];
            lowest = high < lowest ? high : lowest;
            if (high == -INFINITY) {
                sum += find_nan(some) ? NAN : 0.0;
                continue;
            }
            sum = high > top ? sum * exp(top - high) + part : sum + part * exp(high - top);
            top = high > top ? high : top;
            found->near &= block.near;
        }
        found->near &= top - lowest <= 30.0;
        for (int l = 0; l < 16; l++)
            found->top[l] = top;
        find_units(s, found, units);
        for (int l = 0; l < 16; l++)
            found->sum[l] = sum * units[l];
        found->sound = sound_lanes(found);
    }

    static void survey_along(const Steps *s, float *parts, const float *out, Survey *found) {
        if (s->count > BLOCK)
            survey_long(s, found);
        else
            survey_sheaf(s, parts, out, found);
    }

    static void survey_total(const Steps *s, float *parts, const float *out, Survey *found) {
        if (s->along)
            survey_along(s, parts, out, found);
        else
            survey_steps(*s, ALL, parts, found);
    }

    /* The sum in units of the top's exponential, without one entry that is the top. Where it is small, the rows that
       one entry dominates are added up anew, each by what is in it. */
    static void survey_rest(const Steps *s, float *parts, const float *out, Survey *found) {
        Survey anew;
        double units[16], enough = s->along ? 0.5 : s->n * 0x1p-17;
        unsigned small = 0;
        if (s->along) {
            survey_along(s, parts, out, found);
            find_units(s, found, units);
            for (int row = 0; row < 16; row++)
                found->sum[row] = found->sum[row] / units[row] - 1.0;
        } else {
            survey_steps(*s, OTHERS, parts, found);
        }
        for (int row = 0; row < 16; row++)
            small |= (unsigned)(found->sum[row] < enough) << row;
        small &= found->sound & s->lanes;
        if (small == 0)
            return;
        if (!s->along)
            survey_small_others(s, &anew);
        for (int row = 0; row < s->rows; row++)
            if (small >> row & 1) {
                Steps one = row_of_sheaf(s, row);
                if (s->along)
                    survey_small_others(&one, &anew);
                found->sum[row] = anew.sum[s->along ? 0 : row];
            }
    }

    PACKED Floats scaled(Floats h, Floats v, Floats factor, Floats error) {
        Floats w = _mm512_mul_ps(h, _mm512_fmadd_ps(v, factor, error));
        return _mm512_mul_ps(_mm512_fmadd_ps(h, factor, w), all_of(5.421010862427522e-20f));
    }

    PACKED void scale_kept(Steps s, Floats factor, Floats error, const float *parts, unsigned sound, float *y) {
        #define SCALE_KEPT(j, whole) \
            store_step(s, y, j, whole, sound, scaled(_mm512_loadu_ps(parts + 32 * (j)), \
                                                     _mm512_loadu_ps(parts + 32 * (j) + 16), factor, error))
        EACH_STEP(s, sound, SCALE_KEPT);
    }

    PACKED void scale_beside(Steps s, Floats top, Floats factor, Floats error, unsigned sound, float *y) {
        Anchor a = anchor_at(top, s.sign);
        Floats h, v;
        #define SCALE_BESIDE(j, whole) do { \
            exponential(distance(load_step(s, j, whole), &a), &a, &h, &v); \
            store_step(s, y, j, whole, sound, scaled(h, v, factor, error)); \
        } while (0)
        EACH_STEP(s, sound, SCALE_BESIDE);
    }

    PACKED void scale_along(Steps s, const Anchor *a, const int near, Floats factor, Floats error, float *y) {
        Floats h, v;
        #define SCALE_ALONG(j, whole) do { \
            exponential_along(load_step(s, j, whole), a, near, &h, &v); \
            store_step(s, y, j, whole, 0xFFFF, scaled(h, v, factor, error)); \
        } while (0)
        EACH_STEP(s, 0xFFFF, SCALE_ALONG);
    }

    /* y = scale e^(x - ...), from the parts that a survey left or anew. 2^64 keeps subnormal results from rounding
       in the middle. */
    static void scale_steps(const Steps *s, const Survey *found, const double *scale, const float *parts, float *y) {
        Floats error, factor = per_lane(scale, 18446744073709551616.0, &error), unused;
        Floats top = per_lane(found->top, 1.0, &unused);
        float factors[16], errors[16], tops[16];
        if (!s->along) {
            if (parts != NULL)
                scale_kept(*s, factor, error, parts, found->sound, y);
            else
                scale_beside(*s, top, factor, error, found->sound, y);
            return;
        }
        _mm512_storeu_ps(factors, factor);
        _mm512_storeu_ps(errors, error);
        _mm512_storeu_ps(tops, top);
        Anchors anchors = anchors_at(tops, s->sign);
        for (int row = 0; row < s->rows; row++, y += s->n) {
            Steps one = row_of_sheaf(s, row);
            Anchor a = anchor_along(&anchors, row, s->sign);
            if (!(found->sound >> row & 1))
                continue;
            factor = all_of(factors[row]);
            error = all_of(errors[row]);
            if (parts != NULL)
                scale_kept(one, factor, error, parts + row * 32 * s->count, 0xFFFF, y);
            else if (found->near >> row & 1)
                scale_along(one, &a, 1, factor, error, y);
            else
                scale_along(one, &a, 0, factor, error, y);
        }
    }

    /* x - top - log; where the logarithm is not much smaller than the top, both are subtracted at once. */
    typedef struct { __m512d first[2], second[2]; } Offsets;

    PACKED Offsets offsets_of(const double *top, const double *log, unsigned *twice) {
        Offsets o;
        *twice = 0;
        for (int k = 0; k < 2; k++) {
            __m512d t = _mm512_loadu_pd(top + 8 * k), l = _mm512_loadu_pd(log + 8 * k);
            __mmask8 apart = _mm512_cmp_pd_mask(l, _mm512_mul_pd(_mm512_abs_pd(t), _mm512_set1_pd(1e-6)), _CMP_LT_OQ);
            o.first[k] = _mm512_mask_add_pd(t, (__mmask8)~apart, t, l);
            o.second[k] = _mm512_maskz_mov_pd(apart, l);
            *twice |= (unsigned)apart << 8 * k;
        }
        return o;
    }

    PACKED void subtract_step(Steps s, Py_ssize_t j, int whole, const Offsets *o, const int twice, unsigned sound,
                              float *y) {
        const __m512d sign = _mm512_set1_pd(s.sign);
        const float *x = s.x + j * s.step;
        Floats some = whole ? _mm512_setzero_ps() : load_step(s, j, 0);
        __m512d a = whole ? _mm512_cvtps_pd(_mm256_loadu_ps(x)) : lower(some);
        __m512d b = whole ? _mm512_cvtps_pd(_mm256_loadu_ps(x + 8)) : upper(some);
        a = _mm512_fmsub_pd(a, sign, o->first[0]);
        b = _mm512_fmsub_pd(b, sign, o->first[1]);
        if (twice) {
            a = _mm512_sub_pd(a, o->second[0]);
            b = _mm512_sub_pd(b, o->second[1]);
        }
        if (whole) {
            _mm256_storeu_ps(y + j * s.step, _mm512_cvtpd_ps(a));
            _mm256_storeu_ps(y + j * s.step + 8, _mm512_cvtpd_ps(b));
        } else {
            store_step(s, y, j, 0, sound, narrowed(a, b));
        }
    }

    PACKED void subtract_all(Steps s, const Offsets *o, unsigned twice, unsigned sound, float *y) {
        #define SUBTRACT_ONCE(j, whole) subtract_step(s, j, whole, o, 0, sound, y)
        #define SUBTRACT_TWICE(j, whole) subtract_step(s, j, whole, o, 1, sound, y)
        if (twice)
            EACH_STEP(s, sound, SUBTRACT_TWICE);
        else
            EACH_STEP(s, sound, SUBTRACT_ONCE);
    }

    static void subtract_steps(const Steps *s, const Survey *found, const double *logs, float *y) {
        unsigned twice;
        Offsets o = offsets_of(found->top, logs, &twice);
        if (!s->along) {
            subtract_all(*s, &o, twice, found->sound, y);
            return;
        }
        double first[16], second[16];
        for (int k = 0; k < 2; k++) {
            _mm512_storeu_pd(first + 8 * k, o.first[k]);
            _mm512_storeu_pd(second + 8 * k, o.second[k]);
        }
        for (int row = 0; row < s->rows; row++, y += s->n) {
            if (!(found->sound >> row & 1))
                continue;
            o.first[0] = o.first[1] = _mm512_set1_pd(first[row]);
            o.second[0] = o.second[1] = _mm512_set1_pd(second[row]);
            subtract_all(row_of_sheaf(s, row), &o, twice >> row & 1, 0xFFFF, y);
        }
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

    static Steps steps_along(const float *x, Py_ssize_t n, int rows, float sign) {
        Py_ssize_t count = (n + 15) / 16;
        Steps s = {x, count, 16, n, 0xFFFF, first_lanes(n - 16 * (count - 1)), 1, rows, sign};
        return s;
    }

    static Steps steps_beside(const float *x, Py_ssize_t n, Py_ssize_t step, Py_ssize_t live, float sign) {
        Steps s = {x, n, step, n, first_lanes(live), first_lanes(live), 0, 16, sign};
        return s;
    }
    #else
    #define HAS_FLOAT_ROWS 0
    typedef struct { Py_ssize_t count; } Steps;
    #define survey_total(s, parts, out, found)
    #define survey_rest(s, parts, out, found)
    #define scale_steps(s, found, scale, parts, y)
    #define find_units(s, found, units)
    #define subtract_steps(s, found, logs, y)
    #define gather_panels(x, n, step, count, panels)
    #define scatter_panels(panels, n, step, count, y)
    #define turn(x, n, panel)
    #define turn_back(panel, n, y)
    static Steps steps_along(const float *x, Py_ssize_t n, int rows, float sign) { Steps s = {0}; return s; }
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
    Steps steps_along(const float *x, Py_ssize_t n, int rows, float sign) nogil
    Steps steps_beside(const float *x, Py_ssize_t n, Py_ssize_t step, Py_ssize_t live, float sign) nogil
    void survey_total(const Steps *s, float *parts, const float *out, Survey *found) nogil
    void survey_rest(const Steps *s, float *parts, const float *out, Survey *found) nogil
    void scale_steps(const Steps *s, const Survey *found, const double *scale, const float *parts, float *y) nogil
    void find_units(const Steps *s, const Survey *found, double *units) nogil
    void subtract_steps(const Steps *s, const Survey *found, const double *logs, float *y) nogil
    void gather_panels(const float *x, Py_ssize_t n, Py_ssize_t step, Py_ssize_t count, float *panels) nogil
    void scatter_panels(const float *panels, Py_ssize_t n, Py_ssize_t step, Py_ssize_t count, float *y) nogil
    void turn(const float *x, Py_ssize_t n, float *panel) nogil
    void turn_back(const float *panel, Py_ssize_t n, float *y) nogil
