"""An object per activation, with PyTorch's class names, that remembers what its backward function needs.

The classes are made from the catalog; by hand only what a row cannot say.
"""

import inspect
import operator
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

import actfn

from ._arrays import generator, shape_of, shown, valid_flag
from ._docstrings import class_docstring
from ._ufuncs import array_of
from .catalog import Activation, catalog
from .elementwise import rrelu
from .losses import Reduction, _valid_reduction
from .pieces import _valid_pieces
from .rows import gumbel_softmax

if TYPE_CHECKING:
    # What is made from rows below.
    from ._layers import *  # noqa: F403


@cache
def parameters_of(function: str) -> dict[str, inspect.Parameter]:
    """The parameters of a public function."""
    return dict(inspect.signature(getattr(actfn, function)).parameters)


@cache
def operands_of(row: str) -> tuple[str, ...]:
    """The arrays that a forward function takes: what has no default and is no parameter of the activation."""
    parameters, settings = parameters_of(row), actfn.catalog[row].params
    empty = inspect.Parameter.empty
    return tuple(
        name
        for name, parameter in parameters.items()
        if parameter.default is empty and name not in settings and parameter.kind is not parameter.VAR_KEYWORD
    )


@cache
def settings_of(row: str) -> dict[str, inspect.Parameter]:
    """What else it takes, but for what belongs to one call: where to write, which entries take part."""
    if isinstance(getattr(actfn, row), np.ufunc):
        return {}
    others = (*operands_of(row), "out", "mask", "kwargs")
    return {name: parameter for name, parameter in parameters_of(row).items() if name not in others}


