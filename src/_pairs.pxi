# Double results to the last bit: numbers carried as an unevaluated sum hi + lo, about 2^-59 exact.
#
# float needs none of this: double has 29 bits to spare.

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
    """
    double product_error(double a, double b, double p) nogil

cdef inline Pair quick_sum(double big, double small) noexcept nogil:
    """big + small exactly, for |big| >= |small|."""
    cdef double s = big + small
    return pair(s, small - (s - big))


cdef inline Pair chosen(bint first, Pair a, Pair b) noexcept nogil:
    return pair(a.hi if first else b.hi, a.lo if first else b.lo)


cdef inline Pair exact_sum(double a, double b) noexcept nogil:
    cdef double s = a + b, v = s - a
    return pair(s, (a - (s - v)) + (b - v))


cdef inline Pair exact_product(double a, double b) noexcept nogil:
    cdef double p = a * b
    return pair(p, product_error(a, b, p))


cdef inline Pair product(Pair a, double b) noexcept nogil:
    """a * b, exactly while it is below 2000: enough for the argument of an exponential. 0 for b = 0, whatever a is."""
    cdef double p = a.hi * b, low = product_error(a.hi, b, p) + a.lo * b
    return pair(0.0 if b == 0.0 else p, low if (c_fabs(p) < 2000.0) & (low == low) else 0.0)


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


cdef inline Pair scaled(Pair a, double factor) noexcept nogil:
    """For a power of two as factor."""
    return pair(a.hi * factor, a.lo * factor)


cdef inline Pair quotient(Pair a, Pair b) noexcept nogil:
    """a / b from one division: the quotient's remainder is exact, and corrects it."""
    cdef double inverse = 1.0 / b.hi, q = a.hi * inverse, p = q * b.hi
    cdef double rest = ((a.hi - p) - product_error(q, b.hi, p)) + (a.lo - q * b.lo)
    return quick_sum(q, rest * inverse)


cdef inline double log1p_pair(Pair w) noexcept nogil:
    """log(1 + w) for 0 <= w <= 1: log1p_unit with what its sums lose."""
    cdef bint halved = w.hi > 0.41421356237309503
    cdef Pair f = exact_sum(w.hi, -1.0 if halved else 0.0)
    f = scaled(pair(f.hi, f.lo + w.lo), 0.5 if halved else 1.0)
    cdef Pair sum0 = exact_sum(0.6931471805599453 if halved else 0.0, f.hi)
    cdef double low = f.lo * (1.0 - f.hi) + (2.3190468138462996e-17 if halved else 0.0)
    return sum0.hi + (sum0.lo + (low - log_gap(f.hi)))


cdef inline Pair exp_pair(Pair x, double boost) noexcept nogil:
    """e^x 2^boost, relative error 2^-58. A boost keeps the digits of what a later factor makes subnormal."""
    cdef double y = -1500.0 if x.hi < -1500.0 else x.hi
    y = 800.0 if y > 800.0 else y
    cdef double n = mul_add(y, 1.4426950408889634, ROUNDER) - ROUNDER
    cdef Pair r = exact_sum(y - n * 0.693147180369123816490, -n * 1.90821492927058770002e-10)
    r = exact_sum(r.hi, r.lo + x.lo)
    # 1 + r + r^2 / 2 exactly enough, then the cubic rest, which is below 0.0075 and may round.
    cdef Pair square = exact_product(r.hi, r.hi)
    cdef Pair sum1 = quick_sum(1.0, r.hi), sum2 = quick_sum(sum1.hi, 0.5 * square.hi)
    cdef double p = 2.0914686968086876e-09, low
    p = mul_add(p, r.hi, 2.5105217004720745e-08)
    p = mul_add(p, r.hi, 2.75572736431103e-07)
    p = mul_add(p, r.hi, 2.7557255400206422e-06)
    p = mul_add(p, r.hi, 2.4801587325547743e-05)
    p = mul_add(p, r.hi, 0.00019841269874820627)
    p = mul_add(p, r.hi, 0.0013888888888883748)
    p = mul_add(p, r.hi, 0.008333333333326136)
    p = mul_add(p, r.hi, 0.04166666666666667)
    p = mul_add(p, r.hi, 0.1666666666666667)
    low = r.lo * (1.0 + r.hi) + (0.5 * square.lo + square.hi * r.hi * p)
    cdef Pair e = quick_sum(sum2.hi, low + (sum1.lo + sum2.lo))
    cdef Pair steps = two_steps_of(n + boost)
    # Beyond -1490 not even the largest gradient brings the value back.
    return scaled(scaled(e, steps.hi if y > -1490.0 else 0.0), steps.lo)


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
