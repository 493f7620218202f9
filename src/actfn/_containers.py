"""Functions of rows on what is more than an array: Dask's, xarray's and pandas' objects and masked arrays.

Element-wise functions reach these through NumPy's ufunc protocol. A function of rows is no ufunc: it asks here, after
its short way in has declined, and is called again with plain arrays. Nothing is imported: who has such an object has
its library.

What an operand has along the axis is written as NumPy's generalised ufuncs do: "n", the whole row; "", one value per
row; "m", half a row, and "mm", both halves; "o", one value where the axis stays; "k", a vector that belongs to all
rows. The first operand is the one that has all axes.
"""

import inspect
import sys
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any, NoReturn

import numpy as np

from ._arrays import cast, valid_axis
from ._build import kernels
from ._ufuncs import array_of, float_dtype

# By name, the value and what it has along the axis.
Operands = Mapping[str, tuple[Any, str]]

_TYPES = {
    "xarray": ("Dataset", "DataArray", "Variable"),
    "pandas": ("DataFrame", "Series"),
    "dask.dataframe": ("DataFrame", "Series"),
    "dask.array": ("Array",),
    "numpy.ma": ("MaskedArray",),
}

# Spares nearly every call the search.
_PLAIN = (np.ndarray, float, int, list, type(None))


def _classes(library: str) -> tuple[type, ...]:
    # A module that was not imported, or not to its end, lacks the classes, and nobody has an instance yet.
    module = sys.modules.get(library)
    return tuple(getattr(module, kind) for kind in _TYPES[library] if hasattr(module, kind))


def library_of(*values: Any) -> str:
    """The outermost library that one of the values belongs to, or "": an xarray object may hold a Dask array."""
    for value in values:
        if type(value) not in _PLAIN and not isinstance(value, np.generic):
            return next((name for name in _TYPES if any(isinstance(v, _classes(name)) for v in values)), "")
    return ""


def apply(
    function: Callable[..., Any],
    operands: Operands,
    result: str | tuple[str, ...],
    axis: Any,
    out: Any = None,
    **options: Any,
) -> Any:
    """function(**operands, axis=axis, **options) in the type of the operands, of which one is no plain array."""
    library = library_of(*(value for value, _ in operands.values()))
    if out is not None:
        raise TypeError(f"{function.__name__}: out must be None for objects of {library}, got {type(out).__name__}")
    # Numbers follow the arrays' dtype and stay numbers; what was not given is not passed on.
    numbers = {n: v for n, (v, _) in operands.items() if type(v) in (bool, int, float)}
    arrays = {n: (v, core) for n, (v, core) in operands.items() if v is not None and n not in numbers}
    lists = {n: (v, core) for n, (v, core) in arrays.items() if isinstance(v, (list, tuple))}
    arrays |= {n: (array_of(function.__name__, n, v), core) for n, (v, core) in lists.items()}
    return _HANDLERS[library](function, arrays, result, axis, numbers | options)


def in_memory(function: str, operands: Mapping[str, Any]) -> None:
    """Refuse what the function has no way to work on."""
    for name, operand in operands.items():
        if library := library_of(operand):
            raise TypeError(f"{function}: {name} must be an array in memory, got {type(operand).__name__} of {library}")


def named(name: str, step: Callable[..., Any]) -> Callable[..., Any]:
    """A step of a function under the function's name, which is what errors tell."""
    step = partial(step)
    vars(step)["__name__"] = name
    return step


def _take_over(ufunc: np.ufunc, arrays: list[Any]) -> Any:
    """What a ufunc of several results makes of Dask arrays; None for whatever else NumPy could not handle."""
    if library_of(*arrays) not in ("dask.array", "dask.dataframe") or len(arrays) != ufunc.nin:
        return None
    operands = {name: (array, "") for name, array in zip(kernels.names_of(ufunc), arrays, strict=True)}
    return apply(ufunc, operands, ("",) * ufunc.nout, None)


kernels.__dict__["take_over"] = _take_over


def adds_up(*values: Any) -> bool:
    """Whether a sum over all rows is one of rows that stay what they are: Dask's, or a DataArray's."""
    library = library_of(*values)
    return library == "dask.array" or (
        library == "xarray" and not any(isinstance(value, sys.modules["xarray"].Dataset) for value in values)
    )


def sum_of(rows: Any) -> Any:
    """The sum of all in float64, with NaN as everywhere: xarray would leave it out."""
    return rows.sum(dtype=np.float64, **({"skipna": False} if library_of(rows) == "xarray" else {}))