class Layer:
    """An activation with its settings: call it, then ask for the gradient on the way back.

    Attributes
    ----------
    row : Activation
        The facts of the catalog.
    grad : dict of str to ndarray
        Gradients of what the layer learns, by name, summed over all calls of `backward` since the last
        ``layer.grad.clear()``; each has the shape of the attribute of that name. Empty where nothing is learned.

    Notes
    -----
    A layer remembers one input, that of its last call, and every `backward` belongs to that; two calls of `backward`
    give the same gradient twice. It remembers the array itself, not a copy: do not write into it in between. What a
    layer learns it remembers by value, so weights may be changed at any time, but for their shape between forward and
    backward. Copies and pickles of a layer hold its
    settings, its weights and their gradients, but not the input.

    Examples
    --------
    >>> import numpy as np
    >>> import actfn
    >>> layer = actfn.layers.LeakyReLU(negative_slope=0.5)
    >>> layer(np.array([-2.0, 3.0]))
    array([-1.,  3.])
    >>> layer.backward(np.array([1.0, 1.0]))
    array([0.5, 1. ])
    >>> isinstance(layer, actfn.layers.Layer)
    True
    """

    row: ClassVar[Activation]
    # The operands and settings of the backward function, and the shapes of what is learned, from the last forward.
    _remembered: tuple[tuple[Any, ...], dict[str, Any], dict[str, tuple[int, ...]]] | None = None

    def __init__(self, **settings: Any) -> None:
        for name, value in settings.items():
            setattr(self, name, self._valid(name, value))
        self.grad: dict[str, NDArray[Any]] = {}

    def _valid(self, name: str, value: Any) -> Any:
        if name == "reduction":
            _valid_reduction(self._name, value)
        if name == "pieces":
            return _valid_pieces(self._name, value)
        setting = settings_of(self.row.name).get(name)
        if setting and isinstance(setting.default, bool):
            valid_flag(self._name, name, value)
        # The name of a dimension is for the object that has one to judge.
        if name == "axis" and value is not None and not isinstance(value, str):
            try:
                return operator.index(value)
            except TypeError:
                raise TypeError(f"{self._name}: axis must be an integer, got {shown(value)}") from None
        if name in self.row.params:
            # A bool is most likely PyTorch's `inplace`, in the place of a number.
            dtype = array_of(self._name, name, value).dtype
            if dtype.kind not in "iuf" or dtype.itemsize > 8:
                raise TypeError(f"{self._name}: {name} must be a number or an array of numbers, got {shown(value)}")
            # What is learned belongs to the layer.
            return np.array(value, np.float64) if name in self.row.trains else value
        return value

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _function(self) -> str:
        return self.row.name

    def _arguments(self, *inputs: ArrayLike) -> dict[str, Any]:  # noqa: ARG002, overriders look at them
        """What the functions take beside arrays; learned numbers as float, for which there is a quicker way."""
        arguments = {name: getattr(self, name) for name in settings_of(self.row.name)}
        for name in self.row.trains:
            weights = self._valid(name, arguments[name])
            arguments[name] = weights.item() if weights.size == 1 else weights
        return arguments

    def _valid_inputs(self, inputs: tuple[ArrayLike, ...]) -> tuple[ArrayLike, ...]:
        wanted = operands_of(self.row.name)
        if len(inputs) != len(wanted):
            raise TypeError(f"{self._name}: forward takes {' and '.join(wanted)}, got {len(inputs)} arguments")
        return inputs

    def forward(self, *inputs: ArrayLike) -> Any:
        """The activation of the input."""
        arguments = self._arguments(*self._valid_inputs(inputs))
        y = getattr(actfn, self._function())(*inputs, **arguments)
        # The signature of the backward function says what must be remembered.
        backward = parameters_of(f"{self._function()}_backward")
        kept = {name: value for name, value in arguments.items() if name in backward}
        shapes = {name: np.shape(getattr(self, name)) for name in self.row.trains}
        self._remembered = (y,) if "y" in backward else inputs, kept, shapes
        return y

    def __call__(self, *inputs: ArrayLike) -> Any:
        """The activation of the input: `forward`."""
        return self.forward(*inputs)

    def backward(self, grad: ArrayLike) -> Any:
        """The gradient of the input of the last forward, from that of its output; a tuple for two inputs."""
        if self._remembered is None:
            raise RuntimeError(f"{self._name}: backward needs a forward before it, and there was none")
        operands, arguments, shapes = self._remembered
        for name, shape in shapes.items():
            if (now := np.shape(getattr(self, name))) != shape:
                raise ValueError(f"{self._name}: {name} must have shape {shape}, as in the last forward, got {now}")
            if (summed := np.shape(self.grad.get(name, np.empty(shape)))) != shape:
                raise ValueError(
                    f"{self._name}: grad[{name!r}] must have shape {shape}, that of {name}, got {summed}; "
                    "clear grad after a change of shape"
                )
        result = getattr(actfn, f"{self._function()}_backward")(grad, *operands, **arguments)
        if not self.row.trains:
            return result
        gradient, *totals = result
        for name, total in zip(self.row.trains, totals, strict=True):
            kind = np.asarray(getattr(self, name)).dtype
            total = np.asarray(total, kind if kind.kind == "f" else np.float64).reshape(shapes[name])
            self.grad[name] = self.grad.get(name, 0.0) + total
        return gradient

    def __repr__(self) -> str:
        shown = []
        for name, parameter in inspect.signature(type(self)).parameters.items():
            value: Any = vars(self).get(name)
            usual = parameter.kind is parameter.KEYWORD_ONLY and np.array_equal(value, parameter.default)
            if value is not None and not usual:
                shown.append(f"{name}={_text(value)}")
        return f"{self._name}({', '.join(shown)})"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_remembered"}


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return repr(value.item()) if value.size == 1 else f"<array of shape {value.shape}>"
    return repr(value)


class Sequential:
    """Layers one after the other; backward goes through them in the opposite order.

    Parameters
    ----------
    *layers : Layer
        Or anything else that has `forward` and `backward`, such as a matrix product of your own.

    Raises
    ------
    TypeError
        For something that is no layer.
    ValueError
        For the same layer twice: it remembers one input only, so its first gradient would be wrong.

    Examples
    --------
    >>> import numpy as np
    >>> import actfn
    >>> net = actfn.layers.Sequential(actfn.layers.PReLU(), actfn.layers.Softmax())
    >>> net
    Sequential(
      (0): PReLU(num_parameters=1)
      (1): Softmax(axis=-1)
    )
    >>> net(np.array([-4.0, 2.0])).round(4)
    array([0.0474, 0.9526])
    >>> net.backward(np.array([1.0, 0.0])).round(4)
    array([ 0.0113, -0.0452])
    >>> net[0].grad["weight"].round(4)
    array([-0.1807])
    """

    def __init__(self, *layers: Any) -> None:
        for k, layer in enumerate(layers):
            if isinstance(layer, type) or not (hasattr(layer, "forward") and hasattr(layer, "backward")):
                raise TypeError(
                    f"Sequential: layer {k} must be an object with forward and backward, got {type(layer).__name__}"
                )
        self._layers = layers
        leaves = list(self._leaves())
        for k, leaf in enumerate(leaves):
            if any(leaf is other for other in leaves[:k]):
                raise ValueError(f"Sequential: every layer must be an object of its own, got the same {leaf!r} twice")

    def _leaves(self) -> Iterator[Any]:
        for layer in self._layers:
            yield from layer._leaves() if isinstance(layer, Sequential) else (layer,)

    def forward(self, x: ArrayLike) -> Any:
        """The output of the last layer."""
        for layer in self._layers:
            x = layer.forward(x)
        return x

    def __call__(self, x: ArrayLike) -> Any:
        """The output of the last layer: `forward`."""
        return self.forward(x)

    def backward(self, grad: ArrayLike) -> Any:
        """The gradient of the first layer's input, from that of the last layer's output."""
        for layer in reversed(self._layers):
            grad = layer.backward(grad)
        return grad

    def __getitem__(self, index: int) -> Any:
        return self._layers[index]

    def __len__(self) -> int:
        return len(self._layers)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._layers)

    def __repr__(self) -> str:
        if not self._layers:
            return "Sequential()"
        lines = [f"({k}): {layer!r}" for k, layer in enumerate(self._layers)]
        return "Sequential(\n  " + "\n".join(lines).replace("\n", "\n  ") + "\n)"


