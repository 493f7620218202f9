# Double results to the last bit: numbers carried as an unevaluated sum hi + lo, about 2^-59 exact.
#
# float needs none of this: double has 29 bits to spare. Each block below therefore has two bodies, and T picks one:
# a plain formula in double for float, the same formula in pairs for double.

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
    """a * b, exactly while it is below 2000: enough for the argument of an exponential, whatever a and b are."""
    cdef double p = a.hi * b, low = product_error(a.hi, b, p) + a.lo * b
    return pair(p, low if (c_fabs(p) < 2000.0) & (low == low) else 0.0)


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


# ---- e / (1 + e)^2, the bell of every sigmoid's slope ---------------------------------------------------------

cdef inline Scaled bell(T like, double x, double low) noexcept nogil:
    """sigmoid'(x + low) as e / (1 + e)^2 with e = exp(-|x|): y (1 - y) would cancel from x = 17 on in float."""
    cdef double d
    cdef Pair e, one
    cdef bint boosted
    if T is float:
        d = exp_narrow(-magnitude(x))
        return scaled_by(d / ((1.0 + d) * (1.0 + d)), False)
    else:
        boosted = magnitude(x) > 600.0
        e = exp_pair(pair(-magnitude(x), low if x < 0 else -low), 1200.0 if boosted else 0.0)
        one = plus(pair(1.0, 0.0), scaled(e, 0.0 if boosted else 1.0))
        return scaled_by(quotient(e, times(one, one)).hi, boosted)


# ---- x sigmoid(z) and its slope -------------------------------------------------------------------------------

cdef inline double gate(T like, double x, double z, double z_low) noexcept nogil:
    """x sigmoid(z + z_low), where z goes to -infinity faster than x grows: never inf * 0."""
    cdef double d, y, boost
    cdef Pair e, g
    if T is float:
        d = exp_narrow(-magnitude(z))
        y = -FLT_MAX if x < -FLT_MAX else x
        return (y * d if z < 0 else x) / (1.0 + d)
    else:
        # Below -600 e is about to become subnormal while x e is not.
        boost = 1200.0 if z < -600.0 else 0.0
        e = exp_pair(pair(-magnitude(z), z_low if z < 0 else -z_low), boost)
        g = plus(pair(1.0, 0.0), scaled(e, 0.0 if z < -600.0 else 1.0))
        g = quotient(pair(e.hi if z < 0 else 1.0, e.lo if z < 0 else 0.0), g)
        y = finite(x) if z < 0 else x
        y = y if g.hi == 1.0 else mul_add(y, g.hi, y * g.lo)
        return applied(1.0, scaled_by(y, z < -600.0))


cdef inline Scaled gate_slope(T like, Pair z, Pair w) noexcept nogil:
    """sigmoid(z) (1 + w sigmoid(-z)), the derivative of x sigmoid(z) for w = x dz/dx; no 1 - sigmoid anywhere.

    Next to its zero the caller must take another road: there the sum cancels.
    """
    cdef double d, v, boost
    cdef Pair e, one, top
    if T is float:
        d = exp_narrow(-magnitude(z.hi))
        v = -FLT_MAX if w.hi < -FLT_MAX else (FLT_MAX if w.hi > FLT_MAX else w.hi)
        d = (d * (1.0 + d + v) if z.hi < 0 else 1.0 + d * (1.0 + v)) / ((1.0 + d) * (1.0 + d))
        return scaled_by(d, False)
    else:
        boost = 1200.0 if z.hi < -600.0 else 0.0
        e = exp_pair(pair(-magnitude(z.hi), z.lo if z.hi < 0 else -z.lo), boost)
        one = plus(pair(1.0, 0.0), scaled(e, 0.0 if z.hi < -600.0 else 1.0))
        v = 1e9 if w.hi > 1e9 else (-1e9 if w.hi < -1e9 else w.hi)
        top = plus(pair(one.hi if z.hi < 0 else 1.0, one.lo if z.hi < 0 else 0.0), pair(v, w.lo))
        top = times(e, top)
        top = plus(pair(0.0 if z.hi < 0 else 1.0, 0.0), top)
        top = quotient(top, times(one, one))
        return scaled_by(top.hi, z.hi < -600.0)


