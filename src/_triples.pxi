# Sums of three doubles, for functions that cross 0 where their parameters say.
#
# Next to such a zero the terms agree in 53 bits, and of what is left 53 more are wanted: pairs are too short by a few,
# and there is no constant to measure the distance from. Here e^z is right to 2^-120, so that the textbook's formula,
# written as a + b e^-|z|, may cancel as far as it can.

cdef struct Triple:
    double a
    double b
    double c


cdef inline Triple triple(double a, double b, double c) noexcept nogil:
    """a + b + c, arranged."""
    cdef Pair s = exact_sum(b, c), t = exact_sum(a, s.hi), u = exact_sum(t.lo, s.lo)
    cdef Triple r
    r.a = t.hi
    r.b = u.hi
    r.c = u.lo
    return r


cdef inline Triple three_of(Pair p) noexcept nogil:
    return triple(p.hi, p.lo, 0.0)


cdef inline Triple whichever(bint first, Triple x, Triple y) noexcept nogil:
    cdef Triple r
    r.a = either(first, x.a, y.a)
    r.b = either(first, x.b, y.b)
    r.c = either(first, x.c, y.c)
    return r


cdef inline Triple times_power(Triple x, double power) noexcept nogil:
    """For a power of two."""
    cdef Triple r
    r.a = x.a * power
    r.b = x.b * power
    r.c = x.c * power
    return r


cdef inline Triple total_of(Triple x, Triple y) noexcept nogil:
    """x + y."""
    cdef Pair s = exact_sum(x.a, y.a), t = exact_sum(x.b, y.b), u = exact_sum(s.lo, t.hi)
    return triple(s.hi, u.hi, (x.c + y.c) + (t.lo + u.lo))


cdef inline Triple multiple_of(Triple x, double y) noexcept nogil:
    """x * y."""
    cdef Pair p = exact_product(x.a, y), q = exact_product(x.b, y), s = exact_sum(p.lo, q.hi)
    return triple(p.hi, s.hi, mul_add(x.c, y, q.lo + s.lo))


cdef inline double room_below(double x) noexcept nogil:
    """Without fma, products by halves know no error next to the largest numbers: those are made smaller before."""
    return either(c_fabs(x) > 1e280, 5.421010862427522e-20, 1.0)


cdef inline double room_above(double x) noexcept nogil:
    """And larger after."""
    return either(c_fabs(x) > 1e280, 18446744073709551616.0, 1.0)


cdef inline Triple multiple_exactly(Triple x, double y) noexcept nogil:
    """x * y for any y."""
    return times_power(multiple_of(x, y * room_below(y)), room_above(y))


cdef inline Triple product_in_full(Triple x, Triple y) noexcept nogil:
    """x * y."""
    cdef Pair p = exact_product(x.a, y.a), q = exact_product(x.a, y.b), r = exact_product(x.b, y.a)
    cdef Pair s = exact_sum(q.hi, r.hi), t = exact_sum(p.lo, s.hi)
    cdef double low = mul_add(x.a, y.c, mul_add(x.c, y.a, x.b * y.b)) + ((q.lo + r.lo) + (s.lo + t.lo))
    return triple(p.hi, t.hi, low)


cdef inline Pair in_two(Triple x) noexcept nogil:
    return quick_sum(x.a, x.b + x.c)


cdef inline Triple twice_as_far(Triple s, Triple bend) noexcept nogil:
    """e^(2 s) - 1 - 2 s from e^s - 1 - s."""
    cdef Triple m = total_of(s, bend)
    return total_of(times_power(bend, 2.0), product_in_full(m, m))


