"""The recogniser's ONNX graph as a JAX function of its weights.

Pictures are kept with their channels last, so that a convolution is one product of matrices: on a processor, that is
many times as fast as the graph's own order. Weights that are learned as products of narrow matrices are never put
together while learning: what goes through a layer goes through its own weights and through the narrow ones beside them.
"""

import functools
import sys

import jax
import jax.numpy as jnp
import numpy as np
import onnx
from onnx import numpy_helper

PATH = sys.argv[1]
MODEL = onnx.load(PATH)
GRAPH = MODEL.graph
INI = {i.name: numpy_helper.to_array(i) for i in GRAPH.initializer}
FEATURES = "p2o.pd_op.squeeze.0.0"
RANK = 8


def needed():
    """The nodes that the features need, in order."""
    want, nodes = {FEATURES}, []
    for node in reversed(GRAPH.node):
        if want & set(node.output):
            nodes.append((node, {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}))
            want |= set(node.input)
    return nodes[::-1]


NODES = needed()
CONVOLVED = {node.input[1]: given for node, given in NODES if node.op_type == "Conv"}


def last(x):
    """Channels last."""
    return x.transpose(0, 2, 3, 1)


def shifts(x, given, kernel):
    """The picture under each place of the kernel: as the kernel moves over it, so is it shifted."""
    strides, sides = given["strides"], x.shape[1:3]
    if given.get("auto_pad") == b"SAME_UPPER":
        before = [(k - 1) // 2 for k in kernel]
        after = [k - 1 - b for k, b in zip(kernel, before)]
    else:
        before, after = given["pads"][:2], given["pads"][2:]
    # Written into a larger picture, and not padded: else each place of each shift is asked whether it is an edge.
    larger = (x.shape[0], *(side + b + a for side, b, a in zip(sides, before, after)), x.shape[3])
    x = jax.lax.dynamic_update_slice(jnp.zeros(larger, x.dtype), x, (0, *before, 0))
    down, across = ((side + b + a - k) // s + 1 for side, b, a, k, s in zip(sides, before, after, kernel, strides))
    return [
        x[:, i : i + (down - 1) * strides[0] + 1 : strides[0], j : j + (across - 1) * strides[1] + 1 : strides[1]]
        for i in range(kernel[0])
        for j in range(kernel[1])
    ]


def multiplied(x, weights, narrow):
    """Through a layer, and through the narrow matrices beside it."""
    if narrow is None:
        return x @ weights
    return beside_layer(x.reshape(-1, x.shape[-1]), weights, *narrow).reshape(*x.shape[:-1], -1)


@jax.custom_vjp
def beside_layer(x, weights, left, right):
    return x @ (weights + right @ left)


def beside_and_back(x, weights, left, right):
    both = weights + right @ left
    return x @ both, (x, both, left, right)


def beside_back(kept, slope):
    x, both, left, right = kept
    # Behind a barrier: else the order is turned round, and large matrices are turned instead of narrow ones.
    inner, outer = jax.lax.optimization_barrier((x @ right, slope @ left.T))
    return slope @ both.T, jnp.zeros_like(both), inner.T @ slope, (outer.T @ x).T


beside_layer.defvjp(beside_and_back, beside_back)


def around(x, kernel):
    beside = [k // 2 for k in kernel] * 2
    return shifts(x, {"strides": [1, 1], "pads": beside}, kernel)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def apart(x, weights, kernel):
    """A convolution of each channel by itself, whose slopes are written down: what is found for it is slow."""
    return sum(shift * own for shift, own in zip(around(x, kernel), weights))


def apart_and_back(x, weights, kernel):
    return apart(x, weights, kernel), (x, weights)


def apart_back(kernel, kept, slope):
    x, weights = kept
    by_weight = jnp.stack([jnp.sum(shift * slope, (0, 1, 2)) for shift in around(x, kernel)])
    return apart(slope, weights[::-1], kernel), by_weight


apart.defvjp(apart_and_back, apart_back)


def convolution(x, name, weights, narrow, given):
    kernel = INI[name].shape[2:]
    if given["group"] > 1:
        weights = weights[:, 0].reshape(len(weights), -1).T
        if given["strides"] == [1, 1]:
            return apart(x, weights, kernel)
        return sum(shift * own for shift, own in zip(shifts(x, given, kernel), weights))
    if kernel != (1, 1) or given["strides"] != [1, 1]:
        x = jnp.concatenate(shifts(x, given, kernel), -1)
    return multiplied(x, weights, narrow)


def flat(weights):
    """A kernel as a matrix, from what goes in, place by place, to what comes out."""
    return weights.transpose(2, 3, 1, 0).reshape(-1, weights.shape[0])


def frozen():
    """The weights that stay as they are, as matrices. They are handed over, and so are no constants of the program."""
    learned = trainables()["l"]
    return {name: flat(INI[name]) if name in CONVOLVED else INI[name] for name in learned}


def beside(name, left, right):
    """The narrow matrices in the order of `frozen`: for a convolution, they are stored as the file has its kernel."""
    if name not in CONVOLVED:
        return right, left  # x (left right), and so first left
    rank = right.shape[0]
    return left.T, right.reshape(rank, *INI[name].shape[1:]).transpose(2, 3, 1, 0).reshape(-1, rank)


def features(learned, fixed, x):
    """What the recogniser sees at each step; x has its channels last."""
    values, pictures = {"x": x}, {"x"}  # those of `pictures` have their channels last

    def get(name):
        return learned["d"].get(name, values.get(name, INI.get(name)))

    for node, given in NODES:
        op, names, out = node.op_type, [n for n in node.input if n], node.output[0]
        picture = any(name in pictures for name in names)
        if op in ("Conv", "MatMul") and names[1] in INI:
            narrow = beside(names[1], *learned["l"][names[1]]) if names[1] in learned["l"] else None
            if op == "Conv":
                weights = fixed[names[1]] if narrow else get(names[1])
                values[out] = convolution(get(names[0]), names[1], weights, narrow, given)
                assert len(names) == 2
            else:
                values[out] = multiplied(get(names[0]), fixed[names[1]], narrow)
            if picture:
                pictures.add(out)
            continue
        given_values = [get(name) for name in names]
        if picture and op in ("Reshape", "Squeeze", "Shape", "Transpose"):
            given_values[0] = given_values[0].transpose(0, 3, 1, 2)
            picture = False
        elif picture:
            shaped = [getattr(v, "ndim", 0) == 4 and n not in pictures for v, n in zip(given_values, names)]
            given_values = [last(v) if other else v for v, other in zip(given_values, shaped)]
            pictures.add(out)
        values[out] = computed(op, given, given_values, picture)
    return values[FEATURES]


def computed(op, given, values, picture):
    host = all(isinstance(v, (np.ndarray, np.generic)) for v in values)
    xp = np if host else jnp
    x = values[0]
    match op:
        case "MaxPool":
            x = jnp.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=-jnp.inf)
            return jnp.maximum(jnp.maximum(x[:, :-1, :-1], x[:, 1:, :-1]), jnp.maximum(x[:, :-1, 1:], x[:, 1:, 1:]))
        case "AveragePool":
            n, height, width, channels = x.shape
            return x.reshape(n, height // 3, 3, width // 2, 2, channels).mean((2, 4))
        case "BatchNormalization":
            scale, bias, mean, variance = values[1:5]
            return (x - mean) / jnp.sqrt(variance + given["epsilon"]) * scale + bias
        case "Add":
            return x + values[1]
        case "Sub":
            return x - values[1]
        case "Mul":
            return x * values[1]
        case "Div":
            return x / values[1]
        case "Pow":
            return x * x
        case "Sqrt":
            return xp.sqrt(x)
        case "Erf":
            return jax.scipy.special.erf(x)
        case "Relu":
            return jax.nn.relu(x)
        case "Sigmoid":
            return jax.nn.sigmoid(x)
        case "HardSigmoid":
            return jnp.clip(x * given["alpha"] + given["beta"], 0, 1)
        case "Softmax":
            return jax.nn.softmax(x, axis=given["axis"])
        case "MatMul":
            return x @ values[1]
        case "ReduceMean":
            axes = tuple(a - 1 for a in given["axes"]) if picture else tuple(given["axes"])
            return x.mean(axis=axes, keepdims=bool(given.get("keepdims", 1)))
        case "Concat":
            return xp.concatenate(values, axis=3 if picture else given["axis"])
        case "Identity":
            return x
        case "Shape":
            return np.array(x.shape, np.int64)
        case "Slice":
            axes = values[3] if len(values) > 3 else np.arange(len(values[1]))
            part = [slice(None)] * x.ndim
            for begin, end, axis in zip(values[1], values[2], axes):
                part[int(axis)] = slice(int(begin), int(min(end, 2**31 - 1)))
            return x[tuple(part)]
        case "Squeeze":
            return xp.squeeze(x, axis=tuple(given["axes"]))
        case "Unsqueeze":
            return xp.expand_dims(x, tuple(given["axes"]))
        case "Reshape":
            return x.reshape([x.shape[i] if side == 0 else int(side) for i, side in enumerate(values[1])])
        case "Transpose":
            return xp.transpose(x, given["perm"])
    raise ValueError(op)


HEADW = next(n.input[1] for n in GRAPH.node if n.output[0] == "p2o.pd_op.matmul.12.0")
HEADB = next(k for n in GRAPH.node if n.output[0] == "Add.209" for k in n.input if k in INI)
META = {m.key: m.value for m in MODEL.metadata_props}
CHARACTERS = ["", *META["character"].split("\n"), " "]
# Those that models.rs keeps.
KEEP = [
    i
    for i, c in enumerate(CHARACTERS)
    if i == 0 or (len(c) == 1 and (" " <= c <= "~" or "¡" <= c <= "ÿ" or c in "№Ω–—"))
]
CLS = [CHARACTERS[i] for i in KEEP]


def trainables(seed=0):
    """What is learned: `d`, weights as they are; `l`, products of narrow matrices to be added to a layer's weights, which
    are nothing at first; `h`, the last layer."""
    rng = np.random.default_rng(seed)
    direct, narrow = {}, {}
    used = sorted({name for node, _ in NODES for name in node.input if name in INI})
    statistics = {name for node, _ in NODES if node.op_type == "BatchNormalization" for name in node.input[3:5]}
    for name in used:
        own = INI[name]
        if own.dtype != np.float32 or own.size < 16 or name in statistics:
            continue
        apart = name in CONVOLVED and CONVOLVED[name]["group"] > 1
        if not apart and (name in CONVOLVED or own.ndim == 2 and min(own.shape) > 1):
            rows, columns = own.shape[0], own.size // own.shape[0]
            right = rng.normal(0, 1 / np.sqrt(columns), (RANK, columns)).astype(np.float32)
            narrow[name] = np.zeros((rows, RANK), np.float32), right
        else:
            direct[name] = own
    return {"d": direct, "l": narrow, "h": (INI[HEADW][:, KEEP].copy(), INI[HEADB][KEEP].copy())}


def logits(learned, fixed, lines):
    """Of each step and character; lines are in grey, their width last, -1 to 1."""
    x = jnp.broadcast_to(lines[..., None], (*lines.shape, 3))
    seen = features(learned, fixed, x)  # lines, features, steps
    return jnp.einsum("ncs,ck->nsk", seen, learned["h"][0]) + learned["h"][1]