def over(total: Any, count: Any) -> Any:
    """total / count; NaN without a warning, which a lazy division gives late, where nothing counts."""
    return total / (count.where(count != 0) if library_of(count) == "xarray" else np.where(count != 0, count, np.nan))


def _called(
    *arrays: Any,
    function: Callable[..., Any],
    cores: dict[str, str],
    result: str | tuple[str, ...],
    options: dict[str, Any],
) -> Any:
    """With the rows along the last axis, where Dask and xarray move it."""
    axis = -1 if any(cores.values()) else None
    values = dict(zip(cores, arrays, strict=True))
    if library_of(*arrays) == "dask.array":
        return apply(function, {n: (a, cores[n]) for n, a in values.items()}, result, axis, **options)
    if isinstance(function, np.ufunc):
        return function(*((values | options)[name] for name in kernels.names_of(function)))
    return function(**values, **({} if axis is None else {"axis": axis}), **options)


def _on_last_axis(
    function: Callable[..., Any], operands: Operands, result: str | tuple[str, ...], options: dict[str, Any]
) -> Callable[..., Any]:
    cores = {n: core for n, (_, core) in operands.items()}
    return partial(_called, function=function, cores=cores, result=result, options=options)


def _signature(cores: list[str], results: tuple[str, ...]) -> str:
    return "->".join(",".join(f"({core})" for core in side) for side in (cores, results))


def _per_row(value: Any, ndim: int, axis: int) -> Any:
    """A value per row that kept the axis with length 1, without it."""
    return value[(slice(None),) * axis + (0,)] if np.ndim(value) == ndim and np.shape(value)[axis] == 1 else value


# ---- Parameters -----------------------------------------------------------------------------------------------


def summed_like(function: str, param: Any, terms: Any, y: Any) -> Any:
    """The terms of a parameter's gradient summed to what the parameter is: labelled or not, of any shape.

    `y` is the gradient of the input, whose dtype this one has.
    """
    library = library_of(terms)
    if library == "dask.dataframe":
        _lazy_frame(function)
    if library == "xarray":
        xr: Any = sys.modules["xarray"]
        if isinstance(terms, xr.Dataset):
            parts = {
                n: summed_like(function, param[n] if isinstance(param, xr.Dataset) else param, terms[n], y[n])
                for n in terms
            }
            return xr.Dataset(parts, attrs=terms.attrs)
        if isinstance(param, xr.DataArray):
            others = [dim for dim in terms.dims if dim not in param.dims]
            return terms.sum(others, skipna=False).transpose(*param.dims).astype(y.dtype)
        return summed_like(function, param, terms.data, y.data)
    if library == "pandas":
        if library_of(param):
            return terms.astype(y.dtypes)
        (terms, lost), (y, _) = _values(function, "x", terms), _values(function, "x", y)
        terms = terms if lost is None else np.where(lost, 0.0, terms)
    if library == "numpy.ma":
        terms = terms.filled(0.0)
    shape = np.shape(param)
    axes = tuple(k for k in range(terms.ndim) if k < terms.ndim - len(shape) or shape[k - terms.ndim] == 1)
    found = terms.sum(axis=axes, keepdims=True).reshape(shape)
    return found.astype(y.dtype) if library == "dask.array" else cast(found, y.dtype)[()]


def slopes_like(function: str, x: Any, lower: Any, upper: Any, rng: np.random.Generator) -> Any:
    """A slope per element of x, from the interval."""
    library = library_of(x)
    if library == "xarray":
        if isinstance(x, sys.modules["xarray"].Dataset):
            return x.map(lambda v: slopes_like(function, v, lower, upper, rng))
        return x.copy(data=slopes_like(function, x.data, lower, upper, rng))
    if library == "pandas":
        values, _ = _values(function, "x", x)
        return _framed(slopes_like(function, values, lower, upper, rng), "n", None, x, None)
    if library == "dask.dataframe":
        _lazy_frame(function)
    dtype = float_dtype(function, [("x", type(x.dtype))])
    if library == "dask.array":
        _known_lengths(function, "x", x)
        seeded = sys.modules["dask.array"].random.default_rng(int(rng.integers(2**63)))
        return seeded.uniform(lower, upper, x.shape, chunks=x.chunks).astype(dtype)
    return cast(np.asarray(rng.uniform(lower, upper, x.shape)), dtype)[()]


# ---- Dask -----------------------------------------------------------------------------------------------------


