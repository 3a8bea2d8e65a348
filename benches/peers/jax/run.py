"""usage: python run.py <workload|matmul> [step|scan] [seconds]
step: one jitted call per minibatch, batch handed over from numpy.
scan: 100 (seed: 1000) minibatches per call through lax.scan, gathered in numpy first."""
import sys, os, time
t_import = time.perf_counter()
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "workloads"))
import numpy as np
import jax, jax.numpy as jnp
from functools import partial
import workloads as wl
import_s = time.perf_counter() - t_import

name = sys.argv[1]
mode = sys.argv[2] if len(sys.argv) > 2 else "step"
limit = float(sys.argv[3]) if len(sys.argv) > 3 else 5.0
peer = f"jax-{jax.__version__}-{mode}"
adapter = str(jax.devices()[0])

if name == "matmul":
    f = jax.jit(lambda a, b: a @ b)
    for n in (256, 512, 1024):
        a = jnp.asarray(wl.uniform(1, n * n).reshape(n, n) - np.float32(0.5))
        b = jnp.asarray(wl.uniform(2, n * n).reshape(n, n) - np.float32(0.5))
        wl.report(peer, adapter, f"matmul-{n}", wl.measure_matmul(n, lambda wait: f(a, b).block_until_ready(), 2.0))
    sys.exit()

w = wl.Workload(name)
xs, ts = w.data()
if w.loss == "ce":
    ts = ts.astype(np.int32)
params = [(jnp.asarray(wt), jnp.zeros(wt.shape[1], jnp.float32)) for wt in w.weights()]
zeros = jax.tree.map(jnp.zeros_like, params)
state = (params, (zeros, jax.tree.map(jnp.zeros_like, params), jnp.float32(0))) if w.opt == "adam" else (params, ())


def loss_fn(p, x, t):
    for i, (a, b) in enumerate(p):
        x = x @ a + b
        if i + 1 < len(p) or w.loss == "half":
            x = jax.nn.sigmoid(x)
    if w.loss == "ce":
        return -jnp.take_along_axis(jax.nn.log_softmax(x), t[:, None], 1).mean()
    if w.loss == "mse":
        return ((x - t) ** 2).mean()
    return 0.5 * ((x - t) ** 2).sum()


def update(state, x, t):
    p, o = state
    l, g = jax.value_and_grad(loss_fn)(p, x, t)
    if w.opt == "sgd":
        return (jax.tree.map(lambda a, d: a - w.lr * d, p, g), ()), l
    m, v, n = o
    n = n + 1
    m = jax.tree.map(lambda a, d: 0.9 * a + 0.1 * d, m, g)
    v = jax.tree.map(lambda a, d: 0.999 * a + 0.001 * d * d, v, g)
    p = jax.tree.map(lambda a, m, v: a - w.lr * (m / (1 - 0.9 ** n)) / (jnp.sqrt(v / (1 - 0.999 ** n)) + 1e-8), p, m, v)
    return (p, (m, v, n)), l


idx = w.indices()
if mode == "step":
    f = jax.jit(update, donate_argnums=0)

    def step(want):
        global state
        i = next(idx)
        state, l = f(state, xs[i], ts[i])
        if want:
            jax.block_until_ready(state)
            return float(l)

    r = wl.measure(w, step, limit)
else:
    K = {"seed": 1000, "square": 4, "wide": 20}.get(name, 100)
    f = jax.jit(lambda s, x, t: jax.lax.scan(lambda s, b: update(s, *b), s, (x, t)), donate_argnums=0)

    def step(want):
        global state
        i = np.stack([next(idx) for _ in range(K)])
        state, l = f(state, xs[i], ts[i])
        if want:
            jax.block_until_ready(state)
            return float(l[min(w.check_steps, K) - 1]) if step.first else float(l[-1])

    step.first = True
    t = time.perf_counter()
    l1 = step(True)
    first = time.perf_counter() - t
    step.first = False
    w.check_steps = 1
    r = wl.measure(w, step, limit)
    r["loss_check"] = l1
    r["first_step_s"] = first  # the compilation is in the call before the measured ones
    for k in ("steps_per_s", "samples_per_s", "gflop_per_s", "steps"):
        r[k] *= K
r["import_s"] = import_s
wl.report(peer, adapter, name, r)
