"""The table of contents: one row of facts per activation. Everything else is generated from it.

A row holds facts and no behaviour. It needs the standard library only, because `setup.py` reads this file before
anything is compiled. Strings are mathematics that SymPy parses: `formula` is the single definition of the
function, `derivative` is the textbook form of f', and the tests prove that the two agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

# The named functions that formulas may use besides SymPy's own, each defined here and nowhere else.
FUNCTIONS = MappingProxyType(
    {
        "sigmoid": "1/(1 + exp(-x))",
        "softplus": "log(1 + exp(x))",
        "Phi": "erfc(-x/sqrt(2))/2",
        "phi": "exp(-x**2/2)/sqrt(2*pi)",
    }
)


@dataclass(frozen=True, kw_only=True)
class Activation:
    """Facts about one function; see the comments for the form of each."""

    name: str
    title: str
    title_ko: str
    family: str
    # One plain sentence: what it does and where it is used.
    summary: str
    summary_ko: str
    formula: str
    derivative: str
    # Authors, year and arXiv number or journal; "" where the function has no inventor to name.
    source: str
    # Lines of a doctest, numpy imported as np.
    example: str
    # "elementwise": f(x, *params); "gated": f(gate, value); "rows": along an axis, by a kernel of their own;
    # "sampled rows": the same with random numbers; "pieces": of another length along an axis; "spatial": NCHW;
    # "row loss" and "pointwise loss".
    kind: str = "elementwise"
    # Spellings of other libraries, which `get` accepts.
    aliases: tuple[str, ...] = ()
    # Name of the class in `actfn.layers`, where PyTorch spells it otherwise than the title.
    layer: str = ""
    # Name and default of every parameter; None where the caller must give one.
    params: Mapping[str, float | int | None] = field(default_factory=dict)
    # What each parameter is, for the docstring.
    param_docs: Mapping[str, str] = field(default_factory=dict)
    param_docs_ko: Mapping[str, str] = field(default_factory=dict)
    # Parameters that networks learn: backward returns their gradients too.
    trains: tuple[str, ...] = ()
    # Where f' jumps or f does, and the derivative that is used there.
    kinks: Mapping[str, str] = field(default_factory=dict)
    # Where f is defined; NaN elsewhere.
    domain: str = "[-oo, oo]"
    # A condition that x must meet too, where the domain depends on parameters other than the defaults.
    defined: str = ""
    # A sentence on infinities, where neither limit nor NaN goes without saying.
    edges: str = ""
    edges_ko: str = ""
    # Of a loss: what its target is, a sentence or two.
    target: str = ""
    target_ko: str = ""
    # Defaults of other libraries: parameter, value, libraries. Some parameters are arguments or rows of their own here.
    elsewhere: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    # f and f' at the ends of the domain, at default parameters; "nan" where there is no limit.
    limits: tuple[str, str] | None = None
    slopes: tuple[str, str] | None = None
    range: str = ""
    monotonic: bool = False
    zero_centered: bool = False
    smooth: bool = False
    # "left", "right", "both" or "": on which side f' tends to 0.
    saturates: str = ""
    # f(-x) = -f(x), bit for bit.
    odd: bool = False
    # Whether every build returns the same bits; otherwise they differ within the bounds.
    same_bits: bool = False
    # Width of the segments from whose table float results come where AVX-512 can look them up; 0: there is no table.
    segment: float = 0.0
    # Largest error in ULP, forward and backward, per dtype: measured, over all inputs in float16 and float32.
    ulp: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    plot: tuple[float, float] = (-4.0, 4.0)

    @property
    def ends(self) -> tuple[str, str]:
        """The ends of the domain."""
        left, right = self.domain.strip("[]").split(", ")
        return left, right

    @property
    def class_name(self) -> str:
        """Name of the class in `actfn.layers` and `actfn.torch`."""
        return self.layer or "".join(word[:1].upper() + word[1:] for word in re.split(r"\W+", self.title))

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the array operands before the parameters."""
        return {"gated": ("gate", "value"), "pointwise loss": ("x", "target")}.get(self.kind, ("x",))


TEMPERATURE = (
    "Divides the scores: above 1 the result is more even, below 1 sharper. It may be any positive number; "
    "towards 0 only the largest entries count."
)
TEMPERATURE_KO = (
    "점수를 나누는 온도입니다. 1보다 크면 결과가 고르게 퍼지고 1보다 작으면 뾰족해집니다. "
    "양수면 무엇이든 되며, 0에 가까울수록 가장 큰 원소만 남습니다."
)
EDGES = "An entry of -oo takes no part; a row with oo, or with nothing but -oo, becomes NaN."
EDGES_KO = "-oo인 원소는 계산에서 빠지고, oo가 있거나 모두 -oo인 행은 NaN이 됩니다."

