"""Loads a run of wgrad into torch.nn.Linear layers and compares the outputs with `wgrad predict`.

    pip install torch safetensors
    cargo run --release -- train examples/digits.toml --run runs/interop
    cargo run --release -- predict runs/interop --data data/digits.csv --out runs/interop/predictions.csv
    python3 tests/interop/pytorch_linear.py runs/interop data/digits.csv runs/interop/predictions.csv

Exits with 1 if a probability differs by more than 1e-5 or a class differs.
"""

import csv
import json
import sys

import torch
from safetensors.torch import load_file

run, data, predictions = sys.argv[1:]

weights = load_file(f"{run}/model.safetensors")
layers = []
for i in range(len(weights) // 2):
    out, inputs = weights[f"layers.{i}.weight"].shape
    linear = torch.nn.Linear(inputs, out)
    linear.load_state_dict({"weight": weights[f"layers.{i}.weight"], "bias": weights[f"layers.{i}.bias"]})
    layers.append(linear)
# The activation of examples/digits.toml.
model = torch.nn.Sequential(layers[0], torch.nn.Tanh(), layers[1])

preprocessing = json.load(open(f"{run}/preprocessing.json"))
features = preprocessing["schema"]["features"]
scaler = preprocessing["scaler"]
rows = list(csv.DictReader(open(data)))
x = torch.tensor([[float(r[f]) for f in features] for r in rows], dtype=torch.float64)
assert scaler["kind"] == "minmax", "examples/digits.toml scales by minmax"
low, high = (torch.tensor(scaler[key], dtype=torch.float64) for key in ("min", "max"))
span = high - low
x = torch.where(span > 0, (x - low) / torch.where(span > 0, span, 1.0), torch.zeros_like(x)).float()

with torch.no_grad():
    p = torch.softmax(model(x), dim=1)
theirs = list(csv.reader(open(predictions)))[1:]
q = torch.tensor([[float(v) for v in r[1:]] for r in theirs])
worst = (p - q).abs().max().item()
classes = (p.argmax(1) == torch.tensor([int(r[0]) for r in theirs])).all().item()
print(f"torch {torch.__version__}: {len(rows)} rows, largest difference of a probability {worst:.3g}, classes equal: {classes}")
sys.exit(0 if classes and worst <= 1e-5 and len(rows) == len(theirs) else 1)
