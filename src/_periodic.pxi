# Sine and cosine of a product, for factors of any size.
#
# What counts of v = omega x is how far it is from a multiple of pi / 2, and for large v that is hidden in the bits of
# v 2/pi around the point. The bits of 2/pi that only make multiples of 4 are left out (Payne and Hanek), so 192 of them
# do for every double: a pair of doubles with 60 digits to the next multiple of pi / 2.

cdef extern from *:
    """
    /* 48 bits of 2/pi from every 16th on, each as a fraction of 1; tools/two_over_pi.py prints them. */
    static const double TWO_OVER_PI[80] = {
        0.636619772367581, 0.5134018818108963, 0.3057263591291779, 0.08267188988230956, 0.9849753272621484,
        0.3430474523609064, 0.9578379245607564, 0.8662240138706672, 0.8569730280980927, 0.5843694367361003,
        0.23540593730132642, 0.5635069798187651, 0.9934294027905075, 0.38934127887967307, 0.8700526584208461,
        0.77102226867121, 0.7153996364816528, 0.43057646179192943, 0.2589999958929958, 0.8237308434171737,
        0.024554187906520752, 0.1832586418769182, 0.03835404594257241, 0.5707548926394423, 0.992644018654719,
        0.9184065558140375, 0.6920418289742045, 0.6533036535165202, 0.9082368587103069, 0.21077243873561713,
        0.18254497761664368, 0.2676530844620615, 0.9125433058255759, 0.438090585054173, 0.7045821103325274,
        0.4931827527090924, 0.2248815431988298, 0.8368150785626796, 0.5129886839099669, 0.22638872367637575,
        0.6113948551337423, 0.3732260449689697, 0.7420830864284369, 0.1571521741789148, 0.1248869895626008,
        0.5937479747445273, 0.8672728575613142, 0.5939931383050343, 0.9343119588102482, 0.06853258852526878,
        0.35172159211398224, 0.4262607820554045, 0.42661278302675143, 0.49534844119054, 0.15544186330159704,
        0.037953333521180355, 0.3096656442197592, 0.2476595863501423, 0.6186510430317433, 0.9147561285015193,
        0.45763747578520864, 0.7296130596528023, 0.9214774061083766, 0.943286718620552, 0.23839151662316027,
        0.22643341556514684, 0.5403224775618405, 0.5738894928651384, 0.42180440973566036, 0.3737964363217827,
        0.12325078443064896, 0.36340844705434705, 0.3359861539179114, 0.18858316434095101, 0.9862582487847327,
        0.4205923564114755, 0.9406697826006649, 0.7348725172251882, 0.6052888700886676, 0.211390131052557
    };
    """
    const double *TWO_OVER_PI


cdef struct Turn:
    double quarters     # an integer, as a double
    double hi           # and the rest, -1/2 to 1/2
    double lo
    double least        # what is beyond a pair, for _triples.pxi


cdef inline Turn turn_of(double v, long long steps) noexcept nogil:
    """v 2^(16 steps) 2/pi without multiples of 4."""
    # The first piece of 2/pi starts where v times a bit is no multiple of 4: v = m 2^(16 first), m below 2^70.
    # Shifts are of unsigned integers: AVX2 has no others.
    cdef long long biased = <long long>((<unsigned long long>bits_from_double(v) >> 52) & 0x7FF)
    cdef long long beyond = biased + 16 * steps - 1077
    cdef long long first = <long long>(<unsigned long long>(beyond if beyond > 0 else 0) >> 4)
    cdef double m = v * double_from_bits((1023 + 16 * (steps - first)) << 52), n
    cdef Pair p0 = exact_product(m, TWO_OVER_PI[first])
    cdef Pair p1 = exact_product(m * 3.552713678800501e-15, TWO_OVER_PI[first + 3])
    cdef Pair p2 = exact_product(m * 1.262177448353619e-29, TWO_OVER_PI[first + 6])
    cdef double p3 = m * 4.484155085839415e-44 * TWO_OVER_PI[first + 9]
    # First multiples of 1024 go, then of 4: one step cannot hold both 2^70 and 4.
    p0.hi = p0.hi - ((p0.hi + 6917529027641081856.0) - 6917529027641081856.0)
    p0.hi = p0.hi - ((p0.hi + 27021597764222976.0) - 27021597764222976.0)
    # What is above 2^-26, exactly, and without its integer part.
    cdef Pair a = exact_sum(p0.hi, p0.lo), b = exact_sum(a.hi, p1.hi), c, d, e
    n = (b.hi + ROUNDER) - ROUNDER
    # What is below, with the errors of its sum.
    c = exact_sum(p2.hi, p1.lo)
    d = exact_sum(c.hi, b.lo)
    e = exact_sum(d.hi, a.lo)
    c = pair(e.hi, ((c.lo + d.lo) + (e.lo + p2.lo)) + p3)
    d = exact_sum(b.hi - n, c.hi)
    c = exact_sum(d.lo, c.lo)
    e = exact_sum(d.hi, c.hi)
    cdef Turn turn
    turn.quarters = n
    turn.hi = e.hi
    turn.lo = e.lo
    turn.least = c.lo
    return turn


cdef inline Turn centred(double quarters, Pair rest) noexcept nogil:
    """The integer nearest to the rest, moved to the quarters."""
    cdef double n = (rest.hi + ROUNDER) - ROUNDER
    cdef Turn turn
    rest = exact_sum(rest.hi - n, rest.lo)
    turn.quarters = quarters + n
    turn.hi = rest.hi
    turn.lo = rest.lo
    return turn


cdef inline Turn turn_of_product(double omega, double x) noexcept nogil:
    """omega x 2/pi without multiples of 4."""
    cdef bint far = c_fabs(x) > 1e270
    cdef Pair v = exact_product(omega, x * either(far, 5.421010862427522e-20, 1.0))
    cdef long long steps = 4 if far else 0
    cdef Turn high = turn_of(v.hi, steps), low = turn_of(v.lo, steps)
    return centred(high.quarters + low.quarters, plus(pair(high.hi, high.lo), pair(low.hi, low.lo)))


cdef inline Pair angle_of(Turn t) noexcept nogil:
    """The rest in radians."""
    return times(pair(t.hi, t.lo), pair(1.5707963267948966, 6.123233995736766e-17))


cdef inline Pair sine_near(Pair a) noexcept nogil:
    """sin(a) for |a| <= pi / 4."""
    cdef double z = a.hi * a.hi
    return quick_sum(a.hi, mul_add(a.hi * z, sine_rest(z), a.lo * (1.0 - 0.5 * z)))


cdef inline Pair cosine_near(Pair a) noexcept nogil:
    """cos(a) for |a| <= pi / 4."""
    cdef Pair square = exact_product(a.hi, a.hi), one = quick_sum(1.0, -0.5 * square.hi)
    cdef double low = one.lo - mul_add(a.hi, a.lo, 0.5 * square.lo)
    return quick_sum(one.hi, low + square.hi * square.hi * cosine_rest(square.hi))


cdef inline Pair sine_of(Turn t) noexcept nogil:
    cdef Pair a = angle_of(t), s, c
    cdef long long n = bits_from_double(t.quarters + ROUNDER)
    s = sine_near(a)
    c = cosine_near(a)
    s = chosen((n & 1) != 0, c, s)
    return chosen((n & 2) != 0, pair(-s.hi, -s.lo), s)


cdef inline Turn advanced(Turn t, double quarters) noexcept nogil:
    """t and some quarters, or halves of one."""
    cdef Pair rest = exact_sum(t.hi, quarters)
    return centred(t.quarters, pair(rest.hi, rest.lo + t.lo))