cdef inline double swish_slope_near_zero(double t) noexcept nogil:
    """swish_slope(z0 + t) for |t| <= 1/16."""
    cdef double p = -2.9710633664725938e-05
    p = mul_add(p, t, -4.093402573552048e-05)
    p = mul_add(p, t, 0.00018570716531323203)
    p = mul_add(p, t, 0.0007985219798206147)
    p = mul_add(p, t, 0.0001266274101903543)
    p = mul_add(p, t, -0.006606589138493352)
    p = mul_add(p, t, -0.015222655223188084)
    p = mul_add(p, t, 0.01887481422378238)
    p = mul_add(p, t, 0.1466487969969469)
    p = mul_add(p, t, 0.2178117057198001)
    return t * p


cdef inline Scaled swish_slope(T like, double z, double z_low) noexcept nogil:
    """sigmoid(z) (1 + z sigmoid(-z)). Around its zero z0 it is (z - z0) times a polynomial: an exact subtraction."""
    cdef Scaled far = gate_slope(like, pair(z, z_low), pair(z, z_low))
    cdef double t
    if T is float:
        return far
    else:
        t = (z + 1.2784645427610737) - (-1.0946994183093437e-16 - z_low)
        return scaled_by(swish_slope_near_zero(t) if c_fabs(t) < 0.0625 else far.value, z < -600.0)


# ---- The tanh approximation of GELU ---------------------------------------------------------------------------

cdef inline double gelu_tanh_gate(T x) noexcept nogil:
    """x sigmoid(z), z = 2 sqrt(2 / pi) (x + 0.044715 x^3): the form with tanh cancels below -5."""
    cdef double y = -30.0 if x < -30.0 else (1e6 if x > 1e6 else x), z
    cdef Pair wide
    if T is float:
        z = 1.5957691216057308 * mul_add(0.044715 * y * y, y, y)
        return gate(x, x, z, 0.0)
    else:
        wide = times(pair(0.044715, 2.1960211427085595e-18), exact_product(y, y))
        wide = times(plus(pair(1.0, 0.0), wide), times(pair(1.5957691216057308, -9.96930880911092e-17), pair(y, 0.0)))
        return gate(x, x, wide.hi, wide.lo)


cdef inline double gelu_tanh_slope_near_zero(double t) noexcept nogil:
    """gelu_tanh_slope(x0 + t) for |t| <= 1/16, x0 its zero."""
    cdef double p = -3.488689785254129e-05
    p = mul_add(p, t, 0.00012406556210891996)
    p = mul_add(p, t, 0.0002639273362213633)
    p = mul_add(p, t, -0.0009274412027880525)
    p = mul_add(p, t, -0.0024227318452588525)
    p = mul_add(p, t, 0.005261059253260842)
    p = mul_add(p, t, 0.019682309459832553)
    p = mul_add(p, t, -0.01661932834305104)
    p = mul_add(p, t, -0.11394448308095899)
    p = mul_add(p, t, -0.01578285352184803)
    p = mul_add(p, t, 0.38751844613578895)
    p = mul_add(p, t, 0.4304000910248585)
    return t * p


cdef inline Scaled gelu_tanh_slope(T x) noexcept nogil:
    cdef double y = -30.0 if x < -30.0 else (1e3 if x > 1e3 else x), z, w, t
    cdef Pair square, linear, far_z, far_w
    if T is float:
        z = 1.5957691216057308 * mul_add(0.044715 * y * y, y, y)
        w = 1.5957691216057308 * y * mul_add(0.134145 * y, y, 1.0)
        return gate_slope(x, pair(z, 0.0), pair(w, 0.0))
    else:
        square = exact_product(y, y)
        linear = times(pair(1.5957691216057308, -9.96930880911092e-17), pair(y, 0.0))
        far_z = times(plus(pair(1.0, 0.0), times(pair(0.044715, 2.1960211427085595e-18), square)), linear)
        far_w = times(plus(pair(1.0, 0.0), times(pair(0.134145, 1.3526957332032908e-17), square)), linear)
        t = (y + 0.7524614220710163) - 3.635560509207687e-17
        w = gate_slope(x, far_z, far_w).value
        return scaled_by(gelu_tanh_slope_near_zero(t) if c_fabs(t) < 0.0625 else w, far_z.hi < -600.0)


# ---- GELU -----------------------------------------------------------------------------------------------------

cdef inline double normal_density(double a) noexcept nogil:
    """exp(-a^2 / 2) for 0 <= a <= 37."""
    return exp_narrow(-0.5 * a * a)


