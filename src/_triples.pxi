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


cdef inline Pair one_and(Fall e) noexcept nogil:
    """1 + e."""
    cdef double scale = either(e.unit < 1.0, 0.0, e.scale)
    return added(exact_sum(1.0, scale), scaled(in_two(total_of(e.rest, e.bend)), scale))
