# cython: language_level=3, cdivision=True
"""The mathematics of actfn: every activation, and its backward directly below.

How to read it. `x` is the input, `grad` the gradient that arrives from above, parameters carry their papers' names.
A scalar returns T, the type of the data; inside, everything that rounds is computed in double, so that a float
result is rounded once. Only straight lines and parabolas stay float, for the speed: what their products and sums lose
is added again (`_scalars.pxi`). Bodies are conditional expressions, never `if` blocks, so that the loops in
`_loops.pxi` become SIMD.

Where double is the result and a plain formula would lose a digit, there are two bodies and T picks one: the formula in
double for float, and the same formula in pairs of doubles (`_pairs.pxi`) for double. Sums that are 0 where their
parameters say are sums of three (`_triples.pxi`). Polynomials are in `_polynomials.pxi`, sine and cosine in
`_periodic.pxi`. Comparisons are written so that NaN falls through to a branch that returns it. `_table.pxi`, rendered
from `catalog.py`, puts each scalar into its loop; nothing else lists names.
Where AVX-512 is, `_lanes.pxi` makes tables of the smooth functions from these very scalars, and float results come from
there.
"""
include "_scalars.pxi"
include "_polynomials.pxi"
include "_pairs.pxi"
include "_periodic.pxi"
include "_triples.pxi"


# Idioms of the pieces below.

cdef inline T flat(T grad, T x) noexcept nogil:
    """The gradient of a flat piece: 0, even for an infinite grad, but a NaN never disappears."""
    return grad if grad != grad else (x if x != x else <T>0)


cdef inline T flat_left(T grad) noexcept nogil:
    """The same where x is known to be a number."""
    return grad if grad != grad else <T>0


cdef inline T signed_zero(T x) noexcept nogil:
    """Zero with the sign of x, or NaN: what an odd function returns on its flat piece."""
    return x if x != x else with_sign_of(<T>0, x)


# ---- Straight lines -------------------------------------------------------------------------------------------

cdef inline T identity(T x) noexcept nogil:
    return x

cdef inline T identity_backward(T grad, T x) noexcept nogil:
    return grad if x == x else x


cdef inline T step(T x, double threshold) noexcept nogil:
    return <T>1 if x >= at_least(x, threshold) else (<T>0 if x < at_least(x, threshold) else x)

cdef inline T step_backward(T grad, T x, double threshold) noexcept nogil:
    return flat(grad, x)


cdef inline T relu(T x) noexcept nogil:
    return <T>0 if x <= <T>0 else x

cdef inline T relu_backward(T grad, T x) noexcept nogil:
    return grad if x > <T>0 else flat(grad, x)


cdef inline T relu6(T x) noexcept nogil:
    return <T>0 if x <= <T>0 else (<T>6 if x > <T>6 else x)

cdef inline T relu6_backward(T grad, T x) noexcept nogil:
    return grad if (x > <T>0) & (x < <T>6) else flat(grad, x)


cdef inline T shifted_relu(T x) noexcept nogil:
    return <T>-1 if x <= <T>-1 else x

cdef inline T shifted_relu_backward(T grad, T x) noexcept nogil:
    return grad if x > <T>-1 else flat(grad, x)


cdef inline T leaky_relu(T x, double negative_slope) noexcept nogil:
    # Not max(x, slope * x), which is another function when the slope exceeds 1.
    # Nor x > 0, which would multiply 0 by an infinite slope.
    return x if x >= <T>0 else stretched(x, negative_slope)

cdef inline T leaky_relu_backward(T grad, T x, double negative_slope) noexcept nogil:
    return grad if x > <T>0 else (stretched(grad, negative_slope) if x <= <T>0 else x)


cdef inline T prelu(T x, double weight) noexcept nogil:
    return leaky_relu(x, weight)

cdef inline T prelu_backward(T grad, T x, double weight) noexcept nogil:
    return leaky_relu_backward(grad, x, weight)

cdef inline double prelu_backward_weight(double grad, double x, double weight) noexcept nogil:
    return flat(grad, x) if x > 0 else grad * x


cdef inline T rrelu(T x, double lower, double upper) noexcept nogil:
    return leaky_relu(x, 0.5 * lower + 0.5 * upper)

cdef inline T rrelu_backward(T grad, T x, double lower, double upper) noexcept nogil:
    return leaky_relu_backward(grad, x, 0.5 * lower + 0.5 * upper)


cdef inline T flexible_relu(T x, double bias) noexcept nogil:
    return shifted(relu(x), bias)

cdef inline T flexible_relu_backward(T grad, T x, double bias) noexcept nogil:
    return relu_backward(grad, x)

cdef inline double flexible_relu_backward_bias(double grad, double x, double bias) noexcept nogil:
    return identity_backward(grad, x)


cdef inline T threshold(T x, double threshold, double value) noexcept nogil:
    return <T>value if x <= at_most(x, threshold) else x

cdef inline T threshold_backward(T grad, T x, double threshold, double value) noexcept nogil:
    return grad if x > at_most(x, threshold) else flat(grad, x)


cdef inline T hard_tanh(T x, double min_val, double max_val) noexcept nogil:
    return <T>min_val if x < at_least(x, min_val) else (<T>max_val if x > at_most(x, max_val) else x)

cdef inline T hard_tanh_backward(T grad, T x, double min_val, double max_val) noexcept nogil:
    return grad if (x > at_most(x, min_val)) & (x < at_least(x, max_val)) else flat(grad, x)


cdef inline T hard_sigmoid(T x, double slope, double offset) noexcept nogil:
    cdef Ramp line = ramp(slope, offset)
    cdef T left = at_most(x, line.left), right = at_least(x, line.right)
    return <T>line.above if x >= right else (<T>line.below if x <= left else on_ramp(x, line))

cdef inline T hard_sigmoid_backward(T grad, T x, double slope, double offset) noexcept nogil:
    cdef Ramp line = ramp(slope, offset)
    cdef bint inside = (x > at_most(x, line.left)) & (x < at_least(x, line.right))
    return stretched(grad, slope) if inside else flat(grad, x)


cdef inline T soft_shrink(T x, double lambd) noexcept nogil:
    cdef T toward_zero = shifted(magnitude(x), -lambd)
    return with_sign_of(toward_zero if magnitude(x) > at_most(x, lambd) else (x if x != x else <T>0), x)

cdef inline T soft_shrink_backward(T grad, T x, double lambd) noexcept nogil:
    return grad if magnitude(x) > at_most(x, lambd) else flat(grad, x)


cdef inline T hard_shrink(T x, double lambd) noexcept nogil:
    return x if magnitude(x) > at_most(x, lambd) else signed_zero(x)

cdef inline T hard_shrink_backward(T grad, T x, double lambd) noexcept nogil:
    return soft_shrink_backward(grad, x, lambd)


cdef inline T shrink(T x, double lambd, double bias) noexcept nogil:
    cdef T toward_zero = shifted(magnitude(x), -bias)
    # Not the sign of x alone: a large bias turns it.
    toward_zero = toward_zero if x >= <T>0 else -toward_zero
    return toward_zero if magnitude(x) > at_most(x, lambd) else signed_zero(x)

cdef inline T shrink_backward(T grad, T x, double lambd, double bias) noexcept nogil:
    return soft_shrink_backward(grad, x, lambd)


cdef inline T clipped_linear(T x, double slope, double offset, double min_val, double max_val) noexcept nogil:
    cdef Pair line = line_at(finite(x), slope, offset)
    cdef double y = line.hi + line.lo
    # An infinity that was pulled in need not reach an end that is farther away.
    y = y * INFINITY if (magnitude(x) > at_most(x, DBL_MAX)) & (slope != 0.0) & (y != 0.0) else y
    return <T>(min_val if above(min_val, line) else (max_val if not above(max_val, line) else y)) if x == x else x

cdef inline T clipped_linear_backward(T grad, T x, double slope, double offset, double min_val,
                                      double max_val) noexcept nogil:
    cdef Pair line = line_at(finite(x), slope, offset)
    cdef bint inside = above(max_val, line) & above(-min_val, pair(-line.hi, -line.lo))
    return <T>(slope * grad) if inside & (slope != 0.0) else flat(grad, x)


cdef inline double hinged(T x, double hinge, double slope) noexcept nogil:
    """hinge + slope (x - hinge), every rounding error kept: it may cross 0 anywhere."""
    cdef double y = finite(x)
    cdef Pair way = exact_sum(y, -hinge), p = exact_product(slope, way.hi), q = exact_product(slope, way.lo)
    cdef Pair line = exact_sum(hinge, p.hi), rest = exact_sum(p.lo, q.hi), total = exact_sum(line.hi, rest.hi)
    cdef double low = total.lo + (line.lo + (rest.lo + q.lo))
    # Without fma, a product by halves knows no error next to the largest numbers.
    y = either(low == low, total.hi + low, line.hi)
    # An infinity that was pulled in.
    return y * INFINITY if (magnitude(x) > at_most(x, DBL_MAX)) & (slope != 0.0) & (y != 0.0) else y

cdef inline T srelu(T x, double t_left, double a_left, double t_right, double a_right) noexcept nogil:
    cdef double right = hinged(x, t_right, a_right), left = hinged(x, t_left, a_left)
    # The hinges are on their own lines, with their sign.
    cdef bint below = (x < at_least(x, t_left)) & (x < at_least(x, t_right))
    return <T>right if x > at_most(x, t_right) else (<T>left if below else x)

cdef inline T srelu_backward(T grad, T x, double t_left, double a_left, double t_right, double a_right) noexcept nogil:
    cdef double slope = either(x >= at_least(x, t_right), a_right, either(x <= at_most(x, t_left), a_left, 1.0))
    cdef T y = <T>(grad * slope)
    return flat(grad, x) if slope == 0.0 else (y if x == x else x)

cdef inline double srelu_backward_t_left(double grad, double x, double t_left, double a_left, double t_right,
                                         double a_right) noexcept nogil:
    return grad * (1.0 - a_left) if (x <= t_left) & (x < t_right) else flat(grad, x)

cdef inline double srelu_backward_a_left(double grad, double x, double t_left, double a_left, double t_right,
                                         double a_right) noexcept nogil:
    return grad * (x - t_left) if (x <= t_left) & (x < t_right) else flat(grad, x)

cdef inline double srelu_backward_t_right(double grad, double x, double t_left, double a_left, double t_right,
                                          double a_right) noexcept nogil:
    return grad * (1.0 - a_right) if x >= t_right else flat(grad, x)

cdef inline double srelu_backward_a_right(double grad, double x, double t_left, double a_left, double t_right,
                                          double a_right) noexcept nogil:
    return grad * (x - t_right) if x >= t_right else flat(grad, x)


cdef inline T sparse_sigmoid(T x) noexcept nogil:
    return <T>0 if x <= <T>-1 else (<T>1 if x > <T>1 else fused(x, <T>0.5, <T>0.5))

cdef inline T sparse_sigmoid_backward(T grad, T x) noexcept nogil:
    return <T>0.5 * grad if magnitude(x) < <T>1 else flat(grad, x)


# ---- Parabolas between straight lines -------------------------------------------------------------------------

cdef inline T hard_swish(T x) noexcept nogil:
    return <T>0 if x <= <T>-3 else (x if x >= <T>3 else times_rise(x, x, 3.0, 6.0))

cdef inline T hard_swish_backward(T grad, T x) noexcept nogil:
    cdef T middle = times_rise(grad, x, 1.5, 3.0)
    return flat_left(grad) if x <= <T>-3 else (grad if x >= <T>3 else middle)


cdef inline T sparse_plus(T x) noexcept nogil:
    # What 1 + x rounds away returns: half (half + lost) is (1 + x)^2 / 4 but for the square of lost.
    cdef T sum1 = x + <T>1, lost = x - (sum1 - <T>1), half = <T>0.5 * sum1
    return <T>0 if x <= <T>-1 else (x if x >= <T>1 else fused(half, half, half * lost))

cdef inline T sparse_plus_backward(T grad, T x) noexcept nogil:
    cdef T sum1 = x + <T>1, lost = x - (sum1 - <T>1)
    cdef T middle = fused(grad, <T>0.5 * sum1, grad * (<T>0.5 * lost))
    return flat_left(grad) if x <= <T>-1 else (grad if x >= <T>1 else middle)


cdef inline T relu2(T x) noexcept nogil:
    return relu(x) * relu(x)

cdef inline T relu2_backward(T grad, T x) noexcept nogil:
    # grad * x comes first: 2 * grad may overflow where the result does not.
    return <T>(2.0 * (<double>grad * x)) if x > <T>0 else flat(grad, x)


cdef inline T star_relu(T x, double scale, double bias) noexcept nogil:
    # As a pair, because the sum cancels where the parabola crosses 0.
    cdef double y = 0.0 if x <= 0 else x
    cdef Pair square = product_of(exact_product(scale, y), pair(y, 0.0)), total = exact_sum(square.hi, bias)
    cdef double low = total.lo + square.lo
    # Without fma, a product by halves knows no error next to the largest numbers.
    return <T>either(c_fabs(square.hi) < 1e290, total.hi + either(low == low, low, 0.0), square.hi)

cdef inline T star_relu_backward(T grad, T x, double scale, double bias) noexcept nogil:
    return <T>(2.0 * scale * (<double>grad * x)) if (x > <T>0) & (scale != 0.0) else flat(grad, x)

cdef inline double star_relu_backward_scale(double grad, double x, double scale, double bias) noexcept nogil:
    return flat(grad, x) if x <= 0 else grad * x * x

cdef inline double star_relu_backward_bias(double grad, double x, double scale, double bias) noexcept nogil:
    return identity_backward(grad, x)


cdef inline T hard_mish(T x) noexcept nogil:
    return <T>0 if x <= <T>-2 else (x if x >= <T>0 else <T>(0.5 * x * (x + 2.0)))

cdef inline T hard_mish_backward(T grad, T x) noexcept nogil:
    cdef T middle = <T>(grad * (x + 1.0))
    return flat_left(grad) if x <= <T>-2 else (grad if x >= <T>0 else middle)


cdef inline T sqnl(T x) noexcept nogil:
    return with_sign_of(<T>1, x) if magnitude(x) >= <T>2 else <T>(x * (1.0 - 0.25 * magnitude(x)))

cdef inline T sqnl_backward(T grad, T x) noexcept nogil:
    return <T>(grad * (1.0 - 0.5 * magnitude(x))) if magnitude(x) < <T>2 else flat(grad, x)