cdef inline double normal_tail_rest(double t) noexcept nogil:
    """(1 + a) Phi(-a) / exp(-a^2 / 2), t = (a - 4) / (a + 4), is 0.472 + t times this polynomial."""
    cdef double p = -7.916719925880278e-10
    p = mul_add(p, t, -1.5506980833004738e-09)
    p = mul_add(p, t, 6.249113664698089e-09)
    p = mul_add(p, t, 1.7674889651836897e-08)
    p = mul_add(p, t, -1.9913251999238056e-08)
    p = mul_add(p, t, -1.110328886877407e-07)
    p = mul_add(p, t, 1.4676600593283318e-09)
    p = mul_add(p, t, 5.520151010249323e-07)
    p = mul_add(p, t, 4.0448526036329704e-07)
    p = mul_add(p, t, -2.6129103224764573e-06)
    p = mul_add(p, t, -3.4321997119225085e-06)
    p = mul_add(p, t, 1.3626869656340193e-05)
    p = mul_add(p, t, 2.125004946489111e-05)
    p = mul_add(p, t, -8.785318378131222e-05)
    p = mul_add(p, t, -9.443025388719951e-05)
    p = mul_add(p, t, 0.0006948971046100352)
    p = mul_add(p, t, -0.0002856230979733444)
    p = mul_add(p, t, -0.005002378591050549)
    p = mul_add(p, t, 0.017936097479672987)
    p = mul_add(p, t, -0.03219783742808545)
    p = mul_add(p, t, 0.02860036405355088)
    p = mul_add(p, t, 0.013999634724425405)
    p = mul_add(p, t, -0.0967034773265258)
    return p


cdef inline Pair normal_tail(double a) noexcept nogil:
    """Phi(-a) / exp(-a^2 / 2) for 0 <= a <= 39, where Phi is the normal distribution function."""
    cdef double t = (a - 4.0) / (a + 4.0)
    cdef Pair p = quick_sum(0.47205320650984467, t * normal_tail_rest(t))
    return quotient(pair(p.hi, p.lo + 1.1403514440143861e-17), exact_sum(1.0, a))


cdef inline double gelu_value(T x) noexcept nogil:
    """x Phi(x), Phi from its smaller tail: 0.5 (1 + erf) has no digit left below -5."""
    cdef double a = magnitude(x), t, tail, boost
    cdef Pair square, g, rest
    a = 39.0 if a > 39.0 else a
    if T is float:
        t = (a - 4.0) / (a + 4.0)
        tail = mul_add(t, normal_tail_rest(t), 0.47205320650984467) / (1.0 + a) * normal_density(a)
        return -a * tail if x < 0 else x * (1.0 - tail)
    else:
        boost = 1200.0 if a > 34.0 else 0.0
        square = exact_product(a, a)
        g = times(normal_tail(a), exp_pair(pair(-0.5 * square.hi, -0.5 * square.lo), boost))
        rest = plus(pair(1.0, 0.0), pair(-g.hi, -g.lo))
        tail = applied(1.0, scaled_by(mul_add(-a, g.hi, -a * g.lo), a > 34.0))
        t = mul_add(x, rest.hi, x * rest.lo)
        return tail if x < 0 else (x if a > 34.0 else t)


cdef inline double gelu_slope_near_zero(double t) noexcept nogil:
    """gelu_slope(x0 + t) for |t| <= 1/4, x0 its zero."""
    cdef double p = -1.9483211115586473e-09
    p = mul_add(p, t, 5.614817769932654e-07)
    p = mul_add(p, t, 4.328798121669628e-07)
    p = mul_add(p, t, -7.747570426562661e-06)
    p = mul_add(p, t, -1.1214382021614744e-05)
    p = mul_add(p, t, 8.615943155700084e-05)
    p = mul_add(p, t, 0.00018633974628596658)
    p = mul_add(p, t, -0.0007448268372971335)
    p = mul_add(p, t, -0.0022395380680743497)
    p = mul_add(p, t, 0.004539228379103509)
    p = mul_add(p, t, 0.01942167983818907)
    p = mul_add(p, t, -0.014771522148244167)
    p = mul_add(p, t, -0.1140082332972217)
    p = mul_add(p, t, -0.018199676398671087)
    p = mul_add(p, t, 0.388284982990552)
    p = mul_add(p, t, 0.4314939923140469)
    # The low part of the leading coefficient counts next to the zero.
    return mul_add(t, p, t * 2.7308936741361944e-17)