def _whole_rows(x: Any, axis: int) -> Any:
    """Chunks that hold whole rows. Where rows were cut, chunks get fewer of them and stay about as large."""
    if x.numblocks[axis] == 1:
        return x
    known = not any(np.isnan(x.shape))
    limit = int(np.prod([max(c) for c in x.chunks], dtype=float) * x.dtype.itemsize) if known else None
    chunks = {k: -1 if k == axis else "auto" for k in range(x.ndim) if known or k == axis}
    return x.rechunk(chunks, block_size_limit=max(limit, 1) if limit is not None else None)


def _known_lengths(function: str, operand: str, array: Any) -> None:
    if np.isnan(array.shape).any():
        raise ValueError(
            f"{function}: {operand} must have known lengths, got {array.shape}; see its compute_chunk_sizes()"
        )


def _lazy_frame(function: str) -> NoReturn:
    raise TypeError(
        f"{function}: takes no objects of dask.dataframe; their to_dask_array(lengths=True) is an array that it takes, "
        "and their map_partitions calls a function on one pandas object after the other"
    )


def _dask(
    function: Callable[..., Any], operands: Operands, result: str | tuple[str, ...], axis: Any, options: dict[str, Any]
) -> Any:
    da: Any = sys.modules["dask.array"]
    name, results = function.__name__, (result,) if isinstance(result, str) else result
    cores = [core for _, core in operands.values()]
    arrays = [da.asanyarray(value) for value, _ in operands.values()]
    if len(arrays) > 1:
        for operand, array in zip(operands, arrays, strict=True):
            _known_lengths(name, operand, array)
    sizes = {"o": 1}
    if any(cores):
        axis = valid_axis(name, axis, arrays[0].ndim)
        arrays[0] = x = _whole_rows(arrays[0], axis)
        sizes |= {"n": x.shape[axis], "m": x.shape[axis] // 2, "mm": x.shape[axis]}
        if any("m" in core for core in (*cores, *results)) and x.shape[axis] % 2:
            raise ValueError(f"{name}: x must have an even length along axis {axis}, got {x.shape[axis]}")
        for k, (operand, core) in enumerate(zip(operands, cores, strict=True)):
            if core == "k":
                if arrays[k].shape != (sizes["n"],):
                    raise ValueError(f"{name}: {operand} must have shape ({sizes['n']},), got {arrays[k].shape}")
                arrays[k] = arrays[k].rechunk(-1)
            elif k > 0:
                row = ((sizes[core],), ((sizes[core],),)) if core else ((), ())
                shape, chunks = (
                    (*whole[:axis], *part, *whole[axis + 1 :])
                    for whole, part in zip((x.shape, x.chunks), row, strict=True)
                )
                array = arrays[k] if core else _per_row(arrays[k], x.ndim, axis)
                arrays[k] = _broadcast(name, operand, array, shape, chunks)
    else:
        aligned = [part for a in arrays for part in (a, tuple(range(-a.ndim, 0)))]
        arrays = da.core.unify_chunks(*aligned)[1]
    places = [(0,) if core == "k" else (axis,) if core else () for core in (*cores, *results)]
    call = _on_last_axis(function, operands, result, options)
    # On nothing: what is wrong with the arguments is said now and not when the result is computed.
    metas = [np.moveaxis(a._meta, at[0], -1) if at else a._meta for a, at in zip(arrays, places, strict=False)]
    meta = call(*metas)
    return da.apply_gufunc(
        call,
        _signature(cores, results),
        *arrays,
        axes=places if any(cores) else None,
        output_sizes={core: size for core, size in sizes.items() if core in results and core not in cores},
        meta=tuple(map(np.asanyarray, meta)) if isinstance(meta, tuple) else np.asanyarray(meta),
    )


def _broadcast(name: str, operand: str, array: Any, shape: tuple[Any, ...], chunks: Any) -> Any:
    da: Any = sys.modules["dask.array"]
    try:
        return da.broadcast_to(array, shape).rechunk(chunks)
    except ValueError:
        raise ValueError(f"{name}: {operand} must broadcast to shape {shape}, got {array.shape}") from None


# ---- xarray ---------------------------------------------------------------------------------------------------


def _xarray(
    function: Callable[..., Any], operands: Operands, result: str | tuple[str, ...], axis: Any, options: dict[str, Any]
) -> Any:
    xr: Any = sys.modules["xarray"]
    name = function.__name__
    for operand, (value, _) in operands.items():
        if isinstance(value, xr.Variable):
            raise TypeError(f"{name}: {operand} must be a DataArray or a Dataset, got Variable of xarray")
    if any(isinstance(value, xr.Dataset) for value, _ in operands.values()):
        return _each_variable(function, operands, axis, options)
    results = (result,) if isinstance(result, str) else result
    cores = {n: core for n, (_, core) in operands.items()}
    # The operand with all axes tells the dimensions; where it is a plain array, another one of its shape does.
    first = cores[next(iter(cores))]
    model = next((v for v, core in operands.values() if isinstance(v, xr.DataArray) and core == first), None)
    if model is None:
        raise TypeError(f"{name}: {next(iter(cores))} must be a DataArray where another operand is one")
    dim = dimension(name, axis, model) if any(cores.values()) else None
    sizes = {"n": dict(model.sizes), "": {d: s for d, s in model.sizes.items() if not first or d != dim}}
    if dim is not None:
        sizes["m"] = sizes["n"] | {dim: model.sizes[dim] // 2}
    arrays = []
    for operand, (value, core) in operands.items():
        labelled = isinstance(value, xr.DataArray)
        if core == "k":
            value = value if labelled else xr.DataArray(value, dims=[dim])
        elif not labelled:
            value = _labelled(name, operand, value, sizes[core])
        elif core and dim not in value.dims:
            value = value.expand_dims({dim: sizes[core][dim]})
        elif not core and dim in value.dims:
            if value.sizes[dim] != 1:
                raise ValueError(f"{name}: {operand} must have one value per row, got {value.sizes[dim]} along {dim!r}")
            value = value.isel({dim: 0}, drop=True)
        arrays.append(value)
    resized = {"m", "o"} & {*cores.values(), *results}
    found = xr.apply_ufunc(
        _on_last_axis(function, operands, result, options),
        *arrays,
        input_core_dims=[[dim] if core else [] for core in cores.values()],
        output_core_dims=[[dim] if core else [] for core in results],
        exclude_dims={dim} if resized else set(),
        dask="allowed",
        keep_attrs=True,
    )
    found = found if isinstance(found, tuple) else (found,)
    ordered = [f.transpose(*(d for d in model.dims if d in f.dims), ...) for f in found]
    if "m" in resized:
        # A half is labelled as the values are, not as their gates.
        ordered = [f.assign_coords(_labels_of(model, dim, f.sizes[dim])) for f in ordered]
    return ordered[0] if isinstance(result, str) else tuple(ordered)


def dimension(function: str, axis: Any, array: Any) -> Any:
    """The dimension of a DataArray that an axis means: its name, or its position."""
    if isinstance(axis, Hashable) and axis in array.dims:
        return axis
    if isinstance(axis, str):
        raise ValueError(f"{function}: axis must be a dimension of {array.dims} or its position, got {axis!r}")
    return array.dims[valid_axis(function, axis, array.ndim)]


def _labelled(function: str, operand: str, value: Any, sizes: dict[Any, int]) -> Any:
    """An array without labels, which broadcasts by position as everywhere in NumPy."""
    if library_of(value) != "dask.array":
        # Labels and masks of others would be lost.
        in_memory(function, {operand: value})
    value = value if hasattr(value, "__array_function__") else np.asarray(value)
    try:
        array = np.broadcast_to(value, tuple(sizes.values()))
    except ValueError:
        raise ValueError(f"{function}: {operand} must broadcast to {sizes}, got shape {value.shape}") from None
    return sys.modules["xarray"].DataArray(array, dims=list(sizes))


def _labels_of(model: Any, dim: Any, length: int) -> dict[Any, Any]:
    part = model.isel({dim: slice(None, length)})
    return {name: coordinate for name, coordinate in part.coords.items() if dim in coordinate.dims}


def _each_variable(function: Callable[..., Any], operands: Operands, axis: Any, options: dict[str, Any]) -> Any:
    """A Dataset's variables one by one; their dimensions differ, so a position would mean something else in each."""
    xr: Any = sys.modules["xarray"]
    name = function.__name__
    if any(core for _, core in operands.values()):
        if isinstance(axis, int):
            raise TypeError(f"{name}: axis must be the name of a dimension for a Dataset, got {axis!r}")
        options = options | {"axis": axis}
    model = next(value for value, _ in operands.values() if isinstance(value, xr.Dataset))
    found = {}
    for variable in model.data_vars:
        values = {}
        for operand, (value, _) in operands.items():
            if isinstance(value, xr.Dataset) and variable not in value:
                raise ValueError(f"{name}: {operand} must have the variable {variable!r}, got {list(value.data_vars)}")
            values[operand] = value[variable] if isinstance(value, xr.Dataset) else value
        found[variable] = function(**values, **options)
    if any(isinstance(f, tuple) for f in found.values()):
        parts = zip(*found.values(), strict=True)
        return tuple(xr.Dataset(dict(zip(found, part, strict=True)), attrs=model.attrs) for part in parts)
    return xr.Dataset(found, attrs=model.attrs)


# ---- Missing values: pandas and masked arrays -----------------------------------------------------------------


def _without_missing(
    function: Callable[..., Any],
    operands: Operands,
    missing: Mapping[str, Any],
    result: str | tuple[str, ...],
    axis: int | None,
    options: dict[str, Any],
) -> list[tuple[Any, str, Any]]:
    """The results, what each has along the axis, and where each is missing.

    An entry that is missing takes no part and stays missing; a value per row is missing where the whole row is.
    """
    arrays = {operand: value for operand, (value, _) in operands.items()}
    results = (result,) if isinstance(result, str) else result
    lost = np.zeros(np.shape(next(iter(arrays.values()))), np.bool)
    half = any("m" in core for core in (*results, *(core for _, core in operands.values())))
    for operand, at in missing.items():
        core = operands[operand][1]
        if core == "k" and at.any():
            raise TypeError(f"{function.__name__}: {operand} must not have missing entries")
        if core == "m":
            at = np.broadcast_to(at, [length // (2 if k == axis else 1) for k, length in enumerate(lost.shape)])
            at = np.concatenate([at, at], axis)
        lost = lost | (at if core or axis is None else np.expand_dims(at, axis) if at.ndim else at)
    if half and axis is not None:
        # A value and its gate are lost together.
        lost |= np.roll(lost, lost.shape[axis] // 2, axis)
    elif lost.any():
        if "mask" not in inspect.signature(function).parameters:
            raise TypeError(f"{function.__name__}: {next(iter(missing))} must not have missing entries, got some")
        # An output that is missing is 0: the sums of the way back have no mask.
        arrays |= {n: np.where(lost, 0, a).astype(a.dtype) for n, a in arrays.items() if operands[n][1] and n != "mask"}
        arrays["mask"] = ~lost & arrays.get("mask", np.True_)
    found = function(**arrays, **({} if axis is None else {"axis": axis}), **options)
    found = found if isinstance(found, tuple) else (found,)
    row = slice(None) if axis is None else (slice(None),) * axis + (slice(lost.shape[axis] // 2),)
    where = {"n": lost, "mm": lost, "m": lost[row], "": lost if axis is None else lost.all(axis)}
    where["o"] = lost if axis is None else lost.all(axis, keepdims=True)
    return [(f, core, where[core]) for f, core in zip(found, results, strict=True)]


def _masked(
    function: Callable[..., Any], operands: Operands, result: str | tuple[str, ...], axis: Any, options: dict[str, Any]
) -> Any:
    first, core = next(iter(operands.values()))
    axis = valid_axis(function.__name__, axis, np.ndim(first)) if core else None
    operands = _rows_of(operands, np.ndim(first), axis)
    missing = {n: np.ma.getmaskarray(v) for n, (v, _) in operands.items() if isinstance(v, np.ma.MaskedArray)}
    plain = {n: (np.ma.getdata(v), core) for n, (v, core) in operands.items()}
    found = _without_missing(function, plain, missing, result, axis, options)
    # A sum over all rows comes as a number.
    wrapped = tuple(np.ma.masked_array(f, lost)[()] if np.shape(f) == np.shape(lost) else f for f, _, lost in found)
    return wrapped[0] if isinstance(result, str) else wrapped


def _rows_of(operands: Operands, ndim: int, axis: int | None) -> Operands:
    """With values per row in the shape of the rows."""
    if axis is None:
        return operands
    return {n: (v if core else _per_row(v, ndim, axis), core) for n, (v, core) in operands.items()}


# ---- pandas ---------------------------------------------------------------------------------------------------


def _pandas(
    function: Callable[..., Any], operands: Operands, result: str | tuple[str, ...], axis: Any, options: dict[str, Any]
) -> Any:
    name, first = function.__name__, next(iter(operands.values()))[1]
    if result == "o":
        raise TypeError(f"{name}: keepdims must be False for pandas objects, whose columns have names")
    model: Any = next((v for v, core in operands.values() if isinstance(v, _classes("pandas")) and core == first), None)
    if model is None:
        raise TypeError(f"{name}: {next(iter(operands))} must be a pandas object where another operand is one")
    if first:
        axis = {"index": 0, "columns": model.ndim - 1}.get(axis, axis) if isinstance(axis, str) else axis
        axis = valid_axis(name, axis, model.ndim)
    else:
        axis = None
    plain, missing, nullable = {}, {}, False
    for operand, (value, core) in operands.items():
        if library_of(value) != "pandas":
            in_memory(name, {operand: value})
        else:
            _same_labels(name, operand, value, core, model, axis)
            value, lost = _values(name, operand, value)
            if lost is not None:
                missing[operand], nullable = lost, True
        plain[operand] = (value, core)
    found = _without_missing(function, _rows_of(plain, model.ndim, axis), missing, result, axis, options)
    for f, core, _ in found:
        if core == first and np.shape(f) not in ((), model.shape):
            raise ValueError(
                f"{name}: {next(iter(operands))} must broadcast to the shape of the pandas object, "
                f"{model.shape}, got {np.shape(f)} together"
            )
    wrapped = tuple(_framed(f, core, lost if nullable else None, model, axis) for f, core, lost in found)
    return wrapped[0] if isinstance(result, str) else wrapped


def _same_labels(function: str, operand: str, value: Any, core: str, model: Any, axis: int | None) -> None:
    """Values are matched by position, which is right only where labels say the same."""
    axes = list(model.axes)
    wanted = axes if core == "n" or axis is None else [a for k, a in enumerate(axes) if (k == axis) == (core == "k")]
    have = [a for k, a in enumerate(value.axes) if core != "m" or k != axis]
    if core == "" and axis is not None and value.ndim == model.ndim:
        have = [a for k, a in enumerate(value.axes) if k != axis]
    if len(have) != len(wanted) or not all(a.equals(b) for a, b in zip(have, wanted, strict=True)):
        raise ValueError(
            f"{function}: {operand} must have the labels of the other operand, {wanted}, got {have}; "
            "align them, or pass an array to go by position"
        )


def _values(function: str, operand: str, value: Any) -> tuple[Any, Any]:
    """A pandas object as one array, and where it is missing; None if none of its types knows that."""
    dtypes: list[Any] = list(value.dtypes) if value.ndim == 2 else [value.dtype]
    plain = [getattr(dtype, "numpy_dtype", dtype) for dtype in dtypes]
    for dtype in plain:
        if not isinstance(dtype, np.dtype) or dtype.kind not in "biuf":
            raise TypeError(f"{function}: {operand} must hold real numbers, got a column of {dtype}")
    common = np.result_type(*plain) if plain else np.dtype(np.float64)
    if all(isinstance(dtype, np.dtype) for dtype in dtypes):
        return value.to_numpy(dtype=common), None
    nullable = np.array([not isinstance(dtype, np.dtype) for dtype in dtypes])
    missing = value.isna().to_numpy(dtype=bool) & (nullable if value.ndim == 2 else nullable[0])
    if missing.any() and common == np.bool:
        return value.to_numpy(dtype=common, na_value=False), missing
    if missing.any():
        common = float_dtype(function, [(operand, type(common))])
        return value.to_numpy(dtype=common, na_value=np.nan), missing
    return value.to_numpy(dtype=common), missing


def _framed(array: Any, core: str, lost: Any, model: Any, axis: int | None) -> Any:
    pd: Any = sys.modules["pandas"]
    if np.ndim(array) == 0:
        return pd.NA if lost is not None and lost.all() else array
    if core == "" and axis is not None:
        framed = pd.Series(array, index=model.axes[1 - axis])
    else:
        # The labels of half a row are those of the values, which come before their gates.
        labels = [a[: np.shape(array)[k]] for k, a in enumerate(model.axes)]
        named = {"columns": labels[1]} if model.ndim == 2 else {"name": model.name}
        framed = type(model)(array, index=labels[0], **named)
    framed.attrs = dict(model.attrs)
    if lost is None:
        return framed
    # There is no nullable float16.
    return framed.astype(f"Float{max(32, 8 * array.dtype.itemsize)}").mask(lost)


_HANDLERS: dict[str, Callable[..., Any]] = {
    "xarray": _xarray,
    "pandas": _pandas,
    "dask.dataframe": lambda function, *_: _lazy_frame(function.__name__),
    "dask.array": _dask,
    "numpy.ma": _masked,
}
