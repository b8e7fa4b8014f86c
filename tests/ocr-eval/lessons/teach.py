"""Teaches the recogniser what worn lines look like, and writes the changes of its weights.

    python teach.py MODEL.onnx DIR MINUTES OUT

DIR holds what lines.py drew. All lessons are gone through as often as the time allows; the steps become smaller towards the end.
"""

import glob
import struct
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

from network import CLS, HEADB, HEADW, INI, KEEP, PATH, logits, trainables

MODEL, DIR, MINUTES, OUT = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]
WIDTHS = [224, 320, 416, 480]
BATCH = 8
RATES = {"d": 6e-4, "l": 2e-3, "h": 6e-4}
CLASS = {c: i for i, c in enumerate(CLS)}


def padded(line, width):
    out = np.zeros((3, 48, width), np.float32)
    out[:, :, : line.shape[1]] = line.astype(np.float32) / 127.5 - 1
    return out


def steps(own, width):
    """As recognise.rs: so many steps belong to the line."""
    return min(-(-own * (width // 8) // width) + 1, width // 8)


def loss(learned, x, beyond, labels, no_label):
    each = optax.ctc_loss(logits(learned, x), beyond, labels, no_label, blank_id=0)
    # What nobody can read is not to outweigh the rest.
    return jnp.mean(jnp.minimum(each, 60.0) / jnp.maximum(1, (1 - no_label).sum(1)))


def batches(rng):
    waiting = {width: [] for width in WIDTHS}
    while True:
        for name in sorted(glob.glob(DIR + "/d_*.npz")):
            drawn = np.load(name)
            for i in rng.permutation(int(drawn["n"])):
                line = drawn["x%d" % i]
                width = next((w for w in WIDTHS if w >= line.shape[1]), None)
                if width is None:
                    continue
                waiting[width].append((line, str(drawn["t"][i])))
                if len(waiting[width]) == BATCH:
                    yield width, waiting[width]
                    waiting[width] = []


def arrays(width, batch):
    x = np.stack([padded(line, width) for line, _ in batch])
    beyond = np.ones((BATCH, width // 8), np.float32)
    labels, no_label = np.zeros((BATCH, 32), np.int32), np.ones((BATCH, 32), np.float32)
    for k, (line, text) in enumerate(batch):
        beyond[k, : steps(line.shape[1], width)] = 0
        own = [CLASS[c] for c in text if c in CLASS][:32]
        labels[k, : len(own)], no_label[k, : len(own)] = own, 0
    return x, beyond, labels, no_label


def teach():
    learned = trainables()
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.scale_by_adam(b2=0.99))
    state = optimiser.init(learned)

    @jax.jit
    def step(learned, state, batch, rate):
        value, slope = jax.value_and_grad(loss)(learned, *batch)
        change, state = optimiser.update(slope, state, learned)
        change = {k: jax.tree.map(lambda v: -v * RATES[k] * rate, change[k]) for k in change}
        return optax.apply_updates(learned, change), state, value

    begun, mean = time.time(), None
    for count, (width, batch) in enumerate(batches(np.random.default_rng(0))):
        past = (time.time() - begun) / (MINUTES * 60)
        if past >= 1:
            return learned
        rate = min(1, (count + 1) / 80) * (0.03 + 0.97 * 0.5 * (1 + np.cos(np.pi * past)))
        learned, state, value = step(learned, state, arrays(width, batch), np.float32(rate))
        mean = float(value) if mean is None else 0.97 * mean + 0.03 * float(value)
        if count % 20 == 0:
            print(count, "%.3f" % mean, flush=True)


def small(values):
    """In bytes: what a step is worth, and how many steps each has."""
    values = np.asarray(values, np.float32).ravel()
    worth = float(np.abs(values).max()) / 127 or 1e-9
    return struct.pack("<f", worth) + np.clip(np.round(values / worth), -127, 127).astype(np.int8).tobytes()


def write(learned):
    """As worn.rs reads it."""
    file, before = open(PATH, "rb").read(), trainables()

    def place(name):
        raw = INI[name].astype("<f4").tobytes()
        at = file.find(raw)
        assert at >= 0 and file.find(raw, at + 1) < 0, name
        return at

    layers = []
    for name, values in sorted(learned["d"].items()):
        change = np.asarray(values) - before["d"][name]
        layers.append(struct.pack("<4I", place(name), change.size, 0, 0) + small(change))
    for name, (left, right) in sorted(learned["l"].items()):
        sizes = struct.pack("<4I", place(name), left.shape[0], right.shape[1], right.shape[0])
        layers.append(sizes + small(left) + small(right))
    weights = np.asarray(learned["h"][0]) - INI[HEADW][:, KEEP]
    biases = np.asarray(learned["h"][1]) - INI[HEADB][KEEP]
    heads = [
        struct.pack("<I", ord(c) if c else 0) + small(np.append(weights[:, i], biases[i])) for i, c in enumerate(CLS)
    ]
    with open(OUT, "wb") as out:
        out.write(b"PLATE-LESSONS-1\n")
        for part in (layers, heads):
            out.write(struct.pack("<I", len(part)) + b"".join(part))


if __name__ == "__main__":
    write(teach())