cdef inline Scaled gelu_slope(T x) noexcept nogil:
    """Phi + x phi, with the density taken out: for x < 0 both summands share it."""
    cdef double a = magnitude(x), t, slope, boost
    cdef Pair square, g
    a = 55.0 if a > 55.0 else a
    if T is float:
        a = 39.0 if a > 39.0 else a
        t = (a - 4.0) / (a + 4.0)
        slope = mul_add(t, normal_tail_rest(t), 0.47205320650984467) / (1.0 + a) - 0.3989422804014327 * a
        slope = normal_density(a) * slope
        return scaled_by(slope if x < 0 else 1.0 - slope, False)
    else:
        boost = 1200.0 if a > 34.0 else 0.0
        square = exact_product(a, a)
        g = plus(normal_tail(a), times(pair(-0.3989422804014327, 2.49232720227773e-17), pair(a, 0.0)))
        g = times(g, exp_pair(pair(-0.5 * square.hi, -0.5 * square.lo), boost))
        slope = g.hi if x < 0 else (1.0 if a > 34.0 else plus(pair(1.0, 0.0), pair(-g.hi, -g.lo)).hi)
        t = (x + 0.7517915246935645) - 1.4956759177009883e-17
        return scaled_by(gelu_slope_near_zero(t) if c_fabs(t) < 0.25 else slope, x < -34.0)


# ---- Mish -----------------------------------------------------------------------------------------------------
# tanh(log(1 + e^x)) is n / d with, for w = e^-|x|, n = w (2 + w), d = n + 2 on the left and n = 1 + 2 w,
# d = n + 2 w^2 on the right: all terms positive, so nothing cancels.

cdef inline double mish_value(T x) noexcept nogil:
    cdef double w, boost, y = -1000.0 if x < -1000.0 else x
    cdef Pair e, small, left, right, g
    if T is float:
        w = exp_narrow(-magnitude(x))
        return (y * w * (2.0 + w) / (2.0 + w * (2.0 + w)) if x < 0
                else x * (1.0 + 2.0 * w) / (1.0 + 2.0 * w * (1.0 + w)))
    else:
        boost = 1200.0 if x < -600.0 else 0.0
        e = exp_pair(pair(-magnitude(y), 0.0), boost)
        small = scaled(e, 0.0 if x < -600.0 else 1.0)
        left = plus(pair(2.0, 0.0), small)
        right = plus(pair(1.0, 0.0), scaled(small, 2.0))
        g = quotient(chosen(x < 0, times(e, left), right),
                     chosen(x < 0, plus(pair(2.0, 0.0), times(small, left)),
                            plus(right, scaled(times(small, small), 2.0))))
        y = x if g.hi == 1.0 else mul_add(y, g.hi, y * g.lo)
        return applied(1.0, scaled_by(y, x < -600.0))


cdef inline double mish_slope_near_zero(double t) noexcept nogil:
    """mish_slope(x0 + t) for |t| <= 1/16, x0 its zero."""
    cdef double p = -4.213025390019054e-05
    p = mul_add(p, t, 0.0002535842183955046)
    p = mul_add(p, t, 0.0009898186787416206)
    p = mul_add(p, t, 0.0010924074041705394)
    p = mul_add(p, t, -0.0033606849278275722)
    p = mul_add(p, t, -0.015821126564332707)
    p = mul_add(p, t, -0.020271822716683853)
    p = mul_add(p, t, 0.04190782104361114)
    p = mul_add(p, t, 0.20473126408010586)
    p = mul_add(p, t, 0.2669479140495345)
    return t * p