# ---- The sigmoid and its relatives ----------------------------------------------------------------------------
# e = exp(-|x|) is in (0, 1]: nothing overflows, and sigmoid(-|x|) = e / (1 + e) keeps its digits in the far tail,
# where 1 - sigmoid(|x|) has none.

cdef inline Power falling(double x, double low) noexcept nogil:
    """exp(-|x + low|), low the rounding error of x."""
    return exp_falling(c_fabs(x), either((x < 0) & (low != 0.0), -low, low))

cdef inline Scaled bell(T like, double x, double low) noexcept nogil:
    """sigmoid'(x + low) as e / (1 + e)^2 with e = exp(-|x|): y (1 - y) would cancel from x = 17 on in float."""
    cdef double d, one, square
    cdef Power e
    if T is float:
        d = exp_short(-magnitude(x))
        return scaled_by(d / ((1.0 + d) * (1.0 + d)), False)
    else:
        e = falling(x, low)
        one = 1.0 + e.hi
        square = one * one
        d = mul_add(2.0 * one, e.hi - (one - 1.0), product_error(one, one, square))
        return scaled_to(divided(e.hi, square, d), e.unit)

cdef inline Scaled sigmoid_scaled(T like, double x, double low) noexcept nogil:
    """sigmoid(x + low), low the rounding error of x."""
    cdef double d
    cdef Power e
    cdef bint left = x < 0
    if T is float:
        d = exp_short(-magnitude(x))
        return scaled_by((d if x < 0 else 1.0) / (1.0 + d), False)
    else:
        e = falling(x, low)
        d = 1.0 + e.hi
        return scaled_to(divided(either(left, e.hi, 1.0), d, e.hi - (d - 1.0)), either(left, e.unit, 1.0))

cdef inline double sigmoid_value(T x) noexcept nogil:
    return applied(1.0, sigmoid_scaled(x, x, 0.0))

cdef inline T sigmoid(T x) noexcept nogil:
    return <T>sigmoid_value(x)

cdef inline T sigmoid_backward(T grad, T x) noexcept nogil:
    return <T>applied(grad, bell(x, x, 0.0))


cdef inline double softplus_tail(T x) noexcept nogil:
    """log(1 + exp(-|x|)), what softplus adds to max(x, 0)."""
    cdef Power e
    if T is float:
        return log1p_unit(exp_short(-magnitude(x)))
    else:
        e = falling(x, 0.0)
        return applied(1.0, scaled_to(log1p_falling(e.hi), e.unit))

cdef inline T log_sigmoid(T x) noexcept nogil:
    return <T>((x if x < 0 else 0.0) - softplus_tail(x))

cdef inline T log_sigmoid_backward(T grad, T x) noexcept nogil:
    return <T>applied(grad, sigmoid_scaled(x, -x, 0.0))


cdef inline Pair tanh_pair(double a) noexcept nogil:
    """tanh(a) for a >= 0 as m / (2 - m) with m = 1 - exp(-2 a), which is 2 a where it is small: nothing cancels."""
    cdef Pair m = one_minus_exp(2.0 * a)
    cdef double two = 2.0 - m.hi
    return divided_pair(m.hi, m.lo, two, ((2.0 - two) - m.hi) - m.lo)

cdef inline double tanh_value(T x) noexcept nogil:
    cdef double m
    cdef Pair t
    if T is float:
        m = expm1(-2 * magnitude(x))
        return -m / (2.0 + m)
    else:
        t = tanh_pair(magnitude(x))
        return t.hi + t.lo

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
        m = t.hi * t.hi
        m = m + mul_add(2.0 * t.hi, t.lo, product_error(t.hi, t.hi, m))
        return grad * t.hi * t.hi if t.hi < 1e-100 else grad * m

cdef inline double tanh_gap(T x) noexcept nogil:
    """|x| - tanh|x|: a cubic series below 1, where the subtraction cancels, and a - 1 + 2 e / (1 + e) above."""
    cdef double a = magnitude(x), z, w, cube, low, one, unit
    cdef Pair far, near
    cdef Power e
    if T is float:
        z = a * a
        w = exp_short(-2.0 * a)
        return a * z * mul_add(tanh_gap_rest(z), z, 0.3333333333333333) if a < 1.0 else (a - 1.0) + 2.0 * w / (1.0 + w)
    else:
        e = exp_falling(2.0 * a, 0.0)
        one = 1.0 + e.hi
        far = exact_sum(a, -1.0)
        far.hi = far.hi + (far.lo + divided(2.0 * e.hi, one, e.hi - (one - 1.0)))
        # The cube of a tiny number may be subnormal, and must round only once: it is taken of 2^600 a.
        unit = either(a < 1e-90, TWO_TO_MINUS_600, 1.0)
        w = either(a < 1e-90, a / TWO_TO_MINUS_600, a)
        z = a * a
        near = quick_sum(0.3333333333333333, mul_add(tanh_gap_rest(z), z, 1.850371707708594e-17))
        # w^3 and its error.
        z = w * w
        cube = w * z
        low = mul_add(w, product_error(w, w, z), product_error(w, z, cube))
        z = mul_add(cube, near.hi, mul_add(cube, near.lo, low * near.hi)) * unit * unit * unit
        return either(a < 1.0, z, either(a < 1e17, far.hi, a))

cdef inline T tanh(T x) noexcept nogil:
    return with_sign_of(<T>tanh_value(x), x)

cdef inline T tanh_backward(T grad, T x) noexcept nogil:
    # 4 e / (1 + e)^2 with e = exp(-2|x|), instead of 1 - tanh^2.
    cdef Scaled slope = bell(x, 2.0 * x, 0.0)
    if T is float:
        slope.value = 4.0 * slope.value
    else:
        slope.unit = 2.0 * slope.unit
    return <T>applied(grad, slope)


cdef inline T tanh_shrink(T x) noexcept nogil:
    return with_sign_of(<T>tanh_gap(x), x)

cdef inline T tanh_shrink_backward(T grad, T x) noexcept nogil:
    return <T>tanh_squared_backward(grad, x)


cdef inline T scaled_tanh(T x, Pair z, double factor) noexcept nogil:
    """factor tanh(z), z of the sign of x or of -x."""
    cdef double m
    cdef Pair t
    if T is float:
        m = expm1(-2.0 * c_fabs(z.hi))
        return <T>(factor * c_copysign(-m / (2.0 + m), z.hi)) if z.hi == z.hi else x
    else:
        t = times_number(tanh_of(z), factor)
        return either(c_fabs(t.lo) < c_fabs(t.hi), t.hi + t.lo, t.hi)

cdef inline Scaled scaled_tanh_slope(T like, Pair z, Pair factor) noexcept nogil:
    """factor (1 - tanh(z)^2)."""
    cdef double e
    cdef Power slope
    if T is float:
        e = exp_short(-2.0 * c_fabs(z.hi))
        return scaled_by(4.0 * factor.hi * e / ((1.0 + e) * (1.0 + e)), False)
    else:
        slope = tanh_slope_of(z)
        return rounded(product_of(factor, pair(slope.hi, slope.lo)), slope.unit)


cdef inline Pair lecun(double scale_a) noexcept nogil:
    """The default 0.67 means 67/100, not its double: far out that is a hundred units in the last place."""
    return pair(scale_a, either(scale_a == 0.67, -3.9968028886505634e-17, 0.0))

cdef inline T stanh(T x, double scale_a, double scale_b) noexcept nogil:
    # The pair has lost the sign of a zero, and of the smallest numbers the rest.
    cdef double wide = x
    cdef T line = <T>(x * times_number(lecun(scale_a), scale_b).hi)
    return line if c_fabs(wide) < 1e-280 else scaled_tanh(x, product(lecun(scale_a), x), scale_b)

cdef inline T stanh_backward(T grad, T x, double scale_a, double scale_b) noexcept nogil:
    cdef Pair a = lecun(scale_a)
    return <T>applied(grad, scaled_tanh_slope(x, product(a, x), times_number(a, scale_b)))


cdef inline Pair ratio(double x, double cap) noexcept nogil:
    cdef double q = x / cap
    return pair(q, division_error(x, cap, q))

cdef inline T softcap(T x, double cap) noexcept nogil:
    cdef Pair z = ratio(x, cap)
    cdef T y = scaled_tanh(x, z, cap)
    # Where x / cap is tiny, perhaps too small for a double, the result is x.
    return x if c_fabs(z.hi) < 1e-9 else y

cdef inline T softcap_backward(T grad, T x, double cap) noexcept nogil:
    return <T>applied(grad, scaled_tanh_slope(x, ratio(x, cap), pair(1.0, 0.0)))


cdef inline T dynamic_tanh(T x, double alpha, double weight, double bias) noexcept nogil:
    # With e = exp(-2 |alpha x|): ((bias + w) + (bias - w) e) / (1 + e), w of the sign of alpha x.
    cdef double y = x
    cdef Pair z = product(pair(2.0 * alpha, 0.0), finite(y)), q
    cdef double w = either(z.hi < 0, -weight, weight), low = either(z.hi < 0, -z.lo, z.lo)
    cdef Fall e = fall_of(triple(c_fabs(z.hi), low, 0.0))
    cdef Triple a = three_of(exact_sum(bias, w)), b = three_of(exact_sum(bias, -w))
    q = quotient(in_two(mixed(a, b, e)), one_and(e))
    y = applied(1.0, rounded(q, unit_of(a, e)))
    return <T>(x * (weight * alpha) if (x == <T>0) & (bias == 0.0) else y)

cdef inline T dynamic_tanh_backward(T grad, T x, double alpha, double weight, double bias) noexcept nogil:
    cdef double y = x
    return <T>applied(grad, scaled_tanh_slope(x, product(pair(alpha, 0.0), finite(y)), exact_product(alpha, weight)))

cdef inline double dynamic_tanh_backward_alpha(double grad, double x, double alpha, double weight,
                                               double bias) noexcept nogil:
    cdef Pair z = product(pair(alpha, 0.0), finite(x))
    cdef double y = either(c_fabs(z.hi) > 1490.0, 0.0, x)
    return applied(grad * room_above(y), scaled_tanh_slope(x, z, exact_product(weight, y * room_below(y))))

cdef inline double dynamic_tanh_backward_weight(double grad, double x, double alpha, double weight,
                                                double bias) noexcept nogil:
    return grad * scaled_tanh(x, product(pair(alpha, 0.0), finite(x)), 1.0)

cdef inline double dynamic_tanh_backward_bias(double grad, double x, double alpha, double weight,
                                              double bias) noexcept nogil:
    return identity_backward(grad, x)


cdef inline T lisht(T x) noexcept nogil:
    return <T>(magnitude(x) * c_fabs(tanh_value(x)))

cdef inline T lisht_backward(T grad, T x) noexcept nogil:
    # tanh(a) + a (1 - tanh(a)^2): nothing cancels, and beyond 40 only the 1 is left.
    cdef double a = magnitude(x), e, m
    cdef Pair t
    cdef Power slope
    a = 40.0 if a > 40.0 else a
    if T is float:
        m = expm1(-2 * <T>a)
        e = 1.0 + m
        return <T>(grad * c_copysign(-m / (2.0 + m) + 4.0 * a * e / ((1.0 + e) * (1.0 + e)), x)) if x == x else x
    else:
        slope = tanh_slope_of(pair(a, 0.0))
        t = added(tanh_of(pair(a, 0.0)), times_number(pair(slope.hi, slope.lo), a))
        return grad * either(x < 0, -(t.hi + t.lo), t.hi + t.lo)


cdef inline double logcosh_value(T x) noexcept nogil:
    """log((e^x + e^-x) / 2): below 1.3, where |x| + log(1 + e^-2|x|) - log(2) cancels, log(1 + 2 sinh(x / 2)^2)."""
    cdef double a = magnitude(x), near = 1.3 if a > 1.3 else a, m
    cdef Pair w, far
    cdef Power e
    if T is float:
        m = expm1(-<T>near)
        return a + (log1p_unit(exp_narrow(-2.0 * a)) - 0.6931471805599453) if a > 1.3 else log1p_unit(
            0.5 * m * m / (1.0 + m))
    else:
        # 2 sinh(x / 2)^2 is m^2 / (2 (1 - m)) with m = 1 - e^-a.
        w = one_minus_exp(near)
        w = log1p_of(quotient(scaled(product_of(w, w), 0.5), sum_of(1.0, pair(-w.hi, -w.lo))))
        e = exp_falling(2.0 * a, 0.0)
        far = log1p_of(pair(e.hi, e.lo))
        far = pair(far.hi * e.unit * e.unit - 2.3190468138462996e-17, far.lo * e.unit)
        far = added(exact_sum(a, -0.6931471805599453), far)
        return either(a > 1.3, either(a > 1e300, a, far.hi + far.lo), w.hi + w.lo)

cdef inline T logcosh(T x) noexcept nogil:
    return <T>logcosh_value(x)

cdef inline T logcosh_backward(T grad, T x) noexcept nogil:
    return <T>(grad * c_copysign(tanh_value(x), x))


cdef inline Pair atan_of(double a) noexcept nogil:
    """atan(a) for a >= 0: pi / 4 + atan((a - 1) / (a + 1)) around 1, pi / 2 - atan(1 / a) beyond."""
    cdef bint low = a <= 0.41421356237309503, high = a > 2.414213562373095
    cdef Pair top = exact_sum(a, either(low, 0.0, -1.0)), bottom = exact_sum(a, 1.0), base, u, sum1
    cdef double z
    top = chosen(high, pair(-1.0, 0.0), top)
    bottom = chosen(low, pair(1.0, 0.0), chosen(high, pair(a, 0.0), bottom))
    u = quotient(top, bottom)
    u.lo = either(c_fabs(u.lo) < 1.0, u.lo, 0.0)
    base = scaled(pair(1.5707963267948966, 6.123233995736766e-17), either(low, 0.0, either(high, 1.0, 0.5)))
    z = u.hi * u.hi
    sum1 = exact_sum(base.hi, u.hi)
    return pair(sum1.hi, sum1.lo + (base.lo + u.lo + u.hi * z * atan_rest(z)))

cdef inline T arctan(T x) noexcept nogil:
    cdef Pair y = atan_of(magnitude(x))
    return with_sign_of(<T>(y.hi + y.lo), x)

