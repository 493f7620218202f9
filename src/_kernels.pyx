# cython: language_level=3, cdivision=True, freethreading_compatible=True
"""The mathematics of actfn: every activation, and its backward directly below.

How to read it. `x` is the input, `grad` the gradient that arrives from above, parameters carry their papers' names.
A scalar returns T, the type of the data; inside, everything that rounds is computed in double, so that a float
result is rounded once. Bodies are conditional expressions, never `if` blocks, so that the loops in `_loops.pxi`
become SIMD. Comparisons are written so that NaN falls through to a branch that returns it. `_table.pxi`, rendered
from `catalog.py`, puts each scalar into its loop; nothing else lists names.
"""
include "_scalars.pxi"


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


cdef inline double ramp(T x, double slope, double offset) noexcept nogil:
    # With slope 1/6 and offset 1/2 the quotient is 3 to the last bit, so the knees are at -3 and 3, not beside them.
    return slope * (finite(x) + offset / slope) if slope != 0.0 else offset

cdef inline T hard_sigmoid(T x, double slope, double offset) noexcept nogil:
    cdef double y = ramp(x, slope, offset)
    return <T>(0.0 if y <= 0.0 else (1.0 if y > 1.0 else y))

cdef inline T hard_sigmoid_backward(T grad, T x, double slope, double offset) noexcept nogil:
    cdef double y = ramp(x, slope, offset)
    return <T>(grad * slope) if (y > 0.0) & (y < 1.0) else flat(grad, x)


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
    return flat(grad, x) if x <= <T>-3 else (grad if x >= <T>3 else <T>(grad * (x + 1.5) / 3.0))


cdef inline T sparse_plus(T x) noexcept nogil:
    return <T>(0.0 if x <= -1.0 else (x if x >= 1.0 else 0.25 * (x + 1.0) * (x + 1.0)))

cdef inline T sparse_plus_backward(T grad, T x) noexcept nogil:
    return flat(grad, x) if x <= <T>-1 else (grad if x >= <T>1 else <T>(grad * (0.5 * (x + 1.0))))


# ---- The sigmoid and its relatives ----------------------------------------------------------------------------
# e = exp(-|x|) is in (0, 1]: nothing overflows, and sigmoid(-|x|) = e / (1 + e) keeps its digits in the far tail,
# where 1 - sigmoid(|x|) has none.

cdef inline double sigmoid_value(T x) noexcept nogil:
    cdef double e = exp(-magnitude(x))
    return (e if x < 0 else 1.0) / (1.0 + e)

cdef inline double sigmoid_slope(T x) noexcept nogil:
    # e / (1 + e)^2: y * (1 - y) would cancel from x = 17 on in float32.
    cdef double e = exp(-magnitude(x))
    return e / ((1.0 + e) * (1.0 + e))

cdef inline T sigmoid(T x) noexcept nogil:
    return <T>sigmoid_value(x)

cdef inline T sigmoid_backward(T grad, T x) noexcept nogil:
    return <T>(grad * sigmoid_slope(x))


cdef inline T log_sigmoid(T x) noexcept nogil:
    return <T>((x if x < 0 else 0.0) - log1p_unit(exp(-magnitude(x))))

cdef inline T log_sigmoid_backward(T grad, T x) noexcept nogil:
    return <T>(grad * sigmoid_value(-x))


cdef inline T tanh(T x) noexcept nogil:
    cdef double m = expm1(-2 * magnitude(x))
    return with_sign_of(<T>(-m / (2.0 + m)), x)

cdef inline T tanh_backward(T grad, T x) noexcept nogil:
    # 4 w / (1 + w)^2 with w = exp(-2|x|), instead of 1 - tanh^2.
    cdef double w = exp(-2 * magnitude(x))
    return <T>(grad * (4.0 * w / ((1.0 + w) * (1.0 + w))))


cdef inline T tanh_shrink(T x) noexcept nogil:
    # Beyond 1 the sum a - 1 + 2 w / (1 + w) loses nothing; below, the cubic start of the series is needed.
    cdef T a = magnitude(x)
    cdef double w = exp(-2 * a), far = (a - 1.0) + 2.0 * w / (1.0 + w), near = tanh_gap(a)
    return with_sign_of(<T>(near if a < 1 else far), x)

cdef inline T tanh_shrink_backward(T grad, T x) noexcept nogil:
    cdef double m = expm1(-2 * magnitude(x)), t = m / (2.0 + m)
    return <T>(grad * (t * t))


