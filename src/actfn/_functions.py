"""Every function of the catalog under its public name, documented; setup.py writes the types into _functions.pyi."""

from . import elementwise, losses, pieces, rows, spatial
from ._docstrings import docstring
from .catalog import Activation, catalog

__all__: list[str] = []


def _publish(row: Activation) -> None:
    module = {
        "rows": rows,
        "sampled rows": rows,
        "pieces": pieces,
        "spatial": spatial,
        "row loss": losses,
        "pointwise loss": losses,
    }.get(row.kind, elementwise)
    for name in (row.name, f"{row.name}_backward"):
        function = getattr(module, name)
        function.__doc__ = docstring(row, function, backward=name != row.name)
        if hasattr(function, "__code__"):
            # Where users import it from, and where pickle looks for it.
            function.__module__ = __package__
        globals()[name] = function
        __all__.append(name)


for _row in catalog.values():
    _publish(_row)