cdef inline T arctan_backward(T grad, T x) noexcept nogil:
    # 1 / (1 + x^2). Far out |x| / 2^600 keeps the square within double's range.
    cdef double y = finite(x), a = c_fabs(y)
    cdef bint far = a > 1e100
    cdef Pair s
    if T is float:
        return <T>(grad / (1.0 + y * y)) if magnitude(x) <= at_most(x, DBL_MAX) else flat(grad, x)
    else:
        s = plus(pair(1.0, 0.0), exact_product(either(far, 1.0, y), either(far, 1.0, y)))
        a = a * TWO_TO_MINUS_600
        a = either(far, 1.0 / (a * a), divided(1.0, s.hi, s.lo))
        return applied(grad, scaled_to(either(magnitude(x) > DBL_MAX, 0.0, a), either(far, TWO_TO_MINUS_600, 1.0)))


cdef inline T gaussian(T x) noexcept nogil:
    # Beyond 55 not even the largest gradient brings it back.
    cdef double a = magnitude(x), y = 55.0 if a > 55.0 else a
    cdef Pair square = exact_product(y, y)
    cdef Power e
    if T is float:
        return <T>exp_short(-(y * y))
    else:
        e = exp_falling(square.hi, square.lo)
        return applied(1.0, scaled_to(e.hi + e.lo, e.unit))

cdef inline T gaussian_backward(T grad, T x) noexcept nogil:
    cdef double y = 55.0 if x > 55.0 else (-55.0 if x < -55.0 else x)
    cdef Pair square = exact_product(y, y)
    cdef Power e
    if T is float:
        return <T>(grad * (-2.0 * y * exp_narrow(-(y * y))))
    else:
        e = exp_falling(square.hi, square.lo)
        return applied(grad, rounded(times_number(pair(e.hi, e.lo), -2.0 * y), e.unit))


cdef inline Power normal_of(double a, double low) noexcept nogil:
    """Phi(-a) for a >= 0."""
    cdef double y = 55.0 if a > 55.0 else a, rest = either(a > 55.0, 0.0, low)
    cdef Pair square = exact_product(y, y), tail = normal_tail(y)
    cdef Power e = exp_falling(0.5 * square.hi, mul_add(y, rest, 0.5 * square.lo))
    # The derivative of Phi(-a) exp(a^2 / 2) is a times itself, less 1 / sqrt(2 pi).
    tail.lo = mul_add(rest, mul_add(y, tail.hi, -0.3989422804014327), tail.lo)
    square = product_of(tail, pair(e.hi, e.lo))
    return power(square.hi, square.lo, e.unit)

cdef inline T laplace(T x, double mu, double sigma) noexcept nogil:
    cdef Pair d = exact_sum(finite(x), -mu), z = divided_pair(d.hi, d.lo, sigma, 0.0)
    cdef Power tail = normal_of(c_fabs(z.hi), either(z.hi < 0, -z.lo, z.lo))
    cdef double left = applied(1.0, scaled_to(tail.hi + tail.lo, tail.unit))
    d = sum_of(1.0, pair(-tail.hi, -tail.lo))
    return <T>either(z.hi < 0, left, either(c_fabs(z.hi) > 30.0, 1.0, d.hi + d.lo)) if x == x else x

cdef inline T laplace_backward(T grad, T x, double mu, double sigma) noexcept nogil:
    cdef Pair d = exact_sum(finite(x), -mu), z = divided_pair(d.hi, d.lo, sigma, 0.0), square
    cdef double a = c_fabs(z.hi)
    cdef Power e
    a = 55.0 if a > 55.0 else a
    square = exact_product(a, a)
    square.lo = either(a < 55.0, mul_add(2.0 * a, either(z.hi < 0, -z.lo, z.lo), square.lo), 0.0)
    e = exp_falling(0.5 * square.hi, 0.5 * square.lo)
    d = quotient(product_of(pair(e.hi, e.lo), pair(0.3989422804014327, -2.49232720227773e-17)), pair(sigma, 0.0))
    return <T>applied(grad, rounded(d, e.unit)) if x == x else x


cdef inline T softsign(T x) noexcept nogil:
    cdef double y
    cdef T a = magnitude(x), ratio
    cdef Rise rise
    if T is float:
        rise = rise_of(a)
        ratio = a * rise.inverse
        ratio = fused(left_over(a, ratio, rise), rise.inverse, ratio)
        return with_sign_of(<T>1 if a > <T>1e9 else ratio, x)
    else:
        y = finite(x)
        return y / (1.0 + magnitude(y))

cdef inline Scaled softsign_slope(double x) noexcept nogil:
    """1 / (1 + |x|)^2."""
    # Beyond 1e100 the 1 does not count; |x| / 2^600 keeps the square within double's range.
    cdef double a = magnitude(x), unit = either(a > 1e100, TWO_TO_MINUS_600, 1.0)
    cdef Pair sum1 = exact_sum(either(a > 1e100, 0.0, 1.0), unit * a)
    cdef double q = 1.0 / sum1.hi, low = q * mul_add(-q, sum1.lo, remainder_of(1.0, q, sum1.hi))
    cdef double square = q * q
    square = square + mul_add(2.0 * q, low, product_error(q, q, square))
    return scaled_to(either(a > DBL_MAX, 0.0, square), unit)

cdef inline T softsign_backward(T grad, T x) noexcept nogil:
    # A tiny gradient leaves no room for what the divisions lose: it is taken 2^30 times larger.
    cdef bint tiny = magnitude(grad) < <T>1e-27
    cdef T top = <T>1073741824.0 * grad if tiny else grad, y, once, twice
    cdef Rise rise
    if T is float:
        rise = rise_of(magnitude(x))
        once = top * rise.inverse
        twice = once * rise.inverse
        y = left_over(once, twice, rise) + rise.inverse * left_over(top, once, rise)
        y = fused(y, rise.inverse, twice)
        # Infinities leave NaN in the remainders only.
        y = y if y == y else twice
        return <T>9.313225746154785e-10 * y if tiny else y
    else:
        return <T>applied(grad, softsign_slope(x))


cdef inline T elliott(T x) noexcept nogil:
    # x / (2 + 2 |x|) + 1/2 cancels on the left, where it is 1 / (2 + 2 |x|).
    cdef double left = 0.5 / (1.0 + magnitude(x))
    return <T>(left if x < 0 else 1.0 - left)

cdef inline T elliott_backward(T grad, T x) noexcept nogil:
    cdef Scaled slope
    if T is float:
        return <T>0.5 * softsign_backward(grad, x)
    else:
        slope = softsign_slope(x)
        slope.value = 0.5 * slope.value
        return applied(grad, slope)


cdef inline Pair isru_root(double x, double alpha) noexcept nogil:
    """sqrt(1 + alpha x^2) for |x| <= 1e100."""
    return root_of(plus(pair(1.0, 0.0), times(exact_product(x, x), pair(alpha, 0.0))))

cdef inline double isru_value(T x, double alpha) noexcept nogil:
    cdef double y = finite(x)
    cdef bint far = c_fabs(y) > 1e100
    cdef Pair root
    if T is float:
        return y / sqrt(1.0 + alpha * (y * y))
    else:
        root = isru_root(either(far, 1.0, y), alpha)
        return either(far, c_copysign(1.0 / sqrt(alpha), y), divided(y, root.hi, root.lo))

cdef inline Scaled isru_slope(T x, double alpha) noexcept nogil:
    """(1 + alpha x^2)^(-3/2)."""
    cdef double y = finite(x), q
    cdef bint far = c_fabs(y) > 1e100
    cdef Pair root, inverse
    if T is float:
        q = 1.0 / sqrt(1.0 + alpha * (y * y))
        return scaled_by(q * q * q, False)
    else:
        # Far out the root is sqrt(alpha) |x|, and |x| / 2^400 keeps the cube within double's range.
        root = isru_root(either(far, 1.0, y), alpha)
        root = chosen(far, product_of(root_of(pair(alpha, 0.0)), pair(c_fabs(y) * TWO_TO_MINUS_400, 0.0)), root)
        inverse = divided_pair(1.0, -0.0, root.hi, root.lo)
        root = product_of(product_of(inverse, inverse), inverse)
        return scaled_to(either(root.lo == root.lo, root.hi + root.lo, root.hi), either(far, TWO_TO_MINUS_600, 1.0))

cdef inline T isru(T x, double alpha) noexcept nogil:
    return with_sign_of(<T>isru_value(x, alpha), x)

cdef inline T isru_backward(T grad, T x, double alpha) noexcept nogil:
    return <T>applied(grad, isru_slope(x, alpha))


# ---- Exponential linear units ---------------------------------------------------------------------------------

cdef inline T elu(T x, double alpha) noexcept nogil:
    cdef T left = <T>(alpha * expm1(x))
    return x if x >= <T>0 else left

cdef inline Scaled elu_slope(T x) noexcept nogil:
    """e^x for x <= 0."""
    cdef Power e
    if T is float:
        return exp_scaled(x, x, 0.0)
    else:
        e = exp_falling(magnitude(x), 0.0)
        return scaled_to(e.hi, e.unit)

cdef inline T elu_backward(T grad, T x, double alpha) noexcept nogil:
    cdef T left = <T>applied(grad * alpha, elu_slope(x))
    # An infinite alpha wins over an exponential that is too small for a double.
    left = <T>(grad * alpha) if (left != left) & (x == x) else left
    return grad if x > <T>0 else left


cdef inline double selu_negative(T x) noexcept nogil:
    """scale alpha (e^x - 1) for x <= 0, with the paper's scale alpha = 1.758."""
    cdef Pair m
    cdef double y
    if T is float:
        return 1.7580993408473768 * expm1(x)
    else:
        m = one_minus_exp(magnitude(x))
        # Products of pairs lose their low part where it is subnormal, and do not need it there.
        y = mul_add(-1.7580993408473768, m.hi, mul_add(-1.7580993408473768, m.lo, -1.41535193800845e-17 * m.hi))
        return either(m.hi > 1e-280, y, -1.7580993408473768 * m.hi)

cdef inline Scaled selu_slope(T x) noexcept nogil:
    cdef Power e
    cdef bint right = x > 0
    cdef double y
    if T is float:
        return scaled_by(1.0507009873554805 if x > 0 else 1.7580993408473768 * exp_short(x), False)
    else:
        e = exp_falling(magnitude(x), 0.0)
        y = mul_add(1.7580993408473768, e.hi, mul_add(1.7580993408473768, e.lo, 1.41535193800845e-17 * e.hi))
        return scaled_to(either(right, 1.0507009873554805, y), either(right, 1.0, e.unit))

cdef inline T selu(T x) noexcept nogil:
    # The paper's scale, which makes mean 0 and variance 1 a fixed point, as hi + lo.
    cdef double right = mul_add(x, 1.0507009873554805, x * 3.9874847667154144e-17), left = selu_negative(x)
    return <T>(right if x >= 0 else left)

cdef inline T selu_backward(T grad, T x) noexcept nogil:
    return <T>applied(grad, selu_slope(x))


cdef inline double over(T x, double alpha) noexcept nogil:
    """x / alpha, and 0 where both are infinite."""
    cdef double y = x
    return finite(y) / alpha

cdef inline T celu(T x, double alpha) noexcept nogil:
    # Where x / alpha is tiny, perhaps too small for a double, the result is x.
    cdef double z = over(x, alpha)
    cdef T left = <T>(alpha * expm1(z))
    return x if (x > <T>0) | (magnitude(z) < 1e-20) else left

cdef inline T celu_backward(T grad, T x, double alpha) noexcept nogil:
    cdef double z = over(x, alpha)
    cdef T left = <T>applied(grad, exp_scaled(x, z, division_error(x, alpha, z)))
    return grad if x > <T>0 else left


cdef inline T isrlu(T x, double alpha) noexcept nogil:
    cdef T left = <T>isru_value(x, alpha)
    return x if x >= <T>0 else left

cdef inline T isrlu_backward(T grad, T x, double alpha) noexcept nogil:
    cdef T left = <T>applied(grad, isru_slope(x, alpha))
    return grad if x >= <T>0 else left


cdef inline T exponential(T x) noexcept nogil:
    if T is float:
        return <T>exp_narrow(x)
    else:
        return exp_wide(x, 0.0)

cdef inline T exponential_backward(T grad, T x) noexcept nogil:
    # For x > 0 as 1 / e^-x: e^x may be too large for a double, grad e^x not.
    cdef Power e
    cdef Pair w
    if T is float:
        return <T>(grad * exp_narrow(x))
    else:
        e = exp_falling(c_fabs(x), 0.0)
        w = exp_pair_of(pair(e.hi, e.lo), x <= 0)
        return applied(grad, rounded(w, either(x > 0, 1.0 / e.unit, e.unit)))


cdef inline T pelu(T x, double a, double b) noexcept nogil:
    cdef Pair z = ratio(x, b)
    cdef double e = expm1(z.hi)
    cdef T left = <T>(a * (e + mul_add(e, z.lo, z.lo))), right = <T>(x * (a / b))
    return right if (x > <T>0) | (c_fabs(z.hi) < 1e-20) else left

cdef inline T pelu_backward(T grad, T x, double a, double b) noexcept nogil:
    cdef Pair z = ratio(x, b), q = ratio(a, b)
    cdef bint right = x > 0
    cdef Power e = exp_falling(c_fabs(z.hi), -z.lo)
    q = product_of(q, chosen(right, pair(1.0, 0.0), pair(e.hi, e.lo)))
    return <T>applied(grad, rounded(q, either(right, 1.0, e.unit))) if x == x else x

cdef inline double pelu_backward_a(double grad, double x, double a, double b) noexcept nogil:
    cdef Pair z = ratio(x, b)
    cdef double e = expm1(z.hi)
    return grad * (z.hi if (x > 0) | (c_fabs(z.hi) < 1e-20) else e + mul_add(e, z.lo, z.lo))

cdef inline double pelu_backward_b(double grad, double x, double a, double b) noexcept nogil:
    cdef Pair z = ratio(x, b), q = ratio(-a, b)
    cdef bint right = x > 0
    cdef Power e = exp_falling(c_fabs(z.hi), -z.lo)
    z = chosen((c_fabs(z.hi) > 1490.0) & (x < 0), pair(-1490.0, 0.0), z)
    q = product_of(product_of(q, z), chosen(right, pair(1.0, 0.0), pair(e.hi, e.lo)))
    return applied(grad, scaled_to(either(q.lo == q.lo, q.hi + q.lo, q.hi), either(right, 1.0, e.unit)))


cdef inline Pair eight_tenths(double alpha) noexcept nogil:
    """The default 0.8 means 8/10, not its double."""
    return pair(alpha, either(alpha == 0.8, -4.4408920985006264e-17, 0.0))