# ---- What a row cannot say ------------------------------------------------------------------------------------


class GELU(Layer):
    """GELU, exact or by the approximation with tanh.

    Parameters
    ----------
    approximate : {'none', 'tanh'}, default 'none'
        'none' computes `actfn.gelu`, 'tanh' computes `actfn.gelu_tanh`.

    Raises
    ------
    ValueError
        For another approximation.

    Examples
    --------
    >>> import numpy as np
    >>> import actfn
    >>> layer = actfn.layers.GELU()
    >>> layer
    GELU(approximate='none')
    >>> layer(np.array([-1.0, 1.0]))
    array([-0.15865525,  0.84134475])
    >>> actfn.layers.GELU(approximate="tanh")(np.array([-1.0, 1.0]))
    array([-0.15880801,  0.84119199])
    """

    row = catalog["gelu"]
    approximate: str

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: approximate must be 'none' or 'tanh', got {shown(approximate)}")
        super().__init__(approximate=approximate)

    def _function(self) -> str:
        return "gelu" if self.approximate == "none" else "gelu_tanh"


class PReLU(Layer):
    """Leaky ReLU with a learned slope, one for everything or one per channel.

    Parameters
    ----------
    num_parameters : int, default 1
        1, or the number of channels, which are axis 1 of the input.
    init : float, default 0.25
        Slope at the start.

    Attributes
    ----------
    weight : ndarray
        The slopes, of shape (num_parameters,); the gradient is ``grad["weight"]``.

    Raises
    ------
    ValueError
        For an input without that many channels.

    Examples
    --------
    >>> import numpy as np
    >>> import actfn
    >>> layer = actfn.layers.PReLU(2)
    >>> layer.weight[:] = 0.5, 0.1
    >>> layer(np.array([[-2.0, -2.0], [4.0, -6.0]]))
    array([[-1. , -0.2],
           [ 4. , -0.6]])
    >>> layer.backward(np.ones((2, 2)))
    array([[0.5, 0.1],
           [1. , 0.1]])
    >>> layer.grad["weight"]
    array([-2., -8.])
    """

    row = catalog["prelu"]
    num_parameters: int
    weight: NDArray[Any]

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        try:
            number = operator.index(num_parameters)
        except TypeError:
            raise TypeError(f"PReLU: num_parameters must be an integer, got {shown(num_parameters)}") from None
        if number < 1:
            raise ValueError(f"PReLU: num_parameters must be at least 1, got {number}")
        if isinstance(init, bool) or not isinstance(init, (int, float, np.number)):
            raise TypeError(f"PReLU: init must be a number, got {shown(init)}")
        super().__init__(num_parameters=number, weight=np.full(number, init))

    def _arguments(self, *inputs: ArrayLike) -> dict[str, Any]:
        (weight,) = super()._arguments(*inputs).values()
        if isinstance(weight, np.ndarray):
            shape = shape_of(self._name, "x", inputs[0])
            if len(shape) < 2 or shape[1] != weight.size:
                raise ValueError(f"PReLU: x must have {weight.size} channels along axis 1, got shape {shape}")
            weight = weight.reshape(-1, *(1,) * (len(shape) - 2))
        return {"weight": weight}


