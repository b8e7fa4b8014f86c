"""Teaches the recogniser what worn lines look like, and writes the changes of its weights.

    python teach.py MODEL.onnx DIR HELD MINUTES OUT

DIR holds what lines.py drew, HELD some more of it that nothing is learned from: the share of its characters that are read
wrongly is told from time to time. Lines are learned from as often as the time allows, those first that were least; files that are still
being drawn are taken when they are whole. The steps become smaller towards the end.
"""

import glob
import pathlib
import struct
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

from network import CLS, HEADB, HEADW, INI, KEEP, PATH, frozen, logits, trainables

DIR, HELD, MINUTES, OUT = sys.argv[2], sys.argv[3], float(sys.argv[4]), sys.argv[5]
WIDTHS = [208, 288, 368, 480]
BATCH = 8
LONGEST = 32  # characters
RATES = {"d": 6e-4, "l": 2e-3, "h": 6e-4}
CLASS = {c: i for i, c in enumerate(CLS)}
TOLD_EVERY = 300  # seconds


def told(*what):
    print(time.strftime("%H:%M:%S"), *what, flush=True)


def file(name, order):
    """The lines of a file with what they say, in the order that is given for so many."""
    drawn = np.load(name)
    for i in order(int(drawn["n"])):
        picture, text = drawn[f"x{i}"], str(drawn["t"][i])
        if picture.shape[1] <= WIDTHS[-1] and len(text) <= LONGEST:
            yield picture, text


def lines(rng):
    """Lines without end, of the files that were read least."""
    read = {}
    while True:
        for name in glob.glob(DIR + "/d_*.npz"):
            read.setdefault(name, 0)
        least = min(read.values())
        name = rng.choice(sorted(name for name, times in read.items() if times == least))
        read[name] += 1
        yield from file(name, rng.permutation)


def batches(lines, last=False):
    """Of lines of about one width. What is left over makes smaller ones in the end, filled up with nothing."""
    waiting = {width: [] for width in WIDTHS}
    for picture, text in lines:
        width = next(width for width in WIDTHS if width >= picture.shape[1])
        waiting[width].append((picture, text))
        if len(waiting[width]) == BATCH:
            yield width, waiting[width]
            waiting[width] = []
    if last:
        yield from ((width, batch) for width, batch in waiting.items() if batch)


def steps(own, width):
    """As recognise.rs: so many steps belong to the line."""
    return min(-(-own * (width // 8) // width) + 1, width // 8)


def arrays(width, batch):
    x = np.zeros((BATCH, 48, width), np.float32)
    beyond = np.ones((BATCH, width // 8), np.float32)
    labels, no_label = np.zeros((BATCH, LONGEST), np.int32), np.ones((BATCH, LONGEST), np.float32)
    for k, (picture, text) in enumerate(batch):
        x[k, :, : picture.shape[1]] = picture / np.float32(127.5) - 1
        beyond[k, : steps(picture.shape[1], width)] = 0
        own = [CLASS[c] for c in text if c in CLASS]
        labels[k, : len(own)], no_label[k, : len(own)] = own, 0
    return x, beyond, labels, no_label


def loss(learned, fixed, x, beyond, labels, no_label):
    each = optax.ctc_loss(logits(learned, fixed, x), beyond, labels, no_label, blank_id=0)
    # What nobody can read is not to outweigh the rest.
    return jnp.mean(jnp.minimum(each, 60.0) / jnp.maximum(1, (1 - no_label).sum(1)))


best = jax.jit(lambda learned, fixed, x: logits(learned, fixed, x).argmax(-1))


def changes(one, other):
    """How many characters must be changed, left out or put in."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one):
        before, row[0] = row[0], i + 1
        for j, b in enumerate(other):
            before, row[j + 1] = row[j + 1], min(before + (a != b), row[j] + 1, row[j + 1] + 1)
    return row[-1]


def wrong(learned, fixed):
    """The share of the held lines' characters that are read wrongly, and of the lines that are."""
    held = (line for name in sorted(glob.glob(HELD + "/d_*.npz")) for line in file(name, range))
    found = []
    for width, batch in batches(held, last=True):
        x, beyond, _, _ = arrays(width, batch)
        for (_, text), classes, out in zip(batch, np.asarray(best(learned, fixed, x)), beyond):
            own = [c for at, c in enumerate(classes) if not out[at] and c and (at == 0 or c != classes[at - 1])]
            found.append((min(changes([CLS[c] for c in own], text), len(text)), len(text)))
    errors, length = np.array(found).T
    return f"{errors.sum() / length.sum():.4f} of characters, {np.mean(errors > 0):.4f} of {len(found)} lines"


def teach():
    learned, fixed = trainables(), frozen()
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.scale_by_adam(b2=0.99))
    state = optimiser.init(learned)

    @jax.jit
    def step(learned, state, fixed, batch, rate):
        value, slope = jax.value_and_grad(loss)(learned, fixed, *batch)
        change, state = optimiser.update(slope, state, learned)
        change = {k: jax.tree.map(lambda v, by=RATES[k] * rate: -v * by, change[k]) for k in change}
        return optax.apply_updates(learned, change), state, value

    told("as its makers trained it, wrong on the held lines:", wrong(learned, fixed))
    begun, mean, last_told = time.time(), None, time.time()
    for count, (width, batch) in enumerate(batches(lines(np.random.default_rng(0)))):
        past = (time.time() - begun) / (MINUTES * 60)
        if past >= 1 or time.time() - last_told > TOLD_EVERY:
            write(learned)
            told(f"{count} steps, {count * BATCH} lines, loss {mean:.3f}; wrong:", wrong(learned, fixed))
            last_told = time.time()
        if past >= 1:
            return
        rate = min(1, (count + 1) / 80) * (0.03 + 0.97 * 0.5 * (1 + np.cos(np.pi * past)))
        learned, state, value = step(learned, state, fixed, arrays(width, batch), np.float32(rate))
        mean = float(value) if mean is None else 0.98 * mean + 0.02 * float(value)


def small(values):
    """In bytes: what a step is worth, and how many steps each has."""
    values = np.asarray(values, np.float32).ravel()
    worth = float(np.abs(values).max()) / 127 or 1e-9
    return struct.pack("<f", worth) + np.clip(np.round(values / worth), -127, 127).astype(np.int8).tobytes()


def write(learned):
    """As worn.rs reads it."""
    model, before = pathlib.Path(PATH).read_bytes(), trainables()

    def place(name):
        raw = INI[name].astype("<f4").tobytes()
        at = model.find(raw)
        assert at >= 0 and model.find(raw, at + 1) < 0, name
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
        out.writelines(struct.pack("<I", len(part)) + b"".join(part) for part in (layers, heads))


if __name__ == "__main__":
    teach()
