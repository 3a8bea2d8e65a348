"""The loss of every workload at its check step, from PyTorch in f64 (and f32): what src/bench/workload.rs expects.

usage: python expected.py     in an environment with torch and numpy"""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "workloads"))
import torch
import torch.nn as nn
import torch.nn.functional as F
import workloads as wl


def loss_at_check(name, dtype):
    w = wl.Workload(name)
    xs, ts = (torch.from_numpy(v) for v in w.data())
    layers = []
    for i, (weight, outputs) in enumerate(zip(w.weights(), w.dims[1:])):
        linear = nn.Linear(weight.shape[0], outputs).to(dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight.T.copy()))
            linear.bias.zero_()
        layers.append(linear)
        if i + 2 < len(w.dims) or w.loss == "half":
            layers.append(nn.Sigmoid())
    model = nn.Sequential(*layers)
    optimizer = (torch.optim.SGD if w.opt == "sgd" else torch.optim.Adam)(model.parameters(), lr=w.lr)
    order = w.indices()
    for _ in range(w.check_steps):
        rows = torch.from_numpy(next(order))
        y, t = model(xs[rows].to(dtype)), ts[rows]
        if w.loss == "ce":
            loss = F.cross_entropy(y, t)
        elif w.loss == "mse":
            loss = F.mse_loss(y, t.to(dtype))
        else:
            loss = 0.5 * ((y - t.to(dtype)) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


for name in wl.W:
    print(name, "f64", loss_at_check(name, torch.float64), "f32", loss_at_check(name, torch.float32), flush=True)