class RReLU(Layer):
    """Leaky ReLU whose slope is drawn for every element while training, and is the middle of the interval otherwise.

    Parameters
    ----------
    lower : float, default 1/8
        Smallest slope.
    upper : float, default 1/3
        Largest slope.
    training : bool, default False
        Draw slopes. PyTorch's modules start in training; this attribute may be changed at any time.
    rng : numpy.random.Generator or seed, optional
        Where slopes come from; a seed starts one generator for all calls of this layer.

    Examples
    --------
    >>> import numpy as np
    >>> import actfn
    >>> layer = actfn.layers.RReLU(lower=0.25, upper=0.5)
    >>> layer(np.array([-8.0, 3.0]))
    array([-3.,  3.])
    >>> layer.training = True
    >>> y = layer(np.array([-8.0, 3.0]))
    >>> bool(-4 <= y[0] <= -2)
    True
    >>> bool(layer.backward(1.0)[0] == y[0] / -8)
    True
    """

    row = catalog["rrelu"]
    lower: float
    upper: float
    training: bool

    def __init__(
        self,
        lower: float = 1 / 8,
        upper: float = 1 / 3,
        *,
        training: bool = False,
        rng: np.random.Generator | int | None = None,
    ) -> None:
        super().__init__(lower=lower, upper=upper, training=training)
        self._rng = generator(self._name, rng)

    def forward(self, *inputs: ArrayLike) -> Any:
        """The activation of the input, with slopes drawn now if the layer is training."""
        (x,) = self._valid_inputs(inputs)
        y, slope = rrelu(x, self.lower, self.upper, training=self.training, rng=self._rng, return_slope=True)
        drawn = {"slope": slope} if self.training else {"lower": self.lower, "upper": self.upper}
        self._remembered = (x,), drawn, {}
        return y


class GumbelSoftmax(Layer):
    """A sample from the categories whose log-probabilities a row holds, softened so that gradients pass.

    Parameters
    ----------
    tau : float, default 1.0
        Temperature: towards 0 samples become one-hot, and their gradients large.
    axis : int, default -1
        Axis along which a row lies; PyTorch's name `dim` is accepted too.
    hard : bool, default False
        Return 1 for the largest entry of the sample and 0 for the others. The gradient is that of the soft sample.
    rng : numpy.random.Generator or seed, optional
        Where the noise comes from; a seed starts one generator for all calls of this layer.

    Examples
    --------
    >>> import numpy as np
    >>> import actfn
    >>> layer = actfn.layers.GumbelSoftmax(hard=True, rng=0)
    >>> y = layer(np.zeros(3))
    >>> sorted(y.tolist())
    [0.0, 0.0, 1.0]
    >>> bool(np.any(layer.backward(y) != 0))
    True
    """

    row = catalog["gumbel_softmax"]
    tau: float
    axis: int
    hard: bool

    @overload
    def __init__(
        self,
        tau: float = 1.0,
        axis: int = -1,
        *,
        hard: bool = False,
        rng: np.random.Generator | int | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self,
        tau: float = 1.0,
        *,
        dim: int,
        hard: bool = False,
        rng: np.random.Generator | int | None = None,
    ) -> None: ...
    # `constructor` makes dim an axis.
    def __init__(  # type: ignore[misc]
        self,
        tau: float = 1.0,
        axis: int = -1,
        *,
        hard: bool = False,
        rng: np.random.Generator | int | None = None,
    ) -> None:
        super().__init__(tau=tau, axis=axis, hard=hard)
        self._rng = generator(self._name, rng)

    def forward(self, *inputs: ArrayLike) -> Any:
        """A sample, with noise drawn now."""
        (x,) = self._valid_inputs(inputs)
        y, soft = gumbel_softmax(x, self.tau, self.axis, hard=self.hard, rng=self._rng, return_soft=True)
        self._remembered = (soft,), {"tau": self.tau, "axis": self.axis}, {}
        return y


