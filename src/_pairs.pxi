# Double results to the last bit or two: hi + lo, an unevaluated sum, where one double would lose too much.
#
# a) float needs none of this: double has 29 bits to spare.
# b) plus and times return the nearest double and the rest. What is used once, or corrects something, does without the
#    three additions of that: product_of, sum_of and divided_pair, whose low part is merely small.
# c) A quotient is one division: its remainder is exact, and corrects it.

cdef extern from *:
    """
    /* a * b - p exactly, for p = a * b rounded: one FMA, or Dekker's splitting into halves of 26 bits. */
    static inline double product_error(double a, double b, double p) {
    #if defined(__FMA__) || defined(__aarch64__)
        return __builtin_fma(a, b, -p);
    #else
        double ta = 134217729.0 * a, ah = ta - (ta - a), al = a - ah;
        double tb = 134217729.0 * b, bh = tb - (tb - b), bl = b - bh;
        return ((ah * bh - p) + ah * bl + al * bh) + al * bl;
    #endif
    }

    /* a (hi + lo), rounded little more than once, for a below 1e300 that is not -0. */
    static inline double times_sum(double a, double hi, double lo) {
    #if defined(__FMA__) || defined(__aarch64__)
        return __builtin_fma(a, hi, a * lo);
    #else
        double p = a * hi;
        return p + (product_error(a, hi, p) + a * lo);
    #endif
    }

    /* a - q b for q next to a / b: exact but for the last rounding. */
    static inline double remainder_of(double a, double q, double b) {
    #if defined(__FMA__) || defined(__aarch64__)
        return __builtin_fma(-q, b, a);
    #else
        double p = q * b;
        return (a - p) - product_error(q, b, p);
    #endif
    }
    """
    double product_error(double a, double b, double p) nogil
    double times_sum(double a, double hi, double lo) nogil
    double remainder_of(double a, double q, double b) nogil

cdef inline Pair quick_sum(double big, double small) noexcept nogil:
    """big + small exactly, for |big| >= |small|."""
    cdef double s = big + small
    return pair(s, small - (s - big))


cdef inline Pair chosen(bint first, Pair a, Pair b) noexcept nogil:
    return pair(either(first, a.hi, b.hi), either(first, a.lo, b.lo))


cdef inline Pair exact_sum(double a, double b) noexcept nogil:
    cdef double s = a + b, v = s - a
    return pair(s, (a - (s - v)) + (b - v))


cdef inline Pair exact_product(double a, double b) noexcept nogil:
    cdef double p = a * b
    return pair(p, product_error(a, b, p))


cdef inline Pair product(Pair a, double b) noexcept nogil:
    """a * b, exactly while it is below 2000: enough for the argument of an exponential. 0 for b = 0, whatever a is."""
    cdef double p = a.hi * b, low = product_error(a.hi, b, p) + a.lo * b
    return pair(either(b == 0.0, 0.0, p), either((c_fabs(p) < 2000.0) & (low == low), low, 0.0))


cdef inline double division_error(double a, double b, double q) noexcept nogil:
    """a / b - q for q = a / b rounded, or 0 where that has no meaning."""
    cdef double p = q * b, rest = ((a - p) - product_error(q, b, p)) / b
    return rest if c_fabs(rest) < 1e-10 else 0.0


cdef inline Pair plus(Pair a, Pair b) noexcept nogil:
    cdef Pair s = exact_sum(a.hi, b.hi)
    return quick_sum(s.hi, s.lo + (a.lo + b.lo))


cdef inline Pair times(Pair a, Pair b) noexcept nogil:
    cdef Pair p = exact_product(a.hi, b.hi)
    return quick_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi))


cdef inline Pair product_of(Pair a, Pair b) noexcept nogil:
    """a * b, with a low part that is merely small."""
    cdef double p = a.hi * b.hi
    return pair(p, mul_add(a.hi, b.lo, mul_add(a.lo, b.hi, product_error(a.hi, b.hi, p))))


cdef inline Pair sum_of(double a, Pair b) noexcept nogil:
    """a + b, with a low part that is merely small."""
    cdef Pair s = exact_sum(a, b.hi)
    return pair(s.hi, s.lo + b.lo)


cdef inline Pair scaled(Pair a, double factor) noexcept nogil:
    """For a power of two as factor."""
    return pair(a.hi * factor, a.lo * factor)


cdef inline double divided(double a, double b, double b_low) noexcept nogil:
    """a / (b + b_low), rounded little more than once: the quotient's remainder is exact, and corrects it."""
    cdef double inverse = 1.0 / b, q = a * inverse
    return mul_add(inverse, mul_add(-q, b_low, remainder_of(a, q, b)), q)