cdef inline T softsign(T x) noexcept nogil:
    cdef double a = finite(x)
    return <T>(a / (1.0 + magnitude(a)))

cdef inline T softsign_backward(T grad, T x) noexcept nogil:
    cdef double q = 1.0 / (1.0 + magnitude(x))
    return <T>(grad * q * q)


# ---- Exponential linear units ---------------------------------------------------------------------------------

cdef inline T elu(T x, double alpha) noexcept nogil:
    return x if x > <T>0 else <T>(alpha * expm1(x))

cdef inline T elu_backward(T grad, T x, double alpha) noexcept nogil:
    return grad if x > <T>0 else <T>(grad * (alpha * exp(x)))


cdef inline T selu(T x) noexcept nogil:
    # scale and scale * alpha of the paper, which make mean 0 and variance 1 a fixed point.
    return <T>(x * 1.0507009873554805 if x > 0 else 1.7580993408473766 * expm1(x))

cdef inline T selu_backward(T grad, T x) noexcept nogil:
    return <T>(grad * (1.0507009873554805 if x > 0 else 1.7580993408473766 * exp(x)))


cdef inline T celu(T x, double alpha) noexcept nogil:
    return x if x > <T>0 else <T>(alpha * expm1(x / alpha))

cdef inline T celu_backward(T grad, T x, double alpha) noexcept nogil:
    return grad if x > <T>0 else <T>(grad * exp(x / alpha))


# ---- Smooth ramps ---------------------------------------------------------------------------------------------

cdef inline T softplus(T x, double beta) noexcept nogil:
    # The linear part is x itself, not (beta * x) / beta: exact, and beta * x may overflow.
    cdef double z = beta * x
    return <T>((x if z > 0 else 0.0) + log1p_unit(exp(-magnitude(z))) / beta)

cdef inline T softplus_backward(T grad, T x, double beta) noexcept nogil:
    return <T>(grad * sigmoid_value(beta * x))


cdef inline T squareplus(T x, double b) noexcept nogil:
    # For x < 0 the textbook sum cancels; b / (2 (r - x)) is the same number. Beyond 1e150 the root is |x|.
    cdef double a = magnitude(x), y = x
    cdef double r = a if a > 1e150 else sqrt(y * y + b)
    return <T>(0.5 * b / (r - y) if y < 0 else 0.5 * y + 0.5 * r)

cdef inline T squareplus_backward(T grad, T x, double b) noexcept nogil:
    cdef double y = finite(x), a = magnitude(y)
    cdef double r = a if a > 1e150 else sqrt(y * y + b)
    return <T>(grad * (0.5 * b / r / (r - y) if y < 0 else 0.5 + 0.5 * y / r))


# ---- Gated by a sigmoid of themselves -------------------------------------------------------------------------

cdef inline double self_gated(double x, T z) noexcept nogil:
    """x sigmoid(z), where z goes to -infinity faster than x grows."""
    cdef double e = exp(-magnitude(z))
    return (finite(<T>x) * e if z < 0 else x) / (1.0 + e)

cdef inline double self_gated_slope(T z, double w) noexcept nogil:
    """sigmoid(z) (1 + w sigmoid(-z)), the derivative of x sigmoid(z) for w = x dz/dx; no 1 - sigmoid anywhere."""
    cdef double e = exp(-magnitude(z)), v = finite(<T>w)
    return (e * (1.0 + e + v) if z < 0 else 1.0 + e * (1.0 + v)) / ((1.0 + e) * (1.0 + e))


cdef inline T silu(T x) noexcept nogil:
    return <T>self_gated(x, x)

cdef inline T silu_backward(T grad, T x) noexcept nogil:
    return <T>(grad * self_gated_slope(x, x))


cdef inline T swish(T x, double beta) noexcept nogil:
    return <T>self_gated(x, beta * finite(x))

cdef inline T swish_backward(T grad, T x, double beta) noexcept nogil:
    cdef double z = beta * finite(x)
    return <T>(grad * self_gated_slope(z, z))

cdef inline double swish_backward_beta(double grad, double x, double beta) noexcept nogil:
    # x^2 sigmoid'(beta x); exp(-|z|) wins over any finite x^2.
    cdef double y = finite(x), e = exp(-magnitude(beta * y))
    return grad * (y * e / (1.0 + e) * (y / (1.0 + e)))


cdef inline T quick_gelu(T x) noexcept nogil:
    return <T>self_gated(x, 1.702 * finite(x))