cdef inline Scaled mish_slope(T x) noexcept nogil:
    """n / d + x times the slope of n / d: (w ((2 + w) d + 4 x (1 + w))) / d^2 on the left, and its like."""
    cdef double w, d, t, boost, y = -2000.0 if x < -2000.0 else (2000.0 if x > 2000.0 else x)
    cdef Pair e, small, left, right, bottom, tail
    if T is float:
        w = exp_narrow(-magnitude(x))
        d = 2.0 + w * (2.0 + w) if x < 0 else 1.0 + 2.0 * w * (1.0 + w)
        w = (w * ((2.0 + w) * d + 4.0 * y * (1.0 + w)) if x < 0
             else (1.0 + 2.0 * w) * d + 4.0 * y * w * w * (1.0 + w)) / (d * d)
        return scaled_by(w, False)
    else:
        boost = 1200.0 if x < -600.0 else 0.0
        e = exp_pair(pair(-magnitude(y), 0.0), boost)
        small = scaled(e, 0.0 if x < -600.0 else 1.0)
        left = plus(pair(2.0, 0.0), small)
        right = plus(pair(1.0, 0.0), scaled(small, 2.0))
        bottom = chosen(x < 0, plus(pair(2.0, 0.0), times(small, left)),
                        plus(right, scaled(times(small, small), 2.0)))
        tail = times(pair(4.0 * y, 0.0), plus(pair(1.0, 0.0), small))
        left = times(e, plus(times(left, bottom), tail))
        right = plus(times(right, bottom), times(tail, times(small, small)))
        w = quotient(chosen(x < 0, left, right), times(bottom, bottom)).hi
        t = (x + 1.1924312145154952) + 4.8484829848031044e-17
        return scaled_by(mish_slope_near_zero(t) if c_fabs(t) < 0.0625 else w, x < -600.0)


# ---- Hyperbolic tangent ---------------------------------------------------------------------------------------

cdef inline double tanh_gap_rest(double z) noexcept nogil:
    """(x - tanh x) / x^3, z = x^2 <= 1, is 1/3 + z times this polynomial."""
    cdef double p = 8.538161901212156e-09
    p = mul_add(p, z, -9.364144622965759e-08)
    p = mul_add(p, z, 5.122767150793262e-07)
    p = mul_add(p, z, -1.9216974143833895e-06)
    p = mul_add(p, z, 5.777484136865915e-06)
    p = mul_add(p, z, -1.541627724102249e-05)
    p = mul_add(p, z, 3.8991741215043214e-05)
    p = mul_add(p, z, -9.67910218266933e-05)
    p = mul_add(p, z, 0.0002390884367049363)
    p = mul_add(p, z, -0.0005900175685254319)
    p = mul_add(p, z, 0.0014558326516768139)
    p = mul_add(p, z, -0.003592127823422879)
    p = mul_add(p, z, 0.008863235512566054)
    p = mul_add(p, z, -0.021869488535296695)
    p = mul_add(p, z, 0.053968253968231523)
    return mul_add(p, z, -0.1333333333333331)


cdef inline Pair tanh_pair(double a) noexcept nogil:
    """tanh(a) for a >= 0: a minus its gap, or from 1/2 on (1 - e) / (1 + e) with e = exp(-2 a)."""
    cdef double z = a * a
    cdef Pair e = exp_pair(pair(-2.0 * a, 0.0), 0.0)
    cdef Pair far = quotient(plus(pair(1.0, 0.0), pair(-e.hi, -e.lo)), plus(pair(1.0, 0.0), e))
    cdef Pair near = quick_sum(a, -a * z * mul_add(tanh_gap_rest(z), z, 0.3333333333333333))
    return chosen(a < 0.5, near, far)


cdef inline double tanh_value(T x) noexcept nogil:
    cdef double m
    if T is float:
        m = expm1(-2 * magnitude(x))
        return -m / (2.0 + m)
    else:
        return tanh_pair(magnitude(x)).hi


cdef inline double tanh_squared_backward(T grad, T x) noexcept nogil:
    cdef double m
    cdef Pair t
    if T is float:
        m = expm1(-2 * magnitude(x))
        m = m / (2.0 + m)
        return grad * (m * m)
    else:
        # A square below 1e-200 may be too small for a double, its product with grad not.
        t = tanh_pair(magnitude(x))
        return grad * t.hi * t.hi if t.hi < 1e-100 else grad * times(t, t).hi


cdef inline double tanh_gap(T x) noexcept nogil:
    """|x| - tanh|x|: a cubic series below 1, where the subtraction cancels, and a - 1 + 2 e / (1 + e) above."""
    cdef double a = magnitude(x), z, w
    cdef Pair e, cube, far, near
    if T is float:
        z = a * a
        w = exp_narrow(-2.0 * a)
        return a * z * mul_add(tanh_gap_rest(z), z, 0.3333333333333333) if a < 1.0 else (a - 1.0) + 2.0 * w / (1.0 + w)
    else:
        a = 1e17 if a > 1e17 else a
        e = exp_pair(pair(-2.0 * a, 0.0), 0.0)
        far = plus(exact_sum(a, -1.0), scaled(quotient(e, plus(pair(1.0, 0.0), e)), 2.0))
        cube = times(exact_product(a, a), pair(a, 0.0))
        z = a * a
        near = times(cube, quick_sum(0.3333333333333333, mul_add(tanh_gap_rest(z), z, 1.850371707708594e-17)))
        return near.hi if a < 1.0 else (far.hi if a < 1e17 else magnitude(x))