cdef inline Pair divided_pair(double a, double a_low, double b, double b_low) noexcept nogil:
    """(a + a_low) / (b + b_low), the quotient and its correction."""
    cdef double inverse = 1.0 / b, q = a * inverse
    return pair(q, inverse * mul_add(-q, b_low, remainder_of(a, q, b) + a_low))


cdef inline Pair one_minus_exp(double a) noexcept nogil:
    """1 - e^-a for a >= 0; where a is small it is a less a little, and nothing cancels."""
    cdef double y = 40.0 if a > 40.0 else a, rounded = mul_add(y, -1.4426950408889634, ROUNDER), n = rounded - ROUNDER
    cdef double part = mul_add(n, -0.693147180369123816490, -y), r = mul_add(n, -1.90821492927058770002e-10, part)
    cdef double rest = mul_add(r * r, expm1_reduced_half(r), mul_add(n, -1.90821492927058770002e-10, part - r))
    # (1 - scale) - scale r - scale rest, as a sum and its error.
    cdef double scale = power_of_two(rounded), gap = 1.0 - scale, line = scale * r, s = gap - line, low, m
    low = mul_add(-scale, rest, ((gap - s) - line) + ((1.0 - gap) - scale))
    m = s + low
    return pair(m, low - (m - s))


cdef inline double log1p_falling(double w) noexcept nogil:
    """log(1 + w) for 0 <= w <= 1: 2 atanh(s) with s = w / (2 + w), whose rounding error counts."""
    cdef double two = 2.0 + w
    cdef Pair s = divided_pair(w, -0.0, two, w - (two - 2.0))
    cdef double z = s.hi * s.hi
    return mul_add(2.0, s.hi, mul_add(s.hi * z, atanh_rest(z), 2.0 * s.lo))


cdef inline Pair root_of(Pair s) noexcept nogil:
    """sqrt(s) for s between 1e-290 and 1e290, or 0."""
    cdef double r = sqrt(s.hi)
    return pair(r, either(r > 0.0, (remainder_of(s.hi, r, r) + s.lo) * (0.5 / r), 0.0))


# ---- A line between two flat pieces ---------------------------------------------------------------------------

cdef struct Ramp:
    double slope
    double slope_low
    double offset
    double left         # the line is above 0 and below 1 for left < x < right
    double right
    double below        # the value left of it
    double above

cdef inline double excess(double x, Ramp r, Pair climb) noexcept nogil:
    """How much more than `climb` the line rises from 0 to x."""
    cdef Pair p = exact_product(x, r.slope)
    return (p.hi - climb.hi) + ((p.lo - climb.lo) + x * r.slope_low)


cdef inline Ramp ramp(double slope, double offset) noexcept nogil:
    """The line slope * x + offset from 0 to 1. Nothing here depends on data or branches: gcc moves it out of loops."""
    cdef Ramp r
    cdef double size = c_fabs(slope), zero, one, step
    cdef bint flat = slope == 0.0, falls = slope < 0.0, endless = c_fabs(offset) > DBL_MAX
    cdef Pair to_zero = pair(-offset, 0.0), to_one = exact_sum(1.0, -offset)
    # Slopes beyond 2^960 and 2^-960, where inverses and splittings overflow, are replaced by these.
    size = either(size > 9.745314011399999e288, 9.745314011399999e288, size)
    r.slope = c_copysign(either(size < 1.0261342003245941e-289, 1.0261342003245941e-289, size), slope)
    # The default 1/6 means one sixth, not its double: only so are the knees at -3 and 3.
    r.slope_low = either(slope == 0.16666666666666666, 9.25185853854297e-18, 0.0)
    r.offset = offset
    # The doubles nearest to where the line is 0 and 1. One that is still inside is not the end: the next one is, and
    # 1.6e-16 is between 0.7 and 1.5 units in its last place.
    zero = to_zero.hi / r.slope
    one = to_one.hi / r.slope
    step = excess(one, r, to_one) / r.slope
    one -= either(step == step, step, 0.0)
    zero -= either(excess(zero, r, to_zero) > 0.0, c_copysign(1.6e-16 * zero, r.slope), 0.0)
    one += either(excess(one, r, to_one) < 0.0, c_copysign(1.6e-16 * one, r.slope), 0.0)
    r.left = either(flat, INFINITY, either(falls, one, zero))
    r.right = either(flat, -INFINITY, either(falls, zero, one))
    r.below = either(endless, offset > 0.0, falls)
    r.above = either(flat, either(offset > 1.0, 1.0, either(offset <= 0.0, 0.0, offset)), not falls)
    r.above = either(endless, offset > 0.0, r.above)
    return r