cdef inline Triple exp_bend_left(double x) noexcept nogil:
    """e^x - 1 - x for x <= 0."""
    cdef Fall e = fall_of(triple(-x, 0.0, 0.0))
    cdef double scale = either(e.unit < 1.0, 0.0, e.scale)
    # The first two are exactly 0 next to x = 0.
    cdef Triple bend = total_of(times_power(e.rest, scale), triple(-x, 0.0, 0.0))
    return total_of(total_of(bend, triple(scale, -1.0, 0.0)), times_power(e.bend, scale))

cdef inline T xielu(T x, double alpha_p, double alpha_n, double beta) noexcept nogil:
    cdef double wide = x, y = finite(wide), right, left
    cdef Pair p = eight_tenths(alpha_p), n = eight_tenths(alpha_n), line = times_number(p, y)
    cdef bint far = y < -1e100
    cdef Triple bend
    line = times_number(added(line, pair(beta, 0.0)), y)
    right = line.hi + either(c_fabs(line.lo) < 1e290, line.lo, 0.0)
    y = either(y > 0.0, 0.0, either(far, -1.0, y))
    bend = product_in_full(three_of(n), exp_bend_left(y))
    bend = total_of(bend, three_of(exact_product(beta, y)))
    left = bend.a + (bend.b + bend.c)
    # Far out a line, and products of x have no rests.
    n = added(pair(beta, 0.0), pair(-n.hi, -n.lo))
    left = either(far, (n.hi + n.lo) * x if n.hi != 0.0 else -alpha_n, left)
    right = right * INFINITY if (x > at_most(x, DBL_MAX)) & (right != 0.0) else right
    return <T>(x * beta if x == <T>0 else (right if x > 0 else left))

cdef inline T xielu_backward(T grad, T x, double alpha_p, double alpha_n, double beta) noexcept nogil:
    # On the left (beta - alpha_n) + alpha_n e^x.
    cdef double y = finite(x), slope
    cdef Pair line = times_number(scaled(eight_tenths(alpha_p), 2.0), y), left
    cdef Fall e = fall_of(triple(either(y > 0.0, 0.0, -y), 0.0, 0.0))
    cdef Triple b = three_of(eight_tenths(alpha_n)), a = total_of(triple(beta, 0.0, 0.0), times_power(b, -1.0))
    line = added(line, pair(beta, 0.0))
    left = in_two(mixed(a, b, e))
    slope = either(y > 0.0, line.hi + either(c_fabs(line.lo) < 1e290, line.lo, 0.0), left.hi + left.lo)
    slope = slope * INFINITY if (x > at_most(x, DBL_MAX)) & (alpha_p != 0.0) else slope
    return <T>applied(grad, scaled_to(slope, either(y > 0.0, 1.0, unit_of(a, e)))) if x == x else x

cdef inline double xielu_backward_alpha_p(double grad, double x, double alpha_p, double alpha_n,
                                          double beta) noexcept nogil:
    return flat(grad, x) if x <= 0 else grad * x * x

cdef inline double xielu_backward_alpha_n(double grad, double x, double alpha_p, double alpha_n,
                                          double beta) noexcept nogil:
    # The bend of a tiny number may be too small for a double, grad times it not.
    cdef Triple bend = exp_bend_left(either(x > 0.0, 0.0, either(x < -1e100, -1e100, x)))
    cdef double y = either(x < -1e100, grad * -x, grad * (bend.a + (bend.b + bend.c)))
    return flat(grad, x) if x > 0 else either(x > -1e-60, 0.5 * (grad * x) * x, y)


# ---- Smooth ramps ---------------------------------------------------------------------------------------------

cdef inline T softplus(T x, double beta) noexcept nogil:
    # The linear part is x itself, not (beta * x) / beta: exact, and beta * x may overflow.
    cdef Pair z = product(pair(beta, 0.0), x)
    cdef Power e
    cdef double l
    if T is float:
        l = log1p_unit(exp_narrow(-magnitude(z.hi))) / beta
        return <T>((x if z.hi > 0 else 0.0) + l)
    else:
        e = falling(z.hi, z.lo)
        l = applied(1.0, scaled_to(log1p_falling(e.hi) / beta, e.unit))
        return <T>(either(z.hi > 0, x, 0.0) + l)

cdef inline T softplus_backward(T grad, T x, double beta) noexcept nogil:
    cdef Pair z = product(pair(beta, 0.0), x)
    return <T>applied(grad, sigmoid_scaled(x, z.hi, z.lo))


cdef inline Pair softplus_root(double x, Power e) noexcept nogil:
    """sqrt(log(1 + e^x)) for e = e^-|x|; beyond 1e100 divided by 2^300."""
    cdef Pair l = scaled(log1p_of(pair(e.hi, e.lo)), either(x > 100.0, 0.0, 1.0))
    l = added(pair(either(x > 0, finite(x), 0.0), 0.0), l)
    return root_of(scaled(l, either(x > 1e100, TWO_TO_MINUS_600, 1.0)))

cdef inline T sqrt_softplus(T x) noexcept nogil:
    # Far on the left e^(x / 2): its square may be too small for a double.
    cdef double y = x
    cdef Power half
    cdef Pair l
    if T is float:
        return <T>sqrt((y if y > 0 else 0.0) + log1p_unit(exp_narrow(-magnitude(x))))
    else:
        half = exp_falling(0.5 * c_fabs(x), 0.0)
        l = softplus_root(x, exp_falling(c_fabs(x), 0.0))
        y = (l.hi + l.lo) * either(x > 1e100, TWO_TO_300, 1.0)
        y = either(x < -40.0, applied(1.0, scaled_to(half.hi + half.lo, half.unit)), y)
        return either(x > DBL_MAX, x, y)

cdef inline T sqrt_softplus_backward(T grad, T x) noexcept nogil:
    cdef double y = x, far, d
    cdef Power e, half
    cdef Pair l
    if T is float:
        d = exp_narrow(-magnitude(x))
        far = sqrt((y if y > 0 else 0.0) + log1p_unit(d))
        return <T>(grad * (0.5 * (d if x < 0 else 1.0) / ((1.0 + d) * far)))
    else:
        e = exp_falling(c_fabs(x), 0.0)
        half = exp_falling(0.5 * c_fabs(x), 0.0)
        l = quotient(scaled(sigmoid_pair(pair(e.hi, e.lo), x < 0), 0.5), softplus_root(x, e))
        l = scaled(l, either(x > 1e100, 4.909093465297727e-91, 1.0))
        l = chosen(x < -40.0, pair(0.5 * half.hi, 0.5 * half.lo), l)
        return applied(grad, scaled_to(either(x > DBL_MAX, 0.0, l.hi + l.lo), either(x < -40.0, half.unit, 1.0)))


cdef inline T nl_relu(T x, double beta) noexcept nogil:
    # beta * x may overflow where its logarithm does not: far out twice the logarithm of its root.
    cdef double y = 0.0 if x <= 0 else x, l
    cdef Pair w = exact_product(beta, y)
    cdef bint far = w.hi > 1e200
    l = log1p_positive(either(far, sqrt(beta) * sqrt(y), w.hi))
    # Without fma, a product by halves knows no error next to the largest numbers.
    return <T>either(y > DBL_MAX, y, either(far, 2.0 * l, l + either(w.lo == w.lo, w.lo / (1.0 + w.hi), 0.0)))

cdef inline T nl_relu_backward(T grad, T x, double beta) noexcept nogil:
    cdef double y = finite(x)
    cdef Pair line = line_at(y, beta, 1.0)
    # Far out it is 1 / x, and beta * x may overflow.
    cdef double slope = either(line.hi > 1e200, 1.0 / y, divided(beta, line.hi, line.lo))
    cdef T right = <T>(grad * either(magnitude(x) > at_most(x, DBL_MAX), 0.0, slope))
    return right if x > <T>0 else flat(grad, x)


cdef inline Pair root_pair(double x, double b) noexcept nogil:
    """sqrt(x^2 + b) for |x| <= 1e150."""
    return root_of(plus(exact_product(x, x), pair(b, 0.0)))

cdef inline double squareplus_value(T x, double b) noexcept nogil:
    """(x + sqrt(x^2 + b)) / 2; for x < 0 the sum cancels, and b / (2 (r - x)) is the same number."""
    cdef double y = x, a = magnitude(y), r
    cdef Pair root, half
    cdef bint far = a > 1e140
    if T is float:
        r = sqrt(y * y + b)
        return 0.5 * b / (r - y) if y < 0 else 0.5 * (y + r)
    else:
        # h on the right and b / (4 h) on the left, h = (|x| + r) / 2. From 1e140 on it is |x|, divided by as
        # |x| / 2^600.
        root = root_pair(either(far, 1.0, y), b)
        half = scaled(quick_sum(root.hi, a), 0.5)
        half.lo = either(far, 0.0, mul_add(0.5, root.lo, half.lo))
        half.hi = either(far, a * TWO_TO_MINUS_600, half.hi)
        r = divided(0.25 * b, half.hi, half.lo) * either(far, TWO_TO_MINUS_600, 1.0)
        r = either(a > DBL_MAX, 0.0 * b, r)
        return either(y < 0, r, either(far, a, half.hi + half.lo))

cdef inline Scaled squareplus_slope(T x, double b) noexcept nogil:
    """(1 + x / r) / 2; for x < 0, where that cancels, b / (2 r (r - x))."""
    cdef double y = x, a = magnitude(y), r
    cdef Pair root, half, bottom, top
    cdef bint far = a > 1e140, left = y < 0
    if T is float:
        r = sqrt(y * y + b)
        r = 0.5 * b / r / (r - y) if y < 0 else (1.0 if y > FLT_MAX else 0.5 + 0.5 * (y / r))
        return scaled_by(r, False)
    else:
        # h / r on the right and b / (4 r h) on the left. Far out both are |x|, and |x| / 2^600 keeps the square within
        # double's range.
        root = root_pair(either(far, 1.0, y), b)
        half = scaled(quick_sum(root.hi, a), 0.5)
        r = a * TWO_TO_MINUS_600
        half = pair(either(far, r, half.hi), either(far, 0.0, mul_add(0.5, root.lo, half.lo)))
        root = pair(either(far, r, root.hi), either(far, 0.0, root.lo))
        bottom = product_of(root, half)
        top = divided_pair(either(left, 0.25 * b, half.hi), either(left, 0.0, half.lo),
                           either(left, bottom.hi, root.hi), either(left, bottom.lo, root.lo))
        r = either(a > DBL_MAX, either(left, 0.0, 1.0), top.hi + top.lo)
        return scaled_to(r, either(far & left, TWO_TO_MINUS_600, 1.0))

cdef inline T squareplus(T x, double b) noexcept nogil:
    # Of infinities only an infinite b leaves NaN behind.
    cdef double y = squareplus_value(x, b)
    return <T>(INFINITY if (y != y) & (x == x) & (b > 0.0) else y)

cdef inline T squareplus_backward(T grad, T x, double b) noexcept nogil:
    cdef double y = applied(grad, squareplus_slope(x, b))
    return <T>(0.5 * grad if (y != y) & (x == x) & (b > 0.0) else y)


cdef inline double bent_identity_value(T x) noexcept nogil:
    """x + (sqrt(x^2 + 1) - 1) / 2: the root less 1 cancels, x^2 / (root + 1) is the same."""
    cdef double y = finite(x), a = c_fabs(y)
    cdef bint far = a > 1e140
    cdef Pair root, bend, total
    if T is float:
        return x + y * y / (2.0 + 2.0 * sqrt(y * y + 1.0))
    else:
        root = root_pair(either(far, 1.0, y), 1.0)
        bend = exact_product(either(far, 1.0, y), either(far, 1.0, y))
        total = sum_of(2.0, scaled(root, 2.0))
        bend = divided_pair(bend.hi, bend.lo, total.hi, total.lo)
        total = exact_sum(y, bend.hi)
        return either(far, x + 0.5 * a, total.hi + (total.lo + bend.lo))

cdef inline T bent_identity(T x) noexcept nogil:
    return with_sign_of(<T>bent_identity_value(x), x)

cdef inline T bent_identity_backward(T grad, T x) noexcept nogil:
    cdef double y = finite(x)
    y = 1e100 if y > 1e100 else (-1e100 if y < -1e100 else y)
    return <T>(grad * (1.0 + 0.5 * y / sqrt(mul_add(y, y, 1.0))))


cdef inline double dish_value(T x) noexcept nogil:
    """x (1 + x / r) / 2 for r = sqrt(1 + x^2); on the left, where that cancels, x / (2 r (r - x))."""
    cdef double y = finite(x), a = c_fabs(y), r
    cdef bint far = a > 1e140, left = y < 0
    cdef Pair root, total, product
    if T is float:
        r = sqrt(1.0 + y * y)
        return (0.25 / x if x < -1e9 else 0.5 * y / (r * (r - y))) if y < 0 else 0.5 * x * (1.0 + y / r)
    else:
        root = root_pair(either(far, 1.0, y), 1.0)
        total = sum_of(either(far, 1.0, a), root)
        product = product_of(chosen(left, root, pair(0.5 * y, 0.0)), total)
        product = divided_pair(either(left, 0.5 * y, product.hi), either(left, 0.0, product.lo),
                               either(left, product.hi, root.hi), either(left, product.lo, root.lo))
        return either(far, either(left, 0.25 / x, x), product.hi + product.lo)

cdef inline Scaled dish_slope(T x) noexcept nogil:
    """(1 + u) (1 + u - u^2) / 2 for u = x / r; next to its zero, at u = -0.618, a polynomial."""
    cdef double y = finite(x), a = c_fabs(y), r, u, v
    cdef bint far = a > 1e140, left = y < 0
    cdef Pair root, total, first, ratio
    if T is float:
        r = sqrt(1.0 + y * y)
        u = y / r
        v = 1.0 / (r * (r - y)) if y < 0 else 1.0 + u
        return scaled_by(0.5 * v * (1.0 + u - u * u), False)
    else:
        y = either(far, 1.0, y)
        root = root_pair(y, 1.0)
        ratio = divided_pair(y, -0.0, root.hi, root.lo)
        total = product_of(root, sum_of(c_fabs(y), root))
        total = divided_pair(1.0, -0.0, total.hi, total.lo)
        first = chosen(left, total, sum_of(1.0, ratio))
        total = product_of(first, plus(sum_of(1.0, ratio), scaled(product_of(ratio, ratio), -1.0)))
        v = 0.5 * (total.hi + total.lo)
        first = pair(x + 0.7861513777574233, 1.0764187905699136e-17)
        v = either(c_fabs(first.hi) < 0.0625, dish_slope_near_zero(first), v)
        # Far out -1 / (4 x^2), and |x| / 2^600 keeps the square within double's range.
        r = a * TWO_TO_MINUS_600
        v = either(far, either(left, -0.25 / (r * r), 1.0), v)
        return scaled_to(v, either(far & left, TWO_TO_MINUS_600, 1.0))