class CrossEntropyLoss(Layer):
    """Cross-entropy of scores and the right classes, or their probabilities.

    Parameters
    ----------
    weight : array_like, optional
        Factor per class, of shape (classes,).
    ignore_index : int, default -100
        Label of rows that have neither loss nor gradient.
    label_smoothing : float, default 0.0
        Share of the target that is spread evenly over all classes, in [0, 1].
    reduction : {'mean', 'sum', 'none'}, default 'mean'
        What becomes of the losses of the rows.
    axis : int, optional
        Where the classes are. By default axis 1, or axis 0 of a single row, as in PyTorch; `actfn.cross_entropy`
        takes the last axis, which is the same for a matrix.

    Examples
    --------
    >>> import numpy as np
    >>> import actfn
    >>> loss = actfn.layers.CrossEntropyLoss(reduction="sum")
    >>> logits = np.array([[2.0, 1.0, 0.1], [0.0, 0.0, 0.0]])
    >>> round(float(loss(logits, np.array([0, 2]))), 6)
    1.515642
    >>> loss.backward().round(3)
    array([[-0.341,  0.242,  0.099],
           [ 0.333,  0.333, -0.667]])
    """

    row = catalog["cross_entropy"]
    axis: int | str | None

    @overload
    def __init__(
        self,
        weight: ArrayLike | None = None,
        *,
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
        reduction: Reduction = "mean",
        axis: int | str | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self,
        weight: ArrayLike | None = None,
        *,
        dim: int | str | None,
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
        reduction: Reduction = "mean",
    ) -> None: ...
    # `constructor` makes dim an axis.
    def __init__(  # type: ignore[misc]
        self,
        weight: ArrayLike | None = None,
        *,
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
        reduction: Reduction = "mean",
        axis: int | str | None = None,
    ) -> None:
        super().__init__(
            weight=weight, ignore_index=ignore_index, label_smoothing=label_smoothing, reduction=reduction, axis=axis
        )

    def _arguments(self, *inputs: ArrayLike) -> dict[str, Any]:
        arguments = super()._arguments(*inputs)
        if self.axis is None:
            arguments["axis"] = min(1, len(shape_of(self._name, "logits", inputs[0])) - 1)
        return arguments

    def backward(self, grad: ArrayLike = 1.0) -> Any:
        """The gradient of the scores; of the loss itself, unless the loss is not the end."""
        return super().backward(grad)


class BCEWithLogitsLoss(Layer):
    """Binary cross-entropy of scores and the probabilities that are wanted.

    Parameters
    ----------
    reduction : {'mean', 'sum', 'none'}, default 'mean'
        What becomes of the losses of the elements.
    pos_weight : array_like, default 1.0
        Factor for the positive part of the loss; broadcasts.

    Examples
    --------
    >>> import numpy as np
    >>> import actfn
    >>> loss = actfn.layers.BCEWithLogitsLoss(reduction="sum")
    >>> round(float(loss(np.array([2.0, -1.0]), np.array([1.0, 0.0]))), 6)
    0.44019
    >>> loss.backward().round(4)
    array([-0.1192,  0.2689])
    """

    row = catalog["binary_cross_entropy"]

    def __init__(self, *, reduction: Reduction = "mean", pos_weight: ArrayLike = 1.0) -> None:
        super().__init__(reduction=reduction, pos_weight=pos_weight)

    def backward(self, grad: ArrayLike = 1.0) -> Any:
        """The gradient of the scores; of the loss itself, unless the loss is not the end."""
        return super().backward(grad)


def constructor(name: str, signature: inspect.Signature, start: Callable[..., None]) -> Callable[..., None]:
    """An `__init__` with a real signature, which gives `start` all arguments by name; `dim` is another for `axis`."""
    untyped = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    signature = inspect.Signature(untyped)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        if "dim" in kwargs and "axis" in signature.parameters and "axis" not in kwargs:
            kwargs["axis"] = kwargs.pop("dim")
        try:
            given = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{name}: {error}, expected {name}{signature}") from None
        given.apply_defaults()
        start(self, **given.arguments)

    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    __init__.__signature__ = signature.replace(parameters=[this, *signature.parameters.values()])  # type: ignore[attr-defined]
    return __init__


def _class(row: Activation) -> type[Layer]:
    start = constructor(row.class_name, inspect.Signature(list(settings_of(row.name).values())), Layer.__init__)
    made = type(row.class_name, (Layer,), {"row": row, "__init__": start, "__module__": __name__})
    made.__doc__ = class_docstring(row, made, operands_of(row.name))
    return made


__all__ = ["Layer", "Sequential"]
for _row in catalog.values():
    if (_written := globals().get(_row.class_name)) is None:
        globals()[_row.class_name] = _class(_row)
    else:
        _written.__init__ = constructor(_row.class_name, inspect.signature(_written), _written.__init__)
    __all__ += [_row.class_name]
