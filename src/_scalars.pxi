# The lines and the transcendental functions that the activations are made of.
#
# The transcendental ones compute in double. All are branch-free (selects only, so that gcc turns the loop around them
# into SIMD) and propagate NaN. The argument's type says where the result goes: a float argument may lean on double's
# exponent range and skip the care that subnormal or overflowing doubles need.
#
# Never write a clamp as `x if x > low else low`: that would
# turn NaN into `low`.

from libc.math cimport INFINITY, NAN

cdef extern from *:
    """
    #include <float.h>
    #include <math.h>
    #include <string.h>

    #define TWO_TO_MINUS_600 2.409919865102884e-181
    #define TWO_TO_300 2.037035976334486e90
    #define TWO_TO_MINUS_400 3.8725919148493183e-121
    #define ROUNDER 6755399441055744.0   /* 1.5 * 2^52: adding it leaves the nearest integer in the low bits */

    #if defined(__FMA__) || defined(__aarch64__)
    #define mul_add(a, b, c) __builtin_fma(a, b, c)   /* one instruction, one rounding */
    #else
    #define mul_add(a, b, c) ((a) * (b) + (c))        /* without FMA hardware fma() is a slow library call */
    #endif

    static inline double double_from_bits(long long bits) { double x; memcpy(&x, &bits, 8); return x; }
    static inline long long bits_from_double(double x) { long long bits; memcpy(&bits, &x, 8); return bits; }
    static inline float float_from_bits(unsigned bits) { float x; memcpy(&x, &bits, 4); return x; }
    static inline unsigned bits_from_float(float x) { unsigned bits; memcpy(&bits, &x, 4); return bits; }

    /* A select without a branch: gcc can move it out of a loop when nothing in it depends on the data, and where it
       depends on them, never makes two roads of it to compute both. */
    static inline double either(int first, double a, double b) {
        long long mask = -(long long)first;
        return double_from_bits((bits_from_double(a) & mask) | (bits_from_double(b) & ~mask));
    }

    #if defined(__FMA__) || defined(__aarch64__)
    #define HAVE_FMA 1
    #define mul_add_float(a, b, c) __builtin_fmaf(a, b, c)
    #else
    #define HAVE_FMA 0
    #define mul_add_float(a, b, c) ((float)((double)(a) * (b) + (c)))
    #endif
    """
    const bint HAVE_FMA
    const double DBL_MAX
    const double FLT_MAX
    const double ROUNDER
    const double TWO_TO_MINUS_600
    const double TWO_TO_300
    const double TWO_TO_MINUS_400
    double mul_add(double a, double b, double c) nogil
    float mul_add_float(float a, float b, float c) nogil
    double either(bint first, double a, double b) nogil
    double double_from_bits(long long bits) nogil
    long long bits_from_double(double x) nogil
    float float_from_bits(unsigned int bits) nogil
    unsigned int bits_from_float(float x) nogil
    double sqrt(double x) nogil
    double c_fabs "fabs"(double x) nogil
    float c_fabsf "fabsf"(float x) nogil
    double c_copysign "copysign"(double x, double sign) nogil
    float c_copysignf "copysignf"(float x, float sign) nogil

ctypedef fused T:
    float
    double


cdef inline T magnitude(T x) noexcept nogil:
    if T is float:
        return c_fabsf(x)
    else:
        return c_fabs(x)


cdef inline T with_sign_of(T value, T sign) noexcept nogil:
    if T is float:
        return c_copysignf(value, sign)
    else:
        return c_copysign(value, sign)


cdef inline double finite(T x) noexcept nogil:
    """x, with an infinity pulled in to the largest finite T: avoids inf * 0 on the way to a limit."""
    cdef double y = x
    if T is float:
        y = FLT_MAX if y > FLT_MAX else y
        return -FLT_MAX if y < -FLT_MAX else y
    else:
        y = DBL_MAX if y > DBL_MAX else y
        return -DBL_MAX if y < -DBL_MAX else y


