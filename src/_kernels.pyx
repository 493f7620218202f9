# cython: language_level=3, cdivision=True, freethreading_compatible=True
"""The mathematics of actfn: every activation, and its backward directly below.

How to read it. `x` is the input, `grad` the gradient that arrives from above, parameters carry their papers' names.
A scalar returns T, the type of the data; inside, everything that rounds is computed in double, so that a float
result is rounded once. Bodies are conditional expressions, never `if` blocks, so that the loops in `_loops.pxi`
become SIMD. Comparisons are written so that NaN falls through to a branch that returns it. `_table.pxi`, rendered
from `catalog.py`, puts each scalar into its loop; nothing else lists names.
"""
include "_scalars.pxi"
include "_pairs.pxi"


# Two idioms of the pieces below.

cdef inline T flat(T grad, T x) noexcept nogil:
    """The gradient of a flat piece: 0, even for an infinite grad, but a NaN never disappears."""
    return grad if grad != grad else (x if x != x else <T>0)


cdef inline T signed_zero(T x) noexcept nogil:
    """Zero with the sign of x, or NaN: what an odd function returns on its flat piece."""
    return x if x != x else with_sign_of(<T>0, x)


# ---- Straight lines -------------------------------------------------------------------------------------------

cdef inline T identity(T x) noexcept nogil:
    return x

cdef inline T identity_backward(T grad, T x) noexcept nogil:
    return grad if x == x else x


cdef inline T step(T x, double threshold) noexcept nogil:
    return <T>1 if x >= threshold else (<T>0 if x < threshold else x)

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


cdef inline T leaky_relu(T x, double negative_slope) noexcept nogil:
    # Not max(x, slope * x), which is another function when the slope exceeds 1.
    return x if x > <T>0 else <T>(x * negative_slope)

cdef inline T leaky_relu_backward(T grad, T x, double negative_slope) noexcept nogil:
    return grad if x > <T>0 else (<T>(grad * negative_slope) if x <= <T>0 else x)


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
    return <T>(relu(x) + bias)

cdef inline T flexible_relu_backward(T grad, T x, double bias) noexcept nogil:
    return relu_backward(grad, x)

cdef inline double flexible_relu_backward_bias(double grad, double x, double bias) noexcept nogil:
    return identity_backward(grad, x)


cdef inline T threshold(T x, double threshold, double value) noexcept nogil:
    return <T>value if x <= threshold else x

cdef inline T threshold_backward(T grad, T x, double threshold, double value) noexcept nogil:
    return grad if x > threshold else flat(grad, x)


cdef inline T hard_tanh(T x, double min_val, double max_val) noexcept nogil:
    return <T>min_val if x < min_val else (<T>max_val if x > max_val else x)

cdef inline T hard_tanh_backward(T grad, T x, double min_val, double max_val) noexcept nogil:
    return grad if (x > min_val) & (x < max_val) else flat(grad, x)


cdef inline Pair ramp(T x, double slope, double offset) noexcept nogil:
    # The default 1/6 means one sixth, not its double: only so are the knees at -3 and 3.
    cdef double low = 9.25185853854297e-18 if slope == 0.16666666666666666 else 0.0
    cdef Pair p = product(pair(slope, low), finite(x))
    cdef Pair y = plus(p, pair(offset, 0.0))
    return chosen(magnitude(p.hi) < 1e200, y, pair(p.hi + offset, 0.0))

cdef inline T hard_sigmoid(T x, double slope, double offset) noexcept nogil:
    cdef Pair y = ramp(x, slope, offset)
    return <T>(0.0 if y.hi <= 0.0 else (1.0 if y.hi > 1.0 else y.hi))

cdef inline T hard_sigmoid_backward(T grad, T x, double slope, double offset) noexcept nogil:
    cdef Pair y = ramp(x, slope, offset)
    cdef bint inside = (y.hi > 0.0) & ((y.hi - 1.0) + y.lo < 0.0) & (slope != 0.0)
    return <T>(grad * slope) if inside else flat(grad, x)


cdef inline T soft_shrink(T x, double lambd) noexcept nogil:
    return <T>(x - lambd) if x > lambd else (<T>(x + lambd) if x < -lambd else signed_zero(x))

cdef inline T soft_shrink_backward(T grad, T x, double lambd) noexcept nogil:
    return grad if magnitude(x) > lambd else flat(grad, x)


cdef inline T hard_shrink(T x, double lambd) noexcept nogil:
    return x if magnitude(x) > lambd else signed_zero(x)