cdef inline T dish(T x) noexcept nogil:
    return with_sign_of(<T>dish_value(x), x)

cdef inline T dish_backward(T grad, T x) noexcept nogil:
    return <T>applied(grad, dish_slope(x))


# Logarithms of probabilities are log(1 + w) for any w >= 0. Where 1 / p is too large for a double, p 2^100.

cdef inline double log1p_wide(Pair w) noexcept nogil:
    return log1p_positive(w.hi) + w.lo / (1.0 + w.hi)

cdef inline T logit(T x) noexcept nogil:
    # log((1 - q) / q) is log(1 + (1 - 2 q) / q) for the smaller q of x and 1 - x.
    cdef double p = x, q = 1.0 - p if p > 0.5 else p, y
    cdef bint tiny = q < 1e-290
    cdef Pair top = exact_sum(1.0, -2.0 * q), w = divided_pair(top.hi, top.lo, either(tiny, 1.0, q), 0.0)
    w = chosen(tiny, pair(1.0 / (q * 1.2676506002282294e30), 0.0), w)
    y = log1p_wide(w) + either(tiny, 69.31471805599453, 0.0)
    y = INFINITY if q == 0.0 else (y if q > 0.0 else q * NAN)
    return <T>(y if p >= 0.5 else -y)

cdef inline T logit_backward(T grad, T x) noexcept nogil:
    cdef double p = x
    cdef Pair slope = product_of(exact_sum(1.0, -p), pair(p, 0.0))
    return <T>(grad / either((p >= 0.0) & (p <= 1.0), c_fabs(slope.hi + slope.lo), NAN))


cdef inline T log1mexp(T x) noexcept nogil:
    # -log(1 + w) for w = 1 / (e^x - 1): nothing cancels, neither next to 0 nor far from it.
    cdef double a = x, y
    cdef bint tiny = a < 1e-290
    cdef Power e = exp_falling(a if a > 0.0 else -a, 0.0)
    cdef Pair w = one_minus_exp(either(tiny, 1.0, a))
    w = quotient(pair(e.hi, e.lo), w)
    w = chosen(tiny, pair(1.0 / (a * 1.2676506002282294e30), 0.0), w)
    y = log1p_wide(w) + either(tiny, 69.31471805599453, 0.0)
    y = either(a > 500.0, applied(1.0, scaled_to(w.hi + w.lo, e.unit)), y)
    return <T>(-INFINITY if a == 0.0 else (-y if a > 0.0 else a * NAN))

cdef inline T log1mexp_backward(T grad, T x) noexcept nogil:
    cdef double a = x
    cdef bint tiny = a < 1e-290
    cdef Power e = exp_falling(a if a > 0.0 else -a, 0.0)
    cdef Pair w = one_minus_exp(either(tiny, 1.0, a))
    w = quotient(pair(e.hi, e.lo), w)
    cdef double y = either(tiny, grad / c_fabs(a), applied(grad, rounded(w, e.unit)))
    return <T>(y if a >= 0.0 else a * NAN)


# With v = b (x - b) for b = -alpha, the logarithm is log(1 + v) / b: (x - b) / (2 + v) times 2 atanh(s) / s for
# s = v / (2 + v), which needs neither digits of v next to 0 nor a division by b. The exponential is
# (alpha^2 - 1 + e^z) / alpha for z = alpha x, in sums of three doubles because that is 0 somewhere if alpha < 1.

cdef struct Logarithm:
    Pair near           # (x - b) / (2 + v)
    Pair s
    Pair rise           # 1 + v times 2^-up
    Pair log            # of 1 + v, where that is not next to 1
    double up
    bint close


cdef inline Logarithm logarithm_of(double x, double b) noexcept nogil:
    cdef Pair w = exact_sum(x, -b), v
    cdef bint large = b * w.hi > 1e280, tiny
    # Powers of two: products know no error next to the largest numbers.
    cdef double room = either(large, 2.409919865102884e-181, room_below(w.hi)), m
    cdef Triple t = multiple_of(three_of(scaled(w, room)), b * either(large, 3.054936363499605e-151, 1.0))
    cdef Triple u = total_of(triple(either(large, 0.0, 1.0), 0.0, 0.0), times_power(t, either(large, 1.0, 1.0 / room)))
    cdef Logarithm g
    cdef long long bits, k
    tiny = u.a < 1e-280
    g.up = either(large, 1100.0, either(tiny, -200.0, 0.0))
    g.rise = in_two(times_power(u, either(tiny, 1.6069380442589903e60, 1.0)))
    v = in_two(times_power(t, either(large, 1.0, 1.0 / room)))
    # How often to halve 1 + v to bring it between sqrt(1/2) and sqrt(2).
    bits = bits_from_double(g.rise.hi)
    k = (bits - 0x3FE6A09E667F3BCDLL) >> 52
    g.close = (k == 0) & (g.up == 0.0)
    m = double_from_bits((0x3FF - k) << 52)
    m = either(g.close, 1.0, m)
    g.near = quotient(w, sum_of(2.0, v))
    v = chosen(g.close, v, sum_of(-1.0, scaled(g.rise, m)))
    g.s = quotient(v, sum_of(2.0, v))
    v = scaled(g.s, 2.0)
    v.lo = mul_add(g.s.hi * (g.s.hi * g.s.hi), atanh_rest(g.s.hi * g.s.hi), v.lo)
    m = double_from_bits(k + 0x4338000000000000LL) - ROUNDER + g.up
    g.log = sum_of(m * 0.693147180369123816490, pair(v.hi, v.lo + m * 1.90821492927058770002e-10))
    return g


cdef inline double inverse_power(double a) noexcept nogil:
    """The power of two that brings a > 0 next to 1."""
    cdef long long bits = 0x7FE - ((bits_from_double(a) >> 52) & 0x7FF)
    return double_from_bits((bits + (bits < 1)) << 52)


cdef inline Triple stretch_of(double x, double alpha) noexcept nogil:
    """alpha x, and from 1490 on, where not even the largest gradient brings e^-|z| back, that."""
    cdef double v = alpha * x
    cdef Triple z = times_power(multiple_exactly(triple(alpha * room_below(alpha), 0.0, 0.0), x), room_above(alpha))
    return whichever(c_fabs(v) < 1490.0, z, triple(either(v == v, c_copysign(1490.0, v), v), 0.0, 0.0))


cdef inline T soft_exponential(T x, double alpha) noexcept nogil:
    cdef double wide = x, power = inverse_power(c_fabs(alpha)), a = alpha * power, falling, rising, line
    cdef Logarithm g = logarithm_of(wide, -alpha)
    cdef Triple z = stretch_of(wide, alpha), one = triple(1.0, 0.0, 0.0), flat_end
    cdef bint left = z.a < 0.0
    cdef Fall e = fall_of(times_power(z, either(left, -1.0, 1.0)))
    cdef double near = either(alpha < 2.0, alpha, 2.0)
    cdef Pair gap = in_two(mixed(one, triple(-1.0, 0.0, 0.0), e)), q, r
    # alpha^2 - 1 + e^z for z < 0; from 2 on, alpha is larger than the rest.
    flat_end = total_of(triple(-1.0, 0.0, 0.0), three_of(exact_product(near, near)))
    q = quotient(in_two(mixed(flat_end, one, e)), pair(a, 0.0))
    r = scaled(quotient(gap, pair(-a, 0.0)), power)
    falling = either(alpha < 2.0, applied(power, rounded(q, unit_of(flat_end, e))), alpha + (r.hi + r.lo))
    # (1 - e^-z) / e^-z for z > 0.
    q = quotient(quotient(gap, kept_of(e)), pair(a, 0.0))
    q = pair(q.hi * power / e.unit / e.unit, q.lo * power / e.unit / e.unit)
    r = exact_sum(alpha, q.hi)
    rising = r.hi + either(c_fabs(r.hi) < 1e290, r.lo + q.lo, 0.0)
    # Next to 0, x + alpha + x z / 2 (1 + z / 3 + z^2 / 12).
    q = product_of(pair(z.a, z.b), pair(0.5 * wide, 0.0))
    q = product_of(pair(q.hi, either(q.lo == q.lo, q.lo, 0.0)), exact_sum(1.0, z.a * (1.0 / 3.0 + z.a * (1.0 / 12.0))))
    q = added(exact_sum(wide, alpha), q)
    line = q.hi + q.lo
    rising = either(c_fabs(z.a) < 9.094947017729282e-13, line, either(left, falling, rising))
    # The logarithm.
    q = product_of(g.near, exact_sum(2.0, g.s.hi * g.s.hi * atanh_rest(g.s.hi * g.s.hi)))
    q = chosen(g.close, q, scaled(quotient(g.log, pair(-a, 0.0)), power))
    line = either(g.rise.hi > 0.0, q.hi + q.lo, either(g.rise.hi == 0.0, -INFINITY, NAN))
    line = either(wide > DBL_MAX, wide, either(wide == wide, line, wide))
    return x if alpha == 0.0 else <T>either(alpha < 0.0, line, rising)

cdef inline T soft_exponential_backward(T grad, T x, double alpha) noexcept nogil:
    cdef double wide = x, y
    cdef Logarithm g = logarithm_of(wide, -alpha)
    cdef Triple z = stretch_of(wide, alpha)
    cdef bint left = z.a < 0.0
    cdef Power e = exp_falling(c_fabs(z.a), either(left, -z.b, z.b))
    cdef double rising = applied(grad, rounded(exp_pair_of(pair(e.hi, e.lo), left), either(left, e.unit, 1.0 / e.unit)))
    cdef double unit = either(g.up > 0.0, 2.7133285516175262e-166, either(g.up < 0.0, 1.2676506002282294e30, 1.0))
    y = applied(grad, rounded(quotient(pair(1.0, 0.0), g.rise), unit))
    y = either(g.rise.hi > 0.0, y, either(g.rise.hi == 0.0, grad * INFINITY, NAN))
    y = either(wide > DBL_MAX, flat(grad, x), y)
    return identity_backward(grad, x) if alpha == 0.0 else <T>either(alpha < 0.0, y, rising)


cdef inline double grown(double grad, Pair t, Pair c, Pair rest) noexcept nogil:
    """grad (t^2 c + rest) for a rest that is nothing beside a t whose square is too large for a double."""
    cdef bint far = c_fabs(t.hi) > 1e140
    cdef Pair p = product_of(chosen(far, pair(1.0, 0.0), t), product_of(t, c))
    p = added(p, chosen(far, pair(0.0, 0.0), rest))
    return grad * either(far, t.hi, 1.0) * (p.hi + p.lo)

cdef inline double soft_exponential_backward_alpha(double grad, double x, double alpha) noexcept nogil:
    cdef double power = inverse_power(c_fabs(alpha)), a = alpha * power, unit, line, falling, b
    cdef Pair square = exact_product(a, a), q, r
    cdef Logarithm g = logarithm_of(x, -alpha)
    cdef Triple z = stretch_of(x, alpha), one = triple(1.0, 0.0, 0.0), t
    cdef bint left = z.a < 0.0
    cdef Fall e
    # 1 + (z - 1) e^z over alpha^2, and 1: for z > 0 it is e^z (e^-z - 1 + z).
    t = times_power(z, either(left, -1.0, 1.0))
    e = fall_of(t)
    q = in_two(mixed(whichever(left, one, total_of(t, triple(-1.0, 0.0, 0.0))),
                     whichever(left, total_of(times_power(t, -1.0), triple(-1.0, 0.0, 0.0)), one), e))
    q = quotient(q, chosen(left, square, product_of(kept_of(e), square)))
    unit = either(left, power, power / e.unit)
    r = sum_of(1.0, pair(q.hi * unit * unit, q.lo * unit * unit))
    falling = either(q.hi * unit * unit > 1e200, applied(grad, rounded(q, unit)), grad * (r.hi + r.lo))
    falling = either(z.a < 1490.0, falling, grad * (INFINITY * z.a))
    line = grown(grad, pair(x, 0.0), pair(0.5 + z.a * (1.0 / 3.0), 0.0), pair(1.0, 0.0))
    line = either(c_fabs(z.a) < 9.094947017729282e-13, line, falling)
    # log(1 + v) - v / (1 + v) over alpha^2, and 1 / (1 + v): all of it positive.
    q = sum_of(g.s.hi * atanh_rest(g.s.hi * g.s.hi), quotient(pair(2.0, 0.0), sum_of(1.0, g.s)))
    falling = grown(grad, g.near, q, quotient(pair(1.0, 0.0), g.rise))
    b = alpha * either(g.up > 0.0, 2.7133285516175262e-166, 1.0)
    unit = either(g.up < 0.0, 1.6069380442589903e60, 1.0)
    q = scaled(quotient(pair(1.0, 0.0), g.rise), either(g.up > 0.0, 0.0, unit))
    q = added(q, scaled(quotient(exact_product(b, b), g.rise), unit))
    q = quotient(added(sum_of(-1.0, g.log), q), square)
    falling = either(g.close, falling, applied(grad, rounded(q, power)))
    falling = either(g.rise.hi > 0.0, falling, either(g.rise.hi == 0.0, grad * INFINITY, NAN))
    falling = either(x > DBL_MAX, grad * x, either(x == x, falling, x))
    return either(alpha < 0.0, falling, line)


# ---- Gated by a sigmoid of themselves -------------------------------------------------------------------------

cdef inline double gate(T like, double x, double z, double z_low) noexcept nogil:
    """x sigmoid(z + z_low), where z goes to -infinity faster than x grows: never inf * 0."""
    cdef double d, y
    cdef Power e
    cdef Pair g
    cdef bint left = z < 0
    if T is float:
        d = exp_short(-magnitude(z))
        y = finite(like) if z < 0 else x
        return (y * d if z < 0 else x) / (1.0 + d)
    else:
        e = falling(z, z_low)
        d = 1.0 + e.hi
        g = divided_pair(either(left, e.hi, 1.0), -0.0, d, e.hi - (d - 1.0))
        y = either(left, finite(x), x)
        y = either(g.hi == 1.0, y, mul_add(y, g.hi, y * g.lo))
        return applied(1.0, scaled_to(y, either(left, e.unit, 1.0)))

