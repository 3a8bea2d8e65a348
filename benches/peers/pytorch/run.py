"""usage: python run.py <workload|matmul> [eager|compile|compile-all] [seconds]"""
import sys, os, time
t_import = time.perf_counter()
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "workloads"))
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import workloads as wl
import_s = time.perf_counter() - t_import

name = sys.argv[1]
mode = sys.argv[2] if len(sys.argv) > 2 else "eager"
limit = float(sys.argv[3]) if len(sys.argv) > 3 else 5.0
peer = f"pytorch-{torch.__version__}-{mode}"
adapter = f"cpu {torch.get_num_threads()} threads"

if name == "matmul":
    for n in (256, 512, 1024):
        a = torch.from_numpy(wl.uniform(1, n * n).reshape(n, n) - np.float32(0.5))
        b = torch.from_numpy(wl.uniform(2, n * n).reshape(n, n) - np.float32(0.5))
        wl.report(peer, adapter, f"matmul-{n}", wl.measure_matmul(n, lambda wait: a @ b, 2.0))
    sys.exit()

w = wl.Workload(name)
xs, ts = w.data()
xs, ts = torch.from_numpy(xs), torch.from_numpy(ts)
layers = []
for i, (wt, o) in enumerate(zip(w.weights(), w.dims[1:])):
    lin = nn.Linear(wt.shape[0], o)
    with torch.no_grad():
        lin.weight.copy_(torch.from_numpy(wt.T.copy()))
        lin.bias.zero_()
    layers.append(lin)
    if i + 2 < len(w.dims) or w.loss == "half":
        layers.append(nn.Sigmoid())
model = nn.Sequential(*layers)
opt = (torch.optim.SGD(model.parameters(), lr=w.lr) if w.opt == "sgd"
       else torch.optim.Adam(model.parameters(), lr=w.lr))


def loss_fn(x, t):
    y = model(x)
    if w.loss == "ce":
        return F.cross_entropy(y, t)
    if w.loss == "mse":
        return F.mse_loss(y, t)
    return 0.5 * ((y - t) ** 2).sum()


fwd = torch.compile(loss_fn) if mode.startswith("compile") else loss_fn
upd = opt.step
if mode == "compile-all":
    upd = torch.compile(opt.step)
idx = w.indices()


def step(want):
    i = torch.from_numpy(next(idx))
    loss = fwd(xs[i], ts[i])
    opt.zero_grad(set_to_none=True)
    loss.backward()
    upd()
    return loss.item() if want else None


r = wl.measure(w, step, limit)
r["import_s"] = import_s
wl.report(peer, adapter, name, r)
