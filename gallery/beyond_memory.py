"""
Calibrating a classifier on more scores than fit in memory
==========================================================

.. meta::
   :keywords: Dask, cluster, larger than memory, softmax, cross-entropy

A classifier that was trained well may still be too sure of itself.
Temperature scaling mends that with one number: its scores are divided by the temperature at which the cross-entropy of
held-back examples is smallest [1]_.

Here those scores are larger than the memory that a process may use. Dask cuts them into chunks and sends actfn's
functions to the processes, one chunk at a time; the code is what it would be for an array.

.. [1] Guo, Pleiss, Sun and Weinberger, 2017, arXiv:1706.04599
"""

# sphinx_gallery_tags = ["advanced", "dask", "classification", "loss"]

import logging
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import dask
import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
from dask.distributed import Client, LocalCluster

import actfn

# %%
# The scores
# ----------
#
# 90,000 examples of 1,024 classes in float32 are 352 MiB. They are written to files in chunks of 4 MiB; every chunk
# holds whole rows, so no softmax has to bring the parts of a row together.
#
# The labels are drawn from the probabilities that the scores give at temperature 2, by Gumbel's trick: the largest
# score plus noise. So 2 is what is to be found.

EXAMPLES, CLASSES, TRUTH = 90_000, 1024, 2.0
MEMORY = 320 * 2**20


def made_up(folder):
    """Scores in files, and their labels."""
    random = da.random.default_rng(0)
    shape = {"size": (EXAMPLES, CLASSES), "chunks": (1024, CLASSES)}
    da.to_npy_stack(folder, 3 * random.standard_normal(dtype=np.float32, **shape))
    logits = da.from_npy_stack(folder)
    return logits, (logits / TRUTH + random.gumbel(**shape)).argmax(axis=1).compute()


# %%
# Newton's method
# ---------------
#
# The loss is convex in b, which is 1 / temperature, and so Newton's method finds its minimum in a few steps.
# Dividing by the temperature and multiplying by b are the same:
#
# >>> scores = np.array([2.0, 1.0, 0.1])
# >>> bool(np.allclose(actfn.softmax(scores, temperature=2.0), actfn.softmax(scores * 0.5)))
# True
#
# By the chain rule the slope is the sum of the loss's gradient times the scores; its change with b is the variance of
# the scores under the softmax. Nothing is computed until ``dask.compute``, which reads each file once for all three.


def newton_step(logits, labels, b):
    """Loss, slope and curvature at b."""
    scores = logits * np.float32(b)
    loss = actfn.cross_entropy(scores, labels)
    slope = (actfn.cross_entropy_backward(1.0, scores, labels) * logits).sum(dtype=np.float64)
    p = actfn.softmax(scores)
    variance = (p * logits**2).sum(axis=1) - (p * logits).sum(axis=1) ** 2
    return dask.compute(loss, slope, variance.mean(dtype=np.float64))


def calibrated(logits, labels):
    """The best temperature, and the losses on the way there."""
    b, losses = 1.0, []
    for _ in range(4):
        loss, slope, curvature = newton_step(logits, labels, b)
        losses.append(loss)
        print(f"temperature {1 / b:.4f}   cross-entropy {loss:.4f}")
        b -= slope / curvature
    return 1 / b, losses


# %%
# How sure is it, and how often right?
# ------------------------------------
#
# The mean of the largest probabilities is what the classifier says of itself. It should be the share of examples that
# it gets right.


def checked(logits, labels, temperature):
    """How often it is right, and what it says at temperature 1 and at the given one."""
    right = (logits.argmax(axis=1) == labels).mean()
    said = [actfn.softmax(logits, temperature=t).max(axis=1).mean(dtype=np.float64) for t in (1.0, temperature)]
    return dask.compute(right, *said)


# %%
# Two processes
# -------------
#
# Each of them may use 320 MiB, less than the scores take; Dask ends a process that needs more. Each has one thread:
# Dask divides the processors among chunks, so actfn need not divide them again.

# Without a dashboard, and without a warning whenever a process comes near its limit, which it does on purpose.
QUIET = {"dashboard_address": None, "silence_logs": logging.ERROR}

if __name__ == "__main__":
    with (
        TemporaryDirectory() as folder,
        LocalCluster(n_workers=2, threads_per_worker=1, memory_limit=MEMORY, **QUIET) as cluster,
        Client(cluster) as client,
    ):
        processes = client.run(os.getpid)
        logits, labels = made_up(Path(folder) / "scores")
        print(f"{logits.nbytes / 2**20:.0f} MiB of scores, {MEMORY >> 20} MiB of memory for a process")
        temperature, losses = calibrated(logits, labels)
        right, before, after = checked(logits, labels, temperature)
        print(f"right {right:.1%}   said at first {before:.1%}   says now {after:.1%}")

        limits = [worker["memory_limit"] for worker in client.scheduler_info()["workers"].values()]
        assert len(limits) == 2 and all(logits.nbytes > limit for limit in limits)
        assert client.run(os.getpid) == processes, "Dask ended a process"
        assert abs(temperature - TRUTH) < 0.01 and losses[-1] < losses[0]
        assert abs(after - right) < 0.01 < before - right

    figure, axes = plt.subplots(figsize=(8, 3.4), layout="constrained")
    names = ("is right", "says so, temperature 1", f"says so, temperature {temperature:.2f}")
    bars = axes.barh(names, 100 * np.array([right, before, after]), color=["C2", "C1", "C0"])
    axes.bar_label(bars, fmt="%.1f%%", padding=4)
    axes.set(
        xlabel="%",
        title="How often it is right, and how sure",
        xlim=(0, 115 * max(right, before, after)),
    )
    axes.invert_yaxis()
    plt.show()
