"""Without a command: what is installed, and a few worked examples computed on the spot."""

import numpy as np

import actfn


def curves() -> None:
    """Three activations and their derivatives: a backward function with a gradient of 1 gives the derivative."""
    print("Sigmoid, tanh and ReLU, each with its derivative\n")
    x = np.array([-np.inf, -1.0, 0.0, 1.0, np.inf])
    names = ("sigmoid", "tanh", "relu")
    print(" " * 6 + "x" + "".join(f"{name:>11}{name + chr(39):>11}" for name in names))
    columns = [column for name in names for column in (getattr(actfn, name), getattr(actfn, f"{name}_backward"))]
    values = [f(x) if f.nin == 1 else f(1.0, x) for f in columns]
    for row in zip(x, *values, strict=True):
        print(f"{row[0]:7.0f}" + "".join(f"{value:11.4f}" for value in row[1:]))


def matrix() -> None:
    """Any shape goes in; the same shape comes out."""
    print("ReLU of a matrix\n")
    x = np.array([[-1.0, 2.0, -3.0], [4.0, -5.0, 6.0]])
    for before, after in zip(x, actfn.relu(x), strict=True):
        print("  " + "".join(f"{v:5.0f}" for v in before) + "   ->" + "".join(f"{v:5.0f}" for v in after))


def probabilities() -> None:
    """Scores become probabilities; a score that leads by a little more leads by far in probability."""
    print("Softmax turns scores into probabilities\n")
    scores = np.array([2.0, 1.0, 0.1])
    listed = ", ".join(f"{p:.4f}" for p in actfn.softmax(scores))
    print(f"  softmax([{', '.join(f'{s:g}' for s in scores)}]) = [{listed}]\n")

    classes, scores = ("dog", "cat", "bear", "person"), np.array([2.0, 10.0, 1.0, 4.0])
    chances = actfn.softmax(scores)
    print(f"  {'class':8}{'score':>6}{'probability':>14}")
    for k, name in enumerate(classes):
        print(f"  {name:8}{scores[k]:6.0f}{chances[k]:14.6f}{'   the answer' if k == np.argmax(chances) else ''}")
    print(f"  {'sum':8}{'':6}{chances.sum():14.6f}")


def losses() -> None:
    """Cross-entropy takes scores, because the softmax is inside: only so does it stay finite."""
    print("Cross-entropy, from the scores and by way of softmax\n")
    print(f"  {'scores':>18}{'label':>7}{'cross_entropy':>15}{'-log(exp/sum)':>15}")
    for scores, label in (([2.0, 10.0, 1.0, 4.0], 1), ([2.0, 10.0, 1.0, 4.0], 0), ([0.0, 1000.0], 0)):
        with np.errstate(all="ignore"):
            naive = -np.log(np.exp(scores) / np.sum(np.exp(scores)))[label]
        listed = ", ".join(f"{s:g}" for s in scores)
        print(f"  {listed:>18}{label:7}{actfn.cross_entropy([scores], [label]):15.6f}{naive:15.6f}")


def run() -> None:
    """Print it all."""
    actfn.show_config()
    for example in (curves, matrix, probabilities, losses):
        print()
        example()