cdef inline T at_most(T like, double limit) noexcept nogil:
    """The largest T that is not above limit: x > limit means x > at_most(limit), compared in T, in twice the lanes."""
    cdef float f = <float>limit
    cdef unsigned int bits = bits_from_float(f)
    if T is float:
        return float_from_bits(bits + (f > limit) * (2 * (bits >> 31) - 1))
    else:
        return limit


cdef inline T at_least(T like, double limit) noexcept nogil:
    """The smallest T that is not below limit."""
    return -at_most(like, -limit)


cdef inline T fused(T a, T b, T c) noexcept nogil:
    """a * b + c."""
    if T is float:
        return mul_add_float(a, b, c)
    else:
        return mul_add(a, b, c)


# ---- Straight lines -------------------------------------------------------------------------------------------
# Float data stay float, in twice the lanes of double, and meet a parameter as the sum of two floats. Parameters that
# two floats cannot hold are left to the double kernel, see `ordinary` in _loops.pxi.

cdef inline T stretched(T x, double factor) noexcept nogil:
    """x * factor."""
    # high is cut off, and low is not 0: both have the same sign, and an infinite x meets no 0.
    cdef T high = <T>double_from_bits(bits_from_double(factor) & ~0x1FFFFFFFLL)
    cdef T low = <T>(double_from_bits(bits_from_double(factor) | 0x10000) - high)
    if T is float:
        return fused(x, high, x * low) if HAVE_FMA else <T>(x * factor)
    else:
        return x * factor


cdef inline T shifted(T x, double distance) noexcept nogil:
    """x + distance; in float two roundings, of which the first is none where the sum cancels."""
    cdef T high = <T>distance
    if T is float:
        return x + high + <T>(distance - high)
    else:
        return x + distance


cdef inline T times_rise(T factor, T x, double half, double whole) noexcept nogil:
    """factor * (x + half) / whole for whole = 2 half and |x| <= whole."""
    cdef double slope = 1.0 / whole, slope_low = mul_add(-slope, whole, 1.0) / whole
    cdef double y = x, sum1 = y + half
    cdef T high = <T>slope, low = <T>((slope - high) + slope_low), rise, rest
    if T is float:
        # x / whole + 1/2 on a coarse grid, and the rest: the difference between the two is exact. Where the sum is 0,
        # x * low must round before it cancels.
        rise = fused(x, high, <T>2) - <T>1.5
        rest = fused(x, high, <T>0.5 - rise) + x * low
        return fused(factor, rise, factor * rest) if HAVE_FMA else <T>(factor * (sum1 * slope))
    else:
        return factor * (mul_add(sum1, slope, sum1 * slope_low) if HAVE_FMA else sum1 / whole)


cdef struct Rise:
    float sum1          # 1 + a
    float lost          # what that sum rounds away
    float inverse       # of the sum, rounded


cdef inline Rise rise_of(float a) noexcept nogil:
    """1 + a for a >= 0, to divide by: a division in double costs three times one in float."""
    cdef float a_rounded
    cdef Rise rise
    rise.sum1 = <float>1 + a
    # Without comparing a to 1, of which gcc makes two roads and computes both.
    a_rounded = rise.sum1 - <float>1
    rise.lost = (<float>1 - (rise.sum1 - a_rounded)) + (a - a_rounded)
    rise.inverse = <float>1 / rise.sum1
    return rise


cdef inline float left_over(float top, float quotient, Rise rise) noexcept nogil:
    """top - quotient (1 + a): divided by 1 + a again it is what the quotient lacks."""
    return mul_add_float(-quotient, rise.sum1, top) - quotient * rise.lost


cdef inline double power_of_two(double rounded) noexcept nogil:
    """2^n for rounded = n + ROUNDER and -1022 <= n <= 1023."""
    return double_from_bits((bits_from_double(rounded) + 1023) << 52)


cdef struct Pair:
    double hi
    double lo


cdef inline Pair pair(double hi, double lo) noexcept nogil:
    cdef Pair p
    p.hi = hi
    p.lo = lo
    return p