cdef inline Triple exp_bend(Triple r) noexcept nogil:
    """e^r - 1 - r for |r| <= log(2) / 2, to 2^-120 of itself.

    Of s = r / 16 as s^2 (1/2 + s (1/6 + s q)), in triples, pairs and doubles as much as each term needs, then twice as
    far four times: nothing cancels, and what is small stays exact.
    """
    cdef Triple s = times_power(r, 0.0625), g
    cdef Pair w = pair(s.a, s.b), q
    cdef double p = 4.779477332387385e-14
    p = mul_add(p, s.a, 7.647163731819816e-13)
    p = mul_add(p, s.a, 1.1470745597729725e-11)
    p = mul_add(p, s.a, 1.6059043836821613e-10)
    p = mul_add(p, s.a, 2.08767569878681e-09)
    p = mul_add(p, s.a, 2.505210838544172e-08)
    q = plus(pair(2.755731922398589e-07, 2.3767714622250297e-23), exact_product(p, s.a))
    q = plus(pair(2.7557319223985893e-06, -1.858393274046472e-22), times(q, w))
    q = plus(pair(2.48015873015873e-05, 2.1511947866775882e-23), times(q, w))
    q = plus(pair(0.0001984126984126984, 1.7209558293420705e-22), times(q, w))
    q = plus(pair(0.001388888888888889, -5.300543954373577e-20), times(q, w))
    q = plus(pair(0.008333333333333333, 1.1564823173178714e-19), times(q, w))
    q = plus(pair(0.041666666666666664, 2.3129646346357427e-18), times(q, w))
    g = total_of(triple(0.16666666666666666, 9.25185853854297e-18, 5.135813185032629e-34), three_of(times(q, w)))
    g = total_of(triple(0.5, 0.0, 0.0), product_in_full(g, s))
    g = product_in_full(product_in_full(s, s), g)
    g = twice_as_far(times_power(r, 0.125), twice_as_far(s, g))
    return twice_as_far(times_power(r, 0.5), twice_as_far(times_power(r, 0.25), g))


cdef struct Fall:
    Triple rest         # e^-a is scale (1 + rest + bend), and the unit twice
    Triple bend
    double scale        # 1 where a is small
    double unit         # 1 down to e^-623


cdef inline Fall fall_of(Triple a) noexcept nogil:
    """e^-a for a >= 0, as exp_falling keeps it above 2^-901."""
    cdef bint far = not (a.a < 1490.0)
    cdef double top = either(a.a < 1490.0, a.a, either(far & (a.a == a.a), 1490.0, a.a))
    cdef double rounded = mul_add(top, -1.4426950408889634, ROUNDER), n = rounded - ROUNDER, kept
    # log(2) in pieces of 40 bits, whose products with n are exact.
    cdef Triple r = triple(mul_add(n, -0.6931471805592082, -top), either(far, 0.0, -a.b), either(far, 0.0, -a.c))
    cdef Fall f
    r = total_of(r, triple(n * -7.371002565161996e-13, n * -5.80298898359054e-25, n * -5.150243707130549e-37))
    f.rest = r
    f.bend = exp_bend(r)
    kept = double_from_bits(bits_from_double(ROUNDER - 900.0) | (bits_from_double(rounded) & 1))
    kept = either(rounded < ROUNDER - 900.0, kept, rounded)
    f.scale = power_of_two(kept)
    f.unit = double_from_bits(((bits_from_double(rounded) - bits_from_double(kept)) << 51) + 0x3FF0000000000000LL)
    return f


cdef inline Triple mixed(Triple a, Triple b, Fall e) noexcept nogil:
    """a + b e, or where a is 0 and e below 2^-900 what comes out of it times the unit twice."""
    # Where the scale is 1, a and b may cancel: they come together before e differs from 1.
    cdef double scale = e.scale * either(a.a == 0.0, 1.0, either(e.unit < 1.0, 0.0, 1.0))
    b = times_power(b, scale)
    return total_of(total_of(a, b), product_in_full(b, total_of(e.rest, e.bend)))


cdef inline double unit_of(Triple a, Fall e) noexcept nogil:
    return either(a.a == 0.0, e.unit, 1.0)


cdef inline Pair kept_of(Fall e) noexcept nogil:
    """e without its unit."""
    return scaled(in_two(total_of(triple(1.0, 0.0, 0.0), total_of(e.rest, e.bend))), e.scale)


cdef inline Pair one_and(Fall e) noexcept nogil:
    """1 + e."""
    cdef double scale = either(e.unit < 1.0, 0.0, e.scale)
    return added(exact_sum(1.0, scale), scaled(in_two(total_of(e.rest, e.bend)), scale))


# ---- Sine and cosine ------------------------------------------------------------------------------------------

cdef struct FullTurn:
    double quarters     # an integer, as a double
    Triple rest         # -1/2 to 1/2


cdef inline FullTurn full_turn(double quarters, Triple rest) noexcept nogil:
    """The integer nearest to the rest, moved to the quarters."""
    cdef double n = (rest.a + ROUNDER) - ROUNDER
    cdef FullTurn turn
    turn.quarters = quarters + n
    turn.rest = triple(rest.a - n, rest.b, rest.c)
    return turn