cdef inline T on_ramp(T x, Ramp r) noexcept nogil:
    """The line at x."""
    cdef double y = mul_add(x, r.slope, r.offset)
    cdef Pair p, sum1
    if T is float:
        return <T>y
    else:
        p = exact_product(x, r.slope)
        sum1 = exact_sum(p.hi, r.offset)
        return mul_add(x, r.slope_low, y) if HAVE_FMA else sum1.hi + (sum1.lo + (p.lo + x * r.slope_low))


cdef inline Pair line_at(double x, double slope, double offset) noexcept nogil:
    """slope * x + offset, without an end."""
    cdef Pair p = exact_product(x, slope), s = exact_sum(p.hi, offset)
    cdef double low = s.lo + p.lo
    return pair(s.hi, either(c_fabs(low) < 1e290, low, 0.0))


cdef inline bint above(double level, Pair line) noexcept nogil:
    """Whether a level is above a line."""
    cdef Pair d = exact_sum(level, -line.hi)
    return d.hi + either(c_fabs(d.lo) < 1e290, d.lo - line.lo, 0.0) > 0.0


# ---- Functions in pairs ---------------------------------------------------------------------------------------
# Exact to some 2^-56, where an argument is e^-|x| or made of it. A Power carries the unit of the exponential that it is
# made of: what is tiny is proportional to it.

cdef inline Power power(double hi, double lo, double unit) noexcept nogil:
    cdef Power p
    p.hi = hi
    p.lo = lo
    p.unit = unit
    return p


cdef inline Scaled rounded(Pair p, double unit) noexcept nogil:
    return scaled_to(p.hi + p.lo, unit)


cdef inline Pair quotient(Pair a, Pair b) noexcept nogil:
    return divided_pair(a.hi, a.lo, b.hi, b.lo)


cdef inline Pair added(Pair a, Pair b) noexcept nogil:
    """a + b, with a low part that is merely small."""
    cdef Pair s = exact_sum(a.hi, b.hi)
    return pair(s.hi, s.lo + (a.lo + b.lo))


cdef inline Pair times_number(Pair a, double b) noexcept nogil:
    return product_of(a, pair(b, 0.0))


cdef inline Pair exp_pair_of(Pair e, bint left) noexcept nogil:
    """e^x from e = exp(-|x|)."""
    return chosen(left, e, quotient(pair(1.0, -0.0), e))


cdef inline Pair sigmoid_pair(Pair e, bint left) noexcept nogil:
    """sigmoid(x) from e = exp(-|x|)."""
    return quotient(chosen(left, e, pair(1.0, 0.0)), sum_of(1.0, e))


cdef inline Pair bell_pair(Pair e) noexcept nogil:
    """e / (1 + e)^2, the derivative of the sigmoid, from e = exp(-|x|)."""
    cdef Pair one = sum_of(1.0, e)
    return quotient(e, product_of(one, one))


cdef inline Pair tanh_of(Pair z) noexcept nogil:
    """tanh(z) for z of any sign, as m / (2 - m) with m = 1 - exp(-2 |z|)."""
    cdef double a = c_fabs(z.hi), low = either(z.hi < 0, -z.lo, z.lo), two
    cdef Pair m = one_minus_exp(2.0 * a), t
    low = m.lo + 2.0 * low * (1.0 - m.hi)
    two = 2.0 - m.hi
    t = divided_pair(m.hi, low, two, ((2.0 - two) - m.hi) - low)
    return pair(c_copysign(t.hi, z.hi), either(z.hi < 0, -t.lo, t.lo))


cdef inline Power tanh_slope_of(Pair z) noexcept nogil:
    """1 - tanh(z)^2."""
    cdef double low = either(z.hi < 0, -z.lo, z.lo)
    cdef Power e = exp_falling(2.0 * c_fabs(z.hi), either(low != 0.0, 2.0 * low, 0.0))
    cdef Pair slope = bell_pair(pair(e.hi, e.lo))
    return power(4.0 * slope.hi, 4.0 * slope.lo, e.unit)


cdef inline Pair log1p_of(Pair w) noexcept nogil:
    """log(1 + w) for 0 <= w <= 1: 2 atanh(s) with s = w / (2 + w)."""
    cdef Pair s = quotient(w, sum_of(2.0, w))
    cdef double z = s.hi * s.hi
    return quick_sum(2.0 * s.hi, mul_add(s.hi * z, atanh_rest(z), 2.0 * s.lo))