ROWS = (
    # ---- Piecewise linear ----
    Activation(
        name="identity",
        title="Identity",
        title_ko="항등 함수",
        family="piecewise linear",
        summary="Returns its input unchanged; the output layer of a regression network.",
        summary_ko="입력을 그대로 돌려줍니다. 회귀 신경망의 출력층에 씁니다.",
        formula="x",
        derivative="1",
        aliases=("linear",),
        limits=("-oo", "oo"),
        slopes=("1", "1"),
        range="(-oo, oo)",
        monotonic=True,
        zero_centered=True,
        smooth=True,
        odd=True,
        same_bits=True,
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (0.5, 0.5)},
        source="",
        example=""">>> actfn.identity(np.array([-1.0, 0.0, 2.0]))
array([-1.,  0.,  2.])
>>> actfn.identity_backward(1.0, np.array([-1.0, 0.0, 2.0]))
array([1., 1., 1.])""",
    ),
    Activation(
        name="step",
        title="Step",
        title_ko="계단 함수",
        family="piecewise linear",
        summary=(
            "Jumps from 0 to 1 at the threshold; the unit of the first artificial neurons, which gradients "
            "cannot train."
        ),
        summary_ko=(
            "문턱값에서 0에서 1로 뜁니다. 최초의 인공 뉴런이 쓴 함수이며, 기울기가 0이라 경사 하강법으로는 "
            "학습할 수 없습니다."
        ),
        formula="Piecewise((1, x >= threshold), (0, True))",
        derivative="0",
        params={"threshold": 0.0},
        param_docs={"threshold": "Smallest input that gives 1."},
        param_docs_ko={"threshold": "1이 나오는 가장 작은 입력입니다."},
        kinks={"threshold": "0"},
        aliases=("heaviside", "binary_step"),
        limits=("0", "1"),
        slopes=("0", "0"),
        range="{0, 1}",
        monotonic=True,
        saturates="both",
        same_bits=True,
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (0.5, 0.5)},
        elsewhere={
            "threshold": {"0": "MLX"},
        },
        source="McCulloch and Pitts, 1943, Bulletin of Mathematical Biophysics 5",
        example=""">>> actfn.step(np.array([-1.0, 0.0, 2.0]))
array([0., 1., 1.])
>>> actfn.step_backward(1.0, np.array([-1.0, 0.0, 2.0]))
array([0., 0., 0.])""",
        plot=(-3.0, 3.0),
    ),
    Activation(
        name="relu",
        title="ReLU",
        title_ko="렐루 (정류 선형 유닛)",
        family="piecewise linear",
        summary=(
            "Passes positive inputs and sets negative ones to 0; the usual choice for hidden layers of "
            "convolutional networks."
        ),
        summary_ko=("양수는 그대로 통과시키고 음수는 0으로 만듭니다. 합성곱 신경망의 은닉층에서 가장 널리 쓰입니다."),
        formula="Max(x, 0)",
        derivative="Piecewise((1, x > 0), (0, True))",
        kinks={"0": "0"},
        aliases=("rectifier", "rectified_linear_unit"),
        limits=("0", "oo"),
        slopes=("0", "1"),
        range="[0, oo)",
        monotonic=True,
        saturates="left",
        same_bits=True,
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (0.5, 0.5)},
        source=(
            "Fukushima, 1969, IEEE Transactions on Systems Science and Cybernetics 5(4); Nair and Hinton, 2010, ICML"
        ),
        example=""">>> actfn.relu(np.array([-1.0, 0.0, 1.0]))
array([0., 0., 1.])
>>> actfn.relu(np.array([[-1.0, 2.0, -3.0], [4.0, -5.0, 6.0]]))
array([[0., 2., 0.],
       [4., 0., 6.]])
>>> actfn.relu_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([0., 0., 1.])""",
    ),
    Activation(
        name="relu6",
        title="ReLU6",
        title_ko="ReLU6",
        family="piecewise linear",
        summary=(
            "A ReLU that stops at 6, which keeps outputs in a range that low-precision arithmetic on phones can hold."
        ),
        summary_ko=("6에서 멈추는 렐루입니다. 출력 범위가 제한되어 있어 모바일 기기의 저정밀도 연산에 알맞습니다."),
        formula="Min(Max(x, 0), 6)",
        derivative="Piecewise((1, (x > 0) & (x < 6)), (0, True))",
        kinks={"0": "0", "6": "0"},
        limits=("0", "6"),
        slopes=("0", "0"),
        range="[0, 6]",
        monotonic=True,
        saturates="both",
        same_bits=True,
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (0.5, 0.5)},
        source="Krizhevsky, 2010, Convolutional deep belief networks on CIFAR-10, manuscript",
        example=""">>> actfn.relu6(np.array([-1.0, 3.0, 8.0]))
array([0., 3., 6.])
>>> actfn.relu6_backward(1.0, np.array([-1.0, 3.0, 8.0]))
array([0., 1., 0.])""",
        plot=(-3.0, 9.0),
    ),
    Activation(
        name="shifted_relu",
        title="Shifted ReLU",
        title_ko="시프티드 렐루",
        family="piecewise linear",
        summary=(
            "A ReLU whose corner is moved from the origin to -1, so that mean outputs are closer to 0; the "
            "rival that the ELU was compared with."
        ),
        summary_ko=(
            "꺾이는 점을 원점에서 -1로 옮겨 출력의 평균을 0에 가깝게 한 렐루입니다. ELU 논문에서 비교 대상으로 "
            "쓰였습니다."
        ),
        formula="Max(x, -1)",
        derivative="Piecewise((1, x > -1), (0, True))",
        kinks={"-1": "0"},
        limits=("-1", "oo"),
        slopes=("0", "1"),
        range="[-1, oo)",
        monotonic=True,
        saturates="left",
        same_bits=True,
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (0.5, 0.5)},
        source="Clevert, Unterthiner and Hochreiter, 2015, arXiv:1511.07289",
        example=""">>> actfn.shifted_relu(np.array([-2.0, -0.5, 1.0]))
array([-1. , -0.5,  1. ])
>>> actfn.shifted_relu_backward(1.0, np.array([-2.0, -1.0, 1.0]))
array([0., 0., 1.])""",
    ),
    Activation(
        name="leaky_relu",
        title="Leaky ReLU",
        title_ko="리키 렐루",
        family="piecewise linear",
        summary=("Passes positive inputs and scales negative ones by a small slope, which keeps their gradient alive."),
        summary_ko=("양수는 그대로 통과시키고 음수에는 작은 기울기를 곱해, 음수 쪽에서도 기울기가 살아 있게 합니다."),
        formula="Piecewise((x, x > 0), (negative_slope*x, True))",
        derivative="Piecewise((1, x > 0), (negative_slope, True))",
        params={"negative_slope": 0.01},
        param_docs={"negative_slope": "Slope for x <= 0."},
        param_docs_ko={"negative_slope": "x <= 0에서의 기울기입니다."},
        kinks={"0": "negative_slope"},
        aliases=("lrelu",),
        limits=("-oo", "oo"),
        slopes=("1/100", "1"),
        range="(-oo, oo)",
        monotonic=True,
        ulp={"float16": (0.5, 0.5), "float32": (0.85, 0.51), "float64": (1.61, 0.5)},
        elsewhere={
            "negative_slope": {
                "0.01": "PyTorch, JAX, ONNX, MLX, Paddle",
                "0.2": "TensorFlow, Keras's function",
                "0.3": "Keras's layer",
            },
        },
        source="Maas, Hannun and Ng, 2013, ICML workshop on deep learning for audio, speech and language",
        example=""">>> actfn.leaky_relu(np.array([-1.0, 0.0, 2.0]))
array([-0.01,  0.  ,  2.  ])
>>> actfn.leaky_relu_backward(1.0, np.array([-1.0, 0.0, 2.0]))
array([0.01, 0.01, 1.  ])""",
    ),
    Activation(
        name="prelu",
        title="PReLU",
        title_ko="PReLU (매개변수 렐루)",
        family="piecewise linear",
        summary="A leaky ReLU whose negative slope is learned, one for the layer or one per channel.",
        summary_ko=("음수 쪽 기울기를 학습하는 리키 렐루입니다. 기울기는 층마다 하나, 또는 채널마다 하나를 둡니다."),
        formula="Piecewise((x, x > 0), (weight*x, True))",
        derivative="Piecewise((1, x > 0), (weight, True))",
        params={"weight": None},
        param_docs={"weight": "Slope for x <= 0, learned; broadcasts against x."},
        param_docs_ko={"weight": "x <= 0에서의 기울기로, 학습됩니다. x와 브로드캐스팅됩니다."},
        trains=("weight",),
        kinks={"0": "weight"},
        aliases=("parametric_relu",),
        limits=("-oo", "oo"),
        slopes=("1/4", "1"),
        range="(-oo, oo)",
        monotonic=True,
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (1.5, 0.5)},
        elsewhere={
            "weight": {"0.25": "layers of PyTorch and MLX", "0": "Keras's layer"},
        },
        source="He, Zhang, Ren and Sun, 2015, arXiv:1502.01852",
        example=""">>> actfn.prelu(np.array([-2.0, 0.0, 3.0]), 0.25)
array([-0.5,  0. ,  3. ])
>>> actfn.prelu_backward(1.0, np.array([-2.0, 3.0]), np.array([0.25, 0.25]))
(array([0.25, 1.  ]), array([-2.,  0.]))""",
    ),
    Activation(
        name="rrelu",
        title="RReLU",
        title_ko="RReLU (무작위 리키 렐루)",
        family="piecewise linear",
        summary=(
            "A leaky ReLU whose negative slope is drawn at random in training and fixed at the middle in evaluation."
        ),
        summary_ko=(
            "학습할 때는 음수 쪽 기울기를 무작위로 뽑고, 평가할 때는 구간의 가운데 값으로 고정하는 리키 렐루입니다."
        ),
        formula="Piecewise((x, x > 0), ((lower + upper)/2*x, True))",
        derivative="Piecewise((1, x > 0), ((lower + upper)/2, True))",
        params={"lower": 0.125, "upper": 0.3333333333333333},
        param_docs={
            "lower": "Lower end of the interval that slopes are drawn from.",
            "upper": "Upper end of the interval that slopes are drawn from.",
        },
        param_docs_ko={
            "lower": "기울기를 뽑는 구간의 아래쪽 끝입니다.",
            "upper": "기울기를 뽑는 구간의 위쪽 끝입니다.",
        },
        kinks={"0": "(lower + upper)/2"},
        aliases=("randomized_leaky_relu", "randomized_relu"),
        limits=("-oo", "oo"),
        slopes=("11/48", "1"),
        range="(-oo, oo)",
        monotonic=True,
        ulp={"float16": (0.5, 0.5), "float32": (0.93, 0.51), "float64": (1.84, 0.5)},
        elsewhere={
            "lower": {"1/8": "PyTorch, Paddle, NNlib"},
            "upper": {"1/3": "PyTorch, Paddle, NNlib"},
            "training": {"no": "PyTorch", "yes": "Paddle", "always": "NNlib"},
        },
        source="Xu, Wang, Chen and Li, 2015, arXiv:1505.00853",
        example=""">>> actfn.rrelu(np.array([-1.0, 0.0, 2.0]))
array([-0.22916667,  0.        ,  2.        ])
>>> actfn.rrelu_backward(1.0, np.array([-1.0, 0.0, 2.0]))
array([0.22916667, 0.22916667, 1.        ])""",
    ),
    Activation(
        name="srelu",
        title="SReLU",
        title_ko="SReLU (S자 모양 렐루)",
        family="piecewise linear",
        summary=(
            "Three straight lines that meet at two thresholds: the identity between them and a learned slope on either "
            "side, where the thresholds are learned too."
        ),
        summary_ko=(
            "두 문턱값에서 만나는 세 직선입니다. 가운데는 입력 그대로이고, 양쪽 직선의 기울기와 두 문턱값을 모두 "
            "학습합니다."
        ),
        formula=(
            "Piecewise((t_right + a_right*(x - t_right), x >= t_right), (t_left + a_left*(x - t_left), x <= t_left), "
            "(x, True))"
        ),
        derivative="Piecewise((a_right, x >= t_right), (a_left, x <= t_left), (1, True))",
        params={"t_left": 0.0, "a_left": 0.2, "t_right": 1.0, "a_right": 1.0},
        param_docs={
            "t_left": "Where the left line ends, learned.",
            "a_left": "Slope of the left line, learned.",
            "t_right": "Where the right line begins, learned; above t_left.",
            "a_right": "Slope of the right line, learned.",
        },
        param_docs_ko={
            "t_left": "왼쪽 직선이 끝나는 곳으로, 학습됩니다.",
            "a_left": "왼쪽 직선의 기울기로, 학습됩니다.",
            "t_right": "오른쪽 직선이 시작하는 곳으로, 학습됩니다. t_left보다 커야 합니다.",
            "a_right": "오른쪽 직선의 기울기로, 학습됩니다.",
        },
        trains=("t_left", "a_left", "t_right", "a_right"),
        kinks={"t_left": "a_left", "t_right": "a_right"},
        aliases=("s_shaped_relu",),
        limits=("-oo", "oo"),
        slopes=("1/5", "1"),
        range="(-oo, oo)",
        monotonic=True,
        ulp={"float16": (0.5, 0.5)},
        source="Jin, Xu, Feng, Wei, Xiong and Yan, 2015, arXiv:1512.07030",
        example=""">>> actfn.srelu(np.array([-1.0, 0.5, 3.0]), a_right=0.5)
array([-0.2,  0.5,  2. ])
>>> actfn.srelu_backward(1.0, np.array([-1.0, 0.5, 3.0]), a_right=0.5)[0]
array([0.2, 1. , 0.5])""",
    ),
    Activation(
        name="flexible_relu",
        title="Flexible ReLU",
        title_ko="플렉서블 렐루",
        family="piecewise linear",
        summary="A ReLU moved up or down by a learned bias, so that its outputs can have mean 0.",
        summary_ko="학습하는 편향만큼 위아래로 옮긴 렐루입니다. 출력의 평균이 0에 가까워질 수 있습니다.",
        formula="Max(x, 0) + bias",
        derivative="Piecewise((1, x > 0), (0, True))",
        params={"bias": None},
        param_docs={"bias": "Amount added to the output, learned; one for the whole layer."},
        param_docs_ko={"bias": "출력에 더하는 값으로, 학습됩니다. 층 전체에 하나입니다."},
        trains=("bias",),
        kinks={"0": "0"},
        limits=("0", "oo"),
        slopes=("0", "1"),
        range="[0, oo)",
        monotonic=True,
        saturates="left",
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (0.5, 0.5)},
        source="Qiu, Xu and Cai, 2017, arXiv:1706.08098",
        example=""">>> actfn.flexible_relu(np.array([-2.0, 0.0, 3.0]), -0.5)
array([-0.5, -0.5,  2.5])
>>> actfn.flexible_relu_backward(1.0, np.array([-2.0, 3.0]), np.array([-0.5, -0.5]))
(array([0., 1.]), array([1., 1.]))""",
    ),
    Activation(
        name="threshold",
        title="Threshold",
        title_ko="문턱값 함수",
        family="piecewise linear",
        summary="Passes inputs above a threshold and replaces all others by a fixed value.",
        summary_ko="문턱값보다 큰 입력은 그대로 통과시키고, 나머지는 정해진 값으로 바꿉니다.",
        formula="Piecewise((value, x <= threshold), (x, True))",
        derivative="Piecewise((1, x > threshold), (0, True))",
        params={"threshold": None, "value": None},
        param_docs={
            "threshold": "Inputs up to this one, itself included, are replaced.",
            "value": "What they are replaced by.",
        },
        param_docs_ko={"threshold": "이 값 이하의 입력을 바꿉니다.", "value": "바꾸어 넣을 값입니다."},
        kinks={"threshold": "0"},
        aliases=("thresholded_relu", "trelu"),
        limits=("0", "oo"),
        slopes=("0", "1"),
        range="[0, oo)",
        monotonic=True,
        saturates="left",
        same_bits=True,
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (0.5, 0.5)},
        elsewhere={
            "threshold": {"required": "PyTorch, Keras", "1": "Paddle, ONNX, NNlib"},
            "value": {"required": "PyTorch, Keras", "0": "Paddle", "always 0": "ONNX, NNlib"},
        },
        source="Konda, Memisevic and Krueger, 2014, arXiv:1402.3337",
        example=""">>> actfn.threshold(np.array([0.5, 1.0, 1.5]), 1.0, 0.0)
array([0. , 0. , 1.5])
>>> actfn.threshold_backward(1.0, np.array([0.5, 1.0, 1.5]), 1.0, 0.0)
array([0., 0., 1.])""",
    ),
    Activation(
        name="hard_tanh",
        title="Hard Tanh",
        title_ko="하드 tanh",
        layer="Hardtanh",
        family="piecewise linear",
        summary="Clips its input to an interval, by default from -1 to 1; a tanh made of straight lines.",
        summary_ko="입력을 정해진 구간(기본값은 -1에서 1까지)으로 자릅니다. 직선으로 이루어진 tanh입니다.",
        formula="Piecewise((min_val, x < min_val), (max_val, x > max_val), (x, True))",
        derivative="Piecewise((1, (x > min_val) & (x < max_val)), (0, True))",
        params={"min_val": -1.0, "max_val": 1.0},
        param_docs={"min_val": "Smallest output.", "max_val": "Largest output."},
        param_docs_ko={"min_val": "출력의 최솟값입니다.", "max_val": "출력의 최댓값입니다."},
        kinks={"min_val": "0", "max_val": "0"},
        limits=("-1", "1"),
        slopes=("0", "0"),
        range="[-1, 1]",
        monotonic=True,
        zero_centered=True,
        saturates="both",
        odd=True,
        same_bits=True,
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (0.5, 0.5)},
        elsewhere={
            "min_val": {"-1": "PyTorch, MLX, Paddle, Thinc", "always -1": "JAX, Keras"},
            "max_val": {"1": "PyTorch, MLX, Paddle, Thinc", "always 1": "JAX, Keras"},
        },
        source="Collobert, 2004, doctoral thesis, Université Paris 6",
        example=""">>> actfn.hard_tanh(np.array([-2.0, 0.5, 2.0]))
array([-1. ,  0.5,  1. ])
>>> actfn.hard_tanh_backward(1.0, np.array([-2.0, 0.5, 2.0]))
array([0., 1., 0.])""",
        plot=(-3.0, 3.0),
    ),
    Activation(
        name="hard_sigmoid",
        title="Hard Sigmoid",
        title_ko="하드 시그모이드",
        layer="Hardsigmoid",
        family="piecewise linear",
        summary=(
            "Clips a straight line to the interval from 0 to 1; a cheap stand-in for the sigmoid in mobile networks."
        ),
        summary_ko=("직선을 0과 1 사이로 자릅니다. 모바일 신경망에서 시그모이드 대신 쓰는, 계산이 간단한 함수입니다."),
        formula="Min(Max(slope*x + offset, 0), 1)",
        derivative="Piecewise((slope, (slope*x + offset > 0) & (slope*x + offset < 1)), (0, True))",
        params={"slope": 0.16666666666666666, "offset": 0.5},
        param_docs={
            "slope": "Slope of the line; ONNX uses 0.2.",
            "offset": "Value of the line at x = 0.",
        },
        param_docs_ko={"slope": "직선의 기울기입니다. ONNX는 0.2를 씁니다.", "offset": "x = 0에서 직선의 값입니다."},
        kinks={"-offset/slope": "0", "(1 - offset)/slope": "0"},
        limits=("0", "1"),
        slopes=("0", "0"),
        range="[0, 1]",
        monotonic=True,
        saturates="both",
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (0.67, 0.5)},
        elsewhere={
            "slope": {"always 1/6": "PyTorch, JAX, Keras", "0.1666667": "Paddle", "0.2": "ONNX, Thinc"},
            "offset": {"always 0.5": "PyTorch, JAX, Keras", "0.5": "Paddle, ONNX, Thinc"},
        },
        source=(
            "Courbariaux, Bengio and David, 2015, arXiv:1511.00363; slope 1/6: Howard et al., 2019, arXiv:1905.02244"
        ),
        example=""">>> actfn.hard_sigmoid(np.array([-4.0, 0.0, 1.5, 4.0]))
array([0.  , 0.5 , 0.75, 1.  ])
>>> actfn.hard_sigmoid_backward(1.0, np.array([-4.0, 0.0, 1.5, 4.0]))
array([0.        , 0.16666667, 0.16666667, 0.        ])""",
        plot=(-5.0, 5.0),
    ),
    Activation(
        name="clipped_linear",
        title="Clipped Linear",
        title_ko="절단 선형 함수",
        family="piecewise linear",
        summary=(
            "A straight line of any slope and offset, clipped to an interval: ReLU6, the hard tanh and the "
            "hard sigmoid are cases of it."
        ),
        summary_ko=(
            "임의의 기울기와 절편을 갖는 직선을 정해진 구간으로 자릅니다. ReLU6, 하드 tanh, 하드 시그모이드가 모두 "
            "이 함수의 특수한 경우입니다."
        ),
        formula=(
            "Piecewise((min_val, slope*x + offset < min_val), (max_val, slope*x + offset >= max_val), "
            "(slope*x + offset, True))"
        ),
        derivative="Piecewise((slope, (slope*x + offset > min_val) & (slope*x + offset < max_val)), (0, True))",
        params={"slope": 1.0, "offset": 0.0, "min_val": 0.0, "max_val": 1.0},
        param_docs={
            "slope": "Slope of the line.",
            "offset": "Value of the line at x = 0.",
            "min_val": "Smallest output.",
            "max_val": "Largest output.",
        },
        param_docs_ko={
            "slope": "직선의 기울기입니다.",
            "offset": "x = 0에서 직선의 값입니다.",
            "min_val": "출력의 최솟값입니다.",
            "max_val": "출력의 최댓값입니다.",
        },
        kinks={"(min_val - offset)/slope": "0", "(max_val - offset)/slope": "0"},
        limits=("0", "1"),
        slopes=("0", "0"),
        range="[0, 1]",
        monotonic=True,
        saturates="both",
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (0.5, 0.5)},
        source="",
        example=""">>> actfn.clipped_linear(np.array([-1.0, 0.25, 2.0]))
array([0.  , 0.25, 1.  ])
>>> actfn.clipped_linear(np.array([-1.0, 1.0, 4.0]), slope=2.0, offset=1.0, min_val=0.0, max_val=6.0)
array([0., 3., 6.])
>>> actfn.clipped_linear_backward(1.0, np.array([-1.0, 0.25, 2.0]))
array([0., 1., 0.])""",
        plot=(-2.0, 3.0),
    ),
    Activation(
        name="soft_shrink",
        title="Soft Shrink",
        title_ko="소프트 슈링크",
        layer="Softshrink",
        family="piecewise linear",
        summary=(
            "Moves its input towards 0 by lambd and returns 0 where it would cross; the step of sparse "
            "coding and denoising."
        ),
        summary_ko=(
            "입력을 0 쪽으로 lambd만큼 옮기고, 0을 넘어가는 값은 0으로 만듭니다. 희소 부호화와 잡음 제거에 씁니다."
        ),
        formula="Piecewise((x - lambd, x > lambd), (x + lambd, x < -lambd), (0, True))",
        derivative="Piecewise((1, Abs(x) > lambd), (0, True))",
        params={"lambd": 0.5},
        param_docs={"lambd": "Half the width of the band that becomes 0; not negative."},
        param_docs_ko={"lambd": "0이 되는 구간 너비의 절반으로, 음수일 수 없습니다."},
        kinks={"-lambd": "0", "lambd": "0"},
        aliases=("soft_threshold", "soft_thresholding"),
        limits=("-oo", "oo"),
        slopes=("1", "1"),
        range="(-oo, oo)",
        monotonic=True,
        zero_centered=True,
        odd=True,
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (0.5, 0.5)},
        elsewhere={
            "lambd": {"0.5": "PyTorch, Keras, MLX, Paddle", "0.5, with a bias that is 0": "ONNX"},
        },
        source="Donoho and Johnstone, 1994, Biometrika 81(3)",
        example=""">>> actfn.soft_shrink(np.array([-2.0, 0.25, 2.0]))
array([-1.5,  0. ,  1.5])
>>> actfn.soft_shrink_backward(1.0, np.array([-2.0, 0.25, 2.0]))
array([1., 0., 1.])""",
        plot=(-2.0, 2.0),
    ),
    Activation(
        name="hard_shrink",
        title="Hard Shrink",
        title_ko="하드 슈링크",
        layer="Hardshrink",
        family="piecewise linear",
        summary=(
            "Sets inputs of magnitude at most lambd to 0 and passes all others; it removes small coefficients as noise."
        ),
        summary_ko=(
            "절댓값이 lambd 이하인 입력은 0으로 만들고 나머지는 그대로 통과시킵니다. 작은 계수를 잡음으로 "
            "보고 없앱니다."
        ),
        formula="Piecewise((x, Abs(x) > lambd), (0, True))",
        derivative="Piecewise((1, Abs(x) > lambd), (0, True))",
        params={"lambd": 0.5},
        param_docs={"lambd": "Half the width of the band that becomes 0; not negative."},
        param_docs_ko={"lambd": "0이 되는 구간 너비의 절반으로, 음수일 수 없습니다."},
        kinks={"-lambd": "0", "lambd": "0"},
        aliases=("hard_threshold", "hard_thresholding"),
        limits=("-oo", "oo"),
        slopes=("1", "1"),
        range="(-oo, oo)",
        monotonic=True,
        zero_centered=True,
        odd=True,
        same_bits=True,
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (0.5, 0.5)},
        elsewhere={
            "lambd": {"0.5": "PyTorch, Keras, MLX, Paddle, ONNX"},
        },
        source="Donoho and Johnstone, 1994, Biometrika 81(3)",
        example=""">>> actfn.hard_shrink(np.array([-2.0, 0.25, 2.0]))
array([-2.,  0.,  2.])
>>> actfn.hard_shrink_backward(1.0, np.array([-2.0, 0.25, 2.0]))
array([1., 0., 1.])""",
        plot=(-2.0, 2.0),
    ),
    Activation(
        name="shrink",
        title="Shrink",
        title_ko="슈링크",
        family="piecewise linear",
        summary=(
            "Sets inputs of magnitude at most lambd to 0 and moves all others towards 0 by bias; the ONNX "
            "operator behind the soft and the hard shrink."
        ),
        summary_ko=(
            "절댓값이 lambd 이하인 입력은 0으로 만들고 나머지는 bias만큼 0 쪽으로 옮깁니다. 소프트 슈링크와 하드 "
            "슈링크를 아우르는 ONNX 연산입니다."
        ),
        formula="Piecewise((x - bias, x > lambd), (x + bias, x < -lambd), (0, True))",
        derivative="Piecewise((1, Abs(x) > lambd), (0, True))",
        params={"lambd": 0.5, "bias": 0.0},
        param_docs={
            "lambd": "Half the width of the band that becomes 0; not negative.",
            "bias": "Amount that is taken from the magnitude of all others.",
        },
        param_docs_ko={
            "lambd": "0이 되는 구간 너비의 절반으로, 음수일 수 없습니다.",
            "bias": "나머지 값의 크기에서 빼는 양입니다.",
        },
        kinks={"-lambd": "0", "lambd": "0"},
        limits=("-oo", "oo"),
        slopes=("1", "1"),
        range="(-oo, oo)",
        monotonic=True,
        zero_centered=True,
        odd=True,
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (0.5, 0.5)},
        source="",
        example=""">>> actfn.shrink(np.array([-2.0, 0.25, 2.0]), lambd=1.0, bias=0.5)
array([-1.5,  0. ,  1.5])
>>> actfn.shrink_backward(1.0, np.array([-2.0, 0.25, 2.0]))
array([1., 0., 1.])""",
        plot=(-2.0, 2.0),
    ),
    Activation(
        name="sparse_sigmoid",
        title="Sparse Sigmoid",
        title_ko="희소 시그모이드",
        family="piecewise linear",
        summary=(
            "Rises in a straight line from 0 at -1 to 1 at 1; sparsemax over two classes, and the derivative "
            "of sparse plus."
        ),
        summary_ko=(
            "-1에서 0, 1에서 1이 되도록 직선으로 올라갑니다. 클래스가 둘인 스파스맥스이며, 희소 플러스의 도함수입니다."
        ),
        formula="Piecewise((0, x <= -1), (1, x >= 1), ((x + 1)/2, True))",
        derivative="Piecewise((1/2, Abs(x) < 1), (0, True))",
        kinks={"-1": "0", "1": "0"},
        limits=("0", "1"),
        slopes=("0", "0"),
        range="[0, 1]",
        monotonic=True,
        saturates="both",
        same_bits=True,
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (0.5, 0.5)},
        source="Blondel, Martins and Niculae, 2019, arXiv:1901.02324",
        example=""">>> actfn.sparse_sigmoid(np.array([-2.0, 0.0, 0.5, 2.0]))
array([0.  , 0.5 , 0.75, 1.  ])
>>> actfn.sparse_sigmoid_backward(1.0, np.array([-2.0, 0.0, 0.5, 2.0]))
array([0. , 0.5, 0.5, 0. ])""",
        plot=(-3.0, 3.0),
    ),
    # ---- Piecewise quadratic ----
    Activation(
        name="hard_swish",
        title="Hard Swish",
        title_ko="하드 스위시",
        layer="Hardswish",
        family="piecewise quadratic",
        summary=("Multiplies its input by the hard sigmoid of it; a swish without exponentials, from MobileNetV3."),
        summary_ko=(
            "입력에 그 값의 하드 시그모이드를 곱합니다. 지수 함수 없이 계산하는 스위시로, MobileNetV3에서 나왔습니다."
        ),
        formula="Piecewise((0, x <= -3), (x, x >= 3), (x*(x + 3)/6, True))",
        derivative="Piecewise((0, x <= -3), (1, x >= 3), ((2*x + 3)/6, True))",
        kinks={"-3": "0", "3": "1"},
        aliases=("hard_silu", "hswish", "hard_swish_mobilenet"),
        limits=("0", "oo"),
        slopes=("0", "1"),
        range="[-0.375, oo)",
        saturates="left",
        ulp={"float16": (0.51, 0.5), "float32": (0.68, 0.68), "float64": (1.86, 1.0)},
        source="Howard et al., 2019, arXiv:1905.02244",
        example=""">>> actfn.hard_swish(np.array([-4.0, -1.0, 0.0, 1.0, 4.0]))
array([ 0.        , -0.33333333,  0.        ,  0.66666667,  4.        ])
>>> actfn.hard_swish_backward(1.0, np.array([-4.0, -1.0, 0.0, 1.0, 4.0]))
array([0.        , 0.16666667, 0.5       , 0.83333333, 1.        ])""",
        plot=(-5.0, 5.0),
    ),
    Activation(
        name="sparse_plus",
        title="Sparse Plus",
        title_ko="희소 플러스",
        family="piecewise quadratic",
        summary="A softplus that is exactly 0 below -1 and exactly x above 1, with a parabola between.",
        summary_ko=("-1보다 작으면 정확히 0, 1보다 크면 정확히 x이고, 그 사이를 포물선으로 잇는 소프트플러스입니다."),
        formula="Piecewise((0, x <= -1), (x, x >= 1), ((x + 1)**2/4, True))",
        derivative="Piecewise((0, x <= -1), (1, x >= 1), ((x + 1)/2, True))",
        limits=("0", "oo"),
        slopes=("0", "1"),
        range="[0, oo)",
        monotonic=True,
        saturates="left",
        ulp={"float16": (0.51, 0.5), "float32": (0.51, 0.51), "float64": (1.0, 0.5)},
        source="Blondel, Martins and Niculae, 2019, arXiv:1901.02324",
        example=""">>> actfn.sparse_plus(np.array([-2.0, 0.0, 0.5, 2.0]))
array([0.    , 0.25  , 0.5625, 2.    ])
>>> actfn.sparse_plus_backward(1.0, np.array([-2.0, 0.0, 0.5, 2.0]))
array([0.  , 0.5 , 0.75, 1.  ])""",
        plot=(-3.0, 3.0),
    ),
    Activation(
        name="relu2",
        title="Squared ReLU",
        title_ko="제곱 렐루",
        family="piecewise quadratic",
        summary="The square of a ReLU, whose derivative has no jump; found by a search for better Transformers.",
        summary_ko="렐루를 제곱한 함수로, 도함수가 끊기지 않습니다. 더 나은 트랜스포머를 찾는 탐색에서 나왔습니다.",
        formula="Max(x, 0)**2",
        derivative="2*Max(x, 0)",
        aliases=("squared_relu", "relu_squared"),
        limits=("0", "oo"),
        slopes=("0", "oo"),
        range="[0, oo)",
        monotonic=True,
        saturates="left",
        same_bits=True,
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (0.5, 0.5)},
        source="So, Mańke, Liu, Dai, Shazeer and Le, 2021, arXiv:2109.08668",
        example=""">>> actfn.relu2(np.array([-1.0, 0.0, 3.0]))
array([0., 0., 9.])
>>> actfn.relu2_backward(1.0, np.array([-1.0, 0.0, 3.0]))
array([0., 0., 6.])""",
    ),
    Activation(
        name="star_relu",
        title="StarReLU",
        title_ko="스타 렐루",
        family="piecewise quadratic",
        summary=(
            "A squared ReLU with a learned scale and bias, which can give mean 0 and variance 1; the activation of "
            "MetaFormer."
        ),
        summary_ko=(
            "제곱 렐루에 학습하는 배율과 편향을 더해 평균을 0, 분산을 1로 맞출 수 있게 한 함수입니다. MetaFormer에 "
            "쓰였습니다."
        ),
        formula="scale*Max(x, 0)**2 + bias",
        derivative="2*scale*Max(x, 0)",
        params={"scale": 1.0, "bias": 0.0},
        param_docs={
            "scale": "Factor of the square, learned; 0.8944 in the paper.",
            "bias": "Amount added to the output, learned; -0.4472 in the paper.",
        },
        param_docs_ko={
            "scale": "제곱에 곱하는 값으로, 학습됩니다. 논문에서는 0.8944입니다.",
            "bias": "출력에 더하는 값으로, 학습됩니다. 논문에서는 -0.4472입니다.",
        },
        trains=("scale", "bias"),
        limits=("0", "oo"),
        slopes=("0", "oo"),
        range="[0, oo)",
        monotonic=True,
        saturates="left",
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (1.46, 0.5)},
        source="Yu et al., 2022, arXiv:2210.13452",
        example=""">>> actfn.star_relu(np.array([-1.0, 0.0, 1.0]), 1.0, -0.5)
array([-0.5, -0.5,  0.5])
>>> actfn.star_relu_backward(1.0, np.array([-1.0, 2.0]), np.array([1.0, 1.0]), 0.0)
(array([0., 4.]), array([0., 4.]), np.float64(2.0))""",
    ),
    Activation(
        name="hard_mish",
        title="Hard Mish",
        title_ko="하드 미시",
        family="piecewise quadratic",
        summary="A Mish made of straight lines and a parabola between -2 and 0, without exponentials.",
        summary_ko="지수 함수 없이 직선과, -2에서 0까지의 포물선만으로 만든 미시입니다.",
        formula="x/2*Min(Max(x + 2, 0), 2)",
        derivative="Piecewise((0, x <= -2), (1, x >= 0), (x + 1, True))",
        kinks={"-2": "0"},
        aliases=("hmish",),
        limits=("0", "oo"),
        slopes=("0", "1"),
        range="[-0.5, oo)",
        saturates="left",
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (1.5, 0.5)},
        source="Misra, github.com/digantamisra98/H-Mish",
        example=""">>> actfn.hard_mish(np.array([-3.0, -1.0, 0.0, 2.0]))
array([ 0. , -0.5,  0. ,  2. ])
>>> actfn.hard_mish_backward(1.0, np.array([-3.0, -1.5, 0.0, 2.0]))
array([ 0. , -0.5,  1. ,  1. ])""",
    ),
    Activation(
        name="sqnl",
        title="SQNL",
        title_ko="SQNL (제곱 비선형 함수)",
        family="piecewise quadratic",
        summary=(
            "Two parabolas that meet at 0 and reach -1 and 1 at -2 and 2; like tanh, but cheap on hardware "
            "without floating point."
        ),
        summary_ko=(
            "0에서 만나 -2와 2에서 -1과 1에 이르는 두 포물선입니다. tanh와 닮았지만 부동소수점이 없는 "
            "하드웨어에서도 계산이 간단합니다."
        ),
        formula="Piecewise((-1, x < -2), (1, x > 2), (x - x*Abs(x)/4, True))",
        derivative="Piecewise((1 - Abs(x)/2, Abs(x) < 2), (0, True))",
        aliases=("square_nonlinearity",),
        limits=("-1", "1"),
        slopes=("0", "0"),
        range="[-1, 1]",
        monotonic=True,
        zero_centered=True,
        saturates="both",
        odd=True,
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (1.49, 0.5)},
        source="Wuraola and Patel, 2018, SQNL: a new computationally efficient activation function, IJCNN",
        example=""">>> actfn.sqnl(np.array([-3.0, -1.0, 0.0, 1.0, 3.0]))
array([-1.  , -0.75,  0.  ,  0.75,  1.  ])
>>> actfn.sqnl_backward(1.0, np.array([-3.0, -1.0, 0.0, 1.0, 3.0]))
array([0. , 0.5, 1. , 0.5, 0. ])""",
    ),
    # ---- Sigmoidal ----
    Activation(
        name="sigmoid",
        title="Sigmoid",
        title_ko="시그모이드",
        family="sigmoidal",
        summary=(
            "Maps any number into the interval from 0 to 1, where it can be read as a probability; the gate of an LSTM."
        ),
        summary_ko="모든 수를 0과 1 사이로 옮겨 확률로 읽을 수 있게 합니다. LSTM의 게이트에 쓰입니다.",
        formula="1/(1 + exp(-x))",
        derivative="sigmoid(x)*(1 - sigmoid(x))",
        aliases=("logistic", "expit"),
        limits=("0", "1"),
        slopes=("0", "0"),
        range="(0, 1)",
        monotonic=True,
        smooth=True,
        saturates="both",
        segment=0.25,
        ulp={"float16": (0.51, 0.51), "float32": (0.66, 0.66), "float64": (1.64, 1.72)},
        source="Verhulst, 1838, Correspondance mathématique et physique 10",
        example=""">>> actfn.sigmoid(np.array([-1.0, 0.0, 1.0]))
array([0.26894142, 0.5       , 0.73105858])
>>> actfn.sigmoid_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([0.19661193, 0.25      , 0.19661193])""",
        plot=(-6.0, 6.0),
    ),
    Activation(
        name="laplace",
        title="Laplace",
        title_ko="라플라스 활성화 함수",
        family="sigmoidal",
        summary=(
            "A normal distribution function with mean mu and deviation sigma, which by default approximate "
            "the squared ReLU; from MEGA."
        ),
        summary_ko=(
            "평균 mu, 표준편차 sigma인 정규분포의 누적분포함수입니다. 기본값은 제곱 렐루를 근사하며, MEGA에서 "
            "나왔습니다."
        ),
        formula="erfc(-(x - mu)/(sigma*sqrt(2)))/2",
        derivative="exp(-(x - mu)**2/(2*sigma**2))/(sigma*sqrt(2*pi))",
        params={"mu": 0.707107, "sigma": 0.282095},
        param_docs={"mu": "Where the value is 1/2.", "sigma": "Width of the rise; positive."},
        param_docs_ko={"mu": "함숫값이 1/2이 되는 자리입니다.", "sigma": "올라가는 구간의 너비로, 양수입니다."},
        limits=("0", "1"),
        slopes=("0", "0"),
        range="(0, 1)",
        monotonic=True,
        smooth=True,
        saturates="both",
        ulp={"float16": (0.51, 0.51), "float32": (0.51, 0.51), "float64": (1.3, 0.77)},
        source="Ma et al., 2022, arXiv:2209.10655",
        example=""">>> actfn.laplace(np.array([0.0, 0.5, 1.0]))
array([0.00609446, 0.23142115, 0.85042965])
>>> actfn.laplace_backward(1.0, np.array([0.0, 0.5, 1.0]))
array([0.06111383, 1.08011405, 0.82494577])""",
        plot=(-1.0, 3.0),
    ),
    Activation(
        name="log_sigmoid",
        title="Log Sigmoid",
        title_ko="로그 시그모이드",
        family="sigmoidal",
        summary=(
            "The logarithm of the sigmoid, computed in one step; the log-probability in binary classification losses."
        ),
        summary_ko="시그모이드의 로그를 한 번에 계산합니다. 이진 분류의 손실 함수에서 로그 확률로 씁니다.",
        formula="-softplus(-x)",
        derivative="sigmoid(-x)",
        aliases=("log_expit",),
        limits=("-oo", "0"),
        slopes=("1", "0"),
        range="(-oo, 0)",
        monotonic=True,
        smooth=True,
        saturates="right",
        segment=0.25,
        ulp={"float16": (0.51, 0.51), "float32": (0.66, 0.54), "float64": (1.72, 1.72)},
        source="",
        example=""">>> actfn.log_sigmoid(np.array([-1.0, 0.0, 1.0]))
array([-1.31326169, -0.69314718, -0.31326169])
>>> actfn.log_sigmoid_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([0.73105858, 0.5       , 0.26894142])""",
    ),
    Activation(
        name="tanh",
        title="Tanh",
        title_ko="하이퍼볼릭 탄젠트 (쌍곡탄젠트)",
        family="sigmoidal",
        summary=("Maps any number into the interval from -1 to 1, centred on 0; the state of a recurrent network."),
        summary_ko="모든 수를 0을 중심으로 -1과 1 사이로 옮깁니다. 순환 신경망의 상태를 계산할 때 씁니다.",
        formula="tanh(x)",
        derivative="1 - tanh(x)**2",
        aliases=("hyperbolic_tangent",),
        limits=("-1", "1"),
        slopes=("0", "0"),
        range="(-1, 1)",
        monotonic=True,
        zero_centered=True,
        smooth=True,
        saturates="both",
        odd=True,
        segment=0.25,
        ulp={"float16": (0.5, 0.51), "float32": (0.61, 0.88), "float64": (0.98, 1.81)},
        source="",
        example=""">>> actfn.tanh(np.array([-1.0, 0.0, 1.0]))
array([-0.76159416,  0.        ,  0.76159416])
>>> actfn.tanh_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([0.41997434, 1.        , 0.41997434])""",
    ),
    Activation(
        name="stanh",
        title="Scaled Tanh",
        title_ko="스케일드 tanh",
        family="sigmoidal",
        summary=(
            "A tanh stretched in both directions; with the default constants, of LeCun and others, f(1) is "
            "nearly 1 and the curve bends most there."
        ),
        summary_ko="가로와 세로로 늘인 tanh입니다. 르쿤 등이 정한 기본값에서는 f(1)이 1에 가깝습니다.",
        formula="scale_b*tanh(scale_a*x)",
        derivative="scale_a*scale_b*(1 - tanh(scale_a*x)**2)",
        params={"scale_a": 0.67, "scale_b": 1.7159},
        param_docs={"scale_a": "Factor of the input.", "scale_b": "Factor of the output."},
        param_docs_ko={"scale_a": "입력에 곱하는 값입니다.", "scale_b": "출력에 곱하는 값입니다."},
        aliases=("lecun_tanh", "scaled_tanh"),
        limits=("-1.7159", "1.7159"),
        slopes=("0", "0"),
        range="(-1.7159, 1.7159)",
        monotonic=True,
        zero_centered=True,
        smooth=True,
        saturates="both",
        odd=True,
        ulp={"float16": (0.51, 0.5), "float32": (0.51, 0.51), "float64": (1.05, 0.85)},
        source="LeCun, Bottou, Orr and Müller, 1998, Neural networks: tricks of the trade",
        example=""">>> actfn.stanh(np.array([-1.0, 0.0, 1.0]))
array([-1.00376698,  0.        ,  1.00376698])
>>> actfn.stanh_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([0.75624006, 1.149653  , 0.75624006])""",
    ),
    Activation(
        name="softcap",
        title="Soft Cap",
        title_ko="소프트캡",
        family="sigmoidal",
        summary=(
            "The identity for small inputs, bent by a tanh so that it never exceeds cap; it keeps the logits "
            "of Gemma 2 in bounds."
        ),
        summary_ko=(
            "작은 입력은 거의 그대로 두고 tanh로 휘어 절댓값이 cap을 넘지 않게 합니다. Gemma 2에서 로짓의 크기를 "
            "제한하는 데 쓰였습니다."
        ),
        formula="cap*tanh(x/cap)",
        derivative="1 - tanh(x/cap)**2",
        params={"cap": 30.0},
        param_docs={"cap": "Bound of the output, positive; Gemma 2 has 30 for the final logits and 50 for attention."},
        param_docs_ko={"cap": "출력의 한계로, 양수입니다. Gemma 2는 마지막 로짓에 30, 어텐션에 50을 씁니다."},
        aliases=("logit_softcap", "softcapping"),
        limits=("-30", "30"),
        slopes=("0", "0"),
        range="(-30, 30)",
        monotonic=True,
        zero_centered=True,
        smooth=True,
        saturates="both",
        odd=True,
        ulp={"float16": (0.51, 0.5), "float32": (0.51, 0.51), "float64": (1.07, 0.71)},
        source="Bello, Pham, Le, Norouzi and Bengio, 2016, arXiv:1611.09940",
        example=""">>> actfn.softcap(np.array([-100.0, 0.0, 10.0]))
array([-29.92373902,   0.        ,   9.64538213])
>>> actfn.softcap_backward(1.0, np.array([-100.0, 0.0, 10.0]))
array([0.0050776 , 1.        , 0.89662956])""",
        plot=(-90.0, 90.0),
    ),
    Activation(
        name="dynamic_tanh",
        title="Dynamic Tanh",
        title_ko="다이내믹 tanh (DyT)",
        family="sigmoidal",
        summary=(
            "A tanh with a learned factor inside, and a learned weight and bias outside; it takes the place of layer "
            "normalisation in transformers."
        ),
        summary_ko=(
            "안쪽의 배율과 바깥쪽의 가중치, 편향을 학습하는 tanh입니다. 트랜스포머에서 층 정규화를 대신합니다."
        ),
        formula="weight*tanh(alpha*x) + bias",
        derivative="alpha*weight*(1 - tanh(alpha*x)**2)",
        params={"alpha": 0.5, "weight": 1.0, "bias": 0.0},
        param_docs={
            "alpha": "Factor of the input, learned; one for the layer.",
            "weight": "Factor of the tanh, learned; one per channel.",
            "bias": "Amount added to the output, learned; one per channel.",
        },
        param_docs_ko={
            "alpha": "입력에 곱하는 값으로, 학습됩니다. 층 전체에 하나입니다.",
            "weight": "tanh에 곱하는 값으로, 학습됩니다. 채널마다 하나입니다.",
            "bias": "출력에 더하는 값으로, 학습됩니다. 채널마다 하나입니다.",
        },
        trains=("alpha", "weight", "bias"),
        aliases=("dyt",),
        limits=("-1", "1"),
        slopes=("0", "0"),
        range="(-1, 1)",
        monotonic=True,
        zero_centered=True,
        smooth=True,
        saturates="both",
        odd=True,
        ulp={"float16": (0.51, 0.51)},
        source="Zhu, Chen, He, LeCun and Liu, 2025, arXiv:2503.10622",
        example=""">>> actfn.dynamic_tanh(np.array([-2.0, 0.0, 2.0]), weight=2.0, bias=1.0)
array([-0.52318831,  1.        ,  2.52318831])
>>> actfn.dynamic_tanh_backward(1.0, np.array([-2.0, 0.0, 2.0]), weight=2.0)[0]
array([0.41997434, 1.        , 0.41997434])""",
        plot=(-8.0, 8.0),
    ),
    Activation(
        name="tanh_shrink",
        title="Tanh Shrink",
        title_ko="tanh 슈링크",
        layer="Tanhshrink",
        family="sigmoidal",
        summary=("What remains of the input after its tanh is taken away: nearly 0 around 0, a line far from it."),
        summary_ko=("입력에서 그 값의 tanh를 뺀 나머지입니다. 0 근처에서는 거의 0이고 멀어지면 직선에 가까워집니다."),
        formula="x - tanh(x)",
        derivative="tanh(x)**2",
        limits=("-oo", "oo"),
        slopes=("1", "1"),
        range="(-oo, oo)",
        monotonic=True,
        zero_centered=True,
        smooth=True,
        odd=True,
        segment=0.25,
        ulp={"float16": (0.51, 0.51), "float32": (0.63, 0.66), "float64": (1.86, 1.84)},
        source="",
        example=""">>> actfn.tanh_shrink(np.array([-1.0, 0.0, 1.0]))
array([-0.23840584,  0.        ,  0.23840584])
>>> actfn.tanh_shrink_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([0.58002566, 0.        , 0.58002566])""",
    ),
    Activation(
        name="lisht",
        title="LiSHT",
        title_ko="LiSHT (선형 스케일 tanh)",
        family="sigmoidal",
        summary=(
            "Multiplies its input by the tanh of it: never negative, symmetric, and nearly the magnitude far from 0."
        ),
        summary_ko=(
            "입력에 그 값의 tanh를 곱합니다. 음수가 되지 않는 대칭 함수이며, 0에서 멀어지면 절댓값에 가까워집니다."
        ),
        formula="x*tanh(x)",
        derivative="tanh(x) + x*(1 - tanh(x)**2)",
        aliases=("linearly_scaled_tanh",),
        limits=("oo", "oo"),
        slopes=("-1", "1"),
        range="[0, oo)",
        smooth=True,
        ulp={"float16": (0.5, 0.51), "float32": (0.51, 0.51), "float64": (1.71, 0.73)},
        source="Roy, Manna, Dubey and Chaudhuri, 2019, arXiv:1901.05894",
        example=""">>> actfn.lisht(np.array([-1.0, 0.0, 1.0]))
array([0.76159416, 0.        , 0.76159416])
>>> actfn.lisht_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([-1.1815685,  0.       ,  1.1815685])""",
    ),
    Activation(
        name="logcosh",
        title="Log Cosh",
        title_ko="로그 쌍곡코사인",
        family="sigmoidal",
        summary=(
            "The logarithm of the hyperbolic cosine: a parabola around 0, straight lines far from it; best "
            "known as a loss."
        ),
        summary_ko=(
            "쌍곡코사인의 로그입니다. 0 근처에서는 포물선, 멀리에서는 직선에 가까우며 손실 함수로 잘 알려져 있습니다."
        ),
        formula="log((exp(x) + exp(-x))/2)",
        derivative="tanh(x)",
        aliases=("log_cosh",),
        limits=("oo", "oo"),
        slopes=("-1", "1"),
        range="[0, oo)",
        smooth=True,
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (1.9, 0.98)},
        source="",
        example=""">>> actfn.logcosh(np.array([-1.0, 0.0, 1.0]))
array([0.43378083, 0.        , 0.43378083])
>>> actfn.logcosh_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([-0.76159416,  0.        ,  0.76159416])""",
    ),
    Activation(
        name="softsign",
        title="Softsign",
        title_ko="소프트사인",
        family="sigmoidal",
        summary=("Divides its input by one plus its magnitude; like tanh, but it approaches -1 and 1 far more slowly."),
        summary_ko="입력을 (1 + 절댓값)으로 나눕니다. tanh와 닮았지만 -1과 1에 훨씬 천천히 다가갑니다.",
        formula="x/(1 + Abs(x))",
        derivative="1/(1 + Abs(x))**2",
        limits=("-1", "1"),
        slopes=("0", "0"),
        range="(-1, 1)",
        monotonic=True,
        zero_centered=True,
        saturates="both",
        odd=True,
        same_bits=True,
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (1.48, 0.73)},
        source=("Bergstra, Desjardins, Lamblin and Bengio, 2009, technical report 1337, Université de Montréal"),
        example=""">>> actfn.softsign(np.array([-1.0, 0.0, 3.0]))
array([-0.5 ,  0.  ,  0.75])
>>> actfn.softsign_backward(1.0, np.array([-1.0, 0.0, 3.0]))
array([0.25  , 1.    , 0.0625])""",
        plot=(-8.0, 8.0),
    ),
    Activation(
        name="elliott",
        title="Elliott",
        title_ko="엘리엇 함수",
        family="sigmoidal",
        summary=(
            "A softsign moved into the interval from 0 to 1: a sigmoid without exponentials, which "
            "approaches its ends slowly."
        ),
        summary_ko=(
            "소프트사인을 0과 1 사이로 옮긴 함수입니다. 지수 함수가 없는 시그모이드이며, 양 끝에 천천히 다가갑니다."
        ),
        formula="x/(2*(1 + Abs(x))) + 1/2",
        derivative="1/(2*(1 + Abs(x))**2)",
        aliases=("elliott_sigmoid",),
        limits=("0", "1"),
        slopes=("0", "0"),
        range="(0, 1)",
        monotonic=True,
        saturates="both",
        ulp={"float16": (0.51, 0.5), "float32": (0.51, 0.76), "float64": (1.5, 0.74)},
        source="Elliott, 1993, A better activation function for artificial neural networks",
        example=""">>> actfn.elliott(np.array([-1.0, 0.0, 3.0]))
array([0.25 , 0.5  , 0.875])
>>> actfn.elliott_backward(1.0, np.array([-1.0, 0.0, 3.0]))
array([0.125  , 0.5    , 0.03125])""",
        plot=(-8.0, 8.0),
    ),
    Activation(
        name="isru",
        title="ISRU",
        title_ko="ISRU (역제곱근 유닛)",
        family="sigmoidal",
        summary=(
            "Divides its input by the square root of one plus alpha times its square; a tanh that needs no exponential."
        ),
        summary_ko="입력을 (1 + alpha × 입력의 제곱)의 제곱근으로 나눕니다. 지수 함수 없이 계산하는 tanh입니다.",
        formula="x/sqrt(1 + alpha*x**2)",
        derivative="1/sqrt(1 + alpha*x**2)**3",
        params={"alpha": 1.0},
        param_docs={"alpha": "One over the square of the limits; positive."},
        param_docs_ko={"alpha": "극한값 제곱의 역수로, 양수입니다."},
        aliases=("inverse_square_root_unit",),
        limits=("-1", "1"),
        slopes=("0", "0"),
        range="(-1, 1)",
        monotonic=True,
        zero_centered=True,
        smooth=True,
        saturates="both",
        odd=True,
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (0.5, 0.75)},
        source="Carlile, Delamarter, Kinney, Marti and Whitney, 2017, arXiv:1710.09967",
        example=""">>> actfn.isru(np.array([-1.0, 0.0, 0.75]))
array([-0.70710678,  0.        ,  0.6       ])
>>> actfn.isru_backward(1.0, np.array([-1.0, 0.0, 0.75]))
array([0.35355339, 1.        , 0.512     ])""",
        plot=(-6.0, 6.0),
    ),
    Activation(
        name="gaussian",
        title="Gaussian",
        title_ko="가우스 함수",
        family="sigmoidal",
        summary="A bell around 0 that falls to 0 on both sides; the unit of radial basis function networks.",
        summary_ko="0을 중심으로 양쪽에서 0으로 떨어지는 종 모양 함수입니다. 방사 기저 함수 신경망의 유닛입니다.",
        formula="exp(-x**2)",
        derivative="-2*x*exp(-x**2)",
        limits=("0", "0"),
        slopes=("0", "0"),
        range="(0, 1]",
        smooth=True,
        saturates="both",
        ulp={"float16": (0.5, 0.51), "float32": (0.51, 0.51), "float64": (0.76, 0.81)},
        source="Broomhead and Lowe, 1988, Complex Systems 2(3)",
        example=""">>> actfn.gaussian(np.array([-1.0, 0.0, 1.0]))
array([0.36787944, 1.        , 0.36787944])
>>> actfn.gaussian_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([ 0.73575888,  0.        , -0.73575888])""",
    ),
    Activation(
        name="arctan",
        title="Arctangent",
        title_ko="아크탄젠트",
        family="sigmoidal",
        summary=(
            "The angle whose tangent is the input: like tanh, but its ends are -pi/2 and pi/2 and it "
            "approaches them slowly."
        ),
        summary_ko="입력을 탄젠트 값으로 갖는 각도입니다. tanh와 닮았지만 양 끝이 -π/2와 π/2이고 천천히 다가갑니다.",
        formula="atan(x)",
        derivative="1/(1 + x**2)",
        aliases=("atan", "arc_tangent"),
        limits=("-pi/2", "pi/2"),
        slopes=("0", "0"),
        range="(-pi/2, pi/2)",
        monotonic=True,
        zero_centered=True,
        smooth=True,
        saturates="both",
        odd=True,
        ulp={"float16": (0.51, 0.5), "float32": (0.51, 0.51), "float64": (0.84, 1.4)},
        source="",
        example=""">>> actfn.arctan(np.array([-1.0, 0.0, 1.0]))
array([-0.78539816,  0.        ,  0.78539816])
>>> actfn.arctan_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([0.5, 1. , 0.5])""",
        plot=(-6.0, 6.0),
    ),
    # ---- Exponential linear ----
    Activation(
        name="elu",
        title="ELU",
        title_ko="ELU (지수 선형 유닛)",
        family="exponential linear",
        summary=(
            "Passes positive inputs and bends negative ones along an exponential to -alpha, so that mean "
            "outputs are near 0."
        ),
        summary_ko=(
            "양수는 그대로 통과시키고 음수는 지수 곡선을 따라 -alpha로 다가가게 하여, 출력의 평균을 0에 가깝게 합니다."
        ),
        formula="Piecewise((x, x > 0), (alpha*(exp(x) - 1), True))",
        derivative="Piecewise((1, x > 0), (alpha*exp(x), True))",
        params={"alpha": 1.0},
        param_docs={"alpha": "Minus the limit for x to -infinity."},
        param_docs_ko={"alpha": "x가 음의 무한대로 갈 때의 극한값에 -1을 곱한 것입니다."},
        kinks={"0": "alpha"},
        limits=("-1", "oo"),
        slopes=("0", "1"),
        range="(-1, oo)",
        monotonic=True,
        saturates="left",
        segment=0.25,
        ulp={"float16": (0.5, 0.5), "float32": (0.58, 0.65), "float64": (1.06, 1.64)},
        elsewhere={
            "alpha": {"1": "PyTorch, JAX, Keras, ONNX, MLX, Paddle"},
        },
        source="Clevert, Unterthiner and Hochreiter, 2015, arXiv:1511.07289",
        example=""">>> actfn.elu(np.array([-1.0, 0.0, 2.0]))
array([-0.63212056,  0.        ,  2.        ])
>>> actfn.elu_backward(1.0, np.array([-1.0, 0.0, 2.0]))
array([0.36787944, 1.        , 1.        ])""",
    ),
    Activation(
        name="selu",
        title="SELU",
        title_ko="SELU (스케일드 지수 선형 유닛)",
        family="exponential linear",
        summary=("An ELU with two fixed constants that draw the mean of each layer to 0 and its variance to 1."),
        summary_ko="각 층의 평균은 0으로, 분산은 1로 이끄는 두 상수를 정해 둔 ELU입니다.",
        formula=(
            "1.0507009873554804934193349852946"
            "*Piecewise((x, x > 0), (1.6732632423543772848170429916717*(exp(x) - 1), True))"
        ),
        derivative=(
            "1.0507009873554804934193349852946*Piecewise((1, x > 0), (1.6732632423543772848170429916717*exp(x), True))"
        ),
        kinks={"0": "1.0507009873554804934193349852946*1.6732632423543772848170429916717"},
        limits=("-1.0507009873554804934193349852946*1.6732632423543772848170429916717", "oo"),
        slopes=("0", "1.0507009873554804934193349852946"),
        range="(-1.75810, oo)",
        monotonic=True,
        saturates="left",
        segment=0.25,
        ulp={"float16": (0.5, 0.51), "float32": (0.58, 0.66), "float64": (1.75, 1.91)},
        source="Klambauer, Unterthiner, Mayr and Hochreiter, 2017, arXiv:1706.02515",
        example=""">>> actfn.selu(np.array([-1.0, 0.0, 1.0]))
array([-1.11133074,  0.        ,  1.05070099])
>>> actfn.selu_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([0.6467686 , 1.75809934, 1.05070099])""",
    ),
    Activation(
        name="celu",
        title="CELU",
        title_ko="CELU (연속 미분 가능 지수 선형 유닛)",
        family="exponential linear",
        summary=("An ELU whose exponential is stretched by alpha, so that the slope at 0 is 1 for every alpha."),
        summary_ko="지수 부분을 alpha만큼 늘려, alpha가 얼마이든 0에서 기울기가 1이 되게 한 ELU입니다.",
        formula="Piecewise((x, x > 0), (alpha*(exp(x/alpha) - 1), True))",
        derivative="Piecewise((1, x > 0), (exp(x/alpha), True))",
        params={"alpha": 1.0},
        param_docs={"alpha": "Minus the limit for x to -infinity; positive."},
        param_docs_ko={"alpha": "x가 음의 무한대로 갈 때의 극한값에 -1을 곱한 것으로, 양수입니다."},
        limits=("-1", "oo"),
        slopes=("0", "1"),
        range="(-1, oo)",
        monotonic=True,
        saturates="left",
        segment=0.25,
        ulp={"float16": (0.5, 0.5), "float32": (0.58, 0.65), "float64": (1.06, 1.65)},
        elsewhere={
            "alpha": {"1": "PyTorch, JAX, Keras, ONNX, MLX, Paddle"},
        },
        source="Barron, 2017, arXiv:1704.07483",
        example=""">>> actfn.celu(np.array([-1.0, 0.0, 2.0]), alpha=0.5)
array([-0.43233236,  0.        ,  2.        ])
>>> actfn.celu_backward(1.0, np.array([-1.0, 0.0, 2.0]), alpha=0.5)
array([0.13533528, 1.        , 1.        ])""",
    ),
    Activation(
        name="isrlu",
        title="ISRLU",
        title_ko="ISRLU (역제곱근 선형 유닛)",
        family="exponential linear",
        summary=(
            "Passes positive inputs and bends negative ones like the ELU, along an inverse square root "
            "instead of an exponential."
        ),
        summary_ko="양수는 그대로 통과시키고, 음수는 지수 함수 대신 역제곱근 곡선을 따라 ELU처럼 휘게 합니다.",
        formula="Piecewise((x, x >= 0), (x/sqrt(1 + alpha*x**2), True))",
        derivative="Piecewise((1, x >= 0), (1/sqrt(1 + alpha*x**2)**3, True))",
        params={"alpha": 1.0},
        param_docs={"alpha": "One over the square of the limit for x to -infinity; positive."},
        param_docs_ko={"alpha": "x가 음의 무한대로 갈 때의 극한값을 제곱한 것의 역수로, 양수입니다."},
        aliases=("inverse_square_root_linear_unit",),
        limits=("-1", "oo"),
        slopes=("0", "1"),
        range="(-1, oo)",
        monotonic=True,
        saturates="left",
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (0.5, 0.75)},
        source="Carlile, Delamarter, Kinney, Marti and Whitney, 2017, arXiv:1710.09967",
        example=""">>> actfn.isrlu(np.array([-0.75, 0.0, 2.0]))
array([-0.6,  0. ,  2. ])
>>> actfn.isrlu_backward(1.0, np.array([-0.75, 0.0, 2.0]))
array([0.512, 1.   , 1.   ])""",
    ),
    Activation(
        name="pelu",
        title="PELU",
        title_ko="PELU (매개변수 ELU)",
        family="exponential linear",
        summary="An ELU with two learned parameters: a/b is the slope on the right, a minus the limit on the left.",
        summary_ko="두 매개변수를 학습하는 ELU입니다. a/b는 오른쪽의 기울기이고, 왼쪽의 극한은 -a입니다.",
        formula="Piecewise((a/b*x, x > 0), (a*(exp(x/b) - 1), True))",
        derivative="Piecewise((a/b, x > 0), (a/b*exp(x/b), True))",
        params={"a": 1.0, "b": 1.0},
        param_docs={
            "a": "Minus the limit for x to -infinity, learned; positive.",
            "b": "Width of the bend, learned; positive.",
        },
        param_docs_ko={
            "a": "x가 음의 무한대로 갈 때의 극한값에 -1을 곱한 것으로, 학습됩니다. 양수입니다.",
            "b": "굽은 부분의 너비로, 학습됩니다. 양수입니다.",
        },
        trains=("a", "b"),
        aliases=("parametric_elu",),
        limits=("-1", "oo"),
        slopes=("0", "1"),
        range="(-1, oo)",
        monotonic=True,
        saturates="left",
        segment=0.25,
        ulp={"float16": (0.5, 0.5), "float32": (0.58, 0.65), "float64": (1.06, 0.76)},
        source="Trottier, Giguère and Chaib-draa, 2016, arXiv:1605.09332",
        example=""">>> actfn.pelu(np.array([-1.0, 0.0, 2.0]), 1.0, 2.0)
array([-0.39346934,  0.        ,  1.        ])
>>> actfn.pelu_backward(1.0, np.array([-1.0, 2.0]), np.array([1.0, 1.0]), np.array([2.0, 2.0]))
(array([0.30326533, 0.5       ]), array([-0.39346934,  1.        ]), array([ 0.15163266, -0.5       ]))""",
    ),
    Activation(
        name="exponential",
        title="Exponential",
        title_ko="지수 함수",
        family="exponential linear",
        summary="The exponential function; the output of models of rates and counts, which must be positive.",
        summary_ko="지수 함수입니다. 횟수나 비율처럼 양수여야 하는 값을 예측하는 모델의 출력층에 씁니다.",
        formula="exp(x)",
        derivative="exp(x)",
        aliases=("exp",),
        limits=("0", "oo"),
        slopes=("0", "oo"),
        range="(0, oo)",
        monotonic=True,
        smooth=True,
        saturates="left",
        ulp={"float16": (0.51, 0.51), "float32": (0.51, 0.51), "float64": (0.95, 0.76)},
        source="",
        example=""">>> actfn.exponential(np.array([-1.0, 0.0, 1.0]))
array([0.36787944, 1.        , 2.71828183])
>>> actfn.exponential_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([0.36787944, 1.        , 2.71828183])""",
    ),
    # ---- Smooth ramps ----
    Activation(
        name="xielu",
        title="xIELU",
        title_ko="xIELU",
        layer="XIELU",
        family="exponential linear",
        summary=(
            "A parabola on the right and on the left the integral of an ELU, where slopes may be negative; for large "
            "language models."
        ),
        summary_ko=(
            "오른쪽은 포물선, 왼쪽은 ELU의 적분입니다. 기울기가 오른쪽에서는 직선으로 커지고 왼쪽에서는 음수가 될 수 "
            "있습니다. 대규모 언어 모델에 쓰입니다."
        ),
        formula="Piecewise((alpha_p*x**2 + beta*x, x > 0), (alpha_n*(exp(x) - 1 - x) + beta*x, True))",
        derivative="Piecewise((2*alpha_p*x + beta, x > 0), (alpha_n*(exp(x) - 1) + beta, True))",
        params={"alpha_p": 0.8, "alpha_n": 0.8, "beta": 0.5},
        param_docs={
            "alpha_p": "Factor of the parabola, learned.",
            "alpha_n": "Factor of the left side, learned; the slope there goes to beta - alpha_n.",
            "beta": "Slope at 0.",
        },
        param_docs_ko={
            "alpha_p": "포물선에 곱하는 값으로, 학습됩니다.",
            "alpha_n": "왼쪽에 곱하는 값으로, 학습됩니다. 왼쪽 끝의 기울기는 beta - alpha_n에 가까워집니다.",
            "beta": "0에서의 기울기입니다.",
        },
        trains=("alpha_p", "alpha_n"),
        aliases=("expanded_integral_of_the_elu",),
        limits=("oo", "oo"),
        slopes=("-3/10", "oo"),
        range="[-0.20576, oo)",
        ulp={"float16": (0.51, 0.51)},
        source="Huang and Schlag, 2024, arXiv:2411.13010",
        example=""">>> actfn.xielu(np.array([-2.0, 0.0, 2.0]))
array([-0.09173177,  0.        ,  4.2       ])
>>> actfn.xielu_backward(1.0, np.array([-2.0, 0.0, 2.0]))[0]
array([-0.19173177,  0.5       ,  3.7       ])""",
    ),
    Activation(
        name="softplus",
        title="Softplus",
        title_ko="소프트플러스",
        family="smooth ramps",
        summary="A ReLU with its corner rounded off; it gives scales and variances, which must be positive.",
        summary_ko="모서리를 둥글게 다듬은 렐루입니다. 분산처럼 양수여야 하는 값을 출력할 때 씁니다.",
        formula="log(1 + exp(beta*x))/beta",
        derivative="sigmoid(beta*x)",
        params={"beta": 1.0},
        param_docs={"beta": "Sharpness of the bend; positive."},
        param_docs_ko={"beta": "굽은 부분이 얼마나 뾰족한지를 정하며, 양수입니다."},
        limits=("0", "oo"),
        slopes=("0", "1"),
        range="(0, oo)",
        monotonic=True,
        smooth=True,
        saturates="left",
        segment=0.25,
        ulp={"float16": (0.51, 0.51), "float32": (0.66, 0.54), "float64": (1.64, 1.64)},
        elsewhere={
            "beta": {"1": "PyTorch, Paddle", "always 1": "JAX, Keras, ONNX, SciPy"},
        },
        source=(
            "Dugas, Bengio, Bélisle, Nadeau and Garcia, 2001, Advances in Neural Information Processing Systems 13"
        ),
        example=""">>> actfn.softplus(np.array([-1.0, 0.0, 1.0]))
array([0.31326169, 0.69314718, 1.31326169])
>>> actfn.softplus_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([0.26894142, 0.5       , 0.73105858])""",
    ),
    Activation(
        name="sqrt_softplus",
        title="Square Root of Softplus",
        title_ko="소프트플러스의 제곱근",
        family="smooth ramps",
        summary=(
            "The square root of the softplus: positive, and slower than any line; it scores experts in "
            "mixtures of them."
        ),
        summary_ko=(
            "소프트플러스의 제곱근입니다. 항상 양수이고 직선보다 느리게 커지며, 전문가 혼합 모델에서 전문가의 "
            "점수를 매길 때 씁니다."
        ),
        formula="sqrt(softplus(x))",
        derivative="sigmoid(x)/(2*sqrt(softplus(x)))",
        limits=("0", "oo"),
        slopes=("0", "0"),
        range="(0, oo)",
        monotonic=True,
        smooth=True,
        saturates="both",
        segment=0.25,
        ulp={"float16": (0.51, 0.51), "float32": (0.55, 0.52), "float64": (0.71, 0.71)},
        source="",
        example=""">>> actfn.sqrt_softplus(np.array([-1.0, 0.0, 1.0]))
array([0.55969785, 0.83255461, 1.1459763 ])
>>> actfn.sqrt_softplus_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([0.2402559 , 0.3002806 , 0.31896758])""",
    ),
    Activation(
        name="squareplus",
        title="Squareplus",
        title_ko="스퀘어플러스",
        family="smooth ramps",
        summary=("A hyperbola that follows the ReLU like softplus does, with a square root instead of exponentials."),
        summary_ko="소프트플러스처럼 렐루를 따라가는 쌍곡선으로, 지수 함수 대신 제곱근만으로 계산합니다.",
        formula="(x + sqrt(x**2 + b))/2",
        derivative="(1 + x/sqrt(x**2 + b))/2",
        params={"b": 4.0},
        param_docs={"b": "Width of the bend; positive, the value at x = 0 is sqrt(b)/2."},
        param_docs_ko={"b": "굽은 부분의 너비로, 양수입니다. x = 0에서의 값은 sqrt(b)/2입니다."},
        limits=("0", "oo"),
        slopes=("0", "1"),
        range="(0, oo)",
        monotonic=True,
        smooth=True,
        saturates="left",
        segment=0.25,
        ulp={"float16": (0.51, 0.51), "float32": (0.55, 0.56), "float64": (1.72, 1.73)},
        elsewhere={
            "b": {"4": "JAX, Keras"},
        },
        source="Barron, 2021, arXiv:2112.11687",
        example=""">>> actfn.squareplus(np.array([-1.0, 0.0, 1.0]))
array([0.61803399, 1.        , 1.61803399])
>>> actfn.squareplus_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([0.2763932, 0.5      , 0.7236068])""",
        plot=(-6.0, 6.0),
    ),
    Activation(
        name="nl_relu",
        title="NLReLU",
        title_ko="NLReLU (자연로그 렐루)",
        family="smooth ramps",
        summary="The logarithm of one plus a ReLU, which tames large activations.",
        summary_ko="렐루에 1을 더해 로그를 취한 함수로, 큰 활성화 값을 억제합니다.",
        formula="log(1 + beta*Max(x, 0))",
        derivative="Piecewise((beta/(1 + beta*x), x > 0), (0, True))",
        params={"beta": 1.0},
        param_docs={"beta": "Slope at 0 from the right; positive."},
        param_docs_ko={"beta": "0에서의 오른쪽 기울기로, 양수입니다."},
        kinks={"0": "0"},
        aliases=("natural_log_relu",),
        limits=("0", "oo"),
        slopes=("0", "0"),
        range="[0, oo)",
        monotonic=True,
        saturates="both",
        ulp={"float16": (0.51, 0.51), "float32": (0.51, 0.51), "float64": (1.47, 0.5)},
        source="Liu, Zhang, Gao, Qu and Ji, 2019, arXiv:1908.03682",
        example=""">>> actfn.nl_relu(np.array([-1.0, 0.0, 1.0]))
array([0.        , 0.        , 0.69314718])
>>> actfn.nl_relu_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([0. , 0. , 0.5])""",
    ),
    Activation(
        name="logit",
        title="Logit",
        title_ko="로짓",
        family="logarithmic",
        summary=(
            "The inverse of the sigmoid: turns a probability back into a score; NaN outside the interval from 0 to 1."
        ),
        summary_ko="시그모이드의 역함수로, 확률을 다시 점수로 바꿉니다. 0과 1 사이를 벗어나면 NaN입니다.",
        formula="log(x/(1 - x))",
        derivative="1/(x*(1 - x))",
        aliases=("inverse_sigmoid",),
        domain="[0, 1]",
        limits=("-oo", "oo"),
        slopes=("oo", "oo"),
        range="(-oo, oo)",
        monotonic=True,
        smooth=True,
        ulp={"float16": (0.51, 0.51), "float32": (0.51, 0.51), "float64": (1.92, 1.47)},
        source="",
        example=""">>> actfn.logit(np.array([0.0, 0.25, 0.5, 1.0]))
array([       -inf, -1.09861229,  0.        ,         inf])
>>> actfn.logit_backward(1.0, np.array([0.25, 0.5, 0.75]))
array([5.33333333, 4.        , 5.33333333])""",
        plot=(0.01, 0.99),
    ),
    Activation(
        name="log1mexp",
        title="Log1mexp",
        title_ko="log(1 - exp(-x))",
        family="logarithmic",
        summary="The logarithm of 1 - exp(-x), the log-probability of what exp(-x) leaves; NaN for x < 0.",
        summary_ko="1 - exp(-x)의 로그, 곧 확률 exp(-x)를 뺀 나머지의 로그 확률입니다. x가 음수이면 NaN입니다.",
        formula="log(1 - exp(-x))",
        derivative="1/(exp(x) - 1)",
        domain="[0, oo]",
        limits=("-oo", "0"),
        slopes=("oo", "0"),
        range="(-oo, 0)",
        monotonic=True,
        smooth=True,
        saturates="right",
        ulp={"float16": (0.5, 0.5), "float32": (0.51, 0.51), "float64": (1.86, 1.05)},
        source="Mächler, 2012, vignette of the R package Rmpfr",
        example=""">>> actfn.log1mexp(np.array([0.0, 1e-10, 1.0, 50.0]))
array([           -inf, -2.30258509e+01, -4.58675145e-01, -1.92874985e-22])
>>> actfn.log1mexp_backward(1.0, np.array([1e-10, 1.0, 50.0]))
array([1.00000000e+10, 5.81976707e-01, 1.92874985e-22])""",
        plot=(0.05, 4.0),
    ),
    Activation(
        name="soft_exponential",
        title="Soft Exponential",
        title_ko="소프트 지수 함수",
        family="logarithmic",
        summary=(
            "The logarithm for an alpha of -1, the identity for 0, the exponential for 1, and what is between; alpha "
            "is learned, and a network of it can multiply and raise to powers."
        ),
        summary_ko=(
            "alpha가 -1이면 로그 함수, 0이면 항등 함수, 1이면 지수 함수이고 그 사이도 매끄럽게 잇습니다. "
            "alpha를 학습하며, 이 함수로 만든 신경망은 곱셈과 거듭제곱도 나타낼 수 있습니다."
        ),
        formula=(
            "Piecewise((-log(1 - alpha*(x + alpha))/alpha, alpha < 0), ((exp(alpha*x) - 1)/alpha + alpha, alpha > 0), "
            "(x, True))"
        ),
        derivative="Piecewise((1/(1 - alpha*(x + alpha)), alpha < 0), (exp(alpha*x), True))",
        params={"alpha": 0.0},
        param_docs={"alpha": "-1 gives the logarithm, 0 the identity and 1 the exponential; learned."},
        param_docs_ko={"alpha": "-1이면 로그, 0이면 항등 함수, 1이면 지수 함수가 되며, 학습됩니다."},
        trains=("alpha",),
        aliases=("soft_exp",),
        defined="(alpha >= 0) | (1 - alpha*(x + alpha) >= 0)",
        edges="For a negative alpha it is -oo at 1/alpha - alpha, the slope oo, and both are NaN below.",
        edges_ko="alpha가 음수이면 1/alpha - alpha에서 값은 -oo, 기울기는 oo이며, 그 아래에서는 둘 다 NaN입니다.",
        limits=("-oo", "oo"),
        slopes=("1", "1"),
        range="(-oo, oo)",
        monotonic=True,
        zero_centered=True,
        odd=True,
        elsewhere={
            "alpha": {"0": "Echo"},
        },
        ulp={"float16": (0.5, 0.5)},
        source="Godfrey and Gashler, 2016, arXiv:1602.01321",
        example=""">>> actfn.soft_exponential(np.array([0.5, 1.0, 2.0]), alpha=1.0)
array([1.64872127, 2.71828183, 7.3890561 ])
>>> actfn.soft_exponential(np.array([-1.0, 0.0, 1.0, 2.0]), alpha=-1.0)
array([       nan,       -inf, 0.        , 0.69314718])
>>> actfn.soft_exponential_backward(1.0, np.array([-1.0, 0.0, 2.0]), 0.0)
(array([1., 1., 1.]), np.float64(5.5))""",
    ),
    Activation(
        name="bent_identity",
        title="Bent Identity",
        title_ko="굽은 항등 함수",
        family="smooth ramps",
        summary="The identity bent at 0 by a hyperbola: slope 1/2 far on the left, 3/2 far on the right.",
        summary_ko=(
            "항등 함수를 쌍곡선으로 0에서 구부린 함수입니다. 왼쪽 멀리에서는 기울기가 1/2, 오른쪽 멀리에서는 3/2입니다."
        ),
        formula="(sqrt(x**2 + 1) - 1)/2 + x",
        derivative="x/(2*sqrt(x**2 + 1)) + 1",
        limits=("-oo", "oo"),
        slopes=("1/2", "3/2"),
        range="(-oo, oo)",
        monotonic=True,
        smooth=True,
        ulp={"float16": (0.5, 0.51), "float32": (0.51, 0.51), "float64": (0.51, 1.48)},
        source="",
        example=""">>> actfn.bent_identity(np.array([-0.75, 0.0, 0.75]))
array([-0.625,  0.   ,  0.875])
>>> actfn.bent_identity_backward(1.0, np.array([-0.75, 0.0, 0.75]))
array([0.7, 1. , 1.3])""",
    ),
    # ---- Self-gated ----
    Activation(
        name="silu",
        title="SiLU",
        title_ko="SiLU (시그모이드 선형 유닛)",
        family="self-gated",
        summary="Multiplies its input by the sigmoid of it; common in vision networks and inside SwiGLU.",
        summary_ko=(
            "입력에 그 값의 시그모이드를 곱합니다. 비전 신경망에 널리 쓰이며 SwiGLU를 이루는 함수이기도 합니다."
        ),
        formula="x*sigmoid(x)",
        derivative="sigmoid(x)*(1 + x*sigmoid(-x))",
        aliases=("sigmoid_linear_unit", "swish_1"),
        limits=("0", "oo"),
        slopes=("0", "1"),
        range="[-0.27846, oo)",
        smooth=True,
        saturates="left",
        segment=0.25,
        ulp={"float16": (0.51, 0.51), "float32": (0.69, 0.82), "float64": (1.99, 1.74)},
        source=("Hendrycks and Gimpel, 2016, arXiv:1606.08415; Elfwing, Uchibe and Doya, 2017, arXiv:1702.03118"),
        example=""">>> actfn.silu(np.array([-1.0, 0.0, 1.0]))
array([-0.26894142,  0.        ,  0.73105858])
>>> actfn.silu_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([0.07232949, 0.5       , 0.92767051])""",
        plot=(-6.0, 6.0),
    ),
    Activation(
        name="swish",
        title="Swish",
        title_ko="스위시",
        family="self-gated",
        summary=(
            "A SiLU with a sharpness beta that may be learned, between half the input (0) and the ReLU (infinity)."
        ),
        summary_ko=(
            "학습할 수도 있는 매개변수 beta로 급한 정도를 정하는 SiLU입니다. beta가 0이면 입력의 절반이고, "
            "커질수록 렐루에 가까워집니다."
        ),
        formula="x*sigmoid(beta*x)",
        derivative="sigmoid(beta*x)*(1 + beta*x*sigmoid(-beta*x))",
        params={"beta": 1.0},
        param_docs={"beta": "Sharpness of the gate, learned or fixed; broadcasts against x."},
        param_docs_ko={"beta": "게이트가 얼마나 가파른지를 정하며, 학습하거나 고정합니다. x와 브로드캐스팅됩니다."},
        trains=("beta",),
        limits=("0", "oo"),
        slopes=("0", "1"),
        range="[-0.27846, oo)",
        smooth=True,
        saturates="left",
        segment=0.25,
        ulp={"float16": (0.51, 0.51), "float32": (0.69, 0.82), "float64": (1.99, 1.74)},
        elsewhere={
            "beta": {"1": "TensorFlow, ONNX", "always 1": "PyTorch, JAX, Keras, MLX, Paddle"},
        },
        source="Ramachandran, Zoph and Le, 2017, arXiv:1710.05941",
        example=""">>> actfn.swish(np.array([-1.0, 0.0, 1.0]), beta=2.0)
array([-0.11920292,  0.        ,  0.88079708])
>>> actfn.swish_backward(1.0, np.array([-1.0, 1.0]), np.array([1.0, 2.0]))
(array([0.07232949, 1.09078425]), array([0.19661193, 0.10499359]))""",
        plot=(-6.0, 6.0),
    ),
    Activation(
        name="acon_c",
        title="ACON-C",
        title_ko="ACON-C",
        family="self-gated",
        summary=(
            "A line of slope p2 on the left and p1 on the right, joined as a swish joins 0 and x; beta, learned like "
            "the slopes, says how sharply."
        ),
        summary_ko=(
            "왼쪽에서는 기울기 p2, 오른쪽에서는 기울기 p1인 직선을 스위시처럼 부드럽게 잇습니다. 두 기울기와, 꺾이는 "
            "정도를 정하는 beta를 학습합니다."
        ),
        formula="(p1 - p2)*x*sigmoid(beta*(p1 - p2)*x) + p2*x",
        derivative=("(p1 - p2)*sigmoid(beta*(p1 - p2)*x)*(1 + beta*(p1 - p2)*x*sigmoid(-beta*(p1 - p2)*x)) + p2"),
        params={"p1": 1.0, "p2": 0.25, "beta": 1.0},
        param_docs={
            "p1": "Slope far on the right, learned.",
            "p2": "Slope far on the left, learned.",
            "beta": "How sharply the slope changes, learned; 0 makes a line of it.",
        },
        param_docs_ko={
            "p1": "오른쪽 끝의 기울기로, 학습됩니다.",
            "p2": "왼쪽 끝의 기울기로, 학습됩니다.",
            "beta": "기울기가 얼마나 급하게 바뀌는지를 정하며, 학습됩니다. 0이면 직선이 됩니다.",
        },
        trains=("p1", "p2", "beta"),
        aliases=("acon",),
        limits=("-oo", "oo"),
        slopes=("1/4", "1"),
        range="(-oo, oo)",
        monotonic=True,
        smooth=True,
        ulp={"float16": (0.51, 0.51)},
        source="Ma, Zhang, Liu and Sun, 2020, arXiv:2009.04759",
        example=""">>> actfn.acon_c(np.array([-2.0, 0.0, 2.0]))
array([-0.77363829,  0.        ,  1.72636171])
>>> actfn.acon_c_backward(1.0, np.array([-2.0, 0.0, 2.0]))[0]
array([0.21902938, 0.625     , 1.03097062])""",
        plot=(-6.0, 6.0),
    ),
    Activation(
        name="e_swish",
        title="E-swish",
        title_ko="E-swish",
        family="self-gated",
        summary="A SiLU times a constant beta, which the paper chooses between 1 and 2.",
        summary_ko="SiLU에 상수 beta를 곱한 함수입니다. 논문에서는 1에서 2 사이의 값을 씁니다.",
        formula="beta*x*sigmoid(x)",
        derivative="beta*sigmoid(x)*(1 + x*sigmoid(-x))",
        params={"beta": 1.5},
        param_docs={"beta": "Factor of the output."},
        param_docs_ko={"beta": "출력에 곱하는 값입니다."},
        aliases=("eswish",),
        limits=("0", "oo"),
        slopes=("0", "3/2"),
        range="[-0.41770, oo)",
        smooth=True,
        saturates="left",
        segment=0.25,
        ulp={"float16": (0.51, 0.51), "float64": (1.58, 1.97)},
        source="Alcaide, 2018, arXiv:1801.07145",
        example=""">>> actfn.e_swish(np.array([-1.0, 0.0, 1.0]))
array([-0.40341213,  0.        ,  1.09658787])
>>> actfn.e_swish_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([0.10849423, 0.75      , 1.39150577])""",
        plot=(-6.0, 6.0),
    ),
    Activation(
        name="elish",
        title="ELiSH",
        title_ko="ELiSH",
        family="self-gated",
        summary="A SiLU on the right, and on the left an ELU times a sigmoid; found by a genetic algorithm.",
        summary_ko="오른쪽은 SiLU이고 왼쪽은 ELU에 시그모이드를 곱한 함수입니다. 유전 알고리즘으로 찾았습니다.",
        formula="Piecewise((x*sigmoid(x), x >= 0), ((exp(x) - 1)*sigmoid(x), True))",
        derivative=(
            "Piecewise((sigmoid(x)*(1 + x*sigmoid(-x)), x >= 0), (sigmoid(x)*(exp(x) + (exp(x) - "
            "1)*sigmoid(-x)), True))"
        ),
        limits=("0", "oo"),
        slopes=("0", "1"),
        range="[-0.17157, oo)",
        saturates="left",
        ulp={"float16": (0.51, 0.51), "float32": (0.51, 0.51)},
        source="Basirat and Roth, 2018, arXiv:1808.00783",
        example=""">>> actfn.elish(np.array([-1.0, 0.0, 1.0]))
array([-0.1700034 ,  0.        ,  0.73105858])
>>> actfn.elish_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([-0.02534443,  0.5       ,  0.92767051])""",
        plot=(-6.0, 6.0),
    ),
    Activation(
        name="quick_gelu",
        title="Quick GELU",
        title_ko="퀵 GELU",
        family="self-gated",
        summary=(
            "A coarse approximation of the GELU by a sigmoid; needed to run models trained with it, such as CLIP."
        ),
        summary_ko=("시그모이드로 GELU를 대략 근사합니다. CLIP처럼 이 함수로 학습한 모델을 실행할 때 필요합니다."),
        formula="x*sigmoid(1.702*x)",
        derivative="sigmoid(1.702*x)*(1 + 1.702*x*sigmoid(-1.702*x))",
        aliases=("gelu_fast_approx",),
        limits=("0", "oo"),
        slopes=("0", "1"),
        range="[-0.16361, oo)",
        smooth=True,
        saturates="left",
        segment=0.1875,
        ulp={"float16": (0.51, 0.5), "float32": (0.79, 0.83), "float64": (1.9, 1.94)},
        source="Hendrycks and Gimpel, 2016, arXiv:1606.08415",
        example=""">>> actfn.quick_gelu(np.array([-1.0, 0.0, 1.0]))
array([-0.15420423,  0.        ,  0.84579577])
>>> actfn.quick_gelu_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([-0.06777961,  0.5       ,  1.06777961])""",
    ),
    Activation(
        name="gelu_tanh",
        title="GELU (tanh)",
        title_ko="GELU (tanh 근사)",
        family="self-gated",
        summary=(
            "A close approximation of the GELU by a tanh; the form that BERT, GPT-2 and their successors "
            "were trained with."
        ),
        summary_ko=(
            "tanh로 GELU를 정밀하게 근사합니다. BERT와 GPT-2, 그 뒤를 이은 여러 모델이 이 형태로 학습했습니다."
        ),
        formula="x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))/2",
        derivative=(
            "sigmoid(2*sqrt(2/pi)*(x + 0.044715*x**3))"
            "*(1 + 2*sqrt(2/pi)*(x + 3*0.044715*x**3)*sigmoid(-2*sqrt(2/pi)*(x + 0.044715*x**3)))"
        ),
        aliases=(
            "gelu_new",
            "gelu_approx",
            "gelu_pytorch_tanh",
            "gelu_python_tanh",
            "gelu_accurate",
            "gelu_fast",
        ),
        limits=("0", "oo"),
        slopes=("0", "1"),
        range="[-0.17004, oo)",
        smooth=True,
        saturates="left",
        segment=0.109375,
        ulp={"float16": (0.51, 0.5), "float32": (0.83, 0.69), "float64": (1.87, 1.5)},
        elsewhere={
            "which form `gelu` is": {
                "exact": "PyTorch, ONNX, TensorFlow, Keras's activation, MLX, Paddle",
                "tanh": "JAX, Keras's ops, NNlib",
            },
        },
        source="Hendrycks and Gimpel, 2016, arXiv:1606.08415",
        example=""">>> actfn.gelu_tanh(np.array([-1.0, 0.0, 1.0]))
array([-0.15880801,  0.        ,  0.84119199])
>>> actfn.gelu_tanh_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([-0.08296408,  0.5       ,  1.08296408])""",
    ),
    Activation(
        name="gelu",
        title="GELU",
        title_ko="GELU (가우스 오차 선형 유닛)",
        family="self-gated",
        summary="Weights its input by the normal distribution function of it; the default of transformers.",
        summary_ko="입력에 그 값의 정규분포 누적확률을 곱합니다. 트랜스포머가 기본으로 쓰는 함수입니다.",
        formula="x*Phi(x)",
        derivative="Phi(x) + x*phi(x)",
        aliases=("gelu_erf", "gelu_python"),
        limits=("0", "oo"),
        slopes=("0", "1"),
        range="[-0.16997, oo)",
        smooth=True,
        saturates="left",
        segment=0.125,
        ulp={"float16": (0.51, 0.5), "float32": (0.85, 0.67), "float64": (1.88, 1.75)},
        elsewhere={
            "which form `gelu` is": {
                "exact": "PyTorch, ONNX, TensorFlow, Keras's activation, MLX, Paddle",
                "tanh": "JAX, Keras's ops, NNlib",
            },
        },
        source="Hendrycks and Gimpel, 2016, arXiv:1606.08415",
        example=""">>> actfn.gelu(np.array([-6.0, -1.0, 0.0, 1.0]))
array([-5.91952587e-09, -1.58655254e-01,  0.00000000e+00,  8.41344746e-01])
>>> actfn.gelu_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([-0.08331547,  0.5       ,  1.08331547])""",
    ),
    Activation(
        name="gelu_10",
        title="GELU 10",
        title_ko="GELU 10 (10에서 자른 GELU)",
        family="self-gated",
        summary="A GELU that stops at 10, so that eight bits hold what it returns.",
        summary_ko="10에서 멈추는 GELU입니다. 출력을 8비트 정수로 양자화하기 좋습니다.",
        formula="Min(x*Phi(x), 10)",
        derivative="Piecewise((Phi(x) + x*phi(x), x*Phi(x) < 10), (0, True))",
        aliases=("clipped_gelu",),
        limits=("0", "10"),
        slopes=("0", "0"),
        range="[-0.16997, 10]",
        saturates="both",
        ulp={"float16": (0.51, 0.5)},
        source="Wu, Judd, Zhang, Isaev and Micikevicius, 2020, arXiv:2004.09602",
        example=""">>> actfn.gelu_10(np.array([-1.0, 1.0, 12.0]))
array([-0.15865525,  0.84134475, 10.        ])
>>> actfn.gelu_10_backward(1.0, np.array([-1.0, 1.0, 12.0]))
array([-0.08331547,  1.08331547,  0.        ])""",
        plot=(-6.0, 14.0),
    ),
    Activation(
        name="mish",
        title="Mish",
        title_ko="미시 (Mish)",
        family="self-gated",
        summary=("Multiplies its input by the tanh of the softplus of it; used in object detectors such as YOLOv4."),
        summary_ko="입력에 그 값의 소프트플러스의 tanh를 곱합니다. YOLOv4 같은 객체 탐지 모델에 쓰였습니다.",
        formula="x*tanh(softplus(x))",
        derivative="tanh(softplus(x)) + x*sigmoid(x)*(1 - tanh(softplus(x))**2)",
        limits=("0", "oo"),
        slopes=("0", "1"),
        range="[-0.30884, oo)",
        smooth=True,
        saturates="left",
        segment=0.298,
        ulp={"float16": (0.51, 0.51), "float32": (0.78, 0.89), "float64": (1.87, 1.78)},
        source="Misra, 2019, arXiv:1908.08681",
        example=""">>> actfn.mish(np.array([-1.0, 0.0, 1.0]))
array([-0.30340146,  0.        ,  0.86509839])
>>> actfn.mish_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([0.05921676, 0.6       , 1.04903622])""",
        plot=(-6.0, 6.0),
    ),
    Activation(
        name="telu",
        title="TeLU",
        title_ko="TeLU (tanh 지수 선형 유닛)",
        family="self-gated",
        summary=(
            "Multiplies its input by the tanh of the exponential of it; close to a ReLU on the right, smooth at 0."
        ),
        summary_ko="입력에 그 값의 지수 함수의 tanh를 곱합니다. 오른쪽에서는 렐루에 가깝고 0에서도 매끄럽습니다.",
        formula="x*tanh(exp(x))",
        derivative="tanh(exp(x)) + x*exp(x)*(1 - tanh(exp(x))**2)",
        aliases=("tanh_exp",),
        limits=("0", "oo"),
        slopes=("0", "1"),
        range="[-0.35329, oo)",
        smooth=True,
        saturates="left",
        segment=0.1875,
        ulp={"float16": (0.51, 0.51), "float32": (0.64, 0.88)},
        source="Liu and Di, 2020, arXiv:2003.09855; Fernandez and Mali, 2024, arXiv:2412.20269",
        example=""">>> actfn.telu(np.array([-1.0, 0.0, 1.0]))
array([-0.35213549,  0.        ,  0.99132892])
>>> actfn.telu_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([0.02987288, 0.76159416, 1.03826544])""",
        plot=(-6.0, 6.0),
    ),
    Activation(
        name="serf",
        title="Serf",
        title_ko="서프 (Serf)",
        family="self-gated",
        summary=("Multiplies its input by the error function of the softplus of it; a Mish with erf in place of tanh."),
        summary_ko="입력에 그 값의 소프트플러스의 오차 함수를 곱합니다. 미시에서 tanh를 erf로 바꾼 함수입니다.",
        formula="x*(1 - erfc(softplus(x)))",
        derivative="1 - erfc(softplus(x)) + x*2/sqrt(pi)*exp(-softplus(x)**2)*sigmoid(x)",
        limits=("0", "oo"),
        slopes=("0", "1"),
        range="[-0.34844, oo)",
        smooth=True,
        saturates="left",
        ulp={"float16": (0.51, 0.5)},
        source="Nag and Bhattacharyya, 2021, arXiv:2108.09598",
        example=""">>> actfn.serf(np.array([-1.0, 0.0, 1.0]))
array([-0.34224796,  0.        ,  0.93672192])
>>> actfn.serf_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([0.06714568, 0.67304129, 1.0837494 ])""",
        plot=(-6.0, 6.0),
    ),
    Activation(
        name="smish",
        title="Smish",
        title_ko="스미시 (Smish)",
        family="self-gated",
        summary="Multiplies its input by the tanh of log(1 + sigmoid); far on the right its slope is 3/5.",
        summary_ko="입력에 log(1 + 시그모이드)의 tanh를 곱합니다. 오른쪽 멀리에서 기울기는 3/5입니다.",
        formula="x*tanh(log(1 + sigmoid(x)))",
        derivative=(
            "tanh(log(1 + sigmoid(x))) + x*(1 - tanh(log(1 + sigmoid(x)))**2)*sigmoid(x)*sigmoid(-x)/(1 + sigmoid(x))"
        ),
        limits=("0", "oo"),
        slopes=("0", "3/5"),
        range="[-0.25003, oo)",
        smooth=True,
        saturates="left",
        ulp={"float16": (0.51, 0.51), "float64": (1.47, 1.66)},
        source="Wang, Ren and Wang, 2022, Electronics 11(4)",
        example=""">>> actfn.smish(np.array([-1.0, 0.0, 1.0]))
array([-0.23377881,  0.        ,  0.49957011])
>>> actfn.smish_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([0.08730507, 0.38461538, 0.58480318])""",
        plot=(-6.0, 6.0),
    ),
    Activation(
        name="logish",
        title="Logish",
        title_ko="로기시 (Logish)",
        family="self-gated",
        summary="Multiplies its input by log(1 + sigmoid); far on the right its slope is log(2).",
        summary_ko="입력에 log(1 + 시그모이드)를 곱합니다. 오른쪽 멀리에서 기울기는 log(2)입니다.",
        formula="x*log(1 + sigmoid(x))",
        derivative="log(1 + sigmoid(x)) + x*sigmoid(x)*sigmoid(-x)/(1 + sigmoid(x))",
        limits=("0", "oo"),
        slopes=("0", "log(2)"),
        range="[-0.25277, oo)",
        smooth=True,
        saturates="left",
        ulp={"float16": (0.51, 0.51)},
        source="Zhu, Zeng, Liu and Zhang, 2021, Neurocomputing 458",
        example=""">>> actfn.logish(np.array([-1.0, 0.0, 1.0]))
array([-0.23818303,  0.        ,  0.54873312])
>>> actfn.logish_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([0.08324133, 0.40546511, 0.66231213])""",
        plot=(-6.0, 6.0),
    ),
    Activation(
        name="phish",
        title="Phish",
        title_ko="피시 (Phish)",
        family="self-gated",
        summary="Multiplies its input by the tanh of the GELU of it; unlike its relatives it is never negative.",
        summary_ko="입력에 그 값의 GELU의 tanh를 곱합니다. 비슷한 함수들과 달리 음수가 되지 않습니다.",
        formula="x*tanh(x*Phi(x))",
        derivative="tanh(x*Phi(x)) + x*(1 - tanh(x*Phi(x))**2)*(Phi(x) + x*phi(x))",
        limits=("0", "oo"),
        slopes=("0", "1"),
        range="[0, oo)",
        smooth=True,
        saturates="left",
        ulp={"float16": (0.5, 0.51)},
        source="Naveen, 2022, TechRxiv, doi:10.36227/techrxiv.17283824",
        example=""">>> actfn.phish(np.array([-1.0, 0.0, 1.0]))
array([0.15733733, 0.        , 0.68652067])
>>> actfn.phish_backward(1.0, np.array([-1.0, 0.0, 1.0]))
array([-0.07608433,  0.        ,  1.25925804])""",
        plot=(-6.0, 6.0),
    ),
    Activation(
        name="dish",
        title="Dish",
        title_ko="디시 (Dish)",
        family="self-gated",
        summary="Multiplies its input by a gate made of a square root; a SiLU without exponentials, from Thinc.",
        summary_ko=(
            "입력에 제곱근으로 만든 게이트를 곱합니다. 지수 함수가 없는 SiLU로, Thinc 라이브러리에서 나왔습니다."
        ),
        formula="x*(x/sqrt(1 + x**2) + 1)/2",
        derivative="1/2 + x/sqrt(1 + x**2) - x**3/(2*sqrt(1 + x**2)**3)",
        limits=("0", "oo"),
        slopes=("0", "1"),
        range="[-0.15014, oo)",
        smooth=True,
        saturates="left",
        ulp={"float16": (0.51, 0.51), "float64": (0.51, 1.35)},
        source="",
        example=""">>> actfn.dish(np.array([-0.75, 0.0, 0.75]))
array([-0.15,  0.  ,  0.6 ])
>>> actfn.dish_backward(1.0, np.array([-0.75, 0.0, 0.75]))
array([0.008, 0.5  , 0.992])""",
        plot=(-6.0, 6.0),
    ),
    Activation(
        name="sin",
        title="Sine",
        title_ko="사인",
        family="periodic",
        summary=(
            "The sine of omega times the input; the activation of SIREN, networks that represent images and sounds."
        ),
        summary_ko="입력에 omega를 곱한 값의 사인입니다. 이미지와 소리를 표현하는 신경망 SIREN의 활성화 함수입니다.",
        formula="sin(omega*x)",
        derivative="omega*cos(omega*x)",
        params={"omega": 1.0},
        param_docs={"omega": "Angular frequency; SIREN uses 30."},
        param_docs_ko={"omega": "각진동수입니다. SIREN은 30을 씁니다."},
        aliases=("sine",),
        limits=("nan", "nan"),
        slopes=("nan", "nan"),
        range="[-1, 1]",
        zero_centered=True,
        smooth=True,
        odd=True,
        ulp={"float16": (0.51, 0.51)},
        source="Sitzmann, Martel, Bergman, Lindell and Wetzstein, 2020, arXiv:2006.09661",
        example=""">>> actfn.sin(np.array([-0.5, 0.0, 0.5]))
array([-0.47942554,  0.        ,  0.47942554])
>>> actfn.sin(np.array([0.01, 1e22]), omega=30.0)
array([0.29552021, 0.72470402])
>>> actfn.sin_backward(1.0, np.array([-0.5, 0.0, 0.5]))
array([0.87758256, 1.        , 0.87758256])""",
        plot=(-8.0, 8.0),
    ),
    Activation(
        name="snake",
        title="Snake",
        title_ko="스네이크",
        family="periodic",
        summary=("The identity with a wave on it; it can continue periodic data, such as sound."),
        summary_ko=("항등 함수에 물결을 얹은 함수입니다. 소리처럼 주기적인 데이터를 이어 그릴 수 있습니다."),
        formula="x + sin(frequency*x)**2/frequency",
        derivative="1 + sin(2*frequency*x)",
        params={"frequency": 1.0},
        param_docs={"frequency": "Frequency of the wave, learned; its height is one over this. Not 0."},
        param_docs_ko={"frequency": "학습하는 물결의 진동수이며, 물결의 높이는 이 값의 역수입니다. 0일 수 없습니다."},
        trains=("frequency",),
        limits=("-oo", "oo"),
        slopes=("nan", "nan"),
        range="(-oo, oo)",
        monotonic=True,
        smooth=True,
        ulp={"float16": (0.51, 0.51)},
        source="Ziyin, Hartwig and Ueda, 2020, arXiv:2006.08195",
        example=""">>> actfn.snake(np.array([-1.0, 0.0, 1.0]))
array([-0.29192658,  0.        ,  1.70807342])
>>> actfn.snake_backward(1.0, np.array([-1.0, 1.0]), np.array([1.0, 2.0]))
(array([0.09070257, 0.2431975 ]), array([ 0.20122401, -0.5851067 ]))""",
        plot=(-6.0, 6.0),
    ),
    Activation(
        name="snake_beta",
        title="Snake Beta",
        title_ko="스네이크 베타",
        family="periodic",
        summary="A Snake whose wave has a height of its own, learned beside its frequency; of vocoders.",
        summary_ko=("물결의 높이를 진동수와 따로 학습하는 스네이크입니다. 소리를 만들어 내는 신경망에 쓰입니다."),
        formula="x + sin(alpha*x)**2/beta",
        derivative="1 + alpha*sin(2*alpha*x)/beta",
        params={"alpha": 1.0, "beta": 1.0},
        param_docs={
            "alpha": "Frequency of the wave, learned.",
            "beta": "One over the height of the wave, learned; not 0.",
        },
        param_docs_ko={
            "alpha": "물결의 진동수로, 학습됩니다.",
            "beta": "물결 높이의 역수로, 학습됩니다. 0일 수 없습니다.",
        },
        trains=("alpha", "beta"),
        limits=("-oo", "oo"),
        slopes=("nan", "nan"),
        range="(-oo, oo)",
        monotonic=True,
        smooth=True,
        ulp={"float16": (0.51, 0.51)},
        source="Lee, Ping, Ginsburg, Catanzaro and Yoon, 2022, https://github.com/NVIDIA/BigVGAN",
        example=""">>> actfn.snake_beta(np.array([-1.0, 0.0, 1.0]), beta=2.0)
array([-0.64596329,  0.        ,  1.35403671])
>>> actfn.snake_beta_backward(1.0, np.array([-1.0, 0.0, 1.0]), beta=2.0)[0]
array([0.54535129, 1.        , 1.45464871])""",
        plot=(-6.0, 6.0),
    ),
    # ---- Gated ----
    Activation(
        name="bilinear",
        title="Bilinear",
        title_ko="쌍선형 게이트",
        family="gated",
        kind="gated",
        summary=("Multiplies two projections of the same input, without any activation; the simplest gated unit."),
        summary_ko=("같은 입력을 두 갈래로 투영한 값을 활성화 함수 없이 곱합니다. 가장 단순한 게이트 유닛입니다."),
        formula="gate*value",
        derivative="value",
        smooth=True,
        range="(-oo, oo)",
        source="Dauphin, Fan, Auli and Grangier, 2016, arXiv:1612.08083; Shazeer, 2020, arXiv:2002.05202",
        example=""">>> actfn.bilinear(np.array([-1.0, 2.0]), np.array([3.0, 3.0]))
array([-3.,  6.])
>>> actfn.bilinear_backward(1.0, np.array([-1.0, 2.0]), np.array([3.0, 3.0]))
(array([3., 3.]), array([-1.,  2.]))""",
    ),
    Activation(
        name="glu",
        title="GLU",
        title_ko="GLU (게이트 선형 유닛)",
        family="gated",
        kind="gated",
        summary=("Splits its input in two along an axis and multiplies the first half by the sigmoid of the second."),
        summary_ko="입력을 한 축을 따라 둘로 나누고, 앞쪽 절반에 뒤쪽 절반의 시그모이드를 곱합니다.",
        formula="value*sigmoid(gate)",
        derivative="value*sigmoid(gate)*(1 - sigmoid(gate))",
        aliases=("gated_linear_unit",),
        smooth=True,
        segment=0.25,
        range="(-oo, oo)",
        elsewhere={
            "axis": {"-1": "PyTorch, JAX, Keras, MLX, Paddle"},
        },
        source="Dauphin, Fan, Auli and Grangier, 2016, arXiv:1612.08083",
        example=""">>> actfn.glu(np.array([1.0, 2.0, 0.0, -1.0]))
array([0.5       , 0.53788284])
>>> actfn.glu_backward(np.array([1.0, 1.0]), np.array([1.0, 2.0, 0.0, -1.0]))
array([0.5       , 0.26894142, 0.25      , 0.39322387])""",
    ),
    Activation(
        name="reglu",
        title="ReGLU",
        title_ko="ReGLU",
        family="gated",
        kind="gated",
        summary="Multiplies a value by the ReLU of a gate, so that a closed gate gives exactly 0.",
        summary_ko="값에 게이트의 렐루를 곱합니다. 게이트가 닫히면 출력이 정확히 0이 됩니다.",
        formula="Max(gate, 0)*value",
        derivative="Piecewise((value, gate > 0), (0, True))",
        kinks={"0": "0"},
        range="(-oo, oo)",
        source="Shazeer, 2020, arXiv:2002.05202",
        example=""">>> actfn.reglu(np.array([-1.0, 2.0]), np.array([3.0, 3.0]))
array([0., 6.])
>>> actfn.reglu_backward(1.0, np.array([-1.0, 2.0]), np.array([3.0, 3.0]))
(array([0., 3.]), array([0., 2.]))""",
    ),
    Activation(
        name="geglu",
        title="GEGLU",
        title_ko="GEGLU",
        family="gated",
        kind="gated",
        summary="Multiplies a value by the GELU of a gate; the feed-forward block of several transformers.",
        summary_ko="값에 게이트의 GELU를 곱합니다. 여러 트랜스포머의 피드포워드 블록에 쓰입니다.",
        formula="gate*Phi(gate)*value",
        derivative="(Phi(gate) + gate*phi(gate))*value",
        smooth=True,
        segment=0.125,
        range="(-oo, oo)",
        source="Shazeer, 2020, arXiv:2002.05202",
        example=""">>> actfn.geglu(np.array([-1.0, 2.0]), np.array([3.0, 3.0]))
array([-0.47596576,  5.86349921])
>>> actfn.geglu_backward(1.0, np.array([-1.0, 2.0]), np.array([3.0, 3.0]))
(array([-0.24994641,  3.2556954 ]), array([-0.15865525,  1.95449974]))""",
    ),
    Activation(
        name="swiglu",
        title="SwiGLU",
        title_ko="SwiGLU",
        family="gated",
        kind="gated",
        summary=("Multiplies a value by the SiLU of a gate; the feed-forward block of most large language models."),
        summary_ko="값에 게이트의 SiLU를 곱합니다. 대규모 언어 모델의 피드포워드 블록에 널리 쓰입니다.",
        formula="gate*sigmoid(gate)*value",
        derivative="sigmoid(gate)*(1 + gate*sigmoid(-gate))*value",
        smooth=True,
        segment=0.25,
        range="(-oo, oo)",
        source="Shazeer, 2020, arXiv:2002.05202",
        example=""">>> actfn.swiglu(np.array([-1.0, 2.0]), np.array([3.0, 3.0]))
array([-0.80682426,  5.28478247])
>>> actfn.swiglu_backward(1.0, np.array([-1.0, 2.0]), np.array([3.0, 3.0]))
(array([0.21698846, 3.27235275]), array([-0.26894142,  1.76159416]))""",
    ),
    # ---- Pieces ----
    Activation(
        name="crelu",
        title="CReLU",
        title_ko="CReLU (연결 렐루)",
        family="piecewise linear",
        kind="pieces",
        summary=(
            "The ReLU of the input and, behind it along an axis, that of its negative: nothing is lost, and the axis "
            "gets twice as long."
        ),
        summary_ko=(
            "입력의 렐루와, 부호를 바꾼 입력의 렐루를 한 축을 따라 이어 붙입니다. 버려지는 정보가 없으며 그 축의 "
            "길이가 두 배가 됩니다."
        ),
        formula="(Max(x(i), 0), Max(-x(i), 0))",
        derivative="Piecewise((g(i), x(i) > 0), (-g(n + i), x(i) < 0), (0, True))",
        kinks={"0": "0"},
        aliases=("concatenated_relu",),
        range="[0, oo)",
        same_bits=True,
        source="Shang, Sohn, Almeida and Lee, 2016, arXiv:1603.05201",
        example=""">>> actfn.crelu(np.array([[-1.0, 0.0], [2.0, -3.0]]), axis=1)
array([[0., 0., 1., 0.],
       [2., 0., 0., 3.]])
>>> actfn.crelu_backward(np.array([1.0, 2.0, 3.0, 4.0]), np.array([5.0, -6.0]))
array([ 1., -4.])""",
    ),
    Activation(
        name="maxout",
        title="Maxout",
        title_ko="맥스아웃",
        family="piecewise linear",
        kind="pieces",
        summary=(
            "The largest of every few neighbours along an axis, two by default: a unit with several linear pieces that "
            "learns its own activation function."
        ),
        summary_ko=(
            "한 축을 따라 이웃한 몇 개(기본값은 둘) 가운데 가장 큰 값을 고릅니다. 여러 선형 조각으로 활성화 함수의 "
            "모양까지 배우는 유닛입니다."
        ),
        formula="Max(x(2*i - 1), x(2*i))",
        derivative="Piecewise((g(i), Eq(x(j), y(i))), (0, True))",
        params={"pieces": 2},
        param_docs={"pieces": "How many neighbours are one unit; divides the length of the axis."},
        param_docs_ko={
            "pieces": "이웃한 값 몇 개가 유닛 하나를 이루는지 정하며, 축의 길이를 나누어떨어지게 하는 수입니다."
        },
        kinks={"a tie": "1 for the first of the largest, 0 for the others"},
        range="(-oo, oo)",
        same_bits=True,
        elsewhere={
            "pieces": {"required": "Paddle", "the last axis": "Thinc"},
        },
        source="Goodfellow, Warde-Farley, Mirza, Courville and Bengio, 2013, arXiv:1302.4389",
        example=""">>> actfn.maxout(np.array([1.0, 3.0, -2.0, -5.0]))
array([ 3., -2.])
>>> actfn.maxout_backward(np.array([10.0, 20.0]), np.array([1.0, 3.0, -2.0, -5.0]))
array([ 0., 10., 20.,  0.])
>>> actfn.maxout(np.arange(6.0), pieces=3)
array([2., 5.])""",
    ),
    # ---- Spatial ----
    Activation(
        name="funnel_relu",
        title="Funnel ReLU",
        title_ko="퍼널 렐루",
        family="spatial",
        kind="spatial",
        summary=(
            "The larger of each pixel and a learned weighted sum of the 3x3 window around it, per channel; "
            "an activation for images that sees the neighbourhood."
        ),
        summary_ko=(
            "각 픽셀의 값과, 그 둘레 3x3 창을 채널마다 학습한 가중치로 더한 값 가운데 큰 쪽을 고릅니다. "
            "주변 픽셀까지 보는 이미지용 활성화 함수입니다."
        ),
        formula="Max(x, T)",
        derivative="Piecewise((1, x >= T), (0, True))",
        params={"window": None},
        param_docs={"window": "Weights of the 3x3 window, shape (C, 3, 3), learned; zeros surround the image."},
        param_docs_ko={"window": "3x3 창의 가중치로, 모양은 (C, 3, 3)이고 학습됩니다. 이미지 둘레는 0으로 채웁니다."},
        trains=("window",),
        kinks={"T": "1"},
        aliases=("frelu",),
        range="(-oo, oo)",
        source="Ma, Zhang and Sun, 2020, arXiv:2007.11824",
        example=""">>> x = np.array([[[[1.0, -2.0], [3.0, -4.0]]]])
>>> actfn.funnel_relu(x, np.full((1, 3, 3), 0.5))
array([[[[ 1., -1.],
         [ 3., -1.]]]])
>>> grad_x, grad_window = actfn.funnel_relu_backward(np.ones_like(x), x, np.full((1, 3, 3), 0.5))
>>> grad_x
array([[[[2., 1.],
         [2., 1.]]]])
>>> grad_window
array([[[ 1., -2.,  0.],
        [ 4., -6.,  0.],
        [ 3., -4.,  0.]]])""",
    ),
    Activation(
        name="softmax2d",
        title="Softmax2d",
        title_ko="2차원 소프트맥스",
        family="spatial",
        kind="spatial",
        summary=(
            "The softmax over the channels of each pixel, of images (channel, height, width) with a batch in front or "
            "without; the last layer of a segmentation network."
        ),
        summary_ko=(
            "이미지 (채널, 높이, 너비)의 픽셀마다 채널에 대해 소프트맥스를 계산합니다. 앞에 배치 축이 있어도 되며, "
            "영상 분할 신경망의 마지막 층에 씁니다."
        ),
        formula="exp(x(i)/temperature)/Sum(exp(x(j)/temperature), (j, 1, n))",
        derivative="y(i)*(g(i) - Sum(g(j)*y(j), (j, 1, n)))/temperature",
        params={"temperature": 1.0},
        param_docs={"temperature": TEMPERATURE},
        param_docs_ko={"temperature": TEMPERATURE_KO},
        edges="An entry of -oo takes no part; a pixel with oo, or with nothing but -oo, becomes NaN.",
        edges_ko="-oo인 원소는 계산에서 빠지고, oo가 있거나 모두 -oo인 픽셀는 NaN이 됩니다.",
        range="(0, 1]",
        smooth=True,
        source="",
        example=""">>> y = actfn.softmax2d(np.array([[[2.0, 0.0]], [[1.0, 0.0]]]))
>>> y.round(6)
array([[[0.731059, 0.5     ]],
<BLANKLINE>
       [[0.268941, 0.5     ]]])
>>> actfn.softmax2d_backward(np.array([[[1.0, 1.0]], [[0.0, 0.0]]]), y).round(6)
array([[[ 0.196612,  0.25    ]],
<BLANKLINE>
       [[-0.196612, -0.25    ]]])""",
    ),
    # ---- Rows ----
    Activation(
        name="softmax",
        title="Softmax",
        title_ko="소프트맥스",
        family="rows",
        kind="rows",
        summary=(
            "Turns a row of scores into probabilities that sum to 1; the output of classifiers and the "
            "weights of attention."
        ),
        summary_ko=("한 행의 점수를 합이 1인 확률로 바꿉니다. 분류기의 출력과 어텐션의 가중치를 계산할 때 씁니다."),
        formula="exp(x(i)/temperature)/Sum(exp(x(j)/temperature), (j, 1, n))",
        derivative="y(i)*(g(i) - Sum(g(j)*y(j), (j, 1, n)))/temperature",
        params={"temperature": 1.0},
        param_docs={"temperature": TEMPERATURE},
        param_docs_ko={"temperature": TEMPERATURE_KO},
        edges=EDGES,
        edges_ko=EDGES_KO,
        range="(0, 1]",
        smooth=True,
        elsewhere={
            "axis": {
                "required": "PyTorch",
                "-1": "JAX, Keras, ONNX, MLX, Paddle",
                "all axes": "SciPy",
                "first": "NNlib",
            },
            "temperature": {"1": "Thinc", "none": "PyTorch, JAX, Keras, ONNX, SciPy"},
        },
        source=("Bridle, 1990, Neurocomputing: algorithms, architectures and applications, NATO ASI series F68"),
        example=""">>> y = actfn.softmax(np.array([2.0, 1.0, 0.1]))
>>> y.round(6)
array([0.659001, 0.242433, 0.098566])
>>> actfn.softmax_backward(np.array([1.0, 0.0, 0.0]), y).round(6)
array([ 0.224719, -0.159764, -0.064955])
>>> actfn.softmax(np.array([2.0, 10.0, 1.0, 4.0])).round(6).tolist()
[0.000334, 0.997071, 0.000123, 0.002471]""",
    ),
    Activation(
        name="log_softmax",
        title="Log Softmax",
        title_ko="로그 소프트맥스",
        family="rows",
        kind="rows",
        summary=("The logarithm of the softmax, computed in one step so that small probabilities keep their digits."),
        summary_ko="소프트맥스의 로그를 한 번에 계산하여, 아주 작은 확률에서도 자릿수를 잃지 않습니다.",
        formula="x(i)/temperature - log(Sum(exp(x(j)/temperature), (j, 1, n)))",
        derivative="(g(i) - exp(y(i))*Sum(g(j), (j, 1, n)))/temperature",
        params={"temperature": 1.0},
        param_docs={"temperature": TEMPERATURE},
        param_docs_ko={"temperature": TEMPERATURE_KO},
        edges=EDGES,
        edges_ko=EDGES_KO,
        range="(-oo, 0]",
        smooth=True,
        elsewhere={
            "axis": {
                "required": "PyTorch",
                "-1": "JAX, Keras, ONNX, MLX, Paddle",
                "all axes": "SciPy",
                "first": "NNlib",
            },
        },
        source="",
        example=""">>> y = actfn.log_softmax(np.array([2.0, 1.0, 0.1]))
>>> y.round(6)
array([-0.41703, -1.41703, -2.31703])
>>> actfn.log_softmax_backward(np.array([1.0, 0.0, 0.0]), y).round(6)
array([ 0.340999, -0.242433, -0.098566])""",
    ),
    Activation(
        name="logsumexp",
        title="LogSumExp",
        title_ko="로그합지수 (LogSumExp)",
        family="rows",
        kind="rows",
        summary=(
            "The logarithm of the sum of exponentials of a row, without overflow; a smooth version of the maximum."
        ),
        summary_ko=(
            "한 행의 지수 함수 값을 더해 로그를 취하며, 오버플로 없이 계산합니다. 최댓값을 매끄럽게 만든 함수입니다."
        ),
        formula="log(Sum(exp(x(j)), (j, 1, n)))",
        derivative="exp(x(i))/Sum(exp(x(j)), (j, 1, n))",
        aliases=("reduce_logsumexp",),
        range="(-oo, oo)",
        smooth=True,
        elsewhere={
            "axis": {"required": "PyTorch", "all axes": "JAX, SciPy"},
        },
        source="Blanchard, Higham and Higham, 2021, IMA Journal of Numerical Analysis 41(4)",
        example=""">>> round(float(actfn.logsumexp(np.array([2.0, 1.0, 0.1]))), 6)
2.41703
>>> actfn.logsumexp_backward(1.0, np.array([2.0, 1.0, 0.1])).round(6)
array([0.659001, 0.242433, 0.098566])""",
    ),
    Activation(
        name="logmeanexp",
        title="LogMeanExp",
        title_ko="로그평균지수 (LogMeanExp)",
        family="rows",
        kind="rows",
        summary=(
            "The logarithm of the mean of exponentials of a row, without overflow; it averages probabilities that are "
            "given as logarithms."
        ),
        summary_ko=(
            "한 행의 지수 함수 값을 평균하여 로그를 취하며, 오버플로 없이 계산합니다. 로그로 주어진 확률의 평균을 "
            "구할 때 씁니다."
        ),
        formula="log(Sum(exp(x(j)), (j, 1, n))/n)",
        derivative="exp(x(i))/Sum(exp(x(j)), (j, 1, n))",
        edges="An entry of -oo counts as the probability 0; a row with nothing else, or without entries, is -oo.",
        edges_ko="-oo인 원소는 확률 0으로 셉니다. 모두 -oo이거나 비어 있는 행은 -oo가 됩니다.",
        range="(-oo, oo)",
        smooth=True,
        source="",
        example=""">>> round(float(actfn.logmeanexp(np.array([2.0, 1.0, 0.1]))), 6)
1.318418
>>> float(actfn.logmeanexp(np.array([-900.0, -900.0])))
-900.0
>>> actfn.logmeanexp_backward(1.0, np.array([2.0, 1.0, 0.1])).round(6)
array([0.659001, 0.242433, 0.098566])""",
    ),
    Activation(
        name="standardize",
        title="Standardize",
        title_ko="표준화",
        family="rows",
        kind="rows",
        summary=(
            "Moves and stretches a row so that its mean is 0 and its variance 1; layer normalisation without what it "
            "learns."
        ),
        summary_ko=("한 행의 평균이 0, 분산이 1이 되도록 옮기고 늘입니다. 학습하는 부분을 뺀 층 정규화입니다."),
        formula=(
            "(x(i) - Sum(x(j), (j, 1, n))/n)/sqrt(Sum((x(j) - Sum(x(k), (k, 1, n))/n)**2, (j, 1, n))/n + epsilon)"
        ),
        derivative=(
            "(g(i) - Sum(g(j), (j, 1, n))/n - y(i)*Sum(g(j)*y(j), (j, 1, n))/n)/"
            "sqrt(Sum((x(j) - Sum(x(k), (k, 1, n))/n)**2, (j, 1, n))/n + epsilon)"
        ),
        params={"epsilon": 1e-5},
        param_docs={"epsilon": "Added to the variance; a positive number, which makes equal entries 0."},
        param_docs_ko={"epsilon": "분산에 더하는 값입니다. 양수여야 하며, 그래서 원소가 모두 같으면 0이 됩니다."},
        edges="A row with an infinite entry is NaN.",
        edges_ko="무한대인 원소가 있는 행은 NaN이 됩니다.",
        range="(-oo, oo)",
        smooth=True,
        source="",
        example=""">>> actfn.standardize(np.array([1.0, 2.0, 3.0])).round(6)
array([-1.224736,  0.      ,  1.224736])
>>> actfn.standardize(np.array([1e9, 1e9, 1e9]))
array([0., 0., 0.])
>>> actfn.standardize_backward(np.array([1.0, 0.0, 0.0]), np.array([1.0, 2.0, 3.0])).round(6)
array([ 0.204132, -0.408245,  0.204113])""",
    ),
    Activation(
        name="softmin",
        title="Softmin",
        title_ko="소프트민",
        family="rows",
        kind="rows",
        summary=("The softmax of the negated row: the smallest score gets the largest probability, as distances need."),
        summary_ko=("부호를 바꾼 행의 소프트맥스입니다. 가장 작은 값이 가장 큰 확률을 얻으므로 거리를 다룰 때 씁니다."),
        formula="exp(-x(i)/temperature)/Sum(exp(-x(j)/temperature), (j, 1, n))",
        derivative="-y(i)*(g(i) - Sum(g(j)*y(j), (j, 1, n)))/temperature",
        params={"temperature": 1.0},
        param_docs={
            "temperature": (
                "Divides the scores: above 1 the result is more even, below 1 sharper. It may be any positive number; "
                "towards 0 only the smallest entries count."
            )
        },
        param_docs_ko={
            "temperature": (
                "점수를 나누는 온도입니다. 1보다 크면 결과가 고르게 퍼지고 1보다 작으면 뾰족해집니다. "
                "양수면 무엇이든 되며, 0에 가까울수록 가장 작은 원소만 남습니다."
            )
        },
        edges="An entry of oo takes no part; a row with -oo, or with nothing but oo, becomes NaN.",
        edges_ko="oo인 원소는 계산에서 빠지고, -oo가 있거나 모두 oo인 행은 NaN이 됩니다.",
        range="(0, 1]",
        smooth=True,
        elsewhere={
            "axis": {"required": "PyTorch", "-1": "MLX"},
        },
        source="",
        example=""">>> y = actfn.softmin(np.array([2.0, 1.0, 0.1]))
>>> y.round(6)
array([0.096115, 0.261268, 0.642616])
>>> actfn.softmin_backward(np.array([1.0, 0.0, 0.0]), y).round(6)
array([-0.086877,  0.025112,  0.061765])""",
    ),
    Activation(
        name="softmax1",
        title="Softmax1",
        title_ko="소프트맥스1",
        family="rows",
        kind="rows",
        summary=(
            "The softmax with 1 added to its denominator, so that a row may sum to less than 1; attention can then "
            "look at nothing."
        ),
        summary_ko=(
            "분모에 1을 더한 소프트맥스로, 한 행의 합이 1보다 작을 수 있습니다. 어텐션이 아무것도 고르지 않을 수 "
            "있게 합니다."
        ),
        formula="exp(x(i)/temperature)/(1 + Sum(exp(x(j)/temperature), (j, 1, n)))",
        derivative="y(i)*(g(i) - Sum(g(j)*y(j), (j, 1, n)))/temperature",
        params={"temperature": 1.0},
        param_docs={"temperature": TEMPERATURE},
        param_docs_ko={"temperature": TEMPERATURE_KO},
        aliases=("softmax_one", "quiet_softmax"),
        edges="An entry of -oo takes no part; a row with oo becomes NaN.",
        edges_ko="-oo인 원소는 계산에서 빠지고, oo가 있는 행은 NaN이 됩니다.",
        range="(0, 1)",
        smooth=True,
        source="Miller, 2023, Attention Is Off By One, https://www.evanmiller.org/attention-is-off-by-one.html",
        example=""">>> y = actfn.softmax1(np.array([2.0, 1.0, 0.1]))
>>> y.round(6)
array([0.60504 , 0.222582, 0.090495])
>>> actfn.softmax1_backward(np.array([1.0, 0.0, 0.0]), y).round(6)
array([ 0.238967, -0.134671, -0.054753])
>>> actfn.softmax1(np.array([-9.0, -10.0, -10.9])).round(6).tolist()
[0.000123, 4.5e-05, 1.8e-05]""",
    ),
    Activation(
        name="sparsemax",
        title="Sparsemax",
        title_ko="스파스맥스",
        family="rows",
        kind="rows",
        summary=(
            "Probabilities of which many are exactly 0: the row minus tau, cut off at 0, where tau is the "
            "one number that makes the result sum to 1."
        ),
        summary_ko=(
            "많은 값이 정확히 0인 확률을 만듭니다. 행에서 tau를 빼고 음수는 0으로 자르며, "
            "tau는 결과의 합이 1이 되게 하는 단 하나의 수입니다."
        ),
        formula="Max(x(i) - tau, 0)",
        derivative=(
            "Piecewise((g(i) - Sum(Piecewise((g(j), y(j) > 0), (0, True)), (j, 1, n))"
            "/Sum(Piecewise((1, y(j) > 0), (0, True)), (j, 1, n)), y(i) > 0), (0, True))"
        ),
        edges=EDGES,
        edges_ko=EDGES_KO,
        range="[0, 1]",
        elsewhere={
            "axis": {"-1": "Keras"},
        },
        source="Martins and Astudillo, 2016, arXiv:1602.02068",
        example=""">>> y = actfn.sparsemax(np.array([1.5, 1.0, 0.25]))
>>> y
array([0.75, 0.25, 0.  ])
>>> actfn.sparsemax_backward(np.array([1.0, 0.0, 0.0]), y)
array([ 0.5, -0.5,  0. ])""",
    ),
    Activation(
        name="entmax15",
        title="Entmax 1.5",
        title_ko="엔트맥스 1.5",
        family="rows",
        kind="rows",
        summary=(
            "Halfway between softmax and sparsemax: small entries become exactly 0, large ones stay smooth, and tau is "
            "the one number that makes the result sum to 1."
        ),
        summary_ko=(
            "소프트맥스와 스파스맥스의 중간입니다. 작은 값은 정확히 0이 되고 큰 값은 매끄럽게 변하며, "
            "tau는 결과의 합이 1이 되게 하는 단 하나의 수입니다."
        ),
        formula="Max(x(i)/2 - tau, 0)**2",
        derivative="sqrt(y(i))*(g(i) - Sum(sqrt(y(j))*g(j), (j, 1, n))/Sum(sqrt(y(j)), (j, 1, n)))",
        aliases=("tsallis15",),
        edges=EDGES,
        edges_ko=EDGES_KO,
        range="[0, 1]",
        source="Peters, Niculae and Martins, 2019, arXiv:1905.05702",
        example=""">>> y = actfn.entmax15(np.array([2.0, 1.0, 0.1]))
>>> y.round(6)
array([0.830719, 0.169281, 0.      ])
>>> actfn.entmax15_backward(np.array([1.0, 0.0, 0.0]), y).round(6)
array([ 0.283473, -0.283473,  0.      ])""",
    ),
    Activation(
        name="hardmax",
        title="Hardmax",
        title_ko="하드맥스",
        family="rows",
        kind="rows",
        summary=(
            "1 at k, where the largest entry of the row stands, and 0 elsewhere; of several largest entries the first."
        ),
        summary_ko=(
            "한 행에서 가장 큰 값이 있는 자리 k는 1, 나머지는 0이 됩니다. 가장 큰 값이 여럿이면 첫째 자리를 고릅니다."
        ),
        formula="KroneckerDelta(i, k)",
        derivative="0",
        kinks={"a tie": "0"},
        edges="A row with NaN, or with nothing but -oo, becomes NaN; oo is larger than all others.",
        edges_ko="NaN이 있거나 모두 -oo인 행은 NaN이 되고, oo는 다른 어떤 값보다 큽니다.",
        range="{0, 1}",
        elsewhere={
            "axis": {"-1": "ONNX"},
        },
        source="",
        example=""">>> actfn.hardmax(np.array([[1.0, 3.0, 2.0], [5.0, 4.0, 5.0]]))
array([[0., 1., 0.],
       [1., 0., 0.]])
>>> actfn.hardmax_backward(np.ones(3), np.array([0.0, 1.0, 0.0]))
array([0., 0., 0.])""",
    ),
    Activation(
        name="gumbel_softmax",
        title="Gumbel-Softmax",
        title_ko="굼벨 소프트맥스",
        family="rows",
        kind="sampled rows",
        summary=(
            "The softmax of a row with Gumbel noise G added: a sample from the categories whose log-probabilities the "
            "row holds, softened so that gradients pass."
        ),
        summary_ko=(
            "한 행에 굼벨 잡음 G를 더하고 소프트맥스를 취합니다. 로그 확률이 그 행과 같은 범주에서 뽑은 표본을 "
            "부드럽게 만들어 기울기가 통하게 한 것입니다."
        ),
        formula="exp((x(i) + G(i))/tau)/Sum(exp((x(j) + G(j))/tau), (j, 1, n))",
        derivative="y(i)*(g(i) - Sum(g(j)*y(j), (j, 1, n)))/tau",
        params={"tau": 1.0},
        param_docs={"tau": "Temperature: towards 0 samples become one-hot, and their gradients large."},
        param_docs_ko={"tau": "온도입니다. 0에 가까울수록 표본은 원-핫에 가까워지고 그 기울기는 커집니다."},
        edges=EDGES,
        edges_ko=EDGES_KO,
        range="(0, 1]",
        smooth=True,
        elsewhere={
            "tau": {"1": "PyTorch, Paddle"},
            "hard": {"no": "PyTorch, Paddle"},
        },
        source="Jang, Gu and Poole, 2016, arXiv:1611.01144; Maddison, Mnih and Teh, 2016, arXiv:1611.00712",
        example=""">>> y = actfn.gumbel_softmax(np.log([0.7, 0.2, 0.1]), tau=0.5, rng=0)
>>> y.shape, round(float(y.sum()), 6)
((3,), 1.0)
>>> hard, soft = actfn.gumbel_softmax(np.zeros(3), hard=True, return_soft=True, rng=0)
>>> sorted(hard.tolist())
[0.0, 0.0, 1.0]
>>> actfn.gumbel_softmax_backward(np.array([1.0, 0.0, 0.0]), soft).shape
(3,)""",
    ),
    # ---- Losses ----
    Activation(
        name="cross_entropy",
        title="Cross-entropy",
        title_ko="교차 엔트로피",
        layer="CrossEntropyLoss",
        family="losses",
        kind="row loss",
        summary=(
            "Minus the log-softmax of the correct class t, from raw scores; the loss of classifiers and "
            "language models."
        ),
        summary_ko=(
            "점수에서 바로 구한, 정답 클래스 t의 로그 소프트맥스에 음의 부호를 붙인 값입니다. 분류기와 언어 "
            "모델의 손실 함수입니다."
        ),
        formula="log(Sum(exp(x(j)), (j, 1, n))) - x(t)",
        derivative="exp(x(i))/Sum(exp(x(j)), (j, 1, n)) - KroneckerDelta(i, t)",
        aliases=(
            "cross_entropy_loss",
            "softmax_cross_entropy",
            "softmax_cross_entropy_loss",
            "softmax_cross_entropy_with_integer_labels",
            "sparse_softmax_cross_entropy_with_logits",
        ),
        target=(
            "The correct classes: integer labels from 0 to classes - 1, of the shape of the logits without `axis`, or "
            "`ignore_index` for a row that does not count; or probabilities, of the shape of the logits."
        ),
        target_ko=(
            "정답 클래스입니다. 0부터 classes - 1까지의 정수 레이블이며 모양은 `axis`를 뺀 로짓의 모양이고, "
            "`ignore_index`인 행은 세지 않습니다. 또는 로짓과 모양이 같은 확률입니다."
        ),
        range="[0, oo)",
        smooth=True,
        elsewhere={
            "reduction": {"mean": "PyTorch, ONNX", "none": "TensorFlow"},
            "ignore_index": {"-100": "PyTorch", "none": "ONNX, TensorFlow"},
            "label_smoothing": {"0": "PyTorch, Keras"},
        },
        source="",
        example=""">>> round(float(actfn.cross_entropy(np.array([[2.0, 1.0, 0.1]]), np.array([0]))), 6)
0.41703
>>> actfn.cross_entropy_backward(1.0, np.array([[2.0, 1.0, 0.1]]), np.array([0])).round(6)
array([[-0.340999,  0.242433,  0.098566]])""",
    ),
    Activation(
        name="binary_cross_entropy",
        title="Binary Cross-entropy",
        title_ko="이진 교차 엔트로피",
        layer="BCEWithLogitsLoss",
        family="losses",
        kind="pointwise loss",
        summary=(
            "The loss of yes-or-no predictions, from raw scores: minus the log-probability of the correct answer."
        ),
        summary_ko=(
            "예/아니요를 맞히는 문제의 손실 함수로, 점수에서 바로 구합니다. 정답의 로그 확률에 음의 부호를 "
            "붙인 값입니다."
        ),
        formula="(1 - target)*softplus(x) + pos_weight*target*softplus(-x)",
        derivative="(1 - target)*sigmoid(x) - pos_weight*target*sigmoid(-x)",
        params={"pos_weight": 1.0},
        param_docs={"pos_weight": "Weight of the positive class."},
        param_docs_ko={"pos_weight": "양성 클래스의 가중치입니다."},
        aliases=(
            "binary_cross_entropy_with_logits",
            "bce_with_logits",
            "bce_with_logits_loss",
            "sigmoid_cross_entropy_with_logits",
            "sigmoid_binary_cross_entropy",
            "weighted_cross_entropy_with_logits",
        ),
        target="The correct answers: 1 for yes, 0 for no, or the probability of yes; broadcasts with the logits.",
        target_ko="정답입니다. 맞으면 1, 아니면 0, 또는 맞을 확률이며, 로짓과 브로드캐스팅됩니다.",
        range="(0, oo)",
        smooth=True,
        segment=0.25,
        elsewhere={
            "pos_weight": {"none": "PyTorch", "required": "TensorFlow"},
            "reduction": {"mean": "PyTorch", "none": "TensorFlow"},
        },
        source="",
        example=""">>> round(float(actfn.binary_cross_entropy(2.0, 1.0)), 6)
0.126928
>>> scores, truth = np.array([2.0, -1.0]), np.array([1.0, 0.0])
>>> actfn.binary_cross_entropy(scores, truth, reduction="none").round(6)
array([0.126928, 0.313262])
>>> actfn.binary_cross_entropy_backward(1.0, scores, truth, reduction="none").round(6)
array([-0.119203,  0.268941])""",
    ),
)


def _key(name: str) -> str:
    """Spelling without case, spaces, dashes and underscores: HardTanh, hard_tanh and hard-tanh are one."""
    return name.casefold().replace("_", "").replace("-", "").replace(" ", "")


class Catalog(Mapping[str, Activation]):
    """The rows by name, in teaching order; `get` also takes the spellings of other libraries."""

    def __init__(self, rows: tuple[Activation, ...]) -> None:
        self._rows = {row.name: row for row in rows}
        self._spellings = {_key(s): row for row in rows for s in (row.name, row.title, *row.aliases)}

    def __getitem__(self, name: str) -> Activation:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"<catalog of {len(self)} activations: {', '.join(self)}>"

    def find(self, name: str) -> Activation:
        """The row for any spelling; ValueError that names what was asked for."""
        try:
            return self._spellings[_key(name)]
        except KeyError:
            import difflib

            close = difflib.get_close_matches(_key(name), self._spellings, 3, 0.7)
            meant = " or ".join(dict.fromkeys(repr(self._spellings[key].name) for key in close))
            hint = f"; did you mean {meant}?" if meant else ""
            raise ValueError(f"get: name must be an activation or a known alias, got {name[:80]!r}{hint}") from None


catalog = Catalog(ROWS)