cdef inline T quick_gelu_backward(T grad, T x) noexcept nogil:
    cdef double z = 1.702 * finite(x)
    return <T>(grad * self_gated_slope(z, z))


cdef inline double gelu_tanh_argument(double x) noexcept nogil:
    """2 sqrt(2 / pi) (x + 0.044715 x^3), for 0.5 x (1 + tanh u) = x sigmoid(2 u): the tanh form cancels below -5."""
    return 1.5957691216057308 * mul_add(0.044715 * x * x, x, x)

cdef inline T gelu_tanh(T x) noexcept nogil:
    return <T>self_gated(x, gelu_tanh_argument(x))

cdef inline T gelu_tanh_backward(T grad, T x) noexcept nogil:
    cdef double y = x, z = gelu_tanh_argument(y)
    return <T>(grad * self_gated_slope(z, 1.5957691216057308 * y * mul_add(0.134145 * y, y, 1.0)))


cdef inline double gelu_value(T x) noexcept nogil:
    # Phi(x) from its smaller tail; 0.5 (1 + erf) has no digit left below -5. Beyond 40 the tail is 0.
    cdef double a = magnitude(x)
    a = 40.0 if a > 40.0 else a
    cdef double tail = normal_tail(a) * normal_density(a)
    return -a * tail if x < 0 else x * (1.0 - tail)

cdef inline double gelu_slope(T x) noexcept nogil:
    # Phi + x phi, with the density taken out: for x < 0 both summands share it.
    cdef double a = magnitude(x)
    a = 40.0 if a > 40.0 else a
    cdef double slope = normal_density(a) * (normal_tail(a) - 0.3989422804014327 * a)
    return slope if x < 0 else 1.0 - slope

cdef inline T gelu(T x) noexcept nogil:
    return <T>gelu_value(x)

cdef inline T gelu_backward(T grad, T x) noexcept nogil:
    return <T>(grad * gelu_slope(x))


cdef inline T mish(T x) noexcept nogil:
    # tanh(log(1 + e^x)) as a ratio of polynomials in e^-|x| with positive coefficients: nothing cancels.
    cdef double w = exp(-magnitude(x)), y = finite(x)
    return <T>(y * w * (2.0 + w) / (2.0 + w * (2.0 + w)) if x < 0
               else x * (1.0 + 2.0 * w) / (1.0 + 2.0 * w * (1.0 + w)))

cdef inline T mish_backward(T grad, T x) noexcept nogil:
    cdef double w = exp(-magnitude(x)), y = finite(x)
    cdef double d = 2.0 + w * (2.0 + w) if x < 0 else 1.0 + 2.0 * w * (1.0 + w)
    return <T>(grad * ((w * ((2.0 + w) * d + 4.0 * y * (1.0 + w)) if x < 0
                        else (1.0 + 2.0 * w) * d + 4.0 * y * w * w * (1.0 + w)) / (d * d)))


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
    return <T>(<double>grad * value * sigmoid_slope(gate))

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
    return <T>(<double>grad * value * gelu_slope(gate))

cdef inline T geglu_backward_value(T grad, T gate, T value) noexcept nogil:
    return <T>(grad * gelu_value(gate))


cdef inline T swiglu(T gate, T value) noexcept nogil:
    return <T>(value * self_gated(gate, gate))

cdef inline T swiglu_backward_gate(T grad, T gate, T value) noexcept nogil:
    return <T>(<double>grad * value * self_gated_slope(gate, gate))

cdef inline T swiglu_backward_value(T grad, T gate, T value) noexcept nogil:
    return <T>(grad * self_gated(gate, gate))


# ---- Losses on logits -----------------------------------------------------------------------------------------

cdef inline T binary_cross_entropy(T x, T target, double pos_weight) noexcept nogil:
    # Both logarithms from one log1p(e^-|x|): softplus(x) = max(x, 0) + l and softplus(-x) = softplus(x) - x.
    cdef double l = log1p_unit(exp(-magnitude(x))), zero = 0.0
    return <T>((1.0 - target) * ((x if x > 0 else zero) + l)
               + pos_weight * target * ((zero if x > 0 else -x) + l))

cdef inline T binary_cross_entropy_backward(T grad, T x, T target, double pos_weight) noexcept nogil:
    return <T>(grad * ((1.0 - target) * sigmoid_value(x) - pos_weight * target * sigmoid_value(-x)))


include "_loops.pxi"
include "_rows.pxi"
include "_spatial.pxi"
include "_table.pxi"
