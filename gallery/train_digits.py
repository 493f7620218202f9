"""
Training a network on handwritten digits
========================================

A network with one hidden layer learns to read digits, in a few seconds on any machine.
NumPy multiplies the matrices; actfn does everything that is not linear: the hidden layer's GELU, the loss on top,
and the way back through both.
"""

# sphinx_gallery_tags = ["intermediate", "training", "classification", "images", "loss"]
# sphinx_gallery_thumbnail_panel = 3

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator, NullLocator
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import trange

import actfn

actfn.show_config()

# %%
# The data
# --------
#
# scikit-learn ships 1,797 digits of 8 x 8 pixels, written by 43 people.
# A fifth of them is held back: the network never sees these while it learns, so they tell how well it reads digits
# that are new to it. ``stratify`` keeps every digit equally common in both parts.
#
# Everything is float32, the usual choice in deep learning, and actfn keeps it: no result below is ever widened.

images, labels = load_digits(return_X_y=True)
pixels = images.astype(np.float32)
x_train, x_test, y_train, y_test = train_test_split(pixels, labels, test_size=0.2, stratify=labels, random_state=0)

# Inputs of mean 0 and variance 1; both numbers come from the training part alone.
mean, scale = x_train.mean(), x_train.std()
x_train, x_test = (x_train - mean) / scale, (x_test - mean) / scale

# %%
# The network, forward
# --------------------
#
# 64 pixels, 128 hidden units, 10 scores. The weights start random, with a variance that keeps the signal as strong
# after a layer as before it.
#
# GELU passes large sums on and holds small ones back:
#
# >>> actfn.gelu(np.array([-3.0, -1.0, 0.0, 1.0, 3.0])).round(3)
# array([-0.004, -0.159,  0.   ,  0.841,  2.996])

rng = np.random.default_rng(0)
network = {
    "w1": rng.normal(0, np.sqrt(2 / 64), (64, 128)).astype(np.float32),
    "b1": np.zeros(128, np.float32),
    "w2": rng.normal(0, np.sqrt(1 / 128), (128, 10)).astype(np.float32),
    "b2": np.zeros(10, np.float32),
}


def forward(x):
    """The scores (logits) of the ten classes, and what the way back needs."""
    before = x @ network["w1"] + network["b1"]
    hidden = actfn.gelu(before)
    return hidden @ network["w2"] + network["b2"], hidden, before


# %%
# The network, backward
# ---------------------
#
# The chain rule, from the loss down to each weight. A backward function of actfn takes the gradient that arrives
# from above and the input that the forward function had. Cross-entropy takes the scores themselves, because softmax
# and logarithm are one function inside it: nothing can overflow between the two.


def gradients(x, y):
    """The loss of a batch, and its derivative with respect to everything in the network."""
    logits, hidden, before = forward(x)
    loss = actfn.cross_entropy(logits, y)

    grad_logits = actfn.cross_entropy_backward(1.0, logits, y)
    grad_hidden = grad_logits @ network["w2"].T
    grad_before = actfn.gelu_backward(grad_hidden, before)
    return loss, {
        "w1": x.T @ grad_before,
        "b1": grad_before.sum(axis=0),
        "w2": hidden.T @ grad_logits,
        "b2": grad_logits.sum(axis=0),
    }


# %%
# Adam
# ----
#
# Adam moves every weight against its average gradient, divided by the gradient's typical size, so that all weights
# move at a similar speed whatever their units. ``step`` starts at 1; the averages start at 0, which the two
# divisions by ``1 - decay**step`` make up for.

average = {name: np.zeros_like(weight) for name, weight in network.items()}
square = {name: np.zeros_like(weight) for name, weight in network.items()}


def adam(gradient, step, rate):
    """Change the network in place."""
    for name, g in gradient.items():
        average[name] += 0.1 * (g - average[name])
        square[name] += 0.001 * (g * g - square[name])
        typical = np.sqrt(square[name] / (1 - 0.999**step)) + 1e-8
        network[name] -= rate * (average[name] / (1 - 0.9**step)) / typical


# %%
# Training
# --------
#
# 40 times through the training part, in batches of about 32, with a rate that falls to 0 in a straight line.
# Each time a little noise is laid over the pixels: no digit is ever seen twice alike, and the network learns the
# stroke instead of the speck.

EPOCHS, BATCHES, RATE, NOISE = 40, 45, 2e-3, 0.5

train_losses, test_losses, accuracies, lengths = [], [], [], []
step = 0
for epoch in (progress := trange(EPOCHS, desc="training", unit=" epochs", disable=None)):
    losses, squares = [], []
    for batch in np.array_split(rng.permutation(len(x_train)), BATCHES):
        step += 1
        noise = rng.normal(0, NOISE, (len(batch), 64)).astype(np.float32)
        loss, gradient = gradients(x_train[batch] + noise, y_train[batch])
        adam(gradient, step, RATE * (1 - step / (EPOCHS * BATCHES)))
        losses.append(loss)
        squares.append(sum(np.sum(g * g) for g in gradient.values()))

    lengths.append(np.sqrt(np.mean(squares)))
    logits, _, _ = forward(x_test)
    train_losses.append(np.mean(losses))
    test_losses.append(actfn.cross_entropy(logits, y_test))
    accuracies.append(np.mean(logits.argmax(axis=1) == y_test))
    progress.write(
        f"epoch {epoch + 1:2}   loss in training {train_losses[-1]:.4f}   "
        f"held back {test_losses[-1]:.4f}   accuracy {accuracies[-1]:.2%}"
    )

