"""The recogniser's ONNX graph as a JAX function of its weights."""

import sys

import onnx, numpy as np, jax, jax.numpy as jnp
from onnx import numpy_helper as nh
from jax import lax

PATH = sys.argv[1]
M = onnx.load(PATH)
G = M.graph
INI = {i.name: nh.to_array(i) for i in G.initializer}
FEAT = "p2o.pd_op.squeeze.0.0"
attrs = [{a.name: onnx.helper.get_attribute_value(a) for a in n.attribute} for n in G.node]


def need():
    want = {FEAT}
    keep = []
    for n in reversed(list(enumerate(G.node))):
        if any(o in want for o in n[1].output):
            keep.append(n[0])
            want |= set(n[1].input)
    return keep[::-1]


ORDER = need()


def depthwise(x, w, st, pad):
    (a, b), (c, d) = pad
    xp = jnp.pad(x, ((0, 0), (0, 0), (a, b), (c, d)))
    kh, kw = w.shape[2:]
    H = (xp.shape[2] - kh) // st[0] + 1
    W = (xp.shape[3] - kw) // st[1] + 1
    o = 0
    for i in range(kh):
        for j in range(kw):
            o = (
                o
                + xp[:, :, i : i + (H - 1) * st[0] + 1 : st[0], j : j + (W - 1) * st[1] + 1 : st[1]]
                * w[None, :, 0, i, j, None, None]
            )
    return o


def pointwise(x, w):
    n, c, h, k = x.shape
    return jnp.matmul(w[:, :, 0, 0], x.reshape(n, c, h * k)).reshape(n, -1, h, k)


def run(P, x):
    V = {}

    def get(k):
        if k in P:
            return P[k]
        if k in V:
            return V[k]
        return INI[k]

    V["x"] = x
    for i in ORDER:
        n = G.node[i]
        a = attrs[i]
        I = [get(k) for k in n.input if k]
        op = n.op_type
        host = all(isinstance(v, (np.ndarray, np.generic)) for v in I)
        X = np if host else jnp
        if op == "Conv":
            ap = a.get("auto_pad", b"NOTSET")
            pads = "SAME_UPPER" if ap == b"SAME_UPPER" else None
            if pads:
                pad = "SAME"
            else:
                p = a["pads"]
                pad = [(p[0], p[2]), (p[1], p[3])]
            if a["group"] > 1 and a["group"] == I[0].shape[1]:
                o = depthwise(I[0], I[1], a["strides"], pad)
            elif I[1].shape[2:] == (1, 1):
                o = pointwise(I[0], I[1])
            else:
                o = lax.conv_general_dilated(
                    I[0],
                    I[1],
                    a["strides"],
                    pad,
                    feature_group_count=a["group"],
                    dimension_numbers=("NCHW", "OIHW", "NCHW"),
                )
            if len(I) > 2:
                o = o + I[2][None, :, None, None]
        elif op == "MaxPool":
            o = lax.reduce_window(I[0], -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 1, 1), "SAME")
        elif op == "AveragePool":
            o = lax.reduce_window(I[0], 0.0, lax.add, (1, 1, 3, 2), (1, 1, 3, 2), "VALID") / 6.0
        elif op == "BatchNormalization":
            s, b, m, v = I[1:5]
            f = lambda t: t[None, :, None, None]
            o = (I[0] - f(m)) / jnp.sqrt(f(v) + a.get("epsilon", 1e-5)) * f(s) + f(b)
        elif op == "Add":
            o = I[0] + I[1]
        elif op == "Sub":
            o = I[0] - I[1]
        elif op == "Mul":
            o = I[0] * I[1]
        elif op == "Div":
            o = I[0] / I[1]
        elif op == "Pow":
            o = I[0] * I[0]
        elif op == "Sqrt":
            o = X.sqrt(I[0])
        elif op == "Erf":
            o = jax.scipy.special.erf(I[0])
        elif op == "Relu":
            o = jax.nn.relu(I[0])
        elif op == "Sigmoid":
            o = jax.nn.sigmoid(I[0])
        elif op == "HardSigmoid":
            o = jnp.clip(I[0] * a["alpha"] + a["beta"], 0, 1)
        elif op == "Softmax":
            o = jax.nn.softmax(I[0], axis=a["axis"])
        elif op == "MatMul":
            o = I[0] @ I[1]
        elif op == "ReduceMean":
            o = I[0].mean(axis=tuple(a["axes"]), keepdims=bool(a.get("keepdims", 1)))
        elif op == "Concat":
            o = X.concatenate(I, axis=a["axis"])
        elif op == "Identity":
            o = I[0]
        elif op == "Shape":
            o = np.array(I[0].shape, np.int64)
        elif op == "Slice":
            st, en = I[1], I[2]
            ax = I[3] if len(I) > 3 else np.arange(len(st))
            sl = [slice(None)] * I[0].ndim
            for s, e, k in zip(st, en, ax):
                sl[int(k)] = slice(int(s), int(min(e, 2**31 - 1)))
            o = I[0][tuple(sl)]
        elif op == "Squeeze":
            o = X.squeeze(I[0], axis=tuple(a["axes"]))
        elif op == "Unsqueeze":
            o = X.expand_dims(I[0], tuple(a["axes"]))
        elif op == "Reshape":
            sh = [int(v) for v in I[1]]
            sh = [I[0].shape[k] if v == 0 else v for k, v in enumerate(sh)]
            o = I[0].reshape(sh)
        elif op == "Transpose":
            o = X.transpose(I[0], a["perm"])
        else:
            raise Exception(op)
        V[n.output[0]] = o
    return V[FEAT]