cdef inline T hard_shrink_backward(T grad, T x, double lambd) noexcept nogil:
    return soft_shrink_backward(grad, x, lambd)


cdef inline T sparse_sigmoid(T x) noexcept nogil:
    return <T>(0.0 if x <= -1.0 else (1.0 if x > 1.0 else 0.5 * (x + 1.0)))

cdef inline T sparse_sigmoid_backward(T grad, T x) noexcept nogil:
    return <T>(0.5 * grad) if magnitude(x) < <T>1 else flat(grad, x)


# ---- Parabolas between straight lines -------------------------------------------------------------------------

cdef inline T hard_swish(T x) noexcept nogil:
    return <T>(0.0 if x <= -3.0 else (x if x >= 3.0 else x * (x + 3.0) / 6.0))

cdef inline T hard_swish_backward(T grad, T x) noexcept nogil:
    cdef T middle = <T>(grad * (x + 1.5) / 3.0), left = flat(grad, x)
    return left if x <= <T>-3 else (grad if x >= <T>3 else middle)


cdef inline T sparse_plus(T x) noexcept nogil:
    return <T>(0.0 if x <= -1.0 else (x if x >= 1.0 else 0.25 * (x + 1.0) * (x + 1.0)))

cdef inline T sparse_plus_backward(T grad, T x) noexcept nogil:
    cdef T middle = <T>(grad * (0.5 * (x + 1.0))), left = flat(grad, x)
    return left if x <= <T>-1 else (grad if x >= <T>1 else middle)


# ---- The sigmoid and its relatives ----------------------------------------------------------------------------
# e = exp(-|x|) is in (0, 1]: nothing overflows, and sigmoid(-|x|) = e / (1 + e) keeps its digits in the far tail,
# where 1 - sigmoid(|x|) has none.

cdef inline double sigmoid_value(T x) noexcept nogil:
    cdef double e = exp(-magnitude(x))
    return (e if x < 0 else 1.0) / (1.0 + e)

cdef inline Scaled sigmoid_scaled(T like, double x, double low) noexcept nogil:
    cdef Scaled e = exp_scaled(like, -magnitude(x), low if x < 0 else -low)
    cdef double plain = e.value if e.unit == 1.0 else 0.0
    return scaled_by((e.value if x < 0 else 1.0) / (1.0 + plain), (x < 0) & (e.unit != 1.0))

cdef inline T sigmoid(T x) noexcept nogil:
    return <T>sigmoid_value(x)

cdef inline T sigmoid_backward(T grad, T x) noexcept nogil:
    return <T>applied(grad, bell(x, x, 0.0))


cdef inline T log_sigmoid(T x) noexcept nogil:
    return <T>((x if x < 0 else 0.0) - log1p_unit(exp(-magnitude(x))))

cdef inline T log_sigmoid_backward(T grad, T x) noexcept nogil:
    return <T>applied(grad, sigmoid_scaled(x, -x, 0.0))


cdef inline T tanh(T x) noexcept nogil:
    return with_sign_of(<T>tanh_value(x), x)

cdef inline T tanh_backward(T grad, T x) noexcept nogil:
    # 4 e / (1 + e)^2 with e = exp(-2|x|), instead of 1 - tanh^2.
    return <T>(4.0 * applied(grad, bell(x, 2.0 * x, 0.0)))


cdef inline T tanh_shrink(T x) noexcept nogil:
    return with_sign_of(<T>tanh_gap(x), x)

cdef inline T tanh_shrink_backward(T grad, T x) noexcept nogil:
    return <T>tanh_squared_backward(grad, x)


cdef inline T softsign(T x) noexcept nogil:
    cdef double a = finite(x)
    return <T>(a / (1.0 + magnitude(a)))

cdef inline T softsign_backward(T grad, T x) noexcept nogil:
    return <T>softsign_slope_backward(grad, x)


# ---- Exponential linear units ---------------------------------------------------------------------------------

cdef inline T elu(T x, double alpha) noexcept nogil:
    cdef T left = <T>(alpha * expm1(x))
    return x if x >= <T>0 else left

cdef inline T elu_backward(T grad, T x, double alpha) noexcept nogil:
    cdef T left = <T>applied(grad * alpha, exp_scaled(x, x, 0.0))
    return grad if x > <T>0 else left


cdef inline T selu(T x) noexcept nogil:
    # The paper's scale, which makes mean 0 and variance 1 a fixed point, as hi + lo.
    cdef double right = mul_add(x, 1.0507009873554805, x * 3.9874847667154144e-17), left = selu_negative(x)
    return <T>(right if x >= 0 else left)

