"""Runs exported networks in onnxruntime and compares the outputs with `wgrad predict`.

    pip install onnx onnxruntime numpy
    cargo build
    python3 tests/interop/onnx_runtime.py target/debug/wgrad

Trains a few steps of one network of every kind of layer for each activation and scaling, exports it with and without probabilities, checks the file by
onnx.checker (shape inference included), and runs it on one row and on all rows. Exits with 1 if an output differs by more than
1e-5 * max(1, |output|), or a file is not accepted.
"""

import csv
import json
import random
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

wgrad = sys.argv[1]
ACTIVATIONS = ["identity", "sigmoid", "tanh", "relu", "leaky_relu", "{ leaky_relu = { slope = 0.2 } }", "gelu", "gelu_tanh",
               "silu", "softplus", "mish", "softmax"]
LOSSES = [("cross_entropy", 3), ("bce_with_logits", 1), ("binary_cross_entropy", 1), ("mse", 2), ("hinge", 1)]


def run(*args):
    subprocess.run([wgrad, *args], check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def data(folder):
    rng = random.Random(1)
    with open(f"{folder}/d.csv", "w") as file:
        # One column far from 0, one constant: what a scaling does badly shows there.
        file.write("a,b,c,d,three,two,u,v\n")
        for i in range(60):
            a, b, c = rng.gauss(0, 1), rng.gauss(1000, 0.5), rng.uniform(-20, 20)
            file.write(f"{a},{b},{c},7,{'xyz'[i % 3]},{'no' if a > 0 else 'yes'},{a + b / 1000},{c / 10}\n")


def spec(loss, outputs, activation, scale, affine="true"):
    target, drop = {3: ("three", []), 1: ("two", []), 2: (["u", "v"], [])}[outputs]
    last = 'activation = "sigmoid"' if loss == "binary_cross_entropy" else ""
    quoted = activation if activation.startswith("{") else f'"{activation}"'
    return f"""[data]
train = "{loss}.csv"
target = {json.dumps(target)}
scale = "{scale}"
[[model.layers]]
dense = 12
activation = {quoted}
[[model.layers]]
batch_norm = true
[[model.layers]]
dropout = 0.1
[[model.layers]]
layer_norm = true
[[model.layers]]
group_norm = 2
affine = {affine}
[[model.layers]]
dense = 4
activation = {quoted}
bias = false
[[model.layers]]
dense = {outputs}
{last}
[train]
loss = "{loss}"
optimizer = {{ adam = {{ lr = 0.01 }} }}
batch_size = 8
epochs = 3
seed = 3
"""


def columns(folder, loss, outputs):
    """The data without the other targets, which would be features."""
    keep = {3: ["three"], 1: ["two"], 2: ["u", "v"]}[outputs]
    rows = list(csv.DictReader(open(f"{folder}/d.csv")))
    names = ["a", "b", "c", "d"]
    with open(f"{folder}/{loss}.csv", "w") as file:
        writer = csv.writer(file)
        writer.writerow(names + keep)
        writer.writerows([[r[n] for n in names + keep] for r in rows])
    return np.array([[float(r[n]) for n in names] for r in rows])


def scaled(x, folder):
    scaler = json.load(open(f"{folder}/preprocessing.json"))["scaler"]
    if scaler["kind"] == "standard":
        return (x - np.array(scaler["mean"])) / np.array(scaler["std"])
    if scaler["kind"] == "minmax":
        low, high = np.array(scaler["min"]), np.array(scaler["max"])
        return np.where(high > low, (x - low) / np.where(high > low, high - low, 1), 0)
    return x


def check(folder, name, loss, outputs, with_scaler):
    run_dir, file = f"{folder}/{name}", f"{folder}/{name}.onnx"
    knows_probabilities = loss in ("cross_entropy", "bce_with_logits")
    flags = (["--with-scaler"] if with_scaler else []) + (["--probabilities"] if knows_probabilities else [])
    run("convert", run_dir, "--out", file, *flags)
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    run("predict", run_dir, "--data", f"{folder}/{loss}.csv", "--out", f"{folder}/p.csv", "--device", "cpu")
    rows = list(csv.reader(open(f"{folder}/p.csv")))
    first = 1 if rows[0][0] == "class" else 0
    expected = np.array([[float(v) for v in r[first:]] for r in rows[1:]])
    x = columns(folder, loss, outputs)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    double = session.get_inputs()[0].type == "tensor(double)"
    x = (x if with_scaler else scaled(x, run_dir)).astype(np.float64 if double else np.float32)
    found = session.run(None, {"x": x})[0]
    one = session.run(None, {"x": x[:1]})[0]
    assert found.shape == expected.shape and one.shape == expected[:1].shape, (found.shape, expected.shape)
    bound = np.maximum(1, np.abs(expected))
    return max((np.abs(found - expected) / bound).max(), (np.abs(one - expected[:1]) / bound[:1]).max())


worst, count = 0.0, 0
with tempfile.TemporaryDirectory() as folder:
    data(folder)
    cases = [(loss, outputs, activation, "standard") for activation in ACTIVATIONS for loss, outputs in LOSSES[:1]]
    cases += [(loss, outputs, "tanh", scale) for loss, outputs in LOSSES for scale in ("standard", "minmax", "none")]
    for i, (loss, outputs, activation, scale) in enumerate(cases):
        columns(folder, loss, outputs)
        open(f"{folder}/s{i}.toml", "w").write(spec(loss, outputs, activation, scale, "true" if i % 2 else "false"))
        run("train", f"{folder}/s{i}.toml", "--run", f"{folder}/r{i}", "--device", "cpu")
        for with_scaler in (False, True):
            difference = check(folder, f"r{i}", loss, outputs, with_scaler)
            worst, count = max(worst, difference), count + 1
            if difference > 1e-5:
                print(f"{loss}, {activation}, scale {scale}, with scaler {with_scaler}: {difference:.3g}")
print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}: {count} files, largest difference {worst:.3g}")
sys.exit(0 if worst <= 1e-5 else 1)