# ---- Softsign, SELU, squareplus -------------------------------------------------------------------------------

cdef inline double softsign_slope_backward(T grad, T x) noexcept nogil:
    """grad / (1 + |x|)^2."""
    cdef double a = magnitude(x), q = 1.0 / (1.0 + a)
    cdef Pair g
    if T is float:
        return grad * (q * q)
    else:
        # Beyond 1e100 the 1 does not count, and products of pairs would leave double's range.
        g = quotient(pair(1.0, 0.0), exact_sum(1.0, 1.0 if a > 1e100 else a))
        return grad / a / a if a > 1e100 else grad * times(g, g).hi


cdef inline double selu_negative(T x) noexcept nogil:
    """scale alpha (e^x - 1) for x <= 0, with the paper's scale alpha = 1.758."""
    cdef double r, near
    cdef Pair e, m
    if T is float:
        return 1.7580993408473768 * expm1(x)
    else:
        r = -0.3 if x < -0.3 else x
        near = expm1_reduced_rest(r)
        e = exp_pair(pair(x, 0.0), 0.0)
        m = chosen(x > -0.3, quick_sum(r, near), quick_sum(e.hi - 1.0, e.lo))
        return times(pair(1.7580993408473768, 1.41535193800845e-17), m).hi


cdef inline Scaled selu_slope(T x) noexcept nogil:
    cdef Pair e
    if T is float:
        return scaled_by(1.0507009873554805 if x > 0 else 1.7580993408473768 * exp_narrow(x), False)
    else:
        e = exp_pair(pair(x, 0.0), 1200.0 if x < -600.0 else 0.0)
        e = times(pair(1.7580993408473768, 1.41535193800845e-17), e)
        return scaled_by(1.0507009873554805 if x > 0 else e.hi, x < -600.0)


cdef inline Pair root_pair(double x, double b) noexcept nogil:
    """sqrt(x^2 + b) for |x| <= 1e150."""
    cdef Pair s = plus(exact_product(x, x), pair(b, 0.0))
    cdef double r = sqrt(s.hi), square = r * r
    cdef double rest = ((s.hi - square) - product_error(r, r, square)) + s.lo
    return quick_sum(r, rest / (r + r) if r > 0.0 else 0.0)


cdef inline double squareplus_value(T x, double b) noexcept nogil:
    """(x + sqrt(x^2 + b)) / 2; for x < 0 the sum cancels, and b / (2 (r - x)) is the same number."""
    cdef double y = x, a = magnitude(y), r
    cdef Pair root
    if T is float:
        r = sqrt(y * y + b)
        return 0.5 * b / (r - y) if y < 0 else 0.5 * (y + r)
    else:
        # From 1e140 on the root is |x|.
        root = root_pair(1.0 if a > 1e140 else y, b)
        r = plus(root, pair(y, 0.0)).hi
        root = quotient(pair(b, 0.0), plus(root, pair(-y, 0.0)))
        return (0.25 * b / a if a > 1e140 else 0.5 * root.hi) if y < 0 else (y if a > 1e140 else 0.5 * r)


cdef inline double squareplus_slope_backward(T grad, T x, double b) noexcept nogil:
    """(1 + x / r) / 2; for x < 0, where that cancels, b / (2 r (r - x))."""
    cdef double y = x, a = magnitude(y), r
    cdef Pair root, left
    if T is float:
        r = sqrt(y * y + b)
        r = a if a > 1e150 else r
        return grad * (0.5 * b / r / (r - y) if y < 0 else (1.0 if r == INFINITY else 0.5 + 0.5 * (y / r)))
    else:
        root = root_pair(1.0 if a > 1e140 else y, b)
        left = quotient(pair(0.5 * b, 0.0), times(root, plus(root, pair(-y, 0.0))))
        r = quotient(plus(root, pair(y, 0.0)), root).hi
        r = left.hi if y < 0 else (1.0 if a > 1e140 else 0.5 * r)
        return grad / a * (0.25 * b) / a if (a > 1e140) & (y < 0) else grad * r