cdef inline Pair two_steps_of(double n) noexcept nogil:
    """Two powers of two whose product is 2^n, for integers n from -2040; below, 2^-2040."""
    cdef double m = -2040.0 if n < -2040.0 else n
    cdef double half = mul_add(m, 0.5, ROUNDER)
    return pair(power_of_two(half), power_of_two(m - (half - ROUNDER) + ROUNDER))


cdef inline double reduced(double x, double n) noexcept nogil:
    """x - n log 2: the high part of log 2 has 32 trailing zero bits, so its product with n is exact."""
    return (x - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10


cdef inline double expm1_reduced(double r) noexcept nogil:
    """e^r - 1 for |r| <= log(2) / 2."""
    return r + expm1_reduced_rest(r)


cdef inline double exp_narrow(double x) noexcept nogil:
    """e^x within 0.8 ULP for x in [-708, 709], and beyond them the nearest end: enough where float is the result."""
    cdef double y = -708.0 if x < -708.0 else x
    y = 709.0 if y > 709.0 else y
    cdef double n = mul_add(y, 1.4426950408889634, ROUNDER)
    return (1.0 + expm1_reduced(reduced(y, n - ROUNDER))) * power_of_two(n)


cdef inline double exp_short(double x) noexcept nogil:
    """exp_narrow with a relative error of 2^-38, for floats that nothing is subtracted from."""
    cdef double y = -708.0 if x < -708.0 else x
    y = 709.0 if y > 709.0 else y
    cdef double n = mul_add(y, 1.4426950408889634, ROUNDER), r = reduced(y, n - ROUNDER)
    return (1.0 + (r + expm1_reduced_short(r))) * power_of_two(n)


cdef inline double exp_wide(double x, double boost) noexcept nogil:
    """e^x 2^boost within 0.8 ULP for every x: two steps of scaling round once into the subnormals, or overflow."""
    cdef double y = -1500.0 if x < -1500.0 else x
    y = 1100.0 if y > 1100.0 else y
    cdef double n = mul_add(y, 1.4426950408889634, ROUNDER) - ROUNDER, e = 1.0 + expm1_reduced(reduced(y, n))
    cdef Pair steps = two_steps_of(n + boost)
    # Beyond -1490 not even the largest gradient brings the value back.
    return e * (steps.hi if y > -1490.0 else 0.0) * steps.lo


# ---- Below the subnormals -------------------------------------------------------------------------------------
# A double derivative may be too small for a double while its product with a large gradient is not. Such values carry
# a power of two, 2^1200 or as much as they need, until the gradient is in, and lose it in two steps.

cdef struct Scaled:
    double value
    double unit         # the number is value * unit * unit


cdef inline Scaled scaled_by(double value, bint boosted) noexcept nogil:
    cdef Scaled s
    s.value = value
    s.unit = TWO_TO_MINUS_600 if boosted else 1.0
    return s


cdef inline Scaled scaled_to(double value, double unit) noexcept nogil:
    cdef Scaled s
    s.value = value
    s.unit = unit
    return s


cdef inline double applied(double grad, Scaled slope) noexcept nogil:
    """grad * slope, rounded once into whatever range it falls."""
    return grad * slope.unit * slope.value * slope.unit


cdef inline Scaled exp_scaled(T like, double x, double low) noexcept nogil:
    """e^(x + low), low the rounding error of x."""
    cdef double e
    if T is float:
        return scaled_by(exp_short(x), False)
    else:
        e = exp_wide(x, 1200.0 if x < -600.0 else 0.0)
        return scaled_by(mul_add(e, low, e), x < -600.0)


cdef struct Power:
    double hi           # within 0.9 ULP or so: enough for most
    double lo
    double unit         # the number is (hi + lo) * unit * unit


cdef inline Power exp_falling(double a, double low) noexcept nogil:
    """e^-(a + low) for a >= 0; low is small, and costs nothing if it is a literal 0.0.

    hi stays above 2^-901, so that nothing is lost in sums and products; the unit brings it down.
    """
    # Beyond 1490 not even the largest gradient brings it back.
    cdef double y = 1490.0 if a > 1490.0 else a
    cdef double rounded = mul_add(y, -1.4426950408889634, ROUNDER), n = rounded - ROUNDER
    cdef double part = mul_add(n, -0.693147180369123816490, -y), r = mul_add(n, -1.90821492927058770002e-10, part)
    cdef double lost = mul_add(n, -1.90821492927058770002e-10, part - r), scale, kept
    cdef double rest = mul_add(r * r, expm1_reduced_half(r), lost), m = r + rest
    rest = rest - either(low != 0.0, mul_add(m, low, low), 0.0)
    m = r + rest
    # Not below -900 or -899, whichever is an even number of powers away: the unit is the root of what is missing.
    kept = double_from_bits(bits_from_double(ROUNDER - 900.0) | (bits_from_double(rounded) & 1))
    kept = either(rounded < ROUNDER - 900.0, kept, rounded)
    scale = power_of_two(kept)
    cdef Power e
    e.hi = mul_add(scale, m, scale)
    e.lo = mul_add(scale, rest - (m - r), mul_add(scale, m, scale - e.hi))
    e.unit = double_from_bits(((bits_from_double(rounded) - bits_from_double(kept)) << 51) + 0x3FF0000000000000LL)
    return e


cdef inline double expm1(T x) noexcept nogil:
    """e^x - 1 within 1 ULP of double, or for float within 2^-34, for x <= 709; beyond, infinity."""
    cdef double y = x, n, scale, r
    y = -708.0 if y < -708.0 else y
    y = 710.0 if y > 710.0 else y
    n = mul_add(y, 1.4426950408889634, ROUNDER)
    scale = power_of_two(n)
    r = reduced(y, n - ROUNDER)
    r = r + (expm1_reduced_short(r) if T is float else expm1_reduced_rest(r))
    return mul_add(scale, r, scale - 1.0)


cdef inline double log_gap(double f) noexcept nogil:
    """f - log(1 + f) for f in [-0.293, 0.415]."""
    cdef double s = f / (2.0 + f)
    cdef double z = s * s, square = 0.5 * f * f
    cdef double p = 0.13086767009948175
    p = mul_add(p, z, 0.13268759668560612)
    p = mul_add(p, z, 0.15386240205813478)
    p = mul_add(p, z, 0.18181795630884753)
    p = mul_add(p, z, 0.2222222239180047)
    p = mul_add(p, z, 0.2857142857080323)
    p = mul_add(p, z, 0.4000000000000088)
    p = mul_add(p, z, 0.6666666666666666)
    return square - s * mul_add(z, p, square)


cdef inline double log_near_one(double f) noexcept nogil:
    """log(1 + f) for f in [-0.293, 0.415], within 1 ULP of double."""
    return f - log_gap(f)


cdef inline double log1p_unit(double w) noexcept nogil:
    """log(1 + w) for 0 <= w <= 1, within 1 ULP of double."""
    # Halve 1 + w where it exceeds sqrt(2).
    cdef double f = 0.5 * (w - 1.0) if w > 0.41421356237309503 else w
    cdef double shift = 0.6931471805599453 if w > 0.41421356237309503 else 0.0
    return shift + log_near_one(f)


cdef inline double log1p_positive(double w) noexcept nogil:
    """log(1 + w) for w >= 0, within 1 ULP of double; for w above 2^1023 the result is not used."""
    cdef double u = 1.0 + w, halvings
    cdef unsigned long long bits = <unsigned long long>bits_from_double(u)
    # How often to halve u to bring it into [sqrt(1/2), sqrt(2)]: the distance of its bits from those of sqrt(1/2).
    cdef long long k = <long long>((bits - 0x3FE6A09E667F3BCDULL) >> 52)
    halvings = double_from_bits(k + 0x4338000000000000LL) - ROUNDER
    # 1 + w has rounded: its error returns as a correction, relative to u.
    cdef double f = w if k == 0 else double_from_bits(<long long>bits - (k << 52)) - 1.0
    cdef double lost = 0.0 if k == 0 else (w - (u - 1.0)) / u
    return halvings * 0.6931471805599453 + (log_near_one(f) + lost)