cdef inline Scaled gate_slope(T like, Pair z, Pair w) noexcept nogil:
    """sigmoid(z) (1 + w sigmoid(-z)), the derivative of x sigmoid(z) for w = x dz/dx; no 1 - sigmoid anywhere.

    Next to its zero the caller must take another road: there the sum cancels.
    """
    cdef double d, v, square
    cdef Pair one, top, one_more
    cdef Power e
    cdef bint left = z.hi < 0
    if T is float:
        d = exp_narrow(-magnitude(z.hi))
        v = -FLT_MAX if w.hi < -FLT_MAX else (FLT_MAX if w.hi > FLT_MAX else w.hi)
        d = (d * (1.0 + d + v) if z.hi < 0 else 1.0 + d * (1.0 + v)) / ((1.0 + d) * (1.0 + d))
        return scaled_by(d, False)
    else:
        # On the left e (1 + v + e) / (1 + e)^2, and on the right (1 + e (1 + v)) / (1 + e)^2.
        e = falling(z.hi, z.lo)
        one = quick_sum(1.0, e.hi)
        one.lo = one.lo + e.lo
        v = 1e9 if w.hi > 1e9 else (-1e9 if w.hi < -1e9 else w.hi)
        top = exact_sum(either(left, one.hi, 1.0), v)
        top.lo = top.lo + (either(left, one.lo, 0.0) + w.lo)
        d = e.hi * top.hi
        top = pair(d, product_error(e.hi, top.hi, d) + mul_add(e.hi, top.lo, e.lo * top.hi))
        one_more = exact_sum(either(left, 0.0, 1.0), top.hi)
        square = one.hi * one.hi
        top = divided_pair(one_more.hi, one_more.lo + top.lo, square,
                           mul_add(2.0 * one.hi, one.lo, product_error(one.hi, one.hi, square)))
        return scaled_to(top.hi + top.lo, either(left, e.unit, 1.0))

cdef inline Pair beyond_swish_minimum(double z, double z_low) noexcept nogil:
    """z - z0, for the zero z0 of swish_slope: next to it an exact subtraction."""
    return pair(z + 1.2784645427610737, 1.0946994183093437e-16 + z_low)

cdef inline Scaled swish_slope(T like, double z, double z_low) noexcept nogil:
    """sigmoid(z) (1 + z sigmoid(-z)). Around its zero z0 it is (z - z0) times a polynomial."""
    cdef Scaled far = gate_slope(like, pair(z, z_low), pair(z, z_low))
    cdef Pair d
    if T is float:
        return far
    else:
        d = beyond_swish_minimum(z, z_low)
        far.value = either(c_fabs(d.hi) < 0.0625, swish_slope_near_zero(d, d), far.value)
        return far


cdef inline double silu_value(T x) noexcept nogil:
    return gate(x, x, x, 0.0)

cdef inline T silu(T x) noexcept nogil:
    return <T>silu_value(x)

cdef inline T silu_backward(T grad, T x) noexcept nogil:
    return <T>applied(grad, swish_slope(x, x, 0.0))


cdef inline T swish(T x, double beta) noexcept nogil:
    cdef Pair z = product(pair(beta, 0.0), finite(x))
    return <T>gate(x, x, z.hi, z.lo)

cdef inline T swish_backward(T grad, T x, double beta) noexcept nogil:
    cdef Pair z = product(pair(beta, 0.0), finite(x))
    return <T>applied(grad, swish_slope(x, z.hi, z.lo))

cdef inline double swish_backward_beta(double grad, double x, double beta) noexcept nogil:
    # x^2 sigmoid'(beta x): from |z| = 1490 on exp(-|z|) wins over any finite x^2.
    cdef double y = finite(x)
    cdef Pair z = product(pair(beta, 0.0), y)
    cdef Scaled slope = bell(x, z.hi, z.lo)
    return applied(grad * y, scaled_to(slope.value * y, either(c_fabs(z.hi) > 1490.0, 0.0, slope.unit)))


# With e = exp(-|z|) for z = beta (p1 - p2) x, acon_c is x (a + b e) / (1 + e), a the p of the side where x is and b the
# other one.

cdef inline Triple acon_angle(double x, double p1, double p2, double beta) noexcept nogil:
    """z, and from 1490 on, where not even the largest gradient brings the exponential back, that."""
    cdef Triple z = multiple_exactly(multiple_of(three_of(exact_sum(p1, -p2)), beta), x)
    cdef double v = (p1 - p2) * beta * x
    return whichever(c_fabs(v) < 1490.0, z, triple(either(v == v, c_copysign(1490.0, v), v), 0.0, 0.0))

cdef inline T acon_c(T x, double p1, double p2, double beta) noexcept nogil:
    cdef double y = finite(x)
    cdef Triple z = acon_angle(y, p1, p2, beta), top
    cdef bint left = z.a < 0.0
    cdef Fall e = fall_of(times_power(z, either(left, -1.0, 1.0)))
    cdef Triple a = triple(either(left, p2, p1), 0.0, 0.0), b = triple(either(left, p1, p2), 0.0, 0.0)
    cdef Pair q = quotient(in_two(mixed(a, b, e)), one_and(e))
    q = times_number(q, y * room_below(y))
    y = applied(room_above(y), scaled_to(q.hi + q.lo, unit_of(a, e)))
    y = y * INFINITY if (magnitude(x) > at_most(x, DBL_MAX)) & (y != 0.0) else y
    # The pair has lost the sign of a zero.
    return <T>(x * (p1 + p2) if x == <T>0 else y)


cdef inline Scaled acon_slope(Triple a, Triple b, Triple c, Fall e) noexcept nogil:
    """(a (1 + e) + (b (1 + e) + c) e) / (1 + e)^2."""
    cdef double small = either(e.unit < 1.0, 0.0, e.scale)
    cdef Triple one = total_of(triple(1.0, small, 0.0), times_power(total_of(e.rest, e.bend), small))
    cdef Triple top = mixed(product_in_full(a, one), total_of(product_in_full(b, one), c), e)
    cdef Pair bottom = in_two(one)
    return rounded(quotient(in_two(top), product_of(bottom, bottom)), unit_of(a, e))

cdef inline Scaled times_finite(Scaled slope, double x) noexcept nogil:
    return scaled_to(slope.value * either(slope.unit < 1.0, finite(x), x), slope.unit)

cdef inline T acon_c_backward(T grad, T x, double p1, double p2, double beta) noexcept nogil:
    cdef Triple z = acon_angle(finite(x), p1, p2, beta)
    cdef bint left = z.a < 0.0
    cdef Fall e = fall_of(times_power(z, either(left, -1.0, 1.0)))
    cdef Triple a = triple(either(left, p2, p1), 0.0, 0.0), b = triple(either(left, p1, p2), 0.0, 0.0)
    z = product_in_full(z, three_of(exact_sum(p1, -p2)))
    return <T>applied(grad, acon_slope(a, b, z, e)) if x == x else x

cdef inline double acon_c_backward_p1(double grad, double x, double p1, double p2, double beta) noexcept nogil:
    cdef Triple z = acon_angle(finite(x), p1, p2, beta), zero = triple(0.0, 0.0, 0.0), one = triple(1.0, 0.0, 0.0)
    cdef bint left = z.a < 0.0
    cdef Fall e = fall_of(times_power(z, either(left, -1.0, 1.0)))
    return applied(grad, times_finite(acon_slope(whichever(left, zero, one), whichever(left, one, zero), z, e), x))

cdef inline double acon_c_backward_p2(double grad, double x, double p1, double p2, double beta) noexcept nogil:
    cdef Triple z = acon_angle(finite(x), p1, p2, beta), zero = triple(0.0, 0.0, 0.0), one = triple(1.0, 0.0, 0.0)
    cdef bint left = z.a < 0.0
    cdef Fall e = fall_of(times_power(z, either(left, -1.0, 1.0)))
    z = times_power(z, -1.0)
    return applied(grad, times_finite(acon_slope(whichever(left, one, zero), whichever(left, zero, one), z, e), x))

cdef inline double acon_c_backward_beta(double grad, double x, double p1, double p2, double beta) noexcept nogil:
    # w^2 e / (1 + e)^2 for w = (p1 - p2) x, whose square may be too large or too small for a double.
    cdef Triple z = acon_angle(finite(x), p1, p2, beta), zero = triple(0.0, 0.0, 0.0), one = triple(1.0, 0.0, 0.0)
    cdef Triple w = multiple_exactly(three_of(exact_sum(p1, -p2)), either(c_fabs(z.a) >= 1490.0, 0.0, x))
    cdef bint odd = (c_fabs(w.a) > 1e140) | (c_fabs(w.a) < 1e-140)
    cdef Fall e = fall_of(times_power(z, either(z.a < 0.0, -1.0, 1.0)))
    return applied(grad * either(odd, w.a, 1.0), acon_slope(zero, zero, product_in_full(w, whichever(odd, one, w)), e))


cdef inline T quick_gelu(T x) noexcept nogil:
    cdef Pair z = product(pair(1.702, 4.263256414560601e-17), x)
    return <T>gate(x, x, z.hi, z.lo)

cdef inline T quick_gelu_backward(T grad, T x) noexcept nogil:
    cdef Pair z = product(pair(1.702, 4.263256414560601e-17), x)
    return <T>applied(grad, swish_slope(x, z.hi, z.lo))


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

cdef inline Scaled gelu_tanh_slope(T x) noexcept nogil:
    cdef double y = -30.0 if x < -30.0 else (1e3 if x > 1e3 else x), z, w
    cdef Pair d, square, linear, far_z, far_w
    cdef Scaled far
    if T is float:
        z = 1.5957691216057308 * mul_add(0.044715 * y * y, y, y)
        w = 1.5957691216057308 * y * mul_add(0.134145 * y, y, 1.0)
        return gate_slope(x, pair(z, 0.0), pair(w, 0.0))
    else:
        square = exact_product(y, y)
        linear = times(pair(1.5957691216057308, -9.96930880911092e-17), pair(y, 0.0))
        far_z = times(plus(pair(1.0, 0.0), times(pair(0.044715, 2.1960211427085595e-18), square)), linear)
        far_w = times(plus(pair(1.0, 0.0), times(pair(0.134145, 1.3526957332032908e-17), square)), linear)
        d = pair(y + 0.7524614220710163, -3.635560509207687e-17)
        far = gate_slope(x, far_z, far_w)
        far.value = either(c_fabs(d.hi) < 0.0625, gelu_tanh_slope_near_zero(d), far.value)
        return far

cdef inline T gelu_tanh(T x) noexcept nogil:
    return <T>gelu_tanh_gate(x)

cdef inline T gelu_tanh_backward(T grad, T x) noexcept nogil:
    return <T>applied(grad, gelu_tanh_slope(x))


cdef inline Pair normal_tail(double a) noexcept nogil:
    """Phi(-a) / exp(-a^2 / 2) for 0 <= a <= 55, where Phi is the normal distribution function."""
    cdef double t = (a - 4.0) / (a + 4.0)
    cdef Pair p = quick_sum(0.47205320650984467, t * normal_tail_rest(t)), below = exact_sum(1.0, a)
    return divided_pair(p.hi, p.lo + 1.1403514440143861e-17, below.hi, below.lo)

cdef inline double gelu_value(T x) noexcept nogil:
    """x Phi(x), Phi from its smaller tail: 0.5 (1 + erf) has no digit left below -5."""
    cdef double a = magnitude(x), t, tail
    cdef Pair square, g, rest
    cdef Power e
    a = 39.0 if a > 39.0 else a
    if T is float:
        t = (a - 4.0) / (a + 4.0)
        tail = normal_tail_short(t) / (1.0 + a) * exp_short(-0.5 * a * a)
        return -a * tail if x < 0 else x * (1.0 - tail)
    else:
        square = exact_product(a, a)
        e = exp_falling(0.5 * square.hi, 0.5 * square.lo)
        g = product_of(normal_tail(a), pair(e.hi, e.lo))
        rest = sum_of(1.0, pair(-g.hi, -g.lo))
        tail = applied(-1.0, scaled_to(times_sum(a, g.hi, g.lo), e.unit))
        t = either(a > 34.0, x, mul_add(x, rest.hi, x * rest.lo))
        return either(x < 0, tail, t)

cdef inline Scaled gelu_slope(T x) noexcept nogil:
    """Phi + x phi, with the density taken out: for x < 0 both summands share it."""
    cdef double a = magnitude(x), t, slope
    cdef Pair d, square, g, rest
    cdef Power e
    cdef bint left = x < 0
    a = 55.0 if a > 55.0 else a
    if T is float:
        a = 39.0 if a > 39.0 else a
        t = (a - 4.0) / (a + 4.0)
        slope = mul_add(t, normal_tail_rest(t), 0.47205320650984467) / (1.0 + a) - 0.3989422804014327 * a
        slope = exp_narrow(-0.5 * a * a) * slope
        return scaled_by(slope if x < 0 else 1.0 - slope, False)
    else:
        square = exact_product(a, a)
        e = exp_falling(0.5 * square.hi, 0.5 * square.lo)
        g = normal_tail(a)
        d = product_of(pair(-0.3989422804014327, 2.49232720227773e-17), pair(a, 0.0))
        rest = sum_of(g.hi, d)
        g = product_of(pair(rest.hi, rest.lo + g.lo), pair(e.hi, e.lo))
        rest = sum_of(1.0, pair(-g.hi, -g.lo))
        slope = either(left, g.hi + g.lo, either(a > 34.0, 1.0, rest.hi + rest.lo))
        d = pair(x + 0.7517915246935645, -1.4956759177009883e-17)
        slope = either(c_fabs(d.hi) < 0.25, gelu_slope_near_zero(d), slope)
        return scaled_to(slope, either(left, e.unit, 1.0))

cdef inline T gelu(T x) noexcept nogil:
    return <T>gelu_value(x)

cdef inline T gelu_backward(T grad, T x) noexcept nogil:
    return <T>applied(grad, gelu_slope(x))


cdef inline T gelu_10(T x) noexcept nogil:
    # The GELU of 10 is 10 less 8e-23.
    return <T>10 if x > <T>10 else gelu(x)