cdef inline T selu_backward(T grad, T x) noexcept nogil:
    return <T>applied(grad, selu_slope(x))


cdef inline T celu(T x, double alpha) noexcept nogil:
    # Where x / alpha is tiny, perhaps too small for a double, the result is x.
    cdef double z = x / alpha
    cdef T left = <T>(alpha * expm1(z))
    return x if (x > <T>0) | (magnitude(z) < 1e-20) else left

cdef inline T celu_backward(T grad, T x, double alpha) noexcept nogil:
    cdef double z = x / alpha
    cdef T left = <T>applied(grad, exp_scaled(x, z, division_error(x, alpha, z)))
    return grad if x > <T>0 else left


# ---- Smooth ramps ---------------------------------------------------------------------------------------------

cdef inline T softplus(T x, double beta) noexcept nogil:
    # The linear part is x itself, not (beta * x) / beta: exact, and beta * x may overflow.
    cdef Pair z = product(pair(beta, 0.0), x)
    cdef Scaled e = exp_scaled(x, -magnitude(z.hi), z.lo if z.hi < 0 else -z.lo)
    cdef double l = log1p_unit(e.value if e.unit == 1.0 else 0.0)
    l = applied(1.0, scaled_by((l if e.unit == 1.0 else e.value) / beta, e.unit != 1.0))
    return <T>((x if z.hi > 0 else 0.0) + l)

cdef inline T softplus_backward(T grad, T x, double beta) noexcept nogil:
    cdef Pair z = product(pair(beta, 0.0), x)
    return <T>applied(grad, sigmoid_scaled(x, z.hi, z.lo))


cdef inline T squareplus(T x, double b) noexcept nogil:
    return <T>squareplus_value(x, b)

cdef inline T squareplus_backward(T grad, T x, double b) noexcept nogil:
    return <T>squareplus_slope_backward(grad, x, b)


# ---- Gated by a sigmoid of themselves -------------------------------------------------------------------------

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
    # x^2 sigmoid'(beta x): exp(-|z|) wins over any finite x^2.
    cdef double y = finite(x)
    cdef Pair z = product(pair(beta, 0.0), y)
    cdef Scaled slope = bell(x, z.hi, z.lo)
    return applied(grad * y, scaled_by(slope.value * y, slope.unit != 1.0))


cdef inline T quick_gelu(T x) noexcept nogil:
    cdef Pair z = product(pair(1.702, 4.263256414560601e-17), x)
    return <T>gate(x, x, z.hi, z.lo)

cdef inline T quick_gelu_backward(T grad, T x) noexcept nogil:
    cdef Pair z = product(pair(1.702, 4.263256414560601e-17), x)
    return <T>applied(grad, swish_slope(x, z.hi, z.lo))


cdef inline T gelu_tanh(T x) noexcept nogil:
    return <T>gelu_tanh_gate(x)

cdef inline T gelu_tanh_backward(T grad, T x) noexcept nogil:
    return <T>applied(grad, gelu_tanh_slope(x))


cdef inline T gelu(T x) noexcept nogil:
    return <T>gelu_value(x)

cdef inline T gelu_backward(T grad, T x) noexcept nogil:
    return <T>applied(grad, gelu_slope(x))


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


# ---- Losses on logits -----------------------------------------------------------------------------------------

cdef inline T binary_cross_entropy(T x, T target, double pos_weight) noexcept nogil:
    # Both logarithms from one log1p(e^-|x|): softplus(x) = max(x, 0) + l and softplus(-x) = softplus(x) - x.
    # A side of no weight costs nothing, even where its logarithm is infinite.
    cdef double l = log1p_unit(exp(-magnitude(x))), positive = pos_weight * target, negative = 1.0 - target
    cdef double left = negative * ((x if x > 0 else 0.0) + l), right = positive * ((0.0 if x > 0 else -x) + l)
    left = 0.0 if negative == 0.0 else left
    right = 0.0 if positive == 0.0 else right
    return x if x != x else <T>(left + right)

cdef inline T binary_cross_entropy_backward(T grad, T x, T target, double pos_weight) noexcept nogil:
    return <T>(grad * ((1.0 - target) * sigmoid_value(x) - pos_weight * target * sigmoid_value(-x)))


include "_loops.pxi"
include "_rows.pxi"
include "_spatial.pxi"
include "_table.pxi"
