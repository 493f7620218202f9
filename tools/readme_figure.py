"""Draw docs/_static/curves.svg, the picture in README.md: eight activations and their derivatives.

Run it with actfn installed, after a change of what is shown: python tools/readme_figure.py
"""

from pathlib import Path

import numpy as np

import actfn

SHOWN = ("sigmoid", "tanh", "relu", "elu", "gelu", "silu", "mish", "softplus")
TARGET = Path(__file__).parents[1] / "docs" / "_static" / "curves.svg"

COLUMNS, WIDTH, HEIGHT, GAP, TOP = 4, 168, 130, 24, 24
X_LOW, X_HIGH, Y_LOW, Y_HIGH = -4.0, 4.0, -1.2, 2.4

# Colours that colour-blind readers can tell apart, and greys that suit light and dark pages alike.
STYLE = """text { font: 14px system-ui, sans-serif; fill: #57606a; }
path { fill: none; stroke-width: 2; stroke-linejoin: round; }
.axis { stroke: #8c959f; stroke-width: 0.7; }
.f { stroke: #0072b2; } .d { stroke: #d55e00; stroke-width: 1.4; stroke-dasharray: 5 3; }
text.f { fill: #0072b2; stroke: none; } text.d { fill: #d55e00; stroke: none; }
@media (prefers-color-scheme: dark) {
text { fill: #b1bac4; } .f { stroke: #56b4e9; } .d { stroke: #e69f00; }
text.f { fill: #56b4e9; } text.d { fill: #e69f00; }
}"""


def across(x):
    """Pixels from the left edge of a panel."""
    return (x - X_LOW) / (X_HIGH - X_LOW) * WIDTH


def down(y):
    """Pixels from the top edge of a panel."""
    return (Y_HIGH - y) / (Y_HIGH - Y_LOW) * HEIGHT


def curve(x, y):
    """One stroke, cut where it leaves the panel."""
    inside = (y >= Y_LOW) & (y <= Y_HIGH)
    points = [f"{across(a):.0f} {down(b):.1f}" for a, b in zip(x[inside], y[inside], strict=True)]
    return f"M{' '.join(points)}"


def panel(name, column, row):
    """Axes, function and derivative of one activation."""
    function, backward = getattr(actfn, name), getattr(actfn, f"{name}_backward")
    x = np.linspace(X_LOW, X_HIGH, 57)
    kinks = [float(at) for at in actfn.catalog[name].kinks]
    pieces = np.split(x, np.searchsorted(x, kinks, side="right")) if kinks else [x]
    slopes = [(piece, backward(1.0, piece)) for piece in pieces]
    yield f'<g transform="translate({column * (WIDTH + GAP)} {row * (HEIGHT + GAP + TOP) + TOP})">'
    yield f'<text x="0" y="-6">{name}</text>'
    yield f'<path class="axis" d="M0 {down(0):.1f}H{WIDTH}M{across(0):.0f} 0V{HEIGHT}"/>'
    yield f'<path class="d" d="{"".join(curve(*piece) for piece in slopes)}"/>'
    yield f'<path class="f" d="{curve(x, function(x))}"/>'
    if (column, row) == (0, 0):
        yield f'<text class="f" x="{WIDTH}" y="{down(1) - 6:.0f}" text-anchor="end">f</text>'
        yield f'<text class="d" x="{WIDTH}" y="{down(0) - 10:.0f}" text-anchor="end">f′</text>'
    yield "</g>"


def main():
    """Write the file."""
    rows = -(-len(SHOWN) // COLUMNS)
    size = COLUMNS * (WIDTH + GAP) - GAP, rows * (HEIGHT + GAP + TOP) - GAP
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" role="img">',
        f"<title>{', '.join(SHOWN)}, each with its derivative</title>",
        f"<style>{STYLE}</style>",
        *(line for k, name in enumerate(SHOWN) for line in panel(name, k % COLUMNS, k // COLUMNS)),
        "</svg>",
    ]
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