cdef inline T gelu_10_backward(T grad, T x) noexcept nogil:
    return flat(grad, x) if x > <T>10 else gelu_backward(grad, x)


cdef inline T e_swish(T x, double beta) noexcept nogil:
    cdef Power e
    cdef Pair s
    cdef bint left = x < 0
    if T is float:
        return <T>(beta * silu_value(x))
    else:
        e = exp_falling(c_fabs(x), 0.0)
        s = times_number(sigmoid_pair(pair(e.hi, e.lo), left), beta)
        return applied(either(left, finite(x), x), rounded(s, either(left, e.unit, 1.0)))

cdef inline T e_swish_backward(T grad, T x, double beta) noexcept nogil:
    cdef Scaled slope = swish_slope(x, x, 0.0)
    cdef Pair d
    slope.value = beta * slope.value
    if T is double:
        # Of the roundings next to the zero none is for beta, unless beta is too large for exact products.
        d = beyond_swish_minimum(x, 0.0)
        slope.value = either((c_fabs(d.hi) < 0.0625) & (c_fabs(beta) < 1e290),
                             swish_slope_near_zero(d, times_number(d, beta)), slope.value)
    return <T>applied(grad, slope)


# For x >= 0 the SiLU, for x < 0 (e^x - 1) sigmoid(x).

cdef inline T elish(T x) noexcept nogil:
    cdef double e
    cdef Power power_of_e
    cdef Pair m, left
    cdef bint negative = x < 0
    if T is float:
        e = exp_short(-magnitude(x))
        return <T>(expm1(-magnitude(x)) * e / (1.0 + e) if x < 0 else x / (1.0 + e))
    else:
        power_of_e = exp_falling(c_fabs(x), 0.0)
        left = sigmoid_pair(pair(power_of_e.hi, power_of_e.lo), negative)
        m = one_minus_exp(c_fabs(x))
        m = product_of(left, chosen(negative, pair(-m.hi, -m.lo), pair(1.0, 0.0)))
        return applied(either(negative, 1.0, x), rounded(m, either(negative, power_of_e.unit, 1.0)))

cdef inline T elish_backward(T grad, T x) noexcept nogil:
    # e (e^2 + 2 e - 1) / (1 + e)^2 on the left, (1 + e (1 + x)) / (1 + e)^2 on the right.
    cdef double e, v, y = 2000.0 if x > 2000.0 else x
    cdef Power falls
    cdef Pair w, one, top, d = pair(x + 0.881373587019543, -2.250545892825866e-17)
    cdef bint negative = x < 0
    if T is float:
        e = exp_narrow(-magnitude(x))
        v = e * (e * e + 2.0 * e - 1.0) if x < 0 else 1.0 + e * (1.0 + y)
        v = v / ((1.0 + e) * (1.0 + e))
        return <T>(grad * (elish_slope_near_zero(d) if c_fabs(d.hi) < 0.0625 else v))
    else:
        falls = exp_falling(c_fabs(x), 0.0)
        w = pair(falls.hi, falls.lo)
        one = sum_of(1.0, w)
        top = chosen(negative, sum_of(-1.0, product_of(w, sum_of(2.0, w))), exact_sum(1.0, y))
        top = product_of(w, top)
        top = chosen(negative, top, sum_of(1.0, scaled(top, either(x > 700.0, 0.0, 1.0))))
        top = quotient(top, product_of(one, one))
        v = either(c_fabs(d.hi) < 0.0625, elish_slope_near_zero(d), top.hi + top.lo)
        return applied(grad, scaled_to(v, either(negative, falls.unit, 1.0)))


cdef inline T telu(T x) noexcept nogil:
    # From 4 on tanh(e^x) is 1.
    cdef double y = 4.0 if x > 4.0 else x, e
    cdef Power falls
    cdef Pair t
    cdef bint left = x < 0
    if T is float:
        e = expm1(-2.0 * exp_narrow(y))
        return <T>(finite(x) * (-e / (2.0 + e)) if x < 0 else x * (-e / (2.0 + e)))
    else:
        falls = exp_falling(c_fabs(y), 0.0)
        t = tanh_of(exp_pair_of(pair(falls.hi, falls.lo), left))
        return applied(either(left, finite(x), x), rounded(t, either(left, falls.unit, 1.0)))

cdef inline T telu_backward(T grad, T x) noexcept nogil:
    # tanh(t) + x t (1 - tanh(t)^2) for t = e^x.
    cdef double y = 4.0 if x > 4.0 else (-2000.0 if x < -2000.0 else x), t, e, m, v
    cdef Power falls, slope
    cdef Pair w, total, d
    cdef bint left = x < 0
    if T is float:
        t = exp_narrow(y)
        m = expm1(-2.0 * t)
        e = 1.0 + m
        return <T>(grad * (-m / (2.0 + m) + 4.0 * y * t * e / ((1.0 + e) * (1.0 + e))))
    else:
        falls = exp_falling(c_fabs(y), 0.0)
        w = exp_pair_of(pair(falls.hi, falls.lo), left)
        slope = tanh_slope_of(w)
        total = product_of(times_number(w, y), pair(slope.hi, slope.lo))
        total = added(tanh_of(w), total)
        d = pair(x + 1.078860058464624, 9.55786742622646e-17)
        v = either(c_fabs(d.hi) < 0.0625, telu_slope_near_zero(d), total.hi + total.lo)
        return applied(grad, scaled_to(v, either(left, falls.unit, 1.0)))


# With w = e^-|x| and sigmoid(x) = n / d: n = w on the left and 1 on the right, d = 1 + w.
# tanh(log(1 + n / d)) is n (2 d + n) / (n (2 d + n) + 2 d^2): all terms positive.

cdef inline T smish(T x) noexcept nogil:
    cdef double e, n, d, y
    cdef Power falls
    cdef Pair w, one, top
    cdef bint left = x < 0
    if T is float:
        e = exp_short(-magnitude(x))
        n = (2.0 + 3.0 * e if x < 0 else 3.0 + 2.0 * e)
        d = e * n + 2.0 * (1.0 + e) * (1.0 + e) if x < 0 else n + 2.0 * (1.0 + e) * (1.0 + e)
        return <T>(finite(x) * (e * n / d) if x < 0 else x * (n / d))
    else:
        falls = exp_falling(c_fabs(x), 0.0)
        w = pair(falls.hi, falls.lo)
        one = sum_of(1.0, w)
        top = sum_of(either(left, 2.0, 3.0), times_number(w, either(left, 3.0, 2.0)))
        top = chosen(left, product_of(w, top), top)
        top = quotient(top, added(scaled(product_of(one, one), 2.0), top))
        return applied(either(left, finite(x), x), rounded(top, either(left, falls.unit, 1.0)))

cdef inline T smish_backward(T grad, T x) noexcept nogil:
    # (N D + 4 x w d (n + d)) / D^2 for N = n (2 d + n) and D = N + 2 d^2.
    cdef double e, n, d, v, y = 2000.0 if x > 2000.0 else (-2000.0 if x < -2000.0 else x)
    cdef Power falls
    cdef Pair w, one, top, bottom, tail, near
    cdef bint left = x < 0
    if T is float:
        e = exp_narrow(-magnitude(x))
        n = 2.0 + 3.0 * e if x < 0 else 3.0 + 2.0 * e
        d = (e * n if x < 0 else n) + 2.0 * (1.0 + e) * (1.0 + e)
        v = 4.0 * y * (1.0 + e) * (1.0 + 2.0 * e if x < 0 else 2.0 + e)
        return <T>(grad * ((e * (n * d + v) if x < 0 else n * d + e * v) / (d * d)))
    else:
        falls = exp_falling(c_fabs(x), 0.0)
        w = pair(falls.hi, falls.lo)
        one = sum_of(1.0, w)
        top = sum_of(either(left, 2.0, 3.0), times_number(w, either(left, 3.0, 2.0)))
        bottom = added(scaled(product_of(one, one), 2.0), chosen(left, product_of(w, top), top))
        tail = sum_of(either(left, 1.0, 2.0), scaled(w, either(left, 2.0, 1.0)))
        tail = times_number(product_of(one, tail), 4.0 * y)
        tail = chosen(left, tail, product_of(tail, scaled(w, either(x > 700.0, 0.0, 1.0))))
        top = added(product_of(top, bottom), tail)
        top = quotient(chosen(left, product_of(top, w), top), product_of(bottom, bottom))
        near = pair(x + 1.3945193019245041, -4.458392154467205e-17)
        v = either(c_fabs(near.hi) < 0.0625, smish_slope_near_zero(near), top.hi + top.lo)
        return applied(grad, scaled_to(v, either(left, falls.unit, 1.0)))


cdef inline T logish(T x) noexcept nogil:
    cdef double e
    cdef Power falls
    cdef Pair s
    cdef bint left = x < 0
    if T is float:
        e = exp_short(-magnitude(x))
        return <T>(finite(x) * log1p_unit(e / (1.0 + e)) if x < 0 else x * log1p_unit(1.0 / (1.0 + e)))
    else:
        falls = exp_falling(c_fabs(x), 0.0)
        s = log1p_of(sigmoid_pair(pair(falls.hi, falls.lo), left))
        return applied(either(left, finite(x), x), rounded(s, either(left, falls.unit, 1.0)))

cdef inline T logish_backward(T grad, T x) noexcept nogil:
    # log(1 + n / d) + x w / (d (n + d)).
    cdef double e, v, y = 2000.0 if x > 2000.0 else (-2000.0 if x < -2000.0 else x)
    cdef Power falls
    cdef Pair w, one, both, total
    cdef bint left = x < 0
    if T is float:
        e = exp_narrow(-magnitude(x))
        v = y * e / ((1.0 + e) * (1.0 + 2.0 * e if x < 0 else 2.0 + e))
        return <T>(grad * (log1p_unit((e if x < 0 else 1.0) / (1.0 + e)) + v))
    else:
        falls = exp_falling(c_fabs(x), 0.0)
        w = pair(falls.hi, falls.lo)
        one = sum_of(1.0, w)
        both = product_of(one, sum_of(either(left, 1.0, 2.0), scaled(w, either(left, 2.0, 1.0))))
        total = quotient(times_number(scaled(w, either(x > 700.0, 0.0, 1.0)), y), both)
        total = added(log1p_of(sigmoid_pair(w, left)), total)
        both = pair(x + 1.3724541370256922, -7.791774027651745e-17)
        v = either(c_fabs(both.hi) < 0.0625, logish_slope_near_zero(both), total.hi + total.lo)
        return applied(grad, scaled_to(v, either(left, falls.unit, 1.0)))


cdef inline Pair erf_of(Pair p) noexcept nogil:
    """erf(p) for 0 <= p <= 9: a series below 0.6, where 1 - erfc cancels."""
    cdef double z = p.hi * p.hi, near = either(p.hi > 0.6, 0.36, z)
    cdef Pair square = exact_product(p.hi, p.hi), a = product_of(p, pair(1.4142135623730951, -9.667293313452913e-17))
    cdef Pair small = quick_sum(1.1283791670955126, near * erf_rest(near))
    cdef Power e = exp_falling(square.hi, mul_add(2.0 * p.hi, p.lo, square.lo))
    small = product_of(p, pair(small.hi, small.lo + 1.5335459611419873e-17))
    a = product_of(normal_tail(a.hi), pair(2.0 * e.hi, 2.0 * e.lo))
    return chosen(p.hi > 0.6, sum_of(1.0, pair(-a.hi, -a.lo)), small)

cdef inline Pair softplus_pair(Pair e, double x) noexcept nogil:
    """log(1 + e^x) for x <= 9 from e = exp(-|x|)."""
    return added(pair(either(x > 0, x, 0.0), 0.0), log1p_of(e))

cdef inline T serf(T x) noexcept nogil:
    # From 9 on erf(softplus(x)) is 1.
    cdef double y = 9.0 if x > 9.0 else x
    cdef Power falls = exp_falling(c_fabs(y), 0.0)
    cdef bint left = x < 0
    cdef Pair t = erf_of(softplus_pair(pair(falls.hi, falls.lo), y))
    return <T>applied(either(left, finite(x), x), rounded(t, either(left, falls.unit, 1.0))) if x == x else x

cdef inline T serf_backward(T grad, T x) noexcept nogil:
    # erf(p) + x 2 / sqrt(pi) e^(-p^2) sigmoid(x) for p = softplus(x).
    cdef double y = 9.0 if x > 9.0 else (-2000.0 if x < -2000.0 else x), v
    cdef Power falls = exp_falling(c_fabs(y), 0.0), bell_of_p
    cdef bint left = x < 0
    cdef Pair w = pair(falls.hi, falls.lo), p = softplus_pair(w, y), total = exact_product(p.hi, p.hi), d
    bell_of_p = exp_falling(total.hi, mul_add(2.0 * p.hi, p.lo, total.lo))
    total = product_of(sigmoid_pair(w, left), pair(bell_of_p.hi, bell_of_p.lo))
    total = product_of(total, times_number(pair(1.1283791670955126, 1.533545961316588e-17), y))
    total = added(erf_of(p), total)
    d = pair(x + 1.193059968928188, -3.096701676302884e-17)
    v = either(c_fabs(d.hi) < 0.0625, serf_slope_near_zero(d), total.hi + total.lo)
    return <T>applied(grad, scaled_to(v, either(left, falls.unit, 1.0))) if x == x else x


cdef inline T phish(T x) noexcept nogil:
    # x tanh(x Phi(x)); from 20 on the tanh is 1.
    cdef double y = 55.0 if x > 55.0 else (-55.0 if x < -55.0 else x)
    cdef Power tail = normal_of(c_fabs(y), 0.0)
    cdef bint left = x < 0
    cdef Pair g = chosen(left, pair(tail.hi, tail.lo), sum_of(1.0, pair(-tail.hi, -tail.lo)))
    g = tanh_of(times_number(g, y))
    return <T>c_fabs(applied(either(left, finite(x), x), rounded(g, either(left, tail.unit, 1.0)))) if x == x else x