# %%
# What it learned
# ---------------
#
# Softmax turns the ten scores of an image into ten probabilities; the largest is the network's answer.
# The network is less sure of the answers that are wrong, which is what such a probability is good for.

probabilities = actfn.softmax(forward(x_test)[0])
answers = probabilities.argmax(axis=1)
right, wrong = np.flatnonzero(answers == y_test), np.flatnonzero(answers != y_test)
print(f"{len(right)} of {len(y_test)} held-back digits read correctly: {len(right) / len(y_test):.2%}")
for name, chosen in (("right", right), ("wrong", wrong)):
    print(f"median probability of an answer that is {name}: {np.median(probabilities[chosen].max(axis=1)):.2f}")

assert all(weight.dtype == np.float32 for weight in network.values())
assert len(right) / len(y_test) >= 0.97

# %%
# Above, the training in three curves: the loss, the typical length of the gradient that made it small, and what came of
# it. Below, one image of each digit that was read correctly, then those that were not,
# each with the network's answer and the probability it gave.

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#595959"  # colour-blind readers can tell these apart
COLUMNS = 10

plt.rcParams.update({"font.size": 10, "axes.titlesize": 12, "axes.titlelocation": "left", "axes.titlepad": 10})
figure = plt.figure(figsize=(10, 7), layout="constrained")
figure.get_layout_engine().set(w_pad=0.08, h_pad=0.1)
curves, pictures = figure.subfigures(2, 1, height_ratios=[1.1, 1])
epochs = np.arange(1, EPOCHS + 1)

loss_axes, length_axes, accuracy_axes = curves.subplots(1, 3)
loss_axes.set_title("Loss (cross-entropy)")
for losses, name, color in ((train_losses, "training,\nwith noise", BLUE), (test_losses, "held back", ORANGE)):
    loss_axes.plot(epochs, losses, color=color, linewidth=1.8)
    loss_axes.annotate(name, (EPOCHS, losses[-1]), (8, 0), textcoords="offset points", color=color, va="center")
loss_axes.set_yscale("log")
loss_axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
loss_axes.yaxis.set_major_formatter("{x:g}")
loss_axes.yaxis.set_minor_locator(NullLocator())

length_axes.set_title("Length of the gradient")
length_axes.plot(epochs, lengths, color=BLUE, linewidth=1.8)
length_axes.set_yscale("log")
length_axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
length_axes.yaxis.set_major_formatter("{x:g}")
length_axes.yaxis.set_minor_locator(NullLocator())

last = 100 * accuracies[-1]
accuracy_axes.set_title("Accuracy, held back")
accuracy_axes.plot(epochs, np.multiply(accuracies, 100), color=ORANGE, linewidth=1.8)
accuracy_axes.annotate(
    f"{last:.1f} %", (EPOCHS, last), (8, 0), textcoords="offset points", color=ORANGE, va="center", weight="bold"
)
accuracy_axes.set_ylim(top=100)
accuracy_axes.yaxis.set_major_formatter("{x:.0f} %")

for axes in (loss_axes, length_axes, accuracy_axes):
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.set_xlabel("epoch", color=GREY)
    axes.set_xlim(0, EPOCHS)
    axes.tick_params(colors=GREY)

first_of_each = [right[y_test[right] == digit][0] for digit in range(10)]
grid = pictures.subplots(2, COLUMNS)
for row, chosen, color in zip(grid, (first_of_each, wrong[:COLUMNS]), (BLUE, ORANGE), strict=True):
    for axes, k in zip(row, chosen, strict=False):
        axes.imshow(x_test[k].reshape(8, 8), cmap="gray_r")
        axes.spines[:].set(color=color, linewidth=1.5)
        answer = f"{answers[k]}" if answers[k] == y_test[k] else f"{answers[k]}, is {y_test[k]}"
        axes.set_xlabel(f"{answer}\n{100 * probabilities[k, answers[k]]:.0f} %", color=color)
        axes.set(xticks=[], yticks=[])
    for axes in row[len(chosen) :]:
        axes.set_axis_off()
grid[0, 0].set_title(f"{len(right)} read correctly", color=BLUE)
grid[1, 0].set_title(f"{len(wrong)} read wrongly", color=ORANGE)

# A script leaves the picture in build/; on a page of the documentation it appears by itself.
if "__file__" in globals():
    Path("build").mkdir(exist_ok=True)
    figure.savefig("build/digits.png", dpi=150)
    print("The picture is in build/digits.png")