cdef inline FullTurn full_turn_of_product(double omega, double x) noexcept nogil:
    """omega x 2/pi without multiples of 4."""
    cdef bint far = c_fabs(x) > 1e270
    cdef Pair v = exact_product(omega, x * either(far, 5.421010862427522e-20, 1.0))
    cdef long long steps = 4 if far else 0
    cdef Turn high = turn_of(v.hi, steps), low = turn_of(v.lo, steps)
    return full_turn(high.quarters + low.quarters, total_of(triple(high.hi, high.lo, high.least),
                                                            triple(low.hi, low.lo, low.least)))


cdef inline Triple sine_in_full(FullTurn t, double ahead) noexcept nogil:
    """The sine of t and `ahead` quarters more, to 2^-115."""
    cdef FullTurn u = full_turn(t.quarters, total_of(t.rest, triple(ahead, 0.0, 0.0)))
    cdef Triple a = product_in_full(u.rest, triple(1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33))
    cdef Triple z = product_in_full(a, a), s, c
    cdef Pair w = pair(z.a, z.b), q
    cdef double p = -1.216125041553518e-34
    cdef long long n = bits_from_double(u.quarters + ROUNDER)
    p = mul_add(p, z.a, 1.1309962886447716e-31)
    p = mul_add(p, z.a, -9.183689863795546e-29)
    p = mul_add(p, z.a, 6.446950284384474e-26)
    p = mul_add(p, z.a, -3.868170170630684e-23)
    p = mul_add(p, z.a, 1.9572941063391263e-20)
    q = plus(pair(-8.22063524662433e-18, -2.2141894119604265e-34), exact_product(p, z.a))
    q = plus(pair(2.8114572543455206e-15, 1.6508842730861433e-31), times(q, w))
    q = plus(pair(-7.647163731819816e-13, -7.03872877733453e-30), times(q, w))
    q = plus(pair(1.6059043836821613e-10, 1.2585294588752098e-26), times(q, w))
    q = plus(pair(-2.505210838544172e-08, 1.448814070935912e-24), times(q, w))
    q = plus(pair(2.7557319223985893e-06, -1.858393274046472e-22), times(q, w))
    q = plus(pair(-0.0001984126984126984, -1.7209558293420705e-22), times(q, w))
    s = total_of(triple(0.008333333333333333, 1.1564823173178714e-19, 1.6049416203226965e-36),
                 product_in_full(three_of(q), z))
    s = total_of(triple(-0.16666666666666666, -9.25185853854297e-18, -5.135813185032629e-34), product_in_full(s, z))
    s = product_in_full(a, total_of(triple(1.0, 0.0, 0.0), product_in_full(s, z)))
    p = 3.8003907548547434e-36
    p = mul_add(p, z.a, -3.7699876288159054e-33)
    p = mul_add(p, z.a, 3.279889237069838e-30)
    p = mul_add(p, z.a, -2.4795962632247976e-27)
    p = mul_add(p, z.a, 1.6117375710961184e-24)
    p = mul_add(p, z.a, -8.896791392450574e-22)
    p = mul_add(p, z.a, 4.110317623312165e-19)
    q = plus(pair(-1.5619206968586225e-16, -1.1910679660273754e-32), exact_product(p, z.a))
    q = plus(pair(4.779477332387385e-14, 4.399205485834081e-31), times(q, w))
    q = plus(pair(-1.1470745597729725e-11, -2.0655512752830745e-28), times(q, w))
    q = plus(pair(2.08767569878681e-09, -1.20734505911326e-25), times(q, w))
    q = plus(pair(-2.755731922398589e-07, -2.3767714622250297e-23), times(q, w))
    q = plus(pair(2.48015873015873e-05, 2.1511947866775882e-23), times(q, w))
    c = total_of(triple(-0.001388888888888889, 5.300543954373577e-20, 1.7386867553495878e-36),
                 product_in_full(three_of(q), z))
    c = total_of(triple(0.041666666666666664, 2.3129646346357427e-18, 1.2839532962581572e-34), product_in_full(c, z))
    c = total_of(triple(-0.5, 0.0, 0.0), product_in_full(c, z))
    c = total_of(triple(1.0, 0.0, 0.0), product_in_full(c, z))
    s = whichever((n & 1) != 0, c, s)
    return times_power(s, either((n & 2) != 0, -1.0, 1.0))