HEADW = next(n.input[1] for n in G.node if n.output[0] == "p2o.pd_op.matmul.12.0")
HEADB = [k for n in G.node if n.output[0] == "Add.209" for k in n.input if k in INI][0]
meta = {m.key: m.value for m in M.metadata_props}
CH = [""] + meta["character"].split("\n") + [" "]
KEEP = [i for i, c in enumerate(CH) if i == 0 or (len(c) == 1 and (" " <= c <= "~" or "¡" <= c <= "ÿ" or c in "№Ω–—"))]
CLS = [CH[i] for i in KEEP]


def trainables(rank=4, seed=0):
    rng = np.random.default_rng(seed)
    direct = {}
    lora = {}
    used = {k for i in ORDER for k in G.node[i].input if k in INI}
    bnstat = {k for n in G.node if n.op_type == "BatchNormalization" for k in n.input[3:5]}
    groups = {n.input[1]: attrs[i]["group"] for i, n in enumerate(G.node) if n.op_type == "Conv"}
    for k in used:
        v = INI[k]
        if v.dtype != np.float32 or v.size < 16 or k in bnstat:
            continue
        if k in groups and groups[k] > 1:
            direct[k] = v
        elif k in groups or v.ndim == 2 and min(v.shape) > 1:
            if k in groups:
                out, inn = v.shape[0], int(np.prod(v.shape[1:]))
            else:
                out, inn = v.shape
            lora[k] = (
                np.zeros((out, rank), np.float32),
                (rng.normal(0, 1 / np.sqrt(inn), (rank, inn))).astype(np.float32),
            )
        else:
            direct[k] = v
    head = (INI[HEADW][:, KEEP].copy(), INI[HEADB][KEEP].copy())
    return {"d": direct, "l": lora, "h": head}


def weights(T):
    P = dict(T["d"])
    for k, (b, a) in T["l"].items():
        P[k] = INI[k] + (b @ a).reshape(INI[k].shape)
    return P


def logits(T, x):
    f = run(weights(T), x)  # N,120,S
    return jnp.einsum("ncs,ck->nsk", f, T["h"][0]) + T["h"][1]