cdef inline T phish_backward(T grad, T x) noexcept nogil:
    # tanh(g) + x (1 - tanh(g)^2) g' for g = x Phi(x).
    cdef double y = 55.0 if x > 55.0 else (-55.0 if x < -55.0 else x), a = c_fabs(y), v
    cdef bint left = x < 0
    cdef Pair square = exact_product(a, a), density = pair(0.3989422804014327, -2.49232720227773e-17), tail, g, slope
    cdef Power e = exp_falling(0.5 * square.hi, 0.5 * square.lo), bell_of_g
    # Phi and x phi, of both the exponential's unit on the left.
    e = power(either(x > 30.0, 0.0, e.hi), either(x > 30.0, 0.0, e.lo), e.unit)
    density = product_of(times_number(density, y), pair(e.hi, e.lo))
    tail = product_of(normal_tail(a), pair(e.hi, e.lo))
    tail = chosen(left, tail, sum_of(1.0, pair(-tail.hi, -tail.lo)))
    g = times_number(tail, y)
    slope = times_number(added(tail, density), y)
    # Beyond 20, where the slope of tanh may have a unit of its own, it does not count.
    bell_of_g = tanh_slope_of(chosen(x > 20.0, pair(20.0, 0.0), g))
    slope = added(tanh_of(g), product_of(slope, pair(bell_of_g.hi, bell_of_g.lo)))
    slope = chosen(x > 20.0, pair(1.0, 0.0), slope)
    square = pair(x + 1.1954312013879125, -2.1854420556614362e-17)
    v = either(c_fabs(square.hi) < 0.25, phish_slope_near_zero(square), slope.hi + slope.lo)
    # Next to 0 the slope is x; its half, g, may be too small for a double.
    v = either(a < 1e-18, x, v)
    return <T>applied(grad, scaled_to(v, either(left, e.unit, 1.0))) if x == x else x


# tanh(log(1 + e^x)) is n / d with, for w = e^-|x|, n = w (2 + w), d = n + 2 on the left and n = 1 + 2 w,
# d = n + 2 w^2 on the right: all terms positive, so nothing cancels.

cdef inline double mish_value(T x) noexcept nogil:
    cdef double w, y = -2000.0 if x < -2000.0 else x
    cdef Pair s, n, d, g
    cdef Power e
    cdef bint left = x < 0
    if T is float:
        y = -1000.0 if x < -1000.0 else x
        w = exp_short(-magnitude(x))
        return (y * w * (2.0 + w) / (2.0 + w * (2.0 + w)) if x < 0
                else x * (1.0 + 2.0 * w) / (1.0 + 2.0 * w * (1.0 + w)))
    else:
        e = falling(y, 0.0)
        w = e.hi
        s = exact_sum(either(left, 2.0, 1.0), either(left, w, 2.0 * w))
        n = product_of(pair(either(left, w, 1.0), 0.0), s)
        d = exact_sum(either(left, 2.0, n.hi), either(left, n.hi, 2.0 * w * w))
        g = divided_pair(n.hi, n.lo, d.hi, d.lo + n.lo)
        y = either(g.hi == 1.0, x, mul_add(y, g.hi, y * g.lo))
        return c_copysign(applied(1.0, scaled_to(y, either(left, e.unit, 1.0))), x)

cdef inline Scaled mish_slope(T x) noexcept nogil:
    """n / d + x times the slope of n / d: (w ((2 + w) d + 4 x (1 + w))) / d^2 on the left, and its like."""
    cdef double w, n, t, y = -2000.0 if x < -2000.0 else (2000.0 if x > 2000.0 else x)
    cdef Pair d, small, first, bottom, tail, top, square
    cdef Power e
    cdef bint left = x < 0
    if T is float:
        w = exp_narrow(-magnitude(x))
        n = 2.0 + w * (2.0 + w) if x < 0 else 1.0 + 2.0 * w * (1.0 + w)
        w = (w * ((2.0 + w) * n + 4.0 * y * (1.0 + w)) if x < 0
             else (1.0 + 2.0 * w) * n + 4.0 * y * w * w * (1.0 + w)) / (n * n)
        # Next to its zero even double cancels too much; t^4 no longer counts there.
        t = (x + 1.1924312145154952) + 4.8484829848031044e-17
        n = t * mul_add(mul_add(0.04190782104361114, t, 0.20473126408010586), t, 0.2669479140495345)
        return scaled_by(n if magnitude(t) < 0.0009765625 else w, False)
    else:
        # With f = 2 + w on the left and 1 + 2 w on the right: d = 2 + w f, or f + 2 w^2; (w (f d + t)) / d^2, or
        # (f d + w^2 t) / d^2; t = 4 x (1 + w).
        e = falling(y, 0.0)
        small = pair(e.hi, e.lo)
        first = sum_of(either(left, 2.0, 1.0), scaled(small, either(left, 1.0, 2.0)))
        square = product_of(small, small)
        bottom = chosen(x < 0, product_of(small, first), scaled(square, 2.0))
        bottom = plus(chosen(x < 0, pair(2.0, 0.0), first), bottom)
        tail = product_of(pair(4.0 * y, 0.0), sum_of(1.0, small))
        tail = chosen(x < 0, tail, product_of(tail, square))
        top = plus(product_of(first, bottom), tail)
        top = chosen(x < 0, product_of(top, small), top)
        square = product_of(bottom, bottom)
        top = divided_pair(top.hi, top.lo, square.hi, square.lo)
        d = pair(x + 1.1924312145154952, 4.8484829848031044e-17)
        w = either(c_fabs(d.hi) < 0.0625, mish_slope_near_zero(d), top.hi + top.lo)
        return scaled_to(w, either(left, e.unit, 1.0))

cdef inline T mish(T x) noexcept nogil:
    return <T>mish_value(x)

cdef inline T mish_backward(T grad, T x) noexcept nogil:
    return <T>applied(grad, mish_slope(x))


# ---- Gated by another input -----------------------------------------------------------------------------------
# The gate comes first. Each has two gradients, one for either input.

cdef inline T bilinear(T gate, T value) noexcept nogil:
    return gate * value

cdef inline T bilinear_backward_gate(T grad, T gate, T value) noexcept nogil:
    return <T>(<double>grad * value)

cdef inline T bilinear_backward_value(T grad, T gate, T value) noexcept nogil:
    return <T>(<double>grad * gate)


cdef inline T glu(T gate, T value) noexcept nogil:
    return <T>(value * sigmoid_value(gate))

cdef inline T glu_backward_gate(T grad, T gate, T value) noexcept nogil:
    return <T>applied(<double>grad * value, bell(gate, gate, 0.0))

cdef inline T glu_backward_value(T grad, T gate, T value) noexcept nogil:
    return <T>(grad * sigmoid_value(gate))


cdef inline T reglu(T gate, T value) noexcept nogil:
    return relu(gate) * value

cdef inline T reglu_backward_gate(T grad, T gate, T value) noexcept nogil:
    return <T>(<double>relu_backward(grad, gate) * value)

cdef inline T reglu_backward_value(T grad, T gate, T value) noexcept nogil:
    return <T>(<double>grad * relu(gate))


cdef inline T geglu(T gate, T value) noexcept nogil:
    return <T>(value * gelu_value(gate))

cdef inline T geglu_backward_gate(T grad, T gate, T value) noexcept nogil:
    return <T>applied(<double>grad * value, gelu_slope(gate))

cdef inline T geglu_backward_value(T grad, T gate, T value) noexcept nogil:
    return <T>(grad * gelu_value(gate))


cdef inline T swiglu(T gate, T value) noexcept nogil:
    return <T>(value * silu_value(gate))

cdef inline T swiglu_backward_gate(T grad, T gate, T value) noexcept nogil:
    return <T>applied(<double>grad * value, swish_slope(gate, gate, 0.0))

cdef inline T swiglu_backward_value(T grad, T gate, T value) noexcept nogil:
    return <T>(grad * silu_value(gate))


# ---- Periodic -------------------------------------------------------------------------------------------------
# Both types compute in pairs: the zeros are anywhere, and next to each the angle has to be known to its last digit.

cdef inline T sin(T x, double omega) noexcept nogil:
    cdef double v = omega * x
    cdef Pair s = sine_of(turn_of_product(omega, x))
    return <T>either(c_fabs(v) < 1e-9, v, s.hi + s.lo)

cdef inline T sin_backward(T grad, T x, double omega) noexcept nogil:
    cdef Pair c = times_number(sine_of(advanced(turn_of_product(omega, x), 1.0)), omega)
    return <T>(grad * (c.hi + c.lo))


cdef inline Pair snake_bend(double x, double frequency, double divisor) noexcept nogil:
    """sin(frequency x)^2 / divisor."""
    cdef Pair s = sine_of(turn_of_product(frequency, x))
    return quotient(product_of(s, s), pair(divisor, 0.0))

cdef inline Pair sine_of_double(double x, double frequency) noexcept nogil:
    """1 + sin(2 frequency x), which has double zeros, as 2 sin(frequency x + pi / 4)^2."""
    cdef Pair s = sine_of(advanced(turn_of_product(frequency, x), 0.5))
    return scaled(product_of(s, s), 2.0)

cdef inline T snake(T x, double frequency) noexcept nogil:
    cdef Pair bend = snake_bend(x, frequency, frequency), y = exact_sum(x, bend.hi)
    return x if (magnitude(x) > at_most(x, DBL_MAX)) | (x == <T>0) else <T>(y.hi + (y.lo + bend.lo))

cdef inline T snake_backward(T grad, T x, double frequency) noexcept nogil:
    cdef Pair slope = sine_of_double(x, frequency)
    return <T>(grad * (slope.hi + slope.lo))


cdef inline double snake_backward_frequency(double grad, double x, double frequency) noexcept nogil:
    # sin(v) (2 v cos(v) - sin(v)) / frequency^2 for v = frequency x, which is 0 wherever tan(v) is 2 v. Where v is tiny
    # that is x^2, and where it is huge the second sine does not count.
    cdef double y = x, v = frequency * x
    cdef bint far = c_fabs(v) > 1e60, near = c_fabs(v) < 1e-9
    cdef FullTurn turn = full_turn_of_product(frequency, y)
    cdef Triple s = sine_in_full(turn, 0.0), c = sine_in_full(turn, 1.0), w
    cdef Pair slope, square = exact_product(frequency, frequency)
    w = three_of(exact_product(2.0 * frequency, either(far | near, 0.0, y)))
    w = total_of(product_in_full(w, c), times_power(s, -1.0))
    slope = quotient(in_two(product_in_full(w, s)), square)
    square = quotient(in_two(times_power(product_in_full(s, c), 2.0)), pair(frequency, 0.0))
    v = either(far, square.hi + square.lo, x)
    return either(near | far, grad * v * x, grad * (slope.hi + slope.lo))


cdef inline T snake_beta(T x, double alpha, double beta) noexcept nogil:
    # (beta x + sin(alpha x)^2) / beta. Beside what is huge a sine does not count.
    cdef double wide = x, y = finite(wide)
    cdef Triple s = sine_in_full(full_turn_of_product(alpha, y), 0.0)
    cdef Triple top = total_of(three_of(exact_product(beta, y)), product_in_full(s, s))
    cdef Pair q = quotient(in_two(top), pair(beta, 0.0))
    return <T>either((c_fabs(y) > 1e100) | (x == <T>0), wide, q.hi + q.lo)

cdef inline T snake_beta_backward(T grad, T x, double alpha, double beta) noexcept nogil:
    # (beta + a sin(2 a x)) / beta for a = |alpha|, as (beta - a) + 2 a sin(a x + pi / 4)^2, where a double zero stays
    # one, or for a negative beta (beta + a) - 2 a cos(a x + pi / 4)^2.
    cdef bint falls = beta < 0.0
    cdef double a = c_fabs(alpha), size = either(falls, -a, a)
    cdef Triple s = sine_in_full(full_turn_of_product(a, x), either(falls, 1.5, 0.5)), top
    cdef Pair slope
    top = total_of(three_of(exact_sum(beta, -size)), multiple_of(product_in_full(s, s), 2.0 * size))
    slope = quotient(in_two(top), pair(beta, 0.0))
    return <T>(grad * (slope.hi + slope.lo))

cdef inline double snake_beta_backward_alpha(double grad, double x, double alpha, double beta) noexcept nogil:
    cdef double v = 2.0 * alpha * x
    cdef Pair s = sine_of(turn_of_product(2.0 * alpha, x))
    return grad * (either(c_fabs(v) < 1e-9, v, s.hi + s.lo) / beta) * x

cdef inline double snake_beta_backward_beta(double grad, double x, double alpha, double beta) noexcept nogil:
    cdef Pair v = exact_product(alpha, x), s = sine_of(turn_of_product(alpha, x))
    s = quotient(chosen(c_fabs(v.hi) < 1e-9, v, s), pair(beta, 0.0))
    s = product_of(s, s)
    return -(grad * (s.hi + s.lo))


# ---- Losses on logits -----------------------------------------------------------------------------------------

cdef inline double binary_cross_entropy_value(T x, T target, double pos_weight) noexcept nogil:
    # Both logarithms from one log1p(e^-|x|): softplus(x) = max(x, 0) + l and softplus(-x) = softplus(x) - x.
    # A side of no weight costs nothing, even where its logarithm is infinite.
    cdef double l = softplus_tail(x), positive = pos_weight * target, negative = 1.0 - target
    cdef double left = negative * ((x if x > 0 else 0.0) + l), right = positive * ((0.0 if x > 0 else -x) + l)
    left = 0.0 if negative == 0.0 else left
    right = 0.0 if positive == 0.0 else right
    return x if x != x else left + right

cdef inline T binary_cross_entropy(T x, T target, double pos_weight) noexcept nogil:
    return <T>binary_cross_entropy_value(x, target, pos_weight)

cdef inline double binary_cross_entropy_term(double x, double target, double pos_weight) noexcept nogil:
    """The loss of floats for a sum of them: as exact as a float needs, and not rounded to one."""
    return binary_cross_entropy_value(<float>x, <float>target, pos_weight)

cdef inline T binary_cross_entropy_backward(T grad, T x, T target, double pos_weight) noexcept nogil:
    cdef double positive = pos_weight * target, negative = 1.0 - target, e, slope
    if T is float:
        # sigmoid(x) and sigmoid(-x) are 1 and e over 1 + e, or the other way round.
        e = exp_narrow(-magnitude(x))
        slope = (negative * e - positive if x < 0 else negative - positive * e) / (1.0 + e)
        return <T>(grad * slope)
    else:
        return <T>(grad * (negative * sigmoid_value(x) - positive * sigmoid_value(-x)))


include "_lanes.pxi"
include "_halves.pxi"
include "_threads.pxi"
include "_loops.pxi"
include "_memory.pxi"
include "_channels.pxi"
include "_strides.pxi"
include "_calls.pxi"
include "_for_c.pxi"
include "_rows.pxi"
include "_pieces.pxi"
include "_spatial.pxi"
include "_table.pxi"
